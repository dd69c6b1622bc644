/* Bytes written as hexadecimal text, blanks between them allowed: hex_bytes("16 0301 ...", room, sizeof room). */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dissectors/dissector.h"

static inline size_t hex_bytes(const char *text, uint8_t *out, size_t room)
{
        size_t digits = 0;
        for (; *text != '\0'; text++) {
                if (*text == ' ' || *text == '\n')
                        continue;
                uint8_t value = (uint8_t)(*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);
                assert(value < 16 && digits / 2 < room);
                out[digits / 2] = (uint8_t)(digits % 2 ? out[digits / 2] | value : value << 4);
                digits++;
        }
        assert(digits % 2 == 0);
        return digits / 2;
}

/* Calls `parse` with a copy of the bytes in an allocation of exactly their size. */
static inline enum dissect_result parse_exactly(enum dissect_result (*parse)(struct cursor *, void *), const uint8_t *bytes,
                                                size_t length, void *out)
{
        uint8_t *copy = malloc(length ? length : 1);
        assert(copy != NULL);
        memcpy(copy, bytes, length);
        struct cursor cursor = cursor_of(copy, length);
        enum dissect_result result = parse(&cursor, out);
        free(copy);
        return result;
}
