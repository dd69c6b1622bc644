#include "dissectors/encap/duplicate_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LINES = 8192, ENTRIES = 4, SAME_WAY_SHARE = 16 };

struct entry {
        uint64_t time_ns;
        uint32_t tag;
        uint32_t path;
};

struct line {
        struct entry entries[ENTRIES];
} __attribute__((aligned(64)));

struct duplicate_table {
        struct line lines[LINES];
        uint64_t seeds[2];
        uint64_t window_ns, same_way_ns;
};

struct duplicate_table *duplicate_table_create(int64_t window_ns)
{
        struct duplicate_table *table = aligned_alloc(64, (sizeof *table + 63) & ~(size_t)63);
        if (table == NULL)
                return NULL;
        memset(table, 0, sizeof *table);
        table->window_ns = (uint64_t)window_ns;
        table->same_way_ns = table->window_ns / SAME_WAY_SHARE;
        if (getrandom(table->seeds, sizeof table->seeds, GRND_NONBLOCK) < 0)
                table->seeds[0] = (uint64_t)(uintptr_t)table;
        table->seeds[1] |= 1;
        return table;
}

void duplicate_table_destroy(struct duplicate_table *table)
{
        free(table);
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
        __extension__ unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const uint8_t *at)
{
        uint64_t word;
        memcpy(&word, at, sizeof word);
        return word;
}

/* The line is chosen without the seed, so that what replaces what is the same in every run. */
static inline struct line *table_line(struct duplicate_table *table, const struct duplicate_probe *probe)
{
        uint64_t mixed = load64(probe->addresses) ^ load64(probe->addresses + probe->address_length - 8);
        mixed = fold(mixed ^ 0x9e3779b97f4a7c15ULL, probe->header ^ 0xc2b2ae3d27d4eb4fULL);
        uint64_t first = probe->length >= 8 ? load64(probe->bytes) : 0;
        struct line *line = &table->lines[fold(mixed ^ first, 0xd6e8feb86659fd93ULL) % LINES];
        __builtin_prefetch(line, 1);
        return line;
}

/* The tag has the seeds, so that nobody outside can make another packet look like one that was seen. XXH3 adds its seed to
 * short inputs bit by bit: what goes into one is mixed first, or fields of both cancel each other. */
bool duplicate_table_seen(struct duplicate_table *table, const struct duplicate_probe *probe, int64_t time_ns)
{
        struct line *line = table_line(table, probe);
        uint64_t base = fold(probe->header ^ table->seeds[0], table->seeds[1]);
        base = fold(XXH3_64bits_withSeed(probe->addresses, probe->address_length, base), table->seeds[1] ^ base);
        uint64_t hash = XXH3_64bits_withSeed(probe->bytes, probe->length, base);
        uint32_t tag = (uint32_t)(hash ^ hash >> 32) | 1; /* 0: an empty entry */
        uint64_t now = (uint64_t)time_ns;
        struct entry *oldest = &line->entries[0];
        for (unsigned i = 0; i < ENTRIES; i++) {
                struct entry *entry = &line->entries[i];
                if (entry->tag == tag) {
                        uint64_t age = now >= entry->time_ns ? now - entry->time_ns : entry->time_ns - now;
                        bool other_way = probe->identified || entry->path != probe->path;
                        if (age <= (other_way ? table->window_ns : table->same_way_ns))
                                return true;
                        oldest = entry;
                        break;
                }
                if (entry->time_ns < oldest->time_ns)
                        oldest = entry;
        }
        oldest->time_ns = now;
        oldest->tag = tag;
        oldest->path = probe->path;
        return false;
}
