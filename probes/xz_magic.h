/* How an .xz stream begins (The .xz File Format 1.1.0, 2.1.1.1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool xz_magic_matches(const uint8_t *magic)
{
        return memcmp(magic, "\xfd" "7zXZ", 6) == 0;
}
