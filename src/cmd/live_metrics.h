/* What `live` exposes: plain numbers in, metrics out. Whoever has the numbers fills the struct at each scrape. Counters never go back
 * while the process lives: what a worker counts from its own start is added up by whoever fills this. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "deliver/delivery.h"
#include "deliver/metrics.h"

/* Names come from a worker and are as many as it likes; so many are told by name, what is beyond or not [a-z0-9_.] as "other". */
enum { LIVE_COUNTERS_TOLD = 128 };

enum live_link_state { LIVE_LINK_UP, LIVE_LINK_DOWN, LIVE_LINK_GONE, LIVE_LINK_STATES };

struct live_interface_numbers {
        const char *name;
        enum live_link_state state;
        uint64_t packets, bytes;
        uint64_t dropped_kernel, dropped_interface;
        int64_t last_packet_ns;  /* 0: none yet */
};

struct live_named_number {
        const char *name;
        uint64_t value;
};

struct live_alert_numbers {
        const char *type, *severity;
        uint64_t count;
};

struct live_numbers {
        const char *version, *ndpi;
        int64_t start_ns;        /* of the process */

        const struct live_interface_numbers *interfaces; /* names are different from each other */
        unsigned interface_count;
        uint64_t pipe_losses;    /* events that the worker could not hand over */

        const struct live_named_number *sense; /* the worker's counters; a name that comes again is added to "other" */
        unsigned sense_count;
        const struct live_named_number *fleets; /* devices seen; names are different from each other */
        unsigned fleet_count;
        uint64_t flows;          /* in the table */
        uint64_t events;         /* that judge was given */

        const struct live_alert_numbers *alerts; /* raised; each pair once. Pairs that are 0 may be there */
        unsigned alert_count;

        struct outbox_numbers outbox;
        uint64_t outbox_limit;   /* bytes; 0: as in outbox_settings, the default */
        const struct delivery_sink *sinks;
        unsigned sink_count;

        uint64_t worker_restarts;
        uint64_t memory_ceiling, memory_resident; /* bytes */
};

/* A metrics_collect_fn; `context` is a struct live_numbers. */
void live_metrics_collect(void *context, struct metrics_writer *writer);
