/* One interface of the live probe: libpcap's handle with its ring, and the frames taken from it last.
 *
 * libpcap hands a block of the ring back to the kernel as soon as the last packet of it has been through the callback, still
 * inside pcap_dispatch, so frames are copied. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/live.h"
#include "probes/live_clock.h"
#include "probes/live_link.h"
#include "probes/live_merge.h"

enum {
        RING_BLOCK_BYTES = 256 << 10,   /* libpcap's, with TPACKET_V3 */
        RING_TIMEOUT_MS = 50,           /* a block that is not full goes to the reader after that ... */
        RING_DELAY_MS = 2 * RING_TIMEOUT_MS + 20, /* ... by a timer that may just have run, and a tick of the kernel or two */
        RING_BATCH_BYTES = 512 << 10,   /* taken at one time; the last frame may go beyond */
        RING_SNAP_LENGTH = 262144,      /* the most that libpcap hands over */
        RING_ROOM = RING_BATCH_BYTES + RING_SNAP_LENGTH,
        RING_MEMORY = RING_ROOM + FRAME_BATCH * sizeof(struct frame), /* beside the kernel's */
};

/* What all rings of a probe share. */
struct live_shared {
        struct live_settings settings;  /* without any zero that stands for something else */
        struct live_clock clock;
        struct live_link link;
};

struct live_ring {
        struct live_interface report;   /* its name is ours */
        struct live_queue *queue;       /* the probe's, for the merge; its frames are ours */
        struct live_stamp stamp;
        struct live_shared *shared;
        void *pcap;                     /* NULL: it was down when it was to be opened, or is gone */
        int descriptor;
        unsigned number;                /* the kernel's, of the interface; 0: all of them (`any`) */
        uint16_t index, link_type;      /* the former: in the settings */
        uint8_t *bytes;
        size_t bytes_used;
        uint64_t missed;                /* by the card, when it was looked at last */
        bool broken;                    /* something is wrong with it: live_ring_check says what */
        int64_t gone_after_ns;          /* steady; what lies in the ring is read until then. 0: nothing of the kind */
};

/* 0, or negative errno with a message. An interface that is down is no failure: it is opened when it is up. */
int live_ring_open(struct live_ring *ring, struct live_shared *shared, unsigned index, struct live_queue *queue, char *error,
                   unsigned error_size);
void live_ring_clear(struct live_ring *ring);

/* The next frames; those before are not needed any more. */
void live_ring_collect(struct live_ring *ring);
/* Down, up again, or gone? */
void live_ring_check(struct live_ring *ring);
/* Adds what the kernel and the card dropped since the last time. */
void live_ring_count_drops(struct live_ring *ring);
