/* The sets of PDN connections that nodes let end together when a part of them fails (FQ-CSID: TS 23.007, clause 12): a number for each
 * that some session is in. Bounded: of what is beyond nobody knows who is in it; counted. Private to bindings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

enum { SET_NONE = 0, SET_NODE_SIZE = 17 };

struct binding_set {
        uint8_t node[SET_NODE_SIZE], node_length; /* as the event has it */
        uint16_t id;
};

struct binding_sets;

struct binding_sets *binding_sets_create(void);
void binding_sets_destroy(struct binding_sets *sets);

bool binding_set_of(const Apnwatch__V1__Signalling__Set *told, struct binding_set *out); /* false: it is none */
uint16_t binding_sets_find(const struct binding_sets *sets, const struct binding_set *set); /* SET_NONE: nobody is in it */
uint16_t binding_sets_hold(struct binding_sets *sets, const struct binding_set *set);       /* SET_NONE: no room */
void binding_sets_release(struct binding_sets *sets, uint16_t number);                      /* SET_NONE: nothing to do */
const struct binding_set *binding_sets_at(const struct binding_sets *sets, uint16_t number);

uint32_t binding_sets_count(const struct binding_sets *sets);
uint64_t binding_sets_refused(const struct binding_sets *sets);
uint64_t binding_sets_bytes(const struct binding_sets *sets);
