/* What the outbox knows of entry IDs beyond the entries it holds: ranges of numbers that are no longer there, and
 * floors to which IDs were raised. Small and of fixed size, so that a commit works on a copy and keeps it only when it
 * succeeded.
 *
 * Which entries are missing is told by the entries that are there; ranges only keep the IDs of their ends. When there
 * are too many, the oldest neighbours become one, and the first ID of such a range is that of an earlier entry: too
 * low, never too high. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { OUTBOX_RANGES_MOST = 128, OUTBOX_FLOORS_MOST = 64 };

struct dropped_range {
        uint64_t first, last, first_ms, last_ms;
};

struct id_floor { /* entries behind this number have at least this time in their ID */
        uint64_t behind, ms;
};

struct outbox_history {
        struct dropped_range ranges[OUTBOX_RANGES_MOST]; /* by number */
        unsigned range_count;
        struct id_floor floors[OUTBOX_FLOORS_MOST];      /* rising in both */
        unsigned floor_count;
        bool is_changed;         /* since it was stored */
};

/* The oldest entries went. `apart`: begin a new range also where the one before ends just before it. */
void outbox_history_trim(struct outbox_history *history, const struct dropped_range *range, bool apart);
/* The newest numbers never became entries. */
void outbox_history_lose(struct outbox_history *history, const struct dropped_range *range);
void outbox_history_raise(struct outbox_history *history, uint64_t behind, uint64_t ms);

/* The range that holds `number`; NULL: none does. */
const struct dropped_range *outbox_history_find(const struct outbox_history *history, uint64_t number);
/* The time in the ID of entry `number`, which was stored with `ms`. */
uint64_t outbox_history_raised(const struct outbox_history *history, uint64_t number, uint64_t ms);
