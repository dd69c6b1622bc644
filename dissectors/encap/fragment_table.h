/* Datagrams of which some fragments have come. Bounded in bytes; the oldest datagram goes first. Knows nothing of IP's
 * headers: the caller says what belongs together and hands the header of the first fragment as it shall stand in front. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/frame.h"

enum {
        FRAGMENT_HEADER_MAX = 512,
        FRAGMENT_DATAGRAM_MAX = FRAGMENT_HEADER_MAX + 65535,
        FRAGMENT_PIECES_MAX = 512, /* a datagram: 65535 bytes in pieces of 128 */
        INCOMPLETE_MAX = 64,         /* datagrams that wait to be taken; at the end of the input all do */
        INCOMPLETE_BYTES_MAX = 16384, /* of each, behind the header */
};

struct fragment_key {
        struct address source, destination;
        uint32_t identification;
        uint16_t context;
        uint8_t protocol, version;
};

/* What stood around the first fragment. The table carries it to whoever takes what has remained incomplete. */
struct fragment_origin {
        struct frame frame;           /* without its bytes */
        struct address outermost[2];  /* as in struct walk; only with taps */
        uint8_t outer_ip[40];         /* the header around it, when `depth` > 0 */
        int64_t vni, gre_key;
        int vlan;
        uint32_t teid;
        bool has_teid;
        uint8_t depth, kind;          /* tunnels around it, the innermost's enum tunnel_kind */
};

struct fragment {
        struct fragment_key key;
        const uint8_t *header; /* offset 0 only */
        uint32_t header_length;
        const struct fragment_origin *origin; /* offset 0 only; NULL: it is not kept when the rest does not come */
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

/* Forgets what is older than the timeout. INT64_MAX: everything; it then waits to be taken, whatever its number. */
void fragment_table_expire(struct fragment_table *table, int64_t clock_ns);

struct fragment_incomplete {
        struct fragment_origin origin;
        uint32_t header_length;
        uint32_t captured; /* bytes from the header's first on, without a hole */
        uint32_t length;   /* of the whole: to its end, or at least beyond the last byte that was seen; > captured */
        uint8_t version;
};

/* The next datagram that was given up after its first fragment had come, in the order in which they were given up, which
 * is that of their arrival; its bytes are put into `datagram`. false: there is none. */
bool fragment_table_take_incomplete(struct fragment_table *table, struct fragment_incomplete *out, uint8_t *datagram);

/* Datagrams that nobody took in time. */
uint64_t fragment_table_incomplete_dropped(const struct fragment_table *table);

/* Fragments that were held in vain, and the bytes that are held now. */
uint64_t fragment_table_expired(const struct fragment_table *table);
uint64_t fragment_table_evicted(const struct fragment_table *table);
uint32_t fragment_table_bytes(const struct fragment_table *table);
