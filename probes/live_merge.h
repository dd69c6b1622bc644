/* Frames of several rings in the order of their times. Each ring shows the frames that were taken from it last; those behind them
 * stay in the ring, so what is held back needs no memory of its own. */
#pragma once

#include <stdint.h>

#include "base/frame.h"

struct live_queue {
        struct frame *frames;           /* from next to count: not yet handed over */
        unsigned next, count;
        int64_t none_before_ns;         /* of what is not among them: no frame of the ring is earlier */
};

/* Appends to the batch what can be said to be next: until it is full, or what comes next may still be on its way. */
void live_merge(struct live_queue *queues, unsigned count, struct frame_batch *batch);

/* For how long nothing can be handed over unless a frame comes: by how much the earliest frame is ahead of the ring that is
 * furthest behind. Negative: no frame waits. */
int64_t live_merge_held_ns(const struct live_queue *queues, unsigned count);
