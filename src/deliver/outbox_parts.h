/* What outbox.c (opens, adds, consumers), outbox_commit.c and outbox_read.c (gives entries back) share; nobody else
 * includes it. */
#pragma once

#include "deliver/outbox.h"
#include "deliver/outbox_history.h"
#include "deliver/outbox_pending.h"
#include "deliver/outbox_store.h"
#include "model/wire.h"

enum { OUTBOX_BLOCK_ENTRIES = 256, OUTBOX_BLOCK_BYTES = 256 * 1024, OUTBOX_ALERT_MOST = 1024 * 1024,
       OUTBOX_ARENA = 8 * OUTBOX_ALERT_MOST, OUTBOX_MARKS_MOST = 33 };

struct block_entry {
        uint64_t number, ms;
        size_t offset, length;
};

/* Entries read ahead: all that there were behind `after`, up to `through`. */
struct outbox_block {
        uint64_t after, through;
        struct block_entry entries[OUTBOX_BLOCK_ENTRIES];
        unsigned count, next;
        uint64_t trims;          /* how often the outbox had been trimmed */
        uint8_t *bytes;
        size_t size;
};

struct outbox_consumer {
        struct outbox_consumer *next;
        struct outbox *outbox;
        char *name;
        struct outbox_position at;
        bool is_changed;         /* since it was stored */
        struct outbox_block block;
};

struct acknowledged_mark { /* at this time every consumer had all up to this number */
        uint64_t ms, number;
};

/* What a commit changes beside the entries: worked on as a copy, kept when the transaction succeeded. */
struct outbox_shape {
        uint64_t committed, first_held, held;
        struct outbox_history history;
        struct acknowledged_mark marks[OUTBOX_MARKS_MOST];
        unsigned mark_count;
        bool marks_changed;
};

struct outbox {
        struct outbox_store store;
        struct outbox_pending pending;
        struct outbox_shape shape, draft;
        struct outbox_consumer *consumers;
        char *sensor;
        uint64_t size_limit, fixed_ms, memory_limit, log_bytes;
        uint64_t retention_ms;
        uint64_t (*now_ms)(void);

        uint64_t last_number, last_ms; /* given to an alert */
        uint64_t stored_number, stored_ms;
        uint64_t refused, lost, bytes, trims;
        uint64_t next_upkeep_ms; /* monotonic */

        int failing;             /* negative errno of the last commit; 0: it succeeded */
        uint64_t retry_ms;       /* monotonic */
        uint64_t waited, lost_before; /* since it fails */
        bool is_full_told, is_read_failure_told;
        uint64_t dropped_waiting; /* since that was told */

        struct wire_arena arena;
};

/* Held in `shape`; ms without floors. 1: found; 0: none; negative errno. */
int outbox_entry_at_or_before(struct outbox *outbox, uint64_t number, struct entry_id *out);
int outbox_entry_at_or_behind(struct outbox *outbox, uint64_t number, struct entry_id *out);
void outbox_note_read_failure(struct outbox *outbox, int code);

void outbox_bind_id(sqlite3_stmt *statement, int at, const struct alert_key *key);
void outbox_measure(struct outbox *outbox); /* `bytes` */
int outbox_commit_now(struct outbox *outbox); /* outbox_commit, also directly after a failure */
