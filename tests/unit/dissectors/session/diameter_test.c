#include "dissectors/session/diameter.h"

#include "dissectors/session/diameter_message.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/dissectors/session/diameter_messages.h"
#include "tests/unit/test.h"

typedef Apnwatch__V1__Signalling told_t;
#define IS(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define OF(name) APNWATCH__V1__SIGNALLING__PROTOCOL__##name

enum { PORT = 3868 };

static enum dissect_result parse_bytes(const uint8_t *bytes, size_t length, struct signalling *s, struct diameter_message *message)
{
        uint8_t *copy = malloc(length ? length : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, length);
        struct cursor cursor = cursor_of(copy, length);
        enum dissect_result result = diameter_parse(&cursor, s, message);
        free(copy);
        return result;
}

static enum dissect_result parse(const char *text, struct signalling *s, struct diameter_message *message)
{
        uint8_t bytes[2048];
        return parse_bytes(bytes, hex_bytes(text, bytes, sizeof bytes), s, message);
}

static void send_hex(struct fake_sense *sense, enum direction direction, const char *text)
{
        uint8_t bytes[4096];
        fake_sense_send(sense, direction, bytes, hex_bytes(text, bytes, sizeof bytes));
}

/* Appends a DATA chunk with bytes `from` to `to` of a message. */
static size_t add_chunk(uint8_t *out, const char *text, size_t from, size_t to, uint32_t tsn, uint8_t flags, uint8_t protocol)
{
        uint8_t bytes[4096];
        size_t length = hex_bytes(text, bytes, sizeof bytes);
        to = to < length ? to : length;
        size_t whole = 16 + to - from, padded = (whole + 3) / 4 * 4;
        memset(out, 0, padded);
        out[1] = flags;
        out[2] = (uint8_t)(whole >> 8);
        out[3] = (uint8_t)whole;
        out[6] = (uint8_t)(tsn >> 8);
        out[7] = (uint8_t)tsn;
        out[15] = protocol;
        memcpy(out + 16, bytes + from, to - from);
        return padded;
}

static void every_field_of_a_gx_request_is_read(void **state)
{
        (void)state;
        struct signalling s;
        struct diameter_message message;
        char text[PLMN_TEXT_SIZE];
        assert_int_equal(parse(CREDIT_CONTROL_REQUEST, &s, &message), DISSECT_OK);
        assert_int_equal(s.protocol, OF(GX));
        assert_int_equal(s.procedure, IS(CREATE));
        assert_int_equal(s.phase, APNWATCH__V1__SIGNALLING__PHASE__REQUEST);
        assert_int_equal(s.message, 272);
        assert_int_equal(s.sequence, 0x100);
        assert_false(s.has_key);
        assert_string_equal(s.session, "pgw.example;1;42");
        assert_string_equal(s.node, "pgw.example");
        assert_int_equal(s.recovery, 7);
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.imei, "3534900698733153");
        assert_string_equal(s.msisdn, "491790000101");
        assert_string_equal(s.apn.network, "iot.example");
        assert_string_equal(s.apn.operator_part, "mnc001.mcc001.gprs");
        assert_true(s.has_ipv4 && s.has_ipv6);
        assert_memory_equal(s.ipv4, "\x0a\x2d\x00\x07", 4);
        assert_memory_equal(s.ipv6_prefix, "\x20\x01\x0d\xb8\x00\x45\x00\x07\0\0\0\0\0\0\0\0", 16);
        assert_int_equal(s.ipv6_length, 64);
        assert_string_equal(s.rat, "EUTRAN");
        assert_string_equal(plmn_text(&s.plmn, text), "262-01");
        assert_int_equal(s.location.cell.id, 0x12345);
        assert_int_equal(s.location.area.area, 0x1001);
        assert_true(message.is_told && message.names_protocol);
}

static void charging_has_its_facts_in_groups(void **state)
{
        (void)state;
        struct signalling s;
        struct diameter_message message;
        assert_int_equal(parse(GY_UPDATE, &s, &message), DISSECT_OK);
        assert_int_equal(s.protocol, OF(GY));
        assert_int_equal(s.procedure, IS(MODIFY));
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.imei, "3534900698733153"); /* as TBCD */
        assert_string_equal(s.apn.network, "iot");
        assert_string_equal(s.rat, "NB-IoT");
        assert_int_equal(s.charging_id, 0xabcd);
        assert_int_equal(s.bearer, 6);
        assert_memory_equal(s.ipv4, "\x0a\x2d\x00\x07", 4);
}

static void the_home_server_is_told_who_and_tells_where(void **state)
{
        (void)state;
        struct signalling s;
        struct diameter_message message;
        char text[PLMN_TEXT_SIZE];
        assert_int_equal(parse(UPDATE_LOCATION_REQUEST, &s, &message), DISSECT_OK);
        assert_int_equal(s.protocol, OF(S6A));
        assert_int_equal(s.procedure, IS(SUBSCRIBER));
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.imei, "35349006987331");
        assert_string_equal(s.rat, "NB-IoT");
        assert_string_equal(plmn_text(&s.plmn, text), "001-01");
        assert_int_equal(parse(UPDATE_LOCATION_ANSWER, &s, &message), DISSECT_OK);
        assert_true(s.has_accepted && s.accepted);
        assert_string_equal(s.msisdn, "491790000101");
        assert_int_equal(parse(INSERT_SUBSCRIBER_DATA_ANSWER, &s, &message), DISSECT_OK);
        assert_string_equal(s.location.cell.kind, "ecgi");
        assert_int_equal(s.location.cell.id, 0x12345);
        assert_int_equal(s.location.area.area, 0x1001);
}

static void a_network_access_identifier_has_the_imsi_behind_a_digit(void **state)
{
        (void)state;
        struct signalling s;
        struct diameter_message message;
        assert_int_equal(parse(S6B_REQUEST, &s, &message), DISSECT_OK);
        assert_int_equal(s.protocol, OF(S6B));
        assert_int_equal(s.procedure, IS(CREATE));
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.apn.network, "ims");
        assert_int_equal(parse(S6B_ANSWER, &s, &message), DISSECT_OK);
        assert_true(s.has_accepted && !s.accepted);
        assert_int_equal(s.cause, 5001); /* in an Experimental-Result */
}

/* Header of a command and application, then these AVPs. */
static enum dissect_result parse_avps(uint32_t command, uint32_t application, uint8_t flags, const char *avps, struct signalling *s,
                                      struct diameter_message *message)
{
        uint8_t bytes[512] = {1};
        size_t length = 20 + hex_bytes(avps, bytes + 20, sizeof bytes - 20);
        bytes[2] = (uint8_t)(length >> 8);
        bytes[3] = (uint8_t)length;
        bytes[4] = flags;
        for (unsigned i = 0; i < 3; i++)
                bytes[5 + i] = (uint8_t)(command >> (16 - 8 * i));
        for (unsigned i = 0; i < 4; i++)
                bytes[8 + i] = (uint8_t)(application >> (24 - 8 * i));
        return parse_bytes(bytes, length, s, message);
}

static void subscribers_and_devices_are_named_in_several_ways(void **state)
{
        (void)state;
        struct signalling s;
        struct diameter_message message;
        /* Subscription-Id-Extension, User-Equipment-Info-Extension */
        assert_int_equal(parse_avps(272, 4, 0x80, "00000293 40000020 00000295 40000017 303031303130303030303030313031 00"
                                    "00000293 4000001c 00000294 40000014 343931373930303030313031"
                                    "0000028d 40000020 0000028e 40000018 33353334393030363938373333313533", &s, &message), DISSECT_OK);
        assert_string_equal(s.imsi, "001010000000101");
        assert_string_equal(s.msisdn, "491790000101");
        assert_string_equal(s.imei, "3534900698733153");
        /* Calling-Station-Id, and User-Name: a phone number */
        assert_int_equal(parse_avps(272, 16777238, 0x80, "0000001f 40000014 343931373930303030313031"
                                    "00000001 40000014 343931373930303030313031", &s, &message), DISSECT_OK);
        assert_string_equal(s.msisdn, "491790000101");
        assert_string_equal(s.imsi, "");
        assert_int_equal(parse_avps(272, 16777238, 0x80, "0000001f 40000014 303031313232333334343535", &s, &message), DISSECT_OK);
        assert_string_equal(s.msisdn, ""); /* a station's hardware */
        assert_int_equal(parse_avps(272, 16777238, 0x80, "00000001 40000017 303031303130303030303030313031 00", &s, &message), DISSECT_OK);
        assert_string_equal(s.imsi, "001010000000101");
}

static void procedures_are_named_as_the_event_has_them(void **state)
{
        (void)state;
        enum { GX = 16777238, RX = 16777236, S6A = 16777251, S6B = 16777272, CX = 16777216, S13 = 16777252 };
        static const struct {
                uint32_t command, application;
                const char *avps;
                unsigned protocol, procedure;
                bool told;
        } rows[] = {
                {272, GX, "000001a0 4000000c 00000001", OF(GX), IS(CREATE), true},
                {272, GX, "000001a0 4000000c 00000002", OF(GX), IS(MODIFY), true},
                {272, GX, "000001a0 4000000c 00000003", OF(GX), IS(DELETE), true},
                {272, GX, "000001a0 4000000c 00000004", OF(GX), IS(NOTIFY), true},
                {272, GX, "000001a0 4000000c 00000005", OF(GX), IS(OTHER), true},
                {272, 4, "000001a0 4000000c 00000001", OF(GY), IS(CREATE), true},
                {271, 3, "000001e0 4000000c 00000001", OF(GY), IS(NOTIFY), true}, /* EVENT_RECORD */
                {271, 3, "000001e0 4000000c 00000002", OF(GY), IS(CREATE), true},
                {271, 3, "000001e0 4000000c 00000004", OF(GY), IS(DELETE), true},
                {258, GX, "", OF(GX), IS(MODIFY), true}, {274, S6B, "", OF(S6B), IS(DELETE), true},
                {275, S6B, "", OF(S6B), IS(DELETE), true}, {265, S6B, "", OF(S6B), IS(CREATE), true},
                {265, RX, "", OF(GX), IS(NOTIFY), true}, {275, RX, "", OF(GX), IS(OTHER), true},
                {316, S6A, "", OF(S6A), IS(SUBSCRIBER), true}, {321, S6A, "", OF(S6A), IS(OTHER), true},
                {324, S13, "", OF(S6A), IS(SUBSCRIBER), true}, {300, CX, "", OF(GX), IS(OTHER), false},
                {280, 0, "00000116 4000000c 00000009", OF(GX), IS(PATH), true}, {280, 0, "", OF(GX), IS(PATH), false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                struct diameter_message message;
                assert_int_equal(parse_avps(rows[i].command, rows[i].application, 0xc0, rows[i].avps, &s, &message), DISSECT_OK);
                assert_int_equal(s.protocol, rows[i].protocol);
                assert_int_equal(s.procedure, rows[i].procedure);
                assert_int_equal(message.is_told, rows[i].told);
                assert_int_equal(s.phase, 0);
        }
}

/* Framed-IP-Address and Called-Station-Id are the base protocol's; the same codes of a vendor are other things. */
static void the_vendor_says_what_a_code_means(void **state)
{
        (void)state;
        struct signalling s;
        struct diameter_message message;
        assert_int_equal(parse_avps(272, 16777238, 0xc0, "00000008 c0000011 000028af 3030313031 000000"
                                                         "0000001e c000000f 000028af 696f74 00", &s, &message), DISSECT_OK);
        assert_false(s.has_ipv4);
        assert_string_equal(s.apn.network, "");
        assert_int_equal(parse_avps(272, 16777238, 0xc0, "00000008 4000000c 0a2d0007 0000001e 4000000b 696f74 00", &s, &message), DISSECT_OK);
        assert_true(s.has_ipv4);
        assert_string_equal(s.apn.network, "iot");
        assert_int_equal(parse_avps(272, 16777238, 0xc0, "00000016 c0000019 00000009 8200f110100100f11000012345 000000", &s, &message), DISSECT_OK);
        assert_null(s.location.cell.kind); /* of vendor 9 */
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[1024];
        size_t length = hex_bytes(CREDIT_CONTROL_REQUEST, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++) {
                struct signalling s;
                struct diameter_message message;
                assert_int_equal(parse_bytes(bytes, cut, &s, &message), DISSECT_TRUNCATED);
                assert_int_equal(s.message, cut < 20 ? 0 : 272);
        }
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
#define HEADER(length) "01 0000" length " c0 000110 01000016 00000001 00000001"
        static const struct {
                const char *what, *bytes;
                enum dissect_result result;
        } rows[] = {
                {"no AVPs", HEADER("14"), DISSECT_OK},
                {"version 2", "02 000014 c0 000110 01000016 00000001 00000001", DISSECT_NO_MATCH},
                {"shorter than its header", HEADER("13"), DISSECT_MALFORMED},
                {"an AVP shorter than its header", HEADER("1c") "00000008 40000007", DISSECT_MALFORMED},
                {"one of a vendor, too", HEADER("20") "00000008 c000000b 000028af", DISSECT_MALFORMED},
                {"an AVP beyond the end", HEADER("20") "00000008 4000000d 0a2d0007", DISSECT_MALFORMED},
                {"half a header", HEADER("18") "00000008", DISSECT_MALFORMED},
                {"without padding at the end", HEADER("1d") "0000001e 40000009 61", DISSECT_OK},
                {"one beyond its group", HEADER("24") "000001bb 40000010 000001bc 4000000c", DISSECT_MALFORMED},
                {"groups without end", HEADER("44") "00000104 40000030 00000104 40000028 00000104 40000020 00000104 40000018 00000104 40000010"
                                                    "00000104 40000008", DISSECT_OK},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct signalling s;
                struct diameter_message message;
                if (parse(rows[i].bytes, &s, &message) != rows[i].result)
                        fail_msg("%s", rows[i].what);
        }
}

static void messages_are_found_however_segments_fall(void **state)
{
        (void)state;
        uint8_t bytes[4096];
        size_t length = hex_bytes(CREDIT_CONTROL_REQUEST GY_UPDATE UPDATE_LOCATION_REQUEST, bytes, sizeof bytes);
        for (size_t step = 1; step < length; step += step < 40 ? 1 : 97) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, PORT);
                for (size_t at = 0; at < length; at += step)
                        fake_sense_send(sense, FROM_OPENER, bytes + at, at + step < length ? step : length - at);
                send_hex(sense, TO_OPENER, CREDIT_CONTROL_ANSWER);
                assert_string_equal(sense->label, "Diameter");
                assert_int_equal(sense->event_count, 4);
                const told_t *first = sense->events[0]->signalling, *third = sense->events[2]->signalling;
                assert_string_equal(first->imei, "3534900698733153");
                assert_string_equal(third->imei, "35349006987331");
                assert_int_equal(sense->events[3]->signalling->cause, 2001);
                fake_sense_close(sense);
        }
}

static void behind_a_gap_the_next_message_is_found(void **state)
{
        (void)state;
        uint8_t bytes[4096];
        size_t length = hex_bytes(CREDIT_CONTROL_REQUEST GY_UPDATE, bytes, sizeof bytes);
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, PORT);
        send_hex(sense, FROM_OPENER, UPDATE_LOCATION_REQUEST);
        fake_sense_lose(sense, FROM_OPENER, 100);
        fake_sense_send(sense, FROM_OPENER, bytes + 100, length - 100);
        assert_int_equal(sense->event_count, 2);
        assert_int_equal(sense->events[1]->signalling->protocol, OF(GY));
        fake_sense_close(sense);
        sense = fake_sense_open(IPPROTO_TCP, PORT); /* the capture began in the middle */
        fake_sense_send(sense, FROM_OPENER, bytes + 100, length - 100);
        assert_int_equal(sense->event_count, 1);
        assert_int_equal(sense->events[0]->signalling->protocol, OF(GY));
        fake_sense_close(sense);
}

static void a_message_that_the_capture_cut_tells_what_it_has(void **state)
{
        (void)state;
        uint8_t bytes[2048];
        size_t length = hex_bytes(CREDIT_CONTROL_REQUEST, bytes, sizeof bytes);
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, PORT);
        sense->d.cut = true;
        fake_sense_send(sense, FROM_OPENER, bytes, 200);
        sense->d.cut = false;
        assert_int_equal(sense->event_count, 1);
        assert_string_equal(sense->events[0]->signalling->imsi, "001010000000101");
        fake_sense_lose(sense, FROM_OPENER, length - 200);
        send_hex(sense, FROM_OPENER, GY_UPDATE);
        assert_int_equal(sense->event_count, 2);
        fake_sense_close(sense);
}

static void an_answer_that_does_not_repeat_the_type_takes_that_of_its_request(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, PORT);
        send_hex(sense, FROM_OPENER, CREDIT_CONTROL_REQUEST);
        send_hex(sense, TO_OPENER, "01 000020 60 000110 01000016 00000100 00000001 0000010c 4000000c 00000bba"); /* 3002 */
        send_hex(sense, TO_OPENER, "01 000020 60 000110 01000016 00000999 00000001 0000010c 4000000c 00000bba");
        assert_int_equal(sense->event_count, 3);
        assert_int_equal(sense->events[1]->signalling->procedure, IS(CREATE));
        assert_true(sense->events[1]->signalling->has_accepted && !sense->events[1]->signalling->accepted);
        assert_int_equal(sense->events[2]->signalling->procedure, IS(OTHER));
        fake_sense_close(sense);
}

static void a_peer_of_itself_speaks_for_the_application_of_its_connection(void **state)
{
        (void)state;
        static const char watchdog[] = "01 000020 80 000118 00000000 00000001 00000001 00000116 4000000c 00000009";
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, PORT);
        send_hex(sense, FROM_OPENER, CAPABILITIES_REQUEST);
        send_hex(sense, FROM_OPENER, watchdog);
        send_hex(sense, FROM_OPENER, UPDATE_LOCATION_REQUEST);
        send_hex(sense, FROM_OPENER, watchdog);
        assert_int_equal(sense->event_count, 4);
        assert_int_equal(sense->events[0]->signalling->procedure, IS(PATH));
        assert_int_equal(sense->events[0]->signalling->protocol, OF(GX)); /* of Gy and Gx */
        assert_int_equal(sense->events[0]->signalling->recovery, 1670723462);
        assert_string_equal(sense->events[0]->signalling->node, "smf");
        assert_int_equal(sense->events[1]->signalling->protocol, OF(GX));
        assert_int_equal(sense->events[3]->signalling->protocol, OF(S6A));
        fake_sense_close(sense);
}

static void chunks_have_messages_and_fragments_of_them(void **state)
{
        (void)state;
        uint8_t bytes[4096];
        struct fake_sense *sense = fake_sense_open(IPPROTO_SCTP, PORT);
        send_hex(sense, FROM_OPENER, "01000014 00000001 00010000 000a 0009 00000001"); /* INIT */
        send_hex(sense, TO_OPENER, "02000014 00000001 00010000 000a 0009 00000001");
        size_t length = add_chunk(bytes, CREDIT_CONTROL_REQUEST, 0, 200, 1, 2, 46);
        length += add_chunk(bytes + length, CREDIT_CONTROL_REQUEST, 200, 300, 2, 0, 46);
        fake_sense_send(sense, FROM_OPENER, bytes, length);
        assert_int_equal(sense->event_count, 0);
        length = add_chunk(bytes, CREDIT_CONTROL_REQUEST, 200, 300, 2, 0, 46); /* again */
        length += add_chunk(bytes + length, CREDIT_CONTROL_REQUEST, 300, 4096, 3, 1, 46);
        length += add_chunk(bytes + length, GY_UPDATE, 0, 4096, 4, 3, 0);
        fake_sense_send(sense, FROM_OPENER, bytes, length);
        assert_string_equal(sense->label, "Diameter");
        assert_int_equal(sense->event_count, 2);
        assert_string_equal(sense->events[0]->signalling->imei, "3534900698733153");
        assert_int_equal(sense->events[1]->signalling->protocol, OF(GY));
        memcpy(bytes, "\x03\0\0\x10\0\0\0\1\0\1\0\0\0\0\0\0", 16); /* SACK, then an answer */
        fake_sense_send(sense, TO_OPENER, bytes, 16 + add_chunk(bytes + 16, CREDIT_CONTROL_ANSWER, 0, 4096, 1, 3, 46));
        assert_int_equal(sense->event_count, 3);
        assert_int_equal(sense->events[2]->signalling->cause, 2001);
        fake_sense_close(sense);
}

static void a_missing_fragment_loses_the_message(void **state)
{
        (void)state;
        uint8_t bytes[4096];
        struct fake_sense *sense = fake_sense_open(IPPROTO_SCTP, PORT);
        fake_sense_send(sense, FROM_OPENER, bytes, add_chunk(bytes, CREDIT_CONTROL_REQUEST, 0, 200, 1, 2, 46));
        fake_sense_send(sense, FROM_OPENER, bytes, add_chunk(bytes, CREDIT_CONTROL_REQUEST, 300, 4096, 3, 1, 46));
        assert_int_equal(sense->event_count, 0);
        fake_sense_send(sense, FROM_OPENER, bytes, add_chunk(bytes, GY_UPDATE, 0, 4096, 4, 3, 46));
        assert_int_equal(sense->event_count, 1);
        fake_sense_close(sense);
}

static void both_peers_may_send_fragments_at_once(void **state)
{
        (void)state;
        uint8_t bytes[4096];
        struct fake_sense *sense = fake_sense_open(IPPROTO_SCTP, PORT);
        fake_sense_send(sense, FROM_OPENER, bytes, add_chunk(bytes, CREDIT_CONTROL_REQUEST, 0, 200, 1, 2, 46));
        fake_sense_send(sense, TO_OPENER, bytes, add_chunk(bytes, GY_UPDATE, 0, 100, 900, 2, 46));
        fake_sense_send(sense, FROM_OPENER, bytes, add_chunk(bytes, CREDIT_CONTROL_REQUEST, 200, 4096, 2, 1, 46));
        fake_sense_send(sense, TO_OPENER, bytes, add_chunk(bytes, GY_UPDATE, 100, 4096, 901, 1, 46));
        assert_int_equal(sense->event_count, 2);
        assert_int_equal(sense->events[0]->signalling->protocol, OF(GX));
        assert_int_equal(sense->events[1]->signalling->protocol, OF(GY));
        fake_sense_close(sense);
}

static void what_is_not_diameter_is_left_to_others(void **state)
{
        (void)state;
        static const struct {
                uint8_t protocol;
                uint16_t port;
                const char *bytes;
                bool ours;
        } rows[] = {
                {IPPROTO_TCP, 13868, CREDIT_CONTROL_REQUEST, true},
                {IPPROTO_TCP, 13868, "01 000020 c0 000110 01000016 00000001 00000001 00000000 00000000 00000000", false},
                {IPPROTO_TCP, 13868, "01 00001f c0 000110 01000016 00000001 00000001", false},
                {IPPROTO_TCP, 13868, "474554202f20485454502f312e310d0a0d0a", false},
                {IPPROTO_SCTP, 36412, "00030020 00000001 00000000 00000012 00110030000004003b000800", false}, /* S1AP */
                {IPPROTO_SCTP, PORT, "01000014 00000001 00010000 000a 0009 00000001", false},
                {IPPROTO_SCTP, PORT, "01000003", false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(rows[i].protocol, rows[i].port);
                send_hex(sense, FROM_OPENER, rows[i].bytes);
                assert_int_equal(sense->dissector == &diameter_dissector, rows[i].ours);
                fake_sense_close(sense);
        }
}

static void a_message_of_a_device_is_not_believed(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, PORT);
        sense->d.tunnelled = true;
        send_hex(sense, FROM_OPENER, CREDIT_CONTROL_REQUEST);
        assert_string_equal(sense->label, "Diameter");
        assert_int_equal(sense->event_count, 0);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_gx_request_is_read),
                cmocka_unit_test(charging_has_its_facts_in_groups),
                cmocka_unit_test(the_home_server_is_told_who_and_tells_where),
                cmocka_unit_test(a_network_access_identifier_has_the_imsi_behind_a_digit),
                cmocka_unit_test(subscribers_and_devices_are_named_in_several_ways),
                cmocka_unit_test(procedures_are_named_as_the_event_has_them),
                cmocka_unit_test(the_vendor_says_what_a_code_means),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(messages_are_found_however_segments_fall),
                cmocka_unit_test(behind_a_gap_the_next_message_is_found),
                cmocka_unit_test(a_message_that_the_capture_cut_tells_what_it_has),
                cmocka_unit_test(an_answer_that_does_not_repeat_the_type_takes_that_of_its_request),
                cmocka_unit_test(a_peer_of_itself_speaks_for_the_application_of_its_connection),
                cmocka_unit_test(chunks_have_messages_and_fragments_of_them),
                cmocka_unit_test(a_missing_fragment_loses_the_message),
                cmocka_unit_test(both_peers_may_send_fragments_at_once),
                cmocka_unit_test(what_is_not_diameter_is_left_to_others),
                cmocka_unit_test(a_message_of_a_device_is_not_believed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
