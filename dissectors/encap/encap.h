/* From a frame to the innermost IP packet: link layers, VLAN, QinQ, MPLS, PPPoE, GRE, IP-in-IP, 6in4, L2TP, VXLAN, Geneve,
 * GTP-U. Outer and inner fragments are reassembled, bounded. What cannot be peeled is counted by kind. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/frame.h"
#include "model/tap.h"

enum encap_result {
        ENCAP_PACKET,       /* `out` is filled */
        ENCAP_FRAGMENT,     /* a fragment, held until the rest comes */
        ENCAP_DUPLICATE,    /* seen within the last milliseconds (mirror ports, two taps of one path) */
        ENCAP_NOT_IP,       /* ARP, LLDP, PPP control, keep-alives ... */
        ENCAP_UNKNOWN_LINK, /* a link type that is not read */
        ENCAP_CUT,          /* cut before the innermost IP and transport headers were complete */
        ENCAP_MALFORMED,
        ENCAP_TOO_DEEP,
        ENCAP_RESULTS
};

enum tunnel_kind {
        TUNNEL_NONE,
        TUNNEL_GTPU,
        TUNNEL_GRE,
        TUNNEL_IPIP,
        TUNNEL_L2TP,
        TUNNEL_VXLAN,
        TUNNEL_GENEVE,
        TUNNEL_KINDS
};

/* The innermost packet. Pointers lead into the frame, or into the reassembly buffer, until the next call. */
struct packet {
        struct address source, destination;
        const uint8_t *ip;            /* the innermost IP header */
        const uint8_t *payload;       /* transport payload; for other protocols what follows the IP headers */
        const uint8_t *outer_ip;      /* header of the IP packet that carries the innermost tunnel; NULL when none */
        uint32_t ip_captured;         /* bytes there, without link padding */
        uint32_t ip_length;           /* as on the wire, by its header (or by the frame when offloaded with length 0) */
        uint32_t payload_captured;
        uint32_t payload_length;      /* as on the wire */
        uint32_t sequence, acknowledgement;     /* TCP only */
        uint32_t teid;                /* GTP-U, innermost */
        uint16_t source_port, destination_port; /* TCP, UDP, SCTP; else 0 */
        uint16_t tap, context;
        uint8_t icmp_type, icmp_code; /* ICMP and ICMPv6 only */
        bool reassembled;
        bool cut;                     /* payload_captured < payload_length */
        uint8_t protocol;             /* behind all extension headers */
        uint8_t ttl;
        uint8_t tcp_flags;            /* TCP only */
        bool oversized;               /* larger than an interface could send: offloading (GRO, TSO) was on */
        bool has_teid;
        uint8_t depth;                /* tunnels that were peeled */
        enum tunnel_kind tunnel;      /* the innermost */
};

/* Of `outer_ip`, for those who ask: few packets are the first of their flow. Unspecified when there is none. */
struct address packet_outer_address(const struct packet *packet, bool destination);

struct encap_settings {
        struct tap_list taps;
        const char *(*interface_name)(void *context, uint16_t interface); /* NULL: no names */
        void *interface_context;
        unsigned depth_limit;         /* tunnels; 0: 8 */
        uint32_t reassembly_limit;    /* bytes held for fragments; 0: 8 MiB */
        int64_t reassembly_timeout_ns; /* 0: 30 s of packet time */
        int64_t duplicate_window_ns;  /* 0: do not look for duplicates */
};

struct encap_counters {
        uint64_t results[ENCAP_RESULTS];
        uint64_t by_tunnel[TUNNEL_KINDS];
        uint64_t fragments, reassembled, fragments_expired, fragments_evicted;
        uint64_t incomplete_taken, incomplete_dropped; /* datagrams; of those dropped nobody asked in time */
        uint64_t cut, oversized, duplicates;
};

struct encap;

struct encap *encap_create(const struct encap_settings *settings);
void encap_destroy(struct encap *encap);
/* `out` holds something only with ENCAP_PACKET. */
enum encap_result encap_peel(struct encap *encap, const struct frame *frame, int64_t clock_ns, struct packet *out);

/* What came of a datagram whose other fragments did not: true fills `out` with the beginning of the packet, cut, and in the
 * tunnels in which its first fragment was; `reassembled` is set. `frame` is that fragment's (time, file, number, order,
 * interface), of raw IP: the header as it is of the whole, `captured` bytes of `wire`, or more where the end was not seen.
 * Bytes live until the next call. To be called until it says false, at least after each encap_expire: INCOMPLETE_MAX (64)
 * datagrams wait, of more the oldest are dropped, except at the end of the input. Each is given once and not asked for
 * copies; it is not among the results that are counted. */
bool encap_take_incomplete(struct encap *encap, struct frame *frame, struct packet *out);

/* Forgets fragments that waited too long; a fragment that comes does so too. At the end of the input: INT64_MAX. */
void encap_expire(struct encap *encap, int64_t clock_ns);
const struct encap_counters *encap_counters(struct encap *encap);
const char *encap_result_name(enum encap_result result);
