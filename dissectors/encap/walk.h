/* The way through one frame: what is left of the layer at hand, what was passed, and what comes next. Inside encap only.
 *
 * Each layer reads its header, narrows what is left to what its length field says, and answers with the next step. A tunnel
 * is only a guess until a sane IP header stands inside: the enclosing IP packet is remembered as a level, and a tunnel whose
 * inside is none is left again: that packet then is the innermost one. */
#pragma once

#include "base/cursor.h"
#include "dissectors/encap/encap.h"

struct reassembly;
struct tap_matcher;

enum {
        WALK_LEVELS = 16, /* hard limit of tunnels in each other */
        WALK_STEPS = 64,  /* and of layers of any kind */
        NO_VLAN = -1,

        ETHERNET_HEADER = 14,
        ETHERTYPE_IPV4 = 0x0800,
        ETHERTYPE_VLAN = 0x8100,
        ETHERTYPE_PROVIDER_VLAN = 0x88a8,
};

enum step {
        STEP_ETHERNET, /* what stands at the cursor */
        STEP_ETHERTYPE, /* `ethertype` says it */
        STEP_MPLS,
        STEP_PPP,
        STEP_IP, /* the version nibble says which */
        STEP_IPV4,
        STEP_IPV6,

        STEP_LEAF, /* the innermost IP packet: `ip`, `protocol`, and the cursor behind the IP headers */
        STEP_FRAGMENT,
        STEP_DUPLICATE,
        STEP_NOT_IP,
        STEP_UNKNOWN_LINK,
        STEP_CUT,
        STEP_INSANE, /* no header of what was expected: in a tunnel it was none */
        STEP_MALFORMED,
        STEP_TOO_DEEP,
};

/* An IP packet: one that carries a tunnel, of which the last three say which, or the one at hand. */
struct level {
        const uint8_t *ip;     /* its header */
        uint32_t ip_captured, ip_length;
        int64_t vni, gre_key;  /* the innermost around it; -1 */
        int vlan;              /* likewise; NO_VLAN */
        bool oversized;        /* its length field says 0, which only offloading writes */
        bool partial;          /* the beginning of a fragmented one of which there will not be more */
        uint8_t kind;          /* enum tunnel_kind */
        bool has_teid;
        uint32_t teid;
};

struct walk {
        struct cursor bytes;
        uint32_t missing;     /* bytes of this layer behind the cursor's end that were not captured */
        uint16_t ethertype;

        struct level *here;   /* of the levels the one behind the tunnels: the IP packet at hand */
        uint32_t identification; /* IPv4: the identification; 0: none */
        uint8_t protocol;
        bool ip_reassembled;  /* it came out of the fragment table */
        bool leaf_only;       /* tunnels in it have been tried */

        bool reassembled;     /* any layer was */
        uint8_t depth;
        uint8_t depth_around; /* tunnels that were there before the walk began and are not left */
        uint8_t depth_limit;
        const uint8_t *link_end; /* the outermost IP header in the frame; NULL: not reached */
        const struct frame *frame;
        int64_t clock_ns;
        struct reassembly *reassembly; /* NULL: fragments are taken as they are */
        struct tap_matcher *taps;    /* NULL: none configured */
        struct address outermost[2]; /* source, destination; set by the first tunnel when there are taps */
        struct level levels[WALK_LEVELS + 1];
};

static inline uint16_t be16_at(const uint8_t *at)
{
        return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t be32_at(const uint8_t *at)
{
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint32_t ipv4_identification(const uint8_t *ip)
{
        return be16_at(ip + 4);
}

static inline bool ipv4_is_fragment(const uint8_t *ip)
{
        return (be16_at(ip + 6) & 0x3fff) != 0; /* more fragments, or an offset */
}

/* `bytes` go on for `length`, as a header says. What was captured behind them is padding. */
static inline void bytes_narrow(struct cursor *bytes, uint32_t *missing, uint32_t length)
{
        uint32_t have = (uint32_t)cursor_left(bytes);
        if (length <= have)
                bytes->end = bytes->at + length;
        *missing = length <= have ? 0 : length - have;
}

static inline void walk_narrow(struct walk *walk, uint32_t length)
{
        bytes_narrow(&walk->bytes, &walk->missing, length);
}

/* Behind `depth` tunnels, of which none has told a tag. */
static inline void walk_start(struct walk *walk, uint8_t depth)
{
        walk->depth = walk->depth_around = depth;
        walk->here = &walk->levels[depth];
        walk->here->vlan = NO_VLAN;
        walk->here->vni = walk->here->gre_key = -1;
        walk->here->partial = false;
        walk->link_end = NULL;
}

/* A header that was read does not fit: because of the capture, or because the layer around it is too small. */
static inline enum step walk_short(const struct walk *walk)
{
        return walk->missing > 0 ? STEP_CUT : STEP_INSANE;
}

/* Both addresses, as they stand in the header: 8 or 32 bytes. */
static inline const uint8_t *ip_addresses(const uint8_t *ip, uint8_t version, uint32_t *length)
{
        bool is_v4 = version == 4;
        *length = is_v4 ? 8 : 32;
        return ip + (is_v4 ? 12 : 8);
}

static inline struct address address_of_ip(const uint8_t *ip, bool destination)
{
        if (ip[0] >> 4 == 4)
                return address_of_ipv4(ip + (destination ? 16 : 12));
        return address_of_ipv6(ip + (destination ? 24 : 8));
}

/* The IP packet at hand carries a tunnel of `kind`; what is inside begins at the cursor. */
static inline enum step walk_enter(struct walk *walk, enum tunnel_kind kind, enum step inside)
{
        if (walk->depth >= walk->depth_limit)
                return STEP_TOO_DEEP;
        if (walk->depth == 0 && walk->taps != NULL) {
                walk->outermost[0] = address_of_ip(walk->here->ip, false);
                walk->outermost[1] = address_of_ip(walk->here->ip, true);
        }
        struct level *around = walk->here++;
        walk->depth++;
        around->kind = (uint8_t)kind;
        around->has_teid = false;
        around->teid = 0;
        walk->here->vlan = around->vlan;
        walk->here->vni = around->vni;
        walk->here->gre_key = around->gre_key;
        walk->ip_reassembled = walk->here->partial = false;
        return inside;
}

/* Link layers (link.c): from the first byte of a frame, and from what STEP_ETHERNET to STEP_PPP stand for. */
enum step link_enter(struct walk *walk);
enum step link_ethernet(struct walk *walk);
enum step link_ethertype(struct walk *walk);
enum step link_mpls(struct walk *walk);
enum step link_ppp(struct walk *walk);

/* The bytes in front of the IPv4 packet in an Ethernet frame that has a tag or two; 0: it is none. */
uint32_t link_tagged_ipv4(const struct frame *frame);

/* The tunnel carried nothing sane: back to the IP packet around it, which now is the innermost. */
static inline enum step walk_leave(struct walk *walk)
{
        const struct level *level = --walk->here;
        walk->depth--;
        walk->bytes = cursor_of(level->ip, level->ip_captured);
        walk->missing = level->ip_length - level->ip_captured;
        walk->leaf_only = true;
        return STEP_IP;
}

/* IP (ip.c): the header at the cursor, extension headers, fragments, tunnels by protocol number. */
enum step ip_any(struct walk *walk);
enum step ip_v4(struct walk *walk);
enum step ip_v6(struct walk *walk);

/* Tunnels (tunnel.c). The cursor stands behind the IP headers. STEP_LEAF when there is none; then nothing was read. */
enum step tunnel_udp(struct walk *walk);
enum step tunnel_gre(struct walk *walk);
