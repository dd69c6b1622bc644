/* Hashing by 64 x 64 bit products whose halves are folded together, as wyhash and XXH3 do for short inputs: inline, a few
 * nanoseconds for a header. As strong as its secrets are unknown. Inside encap only. */
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint64_t fold(uint64_t a, uint64_t b)
{
        __extension__ unsigned __int128 product = (unsigned __int128)a * b;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t load64(const uint8_t *at)
{
        uint64_t word;
        memcpy(&word, at, sizeof word);
        return word;
}

static inline uint32_t load32(const uint8_t *at)
{
        uint32_t word;
        memcpy(&word, at, sizeof word);
        return word;
}

/* `first` and `second` are secrets; what came before may be folded into the first. */
static inline uint64_t fold_bytes(const uint8_t *at, uint32_t length, uint64_t first, uint64_t second)
{
        const uint8_t *end = at + length;
        uint64_t sum = first + length, low = 0, high = 0;
        if (length >= 16) {
                for (; end - at > 32; at += 16)
                        sum = fold(load64(at) ^ sum, load64(at + 8) ^ second);
                if (end - at > 16)
                        sum = fold(load64(at) ^ sum, load64(at + 8) ^ second);
                low = load64(end - 16);
                high = load64(end - 8);
        } else if (length >= 8) {
                low = load64(at);
                high = load64(end - 8);
        } else if (length >= 4) {
                low = load32(at);
                high = load32(end - 4);
        } else if (length > 0) {
                low = (uint64_t)at[0] << 16 | (uint64_t)at[length / 2] << 8 | at[length - 1];
        }
        return fold(low ^ sum, high ^ second);
}
