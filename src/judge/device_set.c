#include "judge/device_set.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { NAMED_LIMIT = 1000, COUNT_LIMIT = 1000000 };

struct device_set {
        uint64_t *hashes; /* open addressing; 0 is free */
        uint32_t mask, count;
        struct address *named;
        uint32_t named_count, named_room;
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

static void add_name(struct device_set *set, const struct address *address)
{
        if (set->named_count >= NAMED_LIMIT)
                return;
        if (set->named_count == set->named_room) {
                uint32_t room = set->named_room ? set->named_room * 2 : 4;
                struct address *named = realloc(set->named, room * sizeof *named);
                if (named == NULL)
                        return;
                set->named = named;
                set->named_room = room;
        }
        set->named[set->named_count++] = *address;
}

struct device_set *device_set_add(struct device_set *set, const struct device_key *device)
{
        if (set == NULL && (set = create_set()) == NULL)
                return NULL;
        uint64_t hash = XXH3_64bits_withSeed(&device->address, sizeof device->address, device->context);
        hash += hash == 0;
        if (*slot_of(set->hashes, set->mask, hash) == hash || set->count >= COUNT_LIMIT)
                return set;
        if ((set->count + 1) * 4 > (set->mask + 1) * 3 && !grow(set))
                return set;
        *slot_of(set->hashes, set->mask, hash) = hash;
        set->count++;
        add_name(set, &device->address);
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
        return set->count;
}

char **device_set_texts(const struct device_set *set, size_t *count)
{
        char **texts = malloc(set->named_count * (sizeof(char *) + ADDRESS_TEXT_SIZE) + 1);
        *count = texts ? set->named_count : 0;
        for (uint32_t i = 0; i < *count; i++) {
                texts[i] = (char *)(texts + set->named_count) + (size_t)i * ADDRESS_TEXT_SIZE;
                address_text(&set->named[i], texts[i]);
        }
        return texts;
}
