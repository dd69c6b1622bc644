/* A server in the test's own event loop that speaks RESP2 as badly as the test wants. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct event_base;
struct redisReply;

struct fake_redis {
        /* What the test sets, at any time. */
        /* Writes RESP to `out` for a command (an array of strings). False: answered as a friendly server would: PING, ROLE
         * (master), else +OK. `command_number` counts from 1 on this connection. NULL: never asked. */
        bool (*answer)(void *context, const struct redisReply *command, unsigned command_number, struct evbuffer *out);
        void *context;
        bool dribble;            /* replies go byte by byte */
        bool is_mute;            /* commands are read and not answered */
        size_t cut_after;        /* the connection ends after so many bytes of replies; 0: never */

        /* What it counts. */
        unsigned connections, commands;
        char last_command[64];   /* first word of it */

        struct fake_redis_parts *parts;
};

/* On a free port of 127.0.0.1. A failure ends the test. */
void fake_redis_start(struct fake_redis *fake, struct event_base *base);
void fake_redis_stop(struct fake_redis *fake);
uint16_t fake_redis_port(const struct fake_redis *fake);
/* As if it died: all connections end, it goes on listening. */
void fake_redis_hang_up(struct fake_redis *fake);
/* Word `index` of the command is `text` (case matters). */
bool fake_redis_word_is(const struct redisReply *command, unsigned index, const char *text);
