/* Link layers: what stands in front of IP in a frame, and inside tunnels that carry frames.
 *
 * Ethernet II, IEEE 802.3 with LLC and SNAP (RFC 1042), 802.1Q, 802.1ad, 802.1ah and three of Cisco's tags, MPLS (RFC 3032)
 * with IP or an Ethernet pseudowire (RFC 4448) inside, PPPoE (RFC 2516), PPP (RFC 1661, 1662), Cisco HDLC, Linux cooked
 * capture, BSD loopback, raw IP. Left out: what says nothing of IP (LLC control, PPP control, MACsec) is STEP_NOT_IP; PPP
 * with Van Jacobson compression (RFC 1144) and fragments of multilink PPP (RFC 1990) count as such. */
#include "dissectors/encap/walk.h"

#include "base/link_type.h"

enum {
        ETHERTYPE_ARP = 0x0806,
        ETHERTYPE_TRANSPARENT_ETHERNET = 0x6558,
        ETHERTYPE_IPV6 = 0x86dd,
        ETHERTYPE_PPP = 0x880b,
        ETHERTYPE_MPLS = 0x8847,
        ETHERTYPE_MPLS_MULTICAST = 0x8848,
        ETHERTYPE_PPPOE_DISCOVERY = 0x8863,
        ETHERTYPE_PPPOE_SESSION = 0x8864,
        ETHERTYPE_PROVIDER_BACKBONE = 0x88e7,
        ETHERTYPE_FABRIC_PATH = 0x8903,
        ETHERTYPE_METADATA = 0x8909,
        ETHERTYPE_VN_TAG = 0x8926,
        ETHERTYPE_OLD_VLAN = 0x9100,
        ETHERTYPE_OLDER_VLAN = 0x9200,
        LARGEST_LENGTH = 1500, /* in the place of the type: IEEE 802.3, 3.2.6 */
        LABELS_MAX = 16,
};

enum step link_ethernet(struct walk *walk)
{
        const uint8_t *header = cursor_bytes(&walk->bytes, ETHERNET_HEADER);
        if (header == NULL)
                return walk_short(walk);
        walk->ethertype = be16_at(header + 12);
        return STEP_ETHERTYPE;
}

/* 802.3: the type is a length, LLC follows. IP stands behind SNAP (AA AA 03, 00 00 00, type) or, seldom, behind SAP 6. */
static enum step link_llc(struct walk *walk)
{
        if (walk->ethertype > 4) /* Linux cooked: 1 and 4 say "802.3" and "802.2", not a length */
                walk_narrow(walk, walk->ethertype);
        const uint8_t *llc = cursor_bytes(&walk->bytes, 3);
        if (llc == NULL)
                return walk->missing > 0 ? STEP_CUT : STEP_NOT_IP;
        if (llc[0] == 0x06 && llc[1] == 0x06 && llc[2] == 0x03)
                return STEP_IPV4;
        if (llc[0] != 0xaa || llc[1] != 0xaa || llc[2] != 0x03)
                return STEP_NOT_IP;
        const uint8_t *snap = cursor_bytes(&walk->bytes, 5);
        if (snap == NULL)
                return walk->missing > 0 ? STEP_CUT : STEP_NOT_IP;
        bool ethernet = snap[0] == 0 && snap[1] == 0 && (snap[2] == 0 || snap[2] == 0xf8); /* 0000f8: bridged, 802.1H */
        walk->ethertype = be16_at(snap + 3);
        return ethernet && walk->ethertype > LARGEST_LENGTH ? STEP_ETHERTYPE : STEP_NOT_IP;
}

static enum step link_tag(struct walk *walk)
{
        const uint8_t *tag = cursor_bytes(&walk->bytes, 4);
        if (tag == NULL)
                return walk_short(walk);
        walk->here->vlan = be16_at(tag) & 0x0fff;
        walk->ethertype = be16_at(tag + 2);
        return STEP_ETHERTYPE;
}

uint32_t link_tagged_ipv4(const struct frame *frame)
{
        enum { TAGS_MAX = 2 };
        struct cursor at = cursor_of(frame->bytes, frame->captured);
        cursor_skip(&at, ETHERNET_HEADER - 2);
        uint16_t type = cursor_be16(&at);
        if (frame->link_type != LINK_ETHERNET)
                return 0;
        unsigned tags = 0;
        for (; tags < TAGS_MAX && (type == ETHERTYPE_VLAN || type == ETHERTYPE_PROVIDER_VLAN); tags++) {
                cursor_skip(&at, 2);
                type = cursor_be16(&at);
        }
        return tags > 0 && type == ETHERTYPE_IPV4 ? (uint32_t)(at.at - frame->bytes) : 0;
}

/* Tags of `length` bytes whose last two are the type of what follows: Cisco's VN-Tag, Cisco's metadata (security groups). */
static enum step link_other_tag(struct walk *walk, unsigned length)
{
        const uint8_t *tag = cursor_bytes(&walk->bytes, length);
        if (tag == NULL)
                return walk_short(walk);
        walk->ethertype = be16_at(tag + length - 2);
        return STEP_ETHERTYPE;
}

static enum step link_pppoe(struct walk *walk)
{
        const uint8_t *header = cursor_bytes(&walk->bytes, 6);
        if (header == NULL)
                return walk_short(walk);
        if (header[0] != 0x11 || header[1] != 0) /* version and type 1; code 0 is session data */
                return STEP_NOT_IP;
        walk_narrow(walk, be16_at(header + 4));
        return STEP_PPP;
}

enum step link_ethertype(struct walk *walk)
{
        switch (walk->ethertype) {
        case ETHERTYPE_IPV4:
                return STEP_IPV4;
        case ETHERTYPE_IPV6:
                return STEP_IPV6;
        case ETHERTYPE_VLAN:
        case ETHERTYPE_PROVIDER_VLAN:
        case ETHERTYPE_OLD_VLAN:
        case ETHERTYPE_OLDER_VLAN:
                return link_tag(walk);
        case ETHERTYPE_MPLS:
        case ETHERTYPE_MPLS_MULTICAST:
                return STEP_MPLS;
        case ETHERTYPE_PPPOE_SESSION:
                return link_pppoe(walk);
        case ETHERTYPE_PPP:
                return STEP_PPP;
        case ETHERTYPE_TRANSPARENT_ETHERNET:
                return STEP_ETHERNET;
        case ETHERTYPE_FABRIC_PATH:
                cursor_skip(&walk->bytes, 2);
                return STEP_ETHERNET;
        case ETHERTYPE_PROVIDER_BACKBONE:
                cursor_skip(&walk->bytes, 4);
                return STEP_ETHERNET;
        case ETHERTYPE_VN_TAG:
                return link_other_tag(walk, 6);
        case ETHERTYPE_METADATA:
                return link_other_tag(walk, 8);
        default:
                return walk->ethertype <= LARGEST_LENGTH ? link_llc(walk) : STEP_NOT_IP;
        }
}

/* Whether an IP header of that version stands at `at` whose length fits; cut ones get the benefit of the doubt. */
static bool ip_is_sane(struct cursor at, uint32_t missing, unsigned version)
{
        uint32_t whole = (uint32_t)cursor_left(&at) + missing;
        const uint8_t *header = cursor_bytes(&at, version == 4 ? 20 : 40);
        if (header == NULL)
                return missing > 0;
        if (header[0] >> 4 != version)
                return false;
        if (version == 6)
                return 40U + be16_at(header + 4) <= whole;
        uint32_t length = be16_at(header + 2);
        return (header[0] & 0x0f) >= 5 && length <= whole && length >= (header[0] & 0x0fU) * 4;
}

/* Whether a frame of a type that is worth reading stands at `at`: a pseudowire does not say that it carries Ethernet. */
static bool ethernet_is_sane(struct cursor at, uint32_t missing)
{
        const uint8_t *header = cursor_bytes(&at, ETHERNET_HEADER);
        if (header == NULL)
                return false;
        uint16_t type = be16_at(header + 12);
        switch (type) {
        case ETHERTYPE_IPV4:
                return ip_is_sane(at, missing, 4);
        case ETHERTYPE_IPV6:
                return ip_is_sane(at, missing, 6);
        case ETHERTYPE_ARP:
        case ETHERTYPE_VLAN:
        case ETHERTYPE_PROVIDER_VLAN:
        case ETHERTYPE_OLD_VLAN:
        case ETHERTYPE_MPLS:
        case ETHERTYPE_PPPOE_DISCOVERY:
        case ETHERTYPE_PPPOE_SESSION:
                return true;
        default:
                break;
        }
        const uint8_t *llc = cursor_bytes(&at, 3); /* an 802.3 frame: SNAP or spanning tree */
        bool known = llc != NULL && llc[0] == llc[1] && (llc[0] == 0xaa || llc[0] == 0x42) && llc[2] == 0x03;
        return known && type <= LARGEST_LENGTH;
}

/* Behind the labels nothing says what follows (RFC 4928): IP by its nibble when the rest of the header agrees; then a
 * pseudowire's control word, whose first nibble is 0, in front of a frame; then a frame without one. */
static enum step mpls_inside(struct walk *walk)
{
        struct cursor here = walk->bytes;
        unsigned nibble = cursor_peek(&here) >> 4;
        if (cursor_left(&here) == 0)
                return walk->missing > 0 ? STEP_CUT : STEP_NOT_IP;
        if (nibble == 4 && ip_is_sane(here, walk->missing, 4))
                return STEP_IPV4;
        if (nibble == 6 && ip_is_sane(here, walk->missing, 6))
                return STEP_IPV6;
        if (walk->missing > 0 && cursor_left(&here) < 4 + ETHERNET_HEADER)
                return STEP_CUT;
        if (nibble == 0) {
                struct cursor behind = here;
                cursor_skip(&behind, 4);
                if (ethernet_is_sane(behind, walk->missing)) {
                        walk->bytes = behind;
                        return STEP_ETHERNET;
                }
        }
        return ethernet_is_sane(here, walk->missing) ? STEP_ETHERNET : STEP_NOT_IP;
}

enum step link_mpls(struct walk *walk)
{
        for (unsigned labels = 0; labels < LABELS_MAX; labels++) {
                const uint8_t *label = cursor_bytes(&walk->bytes, 4);
                if (label == NULL)
                        return walk_short(walk);
                if (label[2] & 0x01) /* bottom of stack */
                        return mpls_inside(walk);
        }
        return STEP_TOO_DEEP;
}

/* The address and control field (ff 03) may be left out, and so may the high byte of the protocol when it is 0: no high
 * byte is odd (RFC 1661, 6.5 and 6.6). */
enum step link_ppp(struct walk *walk)
{
        struct cursor *at = &walk->bytes;
        if (cursor_peek(at) == 0xff) /* no protocol begins so */
                cursor_skip(at, 2);
        uint16_t protocol = cursor_u8(at);
        if (!(protocol & 1))
                protocol = (uint16_t)(protocol << 8 | cursor_u8(at));
        if (at->short_read)
                return walk_short(walk);
        switch (protocol) {
        case 0x0021:
                return STEP_IPV4;
        case 0x0057:
                return STEP_IPV6;
        case 0x0281:
        case 0x0283:
                return STEP_MPLS;
        default:
                return STEP_NOT_IP;
        }
}

/* Cisco HDLC shares its link types with PPP in HDLC framing: address 0f (one) or 8f (all), control 0, then an ethertype. */
static enum step link_hdlc(struct walk *walk)
{
        uint8_t address = cursor_peek(&walk->bytes);
        if (address != 0x0f && address != 0x8f) /* no PPP protocol begins so */
                return STEP_PPP;
        const uint8_t *header = cursor_bytes(&walk->bytes, 4);
        if (header == NULL)
                return walk_short(walk);
        walk->ethertype = be16_at(header + 2);
        return walk->ethertype > LARGEST_LENGTH ? STEP_ETHERTYPE : STEP_NOT_IP;
}

/* The address family as the capturing system numbers it: IPv4 is 2 everywhere; IPv6 is 10 on Linux, 23 on Windows, 24 on
 * NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS. */
static enum step link_family(uint32_t family)
{
        switch (family) {
        case 2:
                return STEP_IPV4;
        case 10:
        case 23:
        case 24:
        case 28:
        case 30:
                return STEP_IPV6;
        default:
                return STEP_NOT_IP;
        }
}

static enum step link_loopback(struct walk *walk, bool either_order)
{
        uint32_t family = cursor_be32(&walk->bytes);
        if (walk->bytes.short_read)
                return walk_short(walk);
        if (either_order && family > 0xffff)
                family = __builtin_bswap32(family);
        return link_family(family);
}

/* Linux cooked, version 1: the protocol is the last of 16 bytes; version 2: the first of 20. */
static enum step link_cooked(struct walk *walk, unsigned length, unsigned protocol_at)
{
        const uint8_t *header = cursor_bytes(&walk->bytes, length);
        if (header == NULL)
                return walk_short(walk);
        walk->ethertype = be16_at(header + protocol_at);
        if (walk->ethertype <= LARGEST_LENGTH && walk->ethertype != 1 && walk->ethertype != 4)
                return STEP_NOT_IP; /* Linux's own numbers: CAN and the like */
        return STEP_ETHERTYPE;
}

enum step link_enter(struct walk *walk)
{
        switch (walk->frame->link_type) {
        case LINK_ETHERNET:
                return STEP_ETHERNET;
        case LINK_RAW:
        case LINK_RAW_OLD:
        case LINK_RAW_OPENBSD:
                return STEP_IP;
        case LINK_IPV4:
                return STEP_IPV4;
        case LINK_IPV6:
                return STEP_IPV6;
        case LINK_LINUX_SLL:
                return link_cooked(walk, 16, 14);
        case LINK_LINUX_SLL2:
                return link_cooked(walk, 20, 0);
        case LINK_NULL:
                return link_loopback(walk, true);
        case LINK_LOOP:
                return link_loopback(walk, false);
        case LINK_PPP:
        case LINK_PPP_HDLC:
                return link_hdlc(walk);
        case LINK_PPP_WITH_DIR:
                cursor_skip(&walk->bytes, 1); /* 0: received by the one who captured */
                return link_hdlc(walk);
        case LINK_PPP_ETHER:
                return link_pppoe(walk);
        default:
                return STEP_UNKNOWN_LINK;
        }
}
