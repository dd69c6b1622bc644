/* What the alert book's files share. Private to src/judge/alert_book*.c. */
#pragma once

#include "judge/alert_book.h"

#include <uthash.h>
#include <utlist.h>

#include "judge/device_set.h"
#include "model/wire.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MORE_EVIDENCE = 3, RECENT_FLOWS = 4, SEVERITIES = APNWATCH__V1__ALERT__SEVERITY__CRITICAL + 1 };

struct cause {
        XXH128_hash_t hash;
};

struct order {
        uint64_t clock, frame;
        uint32_t shard, index;
        uint32_t life; /* not 0: time had been there before; told apart by it */
};

struct alert {
        struct cause cause;
        enum finding_type type;
        uint8_t severity, score, confidence, told_severity;
        bool is_closed, has_cause;
        bool is_dirty; /* changed since the last revision */
        bool is_due;   /* a revision waits for its time */
        uint32_t revision;
        uint64_t count, told_count;
        int64_t first_ns, last_ns, active_ns, revised_ns; /* evidence times; clock of last activity and revision */
        struct order order;
        uint64_t first_flow, recent_flows[RECENT_FLOWS];
        uint64_t reports_spaced;   /* positions at moments of their own, for the cadence */
        struct alert_numbers numbers;
        struct { uint32_t file; uint64_t frame; } more[MORE_EVIDENCE];
        uint8_t more_count, more_packed; /* beside the first; those of an earlier life are packed */
        uint32_t last_file;
        uint64_t last_frame;
        struct device_set *devices; /* of a fleet's alert */
        struct alert *prev, *next;  /* in the queue of its quiet class, or among the closed */
        struct alert *due_prev, *due_next;
        UT_hash_handle hh;
        uint32_t packed_length;
        uint8_t packed[];
};

struct alert_book {
        struct alert_book_settings settings;
        struct alert *by_cause;
        struct alert *open[QUIET_CLASSES], *closed, *due;
        uint32_t count;
        uint64_t evictions;
        uint64_t tally[FINDING_TYPES][SEVERITIES];
        /* So that no id is made twice where time goes back (`live`): what opens at or before `floor_ns` is of this life. */
        uint64_t clock, floor;
        bool allows_late;
        uint32_t life;
        struct alert *loaded; /* the last one, to which loaded devices belong */
        struct wire_arena *arena; /* of the message that is composed or packed */
};

/* The alert as it stands, with all its evidence, without a fleet's devices; lives until the next one is composed or packed.
 * False without memory. */
struct composed_alert {
        Apnwatch__V1__Alert *message;
        Apnwatch__V1__Evidence extra[MORE_EVIDENCE], *evidence[1 + MORE_EVIDENCE];
};
bool alert_compose(const struct alert_book *book, const struct alert *alert, struct composed_alert *out);

/* Bytes of the cause that goes with a delivered alert (alert_book_state.c); 0 when they do not fit. */
enum { CAUSE_ROOM = 4096 };
size_t alert_pack_cause(const struct alert *alert, uint8_t cause[CAUSE_ROOM]);

void alert_book_insert(struct alert_book *book, struct alert *alert, bool is_due); /* counted, by its last activity */
void alert_book_remove(struct alert_book *book, struct alert *alert);              /* and freed */
