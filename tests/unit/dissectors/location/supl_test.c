#include "dissectors/location/supl.h"
#include "dissectors/location/supl_message.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

/* Encoded by hand, read alike by tshark 4.0. */

/* 1.0.0 START, IMSI 262011234567890, GSM cell 262-1-4660-22136, current */
static const uint8_t start_gsm[] = {
        0x00, 0x1b, 0x01, 0x00, 0x00, 0x80, 0x01, 0xcd, 0x88, 0x08, 0x44, 0xc9, 0x51, 0xda, 0x63, 0xc0, 0x43, 0x22, 0x40, 0x10,
        0x60, 0x04, 0x48, 0xd1, 0x59, 0xe0, 0x80};
/* 2.0.0 START, 10.20.0.7, capabilities with an addition, LTE cell 262-01-168496129, TAC 4660 */
static const uint8_t start_lte[] = {
        0x00, 0x1f, 0x02, 0x00, 0x00, 0x80, 0x02, 0x54, 0x14, 0x28, 0x00, 0x0e, 0x23, 0x90, 0x04, 0x04, 0x01, 0x24, 0x00, 0x59,
        0x01, 0x26, 0x20, 0x0d, 0x05, 0x86, 0x00, 0x8b, 0x04, 0x8d, 0x01};
/* 2.0.0 POS INIT, MSISDN 491512345678, SLP by a name of ten letters, WCDMA cell 310-410-123456789 */
static const uint8_t pos_init[] = {
        0x00, 0x27, 0x02, 0x00, 0x00, 0xc0, 0x02, 0x42, 0x51, 0x44, 0x85, 0x0d, 0x96, 0x1f, 0xff, 0xfc, 0x44, 0x88, 0xcd, 0x11,
        0x09, 0x51, 0x55, 0x97, 0x61, 0x96, 0x9b, 0x71, 0xd3, 0x01, 0x91, 0x21, 0x04, 0xd9, 0x9a, 0x75, 0xbc, 0xd1, 0x52};
/* 1.0.0 END */
static const uint8_t end[] = {0x00, 0x16, 0x01, 0x00, 0x00, 0xc0, 0x02, 0x54, 0x14, 0x28, 0x00,
                              0x0e, 0x22, 0x44, 0x66, 0x88, 0x00, 0x40, 0x80, 0xc1, 0x14, 0x00};

static void messages_are_read_field_by_field(void **state)
{
        (void)state;
        struct supl_message m;
        struct cursor at = cursor_of(start_gsm, sizeof start_gsm);
        assert_int_equal(supl_parse(&at, &m), DISSECT_OK);
        assert_int_equal(cursor_left(&at), 0);
        assert_int_equal(m.length, 27);
        assert_true(m.major == 1 && m.minor == 0 && m.service == 0 && m.kind == SUPL_START);
        assert_string_equal(m.subscriber, "262011234567890");
        assert_int_equal(m.cell, SUPL_GSM);
        assert_true(m.mcc == 262 && m.mnc == 1 && m.mnc_digits == 0 && m.area == 4660 && m.cell_id == 22136);
        at = cursor_of(start_lte, sizeof start_lte);
        assert_int_equal(supl_parse(&at, &m), DISSECT_OK);
        assert_int_equal(m.major, 2);
        assert_string_equal(m.subscriber, "");
        assert_int_equal(m.cell, SUPL_LTE);
        assert_true(m.mcc == 262 && m.mnc == 1 && m.mnc_digits == 2 && m.area == 4660 && m.cell_id == 168496129);
        at = cursor_of(pos_init, sizeof pos_init);
        assert_int_equal(supl_parse(&at, &m), DISSECT_OK);
        assert_int_equal(m.kind, SUPL_POS_INIT);
        assert_string_equal(m.subscriber, "491512345678");
        assert_int_equal(m.cell, SUPL_WCDMA);
        assert_true(m.mcc == 310 && m.mnc == 410 && m.cell_id == 123456789);
        at = cursor_of(end, sizeof end);
        assert_int_equal(supl_parse(&at, &m), DISSECT_OK);
        assert_int_equal(m.kind, SUPL_END);
        assert_int_equal(m.cell, SUPL_NO_CELL);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        for (size_t length = 0; length < sizeof pos_init; length++) {
                uint8_t *copy = malloc(length ? length : 1);
                struct supl_message m;
                memcpy(copy, pos_init, length);
                struct cursor at = cursor_of(copy, length);
                assert_int_equal(supl_parse(&at, &m), DISSECT_TRUNCATED);
                assert_int_equal(cursor_left(&at), length);
                free(copy);
        }
}

static void what_is_not_ulp_is_told_apart(void **state)
{
        (void)state;
        static const struct {
                unsigned at;
                uint8_t value;
        } changes[] = {
                {0, 0x50}, {1, 9}, {2, 0}, {2, 4}, {3, 10}, {4, 10}, {5, 0x00} /* nobody in the session */,
                {5, 0xc0} /* both where the device begins */, {7, 0xfd} /* an id of no kind */,
        };
        for (unsigned i = 0; i < sizeof changes / sizeof changes[0]; i++) {
                uint8_t copy[sizeof start_gsm];
                struct supl_message m;
                memcpy(copy, start_gsm, sizeof copy);
                copy[changes[i].at] = changes[i].value;
                struct cursor at = cursor_of(copy, sizeof copy);
                if (supl_parse(&at, &m) != DISSECT_NO_MATCH)
                        fail_msg("change %u", i);
        }
        /* DNS over TCP, a query with an id that looks like a version */
        static const uint8_t dns[] = {0, 29, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'c', 'o', 'm', 0, 0, 1, 0, 1};
        struct dissection d = {0};
        struct cursor at = cursor_of(dns, sizeof dns);
        assert_int_equal(supl_dissector.recognise(&d, &at), NOT_MINE);
        uint8_t more[sizeof start_gsm + 1] = {0};
        memcpy(more, start_gsm, sizeof start_gsm);
        at = cursor_of(more, sizeof more);
        assert_int_equal(supl_dissector.recognise(&d, &at), NOT_MINE);
        at = cursor_of(more, 20);
        assert_int_equal(supl_dissector.recognise(&d, &at), PERHAPS);
}

static void a_foreign_network_is_no_cell(void **state)
{
        (void)state;
        uint8_t copy[sizeof start_gsm];
        struct supl_message m;
        memcpy(copy, start_gsm, sizeof copy);
        copy[19] |= 0x3f; /* MCC 1023 */
        copy[20] |= 0xf0;
        struct cursor at = cursor_of(copy, sizeof copy);
        assert_int_equal(supl_parse(&at, &m), DISSECT_OK);
        assert_int_equal(m.cell, SUPL_NO_CELL);
}

static void a_devices_questions_are_told(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 7276);
        fake_sense_send(sense, FROM_OPENER, start_gsm, 10);
        fake_sense_send(sense, FROM_OPENER, start_gsm + 10, sizeof start_gsm - 10);
        assert_string_equal(sense->label, "SUPL");
        fake_sense_send(sense, TO_OPENER, end, sizeof end);
        fake_sense_send(sense, FROM_OPENER, pos_init, sizeof pos_init);
        fake_sense_send(sense, FROM_OPENER, end, sizeof end);
        assert_int_equal(sense->event_count, 2);
        assert_int_equal(sense->events[0]->body_case, APNWATCH__V1__EVENT__BODY_LOOKUP);
        const Apnwatch__V1__Lookup *l = sense->events[0]->lookup;
        assert_string_equal(l->family, "SUPL");
        assert_string_equal(l->version, "1.0.0");
        assert_string_equal(l->message, "SUPL START");
        assert_string_equal(l->subscriber, "262011234567890");
        assert_int_equal(l->cell->mcc, 262);
        assert_int_equal(l->cell->area, 4660);
        assert_string_equal(l->cell->kind, "cgi");
        assert_false(l->cell->has_mnc_digits);
        assert_int_equal(sense->events[0]->snippet->data.len, sizeof start_gsm);
        l = sense->events[1]->lookup;
        assert_string_equal(l->message, "SUPL POS INIT");
        assert_false(l->cell->has_area);
        assert_null(l->cell->kind);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(messages_are_read_field_by_field),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(what_is_not_ulp_is_told_apart),
                cmocka_unit_test(a_foreign_network_is_no_cell),
                cmocka_unit_test(a_devices_questions_are_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
