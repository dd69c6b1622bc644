#include "dissectors/app/dlms.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

/* From a public capture of a meter (nDPI's dlms.pcap): SNRM, and AARQ behind LLC's E6 E6 00, whose
 * frame check sequence the one who made it anonymous left wrong. */
static const uint8_t snrm[] = {0x7e, 0xa0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x7e};
static const uint8_t aarq[] = {0x7e, 0xa0, 0x2b, 0x03, 0x21, 0x10, 0xfb, 0xaf, 0xe6, 0xe6, 0x00, 0x60, 0x1d, 0xa1, 0x0b,
                               0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01, 0x01, 0xbe, 0x10, 0x04, 0x0e, 0x01, 0x00,
                               0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x1e, 0x1d, 0xff, 0xff, 0xc5, 0xe4, 0x7e};
/* Wrapper: version 1, client 16, server 1, 31 octets of AARQ */
static const uint8_t wrapped[] = {0, 1, 0, 16, 0, 1, 0, 31, 0x60, 0x1d, 0xa1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
                                  0x01, 0xbe, 0x10, 0x04, 0x0e, 0x01, 0x00, 0x00, 0x00, 0x06, 0x5f, 0x1f, 0x04, 0x00, 0x00, 0x1e,
                                  0x1d, 0xff, 0xff};
/* get-request-normal of the clock's time */
static const uint8_t get[] = {0, 1, 0, 16, 0, 1, 0, 13, 0xc0, 1, 0xc1, 0, 8, 0, 0, 1, 0, 0, 255, 2, 0};

static void frames_are_read_field_by_field(void **state)
{
        (void)state;
        struct dlms_frame f;
        struct cursor at = cursor_of(snrm, sizeof snrm);
        assert_int_equal(dlms_parse_hdlc(&at, &f), DISSECT_OK);
        assert_true(!f.wrapped && f.control == 0x93 && f.tag == 0 && !f.associates);
        at = cursor_of(aarq, sizeof aarq);
        assert_int_equal(dlms_parse_hdlc(&at, &f), DISSECT_OK);
        assert_true(f.control == 0x10 && f.tag == 0x60 && f.associates);
        assert_int_equal(cursor_left(&at), 0);
        at = cursor_of(wrapped, sizeof wrapped);
        assert_int_equal(dlms_parse_wrapper(&at, &f), DISSECT_OK);
        assert_true(f.wrapped && f.source == 16 && f.destination == 1 && f.tag == 0x60 && f.associates);
        at = cursor_of(get, sizeof get);
        assert_int_equal(dlms_parse_wrapper(&at, &f), DISSECT_OK);
        assert_true(f.tag == 0xc0 && !f.associates);
}

static void every_shorter_frame_is_truncated(void **state)
{
        (void)state;
        struct dlms_frame f;
        for (size_t length = 0; length < sizeof aarq; length++) {
                uint8_t *copy = malloc(length ? length : 1);
                memcpy(copy, aarq, length);
                struct cursor at = cursor_of(copy, length);
                assert_int_equal(dlms_parse_hdlc(&at, &f), DISSECT_TRUNCATED);
                free(copy);
        }
        for (size_t length = 0; length < sizeof wrapped; length++) {
                uint8_t *copy = malloc(length ? length : 1);
                memcpy(copy, wrapped, length);
                struct cursor at = cursor_of(copy, length);
                assert_int_equal(dlms_parse_wrapper(&at, &f), DISSECT_TRUNCATED);
                free(copy);
        }
}

static void one_wrong_octet_is_enough_for_no(void **state)
{
        (void)state;
        struct dlms_frame f;
        for (size_t i = 0; i < 12; i++) { /* up to the APDU's tag */
                uint8_t copy[sizeof aarq];
                memcpy(copy, aarq, sizeof copy);
                copy[i] ^= 0x04;
                struct cursor at = cursor_of(copy, sizeof copy);
                if (dlms_parse_hdlc(&at, &f) == DISSECT_OK)
                        fail_msg("octet %zu", i);
        }
        for (size_t i = 0; i < sizeof snrm; i++) {
                uint8_t copy[sizeof snrm];
                memcpy(copy, snrm, sizeof copy);
                copy[i] ^= 0x40;
                struct cursor at = cursor_of(copy, sizeof copy);
                if (dlms_parse_hdlc(&at, &f) == DISSECT_OK)
                        fail_msg("octet %zu", i);
        }
        static const struct {
                unsigned at;
                uint8_t value;
        } changes[] = {{0, 1}, {1, 2}, {7, 30}, {7, 0}, {8, 0x64}};
        for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++) {
                uint8_t copy[sizeof wrapped];
                memcpy(copy, wrapped, sizeof copy);
                copy[changes[i].at] = changes[i].value;
                struct cursor at = cursor_of(copy, sizeof copy);
                assert_int_equal(dlms_parse_wrapper(&at, &f), DISSECT_NO_MATCH);
        }
}

static void flows_are_labelled(void **state)
{
        (void)state;
        static const struct {
                const uint8_t *bytes;
                size_t length;
                uint16_t port;
                uint8_t protocol;
                bool mine;
        } flows[] = {
                {snrm, sizeof snrm, 4060, IPPROTO_TCP, true},   {aarq, sizeof aarq, 7000, IPPROTO_TCP, true},
                {wrapped, sizeof wrapped, 7000, IPPROTO_TCP, true}, {wrapped, sizeof wrapped, 7000, IPPROTO_UDP, true},
                {get, sizeof get, 4059, IPPROTO_TCP, true},     {get, sizeof get, 7000, IPPROTO_TCP, false},
        };
        for (unsigned i = 0; i < sizeof flows / sizeof flows[0]; i++) {
                struct fake_sense *sense = fake_sense_open(flows[i].protocol, flows[i].port);
                fake_sense_send(sense, FROM_OPENER, flows[i].bytes, flows[i].length);
                assert_true((sense->label != NULL && strcmp(sense->label, "DLMS") == 0) == flows[i].mine);
                fake_sense_close(sense);
        }
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 4059);
        fake_sense_send(sense, FROM_OPENER, wrapped, 5);
        assert_null(sense->label);
        fake_sense_send(sense, FROM_OPENER, wrapped + 5, sizeof wrapped - 5);
        assert_string_equal(sense->label, "DLMS");
        assert_int_equal(sense->phase, FAKE_SETTLED);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frames_are_read_field_by_field),
                cmocka_unit_test(every_shorter_frame_is_truncated),
                cmocka_unit_test(one_wrong_octet_is_enough_for_no),
                cmocka_unit_test(flows_are_labelled),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
