/* How a gzip member begins (RFC 1952, 2.3.1): two identifying bytes and the method, deflate. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool gzip_magic_matches(const uint8_t *magic)
{
        return magic[0] == 0x1f && magic[1] == 0x8b && magic[2] == 8;
}
