#include "dissectors/session/gtpv2c.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/dissectors/session/gtp_messages.h"
#include "tests/unit/test.h"

typedef Apnwatch__V1__Signalling told_t;

static enum dissect_result parse_bytes(const uint8_t *bytes, size_t length, struct signalling *s, struct gtpv2c_message *message)
{
        uint8_t *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
        struct cursor cursor = cursor_of(copy, length);
        enum dissect_result result = gtpv2c_parse(&cursor, 0, s, message);
        free(copy);
        return result;
}

static enum dissect_result parse(const char *text, struct signalling *s)
{
        uint8_t bytes[2048];
        struct gtpv2c_message message;
        return parse_bytes(bytes, hex_bytes(text, bytes, sizeof bytes), s, &message);
}

/* What the registry makes of one datagram to or from port 2123, told by `count` events. */
static struct fake_sense *dissect(const char *text, unsigned count)
{
        uint8_t bytes[2048];
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
        fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(text, bytes, sizeof bytes));
        assert_int_equal(sense->event_count, count);
        return sense;
}

static void endpoint_is(const struct signalling_endpoint *e, bool user, uint64_t key, const char *address, int bearer, unsigned interface,
                        int of_network)
{
        struct address expected, ipv4 = address_of_ipv4(e->ipv4), ipv6 = address_of_ipv6(e->ipv6);
        assert_true(address_parse(address, &expected));
        assert_int_equal(e->user, user);
        assert_int_equal(e->key, key);
        assert_int_equal(e->has_ipv4, address_is_ipv4(&expected));
        assert_int_equal(e->has_ipv6, !address_is_ipv4(&expected));
        assert_true(address_equal(e->has_ipv4 ? &ipv4 : &ipv6, &expected));
        assert_int_equal(e->has_bearer ? (int)e->bearer : -1, bearer);
        assert_int_equal(e->interface, interface);
        assert_int_equal(e->has_of_network ? e->of_network : -1, of_network);
}

static void every_field_of_a_create_session_request_is_read(void **state)
{
        (void)state;
        struct signalling s;
        char text[PLMN_TEXT_SIZE];
        assert_int_equal(parse(CREATE_SESSION_REQUEST, &s), DISSECT_OK);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE);
        assert_int_equal(s.phase, APNWATCH__V1__SIGNALLING__PHASE__REQUEST);
        assert_int_equal(s.message, 32);
        assert_true(s.has_key);
        assert_int_equal(s.key, 0);
        assert_int_equal(s.sequence, 0x4b5462);
        assert_string_equal(s.imsi, "987654112233445");
        assert_string_equal(s.msisdn, "896745214365");
        assert_string_equal(s.imei, "436587092110203");
        assert_string_equal(s.apn.network, "internet");
        assert_string_equal(s.apn.operator_part, "");
        assert_string_equal(s.rat, "EUTRAN");
        assert_string_equal(plmn_text(&s.plmn, text), "987-654");
        assert_string_equal(s.location.cell.kind, "ecgi");
        assert_int_equal(s.location.cell.id, 0x2345678);
        assert_string_equal(plmn_text(&s.location.cell.plmn, text), "896-457");
        assert_string_equal(s.location.area.kind, "tai");
        assert_int_equal(s.location.area.area, 0x1234);
        assert_true(s.has_ipv4);
        assert_memory_equal(s.ipv4, "\x21\x17\x17\x01", 4);
        assert_false(s.has_ipv6);
        assert_int_equal(s.bearer, 5);
        assert_false(s.has_linked_bearer);
        assert_false(s.has_cause);
        assert_false(s.has_accepted);
        assert_int_equal(s.endpoint_count, 2);
        endpoint_is(&s.endpoints[0], false, 0x35529204, "10.101.0.2", -1, 6, -1);
        endpoint_is(&s.endpoints[1], true, 0x35529205, "10.101.0.2", 5, 4, false);
}

static void two_messages_of_a_datagram_make_two_events(void **state)
{
        (void)state;
        struct fake_sense *sense = dissect(CREATE_SESSION_RESPONSE_AND_BEARER, 2);
        const told_t *answer = sense->events[0]->signalling, *bearer = sense->events[1]->signalling;
        assert_string_equal(sense->label, "GTP");
        assert_string_equal(sense->application, "GTP_C");
        assert_int_equal(sense->phase, FAKE_FOLLOWED);
        assert_int_equal(answer->protocol, APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C);
        assert_int_equal(answer->phase, APNWATCH__V1__SIGNALLING__PHASE__RESPONSE);
        assert_memory_equal(answer->source.data, "\x0a\x14\x00\x07", 4);
        assert_memory_equal(answer->destination.data, "\xc6\x33\x64\x09", 4);
        assert_int_equal(answer->destination_port, 2123);
        assert_int_equal(answer->key, 0x1001);
        assert_true(answer->has_accepted && answer->accepted);
        assert_int_equal(answer->cause, 16);
        assert_null(answer->imsi);
        assert_null(answer->plmn);
        assert_int_equal(answer->ipv4.len, 4);
        assert_memory_equal(answer->ipv4.data, "\x0a\x2d\x00\x0a", 4);
        assert_int_equal(answer->recovery, 7);
        assert_int_equal(answer->bearer, 5);
        assert_int_equal(answer->n_endpoint, 2);
        assert_int_equal(answer->endpoint[1]->key, 0x4001);
        assert_true(answer->endpoint[1]->has_of_network && answer->endpoint[1]->of_network);
        assert_int_equal(bearer->procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__BEARER);
        assert_int_equal(bearer->phase, APNWATCH__V1__SIGNALLING__PHASE__REQUEST);
        assert_int_equal(bearer->message, 95);
        assert_int_equal(bearer->sequence, 0x800001);
        assert_int_equal(bearer->linked_bearer, 5);
        assert_false(bearer->has_bearer);
        assert_int_equal(bearer->n_endpoint, 1);
        assert_false(bearer->endpoint[0]->has_bearer);
        fake_sense_close(sense);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(CREATE_SESSION_REQUEST, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++) {
                struct signalling s;
                struct gtpv2c_message message;
                assert_int_equal(parse_bytes(bytes, cut, &s, &message), DISSECT_TRUNCATED);
                assert_int_equal(s.message, cut < 12 ? 0 : 32);
                assert_true(s.imsi[0] == '\0' || strlen(s.imsi) == 15);
        }
}

/* The same, but the header says so: whole up to an element's end, malformed within one. */
static void every_message_that_ends_within_an_element_is_malformed(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(CREATE_SESSION_REQUEST, bytes, sizeof bytes), whole = 0;
        for (size_t cut = 12; cut <= length; cut++) {
                struct signalling s;
                struct gtpv2c_message message;
                bytes[2] = (uint8_t)((cut - 4) >> 8);
                bytes[3] = (uint8_t)(cut - 4);
                enum dissect_result result = parse_bytes(bytes, cut, &s, &message);
                assert_true(result == DISSECT_OK || result == DISSECT_MALFORMED);
                whole += result == DISSECT_OK;
        }
        assert_int_equal(whole, 21); /* the header alone, and behind each of 20 elements */
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *what, *bytes;
                enum dissect_result result;
        } rows[] = {
                {"echo request", "40 01 0009 000001 00 03 0001 00 09", DISSECT_OK},
                {"no elements", "48 25 0008 00000001 000001 00", DISSECT_OK},
                {"version 1", "32 25 0008 00000001 000001 00", DISSECT_NO_MATCH},
                {"version 3", "68 25 0008 00000001 000001 00", DISSECT_NO_MATCH},
                {"a message of later days", "48 fb 0008 00000001 000001 00", DISSECT_NO_MATCH},
                {"shorter than its header", "48 25 0007 00000001 000001 00", DISSECT_MALFORMED},
                {"an element without its head", "48 25 000a 00000001 000001 00 0200", DISSECT_MALFORMED},
                {"an element beyond the end", "48 25 000e 00000001 000001 00 02 0003 00 1000", DISSECT_MALFORMED},
                {"a length that counts too few", "48 25 000c 00000001 000001 00 02 0002 00 1000", DISSECT_OK},
                {"bytes behind the message", "48 25 0008 00000001 000001 00 0000", DISSECT_OK},
                {"an element beyond its group", "48 21 0012 00000001 000001 00 5d 0006 00 49 0003 00 0500", DISSECT_MALFORMED},
                {"an empty cause", "48 25 000c 00000001 000001 00 02 0000 00", DISSECT_OK},
                {"half an F-TEID", "48 20 0010 00000001 000001 00 57 0004 00 86000000", DISSECT_OK},
                {"a TEID of 0", "48 20 0015 00000001 000001 00 57 0009 00 8600000000 0a000001", DISSECT_OK},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                if (parse(rows[i].bytes, &s) != rows[i].result)
                        fail_msg("%s", rows[i].what);
                assert_int_equal(s.endpoint_count, 0);
        }
}

static void the_elements_of_a_message_are_counted(void **state)
{
        (void)state;
        for (unsigned count = 512; count <= 513; count++) {
                uint8_t bytes[12 + 4 * 513] = {0x48, 32, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0};
                struct signalling s;
                struct gtpv2c_message message;
                bytes[2] = (uint8_t)((8 + 4 * count) >> 8);
                bytes[3] = (uint8_t)(8 + 4 * count);
                for (unsigned i = 0; i < count; i++)
                        bytes[12 + 4 * i] = 78;
                assert_int_equal(parse_bytes(bytes, 12 + 4 * count, &s, &message), count == 512 ? DISSECT_OK : DISSECT_MALFORMED);
        }
}

static void every_kind_of_address_is_read(void **state)
{
        (void)state;
#define PAA(length, value) "48 21 00" length " 00000001 000001 00 4f 00" value
        static const struct {
                const char *bytes;
                bool ipv4, ipv6;
                unsigned length;
        } rows[] = {
                {PAA("11", "05 00 01 0a2d000a"), true, false, 0},
                {PAA("1e", "12 00 02 40 20010db80001000200000000000000ff"), false, true, 64},
                {PAA("22", "16 00 03 40 20010db80001000200000000000000ff 0a2d000a"), true, true, 64},
                {PAA("22", "16 00 03 38 20010db80001000200000000000000ff 00000000"), false, true, 56},
                {PAA("1e", "12 00 02 00 20010db80001000200000000000000ff"), false, true, 64},
                {PAA("1e", "12 00 02 40 00000000000000000000000000000000"), false, false, 0},
                {PAA("11", "05 00 01 00000000"), false, false, 0},
                {PAA("0d", "01 00 04"), false, false, 0},                /* non-IP */
                {PAA("0d", "01 00 05"), false, false, 0},                /* Ethernet */
                {PAA("10", "04 00 01 0a2d00"), false, false, 0},         /* cut */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                assert_int_equal(parse(rows[i].bytes, &s), DISSECT_OK);
                assert_int_equal(s.has_ipv4, rows[i].ipv4);
                assert_int_equal(s.has_ipv6, rows[i].ipv6);
                assert_int_equal(s.ipv6_length, rows[i].length);
                if (s.has_ipv6) /* without the interface identifier; of a /56 without the last byte */
                        assert_memory_equal(s.ipv6_prefix, s.ipv6_length == 64 ? "\x20\x01\x0d\xb8\0\x01\0\x02\0\0\0\0\0\0\0\0" :
                                                                                 "\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\0", 16);
        }
}

static void an_endpoint_of_both_families_is_one(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse("48 22 002e 00000001 000001 00  5d 0022 00 57 0019 00 c0 00000009 0a000001 "
                               "20010db8000000000000000000000001 49 0001 00 06", &s), DISSECT_OK);
        assert_int_equal(s.endpoint_count, 1);
        assert_true(s.endpoints[0].has_ipv4 && s.endpoints[0].has_ipv6);
        assert_int_equal(s.endpoints[0].bearer, 6); /* though the EBI came later */
        assert_true(s.endpoints[0].has_of_network && !s.endpoints[0].of_network);
}

static void causes_from_16_to_19_mean_yes(void **state)
{
        (void)state;
        for (unsigned cause = 15; cause <= 20; cause++) {
                uint8_t bytes[] = {0x48, 33, 0, 14, 0, 0, 0, 1, 0, 0, 1, 0, 2, 0, 2, 0, (uint8_t)cause, 0};
                struct signalling s;
                struct gtpv2c_message message;
                assert_int_equal(parse_bytes(bytes, sizeof bytes, &s, &message), DISSECT_OK);
                assert_true(s.has_accepted);
                assert_int_equal(s.accepted, cause >= 16 && cause <= 19);
                bytes[1] = 36; /* a request has a reason, nothing to accept */
                assert_int_equal(parse_bytes(bytes, sizeof bytes, &s, &message), DISSECT_OK);
                assert_int_equal(s.cause, cause);
                assert_false(s.has_accepted);
        }
}

static void refused_and_removed_bearers_have_no_tunnels(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse("48 21 0042 00000001 000001 00"
                               "5d 0018 00 49 0001 00 05 02 0002 00 5e00 57 0009 00 81 00000009 0a000001"  /* refused: 94 */
                               "5d 001a 01 49 0001 00 06 02 0002 00 1000 57 0009 00 81 0000000a 0a000001 0000", &s),
                         DISSECT_MALFORMED);
        assert_int_equal(parse("48 21 0040 00000001 000001 00"
                               "5d 0018 00 49 0001 00 05 02 0002 00 5e00 57 0009 00 81 00000009 0a000001"
                               "5d 0018 01 49 0001 00 06 02 0002 00 1000 57 0009 00 81 0000000a 0a000001", &s), DISSECT_OK);
        assert_int_equal(s.endpoint_count, 0);
        assert_int_equal(s.ended_count, 1);
        assert_int_equal(s.ended_bearer[0], 6);
}

static void a_delete_bearer_names_the_session_or_bearers(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse("48 63 000d 00000001 000001 00 49 0001 00 05", &s), DISSECT_OK);
        assert_int_equal(s.procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__BEARER_DELETE);
        assert_true(s.has_linked_bearer);
        assert_int_equal(s.linked_bearer, 5);
        assert_int_equal(s.ended_count, 0);
        assert_int_equal(parse("48 63 0012 00000001 000001 00 49 0001 01 06 49 0001 01 07", &s), DISSECT_OK);
        assert_false(s.has_linked_bearer);
        assert_int_equal(s.ended_count, 2);
        assert_int_equal(s.ended_bearer[1], 7);
}

/* Forward Relocation Request with two PDN connections: the user's facts in both events, each with its own APN and bearer. */
static void a_delete_session_says_who_is_told(void **state)
{
        static const struct {
                const char *text;
                bool has, retains;
        } rows[] = {
                {"48 24 000d 00000021 000009 00 49000100 05", false, false},
                {"48 24 0013 00000021 000009 00 49000100 05 4d000200 0800", true, false}, /* the PGW too */
                {"48 24 0013 00000021 000009 00 49000100 05 4d000200 0000", true, true},
                {"48 24 0014 00000021 000009 00 49000100 05 4d000300 0002 00", true, true}, /* the serving gateway alone */
                {"48 24 0012 00000021 000009 00 49000100 05 4d000100 08", false, false},
                {"48 22 0013 00000021 000009 00 49000100 05 4d000200 0000", false, false}, /* Modify Bearer */
        };
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                assert_int_equal(parse(rows[i].text, &s), DISSECT_OK);
                assert_int_equal(s.has_retains, rows[i].has);
                assert_int_equal(s.retains, rows[i].retains);
        }
}

static void each_pdn_connection_makes_an_event(void **state)
{
        (void)state;
        struct fake_sense *sense = dissect(
                "48 85 0075 00000000 000007 00"
                "01 0008 00 00010100000010f1"
                "57 0009 00 8c 00000031 0a000001"                                    /* sender: S10 MME */
                "6d 0022 00 47 0004 00 03696f74 4a 0004 00 0a2d000a 49 0001 00 05 57 0009 00 87 00000041 0a420002"
                "6d 002a 00 47 0004 00 03696d73 4a 0010 01 20010db80001000200000000000000ff 49 0001 00 06"
                "  5d 0005 00 49 0001 00 06", 2);
        const told_t *first = sense->events[0]->signalling, *second = sense->events[1]->signalling;
        assert_int_equal(first->procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__RELOCATE);
        assert_int_equal(first->phase, APNWATCH__V1__SIGNALLING__PHASE__REQUEST);
        assert_int_equal(second->phase, APNWATCH__V1__SIGNALLING__PHASE__COMMAND); /* the answer is the first's */
        assert_string_equal(first->imsi, second->imsi);
        assert_string_equal(first->apn, "iot");
        assert_string_equal(second->apn, "ims");
        assert_int_equal(first->bearer, 5);
        assert_int_equal(second->bearer, 6);
        assert_true(first->has_ipv4 && !first->has_ipv6_prefix);
        assert_true(!second->has_ipv4 && second->has_ipv6_prefix);
        assert_int_equal(first->n_endpoint, 2);
        assert_int_equal(second->n_endpoint, 1);
        fake_sense_close(sense);
}

/* scapy's vector of a Context Response: EPS security context with DRX and subscribed AMBR. */
static void an_mm_context_tells_the_device(void **state)
{
        (void)state;
        struct signalling s;
        assert_int_equal(parse("48 83 005f 0000180f 76d163 00  6b 0046 00 88 00 91 000002 000002"
                               "1890aa80be385102083701a2907066f8bd9f2a28b717671c71c71c71c71c71c7 0100 003d090002625a00"
                               "02 8040 00 08 1234567890000000 00 00 00 00 00 00"
                               "6d 0009 00 88 0005 00 0470677731", &s), DISSECT_OK);
        assert_string_equal(s.imei, "2143658709000000");
}

#define SET_PART(name) APNWATCH__V1__SIGNALLING__SET__PART__##name

/* FQ-CSIDs: Node-ID 10.255.0.1 with set 7, 2001:db8::9 with sets 1 and 2, network and number 262019 0x123 with set 3. */
static void sets_are_read_with_whose_they_are(void **state)
{
        (void)state;
        static const struct {
                uint8_t message, instance;
                int part; /* -1: none */
        } rows[] = {{32, 0, SET_PART(SERVING)}, {32, 1, SET_PART(SGW)}, {32, 2, SET_PART(SERVING)}, {32, 3, SET_PART(SERVING)}, {32, 4, -1},
                    {33, 0, SET_PART(PGW)}, {33, 1, SET_PART(SGW)}, {33, 2, -1}, {34, 0, SET_PART(SERVING)}, {35, 0, SET_PART(PGW)},
                    {95, 0, SET_PART(PGW)}, {96, 0, SET_PART(SERVING)}, {97, 1, SET_PART(SGW)}, {98, 1, SET_PART(SGW)}, {36, 0, -1},
                    {101, 0, SET_PART(SERVING)}, {101, 1, SET_PART(SGW)}, {101, 2, SET_PART(PGW)}, {101, 3, SET_PART(SERVING)},
                    {101, 4, SET_PART(SERVING)}, {101, 5, -1}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[] = {0x48, rows[i].message, 0, 19, 0, 0, 0, 1, 0, 0, 1, 0, 132, 0, 7, rows[i].instance, 0x01, 10, 255, 0, 1, 0, 7};
                struct signalling s;
                struct gtpv2c_message message;
                assert_int_equal(parse_bytes(bytes, sizeof bytes, &s, &message), DISSECT_OK);
                assert_int_equal(s.set_count, rows[i].part >= 0);
                if (s.set_count == 0)
                        continue;
                assert_int_equal(s.sets[0].part, rows[i].part);
                assert_int_equal(s.sets[0].id, 7);
                assert_int_equal(s.sets[0].node_length, 5);
                assert_memory_equal(s.sets[0].node, ((const uint8_t[]){0, 10, 255, 0, 1}), 5);
        }
}

static void a_set_request_may_name_many(void **state)
{
        (void)state;
        struct fake_sense *sense = dissect("4065 002f 000102 00"
                                           "84 0015 00 12 20010db8000000000000000000000009 0001 0002"
                                           "84 0007 02 21 10044123 0003"
                                           "84 0003 01 91 0a00", 1); /* no such kind, and too short */
        const told_t *told = sense->events[0]->signalling;
        assert_int_equal(told->procedure, APNWATCH__V1__SIGNALLING__PROCEDURE__NODE_DELETE);
        assert_int_equal(told->n_set, 3);
        assert_int_equal(told->set[0]->node.len, 17);
        assert_int_equal(told->set[0]->node.data[0], 1);
        assert_int_equal(told->set[1]->id, 2);
        assert_int_equal(told->set[1]->part, SET_PART(SERVING));
        assert_int_equal(told->set[2]->part, SET_PART(PGW));
        assert_int_equal(told->set[2]->node.data[0], 2);
        assert_int_equal(told->set[2]->id, 3);
        fake_sense_close(sense);
}

/* 7.9.5: PGW S5/S8 address 10.255.0.2, SGW S11 address 10.255.0.1. In other messages the element is another's. */
static void a_restarted_gateway_is_named(void **state)
{
        (void)state;
        struct fake_sense *sense = dissect("40b3 0014 000007 00 4a 0004 00 0aff0002 4a 0004 01 0aff0001", 1);
        const told_t *told = sense->events[0]->signalling;
        assert_int_equal(told->message, 179);
        assert_true(told->has_restarted && told->has_restarted_at);
        assert_memory_equal(told->restarted.data, ((const uint8_t[]){10, 255, 0, 2}), 4);
        assert_memory_equal(told->restarted_at.data, ((const uint8_t[]){10, 255, 0, 1}), 4);
        fake_sense_close(sense);
        sense = dissect("4020 000c 000007 00 4a 0004 00 0aff0002", 1);
        assert_false(sense->events[0]->signalling->has_restarted);
        fake_sense_close(sense);
}

static void procedures_are_named_as_the_event_has_them(void **state)
{
        (void)state;
#define IS(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
        static const struct {
                uint8_t type, procedure, phase;
        } rows[] = {
                {1, IS(PATH), 0}, {2, IS(PATH), 1}, {32, IS(CREATE), 0}, {34, IS(MODIFY), 0}, {35, IS(MODIFY), 1}, {37, IS(DELETE), 1},
                {38, IS(NOTIFY), 0}, {64, IS(BEARER), 2}, {65, IS(BEARER), 1}, {66, IS(BEARER_DELETE), 2}, {69, IS(BEARER), 1},
                {97, IS(BEARER), 0}, {100, IS(BEARER_DELETE), 1}, {101, IS(NODE_DELETE), 0}, {130, IS(RELOCATE), 0},
                {132, IS(RELOCATE), 2}, {133, IS(RELOCATE), 0}, {138, IS(OTHER), 1}, {149, IS(OTHER), 0}, {162, IS(RELEASE), 0},
                {165, IS(OTHER), 1}, {170, IS(RELEASE), 0}, {177, IS(OTHER), 1}, {179, IS(NODE_DELETE), 0}, {200, IS(OTHER), 0}, {211, IS(MODIFY), 0},
                {212, IS(MODIFY), 1},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const uint8_t bytes[] = {0x48, rows[i].type, 0, 8, 0, 0, 0, 1, 0, 0, 1, 0};
                struct signalling s;
                struct gtpv2c_message message;
                assert_int_equal(parse_bytes(bytes, sizeof bytes, &s, &message), DISSECT_OK);
                assert_int_equal(s.procedure, rows[i].procedure);
                assert_int_equal(s.phase, rows[i].phase);
        }
}

static void a_tunnelled_message_is_labelled_and_not_believed(void **state)
{
        (void)state;
        uint8_t bytes[512];
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
        sense->d.tunnelled = true;
        fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(CREATE_SESSION_REQUEST, bytes, sizeof bytes));
        assert_string_equal(sense->label, "GTP");
        assert_int_equal(sense->event_count, 0);
        assert_int_equal(sense->phase, FAKE_SETTLED);
        fake_sense_close(sense);
}

static void a_cut_packet_tells_what_it_has(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(CREATE_SESSION_REQUEST, bytes, sizeof bytes);
        for (int cut = 0; cut < 2; cut++) { /* by the capture, or on the wire */
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
                sense->d.cut = cut;
                fake_sense_send(sense, FROM_OPENER, bytes, length - 20);
                assert_int_equal(sense->event_count, cut);
                if (cut)
                        assert_string_equal(sense->events[0]->signalling->apn, "internet");
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
                {CREATE_SESSION_REQUEST, 2123, true},
                {CREATE_SESSION_REQUEST, 40123, true},
                {CREATE_SESSION_REQUEST "00", 40123, false},
                {"40 01 0009 000001 00 03 0001 00 09", 2123, true},
                {"40 01 0009 000001 00 03 0001 00 09", 40123, false},     /* an echo */
                {"40 02 0009 b1fd96 00 03 0001 00 8f", 2123, true},       /* an echo that could be CoAP: POST, no token */
                {"48 20 0008 00000001 000001 00", 40123, false},          /* names nobody */
                {"48 25 000e 00000001 000001 00 02 0002 00 1000", 40123, false},
                {"12 34 0100 0001 0000 0000 0000 03 777777 00 0001 0001", 2123, false}, /* DNS from a port of 2123 */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[512];
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, rows[i].port);
                fake_sense_send(sense, FROM_OPENER, bytes, hex_bytes(rows[i].bytes, bytes, sizeof bytes));
                assert_int_equal(sense->label != NULL && strcmp(sense->label, "GTP") == 0, rows[i].ours);
                fake_sense_close(sense);
        }
}

static void a_flow_is_followed_for_ever(void **state)
{
        (void)state;
        uint8_t bytes[512];
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
        size_t length = hex_bytes(CREATE_SESSION_REQUEST, bytes, sizeof bytes);
        for (unsigned i = 0; i < 50; i++) {
                fake_sense_send(sense, FROM_OPENER, bytes, length);
                fake_sense_send(sense, TO_OPENER, "\x48\x00", 2); /* broken ones do not end it */
        }
        assert_int_equal(sense->event_count, 50);
        assert_int_equal(sense->phase, FAKE_FOLLOWED);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_create_session_request_is_read),
                cmocka_unit_test(two_messages_of_a_datagram_make_two_events),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(every_message_that_ends_within_an_element_is_malformed),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(the_elements_of_a_message_are_counted),
                cmocka_unit_test(every_kind_of_address_is_read),
                cmocka_unit_test(an_endpoint_of_both_families_is_one),
                cmocka_unit_test(causes_from_16_to_19_mean_yes),
                cmocka_unit_test(refused_and_removed_bearers_have_no_tunnels),
                cmocka_unit_test(a_delete_bearer_names_the_session_or_bearers),
                cmocka_unit_test(a_delete_session_says_who_is_told),
                cmocka_unit_test(each_pdn_connection_makes_an_event),
                cmocka_unit_test(an_mm_context_tells_the_device),
                cmocka_unit_test(sets_are_read_with_whose_they_are),
                cmocka_unit_test(a_set_request_may_name_many),
                cmocka_unit_test(a_restarted_gateway_is_named),
                cmocka_unit_test(procedures_are_named_as_the_event_has_them),
                cmocka_unit_test(a_tunnelled_message_is_labelled_and_not_believed),
                cmocka_unit_test(a_cut_packet_tells_what_it_has),
                cmocka_unit_test(another_port_takes_a_message_that_cannot_be_anything_else),
                cmocka_unit_test(a_flow_is_followed_for_ever),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
