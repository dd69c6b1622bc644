/* The life of flows: opened by their first packet, counted, inspected, told about at ticks, ended by time, by TCP, by
 * eviction or with the input. */
#pragma once

#include "base/prefix_trie.h"
#include "model/event.h"
#include "sense/flow_table.h"
#include "sense/inspection.h"
#include "sense/side.h"

/* One packet on its way: what the first pass over a batch works out, so that the second finds its flow in the cache, and what the
 * second adds. */
struct pending {
        const struct frame *frame;
        int64_t clock_ns, stamp_ns;
        uint32_t hash;
        unsigned source_end;     /* of its flow, once that is found */
        struct packet packet;
};

struct flow_timeouts {
        int64_t tcp_ns, udp_ns, other_ns;
        bool prompt;             /* flows without a label are told after ten seconds also when nothing followed, not at their end */
};

struct flow_keeper_counters {
        uint64_t opened, evicted, no_memory, closed, timed_out, tunnels_untold;
};

struct flow_keeper;

/* `devices`, the device side, lives as long as the keeper; it may be empty. */
struct flow_keeper *flow_keeper_create(uint32_t flow_limit, const struct prefix_trie *devices, const struct flow_timeouts *timeouts,
                                       bool classify_always, const struct event_sink *sink);
void flow_keeper_destroy(struct flow_keeper *keeper);

/* Before the first packet: the wheels begin at this second. */
void flow_keeper_start(struct flow_keeper *keeper, int64_t second);

void flow_keeper_prefetch(const struct flow_keeper *keeper, const struct pending *pending);
void flow_keeper_prefetch_flow(const struct flow_keeper *keeper, const struct pending *pending);
void flow_keeper_packet(struct flow_keeper *keeper, struct pending *pending);

/* A second of packet time: the Tick is told, then the timers of every shard. */
void flow_keeper_tick(struct flow_keeper *keeper, int64_t tick_ns);

/* All flows end (INPUT_END), in shard order, behind everything before. */
void flow_keeper_end_all(struct flow_keeper *keeper, int64_t clock_ns);

/* Emits an event that belongs to no flow, at the given clock. */
void flow_keeper_tell(struct flow_keeper *keeper, event_t *event, int64_t clock_ns);

const struct flow_keeper_counters *flow_keeper_counters(const struct flow_keeper *keeper);
const struct inspector *flow_keeper_inspector(const struct flow_keeper *keeper);
uint32_t flow_keeper_count(const struct flow_keeper *keeper); /* in the table now */
uint32_t flow_keeper_peak(const struct flow_keeper *keeper);
