#include "dissectors/encap/fragment_table.h"
#include "tests/unit/dissectors/encap/fragments.h"

enum { SECOND = 1000000000, FIRST = 24, QUEUE = INCOMPLETE_MAX };

static const int64_t start_ns = 1700000000000000000;

/* A question for example.org, type A, from port 40000 to 53: 8 bytes of UDP and 29 of DNS. */
#define DNS "9c40 0035 0025 1234 4242 0100 0001 0000 0000 0000 07 6578616d706c65 03 6f7267 00 0001 0001 "

static struct bytes whole, piece;

static struct encap *encap_of(uint32_t limit)
{
        struct encap_settings settings = {.reassembly_limit = limit, .duplicate_window_ns = 3000000};
        struct encap *encap = encap_create(&settings);
        assert_non_null(encap);
        return encap;
}

static enum encap_result give(struct encap *encap, const struct bytes *bytes, unsigned after_s, struct packet *out)
{
        struct frame frame = frame_of(bytes, LINK_RAW);
        frame.time_ns = start_ns + (int64_t)after_s * SECOND;
        frame.file = 3;
        frame.number = 70 + after_s;
        frame.order = 700 + after_s;
        frame.interface = 5;
        return peel_frame(encap, frame, out);
}

static void assert_nothing_more(struct encap *encap)
{
        struct frame frame;
        struct packet packet;
        assert_false(encap_take_incomplete(encap, &frame, &packet));
}

/* The frame's facts are the first fragment's; the beginning of `whole` is there, `captured` bytes of it. */
static void assert_taken(struct encap *encap, unsigned after_s, unsigned captured, struct packet *packet)
{
        struct frame frame;
        memset(packet, 0xa5, sizeof *packet);
        assert_true(encap_take_incomplete(encap, &frame, packet));
        assert_int_equal(frame.link_type, LINK_RAW);
        assert_true(frame.time_ns == start_ns + (int64_t)after_s * SECOND);
        assert_int_equal(frame.file, 3);
        assert_int_equal(frame.number, 70 + after_s);
        assert_int_equal(frame.order, 700 + after_s);
        assert_int_equal(frame.interface, 5);
        assert_true(frame.captured < frame.wire);
        assert_ptr_equal(packet->ip, frame.bytes);
        assert_int_equal(packet->ip_captured, frame.captured);
        assert_true(packet->cut);
        assert_true(packet->reassembled);
        assert_int_equal(packet->protocol, 17);
        assert_int_equal(packet->payload_captured, captured - 8);
        assert_memory_equal(packet->payload, whole.at + 8, captured - 8);
        assert_int_equal(packet->payload_length, whole.length - 8); /* UDP's length says it */
}

static void a_lone_first_fragment_is_a_cut_packet(void **state)
{
        (void)state;
        struct packet packet;
        for (unsigned version = 4; version <= 6; version += 2) {
                struct encap *encap = encap_of(0);
                bytes_of_hex(&whole, DNS);
                (version == 4 ? fragment_v4 : fragment_v6)(&piece, 7, &whole, 0, FIRST, true);
                assert_int_equal(give(encap, &piece, 1, &packet), ENCAP_FRAGMENT);
                assert_nothing_more(encap);
                encap_expire(encap, start_ns + (int64_t)20 * SECOND);
                assert_nothing_more(encap);
                encap_expire(encap, start_ns + (int64_t)32 * SECOND);
                assert_taken(encap, 1, FIRST, &packet);
                assert_int_equal(packet.source_port, 40000);
                assert_int_equal(packet.destination_port, 53);
                assert_int_equal(packet.depth, 0);
                assert_address(&packet.source, version == 4 ? "10.45.0.7" : "2001:db8:20:7::1");
                assert_int_equal(packet.ip_length, packet.ip_captured + 1); /* the end was not seen */
                assert_nothing_more(encap);
                assert_int_equal(encap_counters(encap)->fragments_expired, 1);
                assert_int_equal(encap_counters(encap)->incomplete_taken, 1);
                encap_destroy(encap);
        }
}

static void a_lone_later_fragment_is_nothing(void **state)
{
        (void)state;
        struct packet packet;
        struct encap *encap = encap_of(0);
        bytes_of_hex(&whole, DNS);
        fragment_v4(&piece, 7, &whole, FIRST, (unsigned)whole.length - FIRST, false);
        assert_int_equal(give(encap, &piece, 1, &packet), ENCAP_FRAGMENT);
        encap_expire(encap, INT64_MAX);
        assert_nothing_more(encap);
        assert_int_equal(encap_counters(encap)->fragments_expired, 1);
        assert_int_equal(encap_counters(encap)->incomplete_dropped, 0);
        encap_destroy(encap);
}

/* 0 to 16 and 32 to the end of 37: the bytes end at the hole, the length is known. The last came first. */
static void bytes_end_at_the_hole(void **state)
{
        (void)state;
        struct packet packet;
        struct encap *encap = encap_of(0);
        bytes_of_hex(&whole, DNS);
        fragment_v4(&piece, 7, &whole, 32, (unsigned)whole.length - 32, false);
        assert_int_equal(give(encap, &piece, 1, &packet), ENCAP_FRAGMENT);
        fragment_v4(&piece, 7, &whole, 0, 8, true);
        assert_int_equal(give(encap, &piece, 2, &packet), ENCAP_FRAGMENT);
        fragment_v4(&piece, 7, &whole, 8, 8, true);
        assert_int_equal(give(encap, &piece, 3, &packet), ENCAP_FRAGMENT);
        encap_expire(encap, INT64_MAX);
        assert_taken(encap, 2, 16, &packet);
        assert_int_equal(packet.ip_length, 20 + whole.length);
        assert_nothing_more(encap);
        encap_destroy(encap);
}

static void what_is_evicted_can_be_taken(void **state)
{
        (void)state;
        struct packet packet;
        struct encap *encap = encap_of(3000);
        for (unsigned i = 0; i < 3; i++) {
                datagram_of(&whole, 1500);
                fragment_v4(&piece, (uint16_t)i, &whole, 0, 1200, true);
                assert_int_equal(give(encap, &piece, i, &packet), ENCAP_FRAGMENT);
        }
        assert_true(encap_counters(encap)->fragments_evicted >= 1);
        assert_int_equal(encap_counters(encap)->fragments_expired, 0);
        assert_taken(encap, 0, 1200, &packet);
        encap_expire(encap, INT64_MAX);
        assert_taken(encap, 1, 1200, &packet);
        assert_taken(encap, 2, 1200, &packet);
        assert_nothing_more(encap);
        encap_destroy(encap);
}

/* GTP-U, TEID 0x4001, 10.66.0.1 -> 10.66.0.2, around `inner`. */
static void tunnel_around(struct bytes *out, const struct bytes *inner)
{
        unsigned length = (unsigned)inner->length;
        bytes_of_hex(out, "4500 0000 0009 0000 40 11 0000 0a420001 0a420002 0868 0868 0000 0000 30ff 0000 00004001");
        out->at[2] = (uint8_t)((length + 36) >> 8);
        out->at[3] = (uint8_t)(length + 36);
        out->at[24] = (uint8_t)((length + 16) >> 8);
        out->at[25] = (uint8_t)(length + 16);
        out->at[30] = (uint8_t)(length >> 8);
        out->at[31] = (uint8_t)length;
        bytes_add(out, inner->at, inner->length);
}

static void assert_in_tunnel(const struct packet *packet, unsigned depth)
{
        assert_int_equal(packet->depth, depth);
        assert_int_equal(packet->tunnel, TUNNEL_GTPU);
        assert_true(packet->has_teid);
        assert_int_equal(packet->teid, 0x4001);
        assert_outer(packet, false, "10.66.0.1");
        assert_outer(packet, true, "10.66.0.2");
        assert_int_equal(packet->destination_port, 53);
}

/* In another IP packet, 10.77.0.1 -> 10.77.0.2, when `twice`: the tap's prefix may be that of the outermost tunnel, too. */
static void assert_tunnel_and_tap(const char *prefix, bool twice)
{
        struct tap tap = {.name = "core", .vlan = -1, .vni = -1, .gre_key = -1, .has_prefix = true, .context = 9};
        assert_true(prefix_parse(prefix, &tap.prefix));
        struct encap_settings settings = {.taps = {&tap, 1}, .duplicate_window_ns = 3000000};
        struct encap *encap = encap_create(&settings);
        static struct bytes inner, middle;
        struct packet packet;
        assert_non_null(encap);
        bytes_of_hex(&whole, DNS);
        fragment_v4(&inner, 7, &whole, 0, FIRST, true);
        tunnel_around(&middle, &inner);
        bytes_of_hex(&piece, twice ? "4500 0064 0009 0000 40 04 0000 0a4d0001 0a4d0002" : "");
        bytes_add(&piece, middle.at, middle.length);
        assert_int_equal(give(encap, &piece, 1, &packet), ENCAP_FRAGMENT);
        encap_expire(encap, INT64_MAX);
        assert_taken(encap, 1, FIRST, &packet);
        assert_in_tunnel(&packet, 1 + twice);
        assert_int_equal(packet.tap, 1);
        assert_int_equal(packet.context, 9);
        assert_int_equal(encap_counters(encap)->by_tunnel[TUNNEL_GTPU], 1);
        assert_nothing_more(encap);
        encap_destroy(encap);
}

static void its_tunnels_and_tap_are_remembered(void **state)
{
        (void)state;
        assert_tunnel_and_tap("10.66.0.0/16", false);
        assert_tunnel_and_tap("10.66.0.0/16", true);
        assert_tunnel_and_tap("10.77.0.0/16", true);
}

/* Of the outer packet there is the beginning: the inner one is shown, cut; an inner fragment is not held again. */
static void the_beginning_of_a_tunnel_shows_the_inner_packet(void **state)
{
        (void)state;
        static struct bytes inner, outer;
        bytes_of_hex(&whole, DNS);
        for (unsigned more = 0; more <= 1; more++) {
                struct encap *encap = encap_of(0);
                struct frame frame;
                struct packet packet;
                unsigned there = more ? FIRST : (unsigned)whole.length;
                fragment_v4(&inner, 7, &whole, 0, there, more);
                if (!more)
                        inner.at[25] = 0x60; /* UDP says more than its IP header, which is right */
                tunnel_around(&outer, &inner);
                /* 20 bytes of outer header; 56 behind it hold the inner header and 20 bytes of its UDP */
                piece.length = 0;
                bytes_add(&piece, outer.at, 76);
                piece.at[2] = 0;
                piece.at[3] = 76;
                piece.at[6] = 0x20;
                assert_int_equal(give(encap, &piece, 1, &packet), ENCAP_FRAGMENT);
                encap_expire(encap, INT64_MAX);
                assert_true(encap_take_incomplete(encap, &frame, &packet));
                assert_in_tunnel(&packet, 1);
                assert_true(packet.cut);
                assert_address(&packet.source, "10.45.0.7");
                assert_int_equal(packet.payload_captured, 12);
                assert_int_equal(packet.payload_length, whole.length - 8);
                assert_nothing_more(encap);
                encap_destroy(encap);
        }
}

/* The inner fragment is all there, what is lost is padding behind it: it is not held again. */
static void a_fragment_in_the_beginning_is_taken_as_it_is(void **state)
{
        (void)state;
        static const uint8_t padding[40];
        static struct bytes inner;
        struct frame frame;
        struct packet packet;
        struct encap *encap = encap_of(0);
        bytes_of_hex(&whole, DNS);
        fragment_v4(&inner, 7, &whole, 0, FIRST, true);
        bytes_add(&inner, padding, sizeof padding);
        tunnel_around(&piece, &inner);
        piece.length = 20 + 64;
        piece.at[2] = 0;
        piece.at[3] = 84;
        piece.at[6] = 0x20;
        assert_int_equal(give(encap, &piece, 1, &packet), ENCAP_FRAGMENT);
        encap_expire(encap, INT64_MAX);
        assert_true(encap_take_incomplete(encap, &frame, &packet));
        assert_in_tunnel(&packet, 1);
        assert_int_equal(packet.payload_captured, FIRST - 8);
        assert_int_equal(packet.payload_length, whole.length - 8);
        encap_expire(encap, INT64_MAX);
        assert_nothing_more(encap);
        encap_destroy(encap);
}

/* What stands in the tunnel has no sane header: the packet is the outer one, whose UDP header says how long it is. */
static void the_beginning_of_no_tunnel_is_the_packet_itself(void **state)
{
        (void)state;
        static struct bytes inner;
        struct frame frame;
        struct packet packet;
        struct encap *encap = encap_of(0);
        bytes_of_hex(&whole, DNS);
        fragment_v4(&inner, 7, &whole, 0, (unsigned)whole.length, false);
        inner.at[0] = 0x41;
        tunnel_around(&piece, &inner);
        piece.length = 76;
        piece.at[2] = 0;
        piece.at[3] = 76;
        piece.at[6] = 0x20;
        assert_int_equal(give(encap, &piece, 1, &packet), ENCAP_FRAGMENT);
        encap_expire(encap, INT64_MAX);
        assert_true(encap_take_incomplete(encap, &frame, &packet));
        assert_int_equal(packet.depth, 0);
        assert_int_equal(packet.destination_port, 2152);
        assert_int_equal(packet.payload_captured, 76 - 28);
        assert_int_equal(packet.payload_length, 8 + inner.length);
        encap_destroy(encap);
}

/* More wait than may: the oldest are dropped. At the end of the input all that were held are there, in order. */
static void the_queue_is_bounded(void **state)
{
        (void)state;
        enum { GIVEN = QUEUE + 10, HELD = QUEUE + 20 };
        struct packet packet;
        struct encap *encap = encap_of(0);
        datagram_of(&whole, 100);
        for (unsigned i = 0; i < GIVEN; i++) {
                fragment_v4(&piece, (uint16_t)(100 + i), &whole, 0, 64, true);
                assert_int_equal(give(encap, &piece, 0, &packet), ENCAP_FRAGMENT);
        }
        encap_expire(encap, start_ns + (int64_t)31 * SECOND);
        assert_int_equal(encap_counters(encap)->incomplete_dropped, GIVEN - QUEUE);
        for (unsigned i = GIVEN - QUEUE; i < GIVEN; i++) {
                assert_taken(encap, 0, 64, &packet);
                assert_int_equal(packet.ip[4] << 8 | packet.ip[5], 100 + i);
        }
        assert_nothing_more(encap);
        for (unsigned i = 0; i < HELD; i++) {
                fragment_v4(&piece, (uint16_t)(HELD - i), &whole, 0, 64, true);
                assert_int_equal(give(encap, &piece, 40, &packet), ENCAP_FRAGMENT);
        }
        encap_expire(encap, INT64_MAX);
        for (unsigned i = 0; i < HELD; i++) {
                assert_taken(encap, 40, 64, &packet);
                assert_int_equal(packet.ip[4] << 8 | packet.ip[5], HELD - i);
        }
        assert_nothing_more(encap);
        assert_int_equal(encap_counters(encap)->incomplete_taken, QUEUE + HELD);
        encap_destroy(encap);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_lone_first_fragment_is_a_cut_packet),
                cmocka_unit_test(a_lone_later_fragment_is_nothing),
                cmocka_unit_test(bytes_end_at_the_hole),
                cmocka_unit_test(what_is_evicted_can_be_taken),
                cmocka_unit_test(its_tunnels_and_tap_are_remembered),
                cmocka_unit_test(the_beginning_of_a_tunnel_shows_the_inner_packet),
                cmocka_unit_test(a_fragment_in_the_beginning_is_taken_as_it_is),
                cmocka_unit_test(the_beginning_of_no_tunnel_is_the_packet_itself),
                cmocka_unit_test(the_queue_is_bounded),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        free(frame_at_hand);
        return failed;
}
