#include "dissectors/encap/reassembly.h"

#include <string.h>

#include "base/link_type.h"
#include "dissectors/encap/tap_matcher.h"

enum { PROBE_BYTES = 72, IPV4_HEADER = 20, IPV6_HEADER = 40, IP_LENGTH_MAX = 65535 };

static bool fragment_is_duplicate(struct walk *walk, const struct fragment *fragment)
{
        struct duplicate_table *duplicates = walk->reassembly->duplicates;
        if (duplicates == NULL)
                return false;
        struct duplicate_probe probe = {
                .header = (uint64_t)fragment->key.identification << 32 | (uint64_t)fragment->key.context << 16 |
                          (fragment->offset + fragment->length + fragment->last),
                .bytes = fragment->bytes,
                .length = fragment->length < PROBE_BYTES ? fragment->length : PROBE_BYTES,
                .path = NO_PATH,
        };
        probe.addresses = ip_addresses(walk->here->ip, fragment->key.version, &probe.address_length);
        duplicate_table_find(duplicates, &probe, probe.length);
        return duplicate_table_seen(duplicates, &probe, walk->frame->time_ns);
}

static void origin_of(const struct walk *walk, struct fragment_origin *origin)
{
        *origin = (struct fragment_origin){.frame = *walk->frame, .depth = walk->depth, .vlan = walk->here->vlan,
                                           .vni = walk->here->vni, .gre_key = walk->here->gre_key};
        origin->frame.bytes = NULL;
        if (walk->depth == 0)
                return;
        const struct level *level = &walk->levels[walk->depth - 1];
        origin->kind = level->kind;
        memcpy(origin->outer_ip, level->ip, level->ip[0] >> 4 == 4 ? IPV4_HEADER : IPV6_HEADER);
        if (walk->taps != NULL)
                memcpy(origin->outermost, walk->outermost, sizeof origin->outermost);
        for (unsigned depth = walk->depth; depth-- > 0 && !origin->has_teid;) {
                origin->has_teid = walk->levels[depth].has_teid;
                origin->teid = walk->levels[depth].teid;
        }
}

/* What both versions share. STEP_LEAF: complete, and `*length` bytes stand in the buffer whose turn it is. */
static enum step reassembly_add(struct walk *walk, const struct fragment *found, uint32_t *length)
{
        struct reassembly *reassembly = walk->reassembly;
        struct fragment fragment = *found;
        fragment.bytes = walk->bytes.at;
        fragment.length = (uint32_t)cursor_left(&walk->bytes);
        fragment.key.context = tap_matcher_context(walk->taps, walk);
        fragment.key.source = address_of_ip(walk->here->ip, false);
        fragment.key.destination = address_of_ip(walk->here->ip, true);
        struct fragment_origin origin;
        if (fragment.offset == 0) {
                origin_of(walk, &origin);
                fragment.origin = &origin;
        }
        reassembly->fragments++;
        if (walk->ip_reassembled || (!fragment.last && fragment.length % 8 != 0))
                return STEP_MALFORMED;
        if (fragment_is_duplicate(walk, &fragment))
                return STEP_DUPLICATE;
        uint8_t *datagram = reassembly->datagrams[reassembly->turn];
        switch (fragment_table_add(reassembly->table, &fragment, walk->clock_ns, datagram, length)) {
        case FRAGMENT_HELD:
                return STEP_FRAGMENT;
        case FRAGMENT_COMPLETE:
                break;
        case FRAGMENT_REFUSED:
                return STEP_MALFORMED;
        }
        reassembly->turn ^= 1;
        reassembly->reassembled++;
        walk->bytes = cursor_of(datagram, *length);
        walk->missing = 0;
        walk->reassembled = walk->ip_reassembled = true;
        return STEP_LEAF;
}

static enum step reassembly_of_cut(struct walk *walk, uint32_t offset)
{
        if (offset > 0)
                return STEP_CUT;
        walk->here->partial = true;
        return STEP_LEAF;
}

enum step reassembly_v4(struct walk *walk, uint32_t header_length)
{
        const uint8_t *ip = walk->here->ip;
        uint16_t flags = be16_at(ip + 6);
        uint32_t offset = (flags & 0x1fffU) * 8;
        if (walk->missing > 0 || walk->reassembly == NULL)
                return reassembly_of_cut(walk, offset);
        struct fragment fragment = {
                .key = {.identification = walk->identification, .protocol = ip[9], .version = 4},
                .header = ip,
                .header_length = header_length,
                .offset = offset,
                .last = !(flags & 0x2000),
        };
        if (header_length + offset + cursor_left(&walk->bytes) > IP_LENGTH_MAX)
                return STEP_MALFORMED;
        uint32_t length;
        enum step step = reassembly_add(walk, &fragment, &length);
        if (step != STEP_LEAF)
                return step;
        if (length > IP_LENGTH_MAX)
                return STEP_MALFORMED;
        uint8_t *whole = walk->reassembly->datagrams[walk->reassembly->turn ^ 1];
        whole[2] = (uint8_t)(length >> 8);
        whole[3] = (uint8_t)length;
        whole[6] = whole[7] = 0;
        return STEP_IPV4;
}

/* The header of the whole is what stands in front of the fragment header, which is left out (RFC 8200, 4.5). */
enum step reassembly_v6(struct walk *walk, const uint8_t *ip, const uint8_t *fragment_header, const uint8_t *next_at)
{
        uint16_t flags = be16_at(fragment_header + 2);
        uint32_t offset = flags & 0xfff8U;
        if (walk->missing > 0 || walk->reassembly == NULL)
                return reassembly_of_cut(walk, offset);
        uint8_t front[FRAGMENT_HEADER_MAX];
        size_t front_length = (size_t)(fragment_header - ip);
        if (front_length > sizeof front)
                return STEP_MALFORMED;
        memcpy(front, ip, front_length);
        front[next_at - ip] = fragment_header[0];
        struct fragment fragment = {
                .key = {.identification = be32_at(fragment_header + 4), .version = 6},
                .header = front,
                .header_length = (uint32_t)front_length,
                .offset = offset,
                .last = !(flags & 1),
        };
        uint32_t length;
        enum step step = reassembly_add(walk, &fragment, &length);
        if (step != STEP_LEAF)
                return step;
        if (length - IPV6_HEADER > IP_LENGTH_MAX)
                return STEP_MALFORMED;
        uint8_t *whole = walk->reassembly->datagrams[walk->reassembly->turn ^ 1];
        whole[4] = (uint8_t)((length - IPV6_HEADER) >> 8);
        whole[5] = (uint8_t)(length - IPV6_HEADER);
        return STEP_IPV6;
}

/* The tunnels around it were peeled when it came: of them the innermost is told, with what the others said. */
static void walk_restore(struct walk *walk, const struct fragment_origin *origin)
{
        memset(walk->levels, 0, sizeof walk->levels);
        walk_start(walk, origin->depth);
        walk->here->vlan = origin->vlan;
        walk->here->vni = origin->vni;
        walk->here->gre_key = origin->gre_key;
        if (origin->depth == 0)
                return;
        struct level *level = &walk->levels[origin->depth - 1];
        level->ip = origin->outer_ip;
        level->kind = origin->kind;
        level->has_teid = origin->has_teid;
        level->teid = origin->teid;
        memcpy(walk->outermost, origin->outermost, sizeof walk->outermost);
}

bool reassembly_take_incomplete(struct reassembly *reassembly, struct walk *walk, struct frame *frame)
{
        struct fragment_incomplete *taken = &reassembly->taken;
        uint8_t *ip = reassembly->datagrams[reassembly->turn];
        uint32_t uncounted, length;
        do {
                if (!fragment_table_take_incomplete(reassembly->table, taken, ip))
                        return false;
                uncounted = taken->version == 4 ? 0 : IPV6_HEADER;
                length = taken->length - uncounted;
        } while (length > IP_LENGTH_MAX);
        ip[taken->version == 4 ? 2 : 4] = (uint8_t)(length >> 8);
        ip[taken->version == 4 ? 3 : 5] = (uint8_t)length;
        if (taken->version == 4)
                ip[6] = ip[7] = 0;
        *frame = taken->origin.frame;
        frame->link_type = LINK_RAW;
        frame->bytes = ip;
        frame->captured = taken->captured;
        frame->wire = taken->length;
        walk_restore(walk, &taken->origin);
        walk->frame = frame;
        walk->bytes = cursor_of(ip, taken->captured);
        walk->missing = taken->length - taken->captured;
        walk->here->partial = walk->reassembled = true;
        walk->ip_reassembled = false;
        walk->reassembly = NULL; /* fragments in it are taken as they are, too */
        return true;
}
