/* IPv4 (RFC 791), IPv6 (RFC 8200) with hop-by-hop, routing, destination options, fragment and authentication (RFC 4302)
 * headers; fragments; and what they carry by protocol number: IPv4, IPv6 and GRE in IP. The header checksum is not
 * asked: captures on the sending host have none yet.
 *
 * A packet in a tunnel must fit into it, or it is none. Outermost, a length beyond the frame is a cut frame. */
#include "dissectors/encap/walk.h"

#include <netinet/in.h>

#include "dissectors/encap/reassembly.h"

enum {
        IPV4_HEADER = 20,
        IPV4_HEADER_MAX = 60,
        IPV6_HEADER = 40,
        EXTENSIONS_MAX = 32,
        LARGEST_UNOFFLOADED = 1500,
        PROTOCOL_IPV4 = 4,
};

enum step ip_any(struct walk *walk)
{
        if (cursor_left(&walk->bytes) == 0)
                return walk_short(walk);
        switch (cursor_peek(&walk->bytes) >> 4) {
        case 4:
                return ip_v4(walk);
        case 6:
                return ip_v6(walk);
        default:
                return STEP_INSANE;
        }
}

static inline void walk_at_ip(struct walk *walk, const uint8_t *ip)
{
        if (walk->link_end == NULL)
                walk->link_end = ip;
        walk->here->ip = ip;
}

/* Behind the IP headers. */
static inline enum step ip_carries(struct walk *walk)
{
        if (walk->protocol == IPPROTO_TCP || walk->leaf_only)
                return STEP_LEAF;
        if (walk->protocol == IPPROTO_UDP)
                return tunnel_udp(walk);
        switch (walk->protocol) {
        case PROTOCOL_IPV4:
                return walk_enter(walk, TUNNEL_IPIP, STEP_IPV4);
        case IPPROTO_IPV6:
                return walk_enter(walk, TUNNEL_IPIP, STEP_IPV6);
        case IPPROTO_GRE:
                return tunnel_gre(walk);
        default:
                return STEP_LEAF;
        }
}

/* A packet in a tunnel must not lack more than the capture cut off, or than the fragments that did not come. */
static inline bool walk_may_lack(const struct walk *walk, uint32_t lacking)
{
        return walk->depth == 0 || lacking <= walk->missing || walk->here[-1].partial;
}

/* RFC 4302, 2: next header, length in units of 4 bytes less 2. */
static bool skip_authentication(struct cursor *at, uint8_t *next)
{
        const uint8_t *header = cursor_bytes(at, 8);
        if (header == NULL)
                return false;
        *next = header[0];
        cursor_skip(at, header[1] >= 1 ? header[1] * 4U : 0);
        return !at->short_read;
}

static enum step v4_behind_authentication(struct walk *walk)
{
        struct cursor at = walk->bytes;
        if (!skip_authentication(&at, &walk->protocol))
                return walk_short(walk) == STEP_CUT ? STEP_CUT : STEP_MALFORMED;
        walk->bytes = at;
        return ip_carries(walk);
}

enum step ip_v4(struct walk *walk)
{
        const uint8_t *ip = cursor_bytes(&walk->bytes, IPV4_HEADER);
        if (ip == NULL)
                return walk_short(walk);
        uint32_t header_length = (ip[0] - 0x40U) * 4; /* of another version it is out of range */
        if (header_length < IPV4_HEADER || header_length > IPV4_HEADER_MAX)
                return STEP_INSANE;
        uint32_t have = (uint32_t)cursor_left(&walk->bytes) + IPV4_HEADER;
        uint32_t length = be16_at(ip + 2);
        walk->here->oversized = length == 0;
        if (length == 0) { /* segmentation offload: too large for 16 bits, or not yet filled in */
                length = have + walk->missing;
                if (walk->depth > 0 && length <= LARGEST_UNOFFLOADED)
                        return STEP_INSANE;
        }
        if (length < header_length || (length > have && !walk_may_lack(walk, length - have)))
                return STEP_INSANE;
        walk_narrow(walk, length - IPV4_HEADER);
        walk_at_ip(walk, ip);
        walk->here->ip_length = length;
        walk->here->ip_captured = length - walk->missing;
        walk->protocol = ip[9];
        walk->identification = ipv4_identification(ip);
        if (header_length > IPV4_HEADER) {
                cursor_skip(&walk->bytes, header_length - IPV4_HEADER);
                if (walk->bytes.short_read)
                        return STEP_CUT;
        }
        if (ipv4_is_fragment(ip)) {
                enum step next = reassembly_v4(walk, header_length);
                if (next != STEP_LEAF)
                        return next;
        }
        if (walk->protocol == IPPROTO_AH)
                return v4_behind_authentication(walk);
        return ip_carries(walk);
}

/* The length field says 0 where hop-by-hop options say the real one (RFC 2675), and where offloading wrote none. */
static uint32_t v6_length(struct walk *walk, const uint8_t *ip, uint32_t rest)
{
        uint32_t length = be16_at(ip + 4);
        bool may_be_large = ip[6] == IPPROTO_TCP || ip[6] == IPPROTO_UDP || ip[6] == IPPROTO_HOPOPTS;
        walk->here->oversized = length == 0 && may_be_large && rest >= 8;
        return walk->here->oversized ? rest : length;
}

/* Walks the extension headers. `*next_at` is where the number of the header at the cursor stands. */
static enum step v6_extensions(struct walk *walk, const uint8_t *ip, const uint8_t *next_at)
{
        for (unsigned count = 0; count < EXTENSIONS_MAX; count++) {
                walk->protocol = *next_at;
                struct cursor at = walk->bytes;
                const uint8_t *header = at.at;
                uint8_t next;
                switch (walk->protocol) {
                case IPPROTO_HOPOPTS:
                case IPPROTO_ROUTING:
                case IPPROTO_DSTOPTS: /* length in units of 8 bytes, the first not counted */
                        if (cursor_bytes(&at, 8) == NULL)
                                return walk_short(walk) == STEP_CUT ? STEP_CUT : STEP_MALFORMED;
                        cursor_skip(&at, header[1] * 8U);
                        break;
                case IPPROTO_AH:
                        (void)skip_authentication(&at, &next);
                        break;
                case IPPROTO_FRAGMENT:
                        if (cursor_bytes(&at, 8) == NULL)
                                return walk_short(walk) == STEP_CUT ? STEP_CUT : STEP_MALFORMED;
                        walk->bytes = at;
                        if (be16_at(header + 2) & 0xfff9) {
                                enum step step = reassembly_v6(walk, ip, header, next_at);
                                if (step != STEP_LEAF)
                                        return step;
                        }
                        break;
                default:
                        return ip_carries(walk);
                }
                if (at.short_read)
                        return walk_short(walk) == STEP_CUT ? STEP_CUT : STEP_MALFORMED;
                walk->bytes = at;
                next_at = header;
        }
        return STEP_MALFORMED;
}

enum step ip_v6(struct walk *walk)
{
        const uint8_t *ip = cursor_bytes(&walk->bytes, IPV6_HEADER);
        if (ip == NULL)
                return walk_short(walk);
        uint32_t rest = (uint32_t)cursor_left(&walk->bytes) + walk->missing;
        if (ip[0] >> 4 != 6)
                return STEP_INSANE;
        uint32_t length = v6_length(walk, ip, rest);
        if (length > rest && !walk_may_lack(walk, length - rest + walk->missing))
                return STEP_INSANE;
        walk_narrow(walk, length);
        walk_at_ip(walk, ip);
        walk->here->ip_length = IPV6_HEADER + length;
        walk->here->ip_captured = walk->here->ip_length - walk->missing;
        walk->identification = 0;
        return v6_extensions(walk, ip, ip + 6);
}
