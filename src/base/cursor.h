/* A read position over bytes that nobody vouches for.
 *
 * Every read checks its bound. The first read that does not fit sets short_read, yields 0 (or an empty cursor, or NULL)
 * and makes all later reads yield the same, so a header is read in one straight line and asked once. A length field
 * becomes a sub-cursor (cursor_take) that cannot be left. The cursor borrows the bytes; it never allocates. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
        const uint8_t *at;
        const uint8_t *end;     /* is `at` after a short read: nothing is left, so that one comparison is all that a read asks */
        bool short_read;
};

static inline struct cursor cursor_of(const void *bytes, size_t length)
{
        const uint8_t *at = bytes;
        return (struct cursor){.at = at, .end = length ? at + length : at, .short_read = false};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
        return (size_t)(cursor->end - cursor->at);
}

/* What was read makes no sense: as if it had been too short. */
static inline void cursor_fail(struct cursor *cursor)
{
        cursor->short_read = true;
        cursor->end = cursor->at;
}

/* The next `length` bytes, consumed; NULL (and short_read) when there are fewer. */
static inline const uint8_t *cursor_bytes(struct cursor *cursor, size_t length)
{
        if (cursor_left(cursor) < length || (length == 0 && cursor->short_read)) {
                cursor_fail(cursor);
                return NULL;
        }
        const uint8_t *bytes = cursor->at;
        if (length > 0 && bytes == NULL)
                __builtin_unreachable(); /* only an empty cursor may have no bytes */
        cursor->at += length;
        return bytes;
}

static inline void cursor_skip(struct cursor *cursor, size_t length)
{
        if (cursor_left(cursor) < length)
                cursor_fail(cursor);
        else
                cursor->at += length;
}

/* A sub-cursor over the next `length` bytes, which are consumed here. When there are fewer, both are short. */
static inline struct cursor cursor_take(struct cursor *cursor, size_t length)
{
        const uint8_t *bytes = cursor_bytes(cursor, length);
        if (bytes == NULL && cursor->short_read)
                return (struct cursor){.at = cursor->at, .end = cursor->at, .short_read = true};
        return (struct cursor){.at = bytes, .end = length ? bytes + length : bytes, .short_read = false};
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
        const uint8_t *b = cursor_bytes(cursor, 1);
        return b ? b[0] : 0;
}

static inline uint16_t cursor_be16(struct cursor *cursor)
{
        const uint8_t *b = cursor_bytes(cursor, 2);
        return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint16_t cursor_le16(struct cursor *cursor)
{
        const uint8_t *b = cursor_bytes(cursor, 2);
        return b ? (uint16_t)(b[1] << 8 | b[0]) : 0;
}

static inline uint32_t cursor_be24(struct cursor *cursor)
{
        const uint8_t *b = cursor_bytes(cursor, 3);
        return b ? (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2] : 0;
}

static inline uint32_t cursor_be32(struct cursor *cursor)
{
        const uint8_t *b = cursor_bytes(cursor, 4);
        return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

static inline uint32_t cursor_le32(struct cursor *cursor)
{
        const uint8_t *b = cursor_bytes(cursor, 4);
        return b ? (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0] : 0;
}

static inline uint64_t cursor_be64(struct cursor *cursor)
{
        uint64_t high = cursor_be32(cursor);
        return high << 32 | cursor_be32(cursor);
}

static inline uint64_t cursor_le64(struct cursor *cursor)
{
        uint64_t low = cursor_le32(cursor);
        return (uint64_t)cursor_le32(cursor) << 32 | low;
}

/* The next byte without consuming it; 0 at the end (not a short read). */
static inline uint8_t cursor_peek(const struct cursor *cursor)
{
        return cursor_left(cursor) > 0 ? cursor->at[0] : 0;
}

/* True when the bytes at the cursor begin with `text`; consumes nothing. */
static inline bool cursor_begins(const struct cursor *cursor, const char *text)
{
        size_t length = strlen(text);
        return cursor_left(cursor) >= length && memcmp(cursor->at, text, length) == 0;
}
