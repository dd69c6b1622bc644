/* IP fragments on the way through a frame. Inside encap only. */
#pragma once

#include "dissectors/encap/duplicate_table.h"
#include "dissectors/encap/fragment_table.h"
#include "dissectors/encap/walk.h"

struct reassembly {
        struct fragment_table *table;
        struct duplicate_table *duplicates; /* NULL: copies are not looked for */
        uint64_t fragments, reassembled;
        unsigned turn;
        struct fragment_incomplete taken;
        uint8_t datagrams[2][FRAGMENT_DATAGRAM_MAX]; /* in turn: the level around the one at hand stays readable */
};

/* Sets `walk` and `frame` in front of what is there of a datagram that will not become whole, with the tunnels around its
 * first fragment; the bytes live until the next call. The rest of `walk` is the caller's. false: there is none. */
bool reassembly_take_incomplete(struct reassembly *reassembly, struct walk *walk, struct frame *frame);

/* The packet at hand is a fragment. STEP_IPV4 or STEP_IPV6: it was the last one missing, and the whole stands at the cursor.
 * STEP_LEAF: go on with it as it is: it is the first one, and the capture cut it, so that it never will be whole. */
enum step reassembly_v4(struct walk *walk, uint32_t header_length);
enum step reassembly_v6(struct walk *walk, const uint8_t *ip, const uint8_t *fragment_header, const uint8_t *next_at);
