/* Frames for tests of sense: Ethernet, IPv4, TCP or UDP between 10.0.0.1 (the device) and 192.0.2.1. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/link_type.h"
#include "sense/sensor.h"

enum { BUILT_FRAMES = 64, BUILT_BYTES = 2048 };

struct frame_builder {
        struct frame_batch batch;
        uint8_t bytes[BUILT_FRAMES][BUILT_BYTES];
        uint64_t order;
        uint8_t device_last; /* last byte of the device's address */
};

static inline void put16(uint8_t *at, unsigned value)
{
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
        put16(at, value >> 16);
        put16(at + 2, value & 0xffff);
}

static inline void build_ip(uint8_t *ip, uint8_t device_last, bool up, uint8_t protocol, unsigned length, unsigned identification)
{
        const uint8_t device[] = {10, 0, 0, device_last ? device_last : 1}, peer[] = {192, 0, 2, 1};
        ip[0] = 0x45;
        put16(ip + 2, length);
        put16(ip + 4, identification);
        ip[8] = 64;
        ip[9] = protocol;
        memcpy(ip + 12, up ? device : peer, 4);
        memcpy(ip + 16, up ? peer : device, 4);
}

static inline uint8_t *build_frame(struct frame_builder *builder, double seconds, bool up, uint8_t protocol, unsigned transport_length)
{
        uint8_t *frame = builder->bytes[builder->batch.count];
        struct frame *out = &builder->batch.frames[builder->batch.count++];
        memset(frame, 0, BUILT_BYTES);
        put16(frame + 12, 0x0800);
        build_ip(frame + 14, builder->device_last, up, protocol, 20 + transport_length, (unsigned)++builder->order);
        *out = (struct frame){.bytes = frame, .captured = 34 + transport_length, .wire = 34 + transport_length,
                              .time_ns = 1700000000LL * 1000000000 + (int64_t)(seconds * 1e9), .link_type = LINK_ETHERNET,
                              .number = builder->order, .order = builder->order};
        return frame + 34;
}

static inline void build_tcp(struct frame_builder *builder, double seconds, bool up, unsigned port, uint8_t flags, uint32_t sequence,
                             uint32_t acknowledgement, const void *payload, size_t length)
{
        uint8_t *tcp = build_frame(builder, seconds, up, 6, 20 + (unsigned)length);
        put16(tcp, up ? 40000 : port);
        put16(tcp + 2, up ? port : 40000);
        put32(tcp + 4, sequence);
        put32(tcp + 8, acknowledgement);
        tcp[12] = 0x50;
        tcp[13] = flags;
        put16(tcp + 14, 0xffff);
        if (length > 0)
                memcpy(tcp + 20, payload, length);
}

static inline void build_udp(struct frame_builder *builder, double seconds, bool up, unsigned port, const void *payload, size_t length)
{
        uint8_t *udp = build_frame(builder, seconds, up, 17, 8 + (unsigned)length);
        put16(udp, up ? 40000 : port);
        put16(udp + 2, up ? port : 40000);
        put16(udp + 4, 8 + (unsigned)length);
        memcpy(udp + 8, payload, length);
}
