#include "tests/unit/dissectors/encap/frames.h"

enum { MICROSECOND = 1000, WINDOW = 3000 * MICROSECOND };

#define ETH "020000000002 020000000001 "
#define ETH_OTHER "020000000004 020000000003 "
#define UDP_COAP "1633 1633 000f 36b7 40010001b27264 "
#define V4(id, ttl) "4500 0023 " id " 4000 " ttl " 11 0000 0a2d0007 cb007109 " UDP_COAP
#define V6(ttl) "60000000 000f 11 " ttl " 20010db8002000070000000000000001 20010db8000000000000000000000035 " UDP_COAP
#define GTP(teid) "4500 0047 0009 0000 40 11 0000 0a420001 0a420002 0868 0868 0033 0000 30ff 0023 " teid " "
/* TCP, IPv6: a pure acknowledgement; and one with 2 bytes. */
#define V6_ACK(ttl) "60000000 0014 06 " ttl " 20010db8002000070000000000000001 20010db8000000000000000000000035 " \
                    "c001 01bb 01020304 0a0b0c0d 5010 2000 beef 0000 "
#define V6_DATA(ttl) "60000000 0016 06 " ttl " 20010db8002000070000000000000001 20010db8000000000000000000000035 " \
                     "c001 01bb 01020304 0a0b0c0d 5018 2000 beef 0000 4869 "
#define V4_ACK(id, ttl) "4500 0028 " id " 4000 " ttl " 06 0000 0a2d0007 cb007109 c001 01bb 01020304 0a0b0c0d 5010 2000 beef 0000 "

struct sight {
        const char *hex;
        uint16_t link, interface;
        unsigned after_us; /* the sight before */
        bool duplicate;
};

static void assert_sights(const char *name, const struct sight *sights, unsigned count)
{
        static struct bytes bytes;
        struct encap_settings settings = {.duplicate_window_ns = WINDOW};
        struct encap *encap = encap_create(&settings);
        int64_t time_ns = 1700000000000000000;
        unsigned duplicates = 0;
        assert_non_null(encap);
        for (unsigned i = 0; i < count; i++) {
                struct packet packet;
                time_ns += (int64_t)sights[i].after_us * MICROSECOND;
                bytes_of_hex(&bytes, sights[i].hex);
                struct frame frame = frame_of(&bytes, sights[i].link);
                frame.time_ns = time_ns;
                frame.interface = sights[i].interface;
                enum encap_result result = peel_frame(encap, frame, &packet);
                if (result != (sights[i].duplicate ? ENCAP_DUPLICATE : ENCAP_PACKET))
                        print_error("%s, sight %u: %s\n", name, i, encap_result_name(result));
                assert_int_equal(result, sights[i].duplicate ? ENCAP_DUPLICATE : ENCAP_PACKET);
                duplicates += sights[i].duplicate;
        }
        assert_int_equal(encap_counters(encap)->duplicates, duplicates);
        encap_destroy(encap);
}

#define ASSERT_SIGHTS(name, ...) \
        do { \
                static const struct sight sights[] = {__VA_ARGS__}; \
                assert_sights(name, sights, sizeof sights / sizeof *sights); \
        } while (0)

static void a_copy_with_identification_counts_once(void **state)
{
        (void)state;
        ASSERT_SIGHTS("mirror of both directions", {ETH "0800" V4("0001", "40"), 1, 0, 0, false},
                      {ETH "0800" V4("0001", "40"), 1, 0, 900, true}, {ETH "0800" V4("0001", "40"), 1, 0, 900, true});
        ASSERT_SIGHTS("behind a router", {ETH "0800" V4("0001", "40"), 1, 0, 0, false},
                      {ETH_OTHER "0800" V4("0001", "3f"), 1, 0, 2000, true});
        ASSERT_SIGHTS("another VLAN", {ETH "0800" V4("0001", "40"), 1, 0, 0, false},
                      {ETH "8100 0007 0800" V4("0001", "40"), 1, 0, 20, true});
        ASSERT_SIGHTS("before and behind a gateway", {GTP("00004001") V4("0001", "40"), LINK_RAW, 0, 0, false},
                      {GTP("00005001") V4("0001", "40"), LINK_RAW, 0, 50, true}, {V4("0001", "3f"), LINK_RAW, 0, 50, true});
        ASSERT_SIGHTS("the window is over", {ETH "0800" V4("0001", "40"), 1, 0, 0, false},
                      {ETH "0800" V4("0001", "40"), 1, 0, 3001, false});
        ASSERT_SIGHTS("DSCP rewritten", {ETH "0800" V4("0001", "40"), 1, 0, 0, false},
                      {ETH "0800 45b8 0023 0001 4000 40 11 1234 0a2d0007 cb007109" UDP_COAP, 1, 0, 5, true});
        ASSERT_SIGHTS("an acknowledgement", {V4_ACK("0001", "40"), LINK_RAW, 0, 0, false}, {V4_ACK("0001", "40"), LINK_RAW, 0, 5, true});
}

static void another_packet_is_no_copy(void **state)
{
        (void)state;
        ASSERT_SIGHTS("the sender repeats", {V4("0001", "40"), LINK_RAW, 0, 0, false}, {V4("0002", "40"), LINK_RAW, 0, 1, false});
        ASSERT_SIGHTS("another destination", {V4("0001", "40"), LINK_RAW, 0, 0, false},
                      {"4500 0023 0001 4000 40 11 0000 0a2d0007 cb00710a" UDP_COAP, LINK_RAW, 0, 1, false});
        ASSERT_SIGHTS("another payload", {V4("0001", "40"), LINK_RAW, 0, 0, false},
                      {"4500 0023 0001 4000 40 11 0000 0a2d0007 cb007109 1633 1633 000f 36b7 40010001b27265", LINK_RAW, 0, 1, false});
}

static void without_identification_the_way_decides(void **state)
{
        (void)state;
        ASSERT_SIGHTS("repeated telemetry", {ETH "86dd" V6("40"), 1, 0, 0, false}, {ETH "86dd" V6("40"), 1, 0, 1000, false},
                      {ETH "86dd" V6("40"), 1, 0, 1000, false});
        ASSERT_SIGHTS("the same with IPv4", {ETH "0800" V4("0000", "40"), 1, 0, 0, false},
                      {ETH "0800" V4("0000", "40"), 1, 0, 1000, false});
        ASSERT_SIGHTS("mirror copy", {ETH "86dd" V6("40"), 1, 0, 0, false}, {ETH "86dd" V6("40"), 1, 0, 5, true});
        ASSERT_SIGHTS("behind a router", {ETH "86dd" V6("40"), 1, 0, 0, false}, {ETH_OTHER "86dd" V6("3f"), 1, 0, 1000, true});
        ASSERT_SIGHTS("other MACs", {ETH "86dd" V6("40"), 1, 0, 0, false}, {ETH_OTHER "86dd" V6("40"), 1, 0, 1000, true});
        ASSERT_SIGHTS("another interface", {ETH "86dd" V6("40"), 1, 0, 0, false}, {ETH "86dd" V6("40"), 1, 3, 1000, true});
        ASSERT_SIGHTS("other way, too late", {ETH "86dd" V6("40"), 1, 0, 0, false}, {ETH_OTHER "86dd" V6("40"), 1, 0, 3001, false});
        ASSERT_SIGHTS("repeated and copied", {ETH "86dd" V6("40"), 1, 0, 0, false}, {ETH "86dd" V6("40"), 1, 0, 1000, false},
                      {ETH_OTHER "86dd" V6("3f"), 1, 0, 500, true}, {ETH_OTHER "86dd" V6("3f"), 1, 0, 1000, true});
        ASSERT_SIGHTS("in and out of a tunnel", {GTP("00004001") V4("0000", "40"), LINK_RAW, 0, 0, false},
                      {V4("0000", "40"), LINK_RAW, 0, 1000, true});
}

static void acknowledgements_without_identification_all_count(void **state)
{
        (void)state;
        ASSERT_SIGHTS("three of them", {V6_ACK("40"), LINK_RAW, 0, 0, false}, {V6_ACK("40"), LINK_RAW, 0, 1, false},
                      {V6_ACK("3f"), LINK_RAW, 0, 1, false});
        ASSERT_SIGHTS("IPv4", {V4_ACK("0000", "40"), LINK_RAW, 0, 0, false}, {V4_ACK("0000", "3f"), LINK_RAW, 0, 1, false});
        ASSERT_SIGHTS("a retransmission", {V6_DATA("40"), LINK_RAW, 0, 0, false}, {V6_DATA("40"), LINK_RAW, 0, 1000, false});
        ASSERT_SIGHTS("a copy", {V6_DATA("40"), LINK_RAW, 0, 0, false}, {V6_DATA("3f"), LINK_RAW, 0, 1000, true});
}

/* Each fragment comes twice, one behind the other: the datagram is there once, and nothing is left waiting. */
static void copies_of_fragments_count_once(void **state)
{
        (void)state;
        static const char *const fragments[] = {
                "4500 0024 0001 2000 40 11 0000 0a2d0007 cb007109 1633 1633 0014 0000 0102030405060708",
                "4500 0018 0001 0002 40 11 0000 0a2d0007 cb007109 090a0b0c",
        };
        struct encap_settings settings = {.duplicate_window_ns = WINDOW};
        struct encap *encap = encap_create(&settings);
        struct packet packet;
        assert_int_equal(peel_hex(encap, LINK_RAW, fragments[0], &packet), ENCAP_FRAGMENT);
        assert_int_equal(peel_hex(encap, LINK_RAW, fragments[0], &packet), ENCAP_DUPLICATE);
        assert_int_equal(peel_hex(encap, LINK_RAW, fragments[1], &packet), ENCAP_PACKET);
        assert_int_equal(packet.payload_length, 12);
        assert_int_equal(peel_hex(encap, LINK_RAW, fragments[1], &packet), ENCAP_DUPLICATE);
        encap_expire(encap, INT64_MAX);
        assert_int_equal(encap_counters(encap)->fragments_expired, 0);
        assert_int_equal(encap_counters(encap)->reassembled, 1);
        encap_destroy(encap);
}

/* At a million packets in a second a copy that comes a millisecond later is still known. */
static void copies_are_known_at_high_rates(void **state)
{
        (void)state;
        enum { PACKETS = 20000, LAG = 1000 };
        static struct bytes bytes;
        struct encap_settings settings = {.duplicate_window_ns = WINDOW};
        struct encap *encap = encap_create(&settings);
        for (unsigned i = 0; i < PACKETS; i++) {
                for (unsigned copy = 0; copy < 2; copy++) {
                        struct packet packet;
                        unsigned number = copy ? i - LAG : i;
                        if (copy && i < LAG)
                                break;
                        bytes_of_hex(&bytes, V4("0000", "40"));
                        bytes.at[4] = (uint8_t)(number >> 8) | 0x80;
                        bytes.at[5] = (uint8_t)number;
                        bytes.at[15] = (uint8_t)(number / 256);
                        struct frame frame = frame_of(&bytes, LINK_RAW);
                        frame.time_ns += (int64_t)i * MICROSECOND;
                        enum encap_result result = peel_frame(encap, frame, &packet);
                        if (result != (copy ? ENCAP_DUPLICATE : ENCAP_PACKET))
                                print_error("packet %u, copy %u\n", number, copy);
                        assert_int_equal(result, copy ? ENCAP_DUPLICATE : ENCAP_PACKET);
                }
        }
        encap_destroy(encap);
}

/* Times are kept in 32 bits of 256 ns, which come round after 1099.5 s: that is no copy. */
static void what_is_long_ago_is_no_copy(void **state)
{
        (void)state;
        static const unsigned pauses_s[] = {0, 300, 700, 1000};
        static struct bytes bytes;
        const int64_t start_ns = 1700000000000000000, round_ns = (int64_t)1 << 40;
        for (unsigned i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
                struct encap_settings settings = {.duplicate_window_ns = WINDOW};
                struct encap *encap = encap_create(&settings);
                struct packet packet;
                bytes_of_hex(&bytes, V4("0001", "40"));
                struct frame frame = frame_of(&bytes, LINK_RAW);
                assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_PACKET);
                if (pauses_s[i] > 0) { /* another one in between */
                        bytes_of_hex(&bytes, V4("0002", "40"));
                        frame.time_ns = start_ns + pauses_s[i] * INT64_C(1000000000);
                        assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_PACKET);
                        bytes_of_hex(&bytes, V4("0001", "40"));
                }
                frame.time_ns = start_ns + round_ns;
                assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_PACKET);
                frame.time_ns += 2000 * MICROSECOND;
                assert_int_equal(peel_frame(encap, frame, &packet), ENCAP_DUPLICATE);
                encap_destroy(encap);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_copy_with_identification_counts_once),
                cmocka_unit_test(another_packet_is_no_copy),
                cmocka_unit_test(without_identification_the_way_decides),
                cmocka_unit_test(acknowledgements_without_identification_all_count),
                cmocka_unit_test(copies_of_fragments_count_once),
                cmocka_unit_test(copies_are_known_at_high_rates),
                cmocka_unit_test(what_is_long_ago_is_no_copy),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        free(frame_at_hand);
        return failed;
}
