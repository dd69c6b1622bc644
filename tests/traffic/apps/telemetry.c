/* A maker's own binary over UDP:
 *
 *     a7 1c | version 1 | kind 1 | serial 4 | sequence 4 | n 1 | n times (id 1, value 2) | sum 1
 *
 * The collector answers a7 1c | version 1 | 80 | sequence 4 | 48 bytes of settings. */
#include <string.h>

#include "tests/traffic/apps/apps.h"

static void send_report(struct conversation *c, uint32_t sequence)
{
        struct bytes *b = &c->traffic->scratch;
        unsigned values = 10 + random_below(&c->traffic->random, 24);
        uint8_t sum = 0;
        bytes_clear(b);
        bytes_be32(b, 0xa71c0102);
        bytes_be32(b, 0x10000000 + c->contact.device);
        bytes_be32(b, sequence);
        bytes_u8(b, (uint8_t)values);
        for (unsigned i = 0; i < values; i++) {
                bytes_u8(b, (uint8_t)i);
                bytes_be16(b, (uint16_t)(2000 + random_below(&c->traffic->random, 600)));
        }
        for (size_t i = 0; i < b->length; i++)
                sum = (uint8_t)(sum + b->data[i]);
        bytes_u8(b, sum);
        conversation_send(c, UP, b->data, b->length);
        bytes_clear(b);
        bytes_be32(b, 0xa71c0180);
        bytes_be32(b, sequence);
        memset(bytes_extend(b, 48), 0x11, 48);
        conversation_send(c, DOWN, b->data, b->length);
}

void telemetry_send(struct traffic *traffic, uint32_t device, const struct address *peer, uint16_t port, unsigned reports,
                    int64_t time_ns)
{
        struct contact contact = {.device = device, .peer = *peer, .peer_port = port, .protocol = IP_UDP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        uint32_t sequence = random_u32(&traffic->random) & 0xffff;
        for (unsigned i = 0; i < reports; i++) {
                send_report(c, sequence + i);
                conversation_wait(c, random_between(&traffic->random, SECOND_NS, 20 * SECOND_NS));
        }
        conversation_leave(c);
}

void telemetry_dump(struct traffic *traffic, uint32_t device, const struct address *peer, uint16_t port, int64_t time_ns)
{
        struct contact contact = {.device = device, .peer = *peer, .peer_port = port, .protocol = IP_UDP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        struct bytes *b = &traffic->scratch;
        bytes_clear(b);
        bytes_be32(b, 0xa71c0103);
        bytes_be32(b, 0x10000000 + device);
        size_t length = (size_t)random_between(&traffic->random, 1600, 4000);
        memset(bytes_extend(b, length), 0x2a, length);
        conversation_send(c, UP, b->data, b->length);
        conversation_leave(c);
}
