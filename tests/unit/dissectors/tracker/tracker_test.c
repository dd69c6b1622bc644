#include "dissectors/tracker/checksum.h"
#include "dissectors/tracker/gt06.h"
#include "dissectors/tracker/jt808.h"
#include "dissectors/tracker/tracker.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/tracker/logins.h"
#include "tests/unit/test.h"

static const char login_and_card[] =
                 "xx\x0d\x01\x08`S`A#E`\x00\x01\xc0\xac\x0d\x0ayy\x00 \x94\x0a\x08`S`A#E`\x02" "b\x01\x12" "4V"
                 "x\x90\x89I\x02\x00\x00\x12" "4Vx\x97\x00\x03\xfb>\x0d\x0a";
static const char registration_and_authentication_2019[] =
                 "~\x01\x00@S\x01\x00\x00\x00\x00\x01" "9\x12" "4Vx\x00\x01\x00\x0b\x00" "dConcox\x00\x00\x00"
                 "\x00\x00JC400\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00ID7\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01PLATE122~~\x01\x02@(\x01\x00\x00\x00\x00\x01"
                 "9\x12" "4Vx\x00\x01\x04" "auth860536041234560V1.2.3\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x0c~";
static const char attributes[] =
                 "~\x01\x07\x00" "8\x01" "9\x12" "4Vx\x00\x01\x00\x01QCTELTRK-9\x00\x00\x00\x00\x00\x00\x00"
                 "\x00\x00\x00\x00\x00\x00\x00\x00" "1234567\x89\x86\x00\x12" "4Vx\x90\x12" "4\x03HW1\x05" "FW"
                 "2.0\x01\x01\x8c~";

static void sums_are_those_of_the_catalogue(void **state)
{
        (void)state;
        struct cursor check = cursor_of("123456789", 9);
        assert_int_equal(crc16_x25(check), 0x906e);
        assert_int_equal(crc16_kermit(check), 0x2189);
        assert_int_equal(crc16_modbus(check), 0x4b37);
        assert_int_equal(crc16_xmodem(check), 0x31c3);
        assert_int_equal(crc16_ccitt_false(check), 0x29b1);
        assert_int_equal(crc8_egts(check), 0xf7);
        assert_int_equal(xor_of(check), 0x31);
        assert_int_equal(sum_of(check), 0xdd);
}

static void expect_text(const char *found, const char *expected, unsigned index)
{
        if ((found == NULL) != (expected == NULL) || (found != NULL && strcmp(found, expected) != 0))
                fail_msg("login %u: %s, expected %s", index, found ? found : "nothing", expected ? expected : "nothing");
}

static void expect_login(const struct fake_sense *sense, unsigned index)
{
        const struct login *login = &logins[index];
        if (sense->event_count != 1 || sense->events[0]->body_case != APNWATCH__V1__EVENT__BODY_SELF_REPORT)
                fail_msg("login %u: %u events", index, sense->event_count);
        const Apnwatch__V1__SelfReport *said = sense->events[0]->self_report;
        expect_text(said->protocol, login->family, index);
        expect_text(said->imei, login->imei, index);
        expect_text(said->vendor, login->vendor, index);
        expect_text(said->model, login->model, index);
        expect_text(said->firmware, login->firmware, index);
        expect_text(said->serial, login->serial, index);
        expect_text(said->device_id, login->id, index);
        assert_null(sense->label); /* nDPI names the flow, or nobody */
}

static void each_family_tells_who_logs_in(void **state)
{
        (void)state;
        for (unsigned i = 0; i < LOGINS; i++) {
                struct fake_sense *sense = fake_sense_open(logins[i].protocol, 5023);
                fake_sense_send(sense, FROM_OPENER, logins[i].bytes, logins[i].length);
                expect_login(sense, i);
                fake_sense_close(sense);
        }
}

static void a_login_in_two_segments_is_one(void **state)
{
        (void)state;
        for (unsigned i = 0; i < LOGINS; i++) {
                for (size_t cut = 1; cut < logins[i].length && logins[i].protocol == IPPROTO_TCP; cut++) {
                        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 5023);
                        fake_sense_send(sense, FROM_OPENER, logins[i].bytes, cut);
                        unsigned early = sense->event_count; /* line ends may come late */
                        fake_sense_send(sense, FROM_OPENER, logins[i].bytes + cut, logins[i].length - cut);
                        if (early == 0 || cut + 2 < logins[i].length)
                                expect_login(sense, i);
                        fake_sense_close(sense);
                }
        }
}

static void a_login_of_the_server_is_none(void **state)
{
        (void)state;
        for (unsigned i = 0; i < LOGINS; i++) {
                struct fake_sense *sense = fake_sense_open(logins[i].protocol, 5023);
                fake_sense_send(sense, TO_OPENER, logins[i].bytes, logins[i].length);
                assert_int_equal(sense->event_count, 0);
                fake_sense_close(sense);
        }
}

/* The IMEI that the message holds, or none: fails with any other. */
static bool tells_the_imei(const char *bytes, size_t length, uint8_t protocol, const char *imei)
{
        struct fake_sense *sense = fake_sense_open(protocol, 5023);
        fake_sense_send(sense, FROM_OPENER, bytes, length);
        bool is_told = sense->event_count > 0 && sense->events[0]->self_report->imei != NULL;
        if (is_told && strcmp(sense->events[0]->self_report->imei, imei) != 0)
                fail_msg("an IMEI that was never sent: %s", sense->events[0]->self_report->imei);
        fake_sense_close(sense);
        return is_told;
}

static void no_changed_octet_makes_another_imei(void **state)
{
        (void)state;
        for (unsigned i = 0; i < LOGINS; i++) {
                char changed[512];
                assert_true(logins[i].length < sizeof changed);
                for (size_t at = 0; logins[i].imei != NULL && at < logins[i].length; at++) {
                        memcpy(changed, logins[i].bytes, logins[i].length);
                        changed[at] = (char)(changed[at] ^ 1); /* a digit becomes its neighbour */
                        tells_the_imei(changed, logins[i].length, logins[i].protocol, logins[i].imei);
                        changed[at] = (char)(changed[at] ^ 0x81);
                        tells_the_imei(changed, logins[i].length, logins[i].protocol, logins[i].imei);
                }
        }
}

static void a_card_has_a_whole_number_or_none(void **state)
{
        (void)state;
        static const struct {
                const char *octets, *expected;
        } rows[] = {{"\x89\x49\x02\x00\x00\x12\x34\x56\x78\x97", "89490200001234567897"},
                    {"\x89\x49\x02\x00\x00\x12\x34\x56\x78\x9f", "8949020000123456789"},
                    {"\x89\x49\x02\x00\x00\x12\x34\x56\x78\xff", "894902000012345678"},
                    {"\x89\x49\x02\x00\x00\xff\xff\xff\xff\xff", ""},
                    {"\x12\x49\x02\x00\x00\x12\x34\x56\x78\xff", ""},
                    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct nameplate plate = {.protocol = "GT06"};
                nameplate_take_iccid(&plate, (const uint8_t *)rows[i].octets);
                assert_string_equal(plate.iccid, rows[i].expected);
        }
}

static void the_card_and_the_next_messages_are_read(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 5023);
        fake_sense_send(sense, FROM_OPENER, login_and_card, sizeof login_and_card - 1);
        fake_sense_send(sense, TO_OPENER, "\x78\x78\x05\x01\x00\x01\xd9\xdc\x0d\x0a", 10);
        fake_sense_send(sense, FROM_OPENER, login_and_card, sizeof login_and_card - 1);
        assert_int_equal(sense->event_count, 4);
        assert_string_equal(sense->events[1]->self_report->imsi, "262011234567890");
        assert_string_equal(sense->events[1]->self_report->iccid, "89490200001234567897");
        fake_sense_close(sense);
        sense = fake_sense_open(IPPROTO_TCP, 5015);
        fake_sense_send(sense, FROM_OPENER, registration_and_authentication_2019, sizeof registration_and_authentication_2019 - 1);
        assert_int_equal(sense->event_count, 2);
        assert_string_equal(sense->events[0]->self_report->vendor, "Concox");
        assert_string_equal(sense->events[0]->self_report->model, "JC400");
        assert_string_equal(sense->events[1]->self_report->imei, "860536041234560");
        assert_string_equal(sense->events[1]->self_report->firmware, "V1.2.3");
        fake_sense_close(sense);
        sense = fake_sense_open(IPPROTO_UDP, 5015);
        fake_sense_send(sense, FROM_OPENER, attributes, sizeof attributes - 1);
        assert_int_equal(sense->event_count, 1);
        assert_string_equal(sense->events[0]->self_report->iccid, "89860012345678901234");
        assert_string_equal(sense->events[0]->self_report->firmware, "FW2.0");
        fake_sense_close(sense);
}

static void what_every_message_repeats_is_told_once(void **state)
{
        (void)state;
        const struct login *login = &logins[0];
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5023);
        for (unsigned i = 0; i < 40; i++)
                fake_sense_send(sense, FROM_OPENER, login->bytes, login->length);
        assert_int_equal(sense->event_count, 1);
        assert_int_equal(sense->phase, FAKE_SETTLED); /* followed for a while only */
        fake_sense_close(sense);
}

static void what_looks_alike_is_nobodys(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                size_t length;
        } alike[] = {
                {BYTES("\x7e\xff\x03\xc0\x21\x01\x01\x00\x0e\x02\x06\x00\x0a\x00\x00\x07\x02\x08\x02\x8f\x1e\x7e")}, /* PPP in HDLC */
                {BYTES("\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e")},                                    /* DLMS in HDLC */
                {BYTES("\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a")},                   /* Modbus */
                {BYTES("\x00\x0f" "12345678901234a")},
                {BYTES("\x78\x78\x0d\x01\x08\x60\x53\x60\x41\x23\x45\x60\x00\x01\x00\x00\x0d\x0a")}, /* wrong sum */
                {BYTES("+RESP:OK$")},
                {BYTES("*1\r\n$4\r\nPING\r\n")},                                                        /* Redis */
                {BYTES("$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n")},
                {BYTES("#!/bin/sh\n")}, {BYTES("[\"a\",1]")}, {BYTES("(define x 1)")}, {BYTES("123456789012345;")},
                {BYTES("\xff\xfd\x18\xff\xfd\x20\xff\xfd\x23\xff\xfd\x27")},                   /* telnet */
                {BYTES("@PJL INFO STATUS\r\n")}, {BYTES("*HQ,12,V1,1#")},
        };
        for (unsigned i = 0; i < sizeof alike / sizeof alike[0]; i++) {
                for (unsigned udp = 0; udp < 2; udp++) {
                        struct dissection d = {.protocol = udp ? IPPROTO_UDP : IPPROTO_TCP, .from_device = true};
                        struct cursor at = cursor_of(alike[i].bytes, alike[i].length);
                        if (tracker_dissector.recognise(&d, &at) == MINE)
                                fail_msg("look-alike %u", i);
                }
        }
}

static void frames_are_read_field_by_field(void **state)
{
        (void)state;
        struct gt06_message gt06;
        struct cursor at = cursor_of(logins[0].bytes, logins[0].length);
        assert_int_equal(gt06_parse(&at, &gt06), DISSECT_OK);
        assert_int_equal(cursor_left(&at), 0);
        assert_true(gt06.type == 1 && gt06.serial == 1 && cursor_left(&gt06.body) == 8);
        struct jt808_message jt808;
        uint8_t bytes[JT808_MOST];
        at = cursor_of(attributes, sizeof attributes - 1);
        assert_int_equal(jt808_parse(&at, bytes, &jt808), DISSECT_OK);
        assert_true(jt808.id == 0x0107 && !jt808.is_2019 && !jt808.is_part && !jt808.is_encrypted);
        assert_string_equal(jt808.phone, "13912345678");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sums_are_those_of_the_catalogue),
                cmocka_unit_test(each_family_tells_who_logs_in),
                cmocka_unit_test(a_login_in_two_segments_is_one),
                cmocka_unit_test(a_login_of_the_server_is_none),
                cmocka_unit_test(no_changed_octet_makes_another_imei),
                cmocka_unit_test(the_card_and_the_next_messages_are_read),
                cmocka_unit_test(a_card_has_a_whole_number_or_none),
                cmocka_unit_test(what_every_message_repeats_is_told_once),
                cmocka_unit_test(what_looks_alike_is_nobodys),
                cmocka_unit_test(frames_are_read_field_by_field),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
