/* Numbers of flows that somebody wants to meet again. Bounded: at the limit a new one is refused, counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct flow_set;

struct flow_set *flow_set_create(uint32_t limit);
void flow_set_destroy(struct flow_set *set);
void flow_set_add(struct flow_set *set, uint64_t flow);
bool flow_set_has(const struct flow_set *set, uint64_t flow);
void flow_set_clear(struct flow_set *set);
bool flow_set_remove(struct flow_set *set, uint64_t flow); /* true: it was there */
uint64_t flow_set_refused(const struct flow_set *set);
