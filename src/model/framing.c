#include "model/framing.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "model/wire.h"

/* A record of FRAMING_LIMIT bytes can grow when it is unpacked: an empty message in a list is two bytes on the wire and
 * about 80 here. What sense writes stays under a quarter of this; pages that are never touched cost nothing. */
enum { ARENA_SIZE = 16 * FRAMING_LIMIT };

struct framing_arena {
        struct wire_arena wire;
};

static void write_le32(uint8_t *at, uint32_t value)
{
        for (unsigned i = 0; i < 4; i++)
                at[i] = (uint8_t)(value >> (8 * i));
}

size_t framing_pack(const event_t *event, uint8_t *buffer, size_t size)
{
        if (size <= FRAMING_HEAD)
                return 0;
        size_t room = size - FRAMING_HEAD;
        size_t length = wire_pack(&event->base, buffer + FRAMING_HEAD, room < FRAMING_LIMIT ? room : FRAMING_LIMIT);
        if (length == 0)
                return 0;
        write_le32(buffer, (uint32_t)length);
        write_le32(buffer + 4, crc32c(buffer + FRAMING_HEAD, length));
        return FRAMING_HEAD + length;
}

struct framing_arena *framing_arena_create(void)
{
        struct framing_arena *arena = malloc(sizeof *arena);
        if (arena == NULL)
                return NULL;
        arena->wire = (struct wire_arena){.memory = malloc(ARENA_SIZE), .size = ARENA_SIZE};
        if (arena->wire.memory == NULL) {
                free(arena);
                return NULL;
        }
        return arena;
}

void framing_arena_destroy(struct framing_arena *arena)
{
        if (arena == NULL)
                return;
        free(arena->wire.memory);
        free(arena);
}

enum framing_result framing_unpack(struct framing_arena *arena, const uint8_t *bytes, size_t length, size_t *used,
                                   const event_t **event)
{
        struct cursor in = cursor_of(bytes, length);
        uint32_t record_length = cursor_le32(&in);
        uint32_t checksum = cursor_le32(&in);
        if (in.short_read)
                return FRAMING_MORE;
        if (record_length > FRAMING_LIMIT)
                return FRAMING_TOO_LONG;
        const uint8_t *record = cursor_bytes(&in, record_length);
        if (in.short_read)
                return FRAMING_MORE;
        if (crc32c(record, record_length) != checksum)
                return FRAMING_BAD_CHECKSUM;
        ProtobufCMessage *message = wire_unpack(&arena->wire, &apnwatch__v1__event__descriptor, record, record_length);
        if (message == NULL)
                return FRAMING_BAD_EVENT;
        *event = (const event_t *)message;
        *used = FRAMING_HEAD + record_length;
        return FRAMING_OK;
}

const char *framing_result_text(enum framing_result result)
{
        static const char *const text[] = {
                [FRAMING_OK] = "whole",
                [FRAMING_MORE] = "cut short",
                [FRAMING_TOO_LONG] = "its length is impossible",
                [FRAMING_BAD_CHECKSUM] = "its checksum is wrong",
                [FRAMING_BAD_EVENT] = "its checksum is right, but it holds no event",
        };
        return (unsigned)result < sizeof text / sizeof *text ? text[result] : "unknown";
}
