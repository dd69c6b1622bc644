/* Which module a SIM is in, as said apart from any session (S6a, Change Notification): for its sessions to come that say
 * none. Bounded: sets of four, of which the one that was said first goes. Private to bindings. */
#pragma once

#include <stdint.h>

#include "judge/bindings.h"

struct binding_subscribers;

struct binding_subscribers *binding_subscribers_create(void);
void binding_subscribers_destroy(struct binding_subscribers *subscribers);

/* Digits as digits_pack has them, both not 0. */
void binding_subscribers_note(struct binding_subscribers *subscribers, uint64_t imsi, uint64_t imei, enum binding_source source,
                              int64_t time_ns);
/* 0: not said. */
uint64_t binding_subscribers_imei(const struct binding_subscribers *subscribers, uint64_t imsi, enum binding_source *source);
uint64_t binding_subscribers_bytes(const struct binding_subscribers *subscribers);
