/* All of sense: frames in, every event out. The input is a row of records: u16 length, u16 milliseconds since the last frame,
 * u8 link type (0 Ethernet, 1 raw IP, 2 Linux cooked), then the bytes; numbers big endian. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/link_type.h"
#include "model/framing.h"
#include "sense/sensor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct framing_arena *arena;
static struct sensor *sensor;

/* Whatever sense says must survive the pipe. */
static void through_the_pipe(void *context, const event_t *event)
{
        static uint8_t buffer[FRAMING_LIMIT + FRAMING_HEAD];
        const event_t *back;
        size_t used;
        (void)context;
        size_t length = framing_pack(event, buffer, sizeof buffer);
        if (length == 0 || framing_unpack(arena, buffer, length, &used, &back) != FRAMING_OK || used != length)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const uint16_t links[] = {LINK_ETHERNET, LINK_RAW, LINK_LINUX_SLL, LINK_NULL};
        static struct frame_batch batch;
        struct cursor cursor = cursor_of(data, size);
        static uint32_t file;
        /* nDPI takes long to start: one sensor for all inputs, each of them a file with its own clock, whose flows end with it. */
        if (sensor == NULL) {
                struct sensor_settings settings = {.flow_limit = 4096, .clock_per_file = true, .encap = {.duplicate_window_ns = 1000000},
                                                   .sink = {.event = through_the_pipe}};
                arena = framing_arena_create();
                sensor = sensor_create(&settings);
                if (sensor == NULL || arena == NULL)
                        abort();
        }
        file++;
        int64_t time_ns = 1700000000LL * 1000000000;
        uint64_t order = 0;
        batch.count = 0;
        while (cursor_left(&cursor) > 5) {
                uint16_t length = cursor_be16(&cursor);
                time_ns += (int64_t)cursor_be16(&cursor) * 1000000;
                uint8_t link = cursor_u8(&cursor) & 3;
                if (length > cursor_left(&cursor))
                        length = (uint16_t)cursor_left(&cursor);
                batch.frames[batch.count++] = (struct frame){.bytes = cursor_bytes(&cursor, length), .captured = length, .wire = length,
                                                             .time_ns = time_ns, .link_type = links[link], .file = file, .number = order + 1,
                                                             .order = order + 1};
                order++;
                if (batch.count == FRAME_BATCH) {
                        sensor_batch(sensor, &batch);
                        batch.count = 0;
                }
        }
        sensor_batch(sensor, &batch);
        return 0;
}
