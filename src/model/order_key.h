/* The order of events: (clock, frame in the merged input, index); what a timer says comes before the packets of the same
 * clock, in the order (shard, index), and a tick (no frame, no shard) before both. With --no-merge the
 * input's number leads. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

struct order_key {
        uint32_t file;  /* 0 unless --no-merge */
        uint64_t clock; /* Unix ns */
        uint64_t frame; /* 0: none */
        uint32_t shard; /* shard + 1; 0: none */
        uint32_t index;
};

enum { ORDER_KEY_SIZE = 28 };

struct order_key order_key_of_event(const event_t *event, bool by_file);

/* < 0, 0 or > 0, as memcmp. */
int order_key_compare(const struct order_key *a, const struct order_key *b);

/* Big endian, so that memcmp of packed keys is the order of keys. */
void order_key_pack(const struct order_key *key, uint8_t out[ORDER_KEY_SIZE]);
struct order_key order_key_unpack(const uint8_t packed[ORDER_KEY_SIZE]);
