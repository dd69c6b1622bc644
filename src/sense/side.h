/* Which end of a packet is the device, which shard the packet belongs to, and whether a first packet opens its flow. All
 * from the packet alone and the configured device prefixes, without state, so that every worker says the same. */
#pragma once

#include <stdbool.h>

#include "base/prefix_trie.h"
#include "dissectors/encap/encap.h"

struct side {
        bool source_is_device;
        bool both;      /* both ends are on the device side */
        bool certain;   /* by prefix, or private against public; else the opener is taken for the device */
};

/* `devices` may be NULL or empty. */
struct side side_of(const struct prefix_trie *devices, const struct packet *packet);

/* 0 to 63: from context and device address; of two devices, or where nothing decides, the lower address. */
unsigned side_shard(const struct side *side, const struct packet *packet);

/* False when this first packet of a flow rather answers something that was not seen: TCP without a SYN, a datagram from a
 * service's port to an ephemeral one, an ICMP reply. `*source_opened` says who opened when it is true, or most likely did. */
bool side_opening(const struct packet *packet, bool *source_opened);
