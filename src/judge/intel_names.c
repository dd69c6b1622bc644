/* Names to rows: a hash over the name's end, grown from the right, so that one walk over a name asks for every suffix that
 * begins at a label. Open addressing, at most half full. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "judge/intel_parts.h"

struct link {
        const struct intel_row *row;
        uint32_t next; /* index + 1 in links; 0: the last */
};

struct slot {
        uint64_t hash; /* 0: free */
        const char *text;
        uint32_t links;
        bool ignored;
};

struct name_table {
        unsigned mask, link_count, capacity;
        struct slot *slots;
        struct link *links;
};

#define HASH_START 0xcbf29ce484222325ULL

static uint64_t hash_byte(uint64_t hash, char c)
{
        return (hash ^ (uint8_t)c) * 0x100000001b3ULL; /* FNV-1a, from the right */
}

struct name_table *name_table_create(unsigned capacity)
{
        struct name_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        unsigned size = 16;
        while (size < capacity * 2)
                size *= 2;
        table->mask = size - 1;
        table->capacity = capacity;
        table->slots = calloc(size, sizeof *table->slots);
        table->links = calloc(capacity ? capacity : 1, sizeof *table->links);
        if (table->slots != NULL && table->links != NULL)
                return table;
        name_table_destroy(table);
        return NULL;
}

void name_table_destroy(struct name_table *table)
{
        if (table == NULL)
                return;
        free(table->slots);
        free(table->links);
        free(table);
}

static struct slot *slot_of(const struct name_table *table, uint64_t hash, const char *text)
{
        unsigned at = (unsigned)(hash >> 32 ^ hash) & table->mask;
        while (table->slots[at].hash != 0 && (table->slots[at].hash != hash || strcmp(table->slots[at].text, text) != 0))
                at = (at + 1) & table->mask;
        return &table->slots[at];
}

static struct slot *slot_for(struct name_table *table, const char *text)
{
        uint64_t hash = HASH_START;
        for (size_t i = strlen(text); i-- > 0;)
                hash = hash_byte(hash, text[i]);
        struct slot *slot = slot_of(table, hash, text);
        slot->hash = hash;
        slot->text = text;
        return slot;
}

int name_table_add(struct name_table *table, const char *text, const struct intel_row *row)
{
        if (table->link_count == table->capacity)
                return -ENOMEM;
        struct slot *slot = slot_for(table, text);
        table->links[table->link_count] = (struct link){.row = row, .next = slot->links};
        slot->links = ++table->link_count;
        return 0;
}

int name_table_ignore(struct name_table *table, const char *text)
{
        if (table->link_count == table->capacity)
                return -ENOMEM;
        table->link_count++;
        slot_for(table, text)->ignored = true;
        return 0;
}

static const struct intel_row *best_of(const struct name_table *table, const struct slot *slot, enum intel_kind kind,
                                       unsigned purposes)
{
        const struct intel_row *best = NULL;
        for (uint32_t link = slot->links; link != 0; link = table->links[link - 1].next) {
                const struct intel_row *row = table->links[link - 1].row;
                if (row->kind == kind && (purposes >> row->purpose & 1) && intel_row_is_better(row, best))
                        best = row;
        }
        return best;
}

const struct intel_row *name_table_find(const struct name_table *table, const char *name, unsigned purposes, bool *ignored)
{
        const struct intel_row *best = NULL;
        uint64_t hash = HASH_START;
        *ignored = false;
        for (size_t i = strlen(name); i-- > 0;) {
                hash = hash_byte(hash, name[i]);
                if (i > 0 && name[i - 1] != '.')
                        continue;
                const struct slot *slot = slot_of(table, hash, name + i);
                if (slot->hash == 0)
                        continue;
                const struct intel_row *found = i == 0 ? best_of(table, slot, INTEL_HOST, purposes) : NULL;
                found = found ? found : best_of(table, slot, INTEL_SUFFIX, purposes);
                if (slot->ignored)
                        *ignored = true;
                best = slot->ignored ? NULL : found ? found : best;
        }
        return best;
}
