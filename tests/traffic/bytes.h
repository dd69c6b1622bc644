/* A message while it is written: grows as needed, network order unless the name says otherwise. Running out of memory ends
 * the program: the generator has nothing to save. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bytes {
        uint8_t *data;
        size_t length, capacity;
};

void bytes_free(struct bytes *b);
static inline void bytes_clear(struct bytes *b)
{
        b->length = 0;
}

/* `count` bytes more, not initialised; the pointer holds until the next call. */
uint8_t *bytes_extend(struct bytes *b, size_t count);
void bytes_put(struct bytes *b, const void *data, size_t count);
void bytes_u8(struct bytes *b, uint8_t value);
void bytes_be16(struct bytes *b, uint16_t value);
void bytes_be24(struct bytes *b, uint32_t value);
void bytes_be32(struct bytes *b, uint32_t value);
void bytes_be64(struct bytes *b, uint64_t value);
void bytes_text(struct bytes *b, const char *text);
void bytes_print(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A length field that is not known yet: the mark is where it stands; `patch` writes how much was put behind it. */
size_t bytes_mark16(struct bytes *b);
void bytes_patch16(struct bytes *b, size_t mark);
size_t bytes_mark24(struct bytes *b);
void bytes_patch24(struct bytes *b, size_t mark);
