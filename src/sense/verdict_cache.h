/* What nDPI said of a server's port lately. IoT beacons repeat: when three flows to one (address, port, protocol) more than
 * others got the same answer by inspection, or the same silence, the next ones within an hour take it and nDPI is not asked;
 * one in 64 is asked again. Direct-mapped, one part a shard, so that nothing depends on how shards are spread over
 * workers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "sense/classifier.h"

struct verdict_cache;

struct verdict_cache *verdict_cache_create(void);
void verdict_cache_destroy(struct verdict_cache *cache);

/* True: take `label` (its master may be NULL: nothing is recognised there). */
bool verdict_cache_find(struct verdict_cache *cache, unsigned shard, const struct address *server, uint16_t port, uint8_t protocol,
                        int64_t now_ns, struct label *label);
void verdict_cache_learn(struct verdict_cache *cache, unsigned shard, const struct address *server, uint16_t port, uint8_t protocol,
                         int64_t now_ns, const struct label *label);
