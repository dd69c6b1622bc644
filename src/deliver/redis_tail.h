/* Reads the streams that sensors wrote (INTERFACE: Redis) and gives each alert as a line of JSON, each gap record as
 * {"sensor":...,"gap_from":...,"gap_to":...,"count":N}.
 *
 * Alone, it knows how far it read, goes on there after a reconnect, and keeps that in a position file when told to. In a
 * group the server knows: own pending entries come first, those of consumers that went silent for 60 s next, then new ones;
 * XACK follows when the lines are written. What was printed of late is remembered, so that a server that forgot who
 * acknowledged what does not make it come twice.
 *
 * What the server trimmed before it was read is counted (where it tells: Redis 7, Valkey) and told. Streams are looked for by
 * SCAN, which in a Cluster covers one node only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "deliver/redis_link.h"

struct event_base;
struct redis_tail;

struct redis_tail_settings {             /* strings are the caller's and outlive the tail */
        struct redis_link_settings link; /* its callbacks are the tail's */
        const char *sensor;              /* NULL: all that there are, looked for every 10 s */
        const char *group, *consumer;    /* NULL: alone */
        const char *position;            /* file; alone only; NULL: none */
        bool only_new;                   /* not what the streams hold at the first sight */
        bool ends;                       /* at the end of what is there, and when the server cannot be read at first */
        /* Whole lines, to be written before it returns; how many bytes were. Fewer: as redis_tail_stop. Negative errno:
         * `finished` follows with it. */
        ssize_t (*print)(void *context, const char *text, size_t length);
        /* Nothing more will come: 0, or negative errno (told before, but for that of `print`). */
        void (*finished)(void *context, int result);
        void *context;
};

struct redis_tail_numbers {
        uint64_t alerts, gaps;           /* lines given */
        uint64_t foreign;                /* entries that are neither alert nor gap record */
        uint64_t missed;                 /* trimmed before they were read */
};

/* 0 or negative errno with a message; begins when the loop runs. */
int redis_tail_open(struct redis_tail **out, struct event_base *base, const struct redis_tail_settings *settings, char *error,
                    size_t error_size);
/* Reads no further; `finished` follows when the server has the acknowledgements, after 2 s at the latest. */
void redis_tail_stop(struct redis_tail *tail);
void redis_tail_numbers(const struct redis_tail *tail, struct redis_tail_numbers *out);
/* The position is written. 0 or negative errno of that. Not from within a callback. */
int redis_tail_close(struct redis_tail *tail);
