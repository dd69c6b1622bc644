#include "dissectors/encap/encap.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/apart.h"
#include "dissectors/encap/leaf.h"
#include "dissectors/encap/reassembly.h"
#include "dissectors/encap/tap_matcher.h"

enum {
        DEPTH_DEFAULT = 8,
        REASSEMBLY_BYTES_DEFAULT = 8 << 20,
        PROBE_PAYLOAD_BYTES = 64,
        PROBE_CHECKED_BYTES = 32, /* a TCP header and 12 more, a UDP header and 24 */
        LINK_BYTES_COMPARED = 32,
};

static const int64_t REASSEMBLY_TIMEOUT_DEFAULT_NS = 30000000000;

struct encap {
        struct tap_matcher *taps; /* these two and the first counters are what a plain frame touches */
        struct duplicate_table *duplicates;
        struct encap_counters counters;
        struct reassembly *reassembly;
        struct encap_settings settings;
};

struct encap *encap_create(const struct encap_settings *settings)
{
        struct encap *encap = calloc(1, sizeof *encap);
        if (encap == NULL)
                return NULL;
        encap->settings = *settings;
        struct encap_settings *own = &encap->settings;
        if (own->depth_limit == 0)
                own->depth_limit = DEPTH_DEFAULT;
        if (own->depth_limit > WALK_LEVELS)
                own->depth_limit = WALK_LEVELS;
        if (own->reassembly_limit == 0)
                own->reassembly_limit = REASSEMBLY_BYTES_DEFAULT;
        if (own->reassembly_timeout_ns == 0)
                own->reassembly_timeout_ns = REASSEMBLY_TIMEOUT_DEFAULT_NS;
        if (tap_matcher_create(own, &encap->taps) != 0)
                goto fail;
        if (own->duplicate_window_ns > 0) {
                encap->duplicates = duplicate_table_create(own->duplicate_window_ns);
                if (encap->duplicates == NULL)
                        goto fail;
        }
        encap->reassembly = calloc(1, sizeof *encap->reassembly);
        if (encap->reassembly == NULL)
                goto fail;
        encap->reassembly->duplicates = encap->duplicates;
        encap->reassembly->table = fragment_table_create(own->reassembly_limit, own->reassembly_timeout_ns);
        if (encap->reassembly->table == NULL)
                goto fail;
        return encap;
fail:
        encap_destroy(encap);
        return NULL;
}

void encap_destroy(struct encap *encap)
{
        if (encap == NULL)
                return;
        if (encap->reassembly != NULL)
                fragment_table_destroy(encap->reassembly->table);
        free(encap->reassembly);
        duplicate_table_destroy(encap->duplicates);
        tap_matcher_destroy(encap->taps);
        free(encap);
}

static enum step step_once(struct walk *walk, enum step step)
{
        switch (step) {
        case STEP_ETHERNET:
                return link_ethernet(walk);
        case STEP_ETHERTYPE:
                return link_ethertype(walk);
        case STEP_MPLS:
                return link_mpls(walk);
        case STEP_PPP:
                return link_ppp(walk);
        case STEP_IP:
                return ip_any(walk);
        case STEP_IPV4:
                return ip_v4(walk);
        case STEP_IPV6:
                return ip_v6(walk);
        default:
                return step;
        }
}

/* Down to the innermost IP packet. What turns out to be no tunnel is left again, and its packet taken as it is. */
static inline enum step walk_down(struct walk *walk, enum step step)
{
        unsigned layers = 0;
        for (;;) {
                while (step < STEP_LEAF) {
                        if (layers++ == WALK_STEPS)
                                return STEP_TOO_DEEP;
                        step = step_once(walk, step);
                }
                if ((step != STEP_INSANE && step != STEP_NOT_IP) || walk->depth == walk->depth_around || walk->leaf_only)
                        return step;
                step = walk_leave(walk);
        }
}

/* What stands behind the IP headers; the cursor is moved to the payload. Wire lengths go by the headers: a TCP header whose
 * options were cut is complete enough. */
static inline enum encap_result read_tcp(struct leaf *leaf, struct packet *out)
{
        const uint8_t *header = cursor_bytes(&leaf->bytes, 20);
        if (header == NULL)
                return leaf->missing > 0 ? ENCAP_CUT : ENCAP_MALFORMED;
        uint32_t options = (header[12] >> 4) * 4U - 20, have = (uint32_t)cursor_left(&leaf->bytes);
        if (options > 40 || (options > have + leaf->missing && !leaf->partial))
                return ENCAP_MALFORMED;
        out->source_port = be16_at(header);
        out->destination_port = be16_at(header + 2);
        out->sequence = be32_at(header + 4);
        out->acknowledgement = be32_at(header + 8);
        out->tcp_flags = header[13];
        uint32_t cut = options > have ? options - have : 0;
        cursor_skip(&leaf->bytes, options - cut);
        leaf->missing -= cut < leaf->missing ? cut : leaf->missing;
        return ENCAP_PACKET;
}

static inline enum encap_result read_udp(struct leaf *leaf, struct packet *out)
{
        const uint8_t *header = cursor_bytes(&leaf->bytes, 8);
        if (header == NULL)
                return leaf->missing > 0 ? ENCAP_CUT : ENCAP_MALFORMED;
        out->source_port = be16_at(header);
        out->destination_port = be16_at(header + 2);
        uint32_t length = be16_at(header + 4);
        if (length >= 8 && (length - 8 < (uint32_t)cursor_left(&leaf->bytes) + leaf->missing || leaf->partial))
                bytes_narrow(&leaf->bytes, &leaf->missing, length - 8);
        else if (length > 0 && length < 8)
                return ENCAP_MALFORMED;
        return ENCAP_PACKET;
}

static inline enum encap_result read_other(struct leaf *leaf, struct packet *out)
{
        struct cursor at = leaf->bytes;
        out->source_port = out->destination_port = 0;
        if (leaf->protocol == IPPROTO_ICMP || leaf->protocol == IPPROTO_ICMPV6) {
                out->icmp_type = cursor_u8(&at);
                out->icmp_code = cursor_u8(&at);
        } else if (leaf->protocol == IPPROTO_SCTP) {
                out->source_port = cursor_be16(&at);
                out->destination_port = cursor_be16(&at);
                cursor_skip(&at, 8);
                leaf->bytes = at;
        }
        if (at.short_read)
                return leaf->missing > 0 ? ENCAP_CUT : ENCAP_MALFORMED;
        return ENCAP_PACKET;
}

static inline enum encap_result read_transport(struct leaf *leaf, struct packet *out)
{
        enum encap_result result;
        out->icmp_type = out->icmp_code = 0;
        if (leaf->transport == TRANSPORT_TCP) {
                result = read_tcp(leaf, out);
        } else {
                out->tcp_flags = 0;
                out->sequence = out->acknowledgement = 0;
                result = leaf->transport == TRANSPORT_UDP ? read_udp(leaf, out) : read_other(leaf, out);
        }
        out->payload = leaf->bytes.at;
        out->payload_captured = (uint32_t)cursor_left(&leaf->bytes);
        out->payload_length = out->payload_captured + leaf->missing;
        out->cut = leaf->missing > 0;
        return result;
}

/* All but the transport header. */
static inline void fill_packet(const struct leaf *leaf, struct packet *out)
{
        const uint8_t *ip = leaf->ip;
        if (leaf->version == 4) {
                out->source = address_of_ipv4(ip + 12);
                out->destination = address_of_ipv4(ip + 16);
                out->ttl = ip[8];
        } else {
                out->source = address_of_ipv6(ip + 8);
                out->destination = address_of_ipv6(ip + 24);
                out->ttl = ip[7];
        }
        out->protocol = leaf->protocol;
        out->ip = ip;
        out->ip_captured = leaf->ip_length - leaf->missing;
        out->ip_length = leaf->ip_length;
        out->reassembled = leaf->reassembled;
        out->oversized = leaf->oversized;
        out->depth = leaf->depth;
        out->tunnel = (enum tunnel_kind)leaf->tunnel;
        out->has_teid = leaf->has_teid;
        out->teid = leaf->teid;
        out->outer_ip = leaf->outer_ip;
        out->tap = leaf->tap;
        out->context = leaf->context;
}

struct address packet_outer_address(const struct packet *packet, bool destination)
{
        return packet->outer_ip != NULL ? address_of_ip(packet->outer_ip, destination) : (struct address){0};
}

/* The way a packet came: the link bytes in front of the first IP header, where and how deep it was seen, its TTL. */
static APART int32_t packet_path(const struct frame *frame, const uint8_t *link_end,
                                 const struct packet *packet)
{
        uint64_t place = (uint64_t)frame->file << 32 | (uint64_t)frame->interface << 16 | (uint64_t)packet->ttl << 8 |
                         packet->depth;
        uint64_t shape = (uint64_t)packet->teid << 32 | frame->wire; /* another encapsulation has another length */
        uint32_t link = (uint32_t)(link_end - frame->bytes);
        uint32_t compared = link < LINK_BYTES_COMPARED ? link : LINK_BYTES_COMPARED;
        uint64_t path = fold(place ^ 0x8ebc6af09c88c6e3ULL, shape ^ 0x589965cc75374cc3ULL) ^
                        fold_bytes(frame->bytes, compared, 0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL);
        if (packet->depth > 0) {
                struct address outer = packet_outer_address(packet, false);
                path ^= fold(load64(outer.bytes) ^ 0x1d8e4e27c47d124fULL, load64(outer.bytes + 8) ^ 0xeb44accab455d165ULL);
        }
        return (int32_t)((path ^ path >> 32) & INT32_MAX);
}

/* Bytes from the transport header on that tell packets apart. With an identification and a checksum over the payload the
 * header and what follows are enough; where offloading left the checksum unfinished, identifications differ. */
static inline uint32_t probe_length(const struct leaf *leaf, const struct packet *packet, const uint8_t *transport)
{
        uint32_t front = (uint32_t)(packet->payload - transport);
        bool has_checksum = leaf->transport == TRANSPORT_TCP ||
                            (leaf->transport == TRANSPORT_UDP && be16_at(transport + 6) != 0);
        uint32_t most = leaf->identification != 0 && has_checksum ? PROBE_CHECKED_BYTES : front + PROBE_PAYLOAD_BYTES;
        uint32_t there = front + packet->payload_captured;
        return there < most ? there : most;
}

/* In front of the transport header. */
static inline struct duplicate_probe probe_of(const struct leaf *leaf)
{
        struct duplicate_probe probe = {.bytes = leaf->bytes.at, .path = NO_PATH};
        probe.addresses = ip_addresses(leaf->ip, leaf->version, &probe.address_length);
        probe.header = (uint64_t)leaf->identification << 48 | (uint64_t)leaf->context << 32 |
                       (uint64_t)leaf->protocol << 24 | leaf->ip_length;
        return probe;
}

static inline bool packet_is_duplicate(struct duplicate_table *duplicates, const struct frame *frame,
                                       const struct leaf *leaf, const struct packet *packet, struct duplicate_probe *probe)
{
        bool identified = leaf->identification != 0;
        if (!identified && leaf->transport == TRANSPORT_TCP && packet->payload_length == 0)
                return false;
        probe->length = probe_length(leaf, packet, probe->bytes);
        if (!identified)
                probe->path = packet_path(frame, leaf->link_end, packet);
        return duplicate_table_seen(duplicates, probe, frame->time_ns);
}

/* Twice in the code: of a plain frame much of it is known. */
static inline __attribute__((always_inline)) enum encap_result finish_packet(struct encap *encap, const struct frame *frame,
                                                                             struct leaf *leaf, struct packet *out)
{
        struct duplicate_table *duplicates = encap->duplicates;
        struct duplicate_probe probe = probe_of(leaf);
        if (duplicates != NULL)
                duplicate_table_find(duplicates, &probe, cursor_left(&leaf->bytes));
        fill_packet(leaf, out);
        enum encap_result result = read_transport(leaf, out);
        if (result != ENCAP_PACKET)
                return result;
        if (duplicates != NULL && packet_is_duplicate(duplicates, frame, leaf, out, &probe))
                return ENCAP_DUPLICATE;
        if (leaf->missing > 0 || leaf->oversized) {
                encap->counters.cut += out->cut;
                encap->counters.oversized += out->oversized;
        }
        encap->counters.by_tunnel[leaf->tunnel]++;
        return ENCAP_PACKET;
}

static void leaf_find(struct encap *encap, const struct walk *walk, struct leaf *leaf)
{
        leaf_of_walk(leaf, walk);
        if (encap->taps != NULL) {
                leaf->tap = tap_matcher_find(encap->taps, walk);
                leaf->context = tap_matcher_context_of(encap->taps, leaf->tap);
        }
}

static enum encap_result result_of(enum step step)
{
        switch (step) {
        case STEP_FRAGMENT:
                return ENCAP_FRAGMENT;
        case STEP_DUPLICATE:
                return ENCAP_DUPLICATE;
        case STEP_NOT_IP:
                return ENCAP_NOT_IP;
        case STEP_UNKNOWN_LINK:
                return ENCAP_UNKNOWN_LINK;
        case STEP_CUT:
                return ENCAP_CUT;
        case STEP_TOO_DEEP:
                return ENCAP_TOO_DEEP;
        default:
                return ENCAP_MALFORMED;
        }
}

static bool leaf_of_tagged_frame(const struct encap *encap, const struct frame *frame, struct leaf *leaf)
{
        uint32_t link_length = encap->taps == NULL ? link_tagged_ipv4(frame) : 0;
        return link_length > 0 && leaf_of_plain_frame(leaf, frame, link_length);
}

static enum step walk_frame(struct encap *encap, const struct frame *frame, int64_t clock_ns, struct leaf *leaf)
{
        struct walk walk; /* its levels are not touched before they are entered */
        walk.bytes = cursor_of(frame->bytes, frame->captured);
        walk.missing = frame->wire > frame->captured ? frame->wire - frame->captured : 0;
        walk_start(&walk, 0);
        walk.leaf_only = walk.reassembled = walk.ip_reassembled = false;
        walk.depth_limit = (uint8_t)encap->settings.depth_limit;
        walk.frame = frame;
        walk.clock_ns = clock_ns;
        walk.reassembly = encap->reassembly;
        walk.taps = encap->taps;
        enum step step = walk_down(&walk, link_enter(&walk));
        if (step == STEP_LEAF)
                leaf_find(encap, &walk, leaf);
        return step;
}

static APART enum encap_result peel_other(struct encap *encap, const struct frame *frame,
                                          int64_t clock_ns, struct packet *out)
{
        struct leaf leaf;
        if (!leaf_of_tagged_frame(encap, frame, &leaf)) {
                enum step step = walk_frame(encap, frame, clock_ns, &leaf);
                if (step != STEP_LEAF)
                        return result_of(step);
        }
        return finish_packet(encap, frame, &leaf, out);
}

enum encap_result encap_peel(struct encap *encap, const struct frame *frame, int64_t clock_ns, struct packet *out)
{
        struct leaf leaf;
        bool is_plain = encap->taps == NULL && frame_is_untagged_ipv4(frame) &&
                        leaf_of_plain_frame(&leaf, frame, ETHERNET_HEADER);
        enum encap_result result = is_plain ? finish_packet(encap, frame, &leaf, out) :
                                              peel_other(encap, frame, clock_ns, out);
        encap->counters.results[result]++;
        return result;
}

bool encap_take_incomplete(struct encap *encap, struct frame *frame, struct packet *out)
{
        struct walk walk;
        struct leaf leaf;
        while (reassembly_take_incomplete(encap->reassembly, &walk, frame)) {
                walk.leaf_only = false;
                walk.depth_limit = (uint8_t)encap->settings.depth_limit;
                walk.clock_ns = frame->time_ns;
                walk.taps = encap->taps;
                if (walk_down(&walk, STEP_IP) != STEP_LEAF)
                        continue;
                leaf_find(encap, &walk, &leaf);
                fill_packet(&leaf, out);
                if (read_transport(&leaf, out) == ENCAP_PACKET) {
                        encap->counters.by_tunnel[out->tunnel]++;
                        encap->counters.incomplete_taken++;
                        return true;
                }
        }
        return false;
}

void encap_expire(struct encap *encap, int64_t clock_ns)
{
        fragment_table_expire(encap->reassembly->table, clock_ns);
}

const struct encap_counters *encap_counters(struct encap *encap)
{
        struct encap_counters *counters = &encap->counters;
        counters->fragments = encap->reassembly->fragments;
        counters->reassembled = encap->reassembly->reassembled;
        counters->fragments_expired = fragment_table_expired(encap->reassembly->table);
        counters->fragments_evicted = fragment_table_evicted(encap->reassembly->table);
        counters->incomplete_dropped = fragment_table_incomplete_dropped(encap->reassembly->table);
        counters->duplicates = counters->results[ENCAP_DUPLICATE];
        return counters;
}

const char *encap_result_name(enum encap_result result)
{
        static const char *const names[ENCAP_RESULTS] = {
                [ENCAP_PACKET] = "packet", [ENCAP_FRAGMENT] = "fragment", [ENCAP_DUPLICATE] = "duplicate",
                [ENCAP_NOT_IP] = "not_ip", [ENCAP_UNKNOWN_LINK] = "unknown_link", [ENCAP_CUT] = "cut",
                [ENCAP_MALFORMED] = "malformed", [ENCAP_TOO_DEEP] = "too_deep",
        };
        return (unsigned)result < ENCAP_RESULTS ? names[result] : "unknown";
}
