/* Tunnels that stand behind an IP header: GRE (RFC 2784, 2890; version 1: RFC 2637), L2TPv2 (RFC 2661), VXLAN (RFC 7348),
 * Geneve (RFC 8926), GTP-U (3GPP TS 29.281), GRE in UDP (RFC 8086).
 *
 * A UDP port alone never decides: the tunnel's header must be one, and what it carries must be a sane IP header, or the
 * packet stays what it is, ordinary UDP. So do control messages: echo, error indication, end marker, L2TP control.
 * Left out: Teredo, MPLS in UDP, L2TPv3, VXLAN-GPE and NSH, ERSPAN type III's optional part. */
#include "dissectors/encap/tunnel.h"
#include "dissectors/encap/walk.h"

enum { GTPU_EXTENSIONS_MAX = 8 };

/* The tunnel's header does not fit: cut, or there is none. */
static inline enum step tunnel_short(const struct walk *walk)
{
        return walk->missing > 0 ? STEP_CUT : STEP_LEAF;
}

/* The extension headers: length in units of 4 bytes, content, type of the next; 0 ends. TS 29.281, 5.2.1. */
uint32_t gtpu_extension_bytes(struct cursor at, uint8_t next)
{
        const uint8_t *begin = at.at;
        for (unsigned count = 0; next != 0; count++) {
                uint32_t length = cursor_u8(&at) * 4U;
                if (at.short_read)
                        return UINT32_MAX;
                if (length == 0 || count == GTPU_EXTENSIONS_MAX)
                        return 0;
                const uint8_t *rest = cursor_bytes(&at, length - 1);
                if (rest == NULL)
                        return UINT32_MAX;
                next = rest[length - 2];
        }
        return (uint32_t)(at.at - begin);
}

static enum step tunnel_gtpu(struct walk *walk, struct cursor at, uint32_t left_on_wire)
{
        struct gtpu gtpu;
        enum step inside = gtpu_read(&at, walk->here->partial ? UINT32_MAX : left_on_wire, walk->here->oversized, &gtpu);
        if (inside == STEP_LEAF)
                return STEP_LEAF;
        if (inside == STEP_CUT)
                return tunnel_short(walk);
        walk->bytes = at;
        if (walk_enter(walk, TUNNEL_GTPU, inside) == STEP_TOO_DEEP)
                return STEP_TOO_DEEP;
        if (gtpu.length > 0)
                walk_narrow(walk, gtpu.length);
        walk->here[-1].has_teid = true;
        walk->here[-1].teid = gtpu.teid;
        return inside;
}

/* RFC 7348, 5: flags with I set, 24 bits, VNI, 8 bits. Reserved bits are ignored, as it says. */
static enum step tunnel_vxlan(struct walk *walk, struct cursor at)
{
        const uint8_t *header = cursor_bytes(&at, 8);
        if (header == NULL)
                return tunnel_short(walk);
        if (!(header[0] & 0x08))
                return STEP_LEAF;
        walk->bytes = at;
        enum step inside = walk_enter(walk, TUNNEL_VXLAN, STEP_ETHERNET);
        walk->here->vni = be32_at(header + 4) >> 8;
        return inside;
}

/* RFC 8926, 3.4: version (2 bits) 0, length of the options in units of 4 bytes, flags, protocol, VNI, 8 bits, options. */
static enum step tunnel_geneve(struct walk *walk, struct cursor at)
{
        const uint8_t *header = cursor_bytes(&at, 8);
        if (header == NULL)
                return tunnel_short(walk);
        if (header[0] >> 6 != 0 || be16_at(header + 2) <= 1500)
                return STEP_LEAF;
        cursor_skip(&at, (header[0] & 0x3fU) * 4);
        if (at.short_read)
                return tunnel_short(walk);
        walk->bytes = at;
        walk->ethertype = be16_at(header + 2);
        enum step inside = walk_enter(walk, TUNNEL_GENEVE, STEP_ETHERTYPE);
        walk->here->vni = be32_at(header + 4) >> 8;
        return inside;
}

/* RFC 2661, 3.1: T L x x S x O P x x x x, version 2; length when L; tunnel, session; Ns and Nr when S; offset size and as
 * many bytes when O. T is a control message. */
static enum step tunnel_l2tp(struct walk *walk, struct cursor at, uint32_t left_on_wire)
{
        uint16_t flags = cursor_be16(&at);
        if (at.short_read)
                return tunnel_short(walk);
        if ((flags & 0xb4ff) != 0x0002)
                return STEP_LEAF;
        if (flags & 0x4000 && cursor_be16(&at) > left_on_wire)
                return STEP_LEAF;
        cursor_skip(&at, 4);
        if (flags & 0x0800)
                cursor_skip(&at, 4);
        if (flags & 0x0200)
                cursor_skip(&at, cursor_be16(&at));
        if (at.short_read)
                return tunnel_short(walk);
        walk->bytes = at;
        return walk_enter(walk, TUNNEL_L2TP, STEP_PPP);
}

/* ERSPAN: type I has no header of its own (and no sequence number in GRE), type II 8 bytes, type III 12. A frame follows. */
static enum step gre_mirror(struct walk *walk, struct cursor *at, bool has_sequence, bool third)
{
        if (has_sequence || third)
                cursor_skip(at, third ? 12 : 8);
        if (at->short_read)
                return tunnel_short(walk);
        walk->bytes = *at;
        return walk_enter(walk, TUNNEL_GRE, STEP_ETHERNET);
}

static enum step gre_inside(struct walk *walk, struct cursor *at, uint16_t protocol, bool has_sequence)
{
        if (protocol == 0x88be || protocol == 0x22eb)
                return gre_mirror(walk, at, has_sequence, protocol == 0x22eb);
        if (protocol == 0x883e) { /* WCCP: 4 bytes of redirect header in version 2, none in version 1 */
                if (cursor_peek(at) >> 4 != 4)
                        cursor_skip(at, 4);
                protocol = 0x0800;
        }
        if (protocol == 0x8909) { /* Cisco metadata: in GRE the type stands first of its 8 bytes */
                protocol = cursor_be16(at);
                cursor_skip(at, 6);
        }
        if (at->short_read)
                return tunnel_short(walk);
        if (protocol <= 1500)
                return STEP_LEAF; /* keep-alives (0) and what is numbered otherwise */
        walk->bytes = *at;
        walk->ethertype = protocol;
        return walk_enter(walk, TUNNEL_GRE, STEP_ETHERTYPE);
}

/* RFC 2890: C R K S s, 3 bits, A (version 1), 4 bits, version; protocol; then checksum and offset when C or R, key when K,
 * sequence when S, and in version 1 acknowledgement when A. Source routes (R, RFC 1701) are not followed. */
static enum step gre_header(struct walk *walk, struct cursor at)
{
        const uint8_t *header = cursor_bytes(&at, 4);
        if (header == NULL)
                return tunnel_short(walk);
        uint16_t flags = be16_at(header), protocol = be16_at(header + 2);
        unsigned version = flags & 0x07;
        if (version > 1 || flags & 0x4000)
                return STEP_LEAF;
        if (flags & 0x8000)
                cursor_skip(&at, 4);
        const uint8_t *key = flags & 0x2000 ? cursor_bytes(&at, 4) : NULL;
        if (flags & 0x1000)
                cursor_skip(&at, 4);
        if (version == 1 && flags & 0x0080)
                cursor_skip(&at, 4);
        if (at.short_read)
                return tunnel_short(walk);
        if (cursor_left(&at) == 0 && walk->missing == 0)
                return STEP_LEAF; /* version 1: an acknowledgement alone */
        enum step inside = gre_inside(walk, &at, protocol, (flags & 0x1000) != 0);
        if (inside != STEP_LEAF && key != NULL && version == 0) /* in version 1 it is a length and a call */
                walk->here->gre_key = be32_at(key);
        return inside;
}

enum step tunnel_gre(struct walk *walk)
{
        return gre_header(walk, walk->bytes);
}

static enum step tunnel_of_port(struct walk *walk, struct cursor at, const uint8_t *header)
{
        uint32_t left_on_wire = udp_left_on_wire(header, (uint32_t)cursor_left(&at) + walk->missing);
        if (udp_is_gtpu(header))
                return tunnel_gtpu(walk, at, left_on_wire);
        switch (be16_at(header + 2)) {
        case PORT_VXLAN:
        case PORT_VXLAN_OLD:
                return tunnel_vxlan(walk, at);
        case PORT_GENEVE:
                return tunnel_geneve(walk, at);
        case PORT_GRE:
                return gre_header(walk, at);
        default: /* PORT_L2TP, either */
                return tunnel_l2tp(walk, at, left_on_wire);
        }
}

enum step tunnel_udp(struct walk *walk)
{
        struct cursor at = walk->bytes;
        const uint8_t *header = cursor_bytes(&at, 8);
        if (header == NULL || !udp_may_be_tunnel(header))
                return STEP_LEAF; /* of one that is short, whoever reads the leaf says so */
        return tunnel_of_port(walk, at, header);
}
