/* A flow out of fuzz input: records of one byte (bit 0: direction, bit 1: lost in the capture), two bytes of length, big
 * endian, and so many bytes, handed to the registry through the fake of sense. What is no whole record is one payload. */
#pragma once

#include "tests/unit/dissectors/fake_sense.h"

static inline void fuzz_flow(uint8_t protocol, uint16_t port, const uint8_t *data, size_t size)
{
        struct fake_sense *sense = fake_sense_open(protocol, port);
        struct cursor at = cursor_of(data, size);
        unsigned records = 0;
        while (cursor_left(&at) > 0 && records++ < 200) {
                uint8_t flags = cursor_u8(&at);
                size_t length = cursor_be16(&at);
                length = length < cursor_left(&at) ? length : cursor_left(&at);
                struct cursor payload = cursor_take(&at, length);
                if (flags & 2)
                        fake_sense_lose(sense, flags & 1, length);
                else if (length > 0)
                        fake_sense_send(sense, flags & 1, payload.at, length);
        }
        fake_sense_end(sense);
        fake_sense_close(sense);
}
