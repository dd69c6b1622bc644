#include "dissectors/session/gtpv1c.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/dissectors/session/gtp_messages.h"
#include "tests/unit/test.h"

static enum dissect_result parse_bytes(const uint8_t *bytes, size_t length, struct signalling *s)
{
        struct gtpv1c_message message;
        uint8_t *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
        struct cursor cursor = cursor_of(copy, length);
        enum dissect_result result = gtpv1c_parse(&cursor, 0, s, &message);
        free(copy);
        return result;
}

static enum dissect_result parse(const char *text, struct signalling *s)
{
        uint8_t bytes[1024];
        return parse_bytes(bytes, hex_bytes(text, bytes, sizeof bytes), s);
}

/* Header of a message without options but the sequence number 1, TEID 0x10; the length is worked out here. */
static enum dissect_result parse_body(uint8_t type, const char *body, struct signalling *s)
{
        uint8_t bytes[1024] = {0x32, type, 0, 0, 0, 0, 0, 0x10, 0, 1, 0, 0};
        size_t length = hex_bytes(body, bytes + 12, sizeof bytes - 12);
        bytes[2] = (uint8_t)((length + 4) >> 8);
        bytes[3] = (uint8_t)(length + 4);
        return parse_bytes(bytes, length + 12, s);
}

static void endpoint_is(const struct signalling_endpoint *e, bool user, uint64_t key, const char *ipv4, int bearer, int of_network)
{
        assert_int_equal(e->user, user);
        assert_int_equal(e->key, key);
        assert_int_equal(e->has_ipv4, ipv4 != NULL);
        if (ipv4 != NULL)
                assert_memory_equal(e->ipv4, ipv4, 4);
        assert_int_equal(e->has_bearer ? (int)e->bearer : -1, bearer);
        assert_int_equal(e->has_of_network ? e->of_network : -1, of_network);
}

static void every_field_of_a_create_pdp_context_request_is_read(void **state)
{
        (void)state;
        struct signalling s;
        char text[PLMN_TEXT_SIZE];
        assert_int_equal(parse(CREATE_PDP_REQUEST, &s), DISSECT_OK);
        assert_int_equal(s.protocol, APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV1C);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE);
        assert_int_equal(s.phase, APNWATCH__V1__SIGNALLING__PHASE__REQUEST);
        assert_int_equal(s.message, 16);
        assert_true(s.has_key && s.key == 0);
        assert_true(s.has_sequence && s.sequence == 100);
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.imei, "3534900698733153");
        assert_string_equal(s.msisdn, "491790000101");
        assert_string_equal(s.apn.network, "m2m.example");
        assert_string_equal(s.rat, "GERAN");
        assert_string_equal(plmn_text(&s.plmn, text), "001-01");
        assert_string_equal(s.location.cell.kind, "cgi");
        assert_int_equal(s.location.cell.area, 0x2222);
        assert_int_equal(s.location.cell.id, 0x3333);
        assert_string_equal(s.location.area.kind, "rai");
        assert_int_equal(s.recovery, 9);
        assert_int_equal(s.bearer, 5);
        assert_false(s.has_linked_bearer);
        assert_false(s.has_ipv4);
        assert_false(s.has_accepted);
        assert_int_equal(s.endpoint_count, 2);
        endpoint_is(&s.endpoints[0], false, 0x72, "\x0a\x42\x00\x01", -1, -1);
        endpoint_is(&s.endpoints[1], true, 0x71, "\x0a\x42\x00\x01", 5, false);
}

static void every_field_of_the_answer_is_told(void **state)
{
        (void)state;
        uint8_t bytes[512];
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
        fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(CREATE_PDP_REQUEST, bytes, sizeof bytes));
        fake_sense_send(sense, TO_OPENER, bytes, hex_bytes(CREATE_PDP_RESPONSE, bytes, sizeof bytes));
        assert_string_equal(sense->label, "GTP");
        assert_string_equal(sense->application, "GTP_C");
        assert_int_equal(sense->event_count, 2);
        const Apnwatch__V1__Signalling *s = sense->events[1]->signalling;
        assert_int_equal(s->phase, APNWATCH__V1__SIGNALLING__PHASE__RESPONSE);
        assert_memory_equal(s->source.data, "\xc6\x33\x64\x09", 4);
        assert_int_equal(s->source_port, 2123);
        assert_int_equal(s->key, 0x72);
        assert_true(s->has_accepted && s->accepted);
        assert_int_equal(s->cause, 128);
        assert_memory_equal(s->ipv4.data, "\x0a\x2e\x00\x05", 4);
        assert_int_equal(s->charging_id, 1);
        assert_int_equal(s->recovery, 3);
        assert_false(s->has_bearer);
        assert_int_equal(s->n_endpoint, 2);
        assert_int_equal(s->endpoint[0]->key, 0x82);
        assert_false(s->endpoint[0]->user);
        assert_int_equal(s->endpoint[1]->key, 0x81);
        assert_true(s->endpoint[1]->user && s->endpoint[1]->of_network);
        fake_sense_close(sense);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(CREATE_PDP_REQUEST, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++) {
                struct signalling s;
                assert_int_equal(parse_bytes(bytes, cut, &s), DISSECT_TRUNCATED);
                assert_int_equal(s.message, cut < 12 ? 0 : 16);
                assert_true(s.imsi[0] == '\0' || strlen(s.imsi) == 15);
        }
}

static void every_message_that_ends_within_an_element_is_malformed(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(CREATE_PDP_REQUEST, bytes, sizeof bytes), whole = 0;
        for (size_t cut = 12; cut <= length; cut++) {
                struct signalling s;
                bytes[3] = (uint8_t)(cut - 8);
                enum dissect_result result = parse_bytes(bytes, cut, &s);
                assert_true(result == DISSECT_OK || result == DISSECT_MALFORMED);
                whole += result == DISSECT_OK;
        }
        assert_int_equal(whole, 18); /* the header alone, and behind each of 17 elements */
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *what, *bytes;
                enum dissect_result result;
        } rows[] = {
                {"echo without a sequence", "30 01 0000 00000000", DISSECT_OK},
                {"echo answer", "32 02 0006 00000000 0001 0000 0e 05", DISSECT_OK},
                {"GTP'", "22 01 0000 00000000", DISSECT_NO_MATCH},
                {"version 0", "1e 10 0000 0000 0000 ffffffff", DISSECT_NO_MATCH},
                {"version 2", "48 20 0008 00000001 000001 00", DISSECT_NO_MATCH},
                {"a user packet", "30 ff 0004 00000001 45000000", DISSECT_NO_MATCH},
                {"end marker", "30 fe 0000 00000001", DISSECT_NO_MATCH},
                {"shorter than its options", "32 01 0003 00000000 0001 00", DISSECT_MALFORMED},
                {"an extension header", "36 14 000a 00000001 0001 00 c0 01 0000 00 14 05", DISSECT_OK},
                {"an extension of no length", "36 14 000a 00000001 0001 00 c0 00 0000 00 14 05", DISSECT_MALFORMED},
                {"an extension beyond the end", "36 14 000a 00000001 0001 00 c0 03 0000 00 14 05", DISSECT_MALFORMED},
                {"an element beyond the end", "32 11 0009 00000001 0001 0000 80 0006 f121", DISSECT_MALFORMED},
                {"an element without its length", "32 11 0006 00000001 0001 0000 80 00", DISSECT_MALFORMED},
                {"an element of no known length", "32 11 0009 00000001 0001 0000 01 80 3f ffffff", DISSECT_OK},
                {"bytes behind the message", "32 11 0006 00000001 0001 0000 01 80 ffff", DISSECT_OK},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                if (parse(rows[i].bytes, &s) != rows[i].result)
                        fail_msg("%s", rows[i].what);
        }
}

static void extension_headers_are_counted(void **state)
{
        (void)state;
        for (unsigned count = 8; count <= 9; count++) {
                uint8_t bytes[12 + 4 * 9] = {0x36, 1, 0, (uint8_t)(4 + 4 * count), 0, 0, 0, 0, 0, 1, 0, 0xc0};
                struct signalling s;
                for (unsigned i = 0; i < count; i++) {
                        bytes[12 + 4 * i] = 1;
                        bytes[15 + 4 * i] = i + 1 < count ? 0xc0 : 0;
                }
                assert_int_equal(parse_bytes(bytes, 12 + 4 * count, &s), count == 8 ? DISSECT_OK : DISSECT_MALFORMED);
        }
}

static void every_kind_of_end_user_address_is_read(void **state)
{
        (void)state;
#define V6 "20010db80001000200000000000000ff"
        static const struct {
                const char *bytes;
                bool ipv4, ipv6;
        } rows[] = {
                {"80 0002 f121", false, false},                        /* dynamic */
                {"80 0006 f121 0a2e0005", true, false},
                {"80 0006 f121 00000000", false, false},
                {"80 0012 f157" V6, false, true},
                {"80 0002 f18d", false, false},
                {"80 0016 f18d 0a2e0005" V6, true, true},
                {"80 0006 f18d 0a2e0005", true, false},                /* of both kinds only one was given */
                {"80 0012 f18d" V6, false, true},
                {"80 0006 f001 0a2e0005", false, false},               /* PPP */
                {"80 0001 f1", false, false},
                {"80 0000", false, false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                assert_int_equal(parse_body(17, rows[i].bytes, &s), DISSECT_OK);
                assert_int_equal(s.has_ipv4, rows[i].ipv4);
                assert_int_equal(s.has_ipv6, rows[i].ipv6);
                if (s.has_ipv6)
                        assert_memory_equal(s.ipv6_prefix, "\x20\x01\x0d\xb8\0\x01\0\x02\0\0\0\0\0\0\0\0", 16);
        }
}

static void a_secondary_context_is_linked_to_the_first(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse_body(16, "10 00000021 14 06 14 05 85 0004 0a420001 85 0004 0a420001", &s), DISSECT_OK);
        assert_int_equal(s.bearer, 6);
        assert_true(s.has_linked_bearer);
        assert_int_equal(s.linked_bearer, 5);
        assert_int_equal(s.key, 0x10);
        assert_int_equal(s.endpoint_count, 1);
        endpoint_is(&s.endpoints[0], true, 0x21, "\x0a\x42\x00\x01", 6, false);
}

static void the_sgsn_and_the_ggsn_are_told_apart(void **state)
{
        (void)state;
        static const char sgsn[] = "\x0a\x42\x00\x07", ggsn[] = "\x0a\x42\x00\x02";
        struct signalling s;
        /* Update of an SGSN: towards the device. */
        assert_int_equal(parse_body(18, "10 00000091 11 00000092 14 05 85 0004 0a420007 85 0004 0a420007", &s), DISSECT_OK);
        endpoint_is(&s.endpoints[1], true, 0x91, sgsn, 5, false);
        /* The GGSN's answer: towards the network, with or without addresses. */
        assert_int_equal(parse_body(19, "01 80 10 00000081 11 00000082 85 0004 0a420002 85 0004 0a420002", &s), DISSECT_OK);
        endpoint_is(&s.endpoints[1], true, 0x81, ggsn, -1, true);
        assert_int_equal(parse_body(19, "01 80 10 00000081 11 00000082", &s), DISSECT_OK);
        assert_int_equal(s.endpoint_count, 2);
        endpoint_is(&s.endpoints[1], true, 0x81, NULL, -1, true);
        /* An SGSN's answer to the GGSN's Update has one address, for user traffic. */
        assert_int_equal(parse_body(19, "01 80 10 00000091 85 0004 0a420007", &s), DISSECT_OK);
        assert_int_equal(s.endpoint_count, 1);
        endpoint_is(&s.endpoints[0], true, 0x91, sgsn, -1, false);
        /* One address and a TEID for control: an SGSN Context Request. */
        assert_int_equal(parse_body(50, "11 00000092 85 0004 0a420007", &s), DISSECT_OK);
        assert_int_equal(s.endpoint_count, 1);
        endpoint_is(&s.endpoints[0], false, 0x92, sgsn, -1, -1);
}

static void alternative_addresses_join_the_first(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse_body(17, "10 00000081 11 00000082 85 0010 20010db8000000000000000000000001"
                                        "85 0010 20010db8000000000000000000000002 85 0004 0a420002 85 0004 0a420003", &s), DISSECT_OK);
        assert_int_equal(s.endpoint_count, 2);
        endpoint_is(&s.endpoints[0], false, 0x82, "\x0a\x42\x00\x02", -1, -1);
        endpoint_is(&s.endpoints[1], true, 0x81, "\x0a\x42\x00\x03", -1, true);
        assert_true(s.endpoints[0].has_ipv6 && s.endpoints[0].ipv6[15] == 1);
        assert_true(s.endpoints[1].has_ipv6 && s.endpoints[1].ipv6[15] == 2);
}

static void causes_from_128_to_191_mean_yes(void **state)
{
        (void)state;
        static const uint8_t causes[] = {127, 128, 130, 191, 192, 199};
        for (size_t i = 0; i < sizeof causes; i++) {
                const uint8_t bytes[] = {0x32, 17, 0, 6, 0, 0, 0, 1, 0, 1, 0, 0, 1, causes[i]};
                struct signalling s;
                assert_int_equal(parse_bytes(bytes, sizeof bytes, &s), DISSECT_OK);
                assert_true(s.has_accepted);
                assert_int_equal(s.accepted, causes[i] >= 128 && causes[i] < 192);
        }
}

static void a_deletion_is_of_a_context_or_of_all(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse_body(20, "13 ff 14 05", &s), DISSECT_OK);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__DELETE);
        assert_true(s.has_teardown && s.teardown);
        assert_int_equal(parse_body(20, "13 fe 14 05", &s), DISSECT_OK);
        assert_true(s.has_teardown && !s.teardown);
        assert_int_equal(parse_body(20, "14 05", &s), DISSECT_OK);
        assert_false(s.has_teardown);
}

static void places_come_as_location_or_as_routing_area(void **state)
{
        (void)state;
        struct signalling s;
        char text[PLMN_TEXT_SIZE];
        assert_int_equal(parse_body(128, "02 00010100000010f1 98 0008 01 62f210 0102 0304 9a 0008 53430960893713f5", &s), DISSECT_OK);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__NOTIFY);
        assert_string_equal(s.location.cell.kind, "sai");
        assert_string_equal(s.imei, "353490069873315");
        assert_null(s.location.area.kind);
        assert_int_equal(parse_body(18, "03 62f210 fffe ff", &s), DISSECT_OK); /* the network alone */
        assert_null(s.location.area.kind);
        assert_string_equal(plmn_text(&s.plmn, text), "262-01");
        assert_int_equal(parse_body(18, "03 62f210 0102 03 98 0007 02 62f210 0405 06", &s), DISSECT_OK);
        assert_int_equal(s.location.area.area, 0x0405); /* what is newer replaces */
}

/* An SGSN Context Response with two contexts: TS 29.060, 7.7.29. */
static void each_pdp_context_makes_an_event(void **state)
{
        (void)state;
#define CONTEXT(nsapi, teid, address, apn) \
        "82 002b 0" nsapi "00" "00 00 00" "0000 0000 00 00" "000000" teid "2 000000" teid "1 00" /* QoS, numbers, TEIDs, id */ \
        "f1 21 04" address "04 0a420002 04 0a420003" "04" apn "00"
        static const char message[] = "32 33 0000 00000072 0001 0000 01 80 02 00010100000010f1"
                CONTEXT("5", "8", "0a2e0005", "03696f74") CONTEXT("6", "9", "0a2e0006", "03696d73");
        uint8_t bytes[512];
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
        size_t length = hex_bytes(message, bytes, sizeof bytes);
        bytes[3] = (uint8_t)(length - 8);
        fake_sense_send(sense, FROM_OPENER, bytes, length);
        assert_int_equal(sense->event_count, 2);
        const Apnwatch__V1__Signalling *first = sense->events[0]->signalling, *second = sense->events[1]->signalling;
        assert_int_equal(first->procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__RELOCATE);
        assert_string_equal(second->imsi, "001010000000011");
        assert_string_equal(first->apn, "iot");
        assert_string_equal(second->apn, "ims");
        assert_int_equal(first->bearer, 5);
        assert_int_equal(second->bearer, 6);
        assert_memory_equal(second->ipv4.data, "\x0a\x2e\x00\x06", 4);
        assert_int_equal(second->n_endpoint, 2);
        assert_int_equal(second->endpoint[0]->key, 0x92);
        assert_int_equal(second->endpoint[1]->key, 0x91);
        assert_true(second->endpoint[1]->user && second->endpoint[1]->of_network);
        assert_memory_equal(second->endpoint[1]->ipv4.data, "\x0a\x42\x00\x03", 4);
        fake_sense_close(sense);
}

static void both_versions_share_a_flow(void **state)
{
        (void)state;
        uint8_t bytes[512];
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
        fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(CREATE_PDP_REQUEST, bytes, sizeof bytes));
        fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(CREATE_SESSION_REQUEST, bytes, sizeof bytes));
        assert_int_equal(sense->event_count, 2);
        assert_int_equal(sense->events[0]->signalling->protocol, APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV1C);
        assert_int_equal(sense->events[1]->signalling->protocol, APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C);
        fake_sense_close(sense);
}

/* Version 0: flags, Create PDP Context Request, length 2, sequence 7, flow label, 3 octets of ones, tunnel id; recovery. */
static void version_0_is_labelled_and_not_read(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                bool ours;
        } rows[] = {
                {"1e 10 0002 0007 0000 ff ffffff 0001010000001005 0e 09", true},
                {"1e 10 0003 0007 0000 ff ffffff 0001010000001005 0e 09", false},
                {"1e 10 0002 0007 0000 ff ffff00 0001010000001005 0e 09", false},
                {"0f 10 0002 0007 0000 ff ffffff 0001010000001005 0e 09", false}, /* GTP' */
                {"1e 10 0002 0007 0000 ff ffffff 00010100000010", false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[64];
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 3386);
                fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(rows[i].bytes, bytes, sizeof bytes));
                assert_int_equal(sense->label != NULL, rows[i].ours);
                assert_null(sense->application);
                assert_int_equal(sense->event_count, 0);
                assert_int_equal(sense->phase, FAKE_SETTLED);
                fake_sense_close(sense);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_create_pdp_context_request_is_read),
                cmocka_unit_test(every_field_of_the_answer_is_told),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(every_message_that_ends_within_an_element_is_malformed),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(extension_headers_are_counted),
                cmocka_unit_test(every_kind_of_end_user_address_is_read),
                cmocka_unit_test(a_secondary_context_is_linked_to_the_first),
                cmocka_unit_test(the_sgsn_and_the_ggsn_are_told_apart),
                cmocka_unit_test(alternative_addresses_join_the_first),
                cmocka_unit_test(causes_from_128_to_191_mean_yes),
                cmocka_unit_test(a_deletion_is_of_a_context_or_of_all),
                cmocka_unit_test(places_come_as_location_or_as_routing_area),
                cmocka_unit_test(each_pdp_context_makes_an_event),
                cmocka_unit_test(both_versions_share_a_flow),
                cmocka_unit_test(version_0_is_labelled_and_not_read),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
