#include "judge/sim_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_seed.h"

enum { DIGITS_LEAST = 6, DIGITS_MOST = 16, FIRST_SLOTS = 1024, ENTRIES_A_CHUNK = 256 };

struct entry {
        struct entry *prev, *next; /* longest silent first */
        struct sim sim;
};

/* The key stands beside the place, so that a probe that does not fit costs no look at the entry. */
struct slot {
        uint64_t subscriber; /* 0: free */
        struct entry *entry;
};

struct sim_table {
        uint64_t seed;
        struct slot *slots; /* open addressing, a power of two, at most half full */
        uint32_t slot_mask;
        struct entry **chunks; /* of entries; they stay where they are */
        struct entry *free;    /* that were dropped, by `next` */
        struct entry *order;
        uint32_t chunk_count, used; /* used: entries that were ever taken */
        uint32_t count, limit, moved;
        uint64_t evictions;
};

struct sim_table *sim_table_create(uint32_t limit)
{
        struct sim_table *table = calloc(1, sizeof *table);
        if (table == NULL || (table->slots = calloc(FIRST_SLOTS, sizeof *table->slots)) == NULL) {
                free(table);
                return NULL;
        }
        table->seed = hash_seed();
        table->slot_mask = FIRST_SLOTS - 1;
        table->limit = limit ? limit : 1;
        return table;
}

static uint32_t home_of(const struct sim_table *table, uint64_t subscriber)
{
        return (uint32_t)XXH3_64bits_withSeed(&subscriber, sizeof subscriber, table->seed) & table->slot_mask;
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t find_slot(const struct sim_table *table, uint64_t subscriber)
{
        uint32_t slot = home_of(table, subscriber);
        while (table->slots[slot].subscriber != 0 && table->slots[slot].subscriber != subscriber)
                slot = (slot + 1) & table->slot_mask;
        return slot;
}

/* Later members of the probe run move up, so that no tombstones are needed (Knuth 6.4, algorithm R). */
static void free_slot(struct sim_table *table, uint32_t hole)
{
        for (uint32_t slot = (hole + 1) & table->slot_mask; table->slots[slot].subscriber != 0; slot = (slot + 1) & table->slot_mask) {
                uint32_t home = home_of(table, table->slots[slot].subscriber);
                if (((slot - home) & table->slot_mask) >= ((slot - hole) & table->slot_mask)) {
                        table->slots[hole] = table->slots[slot];
                        hole = slot;
                }
        }
        table->slots[hole] = (struct slot){0, NULL};
}

static bool grow(struct sim_table *table)
{
        uint32_t before = table->slot_mask + 1;
        struct slot *old = table->slots, *wider = calloc(2 * (size_t)before, sizeof *wider);
        if (wider == NULL)
                return false;
        table->slots = wider;
        table->slot_mask = 2 * before - 1;
        for (uint32_t i = 0; i < before; i++)
                if (old[i].subscriber != 0)
                        wider[find_slot(table, old[i].subscriber)] = old[i];
        free(old);
        return true;
}

/* All zeros; NULL: no memory. */
static struct entry *take_entry(struct sim_table *table)
{
        struct entry *entry = table->free;
        if (entry != NULL) {
                table->free = entry->next;
                return memset(entry, 0, sizeof *entry);
        }
        if (table->used == table->chunk_count * ENTRIES_A_CHUNK) {
                struct entry **chunks = realloc(table->chunks, (table->chunk_count + 1) * sizeof *chunks);
                if (chunks == NULL)
                        return NULL;
                table->chunks = chunks;
                if ((chunks[table->chunk_count] = malloc(ENTRIES_A_CHUNK * sizeof **chunks)) == NULL)
                        return NULL;
                table->chunk_count++;
        }
        entry = &table->chunks[table->used / ENTRIES_A_CHUNK][table->used % ENTRIES_A_CHUNK];
        table->used++;
        return memset(entry, 0, sizeof *entry);
}

static void drop(struct sim_table *table, struct entry *entry)
{
        DL_DELETE(table->order, entry);
        table->moved -= entry->sim.is_moved;
        free_slot(table, find_slot(table, entry->sim.subscriber));
        entry->next = table->free;
        table->free = entry;
        table->count--;
}

void sim_table_destroy(struct sim_table *table)
{
        if (table == NULL)
                return;
        for (uint32_t i = 0; i < table->chunk_count; i++)
                free(table->chunks[i]);
        free(table->chunks);
        free(table->slots);
        free(table);
}

uint64_t digits_number(const char *text)
{
        uint64_t number = 1;
        size_t length = strlen(text);
        if (length == 0 || length > DIGITS_MOST)
                return 0;
        for (; *text != '\0'; text++) {
                unsigned digit = (unsigned)(uint8_t)*text - '0';
                if (digit > 9)
                        return 0;
                number = number * 10 + digit;
        }
        return number;
}

const char *digits_of(uint64_t number, char text[20])
{
        snprintf(text, 20, "%" PRIu64, number % UINT64_C(1000000000000000000));
        memmove(text, text + 1, strlen(text));
        return text;
}

static struct entry *find(const struct sim_table *table, uint64_t subscriber)
{
        return table->slots[find_slot(table, subscriber)].entry;
}

static struct entry *touch(struct sim_table *table, uint64_t subscriber, uint32_t now_s)
{
        struct entry *entry = find(table, subscriber);
        if (entry == NULL) {
                if ((table->count + 1) * UINT64_C(2) > table->slot_mask && !grow(table))
                        return NULL;
                while (table->count >= table->limit) {
                        drop(table, table->order);
                        table->evictions++;
                }
                if ((entry = take_entry(table)) == NULL)
                        return NULL;
                entry->sim.subscriber = subscriber;
                table->slots[find_slot(table, subscriber)] = (struct slot){subscriber, entry};
                table->count++;
                DL_APPEND(table->order, entry);
        } else if (now_s > entry->sim.used_s) {
                DL_DELETE(table->order, entry);
                DL_APPEND(table->order, entry);
        }
        if (now_s > entry->sim.used_s)
                entry->sim.used_s = now_s;
        return entry;
}

static uint64_t subscriber_of(const char *imsi, const char *msisdn)
{
        const char *text = imsi[0] ? imsi : msisdn;
        uint64_t number = strlen(text) >= DIGITS_LEAST ? digits_number(text) : 0;
        return number != 0 && !imsi[0] ? number | SIM_BY_NUMBER : number;
}

struct sim *sim_table_touch(struct sim_table *table, const char *imsi, const char *msisdn, uint32_t now_s)
{
        uint64_t subscriber = subscriber_of(imsi, msisdn);
        struct entry *entry = subscriber ? touch(table, subscriber, now_s) : NULL;
        return entry ? &entry->sim : NULL;
}

struct sim *sim_table_find(const struct sim_table *table, const char *imsi, const char *msisdn)
{
        uint64_t subscriber = subscriber_of(imsi, msisdn);
        struct entry *entry = subscriber ? find(table, subscriber) : NULL;
        return entry ? &entry->sim : NULL;
}

void sim_table_note_move(struct sim_table *table, struct sim *sim, bool is_moved)
{
        table->moved += is_moved;
        table->moved -= sim->is_moved;
        sim->is_moved = is_moved;
}

uint32_t sim_table_moved(const struct sim_table *table)
{
        return table->moved;
}

bool sim_has_place(const struct sim *sim, uint32_t place)
{
        for (unsigned i = 0; i < sim->place_count; i++)
                if (sim->places[i] == place)
                        return true;
        return false;
}

void sim_add_place(struct sim *sim, uint32_t place)
{
        if (sim_has_place(sim, place))
                return;
        sim->places[sim->place_next] = place;
        sim->place_next = (uint8_t)((sim->place_next + 1) % SIM_PLACES);
        if (sim->place_count < SIM_PLACES)
                sim->place_count++;
}

uint64_t sim_table_evictions(const struct sim_table *table)
{
        return table->evictions;
}

int sim_table_save(const struct sim_table *table, struct state_writer *writer)
{
        const struct entry *entry;
        DL_FOREACH(table->order, entry)
        {
                const struct sim *sim = &entry->sim;
                Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
                Apnwatch__V1__SavedSim saved = APNWATCH__V1__SAVED_SIM__INIT;
                uint32_t places[SIM_PLACES];
                for (unsigned i = 0; i < sim->place_count; i++)
                        places[i] = sim->places[(sim->place_next + SIM_PLACES - sim->place_count + i) % SIM_PLACES];
                saved.imsi = sim->subscriber;
                saved.has_imei = sim->imei != 0;
                saved.imei = sim->imei;
                saved.has_used_s = saved.has_placed_s = true;
                saved.used_s = sim->used_s;
                saved.placed_s = sim->placed_s;
                saved.has_moved = saved.moved = sim->is_moved;
                saved.has_last_area = sim->last_area != 0;
                saved.last_area = sim->last_area;
                saved.has_place = sim->place_count > 0;
                saved.place = (ProtobufCBinaryData){sim->place_count * sizeof *places, (uint8_t *)places};
                saved.last_place = sim->last_place[0] ? (char *)sim->last_place : NULL;
                record.body_case = APNWATCH__V1__STATE_RECORD__BODY_SIM;
                record.sim = &saved;
                state_write(writer, &record);
        }
        return writer->error;
}

/* As many digits with a 1 in front as digits_number makes. */
static bool is_digits_number(uint64_t number)
{
        uint64_t lead = number;
        while (lead >= 10)
                lead /= 10;
        return lead == 1 && number >= 10 && number < UINT64_C(20000000000000000);
}

void sim_table_load(struct sim_table *table, const Apnwatch__V1__SavedSim *saved)
{
        struct entry *entry = is_digits_number(saved->imsi & ~SIM_BY_NUMBER) ? touch(table, saved->imsi, saved->used_s) : NULL;
        if (entry == NULL)
                return;
        struct sim *sim = &entry->sim;
        sim->imei = is_digits_number(saved->imei) ? saved->imei : 0;
        sim->placed_s = saved->placed_s;
        sim->last_area = saved->last_area;
        sim_table_note_move(table, sim, saved->moved);
        for (size_t at = 0; at + sizeof(uint32_t) <= saved->place.len && at < SIM_PLACES * sizeof(uint32_t); at += sizeof(uint32_t)) {
                uint32_t place;
                memcpy(&place, saved->place.data + at, sizeof place);
                sim_add_place(sim, place);
        }
        if (saved->last_place)
                snprintf(sim->last_place, sizeof sim->last_place, "%s", saved->last_place);
}
