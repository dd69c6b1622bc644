/* The innermost IP packet, as it was found: by the walk, or without one where the frame is plain. Inside encap only.
 *
 * Plain is what nearly every frame is: Ethernet, tagged or not, and IPv4 without options and in one piece, in which is TCP
 * or UDP, bare or in GTP-U. Of it nothing needs to be remembered on the way. */
#pragma once

#include <netinet/in.h>

#include "base/link_type.h"
#include "dissectors/encap/tunnel.h"
#include "dissectors/encap/walk.h"

enum { OVERSIZED = 9000 }; /* IP bytes that no interface sends: the largest usual MTU */

enum transport { TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_OTHER };

struct leaf {
        const uint8_t *ip;       /* its header */
        struct cursor bytes;     /* behind the IP headers */
        uint32_t missing;        /* of what stands there and was not captured */
        uint32_t ip_length;      /* on the wire */
        uint32_t identification; /* IPv4: the identification; 0: none */
        uint32_t teid;
        uint16_t tap, context;
        uint8_t version;         /* 4 or 6 */
        uint8_t protocol;
        enum transport transport;
        uint8_t depth, tunnel;   /* enum tunnel_kind */
        bool has_teid, reassembled, oversized, partial;
        const uint8_t *outer_ip; /* NULL: no tunnel */
        const uint8_t *link_end; /* the outermost IP header in the frame */
};

static inline void leaf_of_walk(struct leaf *leaf, const struct walk *walk)
{
        const struct level *here = walk->here, *around = here;
        *leaf = (struct leaf){.ip = here->ip, .bytes = walk->bytes, .missing = walk->missing, .ip_length = here->ip_length,
                              .identification = walk->identification, .version = here->ip[0] >> 4,
                              .protocol = walk->protocol, .transport = TRANSPORT_OTHER, .depth = walk->depth,
                              .reassembled = walk->reassembled, .oversized = here->oversized, .partial = here->partial,
                              .link_end = walk->link_end};
        if (here->ip_length > OVERSIZED && !walk->reassembled)
                leaf->oversized = true;
        if (walk->protocol == IPPROTO_TCP)
                leaf->transport = TRANSPORT_TCP;
        else if (walk->protocol == IPPROTO_UDP)
                leaf->transport = TRANSPORT_UDP;
        if (walk->depth == 0)
                return;
        around--;
        leaf->tunnel = around->kind;
        leaf->outer_ip = around->ip;
        while (!around->has_teid && around > walk->levels)
                around--;
        leaf->has_teid = around->has_teid;
        leaf->teid = around->teid;
}

/* The IPv4 packet at the cursor, which is moved behind its header and narrowed to it. false: it is not plain. */
static inline bool leaf_of_plain_ipv4(struct leaf *leaf, struct cursor *bytes)
{
        enum { HEADER = 20, NO_OPTIONS = 0x45 };
        const uint8_t *ip = bytes->at;
        if (cursor_left(bytes) < HEADER || ip[0] != NO_OPTIONS || ipv4_is_fragment(ip))
                return false;
        leaf->ip = ip;
        leaf->ip_length = be16_at(ip + 2);
        leaf->oversized = leaf->ip_length > OVERSIZED;
        leaf->protocol = ip[9];
        *bytes = cursor_take(bytes, leaf->ip_length);
        cursor_skip(bytes, HEADER);
        return !bytes->short_read;
}

static inline bool frame_is_untagged_ipv4(const struct frame *frame)
{
        return frame->link_type == LINK_ETHERNET && frame->captured >= ETHERNET_HEADER &&
               be16_at(frame->bytes + ETHERNET_HEADER - 2) == ETHERTYPE_IPV4;
}

/* IPv4 stands behind `link_length` bytes of the frame. false: it is not plain. Twice in the code: nearly always it is 14. */
static inline __attribute__((always_inline)) bool leaf_of_plain_frame(struct leaf *leaf, const struct frame *frame,
                                                                      uint32_t link_length)
{
        struct cursor bytes = cursor_of(frame->bytes, frame->captured);
        cursor_skip(&bytes, link_length);
        *leaf = (struct leaf){.link_end = bytes.at, .version = 4};
        while (leaf_of_plain_ipv4(leaf, &bytes)) {
                leaf->bytes = bytes;
                leaf->identification = ipv4_identification(leaf->ip);
                leaf->transport = TRANSPORT_TCP;
                if (leaf->protocol == IPPROTO_TCP)
                        return true;
                leaf->transport = TRANSPORT_UDP;
                const uint8_t *udp = leaf->protocol == IPPROTO_UDP ? cursor_bytes(&bytes, 8) : NULL;
                if (udp == NULL)
                        return false;
                if (!udp_may_be_tunnel(udp))
                        return true;
                struct gtpu gtpu;
                if (leaf->depth > 0 || !udp_is_gtpu(udp) ||
                    gtpu_read(&bytes, udp_left_on_wire(udp, (uint32_t)cursor_left(&bytes)), false, &gtpu) != STEP_IPV4)
                        return false;
                bytes = cursor_take(&bytes, gtpu.length);
                leaf->depth = 1;
                leaf->tunnel = TUNNEL_GTPU;
                leaf->outer_ip = leaf->ip;
                leaf->has_teid = true;
                leaf->teid = gtpu.teid;
        }
        return false;
}
