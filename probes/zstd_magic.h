/* How a Zstandard frame begins (RFC 8878, 3.1.1), or a skippable one (3.1.2), which tools for seekable files put first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline bool zstd_magic_matches(const uint8_t *magic)
{
        return (magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd) ||
               ((magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18);
}
