/* The restart counters of control plane peers. Bounded: who was silent longest is forgotten, which is counted. Private to bindings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "judge/bindings.h"

struct binding_peers;

struct binding_peers *binding_peers_create(void);
void binding_peers_destroy(struct binding_peers *peers);

/* The peer says this of itself: true when that means that it has restarted. PFCP's are time stamps that only rise. Up
 * to four values that take turns within an hour are as many nodes behind one address; more than eight restarts in an hour
 * are not believed. */
bool binding_peers_restarted(struct binding_peers *peers, const struct address *peer, uint16_t context, enum binding_source protocol,
                             uint64_t value, int64_t time_ns);
void binding_peers_note_restart(struct binding_peers *peers, const struct address *peer, int64_t time_ns); /* somebody else told of it */
uint64_t binding_peers_forgotten(const struct binding_peers *peers);
bool binding_peers_restarted_since(const struct binding_peers *peers, const struct address *peer, int64_t since_ns);
