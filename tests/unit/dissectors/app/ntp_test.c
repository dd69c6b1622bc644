#include "dissectors/app/ntp.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

/* From ntop/nDPI's android.pcap, frame 94: an answer of version 3, stratum 1, "GOOG". */
static const char answer[] =
        "1c 01 00 ec 00000000 0000000c 474f4f47" /* flags, stratum, poll, precision, delay, dispersion, reference id */
        "e1fcd6d356f0a848 e1fcd68ee3126ecc e1fcd6d356f0a849 e1fcd6d356f0a84b";

static enum dissect_result parse_message(struct cursor *payload, void *message)
{
        return ntp_parse(payload, message);
}

static void every_field_of_a_real_answer_is_read(void **state)
{
        (void)state;
        uint8_t bytes[64];
        struct ntp_message m;
        assert_int_equal(parse_exactly(parse_message, bytes, hex_bytes(answer, bytes, sizeof bytes), &m), DISSECT_OK);
        assert_int_equal(m.leap, 0);
        assert_int_equal(m.version, 3);
        assert_int_equal(m.mode, 4);
        assert_int_equal(m.stratum, 1);
        assert_int_equal(m.poll, 0);
        assert_int_equal(m.precision, -20);
        assert_int_equal(m.root_delay, 0);
        assert_int_equal(m.root_dispersion, 12);
        assert_int_equal(m.reference_id, 0x474f4f47);
        assert_true(m.reference == 0xe1fcd6d356f0a848);
        assert_true(m.origin == 0xe1fcd68ee3126ecc);
        assert_true(m.receive == 0xe1fcd6d356f0a849);
        assert_true(m.transmit == 0xe1fcd6d356f0a84b);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[64];
        struct ntp_message m;
        size_t length = hex_bytes(answer, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++)
                assert_int_equal(parse_exactly(parse_message, bytes, cut, &m), DISSECT_TRUNCATED);
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint8_t first, second;
                size_t length;
                enum dissect_result result;
        } rows[] = {
                {"version 1 without modes", 0x08, 0, 48, DISSECT_OK},
                {"version 4 with a digest of 20 bytes", 0x23, 0, 68, DISSECT_OK},
                {"half a word behind the header", 0x23, 0, 50, DISSECT_MALFORMED},
                {"version 0", 0x03, 0, 48, DISSECT_NO_MATCH},
                {"version 5", 0x2b, 0, 48, DISSECT_NO_MATCH},
                {"mode 0 in version 4", 0x20, 0, 48, DISSECT_MALFORMED},
                {"stratum 17", 0x24, 17, 48, DISSECT_MALFORMED},
                {"control, read variables", 0x16, 2, 12, DISSECT_OK},
                {"control that ends early", 0x16, 2, 11, DISSECT_TRUNCATED},
                {"private, monlist", 0x17, 0, 8, DISSECT_OK},
                {"private that ends early", 0x17, 0, 7, DISSECT_TRUNCATED},
                {"more behind the header than fields and digest need", 0x23, 0, 1400, DISSECT_MALFORMED},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[1500] = {rows[i].first, rows[i].second};
                struct ntp_message m;
                if (parse_exactly(parse_message, bytes, rows[i].length, &m) != rows[i].result)
                        fail_msg("%s", rows[i].what);
        }
}

static void only_its_port_makes_a_flow_ntp(void **state)
{
        (void)state;
        uint8_t bytes[64];
        size_t length = hex_bytes(answer, bytes, sizeof bytes);
        for (uint16_t port = 123; port <= 124; port++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, port);
                fake_sense_send(sense, FROM_OPENER, bytes, length);
                if (port == 123)
                        assert_string_equal(sense->label, "NTP");
                else
                        assert_null(sense->label);
                assert_int_equal(sense->phase, FAKE_SETTLED);
                assert_int_equal(sense->event_count, 0);
                fake_sense_close(sense);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_real_answer_is_read),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(only_its_port_makes_a_flow_ntp),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
