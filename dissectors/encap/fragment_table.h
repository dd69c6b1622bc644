/* Datagrams of which some fragments have come. Bounded in bytes; the oldest datagram goes first. Knows nothing of IP's
 * headers: the caller says what belongs together and hands the header of the first fragment as it shall stand in front. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

enum {
        FRAGMENT_HEADER_MAX = 512,
        FRAGMENT_DATAGRAM_MAX = FRAGMENT_HEADER_MAX + 65535,
        FRAGMENT_PIECES_MAX = 512, /* a datagram: 65535 bytes in pieces of 128 */
};

struct fragment_key {
        struct address source, destination;
        uint32_t identification;
        uint16_t context;
        uint8_t protocol, version;
};

struct fragment {
        struct fragment_key key;
        const uint8_t *header; /* offset 0 only */
        uint32_t header_length;
        const uint8_t *bytes;
        uint32_t length;
        uint32_t offset;
        bool last;
};

enum fragment_outcome {
        FRAGMENT_HELD,
        FRAGMENT_COMPLETE,
        FRAGMENT_REFUSED, /* it cannot belong to a datagram of at most 65535 bytes */
};

struct fragment_table;

struct fragment_table *fragment_table_create(uint32_t byte_limit, int64_t timeout_ns); /* NULL: no memory */
void fragment_table_destroy(struct fragment_table *table);

/* Keeps a copy of what is new in the fragment: where bytes overlap the first stay. When nothing is missing any more, header
 * and bytes are put together in `datagram` (FRAGMENT_DATAGRAM_MAX bytes) and `*length` is set. */
enum fragment_outcome fragment_table_add(struct fragment_table *table, const struct fragment *fragment, int64_t clock_ns,
                                         uint8_t *datagram, uint32_t *length);

/* Forgets what is older than the timeout. */
void fragment_table_expire(struct fragment_table *table, int64_t clock_ns);

/* Fragments that were held in vain, and the bytes that are held now. */
uint64_t fragment_table_expired(const struct fragment_table *table);
uint64_t fragment_table_evicted(const struct fragment_table *table);
uint32_t fragment_table_bytes(const struct fragment_table *table);
