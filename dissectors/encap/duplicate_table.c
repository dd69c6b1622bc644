#include "dissectors/encap/duplicate_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { LINES = 8192, ENTRIES = 4, SAME_WAY_SHARE = 16 };

/* One cache line. Entries are replaced in turn, which is the oldest first; 0 is the tag of none. */
struct line {
        uint32_t tags[ENTRIES];
        uint64_t times_ns[ENTRIES];
        uint16_t paths[ENTRIES];
        uint32_t turn;
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

static inline uint64_t fold_addresses(const struct duplicate_probe *probe, uint64_t seed)
{
        const uint8_t *at = probe->addresses;
        if (probe->address_length == 8)
                return load64(at) ^ seed;
        return fold(load64(at) ^ seed, load64(at + 8) ^ 0x9e3779b97f4a7c15ULL) ^
               fold(load64(at + 16) ^ seed, load64(at + 24) ^ 0xa0761d6478bd642fULL);
}

/* The line is chosen without a seed, so that what replaces what is the same in every run. */
static inline struct line *table_line(struct duplicate_table *table, const struct duplicate_probe *probe)
{
        uint64_t mixed = fold_addresses(probe, 0x8ebc6af09c88c6e3ULL);
        uint64_t first = probe->length >= 8 ? load64(probe->bytes) : 0;
        struct line *line = &table->lines[fold(mixed ^ first, probe->header ^ 0xd6e8feb86659fd93ULL) % LINES];
        __builtin_prefetch(line, 1);
        return line;
}

/* The tag has the seeds, so that nobody outside can make another packet look like one that was seen. XXH3 adds its seed to
 * short inputs bit by bit: what goes into it is mixed first, or fields of both cancel each other. */
static inline uint32_t table_tag(const struct duplicate_table *table, const struct duplicate_probe *probe)
{
        uint64_t base = fold(fold_addresses(probe, table->seeds[0]), probe->header ^ table->seeds[1]);
        uint64_t hash = XXH3_64bits_withSeed(probe->bytes, probe->length, base ^ table->seeds[0]);
        return (uint32_t)(hash ^ hash >> 32) | 1;
}

static bool entry_is_copy(const struct duplicate_table *table, const struct line *line, unsigned entry,
                          const struct duplicate_probe *probe, uint64_t now)
{
        uint64_t then = line->times_ns[entry], age = now >= then ? now - then : then - now;
        bool other_way = probe->identified || line->paths[entry] != (uint16_t)probe->path;
        return age <= (other_way ? table->window_ns : table->same_way_ns);
}

bool duplicate_table_seen(struct duplicate_table *table, const struct duplicate_probe *probe, int64_t time_ns)
{
        struct line *line = table_line(table, probe);
        uint32_t tag = table_tag(table, probe);
        unsigned found = (unsigned)(line->tags[0] == tag) | (unsigned)(line->tags[1] == tag) << 1 |
                         (unsigned)(line->tags[2] == tag) << 2 | (unsigned)(line->tags[3] == tag) << 3;
        unsigned entry;
        if (found != 0) {
                entry = (unsigned)__builtin_ctz(found);
                if (entry_is_copy(table, line, entry, probe, (uint64_t)time_ns))
                        return true;
        } else {
                entry = line->turn++ % ENTRIES;
        }
        line->tags[entry] = tag;
        line->times_ns[entry] = (uint64_t)time_ns;
        line->paths[entry] = (uint16_t)probe->path;
        return false;
}
