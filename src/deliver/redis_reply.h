/* RESP2 replies out of bytes, by hiredis's reader with objects of our own, so that a hostile server cannot make us allocate
 * without bound: bytes and elements of one reply are limited (hiredis limits the depth to 7). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct redisReader;
struct redisReply;

enum {
        REDIS_REPLY_BYTES_LIMIT = 64 << 20,    /* text of one reply, and what waits to become one */
        REDIS_REPLY_ELEMENTS_LIMIT = 1 << 18   /* all arrays of one reply together */
};

struct redis_replies {
        struct redisReader *reader;
        size_t bytes;              /* of the reply that is being read */
        unsigned elements;
        bool too_large;
};

int redis_replies_open(struct redis_replies *replies); /* 0 or -ENOMEM */
void redis_replies_close(struct redis_replies *replies); /* {0} is fine */

/* 0 or -ENOMEM. To be followed by redis_replies_next until there is none. */
int redis_replies_feed(struct redis_replies *replies, const void *bytes, size_t length);

/* 1 with a reply to be freed by redis_reply_free; 0: more bytes are needed; -EPROTO with a reason that is fit to be shown:
 * what came is no reply, and none will follow. */
int redis_replies_next(struct redis_replies *replies, struct redisReply **out, char *error, size_t error_size);
void redis_reply_free(struct redisReply *reply);
