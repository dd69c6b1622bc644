/* Frames written as hexadecimal text, spaces between fields; each is given to encap in an allocation of exactly its size. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/link_type.h"
#include "dissectors/encap/encap.h"
#include "tests/unit/test.h"

struct bytes {
        uint8_t at[70000];
        size_t length;
};

static inline unsigned nibble_of(char c)
{
        return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

/* Appends. */
static inline void bytes_add_hex(struct bytes *bytes, const char *hex)
{
        for (; *hex != 0; hex++) {
                if (*hex == ' ')
                        continue;
                assert_true(bytes->length < sizeof bytes->at);
                bytes->at[bytes->length++] = (uint8_t)(nibble_of(hex[0]) << 4 | nibble_of(hex[1]));
                hex++;
        }
}

static inline void bytes_of_hex(struct bytes *bytes, const char *hex)
{
        bytes->length = 0;
        bytes_add_hex(bytes, hex);
}

static inline void bytes_add(struct bytes *bytes, const void *at, size_t length)
{
        assert_true(bytes->length + length <= sizeof bytes->at);
        memcpy(bytes->at + bytes->length, at, length);
        bytes->length += length;
}

/* What a peeled frame leads into lives until the next one. */
static uint8_t *frame_at_hand;

static inline enum encap_result peel_frame(struct encap *encap, struct frame frame, struct packet *out)
{
        free(frame_at_hand);
        frame_at_hand = malloc(frame.captured ? frame.captured : 1);
        assert_non_null(frame_at_hand);
        memcpy(frame_at_hand, frame.bytes, frame.captured);
        frame.bytes = frame_at_hand;
        memset(out, 0xa5, sizeof *out);
        enum encap_result result = encap_peel(encap, &frame, frame.time_ns, out);
        if (result == ENCAP_PACKET) { /* what it says holds for every packet */
                assert_true(out->ip_captured <= out->ip_length);
                assert_true(out->payload_captured <= out->payload_length);
                assert_true(out->payload >= out->ip && out->payload + out->payload_captured <= out->ip + out->ip_captured);
                assert_int_equal(out->cut, out->payload_captured < out->payload_length);
        }
        return result;
}

static inline struct frame frame_of(const struct bytes *bytes, uint16_t link_type)
{
        return (struct frame){.bytes = bytes->at, .captured = (uint32_t)bytes->length, .wire = (uint32_t)bytes->length,
                              .time_ns = 1700000000000000000, .link_type = link_type, .number = 1, .order = 1};
}

static inline enum encap_result peel_hex(struct encap *encap, uint16_t link_type, const char *hex, struct packet *out)
{
        static struct bytes bytes;
        bytes_of_hex(&bytes, hex);
        return peel_frame(encap, frame_of(&bytes, link_type), out);
}

static inline void assert_address(const struct address *address, const char *text)
{
        char written[ADDRESS_TEXT_SIZE];
        assert_string_equal(address_text(address, written), text);
}

static inline void assert_outer(const struct packet *packet, bool destination, const char *text)
{
        struct address address = packet_outer_address(packet, destination);
        assert_address(&address, text);
}

static inline struct encap *encap_of_defaults(void)
{
        struct encap_settings settings = {0};
        struct encap *encap = encap_create(&settings);
        assert_non_null(encap);
        return encap;
}
