#include "deliver/stream_info.h"

#include <string.h>

#include <hiredis/hiredis.h>

#include "deliver/redis_entry.h"

/* The value behind a name in a list of names and values; NULL: not there, or of another type. */
static const redisReply *named(const redisReply *list, const char *name, int type)
{
        for (size_t i = 0; list->type == REDIS_REPLY_ARRAY && i + 1 < list->elements; i += 2)
                if (list->element[i]->type == REDIS_REPLY_STRING && strcmp(list->element[i]->str, name) == 0)
                        return list->element[i + 1]->type == type ? list->element[i + 1] : NULL;
        return NULL;
}

bool stream_info_read(const redisReply *reply, struct stream_info *out)
{
        const redisReply *length = named(reply, "length", REDIS_REPLY_INTEGER);
        const redisReply *added = named(reply, "entries-added", REDIS_REPLY_INTEGER);
        const redisReply *last = named(reply, "last-generated-id", REDIS_REPLY_STRING);
        const redisReply *first = named(reply, "first-entry", REDIS_REPLY_ARRAY);
        memset(out, 0, sizeof *out);
        if (!length || !last || length->integer < 0 || !redis_id_parse(&out->last_generated, last->str))
                return false;
        out->length = (uint64_t)length->integer;
        out->has_added = added && added->integer >= length->integer;
        out->added = out->has_added ? (uint64_t)added->integer : 0;
        out->has_first = first && first->elements == 2 && first->element[0]->type == REDIS_REPLY_STRING &&
                         redis_id_parse(&out->first, first->element[0]->str);
        return true;
}

bool group_info_read(const redisReply *reply, const char *group, struct group_info *out)
{
        for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
                const redisReply *name = named(reply->element[i], "name", REDIS_REPLY_STRING);
                const redisReply *delivered = named(reply->element[i], "last-delivered-id", REDIS_REPLY_STRING);
                const redisReply *read = named(reply->element[i], "entries-read", REDIS_REPLY_INTEGER);
                if (!name || strcmp(name->str, group) != 0)
                        continue;
                if (!delivered || !read || read->integer < 0 || !redis_id_parse(&out->delivered, delivered->str))
                        return false;
                out->read = (uint64_t)read->integer;
                return true;
        }
        return false;
}
