#include "tests/traffic/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traffic/session.h"
#include "tests/traffic/traffic.h"

enum {
        LINK_MTU = 1500,
        ETHERNET_SIZE = 14,
        IPV4_SIZE = 20,
        IPV6_SIZE = 40,
        FRAGMENT_SIZE = 8,
        TCP_SIZE = 20,
        UDP_SIZE = 8,
        ICMP_SIZE = 8,
        SYN_OPTIONS_SIZE = 12,
        GTPU_PORT = 2152,
        GTPU_SIZE = 16,
        TRANSPORT_LIMIT = 65535,
};

static void put16(uint8_t *at, uint32_t value)
{
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
        put16(at, value >> 16);
        put16(at + 2, value);
}

/* RFC 1071, eight bytes a step; the order of bytes does not matter to a one's complement sum until the end. */
static uint64_t sum_add(uint64_t sum, const uint8_t *bytes, size_t length)
{
        while (length >= 4) {
                uint32_t word;
                memcpy(&word, bytes, 4);
                sum += word;
                bytes += 4;
                length -= 4;
        }
        uint8_t rest[4] = {0};
        uint32_t word;
        memcpy(rest, bytes, length);
        memcpy(&word, rest, 4);
        return sum + word;
}

static void sum_store(uint8_t *at, uint64_t sum)
{
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        uint16_t folded = (uint16_t)~sum;
        memcpy(at, &folded, 2);
}

struct ends {
        const struct address *source, *destination;
        uint16_t source_port, destination_port;
};

static struct ends packet_ends(const struct packet *packet)
{
        const struct conversation *c = packet->conversation;
        if (packet->direction == UP)
                return (struct ends){&c->device, &c->contact.peer, c->contact.device_port, c->contact.peer_port};
        return (struct ends){&c->contact.peer, &c->device, c->contact.peer_port, c->contact.device_port};
}

static uint64_t pseudo_header_sum(const struct ends *ends, uint8_t protocol, size_t length)
{
        size_t size;
        const uint8_t *source = address_wire(ends->source, &size);
        uint64_t sum = sum_add(0, source, size);
        const uint8_t *destination = address_wire(ends->destination, &size);
        sum = sum_add(sum, destination, size);
        uint8_t tail[8] = {0, 0, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, 0, protocol};
        return sum_add(sum, tail, sizeof(tail));
}

static size_t put_tcp(uint8_t *at, const struct packet *packet, const struct ends *ends)
{
        /* MSS 1360, SACK permitted, window scale 7 */
        static const uint8_t syn_options[SYN_OPTIONS_SIZE] = {2, 4, 0x05, 0x50, 1, 1, 4, 2, 1, 3, 3, 7};
        size_t options = packet->tcp_flags & TCP_SYN ? SYN_OPTIONS_SIZE : 0;
        put16(at, ends->source_port);
        put16(at + 2, ends->destination_port);
        put32(at + 4, packet->sequence);
        put32(at + 8, packet->acknowledged);
        at[12] = (uint8_t)((TCP_SIZE + options) / 4 << 4);
        at[13] = packet->tcp_flags;
        put16(at + 14, packet->tcp_flags & TCP_SYN ? 64240 : packet->tcp_flags & TCP_RST ? 0 : 502);
        put32(at + 16, 0);
        memcpy(at + TCP_SIZE, syn_options, options);
        memcpy(at + TCP_SIZE + options, packet->payload, packet->length);
        size_t length = TCP_SIZE + options + packet->length;
        sum_store(at + 16, sum_add(pseudo_header_sum(ends, IP_TCP, length), at, length));
        return length;
}

static size_t put_udp(uint8_t *at, const struct packet *packet, const struct ends *ends)
{
        size_t length = UDP_SIZE + packet->length;
        put16(at, ends->source_port);
        put16(at + 2, ends->destination_port);
        put16(at + 4, (uint32_t)length);
        put16(at + 6, 0);
        memcpy(at + UDP_SIZE, packet->payload, packet->length);
        sum_store(at + 6, sum_add(pseudo_header_sum(ends, IP_UDP, length), at, length));
        if (at[6] == 0 && at[7] == 0)
                put16(at + 6, 0xffff);
        return length;
}

static size_t put_icmp(uint8_t *at, const struct packet *packet, const struct ends *ends)
{
        uint8_t protocol = packet->conversation->contact.protocol;
        size_t length = ICMP_SIZE + packet->length;
        at[0] = packet->icmp_type;
        at[1] = 0;
        put16(at + 2, 0);
        put16(at + 4, packet->icmp_type == ROUTER_SOLICITATION ? 0 : packet->conversation->contact.device & 0xffff);
        put16(at + 6, packet->sequence);
        memcpy(at + ICMP_SIZE, packet->payload, packet->length);
        uint64_t sum = protocol == IP_ICMPV6 ? pseudo_header_sum(ends, IP_ICMPV6, length) : 0;
        sum_store(at + 2, sum_add(sum, at, length));
        return length;
}

static size_t put_transport(uint8_t *at, const struct packet *packet, const struct ends *ends)
{
        switch (packet->conversation->contact.protocol) {
        case IP_TCP: return put_tcp(at, packet, ends);
        case IP_UDP: return put_udp(at, packet, ends);
        default: return put_icmp(at, packet, ends);
        }
}

static void put_ipv4(uint8_t *at, const struct ends *ends, uint8_t protocol, size_t payload, uint16_t id, uint16_t fragment,
                     uint8_t hops)
{
        size_t size;
        at[0] = 0x45;
        at[1] = 0;
        put16(at + 2, (uint32_t)(IPV4_SIZE + payload));
        put16(at + 4, id);
        put16(at + 6, fragment);
        at[8] = hops;
        at[9] = protocol;
        put16(at + 10, 0);
        memcpy(at + 12, address_wire(ends->source, &size), 4);
        memcpy(at + 16, address_wire(ends->destination, &size), 4);
        sum_store(at + 10, sum_add(0, at, IPV4_SIZE));
}

static void put_ipv6(uint8_t *at, const struct ends *ends, uint8_t next, size_t payload, uint8_t hops)
{
        put32(at, 0x60000000);
        put16(at + 4, (uint32_t)payload);
        at[6] = next;
        at[7] = hops;
        memcpy(at + 8, ends->source->bytes, 16);
        memcpy(at + 24, ends->destination->bytes, 16);
}

static struct ends tunnel_ends(const struct tunnel *tunnel, enum direction direction)
{
        bool is_up = direction == UP;
        return (struct ends){is_up ? &tunnel->station : &tunnel->gateway, is_up ? &tunnel->gateway : &tunnel->station,
                             GTPU_PORT, GTPU_PORT};
}

/* The G-PDU's header: plain, with a sequence number, or with a PDU session container (TS 38.415). */
static size_t put_gtpu(uint8_t *at, const struct conversation *c, uint32_t teid, enum direction direction, size_t inner,
                       uint32_t turn)
{
        unsigned variety = c->contact.device % 8 == 3 ? 1 : c->contact.device % 8 == 6 ? 2 : 0;
        size_t extra = variety == 0 ? 0 : variety == 1 ? 4 : 8;
        at[0] = variety == 0 ? 0x30 : variety == 1 ? 0x32 : 0x34;
        at[1] = 0xff;
        put16(at + 2, (uint32_t)(inner + extra));
        put32(at + 4, teid);
        if (variety == 1)
                put32(at + 8, turn << 16);
        if (variety == 2) {
                put32(at + 8, 0x00000085);
                put32(at + 12, direction == UP ? 0x01100100 : 0x01000100);
        }
        return 8 + extra;
}

static size_t put_ethernet(uint8_t *at, const struct wire *wire, const struct packet *packet, uint16_t type)
{
        static const uint8_t cards[2][6] = {{0x02, 0, 0, 0, 0, 0x01}, {0x02, 0, 0, 0, 0, 0x02}};
        memcpy(at, cards[packet->direction == UP], 6);
        memcpy(at + 6, cards[packet->direction != UP], 6);
        if (wire->encapsulation != ENCAPSULATION_VLAN) {
                put16(at + 12, type);
                return ETHERNET_SIZE;
        }
        put16(at + 12, 0x8100);
        put16(at + 14, WIRE_VLAN);
        put16(at + 16, type);
        return ETHERNET_SIZE + 4;
}

typedef void send_ip(struct wire *wire, const struct packet *packet, const uint8_t *ip, size_t length, int64_t time_ns);

static void send_frame(struct wire *wire, const struct packet *packet, const uint8_t *ip, size_t length, int64_t time_ns)
{
        uint8_t frame[WIRE_FRAME_SIZE];
        size_t at = put_ethernet(frame, wire, packet, ip[0] >> 4 == 6 ? 0x86dd : 0x0800);
        assert(at + length <= sizeof(frame));
        memcpy(frame + at, ip, length);
        wire->frames++;
        wire->frame(wire->context, frame, at + length, time_ns);
}

struct whole { /* a transport packet that may need fragments */
        const struct packet *packet;
        struct ends ends;
        const uint8_t *bytes;
        size_t length;
        uint8_t protocol, hops;
        uint16_t id;
};

static void send_ipv4(struct wire *wire, const struct whole *whole, int64_t time_ns, send_ip *send)
{
        uint8_t ip[LINK_MTU];
        const size_t room = (LINK_MTU - IPV4_SIZE) / 8 * 8;
        for (size_t at = 0; at < whole->length; at += room) {
                size_t part = whole->length - at <= room ? whole->length - at : room;
                bool more = at + part < whole->length;
                uint16_t fragment = (uint16_t)(at / 8) | (more ? 0x2000 : 0);
                if (!more && at == 0 && whole->protocol == IP_TCP)
                        fragment = 0x4000;
                put_ipv4(ip, &whole->ends, whole->protocol, part, whole->id, fragment, whole->hops);
                memcpy(ip + IPV4_SIZE, whole->bytes + at, part);
                send(wire, whole->packet, ip, IPV4_SIZE + part, time_ns);
        }
}

/* `ip` inside GTP-U; what does not fit the link then goes in outer fragments. */
static void send_through(struct wire *wire, const struct packet *packet, const struct tunnel *tunnel, const uint8_t *ip,
                         size_t length, int64_t time_ns, send_ip *send)
{
        uint8_t bytes[UDP_SIZE + GTPU_SIZE + LINK_MTU];
        struct whole outer = {
                .packet = packet, .bytes = bytes, .protocol = IP_UDP, .hops = 64, .id = (uint16_t)wire->frames};
        outer.ends = tunnel_ends(tunnel, packet->direction);
        size_t head = UDP_SIZE + put_gtpu(bytes + UDP_SIZE, packet->conversation, tunnel->teid[packet->direction],
                                          packet->direction, length, wire->frames);
        outer.length = head + length;
        put16(bytes, GTPU_PORT);
        put16(bytes + 2, GTPU_PORT);
        put16(bytes + 4, (uint32_t)outer.length);
        put16(bytes + 6, 0); /* the inner checksums do: RFC 768 lets it out, and so do base stations */
        memcpy(bytes + head, ip, length);
        send_ipv4(wire, &outer, time_ns, send);
}

static void send_in_session(struct wire *wire, const struct packet *packet, const uint8_t *ip, size_t length,
                            int64_t time_ns)
{
        const struct conversation *c = packet->conversation;
        send_through(wire, packet, &session_of(c->traffic, c->contact.device)->now, ip, length, time_ns, send_frame);
}

static void send_tunnelled(struct wire *wire, const struct packet *packet, const uint8_t *ip, size_t length, int64_t time_ns)
{
        const struct tunnel tunnel = conversation_tunnel(packet->conversation);
        send_through(wire, packet, &tunnel, ip, length, time_ns,
                     packet->conversation->is_nested ? send_in_session : send_frame);
}

/* `ip` is one whole IP packet of the device. */
static void send_inner(struct wire *wire, const struct packet *packet, const uint8_t *ip, size_t length, int64_t time_ns)
{
        send_ip *send = wire->encapsulation == ENCAPSULATION_GTPU ? send_tunnelled : send_frame;
        send(wire, packet, ip, length, time_ns);
}

static void send_ipv6_fragments(struct wire *wire, const struct whole *whole, int64_t time_ns)
{
        uint8_t ip[LINK_MTU];
        const size_t room = (LINK_MTU - IPV6_SIZE - FRAGMENT_SIZE) / 8 * 8;
        for (size_t at = 0; at < whole->length; at += room) {
                size_t part = whole->length - at <= room ? whole->length - at : room;
                put_ipv6(ip, &whole->ends, 44, FRAGMENT_SIZE + part, whole->hops);
                ip[IPV6_SIZE] = whole->protocol;
                ip[IPV6_SIZE + 1] = 0;
                put16(ip + IPV6_SIZE + 2, (uint32_t)(at | (at + part < whole->length ? 1 : 0)));
                put32(ip + IPV6_SIZE + 4, whole->id);
                memcpy(ip + IPV6_SIZE + FRAGMENT_SIZE, whole->bytes + at, part);
                send_inner(wire, whole->packet, ip, IPV6_SIZE + FRAGMENT_SIZE + part, time_ns);
        }
}

static void send_ipv6(struct wire *wire, const struct whole *whole, int64_t time_ns)
{
        if (IPV6_SIZE + whole->length > LINK_MTU) {
                send_ipv6_fragments(wire, whole, time_ns);
                return;
        }
        uint8_t ip[LINK_MTU];
        put_ipv6(ip, &whole->ends, whole->protocol, whole->length, whole->hops);
        memcpy(ip + IPV6_SIZE, whole->bytes, whole->length);
        send_inner(wire, whole->packet, ip, IPV6_SIZE + whole->length, time_ns);
}

void wire_send(struct wire *wire, const struct packet *packet, int64_t time_ns)
{
        static uint8_t transport[TRANSPORT_LIMIT];
        struct conversation *c = packet->conversation;
        assert(packet->length + TCP_SIZE + SYN_OPTIONS_SIZE <= sizeof(transport));
        struct whole whole = {.packet = packet, .ends = packet_ends(packet), .bytes = transport};
        whole.length = put_transport(transport, packet, &whole.ends);
        whole.protocol = c->contact.protocol;
        whole.hops = packet->direction == UP ? 63 : 52;
        whole.id = c->ip_id[packet->direction]++;
        if (address_is_ipv4(&c->device))
                send_ipv4(wire, &whole, time_ns, send_inner);
        else
                send_ipv6(wire, &whole, time_ns);
}

void wire_send_signal(struct wire *wire, struct traffic *traffic, const struct signal *signal, int64_t time_ns)
{
        struct bytes *message = &traffic->scratch;
        struct conversation c = {.traffic = traffic,
                                 .device = signal->source,
                                 .contact = {.peer = signal->destination,
                                             .device_port = SIGNAL_PORT,
                                             .peer_port = SIGNAL_PORT,
                                             .protocol = IP_UDP}};
        bytes_clear(message);
        signal_encode(signal, message);
        struct packet *packet = malloc(sizeof(*packet) + message->length);
        if (packet == NULL)
                abort();
        *packet = (struct packet){.conversation = &c, .direction = UP, .length = (uint32_t)message->length};
        memcpy(packet->payload, message->data, message->length);
        uint8_t transport[LINK_MTU];
        struct whole whole = {
                .packet = packet, .ends = packet_ends(packet), .bytes = transport, .protocol = IP_UDP, .hops = 62};
        whole.id = (uint16_t)wire->frames;
        whole.length = put_transport(transport, packet, &whole.ends);
        send_ipv4(wire, &whole, time_ns, send_frame);
        free(packet);
}
