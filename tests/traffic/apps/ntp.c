/* NTP version 4, client and server mode, RFC 5905. */
#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

static const uint64_t unix_epoch_in_ntp = UINT64_C(2208988800);

static uint64_t ntp_time(int64_t time_ns)
{
        uint64_t seconds = (uint64_t)(time_ns / SECOND_NS) + unix_epoch_in_ntp;
        return seconds << 32 | ((uint64_t)(time_ns % SECOND_NS) << 32) / (uint64_t)SECOND_NS;
}

static void put_message(struct bytes *b, uint32_t head, uint32_t reference, uint64_t origin, uint64_t receive,
                        uint64_t transmit)
{
        bytes_clear(b);
        bytes_be32(b, head);
        bytes_be32(b, reference ? 0x00000120 : 0); /* root delay */
        bytes_be32(b, reference ? 0x00000340 : 0); /* root dispersion */
        bytes_be32(b, reference);
        bytes_be64(b, reference ? receive & ~UINT64_C(0xffffffff) : 0);
        bytes_be64(b, origin);
        bytes_be64(b, receive);
        bytes_be64(b, transmit);
}

void ntp_ask(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct world *world = traffic->world;
        struct bytes *b = &traffic->scratch;
        struct contact contact = {.device = device,
                                  .peer = host_address(world, world->time_server, device),
                                  .peer_port = 123,
                                  .protocol = IP_UDP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        uint64_t asked = ntp_time(time_ns);
        put_message(b, 0x230006ec, 0, 0, 0, asked); /* version 4, client */
        conversation_send(c, UP, b->data, b->length);
        put_message(b, 0x240206ec, 0xc0000201, asked, ntp_time(c->time_ns),
                    ntp_time(c->time_ns + 40000)); /* server, stratum 2 */
        conversation_send(c, DOWN, b->data, b->length);
        tell_label(c, &(struct label_fact){.label = "NTP", .visibility = FACT_READABLE});
        conversation_leave(c);
}
