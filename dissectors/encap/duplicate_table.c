#include "dissectors/encap/duplicate_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dissectors/encap/fold.h"

enum {
        LINES = 1024,
        ENTRIES = 8,
        SAME_WAY_SHARE = 16,
        UNIT_SHIFT = 8,              /* times are kept in units of 256 ns, coarser for a window of minutes */
        WINDOW_UNITS_MAX = 1 << 20,
        SWEEP_UNITS = 1 << 30,       /* a quarter of what 32 bits can tell apart */
};

typedef uint32_t four_tags __attribute__((vector_size(16)));
typedef uint64_t two_words __attribute__((vector_size(16)));

/* One cache line: what every packet reads and writes. 0 is the tag of none. */
struct line {
        union {
                uint32_t tags[ENTRIES];
                four_tags fours[ENTRIES / 4];
        };
        uint32_t times[ENTRIES];
} __attribute__((aligned(64)));

struct duplicate_table {
        struct line lines[LINES];
        uint8_t turns[LINES];             /* entries are replaced in turn, which is the oldest first */
        uint16_t paths[LINES][ENTRIES];   /* not of identified packets */
        uint64_t seeds[4];
        uint64_t swept;                   /* in units, not shortened */
        uint32_t window, same_way;        /* in units */
        unsigned shift;
};

struct duplicate_table *duplicate_table_create(int64_t window_ns)
{
        struct duplicate_table *table = aligned_alloc(64, (sizeof *table + 63) & ~(size_t)63);
        if (table == NULL)
                return NULL;
        memset(table, 0, sizeof *table);
        table->shift = UNIT_SHIFT;
        while (window_ns >> table->shift > WINDOW_UNITS_MAX)
                table->shift++;
        table->window = (uint32_t)(window_ns >> table->shift);
        table->same_way = (uint32_t)(window_ns / SAME_WAY_SHARE >> table->shift);
        if (getrandom(table->seeds, sizeof table->seeds, GRND_NONBLOCK) < 0)
                table->seeds[0] = table->seeds[2] = (uint64_t)(uintptr_t)table;
        return table;
}

void duplicate_table_destroy(struct duplicate_table *table)
{
        free(table);
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
void duplicate_table_find(const struct duplicate_table *table, struct duplicate_probe *probe, size_t there)
{
        uint64_t mixed = fold_addresses(probe, 0x8ebc6af09c88c6e3ULL);
        uint64_t first = there >= 8 ? load64(probe->bytes) : 0;
        probe->line = fold(mixed ^ first, probe->header ^ 0xd6e8feb86659fd93ULL) % LINES;
        __builtin_prefetch(&table->lines[probe->line], 1);
}

/* The tag has the seeds, so that nobody outside can make another packet look like one that was seen. */
static inline uint32_t table_tag(const struct duplicate_table *table, const struct duplicate_probe *probe)
{
        uint64_t front = fold(fold_addresses(probe, table->seeds[0]), probe->header ^ table->seeds[1]);
        uint32_t tag = (uint32_t)fold_bytes(probe->bytes, probe->length, front ^ table->seeds[2], table->seeds[3]);
        return tag != 0 ? tag : 1;
}

static inline uint32_t time_distance(uint32_t a, uint32_t b)
{
        uint32_t later = a - b;
        return later <= INT32_MAX ? later : b - a;
}

/* Before 32 bits come round: an entry that is older than the window could look young again. After a pause that is longer
 * than what they tell apart no entry can be anything but old. */
static __attribute__((noinline)) void table_sweep(struct duplicate_table *table, uint64_t now)
{
        bool all = now - table->swept >= 2ULL * SWEEP_UNITS;
        for (unsigned i = 0; i < LINES; i++)
                for (unsigned entry = 0; entry < ENTRIES; entry++)
                        if (all || time_distance((uint32_t)now, table->lines[i].times[entry]) > table->window)
                                table->lines[i].tags[entry] = 0;
        table->swept = now;
}

/* Nearly always no: the eight are compared at once. */
static inline bool line_has(const struct line *line, uint32_t tag)
{
        four_tags wanted = {tag, tag, tag, tag};
        two_words equal = (two_words)((line->fours[0] == wanted) | (line->fours[1] == wanted));
        return (equal[0] | equal[1]) != 0;
}

static inline unsigned line_find(const struct line *line, uint32_t tag)
{
        unsigned entry = 0;
        while (line->tags[entry] != tag)
                entry++;
        return entry;
}

bool duplicate_table_seen(struct duplicate_table *table, const struct duplicate_probe *probe, int64_t time_ns)
{
        unsigned number = probe->line;
        uint32_t tag = table_tag(table, probe);
        uint64_t now = (uint64_t)time_ns >> table->shift;
        if (now > table->swept && now - table->swept > SWEEP_UNITS)
                table_sweep(table, now);
        struct line *line = &table->lines[number];
        unsigned entry;
        if (line_has(line, tag)) {
                entry = line_find(line, tag);
                bool other_way = probe->identified || table->paths[number][entry] != (uint16_t)probe->path;
                uint32_t window = other_way ? table->window : table->same_way;
                if (time_distance((uint32_t)now, line->times[entry]) <= window)
                        return true;
        } else {
                entry = table->turns[number]++ % ENTRIES;
        }
        line->tags[entry] = tag;
        line->times[entry] = (uint32_t)now;
        if (!probe->identified)
                table->paths[number][entry] = (uint16_t)probe->path;
        return false;
}
