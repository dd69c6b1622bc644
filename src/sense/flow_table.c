#include "sense/flow_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_seed.h"
#include "base/wide_memory.h"

/* A record lies in lines of its own, and is found by shifts. */
_Static_assert(sizeof(struct flow) <= 256, "four cache lines");

enum { CHUNK_FLOWS = WIDE_PAGE / sizeof(struct flow), FIRST_SLOTS = 4096, SPARE_BUCKETS = 64, SPARE_ROOM = 1024 };
enum { AHEAD = 4, NEXT_MOST = 32 }; /* AHEAD: places between a hint and what it is for */

struct slot {
        uint32_t hash;
        uint32_t flow; /* FLOW_NONE: free */
};

struct place {
        uint32_t flow, shard;
};

/* The flows of one second, in the order in which they were scheduled; one that has been moved since is passed over. */
struct bucket {
        struct place *places;
        uint32_t count, room;
};

struct flow_table {
        struct slot *slots;
        uint32_t mask;
        uint32_t used[SHARDS];
        struct bucket wheel[WHEEL_SECONDS]; /* by second modulo WHEEL_SECONDS */
        int64_t hand;       /* the second that the wheel has reached; flows stand behind it */
        struct bucket spare[SPARE_BUCKETS]; /* empty, with room, of seconds that are over: the cache still knows their memory */
        unsigned spare_count;
        struct bucket due;  /* taken out of the wheel, by shard */
        uint32_t due_next;  /* of them, the next to be given */
        uint32_t due_ahead; /* the next to be told as coming soon */
        struct flow **chunks;
        uint32_t chunk_count, chunk_limit;
        uint32_t free_head; /* free records, linked by `self` */
        uint32_t count, peak, shard_limit;
};

static uint64_t seed;

static inline struct flow *flow_at(const struct flow_table *table, uint32_t index)
{
        return &table->chunks[index / CHUNK_FLOWS][index % CHUNK_FLOWS];
}

struct flow_table *flow_table_create(uint32_t limit)
{
        struct flow_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        if (seed == 0)
                seed = hash_seed();
        table->shard_limit = limit / SHARDS ? limit / SHARDS : 1;
        table->chunk_limit = limit / CHUNK_FLOWS + SHARDS + 1;
        table->chunks = calloc(table->chunk_limit, sizeof *table->chunks);
        table->free_head = FLOW_NONE;
        table->slots = wide_memory_take(FIRST_SLOTS * sizeof *table->slots);
        if (table->chunks == NULL || table->slots == NULL) {
                flow_table_destroy(table);
                return NULL;
        }
        memset(table->slots, 0xff, FIRST_SLOTS * sizeof *table->slots);
        table->mask = FIRST_SLOTS - 1;
        return table;
}

void flow_table_destroy(struct flow_table *table)
{
        if (table == NULL)
                return;
        wide_memory_give(table->slots, (table->mask + 1UL) * sizeof *table->slots);
        for (unsigned i = 0; i < WHEEL_SECONDS; i++)
                free(table->wheel[i].places);
        while (table->spare_count > 0)
                free(table->spare[--table->spare_count].places);
        free(table->due.places);
        for (uint32_t i = 0; i < table->chunk_count; i++)
                wide_memory_give(table->chunks[i], WIDE_PAGE);
        free(table->chunks);
        free(table);
}

static inline uint64_t address_half(const struct address *address, unsigned half)
{
        uint64_t word;
        memcpy(&word, address->bytes + half * 8, 8);
        return word;
}

/* The port is multiplied by the secret too: addresses that are chosen to fit it would all stand in one place otherwise. */
static inline uint64_t end_hash(const struct address *address, uint16_t port)
{
        return XXH3_mul128_fold64(address_half(address, 0) ^ seed, address_half(address, 1) + port * (seed | 1));
}

/* Two products that do not wait for each other, over 16 + 16 + 8 bytes: cheaper than a general hash. */
uint32_t flow_hash(const struct packet *packet)
{
        uint64_t ends = end_hash(&packet->source, packet->source_port) + end_hash(&packet->destination, packet->destination_port);
        return (uint32_t)(((ends ^ ((uint32_t)packet->context << 8 | packet->protocol)) * 0x9fb21c651e98df25ULL) >> 32);
}

void flow_table_prefetch(const struct flow_table *table, uint32_t hash)
{
        __builtin_prefetch(&table->slots[hash & table->mask]);
}

void flow_table_prefetch_flow(const struct flow_table *table, uint32_t hash)
{
        const struct slot *slot = &table->slots[hash & table->mask];
        if (slot->flow != FLOW_NONE) {
                const struct flow *flow = flow_at(table, slot->flow);
                __builtin_prefetch(flow);
                __builtin_prefetch((const char *)flow + 64);
                __builtin_prefetch((const char *)flow + 128);
        }
}

static inline bool flow_is_from(const struct flow *flow, unsigned end, const struct packet *packet)
{
        return flow->port[end] == packet->source_port && flow->port[!end] == packet->destination_port &&
               address_equal(&flow->address[end], &packet->source) && address_equal(&flow->address[!end], &packet->destination);
}

struct flow *flow_table_find(const struct flow_table *table, const struct packet *packet, uint32_t hash, unsigned *source_end)
{
        for (uint32_t i = hash & table->mask; table->slots[i].flow != FLOW_NONE; i = (i + 1) & table->mask) {
                if (table->slots[i].hash != hash)
                        continue;
                struct flow *flow = flow_at(table, table->slots[i].flow);
                if (flow->protocol != packet->protocol || flow->context != packet->context)
                        continue;
                bool from_first = flow_is_from(flow, 0, packet);
                *source_end = !from_first;
                if (from_first || flow_is_from(flow, 1, packet))
                        return flow;
        }
        return NULL;
}

bool flow_table_is_full(const struct flow_table *table, unsigned shard)
{
        return table->used[shard] >= table->shard_limit;
}

static void slot_put(struct flow_table *table, uint32_t hash, uint32_t flow)
{
        uint32_t i = hash & table->mask;
        while (table->slots[i].flow != FLOW_NONE)
                i = (i + 1) & table->mask;
        table->slots[i] = (struct slot){.hash = hash, .flow = flow};
}

static int slots_grow(struct flow_table *table)
{
        uint32_t old_size = table->mask + 1, size = old_size * 2;
        struct slot *old = table->slots;
        struct slot *slots = wide_memory_take(size * sizeof *slots);
        if (slots == NULL)
                return -1;
        memset(slots, 0xff, size * sizeof *slots);
        table->slots = slots;
        table->mask = size - 1;
        for (uint32_t i = 0; i < old_size; i++)
                if (old[i].flow != FLOW_NONE)
                        slot_put(table, old[i].hash, old[i].flow);
        wide_memory_give(old, old_size * sizeof *old);
        return 0;
}

static int pool_grow(struct flow_table *table)
{
        if (table->chunk_count == table->chunk_limit)
                return -1;
        struct flow *chunk = wide_memory_take(WIDE_PAGE);
        if (chunk == NULL)
                return -1;
        uint32_t first = table->chunk_count * CHUNK_FLOWS;
        for (uint32_t i = 0; i < CHUNK_FLOWS; i++)
                chunk[i].self = i + 1 < CHUNK_FLOWS ? first + i + 1 : table->free_head;
        table->chunks[table->chunk_count++] = chunk;
        table->free_head = first;
        return 0;
}

struct flow *flow_table_add(struct flow_table *table, unsigned shard, const struct packet *packet, uint32_t hash)
{
        if (flow_table_is_full(table, shard))
                return NULL;
        if (table->count * 3ULL >= table->mask * 2ULL && slots_grow(table) != 0)
                return NULL;
        if (table->free_head == FLOW_NONE && pool_grow(table) != 0)
                return NULL;
        uint32_t index = table->free_head;
        struct flow *flow = flow_at(table, index);
        table->free_head = flow->self;
        memset(flow, 0, sizeof *flow);
        flow->address[0] = packet->source;
        flow->address[1] = packet->destination;
        flow->port[0] = packet->source_port;
        flow->port[1] = packet->destination_port;
        flow->protocol = packet->protocol;
        flow->context = packet->context;
        flow->hash = hash;
        flow->self = index;
        flow->shard = (uint8_t)shard;
        flow->due = FLOW_UNSCHEDULED;
        slot_put(table, hash, index);
        table->used[shard]++;
        table->count++;
        if (table->count > table->peak)
                table->peak = table->count;
        return flow;
}

/* Removal without tombstones: what stands behind moves up when its home allows. */
static void slot_take(struct flow_table *table, uint32_t hash, uint32_t flow)
{
        uint32_t hole = hash & table->mask;
        while (table->slots[hole].flow != flow)
                hole = (hole + 1) & table->mask;
        for (uint32_t i = (hole + 1) & table->mask; table->slots[i].flow != FLOW_NONE; i = (i + 1) & table->mask) {
                uint32_t home = table->slots[i].hash & table->mask;
                if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
                        table->slots[hole] = table->slots[i];
                        hole = i;
                }
        }
        table->slots[hole].flow = FLOW_NONE;
}

void flow_table_remove(struct flow_table *table, struct flow *flow)
{
        flow->due = FLOW_UNSCHEDULED;
        uint32_t index = flow->self;
        slot_take(table, flow->hash, index);
        table->used[flow->shard]--;
        table->count--;
        flow->self = table->free_head;
        table->free_head = index;
}

static bool bucket_make_room(struct bucket *bucket, uint32_t more)
{
        uint32_t room = bucket->room ? bucket->room : 8;
        if (bucket->count + more <= bucket->room)
                return true;
        while (room < bucket->count + more)
                room *= 2;
        struct place *places = realloc(bucket->places, room * sizeof *places);
        if (places == NULL)
                return false;
        bucket->places = places;
        bucket->room = room;
        return true;
}

/* What stands in the wheel is less than one turn away: seconds and slots tell each other. Files may say that it was before 1970. */
static uint16_t wheel_slot(int64_t second)
{
        return (uint16_t)((uint64_t)second % WHEEL_SECONDS);
}

void flow_table_schedule(struct flow_table *table, struct flow *flow, int64_t second)
{
        if (second <= table->hand)
                second = table->hand + 1;
        if (second > table->hand + WHEEL_SECONDS - 2)
                second = table->hand + WHEEL_SECONDS - 2;
        if (flow->due == wheel_slot(second))
                return;
        struct bucket *bucket = &table->wheel[wheel_slot(second)];
        if (bucket->places == NULL && table->spare_count > 0)
                *bucket = table->spare[--table->spare_count];
        if (!bucket_make_room(bucket, 1))
                return; /* it stays where it was */
        bucket->places[bucket->count++] = (struct place){.flow = flow->self, .shard = flow->shard};
        flow->due = wheel_slot(second);
}

static void bucket_clear(struct flow_table *table, struct bucket *bucket)
{
        bucket->count = 0;
        if (bucket->places != NULL && bucket->room <= SPARE_ROOM && table->spare_count < SPARE_BUCKETS)
                table->spare[table->spare_count++] = *bucket;
        else
                free(bucket->places);
        *bucket = (struct bucket){0};
}

/* Stable, so that within a shard the order of scheduling stays, whatever other shards did. */
static void sort_by_shard(struct bucket *bucket, struct place *out)
{
        uint32_t starts[SHARDS] = {0}, at = 0;
        for (uint32_t i = 0; i < bucket->count; i++)
                starts[bucket->places[i].shard]++;
        for (unsigned shard = 0; shard < SHARDS; shard++) {
                uint32_t here = starts[shard];
                starts[shard] = at;
                at += here;
        }
        for (uint32_t i = 0; i < bucket->count; i++)
                out[starts[bucket->places[i].shard]++] = bucket->places[i];
}

/* A place is left behind when its flow moves or goes, whose record may then be another's. */
static inline bool stands_there(const struct flow *flow, const struct place *place, int64_t second)
{
        return flow->due == wheel_slot(second) && flow->shard == place->shard;
}

/* The hand's bucket becomes what is due. */
static void take_bucket(struct flow_table *table)
{
        struct bucket *bucket = &table->wheel[wheel_slot(table->hand)];
        table->due.count = table->due_next = table->due_ahead = 0;
        if (bucket->count == 0)
                return;
        if (!bucket_make_room(&table->due, bucket->count)) {
                for (uint32_t i = 0; i < bucket->count; i++) { /* without memory: a second later */
                        struct flow *flow = flow_at(table, bucket->places[i].flow);
                        if (stands_there(flow, &bucket->places[i], table->hand))
                                flow_table_schedule(table, flow, table->hand + 1);
                }
        } else {
                sort_by_shard(bucket, table->due.places);
                table->due.count = bucket->count;
        }
        bucket_clear(table, bucket);
}

static inline void prefetch_flow(const struct flow_table *table, uint32_t number)
{
        const char *flow = (const char *)flow_at(table, number);
        for (size_t line = 0; line < sizeof(struct flow); line += 64)
                __builtin_prefetch(flow + line, 1);
}

/* The next of what is due that still stands there, or NULL. */
static struct flow *due_next(struct flow_table *table)
{
        while (table->due_next < table->due.count) {
                const struct place *place = &table->due.places[table->due_next++];
                struct flow *flow = flow_at(table, place->flow);
                if (table->due_next + 2 * AHEAD < table->due.count)
                        prefetch_flow(table, table->due.places[table->due_next + 2 * AHEAD].flow);
                if (stands_there(flow, place, table->hand)) {
                        flow->due = FLOW_UNSCHEDULED;
                        return flow;
                }
        }
        return NULL;
}

const struct flow *flow_table_ahead(struct flow_table *table)
{
        if (table->due_ahead < table->due_next)
                table->due_ahead = table->due_next;
        if (table->due_ahead >= table->due.count || table->due_ahead > table->due_next + AHEAD)
                return NULL;
        return flow_at(table, table->due.places[table->due_ahead++].flow);
}

void flow_table_prefetch_due(const struct flow_table *table)
{
        const struct bucket *bucket = &table->wheel[wheel_slot(table->hand + 1)];
        for (uint32_t i = 0; i < bucket->count && i < NEXT_MOST; i++)
                prefetch_flow(table, bucket->places[i].flow);
}

void flow_table_start(struct flow_table *table, int64_t second)
{
        assert(table->count == 0);
        for (unsigned i = 0; i < WHEEL_SECONDS; i++)
                table->wheel[i].count = 0;
        table->due.count = table->due_next = table->due_ahead = 0;
        table->hand = second;
}

struct flow *flow_table_due(struct flow_table *table, int64_t second)
{
        for (;;) {
                struct flow *flow = due_next(table);
                if (flow != NULL)
                        return flow;
                if (table->hand >= second)
                        return NULL;
                if (table->count == 0) {
                        flow_table_start(table, second);
                        return NULL;
                }
                table->hand++;
                if (second - table->hand > WHEEL_SECONDS)
                        table->hand = second - WHEEL_SECONDS; /* once around is all */
                take_bucket(table);
        }
}

struct flow *flow_table_victim(const struct flow_table *table, unsigned shard)
{
        for (int64_t second = table->hand + 1; second < table->hand + WHEEL_SECONDS; second++) {
                const struct bucket *bucket = &table->wheel[wheel_slot(second)];
                for (uint32_t i = 0; i < bucket->count; i++) {
                        struct flow *flow = flow_at(table, bucket->places[i].flow);
                        if (flow->shard == shard && stands_there(flow, &bucket->places[i], second))
                                return flow;
                }
        }
        return NULL;
}

/* All that stands in the wheel, moved to one second and sorted. */
static bool gather_all(struct flow_table *table)
{
        struct bucket all = {0};
        bool good = bucket_make_room(&all, table->count + 1) && bucket_make_room(&table->due, table->count + 1);
        for (int64_t second = table->hand + 1; good && second < table->hand + WHEEL_SECONDS; second++) {
                struct bucket *bucket = &table->wheel[wheel_slot(second)];
                for (uint32_t i = 0; i < bucket->count; i++) {
                        struct flow *flow = flow_at(table, bucket->places[i].flow);
                        if (!stands_there(flow, &bucket->places[i], second) || all.count == table->count)
                                continue;
                        flow->due = wheel_slot(table->hand);
                        assert(all.places != NULL);
                        all.places[all.count++] = bucket->places[i];
                }
                bucket_clear(table, bucket);
        }
        if (good) {
                sort_by_shard(&all, table->due.places);
                table->due.count = all.count;
                table->due_next = 0;
        }
        free(all.places);
        return good && all.count > 0;
}

struct flow *flow_table_any(struct flow_table *table)
{
        struct flow *flow = due_next(table);
        if (flow == NULL && table->count > 0 && gather_all(table))
                flow = due_next(table);
        return flow;
}

uint32_t flow_table_count(const struct flow_table *table)
{
        return table->count;
}

uint32_t flow_table_peak(const struct flow_table *table)
{
        return table->peak;
}
