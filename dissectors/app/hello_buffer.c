#include "dissectors/app/hello_buffer.h"

#include <stdbool.h>
#include <string.h>

static bool is_seen(const struct hello_buffer *buffer, size_t at)
{
        return at < HELLO_ROOM && buffer->seen[at / 8] >> at % 8 & 1;
}

void hello_buffer_put(struct hello_buffer *buffer, uint64_t offset, const uint8_t *bytes, size_t length)
{
        if (offset >= HELLO_ROOM || length == 0)
                return;
        size_t begin = (size_t)offset;
        size_t end = length < HELLO_ROOM - begin ? begin + length : HELLO_ROOM;
        memcpy(buffer->bytes + begin, bytes, end - begin);
        if (begin > buffer->front) {
                for (size_t at = begin; at < end; at++)
                        buffer->seen[at / 8] |= (uint8_t)(1U << at % 8);
                return;
        }
        size_t front = end > buffer->front ? end : buffer->front;
        while (is_seen(buffer, front))
                front++;
        buffer->front = (uint16_t)front;
}

void hello_buffer_clear(struct hello_buffer *buffer)
{
        memset(buffer->seen, 0, sizeof buffer->seen);
        buffer->front = 0;
}
