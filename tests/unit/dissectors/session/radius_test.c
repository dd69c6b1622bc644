#include "dissectors/session/radius.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

typedef Apnwatch__V1__Signalling told_t;

/* Accounting-Request, Start, of a gateway: session 0A4200020000ABCD, NAS 10.66.0.2, user@iot, iot.example, 491790000101, 10.45.0.7, and
 * of 3GPP: IMSI, charging id, PDP type, SGSN, GGSN, IMSI-MCC-MNC, NSAPI, selection mode, SGSN-MCC-MNC, IMEISV, RAT, ULI, time zone. */
#define START \
        "04010110000102030405060708090a0b0c0d0e0f 280600000001 2c1230413432303030323030303041424344 04060a420002 010a7573657240696f74" \
        "1e0d696f742e6578616d706c65 1f0e343931373930303030313031 08060a2d0007 1a17000028af0111303031303130303030303030313031" \
        "1a0c000028af02060000abcd 1a0c000028af030600000000 1a0c000028af06060a420001 1a0c000028af07060a420002 1a0d000028af08073030313031" \
        "1a09000028af0a0335 1a09000028af0c0330 1a0d000028af12073030313031 1a18000028af141233353334393030363938373333313533" \
        "1a09000028af150306 1a15000028af160f8200f110100100f11000012345 1a0a000028af17048000"
#define ACCOUNTING_ON "04050020000102030405060708090a0b0c0d0e0f 280600000007 04060a420002"

static enum dissect_result parse_bytes(const uint8_t *bytes, size_t length, struct signalling *s, struct radius_message *message)
{
        uint8_t *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
        struct cursor cursor = cursor_of(copy, length);
        enum dissect_result result = radius_parse(&cursor, s, message);
        free(copy);
        return result;
}

/* A message of this code with these attributes, the length as it is. */
static size_t build(uint8_t code, uint8_t identifier, const char *attributes, uint8_t bytes[2048])
{
        size_t length = 20 + hex_bytes(attributes, bytes + 20, 2028);
        memset(bytes, 0, 20);
        bytes[0] = code;
        bytes[1] = identifier;
        bytes[2] = (uint8_t)(length >> 8);
        bytes[3] = (uint8_t)length;
        return length;
}

static enum dissect_result parse_attributes(uint8_t code, const char *attributes, struct signalling *s, struct radius_message *message)
{
        uint8_t bytes[2048];
        return parse_bytes(bytes, build(code, 1, attributes, bytes), s, message);
}

static void send_message(struct fake_sense *sense, enum direction direction, uint8_t code, uint8_t identifier, const char *attributes)
{
        uint8_t bytes[2048];
        fake_sense_send(sense, direction, bytes, build(code, identifier, attributes, bytes));
}

static void send_hex(struct fake_sense *sense, enum direction direction, const char *text)
{
        uint8_t bytes[2048];
        fake_sense_send(sense, direction, bytes, hex_bytes(text, bytes, sizeof bytes));
}

static void every_field_of_a_start_is_read(void **state)
{
        (void)state;
        uint8_t bytes[512];
        char text[PLMN_TEXT_SIZE];
        struct signalling s;
        struct radius_message message;
        assert_int_equal(parse_bytes(bytes, hex_bytes(START, bytes, sizeof bytes), &s, &message), DISSECT_OK);
        assert_int_equal(s.protocol, APNWATCH__V1__SIGNALLING__PROTOCOL__RADIUS);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE);
        assert_int_equal(s.phase, APNWATCH__V1__SIGNALLING__PHASE__REQUEST);
        assert_int_equal(s.message, 4);
        assert_int_equal(s.sequence, 1);
        assert_false(s.has_accepted);
        assert_string_equal(s.session, "0A4200020000ABCD");
        assert_string_equal(s.node, "10.66.0.2");
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.imei, "3534900698733153");
        assert_string_equal(s.msisdn, "491790000101");
        assert_string_equal(s.apn.network, "iot.example");
        assert_true(s.has_ipv4 && !s.has_ipv6 && s.has_charging_id && s.has_bearer);
        assert_memory_equal(s.ipv4, "\x0a\x2d\x00\x07", 4);
        assert_int_equal(s.charging_id, 0xabcd);
        assert_int_equal(s.bearer, 5);
        assert_string_equal(s.rat, "EUTRAN");
        assert_string_equal(plmn_text(&s.plmn, text), "001-01");
        assert_string_equal(s.location.cell.kind, "ecgi");
        assert_int_equal(s.location.cell.id, 0x12345);
        assert_string_equal(s.location.area.kind, "tai");
        assert_int_equal(s.location.area.area, 0x1001);
        assert_true(message.names_subscriber && message.is_of_3gpp);
        assert_int_equal(s.endpoint_count, 0);
}

static void several_attributes_of_a_vendor_share_one(void **state)
{
        (void)state;
        struct signalling s;
        struct radius_message message;
        assert_int_equal(parse_attributes(4, "280600000003 1a1d000028af 0111303031303130303030303030313031 150308 0b03ff", &s, &message),
                         DISSECT_OK);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__MODIFY);
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.rat, "NB-IoT");
        assert_true(s.has_teardown && s.teardown);
        assert_int_equal(parse_attributes(4, "280600000003 1a0c000028af 150600000006", &s, &message), DISSECT_OK); /* as an integer */
        assert_string_equal(s.rat, "EUTRAN");
        /* of another vendor the same numbers mean something else */
        assert_int_equal(parse_attributes(4, "280600000003 1a1700000009 0111303031303130303030303030313031", &s, &message), DISSECT_OK);
        assert_string_equal(s.imsi, "");
        assert_false(message.names_subscriber);
        /* one without a length ends it all */
        assert_int_equal(parse_attributes(4, "280600000003 1a08000028af 0100", &s, &message), DISSECT_MALFORMED);
        assert_int_equal(parse_attributes(4, "280600000003 1a09000028af 011130", &s, &message), DISSECT_MALFORMED);
}

static void every_kind_of_address_is_read(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                unsigned ipv4, ipv6_length, framed_length, routes;
        } rows[] = {
                {"08060a2d0007", 4, 0, 0, 0},
                {"08060a2d0007 0906ffffffff", 4, 0, 0, 0},
                {"08060a2d0007 0906fffffff8", 4, 0, 29, 0},
                {"08060a2d0007 0906ff00fff8", 4, 0, 0, 0},                            /* no mask */
                {"0806ffffffff", 0, 0, 0, 0}, {"0806fffffffe", 0, 0, 0, 0}, {"080600000000", 0, 0, 0, 0}, {"08050a2d00", 0, 0, 0, 0},
                {"610c0040 20010db800010002", 0, 64, 0, 0},                           /* as many octets as it needs */
                {"61140040 20010db80001000200000000000000ff", 0, 64, 0, 0},           /* all of them */
                {"610b0038 20010db8000100", 0, 56, 0, 0},
                {"610b0040 20010db8000100", 0, 0, 0, 0},                              /* too few */
                {"610b0081 20010db8000100", 0, 0, 0, 0}, {"61040000", 0, 0, 0, 0}, {"6102", 0, 0, 0, 0},
                {"a812 20010db80001000200000000000000ff", 0, 128, 0, 0},
                {"a812 20010db80001000200000000000000ff 610c0040 20010db800010002", 0, 64, 0, 0},
                {"7b0b0038 20010db8000100", 0, 0, 0, 1},                              /* delegated */
                {"160f 31302e312e302e302f32342030 160a 31302e322e302e30", 0, 0, 0, 2},  /* 10.1.0.0/24, 10.2.0.0 */
                {"630f 323030313a6462383a3a2f3536", 0, 0, 0, 1},
                {"1605 616263 1602 160d 31302e312e302e302f3333", 0, 0, 0, 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                struct radius_message message;
                assert_int_equal(parse_attributes(4, rows[i].bytes, &s, &message), DISSECT_OK);
                assert_int_equal(s.has_ipv4, rows[i].ipv4 == 4);
                assert_int_equal(s.has_ipv6, rows[i].ipv6_length != 0);
                assert_int_equal(s.ipv6_length, rows[i].ipv6_length);
                assert_int_equal(s.has_framed_length ? s.framed_length : 0, rows[i].framed_length);
                assert_int_equal(s.route_count, rows[i].routes);
        }
}

static void a_route_without_a_length_has_that_of_its_class(void **state)
{
        (void)state;
        struct signalling s;
        struct radius_message message;
        assert_int_equal(parse_attributes(4, "160c 3137322e31362e302e30" /* 172.16.0.0 */ "160d 3139322e3136382e382e30" /* 192.168.8.0 */
                                             "160a 31302e322e302e30" /* 10.2.0.0 */, &s, &message), DISSECT_OK);
        assert_int_equal(s.route_count, 3);
        assert_int_equal(s.routes[0].length, 16);
        assert_int_equal(s.routes[1].length, 24);
        assert_int_equal(s.routes[2].length, 32); /* more bits than class A has */
        assert_memory_equal(s.routes[2].address, "\x0a\x02\0\0", 4);
}

static void locations_and_devices_come_in_octets_or_in_text(void **state)
{
        (void)state;
        struct signalling s;
        struct radius_message message;
        assert_int_equal(parse_attributes(4, "1a22000028af 161c 3832303066313130313030313030663131303030303132333435" /* hex text */
                                             "1a10000028af 140a 5343096089371335", &s, &message), DISSECT_OK);
        assert_string_equal(s.imei, "3534900698733153");
        assert_string_equal(s.location.cell.kind, "ecgi");
        assert_int_equal(s.location.cell.id, 0x12345);
}

static void who_is_no_mobile_subscriber_is_not_told(void **state)
{
        (void)state;
        static const struct {
                const char *what, *attributes;
                bool told;
        } rows[] = {
                {"Wi-Fi", "0107626f6221 1e1341432d37452d38412d34452d45322d3932 1f1330302d32362d37332d39452d30462d4433 0806c0a80ab9", false},
                {"a number", "1f0e343931373930303030313031 08060a2d0007", true},
                {"a number with +", "1f0f2b343931373930303030313031", true},
                {"a hardware address of digits", "1f0e303031343232393531323334", false},
                {"an extension", "1f06 34373131", false},
                {"an IMSI", "0111323632303130303030303030313031", true},
                {"an IMSI in a realm", "0115323632303130303030303030313031 40696f74", true},
                {"of no country", "0111183632303130303030303030313031", false},
                {"an IMEI", "0111333533343930303639383733333139", false},
                {"a longer number", "011232363230313030303030303031303132", false},
                {"nothing", "", false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 1813);
                uint8_t bytes[2048];
                size_t length = build(4, 7, rows[i].attributes, bytes);
                hex_bytes("280600000001", bytes + length, 6);
                bytes[3] = (uint8_t)(length + 6);
                fake_sense_send(sense, FROM_OPENER, bytes, length + 6);
                send_message(sense, TO_OPENER, 5, 7, "");
                assert_string_equal(sense->label, "Radius");
                if (sense->event_count != (rows[i].told ? 2 : 0))
                        fail_msg("%s", rows[i].what);
                fake_sense_close(sense);
        }
}

static void a_station_of_a_wifi_is_no_apn(void **state)
{
        (void)state;
        struct signalling s;
        struct radius_message message;
        assert_int_equal(parse_attributes(4, "1e1341432d37452d38412d34452d45322d3932", &s, &message), DISSECT_OK);
        assert_string_equal(s.apn.network, "");
        assert_int_equal(parse_attributes(4, "1e19 494f542e6d6e633030312e6d63633030312e67707273", &s, &message), DISSECT_MALFORMED);
        assert_int_equal(parse_attributes(4, "1e18 494f542e6d6e633030312e6d63633030312e67707273", &s, &message), DISSECT_OK);
        assert_string_equal(s.apn.network, "iot");
        assert_string_equal(s.apn.operator_part, "mnc001.mcc001.gprs");
}

static void an_answer_is_of_the_procedure_that_was_asked_for(void **state)
{
        (void)state;
#define IS(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define OF_3GPP "1a0c000028af02060000abcd"
        static const struct {
                uint8_t request, answer;
                const char *attributes;
                unsigned procedure, accepted;
        } rows[] = {
                {4, 5, "280600000001" OF_3GPP, IS(CREATE), 1}, {4, 5, "280600000002" OF_3GPP, IS(DELETE), 1},
                {4, 5, "280600000003" OF_3GPP, IS(MODIFY), 1}, {4, 5, "280600000007", IS(NODE_DELETE), 1},
                {4, 5, "280600000008", IS(NODE_DELETE), 1}, {4, 5, "280600000009" OF_3GPP, IS(OTHER), 1},
                {1, 2, OF_3GPP, IS(CREATE), 1}, {1, 3, OF_3GPP, IS(CREATE), 0}, {40, 41, OF_3GPP, IS(DELETE), 1},
                {40, 42, OF_3GPP, IS(DELETE), 0}, {43, 44, OF_3GPP, IS(MODIFY), 1}, {43, 45, OF_3GPP, IS(MODIFY), 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 3799);
                send_message(sense, FROM_OPENER, rows[i].request, 200, rows[i].attributes);
                send_message(sense, TO_OPENER, rows[i].answer, 199, ""); /* of a request that was not seen */
                send_message(sense, TO_OPENER, rows[i].answer, 200, "");
                assert_int_equal(sense->event_count, 2);
                const told_t *request = sense->events[0]->signalling, *answer = sense->events[1]->signalling;
                assert_int_equal(request->phase, 0);
                assert_int_equal(request->procedure, rows[i].procedure);
                assert_false(request->has_accepted);
                assert_int_equal(answer->phase, 1);
                assert_int_equal(answer->procedure, rows[i].procedure);
                assert_int_equal(answer->sequence, 200);
                assert_true(answer->has_accepted);
                assert_int_equal(answer->accepted, rows[i].accepted);
                fake_sense_close(sense);
        }
}

/* The identifier is used again for a request that is nobody's: its answer is not that of the earlier one. */
static void identifiers_wrap(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 1813);
        send_message(sense, FROM_OPENER, 4, 9, "280600000001" OF_3GPP);
        send_message(sense, FROM_OPENER, 4, 9, "280600000001");
        send_message(sense, TO_OPENER, 5, 9, "");
        send_message(sense, FROM_OPENER, 1, 10, OF_3GPP);
        send_message(sense, TO_OPENER, 11, 10, ""); /* a challenge is no answer yet */
        assert_int_equal(sense->event_count, 2);
        fake_sense_close(sense);
}

static void accounting_on_names_the_node(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 1813);
        send_hex(sense, FROM_OPENER, ACCOUNTING_ON);
        send_message(sense, FROM_OPENER, 4, 6, "280600000008 5f1220010db8000000000000000000000001");
        send_message(sense, FROM_OPENER, 4, 7, "280600000008 2006 67777931");
        assert_int_equal(sense->event_count, 3);
        assert_int_equal(sense->events[0]->signalling->procedure, IS(NODE_DELETE));
        assert_string_equal(sense->events[0]->signalling->node, "10.66.0.2");
        assert_string_equal(sense->events[1]->signalling->node, "2001:db8::1");
        assert_string_equal(sense->events[2]->signalling->node, "gwy1");
        fake_sense_close(sense);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(START, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++) {
                struct signalling s;
                struct radius_message message;
                assert_int_equal(parse_bytes(bytes, cut, &s, &message), DISSECT_TRUNCATED);
                assert_int_equal(s.message, cut < 20 ? 0 : 4);
        }
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *what, *bytes;
                enum dissect_result result;
        } rows[] = {
                {"no attributes", "05010014 00000000000000000000000000000000", DISSECT_OK},
                {"padding behind it", "05010014 00000000000000000000000000000000 0000", DISSECT_OK},
                {"a code that is none", "63010014 00000000000000000000000000000000", DISSECT_NO_MATCH},
                {"shorter than its header", "05010013 00000000000000000000000000000000", DISSECT_MALFORMED},
                {"longer than can be", "05011001 00000000000000000000000000000000", DISSECT_MALFORMED},
                {"an attribute without a length", "05010015 00000000000000000000000000000000 01", DISSECT_MALFORMED},
                {"an attribute of length 0", "05010016 00000000000000000000000000000000 0100", DISSECT_MALFORMED},
                {"an attribute beyond the end", "05010017 00000000000000000000000000000000 010461", DISSECT_MALFORMED},
                {"an empty attribute", "05010016 00000000000000000000000000000000 0102", DISSECT_OK},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[64];
                struct signalling s;
                struct radius_message message;
                if (parse_bytes(bytes, hex_bytes(rows[i].bytes, bytes, sizeof bytes), &s, &message) != rows[i].result)
                        fail_msg("%s", rows[i].what);
        }
}

static void a_message_of_a_device_is_not_believed(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 1813);
        sense->d.tunnelled = true;
        send_hex(sense, FROM_OPENER, START);
        assert_string_equal(sense->label, "Radius");
        assert_int_equal(sense->event_count, 0);
        fake_sense_close(sense);
}

static void another_port_takes_a_message_that_cannot_be_anything_else(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                uint16_t port;
                bool ours;
        } rows[] = {
                {START, 18130, true},
                {START "00", 18130, false},
                {ACCOUNTING_ON, 18130, false},
                {"05010014 00000000000000000000000000000000", 18130, false},
                {"05010014 00000000000000000000000000000000", 1646, true},
                {"63010014 00000000000000000000000000000000", 1812, false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, rows[i].port);
                send_hex(sense, FROM_OPENER, rows[i].bytes);
                assert_int_equal(sense->dissector == &radius_dissector, rows[i].ours);
                fake_sense_close(sense);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_start_is_read),
                cmocka_unit_test(several_attributes_of_a_vendor_share_one),
                cmocka_unit_test(every_kind_of_address_is_read),
                cmocka_unit_test(a_route_without_a_length_has_that_of_its_class),
                cmocka_unit_test(locations_and_devices_come_in_octets_or_in_text),
                cmocka_unit_test(who_is_no_mobile_subscriber_is_not_told),
                cmocka_unit_test(a_station_of_a_wifi_is_no_apn),
                cmocka_unit_test(an_answer_is_of_the_procedure_that_was_asked_for),
                cmocka_unit_test(identifiers_wrap),
                cmocka_unit_test(accounting_on_names_the_node),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(a_message_of_a_device_is_not_believed),
                cmocka_unit_test(another_port_takes_a_message_that_cannot_be_anything_else),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
