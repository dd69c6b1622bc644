/* Several frames through one encap, so that fragments meet: a record is link type (index), flags (1: cut, 2: a second
 * later, 4: another interface, 8: take what remained incomplete), length (2 bytes), bytes. What comes out must lie
 * within what went in, and be the same where every frame goes the long way, as with a tap that none belongs to. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/link_type.h"
#include "dissectors/encap/encap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t links[] = {LINK_ETHERNET, LINK_RAW, LINK_NULL, LINK_PPP, LINK_PPP_HDLC, LINK_PPP_ETHER,
                                 LINK_LOOP, LINK_LINUX_SLL, LINK_PPP_WITH_DIR, LINK_IPV4, LINK_IPV6, LINK_LINUX_SLL2,
                                 LINK_RAW_OLD, 147};

static volatile uint8_t sink; /* so that every byte is read */

static void check(const struct packet *packet)
{
        if (packet->ip_captured > packet->ip_length || packet->payload_captured > packet->payload_length ||
            packet->payload < packet->ip || packet->payload + packet->payload_captured > packet->ip + packet->ip_captured ||
            packet->cut != (packet->payload_captured < packet->payload_length) || packet->tunnel >= TUNNEL_KINDS ||
            packet->depth > 8 || (packet->depth == 0) != (packet->tunnel == TUNNEL_NONE))
                abort();
        for (uint32_t i = 0; i < packet->ip_captured; i++)
                sink ^= packet->ip[i];
}

static void take_incomplete(struct encap *encap)
{
        struct frame frame;
        struct packet packet;
        while (encap != NULL && encap_take_incomplete(encap, &frame, &packet)) {
                check(&packet);
                if (frame.captured >= frame.wire || !packet.reassembled || packet.ip < frame.bytes ||
                    packet.ip + packet.ip_captured > frame.bytes + frame.captured)
                        abort();
        }
}

static bool is_same_outside(const struct packet *a, const struct packet *b)
{
        struct address ends[4] = {packet_outer_address(a, false), packet_outer_address(b, false),
                                  packet_outer_address(a, true), packet_outer_address(b, true)};
        return (a->outer_ip == NULL) == (b->outer_ip == NULL) && address_equal(&ends[0], &ends[1]) &&
               address_equal(&ends[2], &ends[3]);
}

static void check_same(const struct packet *a, const struct packet *b)
{
        bool same = address_equal(&a->source, &b->source) && address_equal(&a->destination, &b->destination) &&
                    a->payload - a->ip == b->payload - b->ip && is_same_outside(a, b) &&
                    a->ip_captured == b->ip_captured && a->ip_length == b->ip_length &&
                    a->payload_captured == b->payload_captured && a->payload_length == b->payload_length &&
                    a->sequence == b->sequence && a->acknowledgement == b->acknowledgement && a->teid == b->teid &&
                    a->source_port == b->source_port && a->destination_port == b->destination_port &&
                    a->icmp_type == b->icmp_type && a->icmp_code == b->icmp_code && a->reassembled == b->reassembled &&
                    a->cut == b->cut && a->protocol == b->protocol && a->ttl == b->ttl && a->tcp_flags == b->tcp_flags &&
                    a->oversized == b->oversized && a->has_teid == b->has_teid && a->depth == b->depth &&
                    a->tunnel == b->tunnel;
        if (!same || memcmp(a->ip, b->ip, a->ip_captured) != 0)
                abort();
}

static void peel_both_ways(struct encap *encaps[2], const struct frame *frame)
{
        struct packet packets[2];
        enum encap_result results[2];
        for (unsigned i = 0; i < 2; i++)
                results[i] = encap_peel(encaps[i], frame, frame->time_ns, &packets[i]);
        if (results[0] != results[1])
                abort();
        if (results[0] == ENCAP_PACKET)
                check_same(&packets[0], &packets[1]);
}

/* With an eye on duplicates they must agree too on what a packet is told by, and on the way that it came. */
static void create_both_ways(struct encap *encaps[2], bool duplicates)
{
        static struct tap nowhere = {.name = "nowhere", .interface = "none", .vlan = -1, .vni = -1, .gre_key = -1};
        struct encap_settings settings = {.reassembly_limit = 100000, .duplicate_window_ns = duplicates ? 3000000 : 0};
        encaps[0] = encap_create(&settings);
        settings.taps = (struct tap_list){&nowhere, 1};
        encaps[1] = encap_create(&settings);
}

static struct encap *fuzz_encap(bool duplicates)
{
        static struct tap taps[2] = {{.name = "a", .vlan = 1, .vni = -1, .gre_key = -1, .context = 1},
                                     {.name = "b", .vlan = -1, .vni = -1, .gre_key = -1, .has_prefix = true, .context = 2}};
        (void)prefix_parse("10.0.0.0/8", &taps[1].prefix);
        struct encap_settings settings = {.taps = {taps, 2}, .reassembly_limit = 100000,
                                          .duplicate_window_ns = duplicates ? 3000000 : 0};
        return encap_create(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct encap *encap = fuzz_encap(size % 8 == 0); /* not every time: what is sent twice would hide */
        struct encap *both[2];
        create_both_ways(both, size % 4 == 0);
        struct cursor input = cursor_of(data, size);
        struct frame frame = {.time_ns = 1000000000};
        while (encap != NULL && both[0] != NULL && both[1] != NULL && cursor_left(&input) >= 4) {
                frame.link_type = links[cursor_u8(&input) % (sizeof links / sizeof *links)];
                uint8_t flags = cursor_u8(&input);
                size_t length = cursor_be16(&input);
                if (length > cursor_left(&input))
                        length = cursor_left(&input);
                uint8_t *copy = malloc(length ? length : 1);
                if (copy == NULL)
                        break;
                struct cursor bytes = cursor_take(&input, length);
                memcpy(copy, bytes.at, length);
                frame.bytes = copy;
                frame.captured = (uint32_t)length;
                frame.wire = (uint32_t)length + (flags & 1 ? 500 : 0);
                frame.time_ns += flags & 2 ? 1000000000 : 1000;
                frame.interface = flags >> 2 & 1;
                frame.number = ++frame.order;
                struct packet packet;
                if (encap_peel(encap, &frame, frame.time_ns, &packet) == ENCAP_PACKET)
                        check(&packet);
                peel_both_ways(both, &frame);
                free(copy);
                if (flags & 8)
                        take_incomplete(encap);
        }
        if (encap != NULL)
                encap_expire(encap, INT64_MAX);
        take_incomplete(encap);
        encap_destroy(encap);
        encap_destroy(both[0]);
        encap_destroy(both[1]);
        return 0;
}
