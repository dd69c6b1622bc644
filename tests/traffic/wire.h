/* A packet with its headers: IPv4 or IPv6, TCP, UDP or ICMP, right checksums, fragments where a datagram is larger than the
 * link (RFC 791, 8200, 768, 9293, 792, 4443); and the tunnel around it: none, IEEE 802.1Q, or GTP-U (3GPP TS 29.281). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/traffic/packet.h"

enum encapsulation { ENCAPSULATION_PLAIN, ENCAPSULATION_GTPU, ENCAPSULATION_VLAN };

enum { WIRE_FRAME_SIZE = 2048, WIRE_VLAN = 77 };

struct wire {
        enum encapsulation encapsulation;
        uint32_t frames;         /* made so far: gives sequence numbers and variety */
        void (*frame)(void *context, const uint8_t *bytes, size_t length, int64_t time_ns);
        void *context;
};

/* Makes one frame, or several of a datagram that needs fragments, and hands each to `frame`. */
void wire_send(struct wire *wire, const struct packet *packet, int64_t time_ns);

/* A message between gateways: UDP, in no tunnel. */
struct signal;
void wire_send_signal(struct wire *wire, struct traffic *traffic, const struct signal *signal, int64_t time_ns);
