#include "tests/traffic/conversation.h"

#include <stdlib.h>
#include <string.h>

#include "tests/traffic/facts.h"
#include "tests/traffic/packet.h"
#include "tests/traffic/session.h"
#include "tests/traffic/tcp_session.h"
#include "tests/traffic/timeline.h"
#include "tests/traffic/traffic.h"

static void packet_leave(void *subject, int64_t time_ns)
{
        struct packet *packet = subject;
        struct conversation *c = packet->conversation;
        struct traffic *traffic = c->traffic;
        if (traffic->packet_limit == 0 || traffic->packets < traffic->packet_limit) {
                traffic->packets++;
                traffic->output->packet(traffic->output->context, packet, time_ns);
        }
        facts_free(packet->facts);
        if (c->latest == packet)
                c->latest = NULL;
        free(packet);
        conversation_release(c);
}

struct packet *conversation_queue(struct conversation *c, int64_t time_ns, enum direction direction, const void *payload,
                                  size_t length)
{
        size_t kept = c->traffic->output->wants_payload ? length : 0;
        struct packet *packet = malloc(sizeof(*packet) + kept);
        if (packet == NULL)
                abort();
        *packet = (struct packet){.conversation = c, .direction = direction, .length = (uint32_t)length};
        if (kept > 0)
                memcpy(packet->payload, payload, kept);
        c->references++;
        c->latest = packet;
        c->traffic->queued++;
        timeline_add(c->traffic->timeline, time_ns, packet_leave, packet);
        return packet;
}

void conversation_release(struct conversation *c)
{
        const struct packet_output *output = c->traffic->output;
        if (--c->references > 0)
                return;
        if (output->over != NULL)
                output->over(output->context, c);
        free(c);
}

/* A radio link answers in 40 to 400 ms, a server in 5 to 60. */
static void draw_turns(struct conversation *c)
{
        struct random_stream *random = &c->traffic->random;
        c->turn_ns[UP] = random_between(random, 40 * MS_NS, 400 * MS_NS);
        c->turn_ns[DOWN] = random_between(random, 5 * MS_NS, 60 * MS_NS);
        if (c->contact.peer_device != 0)
                c->turn_ns[DOWN] = random_between(random, 40 * MS_NS, 400 * MS_NS);
}

struct conversation *conversation_open(struct traffic *traffic, const struct contact *contact, int64_t time_ns)
{
        struct conversation *c = calloc(1, sizeof(*c));
        if (c == NULL)
                abort();
        c->traffic = traffic;
        c->contact = *contact;
        c->device = traffic->sessions != NULL ? session_address(session_of(traffic, contact->device))
                                              : device_address(traffic->world, contact->device);
        c->time_ns = session_require(traffic, contact->device, time_ns, contact->midstream);
        if (contact->peer_device != 0)
                c->time_ns = session_require(traffic, contact->peer_device - 1, c->time_ns, false);
        c->references = 1;
        c->last = contact->opener;
        if (c->contact.device_port == 0 && contact->protocol != IP_ICMP && contact->protocol != IP_ICMPV6)
                c->contact.device_port = device_next_port(traffic->world, contact->device);
        draw_turns(c);
        uint64_t chance = random_u64(&traffic->random);
        c->sequence[UP] = (uint32_t)chance;
        c->sequence[DOWN] = (uint32_t)(chance >> 32);
        c->ip_id[UP] = (uint16_t)(chance >> 16);
        c->ip_id[DOWN] = (uint16_t)(chance >> 48);
        traffic->flows++;
        if (contact->protocol == IP_TCP)
                tcp_open(c);
        return c;
}

static void send_datagram(struct conversation *c, enum direction direction, const void *bytes, size_t length)
{
        if (direction != c->last)
                c->time_ns += c->turn_ns[direction];
        conversation_queue(c, c->time_ns, direction, bytes, length);
        c->last = direction;
        c->time_ns += random_between(&c->traffic->random, 200000, 2000000);
}

void conversation_send(struct conversation *c, enum direction direction, const void *bytes, size_t length)
{
        if (c->contact.unanswered && (c->contact.protocol == IP_TCP || direction != c->contact.opener))
                return;
        if (c->contact.protocol == IP_TCP)
                tcp_send(c, direction, bytes, length);
        else
                send_datagram(c, direction, bytes, length);
}

void conversation_send_noise(struct conversation *c, enum direction direction, size_t length)
{
        while (length > 0) {
                size_t part = length < NOISE_SIZE / 2 ? length : NOISE_SIZE / 2;
                conversation_send(c, direction, traffic_noise(c->traffic, part), part);
                length -= part;
        }
}

void conversation_wait(struct conversation *c, int64_t pause_ns)
{
        if (c->contact.protocol == IP_TCP)
                tcp_settle(c);
        c->time_ns += pause_ns;
}

void conversation_close(struct conversation *c, enum direction first)
{
        if (c->contact.protocol == IP_TCP && !c->contact.unanswered)
                tcp_close(c, first);
        c->closed = true;
        conversation_release(c);
}

void conversation_reset(struct conversation *c, enum direction by)
{
        if (c->contact.protocol == IP_TCP && !c->contact.unanswered)
                tcp_reset(c, by);
        c->closed = true;
        conversation_release(c);
}

void conversation_leave(struct conversation *c)
{
        if (c->contact.protocol == IP_TCP && !c->contact.unanswered)
                tcp_settle(c);
        c->closed = true;
        conversation_release(c);
}

void conversation_echo(struct conversation *c, enum direction direction, int kind, uint16_t sequence)
{
        static const uint8_t types[2][2] = {{8, 0}, {128, 129}};
        uint8_t payload[56] = {0};
        for (unsigned i = 0; i < sizeof(payload); i++)
                payload[i] = (uint8_t)(i + 8);
        send_datagram(c, direction, payload, sizeof(payload));
        c->latest->icmp_type = types[c->contact.protocol == IP_ICMPV6][kind];
        c->latest->sequence = sequence;
}
