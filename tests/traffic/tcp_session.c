#include "tests/traffic/tcp_session.h"

#include "tests/traffic/packet.h"
#include "tests/traffic/traffic.h"

enum { SEGMENT_SIZE = 1360, SYN_ATTEMPTS = 4 };

static enum direction other(enum direction direction)
{
        return direction == UP ? DOWN : UP;
}

static struct packet *queue_segment(struct conversation *c, int64_t time_ns, enum direction direction, uint8_t flags,
                                    const void *bytes, size_t length)
{
        struct packet *packet = conversation_queue(c, time_ns, direction, bytes, length);
        packet->tcp_flags = flags;
        packet->sequence = c->sequence[direction];
        packet->acknowledged = flags & TCP_ACK ? c->sequence[other(direction)] : 0;
        c->sequence[direction] += (uint32_t)length + ((flags & (TCP_SYN | TCP_FIN)) != 0);
        return packet;
}

/* The same segment once more, after the time in which an acknowledgement should have come. */
static void queue_again(struct conversation *c, const struct packet *first, int64_t time_ns)
{
        struct packet *latest = c->latest;
        struct packet *again = conversation_queue(c, time_ns, first->direction, first->payload, first->length);
        again->tcp_flags = first->tcp_flags;
        again->sequence = first->sequence;
        again->acknowledged = first->acknowledged;
        again->repeated = true;
        c->latest = latest;
}

static void open_unanswered(struct conversation *c)
{
        enum direction opener = c->contact.opener;
        struct packet *first = queue_segment(c, c->time_ns, opener, TCP_SYN, NULL, 0);
        int64_t pause = SECOND_NS;
        for (int i = 1; i < SYN_ATTEMPTS; i++, pause *= 2) {
                c->time_ns += pause;
                queue_again(c, first, c->time_ns);
        }
}

void tcp_open(struct conversation *c)
{
        enum direction opener = c->contact.opener;
        if (c->contact.midstream)
                return;
        if (c->contact.unanswered) {
                open_unanswered(c);
                return;
        }
        queue_segment(c, c->time_ns, opener, TCP_SYN, NULL, 0);
        c->time_ns += c->turn_ns[other(opener)];
        queue_segment(c, c->time_ns, other(opener), TCP_SYN | TCP_ACK, NULL, 0);
        c->time_ns += c->turn_ns[opener];
        queue_segment(c, c->time_ns, opener, TCP_ACK, NULL, 0);
        c->time_ns += random_between(&c->traffic->random, 100000, 3000000);
        c->last = opener;
}

void tcp_settle(struct conversation *c)
{
        if (!c->owes_ack)
                return;
        struct packet *latest = c->latest;
        enum direction receiver = other(c->last);
        queue_segment(c, c->time_ns + c->turn_ns[receiver] / 2, receiver, TCP_ACK, NULL, 0);
        c->latest = latest;
        c->time_ns += c->turn_ns[receiver] / 2 + 1;
        c->owes_ack = false;
}

/* Another segment overtakes this one, or it comes a second time. */
static void season(struct conversation *c, const struct packet *packet, int64_t *time_ns)
{
        struct random_stream *random = &c->traffic->random;
        if (!c->traffic->seasoned || !random_chance(random, 0.01))
                return;
        queue_again(c, packet, *time_ns + random_between(random, 5 * MS_NS, 300 * MS_NS));
}

static void acknowledge_burst(struct conversation *c, enum direction sender, int64_t time_ns)
{
        struct packet *latest = c->latest;
        queue_segment(c, time_ns + c->turn_ns[other(sender)] / 2, other(sender), TCP_ACK, NULL, 0);
        c->latest = latest;
}

void tcp_send(struct conversation *c, enum direction direction, const void *bytes, size_t length)
{
        struct random_stream *random = &c->traffic->random;
        const uint8_t *at = bytes;
        if (c->owes_ack && direction == c->last)
                tcp_settle(c);
        if (direction != c->last)
                c->time_ns += c->turn_ns[direction];
        int64_t time_ns = c->time_ns;
        for (unsigned count = 1; length > 0; count++) {
                size_t part = length < SEGMENT_SIZE ? length : SEGMENT_SIZE;
                uint8_t flags = TCP_ACK | (part == length ? TCP_PSH : 0);
                bool late = c->traffic->seasoned && part < length && random_chance(random, 0.01);
                struct packet *packet = queue_segment(c, time_ns + (late ? 4 * MS_NS : 0), direction, flags, at, part);
                season(c, packet, &time_ns);
                at += part;
                length -= part;
                if (count % 2 == 0 && length > 0)
                        acknowledge_burst(c, direction, time_ns);
                time_ns += random_between(random, 300000, 2500000);
        }
        c->time_ns = time_ns + (c->traffic->seasoned ? 4 * MS_NS : 0);
        c->last = direction;
        c->owes_ack = true;
}

void tcp_close(struct conversation *c, enum direction first)
{
        if (c->owes_ack && first == c->last)
                tcp_settle(c);
        if (first != c->last)
                c->time_ns += c->turn_ns[first];
        queue_segment(c, c->time_ns, first, TCP_FIN | TCP_ACK, NULL, 0);
        c->time_ns += c->turn_ns[other(first)];
        queue_segment(c, c->time_ns, other(first), TCP_FIN | TCP_ACK, NULL, 0);
        c->time_ns += c->turn_ns[first];
        queue_segment(c, c->time_ns, first, TCP_ACK, NULL, 0);
        c->owes_ack = false;
}

void tcp_reset(struct conversation *c, enum direction by)
{
        tcp_settle(c);
        c->time_ns += c->turn_ns[by];
        queue_segment(c, c->time_ns, by, TCP_RST | TCP_ACK, NULL, 0);
}
