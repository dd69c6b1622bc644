#include "dissectors/app/dtls.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

/* The four datagrams of ntop/nDPI's dtls_session_id_and_coockie_both.pcap: hello, request to come again with a cookie,
 * hello with it, the server's hello with what follows it. */
static const char first_hello[] =
        "16 fefd 0000 000000000000 0056" /* record: handshake, DTLS 1.2, epoch, sequence, length */
        "01 00004a 0000 000000 00004a"   /* client hello: length, sequence, offset and length of the fragment */
        "fefd 3fc15b397b7c6648012efa02ef69e2fac74534c631c046fe86fb3fb2ff4bd41d"
        "20 3832002f8393c761e3b64aae0df27f5c9b5716b19e1f7e852712a5a45e6d493e 00 0002 c02c 0100";
static const char verify_request[] =
        "16 feff 0000 000000000000 0023 03 000017 0000 000000 000017 feff 14 1c0efc217010049e0680531d364ee05eaa42a69e";
static const char second_hello[] =
        "16 fefd 0000 000000000001 006a 01 00005e 0001 000000 00005e"
        "fefd 3fc15b397b7c6648012efa02ef69e2fac74534c631c046fe86fb3fb2ff4bd41d"
        "20 3832002f8393c761e3b64aae0df27f5c9b5716b19e1f7e852712a5a45e6d493e"
        "14 1c0efc217010049e0680531d364ee05eaa42a69e 0002 c02c 0100";
static const char server_hello[] =
        "16 fefd 0000 000000000001 0052 02 000046 0001 000000 000046"
        "fefd 87d32576f1aa0f82fb79365ad8d1e1450175be58a4dd65721328f1a5462d10d7"
        "20 3832002f8393c761e3b64aae0df27f5c9b5716b19e1f7e852712a5a45e6d493e c02c 00"
        "14 fefd 0000 000000000002 0001 01" /* change of cipher */
        "16 fefd 0001 000000000000 0030" /* encrypted */
        "618aa4f2e94ab0ce109808fb65e5aa146820da2ba7840cb58a603f4f42eccfddf52b338f1ccd0ac65f5826b9bc05c7ae";

/* Body of a hello for coaps.example.net, without a cookie. */
static const char named_body[] =
        "fefd 0102030405060708091011121314151617181920212223242526272829303132 00 00 0002 c0a8 0100"
        "0022 0017 0000 0000 0016 0014 00 0011 636f6170732e6578616d706c652e6e6574 0023 0000";

static enum dissect_result parse_record(struct cursor *datagram, void *record)
{
        return dtls_parse_record(datagram, record);
}

static void every_field_of_a_real_record_is_read(void **state)
{
        (void)state;
        uint8_t bytes[256];
        size_t length = hex_bytes(second_hello, bytes, sizeof bytes);
        struct cursor datagram = cursor_of(bytes, length);
        struct dtls_record record;
        struct dtls_fragment fragment;
        assert_int_equal(dtls_parse_record(&datagram, &record), DISSECT_OK);
        assert_int_equal(cursor_left(&datagram), 0);
        assert_int_equal(record.type, DTLS_HANDSHAKE);
        assert_int_equal(record.version, 0xfefd);
        assert_int_equal(record.epoch, 0);
        assert_int_equal(record.sequence, 1);
        assert_int_equal(dtls_parse_fragment(&record.body, &fragment), DISSECT_OK);
        assert_int_equal(fragment.type, TLS_CLIENT_HELLO);
        assert_int_equal(fragment.length, 0x5e);
        assert_int_equal(fragment.sequence, 1);
        assert_int_equal(fragment.offset, 0);
        assert_int_equal(cursor_left(&fragment.body), 0x5e);
        struct tls_client_hello hello;
        assert_int_equal(tls_parse_client_hello(&fragment.body, true, &hello), DISSECT_OK);
        assert_int_equal(hello.version, 0xfefd);
        assert_int_equal(hello.name_length, 0);
}

static void every_shorter_datagram_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[256];
        size_t length = hex_bytes(first_hello, bytes, sizeof bytes);
        struct dtls_record record;
        for (size_t cut = 0; cut < length; cut++)
                assert_int_equal(parse_exactly(parse_record, bytes, cut, &record), DISSECT_TRUNCATED);
        assert_int_equal(parse_exactly(parse_record, bytes, length, &record), DISSECT_OK);
}

static void odd_datagrams_are_told_apart(void **state)
{
        (void)state;
        static const struct { const char *what, *bytes; enum recognition expected; } rows[] = {
                {"a hello", first_hello, MINE},
                {"a request for a cookie", verify_request, MINE},
                {"the server's hello and what follows", server_hello, MINE},
                {"data in the middle of a session", "17 fefd 0001 0000000000a7 0010 000100000000002a0123456789abcdef", MINE},
                {"data with a connection id of four bytes",
                 "19 fefd 0001 000000000007 deadbeef 0011 0102030405060708090a0b0c0d0e0f1011", MINE},
                {"data that is longer than it says",
                 "17 fefd 0001 0000000000a7 0010 000100000000002a0123456789abcdef00", NOT_MINE},
                {"data that is shorter than it says",
                 "17 fefd 0001 0000000000a7 0011 000100000000002a0123456789abcdef", NOT_MINE},
                {"data in epoch 0", "17 fefd 0000 0000000000a7 0010 000100000000002a0123456789abcdef", NOT_MINE},
                {"a sequence nobody reaches", "17 fefd 0001 0100000000a7 0010 000100000000002a0123456789abcdef", NOT_MINE},
                {"Cisco's version", "17 0100 0001 0000000000a7 0010 000100000000002a0123456789abcdef", NOT_MINE},
                {"a connection id whose length fits nowhere",
                 "19 fefd 0001 000000000007 deadbeef 0012 0102030405060708090a0b0c0d0e0f1011", NOT_MINE},
                {"a fragment beyond its message",
                 "16 fefd 0000 000000000000 0010 01 00004a 0000 000049 000004 00000000", NOT_MINE},
                {"an alert alone", "15 fefd 0000 000000000000 0002 0228", NOT_MINE},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[512];
                size_t length = hex_bytes(rows[i].bytes, bytes, sizeof bytes);
                struct dissection d = {.protocol = IPPROTO_UDP, .destination_port = 5684};
                struct cursor payload = cursor_of(bytes, length);
                if (dtls_dissector.recognise(&d, &payload) != rows[i].expected)
                        fail_msg("%s", rows[i].what);
        }
}

static void send_hex(struct fake_sense *sense, enum direction direction, const char *text)
{
        uint8_t bytes[512];
        fake_sense_send(sense, direction, bytes, hex_bytes(text, bytes, sizeof bytes));
}

static void a_handshake_with_a_cookie_gives_the_agreed_version(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 44443);
        send_hex(sense, FROM_OPENER, first_hello);
        assert_string_equal(sense->label, "DTLS");
        send_hex(sense, TO_OPENER, verify_request);
        assert_int_equal(sense->d.tls_version, 0);
        send_hex(sense, FROM_OPENER, second_hello);
        assert_int_equal(sense->phase, FAKE_FOLLOWED);
        assert_false(sense->encrypted);
        send_hex(sense, TO_OPENER, server_hello);
        assert_int_equal(sense->d.tls_version, 0xfefd);
        assert_int_equal(sense->phase, FAKE_SETTLED);
        assert_true(sense->encrypted);
        fake_sense_close(sense);
}

static size_t write_fragment(uint8_t *out, uint8_t number, const uint8_t *body, size_t length, size_t begin, size_t end)
{
        size_t part = end - begin;
        uint8_t header[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number, 0, (uint8_t)(12 + part),
                            1, 0, 0, (uint8_t)length, 0, 0, 0, 0, (uint8_t)begin, 0, 0, (uint8_t)part};
        memcpy(out, header, sizeof header);
        memcpy(out + sizeof header, body + begin, part);
        return sizeof header + part;
}

static void a_name_in_fragments_is_read_whatever_their_order(void **state)
{
        (void)state;
        uint8_t body[256], datagram[512];
        size_t length = hex_bytes(named_body, body, sizeof body);
        for (size_t size = 11; size <= length; size += 12) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5684);
                size_t count = (length + size - 1) / size;
                for (size_t i = count; i-- > 0;) {
                        size_t end = (i + 1) * size < length ? (i + 1) * size : length;
                        assert_string_equal(sense->name, "");
                        size_t used = write_fragment(datagram, (uint8_t)(count - i), body, length, i * size, end);
                        fake_sense_send(sense, FROM_OPENER, datagram, used);
                }
                assert_string_equal(sense->label, "DTLS");
                assert_string_equal(sense->name, "coaps.example.net");
                assert_int_equal(sense->name_source, APNWATCH__V1__FLOW__NAME_SOURCE__SNI);
                fake_sense_close(sense);
        }
}

static void a_session_seen_from_its_middle_settles_at_once(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5684);
        send_hex(sense, FROM_OPENER, "17 fefd 0001 0000000000a7 0010 000100000000002a0123456789abcdef");
        assert_string_equal(sense->label, "DTLS");
        assert_true(sense->encrypted);
        assert_int_equal(sense->phase, FAKE_SETTLED);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_real_record_is_read),
                cmocka_unit_test(every_shorter_datagram_is_truncated),
                cmocka_unit_test(odd_datagrams_are_told_apart),
                cmocka_unit_test(a_handshake_with_a_cookie_gives_the_agreed_version),
                cmocka_unit_test(a_name_in_fragments_is_read_whatever_their_order),
                cmocka_unit_test(a_session_seen_from_its_middle_settles_at_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
