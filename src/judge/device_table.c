#include "judge/device_table.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_seed.h"
#include "base/wide_memory.h"

enum { CHUNK = WIDE_PAGE / sizeof(struct device), NONE = UINT32_MAX, FIRST_SLOTS = 1024, RENEW_S = 60 };

/* The hash stands beside the number, so that a probe that does not fit costs no look at the record. */
struct slot {
        uint32_t hash, number;
};

struct device_table {
        struct device **chunks; /* of CHUNK records each: growing never moves a record */
        uint32_t chunk_count;
        uint32_t used;          /* records that were ever handed out */
        struct slot *slots;     /* number NONE: free; open addressing, a power of two, at most 3/4 full */
        uint32_t slot_mask;
        uint32_t oldest, newest;
        uint32_t count, limit;
        uint32_t ahead;         /* the slot that was prefetched last */
        uint32_t asked;         /* the record, likewise; NONE: none */
        uint64_t evictions;
        void (*evicted)(void *context, struct device *device);
        void *context;
};

static uint64_t seed;

static struct device *record(const struct device_table *table, uint32_t number)
{
        return &table->chunks[number / CHUNK][number % CHUNK];
}

static uint32_t key_hash(const struct device_key *key)
{
        return (uint32_t)XXH3_64bits_withSeed(key->address.bytes, sizeof key->address.bytes, seed + key->context);
}

static bool is_key(const struct device *device, const struct device_key *key)
{
        return device->context == key->context && address_equal(&device->address, &key->address);
}

struct device_table *device_table_create(uint32_t limit, void (*evicted)(void *context, struct device *device),
                                         void *context)
{
        struct device_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        if (seed == 0)
                seed = hash_seed();
        table->slots = wide_memory_take(FIRST_SLOTS * sizeof *table->slots);
        if (table->slots == NULL) {
                free(table);
                return NULL;
        }
        memset(table->slots, 0xff, FIRST_SLOTS * sizeof *table->slots);
        table->slot_mask = FIRST_SLOTS - 1;
        table->oldest = table->newest = table->asked = NONE;
        table->limit = limit > 0 ? limit : 1;
        table->evicted = evicted;
        table->context = context;
        return table;
}

void device_table_destroy(struct device_table *table)
{
        if (table == NULL)
                return;
        for (uint32_t i = 0; i < table->chunk_count; i++)
                wide_memory_give(table->chunks[i], WIDE_PAGE);
        free(table->chunks);
        wide_memory_give(table->slots, (table->slot_mask + 1UL) * sizeof *table->slots);
        free(table);
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t find_slot(const struct device_table *table, const struct device_key *key, uint32_t hash)
{
        uint32_t slot = hash & table->slot_mask;
        while (table->slots[slot].number != NONE &&
               (table->slots[slot].hash != hash || !is_key(record(table, table->slots[slot].number), key)))
                slot = (slot + 1) & table->slot_mask;
        return slot;
}

struct device *device_table_find(const struct device_table *table, const struct device_key *key)
{
        uint32_t slot = find_slot(table, key, key_hash(key));
        return table->slots[slot].number == NONE ? NULL : record(table, table->slots[slot].number);
}

static void unlink_device(struct device_table *table, const struct device *device)
{
        *(device->older == NONE ? &table->oldest : &record(table, device->older)->newer) = device->newer;
        *(device->newer == NONE ? &table->newest : &record(table, device->newer)->older) = device->older;
}

static void link_newest(struct device_table *table, struct device *device)
{
        device->older = table->newest;
        device->newer = NONE;
        *(table->newest == NONE ? &table->oldest : &record(table, table->newest)->newer) = device->number;
        table->newest = device->number;
}

static int grow_slots(struct device_table *table)
{
        uint32_t size = (table->slot_mask + 1) * 2;
        struct slot *slots = wide_memory_take((size_t)size * sizeof *slots);
        if (slots == NULL)
                return -1;
        memset(slots, 0xff, (size_t)size * sizeof *slots);
        for (uint32_t i = 0; i <= table->slot_mask; i++) {
                if (table->slots[i].number == NONE)
                        continue;
                uint32_t slot = table->slots[i].hash & (size - 1);
                while (slots[slot].number != NONE)
                        slot = (slot + 1) & (size - 1);
                slots[slot] = table->slots[i];
        }
        wide_memory_give(table->slots, (table->slot_mask + 1UL) * sizeof *table->slots);
        table->slots = slots;
        table->slot_mask = size - 1;
        return 0;
}

/* Later members of the probe run move up, so that no tombstones are needed (Knuth 6.4, algorithm R). */
static void remove_slot(struct device_table *table, uint32_t hole)
{
        uint32_t slot = hole;
        for (;;) {
                slot = (slot + 1) & table->slot_mask;
                if (table->slots[slot].number == NONE)
                        break;
                uint32_t home = table->slots[slot].hash & table->slot_mask;
                if (((slot - home) & table->slot_mask) >= ((slot - hole) & table->slot_mask)) {
                        table->slots[hole] = table->slots[slot];
                        hole = slot;
                }
        }
        table->slots[hole].number = NONE;
}

/* The record that was silent longest, taken out of slots and order. */
static struct device *evict_oldest(struct device_table *table)
{
        struct device *device = record(table, table->oldest);
        if (table->evicted)
                table->evicted(table->context, device);
        struct device_key key = {device->address, device->context};
        remove_slot(table, find_slot(table, &key, device->hash));
        unlink_device(table, device);
        table->evictions++;
        table->count--;
        return device;
}

static struct device *fresh_record(struct device_table *table)
{
        if (table->used == table->chunk_count * CHUNK) {
                struct device **chunks = realloc(table->chunks, (table->chunk_count + 1) * sizeof(struct device *));
                if (chunks == NULL)
                        return NULL;
                table->chunks = chunks;
                chunks[table->chunk_count] = wide_memory_take(WIDE_PAGE);
                if (chunks[table->chunk_count] == NULL)
                        return NULL;
                table->chunk_count++;
        }
        struct device *device = record(table, table->used);
        device->number = table->used++;
        return device;
}

static struct device *add_device(struct device_table *table, const struct device_key *key, uint32_t hash, uint32_t now_s)
{
        if ((table->count + 1) * 4ULL > (table->slot_mask + 1ULL) * 3 && grow_slots(table) != 0)
                return NULL;
        struct device *device = table->count >= table->limit ? evict_oldest(table) : fresh_record(table);
        if (device == NULL)
                return NULL;
        *device = (struct device){.address = key->address,
                                  .context = key->context,
                                  .fleet = DEVICE_FLEET_UNKNOWN,
                                  .inventory_row = DEVICE_NO_ROW,
                                  .hash = hash,
                                  .used_s = now_s,
                                  .number = device->number};
        table->slots[find_slot(table, key, hash)] = (struct slot){hash, device->number};
        link_newest(table, device);
        table->count++;
        return device;
}

struct device *device_table_touch(struct device_table *table, const struct device_key *key, uint32_t now_s)
{
        uint32_t hash = key_hash(key);
        uint32_t slot = find_slot(table, key, hash);
        if (table->slots[slot].number == NONE)
                return add_device(table, key, hash, now_s);
        struct device *device = record(table, table->slots[slot].number);
        if (now_s >= device->used_s + RENEW_S) {
                device->used_s = now_s;
                unlink_device(table, device);
                link_newest(table, device);
        }
        return device;
}

/* It will become the newest, which writes into those beside it. */
static const struct device *near_by(const struct device_table *table, uint32_t number)
{
        const struct device *device = record(table, number);
        if (device->older != NONE)
                __builtin_prefetch(&record(table, device->older)->newer, 1);
        if (device->newer != NONE)
                __builtin_prefetch(&record(table, device->newer)->older, 1);
        return device;
}

const struct device *device_table_prefetch(struct device_table *table, const struct device_key *key)
{
        uint32_t before = table->asked;
        table->asked = table->slots[table->ahead & table->slot_mask].number;
        if (table->asked != NONE) {
                const char *asked = (const char *)record(table, table->asked);
                for (size_t line = 0; line < sizeof(struct device); line += 64)
                        __builtin_prefetch(asked + line, 1);
        }
        table->ahead = key_hash(key);
        __builtin_prefetch(&table->slots[table->ahead & table->slot_mask]);
        return before == NONE ? NULL : near_by(table, before);
}

uint32_t device_table_count(const struct device_table *table)
{
        return table->count;
}

uint64_t device_table_evictions(const struct device_table *table)
{
        return table->evictions;
}

uint64_t device_table_bytes(const struct device_table *table)
{
        return (uint64_t)table->chunk_count * WIDE_PAGE +
               (table->slot_mask + 1ULL) * sizeof *table->slots;
}

void device_table_each(const struct device_table *table, void (*each)(void *context, struct device *device), void *context)
{
        for (uint32_t number = table->oldest; number != NONE;) {
                struct device *device = record(table, number);
                number = device->newer;
                each(context, device);
        }
}
