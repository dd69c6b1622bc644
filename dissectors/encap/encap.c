#include "dissectors/encap/encap.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/link_type.h"
#include "dissectors/encap/fold.h"
#include "dissectors/encap/reassembly.h"
#include "dissectors/encap/tap_matcher.h"

enum {
        DEPTH_DEFAULT = 8,
        REASSEMBLY_BYTES_DEFAULT = 8 << 20,
        OVERSIZED = 9000,        /* IP bytes that no interface sends: the largest usual MTU */
        PROBE_PAYLOAD_BYTES = 64,
        PROBE_CHECKED_BYTES = 32, /* a TCP header and 12 more, a UDP header and 24 */
        LINK_BYTES_COMPARED = 32,
};

static const int64_t REASSEMBLY_TIMEOUT_DEFAULT_NS = 30000000000;

struct encap {
        struct encap_settings settings;
        struct tap_matcher *taps;
        struct duplicate_table *duplicates;
        struct reassembly *reassembly;
        struct encap_counters counters;
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
static inline enum encap_result read_tcp(struct walk *walk, struct packet *out)
{
        uint32_t left = (uint32_t)cursor_left(&walk->bytes) + walk->missing;
        const uint8_t *header = cursor_bytes(&walk->bytes, 20);
        if (header == NULL)
                return walk->missing > 0 ? ENCAP_CUT : ENCAP_MALFORMED;
        uint32_t header_length = (header[12] >> 4) * 4U;
        if (header_length < 20 || (header_length > left && !walk->here->partial))
                return ENCAP_MALFORMED;
        out->source_port = be16_at(header);
        out->destination_port = be16_at(header + 2);
        out->sequence = be32_at(header + 4);
        out->acknowledgement = be32_at(header + 8);
        out->tcp_flags = header[13];
        uint32_t options = header_length - 20, have = (uint32_t)cursor_left(&walk->bytes);
        cursor_skip(&walk->bytes, options < have ? options : have);
        out->payload_length = left > header_length ? left - header_length : 0;
        return ENCAP_PACKET;
}

static inline enum encap_result read_udp(struct walk *walk, struct packet *out)
{
        const uint8_t *header = cursor_bytes(&walk->bytes, 8);
        if (header == NULL)
                return walk->missing > 0 ? ENCAP_CUT : ENCAP_MALFORMED;
        out->source_port = be16_at(header);
        out->destination_port = be16_at(header + 2);
        uint32_t left = (uint32_t)cursor_left(&walk->bytes) + walk->missing;
        uint32_t length = be16_at(header + 4);
        if (length >= 8 && (length - 8 < left || walk->here->partial))
                walk_narrow(walk, length - 8);
        else if (length > 0 && length < 8)
                return ENCAP_MALFORMED;
        out->payload_length = (uint32_t)cursor_left(&walk->bytes) + walk->missing;
        return ENCAP_PACKET;
}

static enum encap_result read_other(struct walk *walk, struct packet *out)
{
        out->payload_length = (uint32_t)cursor_left(&walk->bytes) + walk->missing;
        if (walk->protocol == IPPROTO_ICMP || walk->protocol == IPPROTO_ICMPV6) {
                struct cursor at = walk->bytes;
                out->icmp_type = cursor_u8(&at);
                out->icmp_code = cursor_u8(&at);
                if (at.short_read)
                        return walk->missing > 0 ? ENCAP_CUT : ENCAP_MALFORMED;
        } else if (walk->protocol == IPPROTO_SCTP) {
                const uint8_t *header = cursor_bytes(&walk->bytes, 12);
                if (header == NULL)
                        return walk->missing > 0 ? ENCAP_CUT : ENCAP_MALFORMED;
                out->source_port = be16_at(header);
                out->destination_port = be16_at(header + 2);
                out->payload_length -= 12;
        }
        return ENCAP_PACKET;
}

static inline enum encap_result read_transport(struct walk *walk, struct packet *out)
{
        out->tcp_flags = out->icmp_type = out->icmp_code = 0;
        out->source_port = out->destination_port = 0;
        out->sequence = out->acknowledgement = 0;
        enum encap_result result;
        if (walk->protocol == IPPROTO_TCP)
                result = read_tcp(walk, out);
        else if (walk->protocol == IPPROTO_UDP)
                result = read_udp(walk, out);
        else
                result = read_other(walk, out);
        out->payload = walk->bytes.at;
        out->payload_captured = (uint32_t)cursor_left(&walk->bytes);
        out->cut = out->payload_captured < out->payload_length;
        return result;
}

static inline void fill_packet(const struct walk *walk, struct packet *out)
{
        const uint8_t *ip = walk->here->ip;
        if (ip[0] >> 4 == 4) {
                out->source = address_of_ipv4(ip + 12);
                out->destination = address_of_ipv4(ip + 16);
                out->ttl = ip[8];
        } else {
                out->source = address_of_ipv6(ip + 8);
                out->destination = address_of_ipv6(ip + 24);
                out->ttl = ip[7];
        }
        out->protocol = walk->protocol;
        out->ip = ip;
        out->ip_captured = walk->here->ip_captured;
        out->ip_length = walk->here->ip_length;
        out->reassembled = walk->reassembled;
        out->oversized = walk->here->oversized || (walk->here->ip_length > OVERSIZED && !walk->reassembled);
        out->depth = walk->depth;
        if (walk->depth == 0) {
                out->tunnel = TUNNEL_NONE;
                out->has_teid = false;
                out->teid = 0;
                out->outer_ip = NULL;
                return;
        }
        const struct level *level = &walk->here[-1];
        out->tunnel = (enum tunnel_kind)level->kind;
        out->outer_ip = level->ip;
        while (!level->has_teid && level > walk->levels)
                level--;
        out->has_teid = level->has_teid;
        out->teid = level->teid;
}

struct address packet_outer_address(const struct packet *packet, bool destination)
{
        return packet->outer_ip != NULL ? address_of_ip(packet->outer_ip, destination) : (struct address){0};
}

/* The way a packet came: the link bytes in front of the first IP header, where and how deep it was seen, its TTL. */
static uint32_t packet_path(const struct walk *walk, const struct packet *packet)
{
        const struct frame *frame = walk->frame;
        uint64_t place = (uint64_t)frame->file << 32 | (uint64_t)frame->interface << 16 | (uint64_t)packet->ttl << 8 |
                         packet->depth;
        uint64_t shape = (uint64_t)packet->teid << 32 | frame->wire; /* another encapsulation has another length */
        uint32_t link = (uint32_t)(walk->link_end - frame->bytes);
        uint32_t compared = link < LINK_BYTES_COMPARED ? link : LINK_BYTES_COMPARED;
        uint64_t path = fold(place ^ 0x8ebc6af09c88c6e3ULL, shape ^ 0x589965cc75374cc3ULL) ^
                        fold_bytes(frame->bytes, compared, 0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL);
        if (packet->depth > 0) {
                struct address outer = packet_outer_address(packet, false);
                path ^= fold(load64(outer.bytes) ^ 0x1d8e4e27c47d124fULL, load64(outer.bytes + 8) ^ 0xeb44accab455d165ULL);
        }
        return (uint32_t)(path ^ path >> 32);
}

/* Bytes from the transport header on that tell packets apart. With an identification and a checksum over the payload the
 * header and what follows are enough; where offloading left the checksum unfinished, identifications differ. */
static inline uint32_t probe_length(const struct packet *packet, const uint8_t *transport, bool identified)
{
        uint32_t front = (uint32_t)(packet->payload - transport);
        bool has_checksum = packet->protocol == IPPROTO_TCP ||
                            (packet->protocol == IPPROTO_UDP && be16_at(transport + 6) != 0);
        uint32_t most = identified && has_checksum ? PROBE_CHECKED_BYTES : front + PROBE_PAYLOAD_BYTES;
        uint32_t there = front + packet->payload_captured;
        return there < most ? there : most;
}

/* The cursor stands at the transport header. */
static inline void probe_begin(const struct encap *encap, const struct walk *walk, const struct packet *packet,
                               struct duplicate_probe *probe)
{
        probe->addresses = ip_addresses(packet->ip, &probe->address_length);
        probe->header = (uint64_t)walk->identification << 48 | (uint64_t)packet->context << 32 |
                        (uint64_t)packet->protocol << 24 | packet->ip_length;
        probe->bytes = walk->bytes.at;
        probe->identified = walk->identification != 0;
        duplicate_table_find(encap->duplicates, probe, cursor_left(&walk->bytes));
}

static inline bool packet_is_duplicate(struct encap *encap, const struct walk *walk, const struct packet *packet,
                                       struct duplicate_probe *probe)
{
        if (!probe->identified && packet->protocol == IPPROTO_TCP && packet->payload_length == 0)
                return false;
        probe->length = probe_length(packet, probe->bytes, probe->identified);
        probe->path = probe->identified ? 0 : packet_path(walk, packet);
        return duplicate_table_seen(encap->duplicates, probe, walk->frame->time_ns);
}

/* All but the transport header. */
static inline void place_packet(struct encap *encap, const struct walk *walk, struct packet *out)
{
        fill_packet(walk, out);
        out->tap = out->context = 0;
        if (encap->taps != NULL) {
                out->tap = tap_matcher_find(encap->taps, walk);
                out->context = tap_matcher_context_of(encap->taps, out->tap);
        }
}

static enum encap_result finish_packet(struct encap *encap, struct walk *walk, struct packet *out)
{
        struct duplicate_probe probe;
        place_packet(encap, walk, out);
        if (encap->duplicates != NULL)
                probe_begin(encap, walk, out, &probe);
        enum encap_result result = read_transport(walk, out);
        if (result != ENCAP_PACKET)
                return result;
        if (encap->duplicates != NULL && packet_is_duplicate(encap, walk, out, &probe))
                return ENCAP_DUPLICATE;
        encap->counters.cut += out->cut;
        encap->counters.oversized += out->oversized;
        encap->counters.by_tunnel[out->tunnel]++;
        return ENCAP_PACKET;
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

/* What nearly every frame begins with, without the detour. */
static inline enum step walk_begin(struct walk *walk, const struct frame *frame)
{
        if (frame->link_type == LINK_ETHERNET) {
                struct cursor at = walk->bytes;
                const uint8_t *header = cursor_bytes(&at, 14);
                if (header != NULL && header[12] == 0x08 && header[13] == 0x00) {
                        walk->bytes = at;
                        return ip_v4(walk);
                }
        }
        return link_enter(walk);
}

enum encap_result encap_peel(struct encap *encap, const struct frame *frame, int64_t clock_ns, struct packet *out)
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
        enum step step = walk_down(&walk, walk_begin(&walk, frame));
        enum encap_result result = step == STEP_LEAF ? finish_packet(encap, &walk, out) : result_of(step);
        encap->counters.results[result]++;
        return result;
}

bool encap_take_incomplete(struct encap *encap, struct frame *frame, struct packet *out)
{
        struct walk walk;
        while (reassembly_take_incomplete(encap->reassembly, &walk, frame)) {
                walk.leaf_only = false;
                walk.depth_limit = (uint8_t)encap->settings.depth_limit;
                walk.clock_ns = frame->time_ns;
                walk.taps = encap->taps;
                if (walk_down(&walk, STEP_IP) != STEP_LEAF)
                        continue;
                place_packet(encap, &walk, out);
                if (read_transport(&walk, out) == ENCAP_PACKET) {
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
