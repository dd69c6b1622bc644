#include "sense/side.h"

#include <netinet/in.h>

enum { TCP_SYN = 0x02, TCP_ACK = 0x10 };

static bool is_group(const struct address *a)
{
        return address_is_multicast(a) || address_is_broadcast(a);
}

static struct side by_reach(const struct packet *packet)
{
        if (is_group(&packet->destination))
                return (struct side){.source_is_device = true, .certain = true};
        bool source_private = address_is_private(&packet->source), destination_private = address_is_private(&packet->destination);
        if (source_private != destination_private)
                return (struct side){.source_is_device = source_private, .certain = true};
        return (struct side){.source_is_device = true};
}

struct side side_of(const struct prefix_trie *devices, const struct packet *packet)
{
        if (!prefix_trie_is_empty(devices)) {
                bool source = prefix_trie_find(devices, &packet->source) != NULL;
                bool destination = prefix_trie_find(devices, &packet->destination) != NULL;
                if (source || destination)
                        return (struct side){.source_is_device = source, .both = source && destination,
                                             .certain = source != destination};
        }
        return by_reach(packet);
}

/* The same on every machine and in every run: what a flow's events and evictions depend on. */
static uint32_t address_mix(const struct address *a, uint16_t context)
{
        uint64_t w[2];
        memcpy(w, a->bytes, 16);
        uint64_t h = (w[0] ^ w[1] * 0x9fb21c651e98df25ULL ^ context) * 0x9e3779b97f4a7c15ULL;
        return (uint32_t)(h >> 58);
}

unsigned side_shard(const struct side *side, const struct packet *packet)
{
        const struct address *device = side->source_is_device ? &packet->source : &packet->destination;
        if (!side->certain)
                device = address_compare(&packet->source, &packet->destination) < 0 ? &packet->source : &packet->destination;
        return address_mix(device, packet->context);
}

static bool port_is_service(uint16_t port)
{
        static const uint16_t known[] = {1194, 1701, 1812, 1813, 1883, 2123, 2152, 3478, 3868, 4059, 4500, 5060, 5222, 5683, 5684,
                                         7275, 7276, 8080, 8443, 8805, 8883};
        if (port < 1024 || port > 8883)
                return port != 0 && port < 1024;
        for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
                if (known[i] == port)
                        return true;
        return false;
}

static bool icmp_is_reply(const struct packet *packet)
{
        static const uint8_t v4[] = {0, 3, 4, 5, 11, 12, 14, 16, 18};
        if (packet->protocol == IPPROTO_ICMPV6)
                return packet->icmp_type < 128 || packet->icmp_type == 129 || packet->icmp_type == 136;
        for (unsigned i = 0; i < sizeof v4; i++)
                if (v4[i] == packet->icmp_type)
                        return true;
        return false;
}

bool side_opening(const struct packet *packet, bool *source_opened)
{
        bool from_service = port_is_service(packet->source_port) && !port_is_service(packet->destination_port);
        switch (packet->protocol) {
        case IPPROTO_TCP:
                if (packet->tcp_flags & TCP_SYN) {
                        *source_opened = !(packet->tcp_flags & TCP_ACK);
                        return true;
                }
                *source_opened = !from_service;
                return false;
        case IPPROTO_UDP:
        case IPPROTO_SCTP:
                *source_opened = !from_service;
                return !(from_service && packet->destination_port >= 1024);
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
                *source_opened = !icmp_is_reply(packet);
                return *source_opened;
        default:
                *source_opened = true;
                return true;
        }
}
