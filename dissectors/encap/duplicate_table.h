/* Packets of the last milliseconds, to know one that is seen again: on a mirror port that copies both directions, on two
 * taps of one path, in and out of a tunnel. Fixed size, 82 KiB; a line of entries a packet, of which the oldest is replaced:
 * of copies that come 5 ms later one in a thousand is no longer known at 400 000 packets in a second, one in twenty at
 * 800 000. Copies of a mirror port follow within microseconds.
 *
 * What counts as the same packet (the caller builds the probe): addresses, context, protocol, length, identification,
 * transport header with its checksum, and the first payload bytes are equal. TTL, DSCP, ECN, header checksum, link layers
 * and tunnels may differ: a router, a retagging switch or a gateway stands between two taps.
 *
 * - A packet with an IPv4 identification (or a fragment) is a duplicate within the window: a sender who repeats himself
 *   counts on. - IPv6, and IPv4 with identification 0, have nothing that tells a repetition from a copy. Such a packet is
 *   a duplicate within the window when it came another way (link bytes, interface, file, tunnel or TTL differ), and within a
 *   sixteenth of the window when it came the same way: mirror copies follow each other within microseconds, telemetry
 *   that is repeated and TCP's retransmissions do not. - TCP without payload and without identification is never one:
 *   three equal acknowledgements are a message. The caller does not ask about those. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct duplicate_probe {
        const uint8_t *addresses; /* both, as they stand in the IP header */
        uint32_t address_length;  /* of both: 8 or 32 */
        uint64_t header;          /* context, protocol, length, identification, fragment offset */
        const uint8_t *bytes;     /* transport header and first payload bytes */
        uint32_t length;
        uint32_t path;            /* the way it came; not asked when `identified` */
        bool identified;
        uint32_t line;            /* duplicate_table_find */
};

struct duplicate_table;

struct duplicate_table *duplicate_table_create(int64_t window_ns); /* NULL: no memory */
void duplicate_table_destroy(struct duplicate_table *table);

/* Where the packet stands, of which `addresses`, `header` and `bytes` with `there` readable ones are known: asks the cache for
 * it, so that the caller does what else there is to do before it asks whether the packet is there. */
void duplicate_table_find(const struct duplicate_table *table, struct duplicate_probe *probe, size_t there);

/* Whether it was seen within the window; it has been now. The line has been found. */
bool duplicate_table_seen(struct duplicate_table *table, const struct duplicate_probe *probe, int64_t time_ns);
