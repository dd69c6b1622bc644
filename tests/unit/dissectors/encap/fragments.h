/* IP fragments of a UDP datagram. */
#pragma once

#include "tests/unit/dissectors/encap/frames.h"

/* A UDP datagram, 5683 -> 5683, whose payload counts up: what stands behind the IP header of the whole. */
static inline void datagram_of(struct bytes *udp, unsigned payload)
{
        unsigned length = payload + 8;
        uint8_t header[8] = {0x16, 0x33, 0x16, 0x33, (uint8_t)(length >> 8), (uint8_t)length, 0, 0};
        udp->length = 0;
        bytes_add(udp, header, sizeof header);
        for (unsigned i = 0; i < payload; i++)
                udp->at[udp->length++] = (uint8_t)(i * 7 + (i >> 8));
}

/* 10.45.0.7 -> 203.0.113.9; the fragment holds `length` bytes of `whole` from `offset`. */
static inline void fragment_v4(struct bytes *out, uint16_t identification, const struct bytes *whole, unsigned offset, unsigned length,
                        bool more)
{
        unsigned total = 20 + length, flags = offset / 8 | (more ? 0x2000 : 0);
        uint8_t header[20] = {0x45, 0, (uint8_t)(total >> 8), (uint8_t)total, (uint8_t)(identification >> 8), (uint8_t)identification,
                              (uint8_t)(flags >> 8), (uint8_t)flags, 64, 17, 0, 0, 10, 45, 0, 7, 203, 0, 113, 9};
        out->length = 0;
        bytes_add(out, header, sizeof header);
        bytes_add(out, whole->at + offset, length);
}

/* 2001:db8:20:7::1 -> 2001:db8::35, with destination options in front of the fragment header. */
static inline void fragment_v6(struct bytes *out, uint16_t identification, const struct bytes *whole, unsigned offset, unsigned length,
                        bool more)
{
        unsigned total = 16 + length, flags = offset | more;
        bytes_of_hex(out, "60000000 0000 3c 40 20010db8002000070000000000000001 20010db8000000000000000000000035"
                          "2c 00 010400000000 11 00 0000 0000 0000");
        out->at[4] = (uint8_t)(total >> 8);
        out->at[5] = (uint8_t)total;
        out->at[50] = (uint8_t)(flags >> 8);
        out->at[51] = (uint8_t)flags;
        out->at[54] = (uint8_t)(identification >> 8);
        out->at[55] = (uint8_t)identification;
        bytes_add(out, whole->at + offset, length);
}
