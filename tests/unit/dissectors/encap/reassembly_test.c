#include "dissectors/encap/fragment_table.h"
#include "tests/unit/dissectors/encap/fragments.h"

enum { SECOND = 1000000000, PAYLOAD = 3000 };

static const int64_t start_ns = 1700000000000000000;

typedef void (*fragment_maker)(struct bytes *, uint16_t, const struct bytes *, unsigned, unsigned, bool);

static enum encap_result peel_at(struct encap *encap, const struct bytes *bytes, int64_t time_ns, struct packet *out)
{
        struct frame frame = frame_of(bytes, LINK_RAW);
        frame.time_ns = time_ns;
        return peel_frame(encap, frame, out);
}

static struct bytes whole, piece;

static enum encap_result give(struct encap *encap, fragment_maker make, uint16_t identification, unsigned offset, unsigned length,
                              bool more, struct packet *out)
{
        make(&piece, identification, &whole, offset, length, more);
        return peel_at(encap, &piece, start_ns, out);
}

static void assert_is_whole(const struct packet *packet)
{
        assert_true(packet->reassembled);
        assert_false(packet->cut);
        assert_false(packet->oversized);
        assert_int_equal(packet->protocol, 17);
        assert_int_equal(packet->source_port, 5683);
        assert_int_equal(packet->payload_length, whole.length - 8);
        assert_int_equal(packet->payload_captured, whole.length - 8);
        assert_memory_equal(packet->payload, whole.at + 8, whole.length - 8);
}

static void fragments_in_any_order_are_the_datagram(void **state)
{
        (void)state;
        static const unsigned offsets[5] = {0, 800, 1600, 2400, PAYLOAD + 8};
        static const fragment_maker makers[] = {fragment_v4, fragment_v6};
        struct encap *encap = encap_of_defaults();
        datagram_of(&whole, PAYLOAD);
        uint16_t identification = 0;
        for (unsigned version = 0; version < 2; version++) {
                for (unsigned order = 0; order < 256; order++) {
                        unsigned seen = 0;
                        for (unsigned i = 0; i < 4; i++)
                                seen |= 1U << (order >> 2 * i & 3);
                        if (seen != 15)
                                continue; /* no permutation */
                        struct packet packet;
                        identification++;
                        for (unsigned i = 0; i < 4; i++) {
                                unsigned n = order >> 2 * i & 3;
                                enum encap_result result = give(encap, makers[version], identification, offsets[n],
                                                                offsets[n + 1] - offsets[n], n < 3, &packet);
                                assert_int_equal(result, i < 3 ? ENCAP_FRAGMENT : ENCAP_PACKET);
                        }
                        assert_is_whole(&packet);
                        assert_address(&packet.source, version == 0 ? "10.45.0.7" : "2001:db8:20:7::1");
                        assert_int_equal(packet.ip_length, whole.length + (version == 0 ? 20 : 48));
                }
        }
        const struct encap_counters *counters = encap_counters(encap);
        assert_int_equal(counters->fragments, 2 * 24 * 4);
        assert_int_equal(counters->reassembled, 2 * 24);
        assert_int_equal(counters->fragments_expired + counters->fragments_evicted, 0);
        encap_destroy(encap);
}

/* GTP-U of 1500 bytes and more: the outer packet is fragmented. */
static void outer_fragments_hold_the_inner_packet(void **state)
{
        (void)state;
        static struct bytes gtp;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        datagram_of(&whole, 1472);
        fragment_v4(&piece, 5, &whole, 0, 1480, false); /* the inner packet, 1500 bytes */
        bytes_of_hex(&gtp, "0868 0868 05ec 0000 30ff 05dc 00004001");
        bytes_add(&gtp, piece.at, piece.length);
        struct bytes inner = whole;
        whole = gtp;
        assert_int_equal(give(encap, fragment_v4, 77, 1480, gtp.length - 1480, false, &packet), ENCAP_FRAGMENT);
        assert_int_equal(give(encap, fragment_v4, 77, 0, 1480, true, &packet), ENCAP_PACKET);
        whole = inner;
        assert_is_whole(&packet);
        assert_int_equal(packet.depth, 1);
        assert_int_equal(packet.teid, 0x4001);
        assert_outer(&packet, true, "203.0.113.9");
        encap_destroy(encap);
}

/* Two inner fragments, each in a GTP-U packet that is fragmented itself; the last of all brings the datagram. */
static void inner_and_outer_fragments_are_both_reassembled(void **state)
{
        (void)state;
        static struct bytes gtp;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        datagram_of(&whole, 2000);
        struct bytes inner = whole;
        for (unsigned half = 0; half < 2; half++) {
                fragment_v6(&piece, 9, &inner, half ? 1400 : 0, half ? 608 : 1400, half == 0);
                bytes_of_hex(&gtp, "0868 0868 0000 0000 30ff 0000 00004002");
                gtp.at[4] = (uint8_t)((piece.length + 16) >> 8);
                gtp.at[5] = (uint8_t)(piece.length + 16);
                gtp.at[10] = (uint8_t)(piece.length >> 8);
                gtp.at[11] = (uint8_t)piece.length;
                bytes_add(&gtp, piece.at, piece.length);
                whole = gtp;
                uint16_t identification = (uint16_t)(100 + half);
                assert_int_equal(give(encap, fragment_v4, identification, 0, 400, true, &packet), ENCAP_FRAGMENT);
                assert_int_equal(give(encap, fragment_v4, identification, 400, gtp.length - 400, false, &packet),
                                 half ? ENCAP_PACKET : ENCAP_FRAGMENT);
        }
        whole = inner;
        assert_is_whole(&packet);
        assert_int_equal(packet.teid, 0x4002);
        assert_outer(&packet, false, "10.45.0.7");
        assert_int_equal(encap_counters(encap)->fragments, 6);
        assert_int_equal(encap_counters(encap)->reassembled, 3);
        encap_destroy(encap);
}

static void of_overlapping_bytes_the_first_stay(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        datagram_of(&whole, 792);
        struct bytes good = whole;
        memset(whole.at + 8, 0xee, 792); /* the forged one: same header, other bytes */
        struct bytes forged = whole;
        whole = good;
        assert_int_equal(give(encap, fragment_v4, 1, 160, 160, true, &packet), ENCAP_FRAGMENT);
        assert_int_equal(give(encap, fragment_v4, 1, 480, 160, true, &packet), ENCAP_FRAGMENT);
        assert_int_equal(give(encap, fragment_v4, 1, 480, 160, true, &packet), ENCAP_FRAGMENT); /* again: no harm */
        whole = forged;
        assert_int_equal(give(encap, fragment_v4, 1, 80, 640, true, &packet), ENCAP_FRAGMENT);  /* around both */
        assert_int_equal(give(encap, fragment_v4, 1, 168, 8, true, &packet), ENCAP_FRAGMENT);   /* within one: teardrop */
        whole = good;
        assert_int_equal(give(encap, fragment_v4, 1, 0, 400, true, &packet), ENCAP_FRAGMENT);
        assert_int_equal(give(encap, fragment_v4, 1, 720, 80, false, &packet), ENCAP_PACKET);
        for (unsigned at = 8; at < 800; at++) {
                bool from_forged = (at >= 80 && at < 160) || (at >= 320 && at < 480) || (at >= 640 && at < 720);
                assert_int_equal(packet.payload[at - 8], from_forged ? forged.at[at] : good.at[at]);
        }
        encap_destroy(encap);
}

static void fragments_that_cannot_be_are_malformed(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        datagram_of(&whole, 60000);
        assert_int_equal(give(encap, fragment_v4, 1, 0, 12, true, &packet), ENCAP_MALFORMED);      /* not a multiple of 8 */
        assert_int_equal(give(encap, fragment_v4, 1, 0, 0, true, &packet), ENCAP_MALFORMED);       /* empty */
        memset(whole.at + 60008, 0, sizeof whole.at - 60008);
        assert_int_equal(give(encap, fragment_v4, 1, 65512, 8, false, &packet), ENCAP_MALFORMED);  /* ping of death: 65540 */
        assert_int_equal(give(encap, fragment_v6, 1, 65528, 16, false, &packet), ENCAP_MALFORMED);
        assert_int_equal(give(encap, fragment_v4, 2, 800, 80, false, &packet), ENCAP_FRAGMENT);    /* ends at 880 */
        assert_int_equal(give(encap, fragment_v4, 2, 880, 80, true, &packet), ENCAP_MALFORMED);    /* behind the end */
        assert_int_equal(give(encap, fragment_v4, 2, 400, 80, false, &packet), ENCAP_MALFORMED);   /* another end */
        assert_int_equal(give(encap, fragment_v4, 3, 800, 80, true, &packet), ENCAP_FRAGMENT);
        assert_int_equal(give(encap, fragment_v4, 3, 400, 80, false, &packet), ENCAP_MALFORMED);   /* an end before bytes */
        for (unsigned i = 0; i < FRAGMENT_PIECES_MAX; i++)                                          /* tiny, with holes */
                assert_int_equal(give(encap, fragment_v4, 4, i * 16, 8, true, &packet), ENCAP_FRAGMENT);
        assert_int_equal(give(encap, fragment_v4, 4, 40000, 8, true, &packet), ENCAP_MALFORMED);
        assert_int_equal(encap_counters(encap)->fragments_evicted, FRAGMENT_PIECES_MAX + 1);
        assert_int_equal(encap_counters(encap)->reassembled, 0);
        encap_destroy(encap);
}

static void the_largest_datagram_is_reassembled(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        datagram_of(&whole, 65535 - 20 - 8);
        for (unsigned offset = 0; offset < whole.length; offset += 1480) {
                bool more = offset + 1480 < whole.length;
                enum encap_result result =
                        give(encap, fragment_v4, 1, offset, more ? 1480 : (unsigned)whole.length - offset, more, &packet);
                assert_int_equal(result, more ? ENCAP_FRAGMENT : ENCAP_PACKET);
        }
        assert_is_whole(&packet);
        assert_int_equal(packet.ip_length, 65535);
        encap_destroy(encap);
}

/* After the whole came out of an IPv6 fragment header, another one in it would be a datagram in fragments of fragments. */
static void fragments_of_fragments_are_malformed(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        bytes_of_hex(&whole, "2c 00 010400000000 11 00 0008 00000001 0102030405060708");
        fragment_v6(&piece, 1, &whole, 0, 16, true);
        piece.at[48] = 0x3c;
        assert_int_equal(peel_at(encap, &piece, start_ns, &packet), ENCAP_FRAGMENT);
        fragment_v6(&piece, 1, &whole, 16, 8, false);
        assert_int_equal(peel_at(encap, &piece, start_ns, &packet), ENCAP_MALFORMED);
        assert_int_equal(encap_counters(encap)->reassembled, 1);
        encap_destroy(encap);
}

static void what_waits_too_long_is_forgotten(void **state)
{
        (void)state;
        struct encap_settings settings = {.reassembly_timeout_ns = 10LL * SECOND};
        struct encap *encap = encap_create(&settings);
        struct packet packet;
        datagram_of(&whole, PAYLOAD);
        fragment_v4(&piece, 1, &whole, 0, 1480, true);
        assert_int_equal(peel_at(encap, &piece, start_ns, &packet), ENCAP_FRAGMENT);
        fragment_v4(&piece, 2, &whole, 0, 1480, true);
        assert_int_equal(peel_at(encap, &piece, start_ns + 5LL * SECOND, &packet), ENCAP_FRAGMENT);
        fragment_v4(&piece, 2, &whole, 1480, PAYLOAD + 8 - 1480, false);
        assert_int_equal(peel_at(encap, &piece, start_ns + 14LL * SECOND, &packet), ENCAP_PACKET);
        assert_is_whole(&packet);
        assert_int_equal(encap_counters(encap)->fragments_expired, 1);
        fragment_v4(&piece, 1, &whole, 1480, PAYLOAD + 8 - 1480, false);
        assert_int_equal(peel_at(encap, &piece, start_ns + 14LL * SECOND, &packet), ENCAP_FRAGMENT);
        encap_expire(encap, start_ns + 15LL * SECOND);
        assert_int_equal(encap_counters(encap)->fragments_expired, 1);
        encap_expire(encap, INT64_MAX);
        assert_int_equal(encap_counters(encap)->fragments_expired, 2);
        encap_destroy(encap);
}

static void the_oldest_go_when_memory_is_full(void **state)
{
        (void)state;
        struct encap_settings settings = {.reassembly_limit = 20000};
        struct encap *encap = encap_create(&settings);
        struct packet packet;
        datagram_of(&whole, PAYLOAD);
        for (uint16_t identification = 1; identification <= 40; identification++)
                assert_int_equal(give(encap, fragment_v4, identification, 0, 1480, true, &packet), ENCAP_FRAGMENT);
        assert_in_range(encap_counters(encap)->fragments_evicted, 40 - 20000 / 1480, 39);
        assert_int_equal(give(encap, fragment_v4, 40, 1480, PAYLOAD + 8 - 1480, false, &packet), ENCAP_PACKET);
        assert_is_whole(&packet);
        assert_int_equal(give(encap, fragment_v4, 1, 1480, PAYLOAD + 8 - 1480, false, &packet), ENCAP_FRAGMENT);
        encap_destroy(encap);
}

static void the_first_of_cut_fragments_is_a_cut_packet(void **state)
{
        (void)state;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        datagram_of(&whole, PAYLOAD);
        fragment_v4(&piece, 1, &whole, 0, 1480, true);
        struct frame frame = frame_of(&piece, LINK_RAW);
        frame.captured = 64;
        assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_PACKET);
        assert_true(packet.cut);
        assert_false(packet.reassembled);
        assert_int_equal(packet.source_port, 5683);
        assert_int_equal(packet.payload_captured, 64 - 28);
        assert_int_equal(packet.payload_length, PAYLOAD);
        fragment_v4(&piece, 1, &whole, 1480, 1480, true);
        frame = frame_of(&piece, LINK_RAW);
        frame.captured = 64;
        assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_CUT);
        assert_int_equal(encap_counters(encap)->fragments, 0);
        encap_destroy(encap);
}

/* The inner packet is longer than the fragment that holds its beginning. */
static void cut_outer_fragments_still_show_the_inner_packet(void **state)
{
        (void)state;
        static struct bytes gtp;
        struct encap *encap = encap_of_defaults();
        struct packet packet;
        datagram_of(&whole, 1472);
        fragment_v4(&piece, 5, &whole, 0, 1480, false);
        bytes_of_hex(&gtp, "0868 0868 05ec 0000 30ff 05dc 00004001");
        bytes_add(&gtp, piece.at, piece.length);
        fragment_v4(&piece, 6, &gtp, 0, 1448, true);
        struct frame frame = frame_of(&piece, LINK_RAW);
        frame.captured = 96;
        assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_PACKET);
        assert_int_equal(packet.teid, 0x4001);
        assert_int_equal(packet.source_port, 5683);
        assert_int_equal(packet.payload_length, 1472);
        assert_int_equal(packet.payload_captured, 96 - 20 - 8 - 8 - 20 - 8);
        assert_int_equal(packet.ip_length, 1500);
        encap_destroy(encap);
}

static void fragments_of_two_contexts_do_not_mix(void **state)
{
        (void)state;
        struct tap taps[] = {{.name = "a", .vlan = 1, .vni = -1, .gre_key = -1, .context = 1},
                             {.name = "b", .vlan = 2, .vni = -1, .gre_key = -1, .context = 2}};
        struct encap_settings settings = {.taps = {taps, 2}};
        struct encap *encap = encap_create(&settings);
        static struct bytes frame;
        struct packet packet;
        datagram_of(&whole, PAYLOAD);
        for (unsigned half = 0; half < 2; half++)
                for (unsigned vlan = 1; vlan <= 2; vlan++) {
                        bytes_of_hex(&frame, "020000000002 020000000001 8100 0000 0800");
                        frame.at[15] = (uint8_t)vlan;
                        whole.at[100] = (uint8_t)vlan; /* its own bytes */
                        fragment_v4(&piece, 1, &whole, half ? 1480 : 0, half ? PAYLOAD + 8 - 1480 : 1480, half == 0);
                        bytes_add(&frame, piece.at, piece.length);
                        assert_int_equal(peel_frame(encap, frame_of(&frame, LINK_ETHERNET), &packet),
                                         half ? ENCAP_PACKET : ENCAP_FRAGMENT);
                        if (half) {
                                assert_is_whole(&packet);
                                assert_int_equal(packet.context, vlan);
                        }
                }
        encap_destroy(encap);
}

/* Whatever comes, the table stays within its limit, and what it gives back is within the datagram. */
static void any_fragments_stay_within_the_limit(void **state)
{
        (void)state;
        enum { LIMIT = 20000 };
        struct fragment_table *table = fragment_table_create(LIMIT, SECOND);
        static uint8_t datagram[FRAGMENT_DATAGRAM_MAX], bytes[9000], header[20];
        uint64_t random = 88172645463325252ULL;
        unsigned complete = 0;
        for (unsigned i = 0; i < 50000; i++) {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                struct fragment fragment = {
                        .key = {.identification = random & 31, .version = 4},
                        .header = header, .header_length = sizeof header, .bytes = bytes,
                        .offset = (uint32_t)(random >> 8 & 0x0f) * 8, .length = 8 + (uint32_t)(random >> 20 & 0x1f) * 8,
                        .last = (random >> 40 & 7) == 0,
                };
                if ((random >> 50 & 63) == 0) {
                        fragment.offset = (uint32_t)(random >> 8 & 0x1fff) * 8;
                        fragment.length = (uint32_t)(random >> 24) % sizeof bytes;
                }
                uint32_t length = 0;
                if (fragment_table_add(table, &fragment, (int64_t)i * 1000000, datagram, &length) == FRAGMENT_COMPLETE) {
                        assert_in_range(length, sizeof header + 8, sizeof header + 65535);
                        complete++;
                }
                assert_in_range(fragment_table_bytes(table), 0, LIMIT);
        }
        assert_true(complete > 100);
        assert_true(fragment_table_evicted(table) > 0);
        fragment_table_expire(table, INT64_MAX);
        assert_int_equal(fragment_table_bytes(table), 0);
        fragment_table_destroy(table);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fragments_in_any_order_are_the_datagram),
                cmocka_unit_test(outer_fragments_hold_the_inner_packet),
                cmocka_unit_test(inner_and_outer_fragments_are_both_reassembled),
                cmocka_unit_test(of_overlapping_bytes_the_first_stay),
                cmocka_unit_test(fragments_that_cannot_be_are_malformed),
                cmocka_unit_test(the_largest_datagram_is_reassembled),
                cmocka_unit_test(fragments_of_fragments_are_malformed),
                cmocka_unit_test(what_waits_too_long_is_forgotten),
                cmocka_unit_test(the_oldest_go_when_memory_is_full),
                cmocka_unit_test(the_first_of_cut_fragments_is_a_cut_packet),
                cmocka_unit_test(cut_outer_fragments_still_show_the_inner_packet),
                cmocka_unit_test(fragments_of_two_contexts_do_not_mix),
                cmocka_unit_test(any_fragments_stay_within_the_limit),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        free(frame_at_hand);
        return failed;
}
