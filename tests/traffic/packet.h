/* One packet of a conversation before it has headers. It waits in the timeline and is then handed to the output: the
 * capture gives it headers and writes it, the event recorder only counts it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/traffic/conversation.h"

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_PSH = 0x08, TCP_ACK = 0x10 };

struct fact; /* what sense would tell of this packet (facts.h) */

struct packet {
        struct conversation *conversation;
        struct fact *facts;
        enum direction direction;
        uint8_t tcp_flags;
        uint8_t icmp_type;
        bool repeated;              /* a retransmission */
        uint32_t sequence, acknowledged;
        uint32_t length;            /* of the payload */
        uint8_t payload[];          /* absent when only events are wanted */
};

struct signal;

struct packet_output {
        void (*packet)(void *context, const struct packet *packet, int64_t time_ns);
        void (*signal)(void *context, struct traffic *traffic, const struct signal *signal, int64_t time_ns);
        void (*over)(void *context, struct conversation *conversation); /* no packet will come; NULL: not wanted */
        void *context;
        bool wants_payload, wants_facts;
};
