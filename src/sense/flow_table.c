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

struct shard {
        struct slot *slots;
        uint32_t mask, used;
        int64_t hand;      /* the second that the wheel has reached; flows stand at hand or later */
        uint32_t *wheel;   /* heads, by second modulo WHEEL_SECONDS */
};

struct flow_table {
        struct shard shards[SHARDS];
        struct flow **chunks;
        uint32_t chunk_count, chunk_limit;
        uint32_t free_head; /* free records, linked by wheel_next */
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
        shard->wheel = malloc(WHEEL_SECONDS * sizeof *shard->wheel);
        if (shard->slots == NULL || shard->wheel == NULL)
                return -1;
        memset(shard->slots, 0xff, FIRST_SLOTS * sizeof *shard->slots);
        memset(shard->wheel, 0xff, WHEEL_SECONDS * sizeof *shard->wheel);
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
                chunk[i].wheel_next = i + 1 < CHUNK_FLOWS ? first + i + 1 : table->free_head;
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
        table->free_head = flow->wheel_next;
        memset(flow, 0, sizeof *flow);
        memcpy(flow->address, key->address, sizeof flow->address);
        memcpy(flow->port, key->port, sizeof flow->port);
        flow->protocol = key->protocol;
        flow->context = key->context;
        flow->hash = hash;
        flow->self = index;
        flow->shard = (uint8_t)shard;
        flow->wheel_next = flow->wheel_previous = flow->wheel_second = FLOW_NONE;
        slot_put(s, hash, index);
        s->used++;
        table->count++;
        if (table->count > table->peak)
                table->peak = table->count;
        return flow;
}

static void wheel_unlink(struct flow_table *table, struct flow *flow)
{
        struct shard *s = &table->shards[flow->shard];
        if (flow->wheel_second == FLOW_NONE)
                return;
        if (flow->wheel_previous != FLOW_NONE)
                flow_at(table, flow->wheel_previous)->wheel_next = flow->wheel_next;
        else
                s->wheel[flow->wheel_second] = flow->wheel_next;
        if (flow->wheel_next != FLOW_NONE)
                flow_at(table, flow->wheel_next)->wheel_previous = flow->wheel_previous;
        flow->wheel_second = flow->wheel_next = flow->wheel_previous = FLOW_NONE;
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
        wheel_unlink(table, flow);
        slot_take(s, flow->hash, flow->self);
        s->used--;
        table->count--;
        flow->wheel_next = table->free_head;
        table->free_head = flow->self;
}

void flow_table_schedule(struct flow_table *table, struct flow *flow, int64_t second)
{
        struct shard *s = &table->shards[flow->shard];
        wheel_unlink(table, flow);
        if (second <= s->hand)
                second = s->hand + 1;
        if (second > s->hand + WHEEL_SECONDS - 2)
                second = s->hand + WHEEL_SECONDS - 2;
        uint32_t place = (uint32_t)(second % WHEEL_SECONDS);
        uint32_t head = s->wheel[place];
        flow->wheel_second = place;
        flow->wheel_next = head;
        flow->wheel_previous = FLOW_NONE;
        if (head != FLOW_NONE)
                flow_at(table, head)->wheel_previous = flow->self;
        s->wheel[place] = flow->self;
}

static struct flow *wheel_pop(struct flow_table *table, struct shard *s, uint32_t place)
{
        uint32_t head = s->wheel[place];
        if (head == FLOW_NONE)
                return NULL;
        struct flow *flow = flow_at(table, head);
        wheel_unlink(table, flow);
        return flow;
}

void flow_table_start(struct flow_table *table, unsigned shard, int64_t second)
{
        assert(table->shards[shard].used == 0);
        table->shards[shard].hand = second;
}

struct flow *flow_table_due(struct flow_table *table, unsigned shard, int64_t second)
{
        struct shard *s = &table->shards[shard];
        if (s->used == 0) {
                s->hand = second;
                return NULL;
        }
        if (second - s->hand > WHEEL_SECONDS)
                s->hand = second - WHEEL_SECONDS; /* once around is all */
        for (; s->hand <= second; s->hand++) {
                struct flow *flow = wheel_pop(table, s, (uint32_t)(s->hand % WHEEL_SECONDS));
                if (flow != NULL)
                        return flow;
        }
        s->hand = second;
        return NULL;
}

static struct flow *first_from(const struct flow_table *table, const struct shard *s)
{
        for (int64_t i = 0; s->used > 0 && i < WHEEL_SECONDS; i++) {
                uint32_t head = s->wheel[(uint64_t)(s->hand + i) % WHEEL_SECONDS];
                if (head != FLOW_NONE)
                        return flow_at(table, head);
        }
        return NULL;
}

struct flow *flow_table_victim(const struct flow_table *table, unsigned shard)
{
        return first_from(table, &table->shards[shard]);
}

struct flow *flow_table_any(struct flow_table *table, unsigned shard)
{
        struct flow *flow = first_from(table, &table->shards[shard]);
        if (flow != NULL)
                wheel_unlink(table, flow);
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
