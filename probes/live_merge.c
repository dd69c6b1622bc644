#include "probes/live_merge.h"

#include <stddef.h>

static int64_t earliest(const struct live_queue *queue)
{
        return queue->next < queue->count ? queue->frames[queue->next].time_ns : queue->none_before_ns;
}

static struct live_queue *earliest_frame(struct live_queue *queues, unsigned count)
{
        struct live_queue *first = NULL;
        for (unsigned i = 0; i < count; i++)
                if (queues[i].next < queues[i].count && (first == NULL || earliest(&queues[i]) < earliest(first)))
                        first = &queues[i];
        return first;
}

/* Up to where the frames of this queue come before those of all others. */
static int64_t others_begin(const struct live_queue *queues, unsigned count, const struct live_queue *except)
{
        int64_t begin = INT64_MAX;
        for (unsigned i = 0; i < count; i++)
                if (&queues[i] != except && earliest(&queues[i]) < begin)
                        begin = earliest(&queues[i]);
        return begin;
}

void live_merge(struct live_queue *queues, unsigned count, struct frame_batch *batch)
{
        while (batch->count < FRAME_BATCH) {
                struct live_queue *queue = earliest_frame(queues, count);
                if (queue == NULL)
                        return;
                int64_t until = others_begin(queues, count, queue);
                if (queue->frames[queue->next].time_ns > until)
                        return;
                while (queue->next < queue->count && batch->count < FRAME_BATCH && queue->frames[queue->next].time_ns <= until)
                        batch->frames[batch->count++] = queue->frames[queue->next++];
        }
}

int64_t live_merge_held_ns(const struct live_queue *queues, unsigned count)
{
        int64_t frame = INT64_MAX, behind = INT64_MAX;
        for (unsigned i = 0; i < count; i++) {
                int64_t *least = queues[i].next < queues[i].count ? &frame : &behind;
                if (earliest(&queues[i]) < *least)
                        *least = earliest(&queues[i]);
        }
        return frame == INT64_MAX ? -1 : frame > behind ? frame - behind : 0;
}
