#include "tests/traffic/timeline.h"

#include <stdbool.h>
#include <stdlib.h>

struct item {
        int64_t time_ns;
        uint64_t order;
        timeline_act *act;
        void *subject;
};

struct timeline {
        struct item *items; /* a binary heap */
        size_t count, capacity;
        uint64_t added;
};

struct timeline *timeline_create(void)
{
        return calloc(1, sizeof(struct timeline));
}

void timeline_destroy(struct timeline *timeline)
{
        if (timeline == NULL)
                return;
        free(timeline->items);
        free(timeline);
}

static bool item_before(const struct item *a, const struct item *b)
{
        return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

void timeline_add(struct timeline *timeline, int64_t time_ns, timeline_act *act, void *subject)
{
        if (timeline->count == timeline->capacity) {
                timeline->capacity = timeline->capacity * 2 + 1024;
                timeline->items = realloc(timeline->items, timeline->capacity * sizeof(struct item));
                if (timeline->items == NULL)
                        abort();
        }
        struct item item = {time_ns, timeline->added++, act, subject};
        size_t at = timeline->count++;
        while (at > 0 && item_before(&item, &timeline->items[(at - 1) / 2])) {
                timeline->items[at] = timeline->items[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        timeline->items[at] = item;
}

static void sink_last(struct timeline *timeline)
{
        struct item last = timeline->items[--timeline->count];
        size_t at = 0;
        for (;;) {
                size_t child = at * 2 + 1;
                if (child >= timeline->count)
                        break;
                if (child + 1 < timeline->count && item_before(&timeline->items[child + 1], &timeline->items[child]))
                        child++;
                if (!item_before(&timeline->items[child], &last))
                        break;
                timeline->items[at] = timeline->items[child];
                at = child;
        }
        if (timeline->count > 0)
                timeline->items[at] = last;
}

int timeline_step(struct timeline *timeline)
{
        if (timeline->count == 0)
                return 0;
        struct item first = timeline->items[0];
        sink_last(timeline);
        first.act(first.subject, first.time_ns);
        return 1;
}
