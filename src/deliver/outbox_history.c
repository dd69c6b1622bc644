#include "deliver/outbox_history.h"

#include <stddef.h>
#include <string.h>

static void remove_range(struct outbox_history *history, unsigned at)
{
        memmove(&history->ranges[at], &history->ranges[at + 1], (history->range_count - at - 1) * sizeof *history->ranges);
        history->range_count--;
}

/* The oldest two that touch become one; where none do, the oldest is forgotten. */
static void make_room(struct outbox_history *history)
{
        for (unsigned i = 0; i + 1 < history->range_count; i++) {
                struct dropped_range *range = &history->ranges[i], *next = &history->ranges[i + 1];
                if (range->last + 1 != next->first)
                        continue;
                range->last = next->last;
                range->last_ms = next->last_ms;
                remove_range(history, i + 1);
                return;
        }
        remove_range(history, 0);
}

static void insert_range(struct outbox_history *history, unsigned at, const struct dropped_range *range)
{
        memmove(&history->ranges[at + 1], &history->ranges[at], (history->range_count - at) * sizeof *history->ranges);
        history->ranges[at] = *range;
        history->range_count++;
}

static unsigned first_behind(const struct outbox_history *history, uint64_t number)
{
        unsigned at = 0;
        while (at < history->range_count && history->ranges[at].first <= number)
                at++;
        return at;
}

void outbox_history_trim(struct outbox_history *history, const struct dropped_range *range, bool apart)
{
        history->is_changed = true;
        unsigned at = first_behind(history, range->first);
        /* Numbers that were lost between those that now went. */
        while (at < history->range_count && history->ranges[at].last <= range->last)
                remove_range(history, at);
        if (at > 0 && !apart && history->ranges[at - 1].last + 1 == range->first) {
                history->ranges[at - 1].last = range->last;
                history->ranges[at - 1].last_ms = range->last_ms;
                return;
        }
        if (history->range_count == OUTBOX_RANGES_MOST) {
                make_room(history);
                at = first_behind(history, range->first);
        }
        insert_range(history, at, range);
}

void outbox_history_lose(struct outbox_history *history, const struct dropped_range *range)
{
        history->is_changed = true;
        if (history->range_count == OUTBOX_RANGES_MOST)
                make_room(history);
        insert_range(history, history->range_count, range);
}

void outbox_history_raise(struct outbox_history *history, uint64_t behind, uint64_t ms)
{
        history->is_changed = true;
        while (history->floor_count > 0 && history->floors[history->floor_count - 1].behind >= behind) {
                if (history->floors[history->floor_count - 1].ms > ms)
                        ms = history->floors[history->floor_count - 1].ms;
                history->floor_count--;
        }
        if (history->floor_count > 0 && history->floors[history->floor_count - 1].ms > ms)
                ms = history->floors[history->floor_count - 1].ms;
        if (history->floor_count == OUTBOX_FLOORS_MOST) { /* the oldest: its entries were delivered long ago */
                memmove(&history->floors[0], &history->floors[1], (OUTBOX_FLOORS_MOST - 1) * sizeof *history->floors);
                history->floor_count--;
        }
        history->floors[history->floor_count++] = (struct id_floor){behind, ms};
}

const struct dropped_range *outbox_history_find(const struct outbox_history *history, uint64_t number)
{
        unsigned at = first_behind(history, number);
        return at > 0 && history->ranges[at - 1].last >= number ? &history->ranges[at - 1] : NULL;
}

uint64_t outbox_history_raised(const struct outbox_history *history, uint64_t number, uint64_t ms)
{
        for (unsigned i = history->floor_count; i-- > 0;)
                if (history->floors[i].behind < number)
                        return history->floors[i].ms > ms ? history->floors[i].ms : ms;
        return ms;
}
