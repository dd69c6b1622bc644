#include "judge/device_set.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { NAMED_LIMIT = 1000, COUNT_LIMIT = 1000000 };

struct device_set {
        uint64_t *hashes; /* open addressing; 0 is free */
        uint32_t mask, count;
        struct device_key *named;
        uint32_t named_count, named_room;
        uint64_t missing; /* counted before a restart, and not yet met again */
};

static uint64_t *slot_of(uint64_t *hashes, uint32_t mask, uint64_t hash)
{
        uint32_t slot = (uint32_t)hash & mask;
        while (hashes[slot] != 0 && hashes[slot] != hash)
                slot = (slot + 1) & mask;
        return &hashes[slot];
}

static struct device_set *create_set(void)
{
        struct device_set *set = calloc(1, sizeof *set);
        if (set == NULL)
                return NULL;
        set->mask = 7;
        set->hashes = calloc(set->mask + 1, sizeof *set->hashes);
        if (set->hashes == NULL) {
                free(set);
                return NULL;
        }
        return set;
}

static bool grow(struct device_set *set)
{
        uint32_t mask = set->mask * 2 + 1;
        uint64_t *hashes = calloc(mask + 1, sizeof *hashes);
        if (hashes == NULL)
                return false;
        for (uint32_t i = 0; i <= set->mask; i++) {
                if (set->hashes[i] != 0)
                        *slot_of(hashes, mask, set->hashes[i]) = set->hashes[i];
        }
        free(set->hashes);
        set->hashes = hashes;
        set->mask = mask;
        return true;
}

static void add_name(struct device_set *set, const struct device_key *device)
{
        if (set->named_count >= NAMED_LIMIT)
                return;
        if (set->named_count == set->named_room) {
                uint32_t room = set->named_room ? set->named_room * 2 : 4;
                struct device_key *named = realloc(set->named, room * sizeof *named);
                if (named == NULL)
                        return;
                set->named = named;
                set->named_room = room;
        }
        set->named[set->named_count++] = *device;
}

static bool add_hash(struct device_set *set, uint64_t hash)
{
        if (*slot_of(set->hashes, set->mask, hash) == hash || set->count >= COUNT_LIMIT)
                return false;
        if ((set->count + 1) * 4 > (set->mask + 1) * 3 && !grow(set))
                return false;
        *slot_of(set->hashes, set->mask, hash) = hash;
        set->count++;
        return true;
}

struct device_set *device_set_add(struct device_set *set, const struct device_key *device)
{
        if (set == NULL && (set = create_set()) == NULL)
                return NULL;
        uint64_t hash = XXH3_64bits_withSeed(&device->address, sizeof device->address, device->context);
        if (!add_hash(set, hash + (hash == 0)))
                return set;
        set->missing -= set->missing > 0;
        add_name(set, device);
        return set;
}

void device_set_destroy(struct device_set *set)
{
        if (set == NULL)
                return;
        free(set->hashes);
        free(set->named);
        free(set);
}

uint64_t device_set_count(const struct device_set *set)
{
        return set->count + set->missing;
}

char **device_set_texts(const struct device_set *set, size_t *count)
{
        char **texts = malloc(set->named_count * (sizeof(char *) + ADDRESS_TEXT_SIZE) + 1);
        *count = texts ? set->named_count : 0;
        for (uint32_t i = 0; i < *count; i++) {
                texts[i] = (char *)(texts + set->named_count) + (size_t)i * ADDRESS_TEXT_SIZE;
                address_text(&set->named[i].address, texts[i]);
        }
        return texts;
}

const struct device_key *device_set_named(const struct device_set *set, uint32_t *count)
{
        *count = set->named_count;
        return set->named;
}

uint32_t device_set_hashes(const struct device_set *set, uint32_t *at, uint64_t *hashes, uint32_t room)
{
        uint32_t count = 0;
        for (; *at <= set->mask && count < room; (*at)++)
                if (set->hashes[*at] != 0)
                        hashes[count++] = set->hashes[*at];
        return count;
}

uint64_t device_set_missing(const struct device_set *set)
{
        return set->missing;
}

struct device_set *device_set_add_hash(struct device_set *set, uint64_t hash)
{
        if (set == NULL && (set = create_set()) == NULL)
                return NULL;
        if (hash != 0)
                add_hash(set, hash);
        return set;
}

struct device_set *device_set_expect(struct device_set *set, uint64_t count)
{
        if (set == NULL && (set = create_set()) == NULL)
                return NULL;
        set->missing = count > set->count ? count - set->count : 0;
        return set;
}
