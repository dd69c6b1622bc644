#include "dissectors/session/pfcp.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

typedef Apnwatch__V1__Signalling told_t;

/* Node ID, F-SEID, an uplink PDR whose F-TEID the user plane chooses, a downlink PDR, two FARs, PDN type, User ID, DNN iot.example. */
#define ESTABLISHMENT_REQUEST \
        "21 32 00ea 0000000000000000 000001 00 003c0005 00 0a420003  0039000d 02 0000000000000011 0a420003" \
        "0001003a 003800020001 001d0004000000ff 00020020 0014000100 0015000105 0016000908 696e7465726e6574 005d0005 02 0a2d0007" \
        "  006c000400000001" \
        "00010035 003800020002 001d0004000000ff 0002001b 0014000101 0016000908 696e7465726e6574 005d0005 06 0a2d0007" \
        "  006c000400000002" \
        "00030016 006c000400000002 002c000102 00040005 002a000100  0071000101" \
        "008d001a 07 08 00010100000001f1 08 5343096089371335 06 947109001010  009f000c 03696f74076578616d706c65"
#define ESTABLISHMENT_RESPONSE \
        "21 33 0042 0000000000000011 000001 00 003c0005 00 0a420004  0013000101  0039000d 02 0000000000000022 0a420004" \
        "00080013 003800020001 00150009 01 00004001 0a420004"
#define MODIFICATION_REQUEST \
        "21 34 0034 0000000000000022 000002 00 000a0024 006c000400000002 002c000102 000b0013 002a000100 0054000a 0100 00002001 0a420001"

static enum dissect_result parse_bytes(const uint8_t *bytes, size_t length, struct signalling *s, struct pfcp_message *message)
{
        uint8_t *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
        struct cursor cursor = cursor_of(copy, length);
        enum dissect_result result = pfcp_parse(&cursor, s, message);
        free(copy);
        return result;
}

static enum dissect_result parse(const char *text, struct signalling *s)
{
        uint8_t bytes[2048];
        struct pfcp_message message;
        return parse_bytes(bytes, hex_bytes(text, bytes, sizeof bytes), s, &message);
}

static void send_text(struct fake_sense *sense, enum direction direction, const char *text)
{
        uint8_t bytes[2048];
        fake_sense_send(sense, direction, bytes, hex_bytes(text, bytes, sizeof bytes));
}

/* A session message with these elements. */
static enum dissect_result parse_elements(uint8_t type, const char *text, struct signalling *s)
{
        uint8_t bytes[2048] = {0x21, type, 0, 0, [11] = 9, [14] = 1};
        struct pfcp_message message;
        size_t length = hex_bytes(text, bytes + 16, sizeof bytes - 16) + 12;
        bytes[2] = (uint8_t)(length >> 8);
        bytes[3] = (uint8_t)length;
        return parse_bytes(bytes, length + 4, s, &message);
}

static void every_field_of_an_establishment_request_is_read(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse(ESTABLISHMENT_REQUEST, &s), DISSECT_OK);
        assert_int_equal(s.protocol, APNWATCH__V1__SIGNALLING__PROTOCOL__PFCP);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE);
        assert_int_equal(s.phase, APNWATCH__V1__SIGNALLING__PHASE__REQUEST);
        assert_int_equal(s.message, 50);
        assert_true(s.has_key && s.has_sequence);
        assert_int_equal(s.key, 0);
        assert_int_equal(s.sequence, 1);
        assert_string_equal(s.node, "10.66.0.3");
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.imei, "3534900698733153");
        assert_string_equal(s.msisdn, "491790000101");
        assert_string_equal(s.apn.network, "iot.example"); /* the DNN, not the network instance */
        assert_true(s.has_ipv4 && !s.has_ipv6);
        assert_memory_equal(s.ipv4, "\x0a\x2d\x00\x07", 4);
        assert_int_equal(s.endpoint_count, 1);
        assert_false(s.endpoints[0].user);
        assert_int_equal(s.endpoints[0].key, 0x11);
        assert_memory_equal(s.endpoints[0].ipv4, "\x0a\x42\x00\x03", 4);
}

static void a_chosen_tunnel_takes_its_side_from_the_request(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 8805);
        send_text(sense, FROM_OPENER, ESTABLISHMENT_REQUEST);
        send_text(sense, TO_OPENER, ESTABLISHMENT_RESPONSE);
        send_text(sense, FROM_OPENER, MODIFICATION_REQUEST);
        assert_string_equal(sense->label, "PFCP");
        assert_int_equal(sense->event_count, 3);
        const told_t *answer = sense->events[1]->signalling, *handover = sense->events[2]->signalling;
        assert_int_equal(answer->key, 0x11);
        assert_true(answer->has_accepted && answer->accepted);
        assert_int_equal(answer->n_endpoint, 2);
        assert_int_equal(answer->endpoint[0]->key, 0x22);
        assert_true(answer->endpoint[1]->user);
        assert_int_equal(answer->endpoint[1]->key, 0x4001);
        assert_true(answer->endpoint[1]->has_of_network && answer->endpoint[1]->of_network);
        assert_int_equal(handover->procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__MODIFY);
        assert_int_equal(handover->key, 0x22);
        assert_int_equal(handover->n_endpoint, 1);
        assert_int_equal(handover->endpoint[0]->key, 0x2001);
        assert_true(handover->endpoint[0]->has_of_network && !handover->endpoint[0]->of_network);
        fake_sense_close(sense);
        sense = fake_sense_open(IPPROTO_UDP, 8805); /* the request was not seen */
        send_text(sense, TO_OPENER, ESTABLISHMENT_RESPONSE);
        assert_int_equal(sense->event_count, 1);
        assert_int_equal(sense->events[0]->signalling->n_endpoint, 2);
        assert_false(sense->events[0]->signalling->endpoint[1]->has_of_network);
        fake_sense_close(sense);
}

/* The Traffic Endpoint has the F-TEID and the address, the PDR behind it says the side. */
static void a_traffic_endpoint_stands_for_the_rules_that_name_it(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse_elements(50,
                "007f0023 0083000107 00150009 01 00000777 0a420004 005d0005 02 0a2d0008 0016000403 696f74"
                "00010014 003800020005 0002000a 0014000101 0083000107", &s), DISSECT_OK);
        assert_int_equal(s.endpoint_count, 1);
        assert_int_equal(s.endpoints[0].key, 0x777);
        assert_true(s.endpoints[0].has_of_network && !s.endpoints[0].of_network);
        assert_memory_equal(s.ipv4, "\x0a\x2d\x00\x08", 4);
        assert_string_equal(s.apn.network, "iot");
}

/* That of the core rather than that of the access. */
static void network_instances_stand_for_a_missing_dnn(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse_elements(50,
                "00010019 003800020001 0002000f 0014000100 00160006 616363657373"
                "00010018 003800020002 0002000e 0014000101 00160005 04636f7265", &s), DISSECT_OK);
        assert_string_equal(s.apn.network, "core");
}

static void every_kind_of_ue_address_is_read(void **state)
{
        (void)state;
#define PDR(pdr, pdi, value) "00010" pdr "00020" pdi "005d00" value
        static const struct {
                const char *bytes;
                bool ipv4, ipv6;
                unsigned length;
        } rows[] = {
                {PDR("00d", "009", "05 02 0a2d0007"), true, false, 0},
                {PDR("019", "015", "11 01 20010db80001000200000000000000ff"), false, true, 64},
                {PDR("01d", "019", "15 03 0a2d0007 20010db80001000200000000000000ff"), true, true, 64},
                {PDR("01a", "016", "12 09 20010db80001000200000000000000ff 08"), false, true, 56},
                {PDR("01a", "016", "12 41 20010db80001000200000000000000ff 38"), false, true, 56},
                {PDR("01b", "017", "13 49 20010db80001000200000000000000ff 00 38"), false, true, 56},
                {PDR("009", "005", "01 30"), false, false, 0},        /* the user plane chooses */
                {PDR("00d", "009", "05 02 00000000"), false, false, 0},
                {PDR("00c", "008", "04 02 0a2d00"), false, false, 0}, /* cut */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                assert_int_equal(parse_elements(50, rows[i].bytes, &s), DISSECT_OK);
                assert_int_equal(s.has_ipv4, rows[i].ipv4);
                assert_int_equal(s.has_ipv6, rows[i].ipv6);
                assert_int_equal(s.ipv6_length, rows[i].length);
                if (s.has_ipv6)
                        assert_memory_equal(s.ipv6_prefix, s.ipv6_length == 64 ? "\x20\x01\x0d\xb8\0\x01\0\x02\0\0\0\0\0\0\0\0" :
                                                                                 "\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\0", 16);
        }
}

static void users_are_named_by_digits_or_by_text(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse_elements(50, "008d0044 78 04 6d654078" /* NAI me@x */
                "14 696d73692d303031303130303030303030313031 13 6d736973646e2d343931373930303030313031"
                "14 696d65692d333533343930303639383733333135", &s), DISSECT_OK);
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.msisdn, "491790000101");
        assert_string_equal(s.imei, "353490069873315");
        assert_int_equal(parse_elements(50, "008d0004 01 08 0001", &s), DISSECT_OK); /* cut */
        assert_string_equal(s.imsi, "");
}

static void networks_behind_the_device_are_told(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse_elements(50, "0001002d 00020029"
                "0099000d 31302e312e302e302f32342030" "009b0010 323030313a6462383a3a2f3536203a3a" "00140000", &s), DISSECT_OK);
        assert_int_equal(s.route_count, 2);
        assert_int_equal(s.routes[0].address_length, 4);
        assert_int_equal(s.routes[0].length, 24);
        assert_memory_equal(s.routes[0].address, "\x0a\x01\0\0", 4);
        assert_int_equal(s.routes[1].length, 56);
        assert_memory_equal(s.routes[1].address, "\x20\x01\x0d\xb8", 4);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(ESTABLISHMENT_REQUEST, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++) {
                struct signalling s;
                struct pfcp_message message;
                assert_int_equal(parse_bytes(bytes, cut, &s, &message), DISSECT_TRUNCATED);
                assert_int_equal(s.message, cut < 16 ? 0 : 50);
        }
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *what, *bytes;
                enum dissect_result result;
        } rows[] = {
                {"heartbeat", "20 01 000c 000001 00 00600004 e8754700", DISSECT_OK},
                {"no elements", "21 36 000c 0000000000000001 000001 00", DISSECT_OK},
                {"with priority", "23 36 000c 0000000000000001 000001 10", DISSECT_OK},
                {"version 2", "41 36 000c 0000000000000001 000001 00", DISSECT_NO_MATCH},
                {"a message of later days", "21 3c 000c 0000000000000001 000001 00", DISSECT_NO_MATCH},
                {"message 0", "20 00 0004 000001 00", DISSECT_NO_MATCH},
                {"shorter than its header", "21 36 000b 0000000000000001 000001 00", DISSECT_MALFORMED},
                {"an element without its head", "20 01 0006 000001 00 0060", DISSECT_MALFORMED},
                {"an element beyond the end", "20 01 000b 000001 00 00600004 e87547", DISSECT_MALFORMED},
                {"an element beyond its group", "21 32 0014 0000000000000001 000001 00 00010004 00380002", DISSECT_MALFORMED},
                {"of an enterprise", "21 36 0013 0000000000000001 000001 00 80010003 28af00", DISSECT_OK},
                {"groups without end", "21 32 0024 0000000000000001 000001 00 00010014 00020010 0002000c 00020008 00020004 00020000",
                 DISSECT_OK},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                if (parse(rows[i].bytes, &s) != rows[i].result)
                        fail_msg("%s", rows[i].what);
                assert_int_equal(s.endpoint_count, 0);
        }
}

static void causes_below_64_mean_yes(void **state)
{
        (void)state;
        static const struct {
                const char *elements;
                bool accepted;
        } rows[] = {{"0013000100", false}, {"0013000101", true}, {"0013000102", true}, {"0013000140", false}, {"0013000141", false}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                assert_int_equal(parse_elements(51, rows[i].elements, &s), DISSECT_OK);
                assert_true(s.has_accepted);
                assert_int_equal(s.accepted, rows[i].accepted);
        }
}

/* FQ-CSIDs of 10.255.0.5 (of SGW-C by the octet behind), of 10.255.0.6 without that octet; Session Retention Information. */
static void sets_and_what_is_retained_are_told(void **state)
{
        (void)state;
        static const char *const texts[] = {("200e 0025 000001 00 003c 0005 00 0aff0005 0041 0008 01 0aff0005 0007 01"
                                             "0041 0008 01 0aff0006 0008 05"),
                                            "200e 000f 000001 00 0041 0007 01 0aff0006 0008", "2005 0011 000001 00 003c 0005 00 0aff0005 00b7 0000"};
        static const struct {
                unsigned sets;
                int first, last;
                bool retains;
        } rows[] = {{2, APNWATCH__V1__SIGNALLING__SET__PART__SGW, APNWATCH__V1__SIGNALLING__SET__PART__USER, false},
                    {1, APNWATCH__V1__SIGNALLING__SET__PART__USER, APNWATCH__V1__SIGNALLING__SET__PART__USER, false}, {0, 0, 0, true}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 8805);
                send_text(sense, FROM_OPENER, texts[i]);
                assert_int_equal(sense->event_count, 1);
                const told_t *told = sense->events[0]->signalling;
                assert_int_equal(told->n_set, rows[i].sets);
                assert_int_equal(told->retains, rows[i].retains);
                if (told->n_set > 0) {
                        assert_int_equal(told->set[0]->part, rows[i].first);
                        assert_int_equal(told->set[told->n_set - 1]->part, rows[i].last);
                        assert_int_equal(told->set[told->n_set - 1]->id, 8);
                        assert_int_equal(told->set[told->n_set - 1]->node.data[4], 6);
                }
                fake_sense_close(sense);
        }
}

static void procedures_are_named_as_the_event_has_them(void **state)
{
        (void)state;
#define IS(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
        static const struct {
                uint8_t type, procedure, phase;
        } rows[] = {
                {1, IS(PATH), 0}, {2, IS(PATH), 1}, {3, IS(OTHER), 0}, {5, IS(PATH), 0}, {6, IS(PATH), 1}, {7, IS(OTHER), 0},
                {9, IS(NODE_DELETE), 0}, {10, IS(NODE_DELETE), 1}, {11, IS(OTHER), 1}, {12, IS(OTHER), 0}, {14, IS(NODE_DELETE), 0},
                {50, IS(CREATE), 0}, {51, IS(CREATE), 1}, {52, IS(MODIFY), 0}, {53, IS(MODIFY), 1}, {54, IS(DELETE), 0},
                {55, IS(DELETE), 1}, {56, IS(OTHER), 0}, {57, IS(OTHER), 1},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                assert_int_equal(parse_elements(rows[i].type, "", &s), DISSECT_OK);
                assert_int_equal(s.procedure, rows[i].procedure);
                assert_int_equal(s.phase, rows[i].phase);
        }
}

static void bundled_messages_make_an_event_each(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 8805);
        send_text(sense, FROM_OPENER, "25 36 000c 0000000000000001 000001 00  25 36 000c 0000000000000002 000002 00"
                                 "21 36 000c 0000000000000003 000003 00  21 36 000c 0000000000000004 000004 00");
        assert_int_equal(sense->event_count, 3); /* the third does not say that another follows */
        assert_int_equal(sense->events[2]->signalling->key, 3);
        fake_sense_close(sense);
}

static void a_message_of_a_device_is_not_believed(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 8805);
        sense->d.tunnelled = true;
        send_text(sense, FROM_OPENER, ESTABLISHMENT_REQUEST);
        assert_string_equal(sense->label, "PFCP");
        assert_int_equal(sense->event_count, 0);
        fake_sense_close(sense);
}

static void a_cut_packet_tells_what_it_has(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(ESTABLISHMENT_REQUEST, bytes, sizeof bytes);
        for (int cut = 0; cut < 2; cut++) { /* by the capture, or on the wire */
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 8805);
                sense->d.cut = cut;
                fake_sense_send(sense, FROM_OPENER, bytes, length - 16);
                assert_int_equal(sense->event_count, cut);
                if (cut) {
                        assert_string_equal(sense->events[0]->signalling->imsi, "001010000000101");
                        assert_string_equal(sense->events[0]->signalling->apn, "internet");
                }
                fake_sense_close(sense);
        }
}

static void another_port_takes_a_message_that_cannot_be_anything_else(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                uint16_t port;
                bool ours;
        } rows[] = {
                {ESTABLISHMENT_REQUEST, 40805, true},
                {ESTABLISHMENT_REQUEST "00", 40805, false},
                {"20 01 000c 000001 00 00600004 e8754700", 8805, true},
                {"20 01 000c 000001 00 00600004 e8754700", 40805, false},
                {"21 32 000c 0000000000000000 000001 00", 40805, false}, /* names nobody */
                {"38 01 000c 000001 00 00600004 e8754700", 8805, false}, /* spare bits */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, rows[i].port);
                send_text(sense, FROM_OPENER, rows[i].bytes);
                assert_int_equal(sense->dissector == &pfcp_dissector, rows[i].ours);
                fake_sense_close(sense);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_an_establishment_request_is_read),
                cmocka_unit_test(a_chosen_tunnel_takes_its_side_from_the_request),
                cmocka_unit_test(a_traffic_endpoint_stands_for_the_rules_that_name_it),
                cmocka_unit_test(network_instances_stand_for_a_missing_dnn),
                cmocka_unit_test(every_kind_of_ue_address_is_read),
                cmocka_unit_test(users_are_named_by_digits_or_by_text),
                cmocka_unit_test(networks_behind_the_device_are_told),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(causes_below_64_mean_yes),
                cmocka_unit_test(sets_and_what_is_retained_are_told),
                cmocka_unit_test(procedures_are_named_as_the_event_has_them),
                cmocka_unit_test(bundled_messages_make_an_event_each),
                cmocka_unit_test(a_message_of_a_device_is_not_believed),
                cmocka_unit_test(a_cut_packet_tells_what_it_has),
                cmocka_unit_test(another_port_takes_a_message_that_cannot_be_anything_else),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
