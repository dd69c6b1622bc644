/* The streams that `tail` reads: how far each was read, and what was lost on the way because the server trimmed it first. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "deliver/outbox.h"
#include "deliver/stream_info.h"

enum { TAIL_STREAMS = 1024, TAIL_SENSOR_LIMIT = 256 };

struct tail_stream {
        char *key;               /* "apnwatch:{edge-1}:alerts" */
        char *sensor;            /* "edge-1" */
        bool is_wanted;          /* else it is only kept in the position file */
        struct entry_id read;    /* all up to here were read */
        struct entry_id written; /* and all but the last `unwritten` are printed, up to here */
        uint64_t unwritten;
        /* How many entries the stream had ever had when `read` was its last: with it, holes can be counted. */
        bool is_counted;
        uint64_t count;
        uint64_t told;           /* as a group: holes up to this count were told */
        /* What this connection still has to do. */
        bool has_info, has_group, has_pending_done, is_claimed;
        bool begins_at_end;      /* what is there at the first sight is not wanted */
        struct entry_id cursor;  /* of the pending entries; of the claim */
};

struct tail_streams {
        struct tail_stream *streams;
        unsigned count;
        bool is_full;            /* there were more than TAIL_STREAMS; told once */
};

void tail_streams_clear(struct tail_streams *streams);
struct tail_stream *tail_streams_find(const struct tail_streams *streams, const char *key, size_t length); /* NULL: unknown */
/* The one that is there, or a new one. NULL: the key is not that of a stream of alerts, there are too many, or no memory. */
struct tail_stream *tail_streams_add(struct tail_streams *streams, const char *key, size_t length);
struct tail_stream *tail_streams_add_sensor(struct tail_streams *streams, const char *sensor);
/* Forgets what belongs to a connection. */
void tail_streams_reconnected(struct tail_streams *streams);

int entry_id_compare(struct entry_id a, struct entry_id b);

/* Entries that went before they were read, since the last call; the account goes on behind them. At the first sight of a
 * stream it begins. */
uint64_t tail_stream_missed(struct tail_stream *stream, const struct stream_info *info);
/* The same for a group. */
uint64_t tail_stream_group_missed(struct tail_stream *stream, const struct stream_info *info, const struct group_info *group);

/* The position file: a line a stream, "KEY ID COUNT" of what is printed, COUNT "-" where it is not known. A file that is not
 * there is empty. 0 or negative errno with a message. Writing goes beside it and renames, so that it is never half. */
int tail_streams_load(struct tail_streams *streams, const char *path, char *error, size_t error_size);
int tail_streams_save(const struct tail_streams *streams, const char *path);
