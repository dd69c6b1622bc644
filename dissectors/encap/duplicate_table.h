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

#include "dissectors/encap/fold.h"

enum {
        DUPLICATE_LINE_BITS = 10,
        DUPLICATE_LINES = 1 << DUPLICATE_LINE_BITS,
        DUPLICATE_ENTRIES = 8,
        DUPLICATE_SWEEP_UNITS = 1 << 30, /* a quarter of what 32 bits can tell apart */
        NO_PATH = -1,
};

struct duplicate_probe {
        const uint8_t *addresses; /* both, as they stand in the IP header */
        uint32_t address_length;  /* of both: 8 or 32 */
        uint64_t header;          /* context, protocol, length, identification, fragment offset */
        const uint8_t *bytes;     /* transport header and first payload bytes */
        uint32_t length;
        int32_t path;             /* the way it came; not negative; NO_PATH: identified, so that it does not count */
        uint32_t line;            /* duplicate_table_find */
};

typedef uint32_t four_tags __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));

/* One cache line: what every packet reads and writes. 0 is the tag of none. */
struct duplicate_line {
        union {
                uint32_t tags[DUPLICATE_ENTRIES];
                four_tags fours[DUPLICATE_ENTRIES / 4];
        };
        uint32_t times[DUPLICATE_ENTRIES];
} __attribute__((aligned(64)));

struct duplicate_table {
        struct duplicate_line lines[DUPLICATE_LINES];
        uint8_t turns[DUPLICATE_LINES];   /* entries are replaced in turn, which is the oldest first */
        uint16_t paths[DUPLICATE_LINES][DUPLICATE_ENTRIES]; /* not of identified packets */
        uint64_t seeds[4];
        uint64_t swept;                   /* in units, not shortened */
        uint32_t window, same_way;        /* in units */
        unsigned shift;
};

struct duplicate_table *duplicate_table_create(int64_t window_ns); /* NULL: no memory */
void duplicate_table_destroy(struct duplicate_table *table);

/* What seldom happens: the units have nearly come round; the packet's tag stands in its line. `path`: as in the probe. */
void duplicate_table_sweep(struct duplicate_table *table, uint64_t now);
bool duplicate_table_seen_tag(struct duplicate_table *table, uint32_t line, uint32_t tag, uint32_t now, int32_t path);

static inline uint64_t duplicate_addresses(const struct duplicate_probe *probe, uint64_t seed)
{
        const uint8_t *at = probe->addresses;
        if (probe->address_length == 8)
                return load64(at) ^ seed;
        return fold(load64(at) ^ seed, load64(at + 8) ^ 0x9e3779b97f4a7c15ULL) ^
               fold(load64(at + 16) ^ seed, load64(at + 24) ^ 0xa0761d6478bd642fULL);
}

/* Where the packet stands, of which `addresses`, `header` and `bytes` with `there` readable ones are known: asks the cache
 * for it, so that the caller does what else there is to do before it asks whether the packet is there. The line is chosen
 * without a seed, so that what replaces what is the same in every run. */
static inline void duplicate_table_find(const struct duplicate_table *table, struct duplicate_probe *probe, size_t there)
{
        uint64_t first = there >= 8 ? load64(probe->bytes) : 0;
        uint64_t mixed = (duplicate_addresses(probe, 0) ^ first ^ probe->header) * 0x9e3779b97f4a7c15ULL;
        probe->line = (uint32_t)(mixed >> (64 - DUPLICATE_LINE_BITS));
        __builtin_prefetch(&table->lines[probe->line], 1);
}

/* The tag has the seeds, so that nobody outside can make another packet look like one that was seen. */
static inline uint32_t duplicate_tag(const struct duplicate_table *table, const struct duplicate_probe *probe)
{
        uint64_t front = fold(duplicate_addresses(probe, table->seeds[0]), probe->header ^ table->seeds[1]);
        return (uint32_t)fold_bytes(probe->bytes, probe->length, front ^ table->seeds[2], table->seeds[3]) | 1;
}

/* Nearly always no: the eight are compared at once. */
static inline bool duplicate_line_has(const struct duplicate_line *line, uint32_t tag)
{
        four_tags wanted = {tag, tag, tag, tag};
        two_words equal = (two_words)((line->fours[0] == wanted) | (line->fours[1] == wanted));
        return (equal[0] | equal[1]) != 0;
}

/* Whether it was seen within the window; it has been now. The line has been found. */
static inline bool duplicate_table_seen(struct duplicate_table *table, const struct duplicate_probe *probe, int64_t time_ns)
{
        uint64_t now = (uint64_t)time_ns >> table->shift;
        if ((int64_t)(now - table->swept) > DUPLICATE_SWEEP_UNITS)
                duplicate_table_sweep(table, now);
        struct duplicate_line *line = &table->lines[probe->line];
        uint32_t tag = duplicate_tag(table, probe);
        if (duplicate_line_has(line, tag))
                return duplicate_table_seen_tag(table, probe->line, tag, (uint32_t)now, probe->path);
        unsigned entry = table->turns[probe->line]++ % DUPLICATE_ENTRIES;
        line->tags[entry] = tag;
        line->times[entry] = (uint32_t)now;
        if (probe->path != NO_PATH)
                table->paths[probe->line][entry] = (uint16_t)probe->path;
        return false;
}
