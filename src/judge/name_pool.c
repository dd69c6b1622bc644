#include "judge/name_pool.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_seed.h"

static uint64_t seed;

struct name {
        char *text; /* NULL: free, `next` leads to the next free one */
        uint32_t hash;
        uint32_t holds;
        uint32_t next; /* in the bucket */
};

struct name_pool {
        struct name *names;
        uint32_t size, room;
        uint32_t free;
        uint32_t *buckets;
        uint32_t bucket_mask;
        uint32_t count;
        uint64_t text_bytes;
};

struct name_pool *name_pool_create(void)
{
        struct name_pool *pool = calloc(1, sizeof *pool);
        if (pool == NULL)
                return NULL;
        if (seed == 0)
                seed = hash_seed();
        pool->bucket_mask = 255;
        pool->free = NAME_NONE;
        pool->buckets = malloc((pool->bucket_mask + 1) * sizeof *pool->buckets);
        if (pool->buckets == NULL) {
                free(pool);
                return NULL;
        }
        memset(pool->buckets, 0xff, (pool->bucket_mask + 1) * sizeof *pool->buckets);
        return pool;
}

void name_pool_destroy(struct name_pool *pool)
{
        if (pool == NULL)
                return;
        for (uint32_t i = 0; i < pool->size; i++)
                free(pool->names[i].text);
        free(pool->names);
        free(pool->buckets);
        free(pool);
}

static void grow_buckets(struct name_pool *pool)
{
        uint32_t size = (pool->bucket_mask + 1) * 2;
        uint32_t *buckets = malloc((size_t)size * sizeof *buckets);
        if (buckets == NULL)
                return; /* longer chains, nothing worse */
        memset(buckets, 0xff, (size_t)size * sizeof *buckets);
        for (uint32_t i = 0; i < pool->size; i++) {
                struct name *name = &pool->names[i];
                if (name->text == NULL)
                        continue;
                name->next = buckets[name->hash & (size - 1)];
                buckets[name->hash & (size - 1)] = i;
        }
        free(pool->buckets);
        pool->buckets = buckets;
        pool->bucket_mask = size - 1;
}

static uint32_t free_number(struct name_pool *pool)
{
        if (pool->free != NAME_NONE) {
                uint32_t number = pool->free;
                pool->free = pool->names[number].next;
                return number;
        }
        if (pool->size == pool->room) {
                uint32_t room = pool->room ? pool->room * 2 : 256;
                struct name *names = realloc(pool->names, (size_t)room * sizeof *names);
                if (names == NULL)
                        return NAME_NONE;
                pool->names = names;
                pool->room = room;
        }
        pool->names[pool->size].text = NULL;
        return pool->size++;
}

uint32_t name_pool_hold(struct name_pool *pool, const char *text)
{
        size_t length = strlen(text);
        uint32_t hash = (uint32_t)XXH3_64bits_withSeed(text, length, seed);
        for (uint32_t i = pool->buckets[hash & pool->bucket_mask]; i != NAME_NONE; i = pool->names[i].next) {
                if (pool->names[i].hash == hash && strcmp(pool->names[i].text, text) == 0) {
                        pool->names[i].holds++;
                        return i;
                }
        }
        char *copy = malloc(length + 1);
        uint32_t number = copy ? free_number(pool) : NAME_NONE;
        if (number == NAME_NONE) {
                free(copy);
                return NAME_NONE;
        }
        memcpy(copy, text, length + 1);
        if (pool->count > pool->bucket_mask)
                grow_buckets(pool);
        uint32_t *bucket = &pool->buckets[hash & pool->bucket_mask];
        pool->names[number] = (struct name){copy, hash, 1, *bucket};
        *bucket = number;
        pool->count++;
        pool->text_bytes += length + 1;
        return number;
}

void name_pool_hold_again(struct name_pool *pool, uint32_t name)
{
        pool->names[name].holds++;
}

void name_pool_release(struct name_pool *pool, uint32_t number)
{
        struct name *name = &pool->names[number];
        if (--name->holds > 0)
                return;
        uint32_t *link = &pool->buckets[name->hash & pool->bucket_mask];
        while (*link != number)
                link = &pool->names[*link].next;
        *link = name->next;
        pool->text_bytes -= strlen(name->text) + 1;
        free(name->text);
        *name = (struct name){.next = pool->free};
        pool->free = number;
        pool->count--;
}

const char *name_pool_text(const struct name_pool *pool, uint32_t name)
{
        return pool->names[name].text;
}

void name_pool_each(const struct name_pool *pool, void (*each)(void *context, uint32_t name, const char *text), void *context)
{
        for (uint32_t i = 0; i < pool->size; i++)
                if (pool->names[i].text != NULL)
                        each(context, i, pool->names[i].text);
}

uint32_t name_pool_size(const struct name_pool *pool)
{
        return pool->size;
}

uint64_t name_pool_bytes(const struct name_pool *pool)
{
        return pool->text_bytes + (uint64_t)pool->room * sizeof *pool->names +
               (pool->bucket_mask + 1ULL) * sizeof *pool->buckets;
}
