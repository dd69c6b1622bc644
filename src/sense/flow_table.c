#include "sense/flow_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CHUNK_FLOWS = 1024, FIRST_SLOTS = 64 };

struct slot {
        uint32_t hash;
        uint32_t flow; /* FLOW_NONE: free */
};

/* The flows of one second, in the order in which they were scheduled; one that has been moved since is passed over. */
struct bucket {
        uint32_t *flows;
        uint32_t count, room;
};

struct shard {
        struct slot *slots;
        uint32_t mask, used;
        int64_t hand;      /* the second that the wheel has reached; flows stand at hand or later */
        struct bucket *wheel; /* by second modulo WHEEL_SECONDS */
        uint32_t taken;    /* of the hand's bucket */
};

struct flow_table {
        struct shard shards[SHARDS];
        struct flow **chunks;
        uint32_t chunk_count, chunk_limit;
        uint32_t free_head; /* free records, linked by next_free */
        uint32_t count, peak, shard_limit;
};

static uint64_t seed;

static inline struct flow *flow_at(const struct flow_table *table, uint32_t index)
{
        return &table->chunks[index / CHUNK_FLOWS][index % CHUNK_FLOWS];
}

static int shard_init(struct shard *shard)
{
        shard->slots = malloc(FIRST_SLOTS * sizeof *shard->slots);
        shard->wheel = calloc(WHEEL_SECONDS, sizeof *shard->wheel);
        if (shard->slots == NULL || shard->wheel == NULL)
                return -1;
        memset(shard->slots, 0xff, FIRST_SLOTS * sizeof *shard->slots);
        shard->mask = FIRST_SLOTS - 1;
        return 0;
}

struct flow_table *flow_table_create(uint32_t limit)
{
        struct flow_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        if (seed == 0 && getrandom(&seed, sizeof seed, 0) != sizeof seed)
                seed = 0x9e3779b97f4a7c15ULL;
        table->shard_limit = limit / SHARDS ? limit / SHARDS : 1;
        table->chunk_limit = limit / CHUNK_FLOWS + SHARDS + 1;
        table->chunks = calloc(table->chunk_limit, sizeof *table->chunks);
        table->free_head = FLOW_NONE;
        int failed = table->chunks == NULL;
        for (unsigned i = 0; i < SHARDS; i++)
                failed |= shard_init(&table->shards[i]);
        if (failed) {
                flow_table_destroy(table);
                return NULL;
        }
        return table;
}

void flow_table_destroy(struct flow_table *table)
{
        if (table == NULL)
                return;
        for (unsigned i = 0; i < SHARDS; i++) {
                free(table->shards[i].slots);
                for (unsigned second = 0; table->shards[i].wheel != NULL && second < WHEEL_SECONDS; second++)
                        free(table->shards[i].wheel[second].flows);
                free(table->shards[i].wheel);
        }
        for (uint32_t i = 0; i < table->chunk_count; i++)
                free(table->chunks[i]);
        free(table->chunks);
        free(table);
}

/* Two multiplications over the 16 + 16 + 8 bytes: cheaper than a general hash, and the seed is secret. */
static uint32_t key_hash(const struct flow_key *key)
{
        uint64_t w[5];
        memcpy(w, key->address, 32);
        w[4] = (uint64_t)key->port[0] << 48 | (uint64_t)key->port[1] << 32 | (uint64_t)key->context << 16 | key->protocol;
        uint64_t low = XXH3_mul128_fold64(w[0] ^ w[2] ^ seed, w[1] ^ w[4] ^ 0xe7037ed1a0b428dbULL);
        uint64_t high = XXH3_mul128_fold64(w[1] ^ low ^ 0xa0761d6478bd642fULL, w[3] ^ w[0] ^ w[4] ^ seed);
        uint64_t hash = (low ^ high) * 0x9fb21c651e98df25ULL;
        return (uint32_t)(hash >> 32);
}

uint32_t flow_key_set(struct flow_key *key, const struct address *source, const struct address *destination,
                      uint16_t source_port, uint16_t destination_port, uint8_t protocol, uint16_t context, unsigned *source_end)
{
        int order = address_compare(source, destination);
        unsigned end = order > 0 || (order == 0 && source_port > destination_port);
        key->address[end] = *source;
        key->address[!end] = *destination;
        key->port[end] = source_port;
        key->port[!end] = destination_port;
        key->context = context;
        key->protocol = protocol;
        *source_end = end;
        return key_hash(key);
}

void flow_table_prefetch(const struct flow_table *table, unsigned shard, uint32_t hash)
{
        const struct shard *s = &table->shards[shard];
        __builtin_prefetch(&s->slots[hash & s->mask]);
}

void flow_table_prefetch_flow(const struct flow_table *table, unsigned shard, uint32_t hash)
{
        const struct shard *s = &table->shards[shard];
        const struct slot *slot = &s->slots[hash & s->mask];
        if (slot->flow != FLOW_NONE) {
                const struct flow *flow = flow_at(table, slot->flow);
                __builtin_prefetch(flow);
                __builtin_prefetch((const char *)flow + 64);
                __builtin_prefetch((const char *)flow + 128);
        }
}

static bool flow_has_key(const struct flow *flow, const struct flow_key *key)
{
        return address_equal(&flow->address[0], &key->address[0]) && address_equal(&flow->address[1], &key->address[1]) &&
               flow->port[0] == key->port[0] && flow->port[1] == key->port[1] && flow->protocol == key->protocol &&
               flow->context == key->context;
}

struct flow *flow_table_find(const struct flow_table *table, unsigned shard, const struct flow_key *key, uint32_t hash)
{
        const struct shard *s = &table->shards[shard];
        for (uint32_t i = hash & s->mask; s->slots[i].flow != FLOW_NONE; i = (i + 1) & s->mask) {
                if (s->slots[i].hash != hash)
                        continue;
                struct flow *flow = flow_at(table, s->slots[i].flow);
                if (flow_has_key(flow, key))
                        return flow;
        }
        return NULL;
}

bool flow_table_is_full(const struct flow_table *table, unsigned shard)
{
        return table->shards[shard].used >= table->shard_limit;
}

static void slot_put(struct shard *s, uint32_t hash, uint32_t flow)
{
        uint32_t i = hash & s->mask;
        while (s->slots[i].flow != FLOW_NONE)
                i = (i + 1) & s->mask;
        s->slots[i] = (struct slot){.hash = hash, .flow = flow};
}

static int shard_grow(struct shard *s)
{
        uint32_t old_size = s->mask + 1, size = old_size * 2;
        struct slot *old = s->slots;
        struct slot *slots = malloc(size * sizeof *slots);
        if (slots == NULL)
                return -1;
        memset(slots, 0xff, size * sizeof *slots);
        s->slots = slots;
        s->mask = size - 1;
        for (uint32_t i = 0; i < old_size; i++)
                if (old[i].flow != FLOW_NONE)
                        slot_put(s, old[i].hash, old[i].flow);
        free(old);
        return 0;
}

static int pool_grow(struct flow_table *table)
{
        if (table->chunk_count == table->chunk_limit)
                return -1;
        struct flow *chunk = malloc(CHUNK_FLOWS * sizeof *chunk);
        if (chunk == NULL)
                return -1;
        uint32_t first = table->chunk_count * CHUNK_FLOWS;
        for (uint32_t i = 0; i < CHUNK_FLOWS; i++)
                chunk[i].next_free = i + 1 < CHUNK_FLOWS ? first + i + 1 : table->free_head;
        table->chunks[table->chunk_count++] = chunk;
        table->free_head = first;
        return 0;
}

struct flow *flow_table_add(struct flow_table *table, unsigned shard, const struct flow_key *key, uint32_t hash)
{
        struct shard *s = &table->shards[shard];
        if (flow_table_is_full(table, shard))
                return NULL;
        if (s->used * 3 >= s->mask * 2 && shard_grow(s) != 0)
                return NULL;
        if (table->free_head == FLOW_NONE && pool_grow(table) != 0)
                return NULL;
        uint32_t index = table->free_head;
        struct flow *flow = flow_at(table, index);
        table->free_head = flow->next_free;
        memset(flow, 0, sizeof *flow);
        memcpy(flow->address, key->address, sizeof flow->address);
        memcpy(flow->port, key->port, sizeof flow->port);
        flow->protocol = key->protocol;
        flow->context = key->context;
        flow->hash = hash;
        flow->self = index;
        flow->shard = (uint8_t)shard;
        flow->due_second = FLOW_UNSCHEDULED;
        slot_put(s, hash, index);
        s->used++;
        table->count++;
        if (table->count > table->peak)
                table->peak = table->count;
        return flow;
}

/* Removal without tombstones: what stands behind moves up when its home allows. */
static void slot_take(struct shard *s, uint32_t hash, uint32_t flow)
{
        uint32_t hole = hash & s->mask;
        while (s->slots[hole].flow != flow)
                hole = (hole + 1) & s->mask;
        for (uint32_t i = (hole + 1) & s->mask; s->slots[i].flow != FLOW_NONE; i = (i + 1) & s->mask) {
                uint32_t home = s->slots[i].hash & s->mask;
                if (((i - home) & s->mask) >= ((i - hole) & s->mask)) {
                        s->slots[hole] = s->slots[i];
                        hole = i;
                }
        }
        s->slots[hole].flow = FLOW_NONE;
}

void flow_table_remove(struct flow_table *table, struct flow *flow)
{
        struct shard *s = &table->shards[flow->shard];
        flow->due_second = FLOW_UNSCHEDULED;
        slot_take(s, flow->hash, flow->self);
        s->used--;
        table->count--;
        flow->next_free = table->free_head;
        table->free_head = flow->self;
}

static bool bucket_push(struct bucket *bucket, uint32_t flow)
{
        if (bucket->count == bucket->room) {
                uint32_t room = bucket->room ? bucket->room * 2 : 8;
                uint32_t *flows = realloc(bucket->flows, room * sizeof *flows);
                if (flows == NULL)
                        return false;
                bucket->flows = flows;
                bucket->room = room;
        }
        bucket->flows[bucket->count++] = flow;
        return true;
}

void flow_table_schedule(struct flow_table *table, struct flow *flow, int64_t second)
{
        struct shard *s = &table->shards[flow->shard];
        if (second <= s->hand)
                second = s->hand + 1;
        if (second > s->hand + WHEEL_SECONDS - 2)
                second = s->hand + WHEEL_SECONDS - 2;
        if (flow->due_second == second)
                return;
        /* Without memory for the place it stays where it was, or is found by the walk at the end. */
        if (bucket_push(&s->wheel[second % WHEEL_SECONDS], flow->self))
                flow->due_second = second;
}

static void bucket_clear(struct bucket *bucket)
{
        bucket->count = 0;
        if (bucket->room <= 64)
                return;
        free(bucket->flows);
        *bucket = (struct bucket){0};
}

static void prefetch_ahead(const struct flow_table *table, const struct bucket *bucket, uint32_t at)
{
        if (at >= bucket->count)
                return;
        const char *flow = (const char *)flow_at(table, bucket->flows[at]);
        for (size_t line = 0; line < sizeof(struct flow); line += 64)
                __builtin_prefetch(flow + line, 1);
}

/* The next flow of the hand's bucket that still stands there, or NULL when it is used up. */
static struct flow *bucket_next(struct flow_table *table, struct shard *s)
{
        struct bucket *bucket = &s->wheel[s->hand % WHEEL_SECONDS];
        while (s->taken < bucket->count) {
                struct flow *flow = flow_at(table, bucket->flows[s->taken++]);
                prefetch_ahead(table, bucket, s->taken + 4);
                if (flow->due_second == s->hand) {
                        flow->due_second = FLOW_UNSCHEDULED;
                        return flow;
                }
        }
        bucket_clear(bucket);
        s->taken = 0;
        return NULL;
}

const struct flow *flow_table_ahead(const struct flow_table *table, unsigned shard)
{
        const struct shard *s = &table->shards[shard];
        const struct bucket *bucket = &s->wheel[s->hand % WHEEL_SECONDS];
        return s->taken + 1 < bucket->count ? flow_at(table, bucket->flows[s->taken + 1]) : NULL;
}

void flow_table_start(struct flow_table *table, unsigned shard, int64_t second)
{
        struct shard *s = &table->shards[shard];
        assert(s->used == 0);
        for (unsigned i = 0; i < WHEEL_SECONDS; i++)
                s->wheel[i].count = 0;
        s->hand = second;
        s->taken = 0;
}

struct flow *flow_table_due(struct flow_table *table, unsigned shard, int64_t second)
{
        struct shard *s = &table->shards[shard];
        if (second - s->hand > WHEEL_SECONDS) { /* once around is all */
                s->hand = second - WHEEL_SECONDS;
                s->taken = 0;
        }
        for (;;) {
                struct flow *flow = bucket_next(table, s);
                if (flow != NULL)
                        return flow;
                if (s->hand >= second)
                        return NULL;
                s->hand++;
        }
}

/* A flow that stands anywhere in the wheel, nearest first; what has been moved is passed over. */
static struct flow *first_from(const struct flow_table *table, const struct shard *s)
{
        for (int64_t second = s->hand; s->used > 0 && second < s->hand + WHEEL_SECONDS; second++) {
                const struct bucket *bucket = &s->wheel[second % WHEEL_SECONDS];
                for (uint32_t i = second == s->hand ? s->taken : 0; i < bucket->count; i++) {
                        struct flow *flow = flow_at(table, bucket->flows[i]);
                        if (flow->due_second == second)
                                return flow;
                }
        }
        return NULL;
}

struct flow *flow_table_victim(const struct flow_table *table, unsigned shard)
{
        return first_from(table, &table->shards[shard]);
}

struct flow *flow_table_any(struct flow_table *table, unsigned shard)
{
        struct shard *s = &table->shards[shard];
        for (unsigned turned = 0; s->used > 0 && turned < WHEEL_SECONDS; turned++) {
                struct flow *flow = bucket_next(table, s);
                if (flow != NULL)
                        return flow;
                s->hand++;
        }
        return NULL;
}

uint32_t flow_table_count(const struct flow_table *table)
{
        return table->count;
}

uint32_t flow_table_peak(const struct flow_table *table)
{
        return table->peak;
}
