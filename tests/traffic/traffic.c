#include "tests/traffic/traffic.h"

const uint8_t *traffic_noise(struct traffic *traffic, size_t length)
{
        return traffic->noise + random_below(&traffic->random, (uint32_t)(NOISE_SIZE - length + 1));
}
