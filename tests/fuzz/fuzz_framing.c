/* The parent's end of a worker's pipe, and JSON of whatever comes out of it. A record with a wrong checksum is given the
 * right one, so that mutations reach the messages. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/framing.h"
#include "model/json.h"
#include "model/order_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_checksum(uint8_t *record, size_t size)
{
        size_t length = record[0] | (size_t)record[1] << 8 | (size_t)record[2] << 16 | (size_t)record[3] << 24;
        if (length > size - FRAMING_HEAD)
                return;
        uint32_t checksum = crc32c(record + FRAMING_HEAD, length);
        for (unsigned i = 0; i < 4; i++)
                record[4 + i] = (uint8_t)(checksum >> (8 * i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct framing_arena *arena;
        static struct json_buffer json;
        static uint8_t again[FRAMING_HEAD + FRAMING_LIMIT];
        if (arena == NULL && (arena = framing_arena_create()) == NULL)
                abort();
        uint8_t *copy = malloc(size ? size : 1);
        if (copy == NULL)
                abort();
        memcpy(copy, data, size);
        const event_t *event;
        for (size_t at = 0, used = 0; at < size; at += used) {
                if (size - at >= FRAMING_HEAD)
                        mend_checksum(copy + at, size - at);
                if (framing_unpack(arena, copy + at, size - at, &used, &event) != FRAMING_OK)
                        break;
                (void)order_key_of_event(event, true);
                json_buffer_reset(&json);
                model_json_write(&event->base, &json);
                /* What was read is packed again, unless unknown fields or long varints made it longer than it is. */
                if (framing_pack(event, again, sizeof again) > used)
                        abort();
        }
        free(copy);
        return 0;
}
