/* A number that no stranger knows, for hash tables whose keys strangers choose: who knows the hash can make keys that all stand in one
 * place, and each search a walk over all of them. It is another in every process, so nothing that leaves may depend on it: not for tables
 * that evict by place, nor for what is written down. */
#pragma once

#include <stdint.h>
#include <sys/random.h>

static inline uint64_t hash_seed(void)
{
        uint64_t seed;
        return getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed ? seed : UINT64_C(0x9e3779b97f4a7c15);
}
