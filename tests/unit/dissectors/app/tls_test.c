#include "dissectors/app/tls.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

enum { RECORD = 5, HANDSHAKE = 4 };

/* From ntop/nDPI's cloudflare-warp.pcap, frame 37: TLS 1.2, api.cloudflareclient.com, ALPN http/1.1. */
static const char client_hello[] =
        "160301 00b5 01 0000b1 0303"
        "d5c911a90ea478a17818562261b7f2dc15362e41bd006262d4698112779621f0 00" /* random, no session */
        "0018 c02bc02ccca9c02fc030cca8c013c014009c009d002f0035 0100"          /* ciphers, compression */
        "0070 ff01 0001 00"
        "0000 001d 001b 00 0018 6170692e636c6f7564666c617265636c69656e742e636f6d"
        "0017 0000 0023 0000 000d 0014 0012040308040401050308050501080606010201"
        "0005 0005 0100000000 0010 000b 0009 08 687474702f312e31 000b 0002 0100 000a 0008 0006001d00170018";

/* The same capture, frame 18, without its key share: TLS 1.3 by the supported_versions extension. */
static const char server_hello[] =
        "160303 0056 02 000052 0303"
        "57601d8b716b739c12297fe60c07f707ff168ccaa28642f203861f171c1adaa1"
        "20 7c2a96750c788ac24559b6611a15e53d74c41ead12d91983e60fe43cc51c45cb 1301 00"
        "000a 002b 0002 0304 0029 0000 140303 0001 01";

static enum dissect_result parse_client(struct cursor *body, void *hello)
{
        return tls_parse_client_hello(body, false, hello);
}

static enum dissect_result parse_server(struct cursor *body, void *hello)
{
        return tls_parse_server_hello(body, hello);
}

static void every_field_of_a_real_client_hello_is_read(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(client_hello, bytes, sizeof bytes);
        struct tls_client_hello hello;
        struct cursor body = cursor_of(bytes + RECORD + HANDSHAKE, length - RECORD - HANDSHAKE);
        assert_int_equal(tls_parse_client_hello(&body, false, &hello), DISSECT_OK);
        assert_int_equal(hello.version, 0x0303);
        assert_int_equal(hello.name_length, 24);
        assert_memory_equal(hello.name, "api.cloudflareclient.com", 24);
        assert_int_equal(hello.alpn_length, 8);
        assert_memory_equal(hello.alpn, "http/1.1", 8);
        assert_false(hello.encrypted);
}

static void every_field_of_a_real_server_hello_is_read(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(server_hello, bytes, sizeof bytes);
        struct tls_server_hello hello;
        assert_int_equal(parse_exactly(parse_server, bytes + RECORD + HANDSHAKE, 0x52, &hello), DISSECT_OK);
        assert_true(length > RECORD + HANDSHAKE + 0x52);
        assert_int_equal(hello.version, 0x0304);
        assert_int_equal(hello.cipher, 0x1301);
        assert_false(hello.retry);
}

static void every_shorter_hello_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t whole = hex_bytes(client_hello, bytes, sizeof bytes) - RECORD - HANDSHAKE;
        struct tls_client_hello client;
        for (size_t cut = 0; cut < whole; cut++) {
                bool before_extensions = cut == 2 + 32 + 1 + 2 + 24 + 2;
                assert_int_equal(parse_exactly(parse_client, bytes + RECORD + HANDSHAKE, cut, &client),
                                 before_extensions ? DISSECT_OK : DISSECT_TRUNCATED);
        }
        hex_bytes(server_hello, bytes, sizeof bytes);
        struct tls_server_hello server;
        for (size_t cut = 0; cut < 0x52; cut++)
                assert_int_equal(parse_exactly(parse_server, bytes + RECORD + HANDSHAKE, cut, &server),
                                 cut == 70 ? DISSECT_OK : DISSECT_TRUNCATED);
}

#define FRONT "0303 0000000000000000000000000000000000000000000000000000000000000000 00 0002 1301 0100"

static void odd_hellos_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *what, *bytes;
                enum dissect_result result;
                uint16_t version;
                const char *name;
        } rows[] = {
                {"grease and TLS 1.3 in supported_versions",
                 FRONT "000b 002b 0007 06 3a3a 0304 0303", DISSECT_OK, 0x0304, NULL},
                {"supported_versions below the version of the hello", FRONT "0007 002b 0003 02 0302", DISSECT_OK, 0x0302, NULL},
                {"a name list of another kind first",
                 FRONT "000f 0000 000b 0009 01 0001 78 00 0002 612e", DISSECT_OK, 0x0303, "a."},
                {"an empty name", FRONT "0009 0000 0005 0003 00 0000", DISSECT_OK, 0x0303, NULL},
                {"a name that runs over its list", FRONT "000b 0000 0007 0005 00 0009 6162", DISSECT_OK, 0x0303, NULL},
                {"an extension that runs over the extensions", FRONT "0006 0000 0009 6162", DISSECT_MALFORMED, 0x0303, NULL},
                {"ECH", FRONT "0004 fe0d 0000", DISSECT_OK, 0x0303, NULL},
                {"an odd number of cipher bytes",
                 "0303 0000000000000000000000000000000000000000000000000000000000000000 00 0003 130113 0100",
                 DISSECT_MALFORMED, 0x0303, NULL},
                {"SSL 2's version",
                 "0002 0000000000000000000000000000000000000000000000000000000000000000 00 0002 1301 0100",
                 DISSECT_NO_MATCH, 2, NULL},
                {"a session id of 33 bytes", "0303 0000000000000000000000000000000000000000000000000000000000000000 21",
                 DISSECT_MALFORMED, 0x0303, NULL},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[256];
                struct tls_client_hello hello;
                size_t length = hex_bytes(rows[i].bytes, bytes, sizeof bytes);
                struct cursor body = cursor_of(bytes, length);
                enum dissect_result result = tls_parse_client_hello(&body, false, &hello);
                if (result != rows[i].result || hello.version != rows[i].version)
                        fail_msg("%s: %d, version %04x", rows[i].what, result, hello.version);
                assert_int_equal(hello.name_length, rows[i].name ? strlen(rows[i].name) : 0);
                if (rows[i].name)
                        assert_memory_equal(hello.name, rows[i].name, hello.name_length);
                assert_int_equal(hello.encrypted, strcmp(rows[i].what, "ECH") == 0);
        }
}

static void a_request_to_retry_is_known_by_its_random(void **state)
{
        (void)state;
        uint8_t bytes[128];
        struct tls_server_hello hello;
        size_t length = hex_bytes("0303 cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c 00 1301 00"
                                  "0006 002b 0002 0304", bytes, sizeof bytes);
        assert_int_equal(parse_exactly(parse_server, bytes, length, &hello), DISSECT_OK);
        assert_true(hello.retry);
        assert_int_equal(hello.version, 0x0304);
}

static void hellos_are_read_however_tcp_cuts_them(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(client_hello, bytes, sizeof bytes);
        for (size_t step = 1; step <= length; step++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 8443);
                for (size_t at = 0; at < length; at += step)
                        fake_sense_send(sense, FROM_OPENER, bytes + at, at + step <= length ? step : length - at);
                assert_string_equal(sense->label, "TLS");
                assert_string_equal(sense->name, "api.cloudflareclient.com");
                assert_int_equal(sense->name_source, APNWATCH__V1__FLOW__NAME_SOURCE__SNI);
                uint8_t answer[256];
                size_t answer_length = hex_bytes(server_hello, answer, sizeof answer);
                assert_int_equal(sense->phase, FAKE_FOLLOWED);
                for (size_t at = 0; at < answer_length && sense->phase == FAKE_FOLLOWED; at += step) {
                        size_t part = at + step <= answer_length ? step : answer_length - at;
                        fake_sense_send(sense, TO_OPENER, answer + at, part);
                }
                assert_int_equal(sense->d.tls_version, 0x0304);
                assert_true(sense->encrypted);
                assert_int_equal(sense->phase, FAKE_SETTLED);
                fake_sense_close(sense);
        }
}

static void a_hello_may_be_spread_over_records(void **state)
{
        (void)state;
        uint8_t bytes[512], records[4096];
        size_t length = hex_bytes(client_hello, bytes, sizeof bytes) - RECORD;
        for (size_t size = 40; size <= length; size += 13) {
                size_t used = 0;
                for (size_t at = 0; at < length; at += size) {
                        size_t part = at + size <= length ? size : length - at;
                        memcpy(records + used, "\x16\x03\x01\x00", 4);
                        records[used + 4] = (uint8_t)part;
                        memcpy(records + used + RECORD, bytes + RECORD + at, part);
                        used += RECORD + part;
                }
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 443);
                fake_sense_send(sense, FROM_OPENER, records, used);
                assert_string_equal(sense->name, "api.cloudflareclient.com");
                fake_sense_close(sense);
        }
}

static void the_server_alone_tells_the_version(void **state)
{
        (void)state;
        uint8_t bytes[256];
        size_t length = hex_bytes(server_hello, bytes, sizeof bytes);
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 443);
        fake_sense_send(sense, TO_OPENER, bytes, length);
        assert_string_equal(sense->label, "TLS");
        assert_int_equal(sense->d.tls_version, 0x0304);
        for (unsigned i = 0; i < 10 && sense->phase == FAKE_FOLLOWED; i++)
                fake_sense_send(sense, TO_OPENER, "\x17\x03\x03\x00\x01x", 6);
        assert_int_equal(sense->phase, FAKE_SETTLED);
        assert_true(sense->encrypted);
        fake_sense_close(sense);
}

static void a_cut_hello_shows_what_is_there(void **state)
{
        (void)state;
        uint8_t bytes[512];
        hex_bytes(client_hello, bytes, sizeof bytes);
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 443);
        sense->d.cut = true;
        fake_sense_send(sense, FROM_OPENER, bytes, 130); /* behind the name */
        assert_string_equal(sense->name, "api.cloudflareclient.com");
        fake_sense_close(sense);
}

static void mail_ports_have_names_of_their_own(void **state)
{
        (void)state;
        static const struct { uint16_t port; const char *label; } rows[] = {
                {465, "SMTPS"}, {587, "SMTPS"}, {993, "IMAPS"}, {995, "POPS"}, {8883, "TLS"}, {5684, "TLS"},
        };
        uint8_t bytes[512];
        size_t length = hex_bytes(client_hello, bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, rows[i].port);
                fake_sense_send(sense, FROM_OPENER, bytes, length);
                assert_string_equal(sense->label, rows[i].label);
                fake_sense_close(sense);
        }
}

static void what_is_no_hello_is_left_to_others(void **state)
{
        (void)state;
        static const char *const rows[] = {
                "170303 0020", "160301 0000", "160201 00b5 01", "160301 00b5 0b", "160301 00b5 01 000001",
                "160301 00b5 01 0000b1 0202",
                "474554202f20485454502f312e31",
                "160301 00b5 01 0000b1 0303 d5c911a90ea478a17818562261b7f2dc15362e41bd006262d4698112779621f0 21",
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[256];
                size_t length = hex_bytes(rows[i], bytes, sizeof bytes);
                struct dissection d = {.protocol = IPPROTO_TCP};
                struct cursor payload = cursor_of(bytes, length);
                assert_int_equal(tls_dissector.recognise(&d, &payload), NOT_MINE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_real_client_hello_is_read),
                cmocka_unit_test(every_field_of_a_real_server_hello_is_read),
                cmocka_unit_test(every_shorter_hello_is_truncated),
                cmocka_unit_test(odd_hellos_are_told_apart),
                cmocka_unit_test(a_request_to_retry_is_known_by_its_random),
                cmocka_unit_test(hellos_are_read_however_tcp_cuts_them),
                cmocka_unit_test(a_hello_may_be_spread_over_records),
                cmocka_unit_test(the_server_alone_tells_the_version),
                cmocka_unit_test(a_cut_hello_shows_what_is_there),
                cmocka_unit_test(mail_ports_have_names_of_their_own),
                cmocka_unit_test(what_is_no_hello_is_left_to_others),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
