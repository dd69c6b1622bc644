#include "tests/traffic/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bytes_free(struct bytes *b)
{
        free(b->data);
        *b = (struct bytes){0};
}

uint8_t *bytes_extend(struct bytes *b, size_t count)
{
        if (b->length + count > b->capacity) {
                b->capacity = (b->length + count) * 2 + 256;
                b->data = realloc(b->data, b->capacity);
                if (b->data == NULL)
                        abort();
        }
        b->length += count;
        return b->data + b->length - count;
}

void bytes_put(struct bytes *b, const void *data, size_t count)
{
        if (count > 0)
                memcpy(bytes_extend(b, count), data, count);
}

void bytes_u8(struct bytes *b, uint8_t value)
{
        *bytes_extend(b, 1) = value;
}

void bytes_be16(struct bytes *b, uint16_t value)
{
        uint8_t *at = bytes_extend(b, 2);
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
}

void bytes_be24(struct bytes *b, uint32_t value)
{
        bytes_u8(b, (uint8_t)(value >> 16));
        bytes_be16(b, (uint16_t)value);
}

void bytes_be32(struct bytes *b, uint32_t value)
{
        bytes_be16(b, (uint16_t)(value >> 16));
        bytes_be16(b, (uint16_t)value);
}

void bytes_be64(struct bytes *b, uint64_t value)
{
        bytes_be32(b, (uint32_t)(value >> 32));
        bytes_be32(b, (uint32_t)value);
}

void bytes_text(struct bytes *b, const char *text)
{
        bytes_put(b, text, strlen(text));
}

void bytes_print(struct bytes *b, const char *format, ...)
{
        char text[1024];
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (length < 0 || (size_t)length >= sizeof(text))
                abort();
        bytes_put(b, text, (size_t)length);
}

size_t bytes_mark16(struct bytes *b)
{
        bytes_be16(b, 0);
        return b->length - 2;
}

void bytes_patch16(struct bytes *b, size_t mark)
{
        size_t count = b->length - mark - 2;
        b->data[mark] = (uint8_t)(count >> 8);
        b->data[mark + 1] = (uint8_t)count;
}

size_t bytes_mark24(struct bytes *b)
{
        bytes_be24(b, 0);
        return b->length - 3;
}

void bytes_patch24(struct bytes *b, size_t mark)
{
        size_t count = b->length - mark - 3;
        b->data[mark] = (uint8_t)(count >> 16);
        b->data[mark + 1] = (uint8_t)(count >> 8);
        b->data[mark + 2] = (uint8_t)count;
}
