#include "deliver/tail_entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "deliver/redis_entry.h"
#include "model/alert.pb-c.h"

static const redisReply *find_value(const redisReply *fields, const char *name)
{
        for (size_t i = 0; i + 1 < fields->elements; i += 2) {
                const redisReply *field = fields->element[i], *value = fields->element[i + 1];
                if (field->type == REDIS_REPLY_STRING && value->type == REDIS_REPLY_STRING && strcmp(field->str, name) == 0)
                        return value;
        }
        return NULL;
}

static bool read_id(const redisReply *reply, struct entry_id *out)
{
        return reply->type == REDIS_REPLY_STRING && strlen(reply->str) == reply->len && redis_id_parse(out, reply->str);
}

static bool read_count(const redisReply *reply, uint64_t *out)
{
        char *end;
        if (reply->str[0] < '0' || reply->str[0] > '9' || strlen(reply->str) != reply->len)
                return false;
        errno = 0;
        *out = strtoull(reply->str, &end, 10);
        return errno == 0 && *end == '\0';
}

static bool write_gap(const redisReply *fields, const char *sensor, struct json_buffer *lines)
{
        const redisReply *from = find_value(fields, "gap_from"), *to = find_value(fields, "gap_to");
        const redisReply *count = find_value(fields, "count");
        struct entry_id id;
        uint64_t number;
        if (!from || !to || !count || !read_id(from, &id) || !read_id(to, &id) || !read_count(count, &number))
                return false;
        json_put_begin_object(lines);
        json_put_key(lines, "sensor"), json_put_string(lines, sensor);
        json_put_key(lines, "gap_from"), json_put_string(lines, from->str);
        json_put_key(lines, "gap_to"), json_put_string(lines, to->str);
        json_put_key(lines, "count"), json_put_number(lines, number);
        json_put_end_object(lines);
        json_put_newline(lines);
        return true;
}

enum tail_entry_kind tail_entry_write(const redisReply *entry, const char *sensor, struct wire_arena *arena,
                                      struct json_buffer *lines, struct entry_id *id)
{
        if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 || !read_id(entry->element[0], id))
                return TAIL_ENTRY_NONE;
        const redisReply *fields = entry->element[1];
        if (fields->type != REDIS_REPLY_ARRAY)
                return TAIL_ENTRY_GONE;
        const redisReply *packed = find_value(fields, "pb");
        if (packed == NULL)
                return write_gap(fields, sensor, lines) ? TAIL_ENTRY_GAP : TAIL_ENTRY_FOREIGN;
        const ProtobufCMessage *alert =
                wire_unpack(arena, &apnwatch__v1__alert__descriptor, (const uint8_t *)packed->str, packed->len);
        if (alert == NULL)
                return TAIL_ENTRY_FOREIGN;
        model_json_write(alert, lines);
        json_put_newline(lines);
        return TAIL_ENTRY_ALERT;
}
