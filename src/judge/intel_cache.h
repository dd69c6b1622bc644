/* What intel says of names, remembered: expressions are costly and the same few thousand names come again and again. A slot
 * for each hash; a name that hashes to a taken slot takes it over. */
#pragma once

#include "judge/intel.h"

struct intel_cache;

struct name_intel {
        const struct intel_row *update, *locate, *any; /* locate: location or A-GNSS; NULL: none */
};

struct intel_cache *intel_cache_create(const struct intel *intel);
void intel_cache_destroy(struct intel_cache *cache);

/* `name` NULL: nothing is known of it. */
struct name_intel intel_cache_name(struct intel_cache *cache, const char *name);
