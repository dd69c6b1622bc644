/* DLMS/COSEM in the TCP wrapper (IEC 62056-47), lowest security: AARQ, AARE, GETs, release. The head end opens. */
#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

enum { DLMS_PORT = 4059, CLIENT = 16, SERVER = 1 };

static void send_apdu(struct conversation *c, enum direction direction, const void *apdu, size_t length)
{
        struct bytes *b = &c->traffic->scratch;
        bytes_clear(b);
        bytes_be16(b, 1);
        bytes_be16(b, direction == DOWN ? CLIENT : SERVER);
        bytes_be16(b, direction == DOWN ? SERVER : CLIENT);
        bytes_be16(b, (uint16_t)length);
        bytes_put(b, apdu, length);
        conversation_send(c, direction, b->data, b->length);
}

/* Logical name referencing, no ciphering; the initiate request and response within (Green Book 9.5). */
static void associate(struct conversation *c)
{
        static const uint8_t aarq[] = {0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08,
                                       0x01, 0x01, 0xbe, 0x10, 0x04, 0x0e, 0x01, 0x00, 0x00, 0x00, 0x06,
                                       0x5f, 0x1f, 0x04, 0x00, 0x00, 0x7e, 0x1f, 0x04, 0xb0};
        static const uint8_t aare[] = {0x61, 0x29, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08,
                                       0x01, 0x01, 0xa2, 0x03, 0x02, 0x01, 0x00, 0xa3, 0x05, 0xa1, 0x03,
                                       0x02, 0x01, 0x00, 0xbe, 0x10, 0x04, 0x0e, 0x08, 0x00, 0x06, 0x5f,
                                       0x1f, 0x04, 0x00, 0x00, 0x50, 0x1f, 0x01, 0xf4, 0x00, 0x07};
        send_apdu(c, DOWN, aarq, sizeof(aarq));
        send_apdu(c, UP, aare, sizeof(aare));
        tell_label(c, &(struct label_fact){.label = "DLMS", .visibility = FACT_READABLE});
}

static void get_register(struct conversation *c, uint8_t invocation, uint8_t tariff)
{
        uint32_t value = random_u32(&c->traffic->random) % 100000000;
        uint8_t request[] = {0xc0, 0x01, invocation, 0x00, 0x03, 0x01, 0x00, 0x01, 0x08, tariff, 0xff, 0x02, 0x00};
        uint8_t response[] = {0xc4,
                              0x01,
                              invocation,
                              0x00,
                              0x06,
                              (uint8_t)(value >> 24),
                              (uint8_t)(value >> 16),
                              (uint8_t)(value >> 8),
                              (uint8_t)value};
        send_apdu(c, DOWN, request, sizeof(request));
        send_apdu(c, UP, response, sizeof(response));
}

void dlms_read(struct traffic *traffic, uint32_t device, unsigned registers, int64_t time_ns)
{
        static const uint8_t release[] = {0x62, 0x03, 0x80, 0x01, 0x00}, released[] = {0x63, 0x03, 0x80, 0x01, 0x00};
        struct world *world = traffic->world;
        struct contact contact = {.device = device,
                                  .peer = host_address(world, world->head_end, device),
                                  .device_port = DLMS_PORT,
                                  .peer_port = (uint16_t)(32768 + random_below(&traffic->random, 28000)),
                                  .protocol = IP_TCP,
                                  .opener = DOWN};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        associate(c);
        for (unsigned i = 0; i < registers; i++)
                get_register(c, (uint8_t)(0xc1 + i % 8), (uint8_t)i);
        send_apdu(c, DOWN, release, sizeof(release));
        send_apdu(c, UP, released, sizeof(released));
        conversation_close(c, DOWN);
}
