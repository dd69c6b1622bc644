/* What a server answers to XREAD and XINFO: each array of two as an entry, each array as what is said of a stream. */
#include <stdint.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "deliver/redis_reply.h"
#include "deliver/stream_info.h"
#include "deliver/tail_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wire_arena arena;
static struct json_buffer lines;

static void walk(const redisReply *reply)
{
        struct entry_id id;
        struct stream_info info;
        struct group_info group;
        size_t length = lines.length;
        enum tail_entry_kind kind = tail_entry_write(reply, "edge-1", &arena, &lines, &id);
        if ((kind == TAIL_ENTRY_ALERT || kind == TAIL_ENTRY_GAP) != (lines.length > length))
                abort();
        if (lines.length > length && lines.text[lines.length - 1] != '\n')
                abort();
        if (stream_info_read(reply, &info) && info.has_added && info.added < info.length)
                abort();
        group_info_read(reply, "siem", &group);
        for (size_t i = 0; i < reply->elements; i++)
                walk(reply->element[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct redis_replies replies;
        redisReply *reply;
        char why[300];
        if (arena.memory == NULL) {
                arena.memory = malloc(1 << 16);
                arena.size = 1 << 16;
        }
        if (arena.memory == NULL || redis_replies_open(&replies) != 0 || redis_replies_feed(&replies, data, size) != 0)
                abort();
        while (redis_replies_next(&replies, &reply, why, sizeof why) == 1) {
                walk(reply);
                redis_reply_free(reply);
        }
        redis_replies_close(&replies);
        json_buffer_clear(&lines);
        return 0;
}
