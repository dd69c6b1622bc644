/* Captures written byte by byte for the tests of the reader. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
        uint8_t *at;
        size_t length, room;
        bool big_endian;        /* what follows is written in network order */
};

static inline void bytes_add(struct bytes *bytes, const void *from, size_t length)
{
        if (bytes->length + length > bytes->room) {
                bytes->room = 2 * (bytes->length + length) + 64;
                bytes->at = realloc(bytes->at, bytes->room);
                if (bytes->at == NULL)
                        abort();
        }
        if (length > 0)
                memcpy(bytes->at + bytes->length, from, length);
        bytes->length += length;
}

static inline void bytes_free(struct bytes *bytes)
{
        free(bytes->at);
        *bytes = (struct bytes){0};
}

static inline void add_number(struct bytes *bytes, uint64_t value, unsigned size)
{
        uint8_t out[8];
        for (unsigned i = 0; i < size; i++)
                out[bytes->big_endian ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
        bytes_add(bytes, out, size);
}

static inline void add_u16(struct bytes *bytes, uint16_t value)
{
        add_number(bytes, value, 2);
}

static inline void add_u32(struct bytes *bytes, uint32_t value)
{
        add_number(bytes, value, 4);
}

static inline void add_u64(struct bytes *bytes, uint64_t value)
{
        add_number(bytes, value, 8);
}

/* A packet's content: `length` bytes, each of which tells its packet and place. */
static inline uint8_t content_byte(uint32_t packet, uint32_t place)
{
        return (uint8_t)(packet * 31 + place);
}

static inline void add_content(struct bytes *bytes, uint32_t packet, uint32_t length)
{
        for (uint32_t i = 0; i < length; i++) {
                uint8_t byte = content_byte(packet, i);
                bytes_add(bytes, &byte, 1);
        }
}

/* pcap: magic, version 2.4, time zone, accuracy, snap length, link type */
static inline void add_pcap_header(struct bytes *bytes, uint32_t magic, uint32_t link_type)
{
        add_u32(bytes, magic);
        add_u16(bytes, 2);
        add_u16(bytes, 4);
        add_u64(bytes, 0);
        add_u32(bytes, 262144);
        add_u32(bytes, link_type);
}

static inline void add_pcap_record(struct bytes *bytes, uint32_t seconds, uint32_t fraction, uint32_t captured, uint32_t wire)
{
        add_u32(bytes, seconds);
        add_u32(bytes, fraction);
        add_u32(bytes, captured);
        add_u32(bytes, wire);
}

static inline void add_pcap_packet(struct bytes *bytes, uint32_t packet, uint32_t seconds, uint32_t fraction, uint32_t length)
{
        add_pcap_record(bytes, seconds, fraction, length, length);
        add_content(bytes, packet, length);
}

/* pcapng: begin_block, the body, end_block, which writes both lengths. */
static inline size_t begin_block(struct bytes *bytes, uint32_t type)
{
        size_t start = bytes->length;
        add_u32(bytes, type);
        add_u32(bytes, 0);
        return start;
}

static inline void add_padding(struct bytes *bytes)
{
        while (bytes->length % 4 != 0)
                bytes_add(bytes, "", 1);
}

static inline void end_block(struct bytes *bytes, size_t start)
{
        add_padding(bytes);
        uint32_t length = (uint32_t)(bytes->length - start + 4);
        add_u32(bytes, length);
        memcpy(bytes->at + start + 4, bytes->at + bytes->length - 4, 4);
}

static inline void add_option(struct bytes *bytes, uint16_t code, const void *value, uint16_t length)
{
        add_u16(bytes, code);
        add_u16(bytes, length);
        bytes_add(bytes, value, length);
        add_padding(bytes);
}

static inline void add_section(struct bytes *bytes, bool big_endian)
{
        bytes->big_endian = big_endian;
        size_t start = begin_block(bytes, 0x0a0d0d0a);
        add_u32(bytes, 0x1a2b3c4d);
        add_u16(bytes, 1);
        add_u16(bytes, 0);
        add_u64(bytes, UINT64_MAX);
        end_block(bytes, start);
}

/* name NULL: none; resolution 0xff: none; offset 0: none */
static inline void add_interface(struct bytes *bytes, uint16_t link_type, uint32_t snap_length, const char *name,
                                 uint8_t resolution, int64_t offset_seconds)
{
        size_t start = begin_block(bytes, 1);
        add_u16(bytes, link_type);
        add_u16(bytes, 0);
        add_u32(bytes, snap_length);
        if (name != NULL)
                add_option(bytes, 2, name, (uint16_t)strlen(name));
        if (resolution != 0xff)
                add_option(bytes, 9, &resolution, 1);
        if (offset_seconds != 0) {
                add_u16(bytes, 14);
                add_u16(bytes, 8);
                add_u64(bytes, (uint64_t)offset_seconds);
        }
        add_option(bytes, 0, NULL, 0);
        end_block(bytes, start);
}

static inline void add_enhanced(struct bytes *bytes, uint32_t interface, uint64_t units, uint32_t packet, uint32_t length,
                                const char *comment)
{
        size_t start = begin_block(bytes, 6);
        add_u32(bytes, interface);
        add_u32(bytes, (uint32_t)(units >> 32));
        add_u32(bytes, (uint32_t)units);
        add_u32(bytes, length);
        add_u32(bytes, length);
        add_content(bytes, packet, length);
        add_padding(bytes);
        if (comment != NULL) {
                add_option(bytes, 1, comment, (uint16_t)strlen(comment));
                add_option(bytes, 0, NULL, 0);
        }
        end_block(bytes, start);
}
