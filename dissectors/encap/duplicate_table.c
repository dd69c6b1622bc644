#include "dissectors/encap/duplicate_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
        SAME_WAY_SHARE = 16,
        UNIT_SHIFT = 8,              /* times are kept in units of 256 ns, coarser for a window of minutes */
        WINDOW_UNITS_MAX = 1 << 20,
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

static inline uint32_t time_distance(uint32_t a, uint32_t b)
{
        uint32_t later = a - b;
        return later <= INT32_MAX ? later : b - a;
}

/* Before 32 bits come round: an entry that is older than the window could look young again. After a pause that is longer
 * than what they tell apart no entry can be anything but old. */
void duplicate_table_sweep(struct duplicate_table *table, uint64_t now)
{
        bool all = now - table->swept >= 2ULL * DUPLICATE_SWEEP_UNITS;
        for (unsigned i = 0; i < DUPLICATE_LINES; i++)
                for (unsigned entry = 0; entry < DUPLICATE_ENTRIES; entry++)
                        if (all || time_distance((uint32_t)now, table->lines[i].times[entry]) > table->window)
                                table->lines[i].tags[entry] = 0;
        table->swept = now;
}

bool duplicate_table_seen_tag(struct duplicate_table *table, uint32_t line, uint32_t tag, uint32_t now, int32_t path)
{
        struct duplicate_line *at = &table->lines[line];
        unsigned entry = 0;
        while (at->tags[entry] != tag)
                entry++;
        bool other_way = path == NO_PATH || table->paths[line][entry] != (uint16_t)path;
        if (time_distance(now, at->times[entry]) <= (other_way ? table->window : table->same_way))
                return true;
        at->times[entry] = now;
        if (path != NO_PATH)
                table->paths[line][entry] = (uint16_t)path;
        return false;
}
