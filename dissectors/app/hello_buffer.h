/* A hello that arrives in pieces, in any order: CRYPTO frames of QUIC, fragments of DTLS. Bounded; zeroed memory is an
 * empty one. A client hello with a post-quantum key share has about 1800 bytes, with a session ticket 2500. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HELLO_ROOM = 3456 };

struct hello_buffer {
        uint16_t front;                /* so many bytes from the start are there without a hole */
        uint8_t seen[HELLO_ROOM / 8];  /* a bit a byte, behind the front only */
        uint8_t bytes[HELLO_ROOM];
};

/* What lies beyond the room is dropped. */
void hello_buffer_put(struct hello_buffer *buffer, uint64_t offset, const uint8_t *bytes, size_t length);
void hello_buffer_clear(struct hello_buffer *buffer);
