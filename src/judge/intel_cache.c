#include "judge/intel_cache.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { SLOTS = 4096 };

struct intel_cache {
        const struct intel *intel;
        struct {
                uint64_t hash; /* of the name; 0: free */
                struct name_intel facts;
        } slots[SLOTS];
};

struct intel_cache *intel_cache_create(const struct intel *intel)
{
        struct intel_cache *cache = calloc(1, sizeof *cache);
        if (cache)
                cache->intel = intel;
        return cache;
}

void intel_cache_destroy(struct intel_cache *cache)
{
        free(cache);
}

struct name_intel intel_cache_name(struct intel_cache *cache, const char *name)
{
        struct name_intel facts = {NULL, NULL, NULL};
        if (cache->intel == NULL || name == NULL)
                return facts;
        uint64_t hash = XXH3_64bits(name, strlen(name));
        hash += hash == 0;
        unsigned slot = (unsigned)hash % SLOTS;
        if (cache->slots[slot].hash == hash)
                return cache->slots[slot].facts;
        facts.update = intel_match_name(cache->intel, name, INTEL_ONLY(INTEL_UPDATE));
        facts.locate = intel_match_name(cache->intel, name, INTEL_ONLY(INTEL_AGNSS) | INTEL_ONLY(INTEL_LOCATION));
        facts.any = intel_match_name(cache->intel, name, INTEL_ANY);
        cache->slots[slot].hash = hash;
        cache->slots[slot].facts = facts;
        return facts;
}
