/* Frames from interfaces by libpcap: TPACKET_V3, never immediate mode. Opening needs CAP_NET_RAW; a probe that is open may be
 * handed to a forked child which drops it. Several interfaces are merged by packet time.
 *
 * Times only rise: when the clock of the machine is set back, packet times go on from where they were, slowed to nine tenths until
 * they meet the clock again; that is logged once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "probes/probe.h"

enum { LIVE_INTERFACES = 16 };

struct live_settings {
        const char *interfaces[LIVE_INTERFACES];
        unsigned count;
        uint32_t buffer_bytes;   /* of the ring of each interface; 0: 64 MiB */
        uint32_t snap_length;    /* 0: 262144 */
        bool no_promiscuous;
        const char *filter;      /* libpcap syntax, on the outer frame; NULL: none */
        unsigned wait_ms;        /* the longest that probe_next waits; 0: 100 */
};

/* NULL with a message (no such interface, permission: what capability is missing, filter). Warnings about offloads (GRO, LRO, TSO, GSO:
 * by SIOCETHTOOL), a snap length that cuts, and an interface that is down are logged. One that is down is opened when it is up; where
 * whoever reads may not do that any more, it is GONE then. probe_next on it gives 1 with count 0 when nothing came within wait_ms or a
 * signal came, and 0 never. Frames: `file` 0, `interface` the index in settings, `order` and `number` rising over all from 1. */
struct probe *live_probe_open(const struct live_settings *settings, char *error, unsigned error_size);

struct live_interface {
        const char *name;
        enum { LIVE_UP, LIVE_DOWN, LIVE_GONE } state; /* GONE: cannot be read any more; a new probe must be opened */
        uint64_t received;       /* handed out by probe_next */
        uint64_t bytes;          /* of them, as on the wire */
        uint64_t dropped_kernel; /* the ring was full */
        uint64_t dropped_interface; /* missed by the card or its driver, since it was opened */
        uint64_t late;           /* of those received: stamped before what was handed out earlier or told as now; given that time */
};

/* How each does, settings' order. Every packet that the kernel saw is in received, in dropped_kernel, or still in the ring. Two
 * system calls an interface. A frame on `lo` is one frame, though the kernel sees it twice. */
unsigned live_probe_interfaces(struct probe *probe, struct live_interface out[LIVE_INTERFACES]);

/* Wall time as packet times have it (see above), less what may still be on its way in a ring: no frame before it will come. */
int64_t live_probe_now(struct probe *probe);

/* Bytes that the rings take. */
uint64_t live_probe_memory(const struct live_settings *settings);
