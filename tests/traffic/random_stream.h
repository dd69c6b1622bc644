/* Chance that a seed repeats: splitmix64 (Steele, Lea, Flood 2014). One stream a run, drawn from in timeline order, so that
 * the same seed gives the same bytes; never twice in one expression, whose order C leaves open. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random_stream {
        uint64_t state;
};

static inline uint64_t random_u64(struct random_stream *r)
{
        uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static inline uint32_t random_u32(struct random_stream *r)
{
        return (uint32_t)(random_u64(r) >> 32);
}

/* 0 to bound - 1; bound > 0. */
static inline uint32_t random_below(struct random_stream *r, uint32_t bound)
{
        return (uint32_t)(((uint64_t)random_u32(r) * bound) >> 32);
}

/* least to most, both possible. */
static inline int64_t random_between(struct random_stream *r, int64_t least, int64_t most)
{
        return least + (int64_t)(random_u64(r) % (uint64_t)(most - least + 1));
}

static inline double random_unit(struct random_stream *r)
{
        return (double)(random_u64(r) >> 11) / 9007199254740992.0;
}

static inline bool random_chance(struct random_stream *r, double probability)
{
        return random_unit(r) < probability;
}
