/* What a server sends, fed in pieces whose size the first byte says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "deliver/redis_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all that is in it, as a caller would. */
static size_t walk(const redisReply *reply)
{
        size_t sum = (size_t)reply->type;
        if (reply->str)
                sum += strlen(reply->str) + (size_t)reply->str[reply->len];
        for (size_t i = 0; i < reply->elements; i++)
                sum += walk(reply->element[i]);
        return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct redis_replies replies;
        redisReply *reply;
        char why[300] = "";
        if (size == 0)
                return 0;
        size_t step = (size_t)data[0] + 1;
        if (redis_replies_open(&replies) != 0)
                abort();
        int result = 0;
        for (size_t at = 1; at < size && result >= 0; at += step) {
                if (redis_replies_feed(&replies, data + at, size - at < step ? size - at : step) != 0)
                        abort();
                while ((result = redis_replies_next(&replies, &reply, why, sizeof why)) == 1) {
                        if (walk(reply) == 0)
                                abort();
                        redis_reply_free(reply);
                }
        }
        if ((result < 0) != (why[0] != '\0'))
                abort();
        redis_replies_close(&replies);
        return 0;
}
