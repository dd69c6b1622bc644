/* The flows of 64 shards: one open-addressing index, one timer wheel, records from one pool. A flow's shard is said when it is
 * added: to it belong the limit, the eviction and the place in the order of timers.
 *
 * A flow stands in the wheel at the second when it next wants attention (its START, an update, its timeout). The
 * wheel is lazy: a packet does not move it; when its second comes, the owner looks at the flow and puts it back or ends it.
 * A flow that is moved leaves its old place behind, which is passed over when its second comes.
 * Limit: `limit / 64` flows a shard. Eviction: the flow of the shard whose
 * second in the wheel comes first. What is due at one second comes by shard, and within a shard as it was scheduled, so that
 * the order does not depend on which shards a worker has. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dissectors/encap/encap.h"
#include "sense/flow.h"

enum { SHARDS = 64, FLOW_NONE = UINT32_MAX, WHEEL_SECONDS = 4096 };

struct flow_table;

struct flow_table *flow_table_create(uint32_t limit); /* NULL: no memory */
void flow_table_destroy(struct flow_table *table);

/* Of the 5-tuple and the context; the same for both directions. */
uint32_t flow_hash(const struct packet *packet);

/* Asks the cache for the slot that `hash` will need. */
void flow_table_prefetch(const struct flow_table *table, uint32_t hash);
void flow_table_prefetch_flow(const struct flow_table *table, uint32_t hash);

/* The packet's flow, and which of its ends sent the packet. */
struct flow *flow_table_find(const struct flow_table *table, const struct packet *packet, uint32_t hash, unsigned *source_end);

/* A zeroed flow with its key set; the packet's source is end 0. NULL when the shard is full (evict first) or there is no memory. */
struct flow *flow_table_add(struct flow_table *table, unsigned shard, const struct packet *packet, uint32_t hash);
bool flow_table_is_full(const struct flow_table *table, unsigned shard);
struct flow *flow_table_victim(const struct flow_table *table, unsigned shard);

/* The flow leaves the index and the wheel and its record is free. */
void flow_table_remove(struct flow_table *table, struct flow *flow);

/* Puts the flow into the wheel at `second` (Unix), or moves it there. At most WHEEL_SECONDS - 2 ahead; later is cut to it. */
void flow_table_schedule(struct flow_table *table, struct flow *flow, int64_t second);

/* The hand of an empty wheel is set. */
void flow_table_start(struct flow_table *table, int64_t second);

/* The wheel's hand moves to `second`; the flows that stood there are taken out one by one. Call until NULL. */
struct flow *flow_table_due(struct flow_table *table, int64_t second);

/* Flows of this second that come soon, each told once, for the caller to prepare; NULL: no more for now. They may have left the
 * wheel since. */
const struct flow *flow_table_ahead(struct flow_table *table);

/* A hint for the cache: what is due in the next second, as far as it is known, will be asked for. */
void flow_table_prefetch_due(const struct flow_table *table);

/* All flows, by shard, taken out of the wheel one by one, for the end of the input. Call until NULL. */
struct flow *flow_table_any(struct flow_table *table);

uint32_t flow_table_count(const struct flow_table *table);
uint32_t flow_table_peak(const struct flow_table *table);
