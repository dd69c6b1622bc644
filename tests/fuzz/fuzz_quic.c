#include "dissectors/app/quic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A mutated packet does not open any more, so what stands behind the protection is fuzzed by itself: frames, which begin
 * with a byte that no long header has. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cursor payload = cursor_of(data, size);
        if (cursor_peek(&payload) < 0x80) {
                static struct hello_buffer hello;
                hello_buffer_clear(&hello);
                (void)quic_parse_frames(&payload, &hello);
                if (hello.front > HELLO_ROOM)
                        __builtin_trap();
                return 0;
        }
        struct dissection d = {.consumed = size};
        (void)quic_dissector.recognise(&d, &payload);
        struct quic_packet packet;
        struct quic_keys keys;
        static uint8_t plain[65536];
        while (quic_parse_packet(&payload, &packet) == DISSECT_OK)
                if (packet.type == QUIC_INITIAL && packet.length <= sizeof plain &&
                    quic_derive_client_keys(packet.version, packet.destination, packet.destination_length, &keys))
                        (void)quic_open_initial(&keys, &packet, plain);
        return 0;
}
