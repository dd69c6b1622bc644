#include "dissectors/app/dns.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

/* A query of mine.example.com for A. */
static const char query[] = "1234 0100 0001 0000 0000 0000 046d696e65 076578616d706c65 03636f6d 00 0001 0001";

/* From ntop/nDPI's android.pcap, frame 79: captive.apple.com over three aliases to two addresses. */
static const char answer[] =
        "fba6 8180 0001 0005 0000 0000"                             /* id, response, one question, five answers */
        "0763617074697665 056170706c65 03636f6d 00 0001 0001"       /* 12: captive.apple.com A IN */
        "c00c 0005 0001 0000108a 002a"                              /* CNAME, 4234 s */
        "0c636170746976652d63696472 0c6f726967696e2d6170706c65 03636f6d 06616b61646e73 036e6574 00"
        "c02f 0005 0001 00000082 000e 0b636170746976652d63646e c03c" /* 130 s: captive-cdn. and a pointer */
        "c065 0005 0001 00000154 0014 0763617074697665 0167 076161706c696d67 c01a"
        "c07f 0001 0001 00000013 0004 11fd35c9"
        "c07f 0001 0001 00000013 0004 11fd35d0";

static enum dissect_result parse_message(struct cursor *payload, void *message)
{
        return dns_parse(payload, message);
}

static void every_field_of_a_real_answer_is_read(void **state)
{
        (void)state;
        uint8_t bytes[512];
        struct dns_message m;
        size_t length = hex_bytes(answer, bytes, sizeof bytes);
        struct cursor payload = cursor_of(bytes, length);
        assert_int_equal(dns_parse(&payload, &m), DISSECT_OK);
        assert_int_equal(cursor_left(&payload), 0);
        assert_int_equal(m.id, 0xfba6);
        assert_true(m.response);
        assert_int_equal(m.opcode, 0);
        assert_int_equal(m.rcode, 0);
        assert_int_equal(m.questions, 1);
        assert_string_equal(m.question, "captive.apple.com");
        assert_int_equal(m.type, 1);
        assert_int_equal(m.alias_count, 3);
        assert_string_equal(m.alias[0].owner, "captive.apple.com");
        assert_string_equal(m.alias[0].target, "captive-cidr.origin-apple.com.akadns.net");
        assert_int_equal(m.alias[0].ttl, 4234);
        assert_string_equal(m.alias[1].target, "captive-cdn.origin-apple.com.akadns.net");
        assert_int_equal(m.alias[1].ttl, 130);
        assert_string_equal(m.alias[2].target, "captive.g.aaplimg.com");
        assert_int_equal(m.alias[2].ttl, 340);
        assert_int_equal(m.answer_count, 2);
        assert_string_equal(m.answer[0].name, "captive.g.aaplimg.com");
        assert_int_equal(m.answer[0].ttl, 19);
        assert_int_equal(m.answer[1].length, 4);
        assert_memory_equal(m.answer[0].address, "\x11\xfd\x35\xc9", 4);
        assert_memory_equal(m.answer[1].address, "\x11\xfd\x35\xd0", 4);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        uint8_t bytes[512];
        struct dns_message m;
        size_t length = hex_bytes(answer, bytes, sizeof bytes);
        for (size_t cut = 0; cut < length; cut++) {
                assert_int_equal(parse_exactly(parse_message, bytes, cut, &m), DISSECT_TRUNCATED);
                assert_true(m.answer_count < 2);
        }
        assert_int_equal(parse_exactly(parse_message, bytes, length, &m), DISSECT_OK);
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct { const char *what, *bytes; enum dissect_result result; const char *question; } rows[] = {
                {"a query", query, DISSECT_OK, "mine.example.com"},
                {"upper case, a dot, a blank, a backslash and a byte above 127 in labels",
                 "0001 8180 0001 0000 0000 0000 0541 2e20 5cff 0343 4f4d 00 0001 0001", DISSECT_OK,
                 "a\\.\\032\\\\\\255.com"},
                {"the root", "0001 8180 0001 0000 0000 0000 00 0002 0001", DISSECT_OK, "."},
                {"a pointer to itself", "0001 8180 0001 0000 0000 0000 c00c 0001 0001", DISSECT_MALFORMED, NULL},
                {"a pointer forward", "0001 8180 0001 0000 0000 0000 c00e 0001 0001 00", DISSECT_MALFORMED, NULL},
                {"a pointer into the header", "0001 8180 0001 0000 0000 0000 c000 0001 0001", DISSECT_MALFORMED, NULL},
                {"two pointers at each other",
                 "0001 8180 0002 0000 0000 0000 0161 c00f 0001 0001 c00c 0001 0001", DISSECT_MALFORMED, NULL},
                {"a label of the reserved kinds",
                 "0001 8180 0001 0000 0000 0000 4161 00 0001 0001", DISSECT_MALFORMED, NULL},
                {"no record at all", "0001 8180 0000 0000 0000 0000", DISSECT_NO_MATCH, NULL},
                {"opcode 9", "0001 c980 0001 0000 0000 0000 00 0001 0001", DISSECT_NO_MATCH, NULL},
                {"opcode 3", "0001 9980 0001 0000 0000 0000 00 0001 0001", DISSECT_NO_MATCH, NULL},
                {"an owner that points to a pointer to itself",
                 "0001 8180 0001 0001 0000 0000 00 c00d 0001 c00d 0001 0001 0000003c 0004 c0000201", DISSECT_OK, "."},
                {"the reserved bit", "0001 81c0 0001 0000 0000 0000 00 0001 0001", DISSECT_NO_MATCH, NULL},
                {"more answers than there are", "0001 8180 0001 0001 0000 0000 00 0001 0001", DISSECT_TRUNCATED, "."},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t bytes[256];
                struct dns_message m;
                size_t length = hex_bytes(rows[i].bytes, bytes, sizeof bytes);
                enum dissect_result result = parse_exactly(parse_message, bytes, length, &m);
                if (result != rows[i].result)
                        fail_msg("%s: %d", rows[i].what, result);
                if (rows[i].question != NULL)
                        assert_string_equal(m.question, rows[i].question);
        }
}

static void a_name_longer_than_255_bytes_is_malformed(void **state)
{
        (void)state;
        for (unsigned last = 61; last <= 62; last++) {
                uint8_t bytes[12 + 256 + 4 + 8] = {0, 1, 0x81, 0x80, 0, 1};
                size_t length = 12;
                for (unsigned label = 0; label < 4; label++) {
                        uint8_t size = (uint8_t)(label < 3 ? 63 : last);
                        bytes[length++] = size;
                        memset(bytes + length, 0xff, size);
                        length += size;
                }
                bytes[length++] = 0;
                length += 4;
                struct dns_message m;
                enum dissect_result expected = last == 61 ? DISSECT_OK : DISSECT_MALFORMED;
                assert_int_equal(parse_exactly(parse_message, bytes, length, &m), expected);
                assert_int_equal(dns_check(cursor_of(bytes, length)), expected);
                if (last == 61)
                        assert_int_equal(strlen(m.question), 250 * 4 + 3);
        }
}

static void the_least_ttl_along_the_chain_counts(void **state)
{
        (void)state;
        uint8_t bytes[256];
        struct dns_message m;
        size_t length = hex_bytes("0001 8180 0001 0004 0000 0000 0161 00 001c 0001"
                                  "0162 00 0005 0001 00000005 0003 0163 00"       /* b -> c, 5 s */
                                  "c00c 0005 0001 00000064 0003 0162 00"          /* a -> b, 100 s */
                                  "0163 00 001c 0001 000003e8 0010 20010db8000000000000000000000001"
                                  "0164 00 001c 0001 000003e8 0010 20010db8000000000000000000000002", bytes, sizeof bytes);
        assert_int_equal(parse_exactly(parse_message, bytes, length, &m), DISSECT_OK);
        assert_int_equal(m.alias_count, 2);
        assert_int_equal(m.answer_count, 2);
        assert_int_equal(m.answer[0].ttl, 5);
        assert_string_equal(m.answer[0].name, "c");
        assert_int_equal(m.answer[0].length, 16);
        assert_int_equal(m.answer[1].ttl, 1000);
}

static void a_circle_of_aliases_ends(void **state)
{
        (void)state;
        uint8_t bytes[128];
        struct dns_message m;
        size_t length = hex_bytes("0001 8180 0001 0003 0000 0000 0171 00 0001 0001 0161 00 0005 0001 00000009 0003 0162 00"
                                  "0162 00 0005 0001 00000008 0003 0161 00 0161 00 0001 0001 0000000a 0004 c0000201",
                                  bytes, sizeof bytes);
        assert_int_equal(parse_exactly(parse_message, bytes, length, &m), DISSECT_OK);
        assert_int_equal(m.answer[0].ttl, 8);
}

static void service_records_give_hints_and_targets(void **state)
{
        (void)state;
        uint8_t bytes[256];
        struct dns_message m;
        size_t length = hex_bytes("0001 8180 0001 0001 0000 0001 0161 00 0041 0001" /* a HTTPS */
                                  "c00c 0041 0001 0000003c 002e 0001 03737663 00"   /* priority 1, target svc */
                                  "0001 0003 026832"                                /* alpn h2 */
                                  "0004 0008 c0000201 c0000202"                     /* ipv4hint */
                                  "0006 0010 20010db8000000000000000000000001"      /* ipv6hint */
                                  "00 0029 04d0 01000000 0000", bytes, sizeof bytes); /* EDNS, extended rcode 1 */
        assert_int_equal(parse_exactly(parse_message, bytes, length, &m), DISSECT_OK);
        assert_int_equal(m.rcode, 16);
        assert_int_equal(m.alias_count, 1);
        assert_string_equal(m.alias[0].target, "svc");
        assert_int_equal(m.answer_count, 3);
        assert_string_equal(m.answer[0].name, "a");
        assert_int_equal(m.answer[1].length, 4);
        assert_int_equal(m.answer[2].length, 16);
}

static void glue_is_no_answer_but_more_addresses_of_the_name_are(void **state)
{
        (void)state;
        uint8_t bytes[256];
        struct dns_message m;
        size_t length = hex_bytes("0001 8180 0001 0001 0001 0003 0161 00 0001 0001 c00c 0001 0001 0000003c 0004 c0000201"
                                  "c00c 0002 0001 0000003c 0004 026e73 00"        /* name server ns, */
                                  "c02f 0001 0001 0000003c 0004 c0000299"         /* its address, */
                                  "c00c 001c 0001 0000003c 0010 20010db8000000000000000000000001"
                                  "00 0029 04d0 00000000 0000", bytes, sizeof bytes);
        assert_int_equal(parse_exactly(parse_message, bytes, length, &m), DISSECT_OK);
        assert_int_equal(m.answer_count, 2);
        assert_int_equal(m.answer[1].length, 16);
        assert_string_equal(m.answer[1].name, "a");
}

static void answers_beyond_the_limits_are_dropped(void **state)
{
        (void)state;
        enum { COUNT = 200, RECORD = 16 };
        uint8_t bytes[19 + COUNT * RECORD];
        struct dns_message m;
        size_t length = hex_bytes("0001 8180 0001 00c8 0000 0000 0161 00 0001 0001", bytes, sizeof bytes);
        for (unsigned i = 0; i < COUNT; i++)
                length += hex_bytes("c00c 0001 0001 0000003c 0004 c0000201", bytes + length, RECORD);
        assert_int_equal(parse_exactly(parse_message, bytes, length, &m), DISSECT_OK);
        assert_int_equal(m.answer_count, DNS_ANSWERS);
}

static size_t send_hex(struct fake_sense *sense, enum direction direction, const char *text)
{
        uint8_t bytes[1024];
        size_t length = hex_bytes(text, bytes, sizeof bytes);
        fake_sense_send(sense, direction, bytes, length);
        return length;
}

static void an_answer_towards_the_device_becomes_an_event(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 53);
        send_hex(sense, FROM_OPENER, query);
        assert_string_equal(sense->label, "DNS");
        assert_int_equal(sense->event_count, 0);
        for (unsigned i = 0; i < 2; i++)
                send_hex(sense, TO_OPENER, answer);
        assert_int_equal(sense->event_count, 2);
        const event_t *event = sense->events[1];
        assert_int_equal(event->body_case, APNWATCH__V1__EVENT__BODY_NAMES);
        assert_true(event->has_from_device);
        assert_false(event->from_device);
        assert_string_equal(event->names->question, "captive.apple.com");
        assert_int_equal(event->names->type, 1);
        assert_true(event->names->has_rcode);
        assert_int_equal(event->names->rcode, 0);
        assert_int_equal(event->names->n_alias, 3);
        assert_string_equal(event->names->alias[2], "captive.g.aaplimg.com");
        assert_int_equal(event->names->n_answer, 2);
        assert_string_equal(event->names->answer[1]->name, "captive.g.aaplimg.com");
        assert_int_equal(event->names->answer[1]->ttl, 19);
        assert_int_equal(event->names->answer[1]->address.len, 4);
        assert_memory_equal(event->names->answer[1]->address.data, "\x11\xfd\x35\xd0", 4);
        fake_sense_close(sense);
}

static void a_name_that_does_not_exist_is_told(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 53);
        send_hex(sense, FROM_OPENER, query);
        send_hex(sense, TO_OPENER, "1234 8183 0001 0000 0000 0000 046d696e65 076578616d706c65 03636f6d 00 0001 0001");
        assert_int_equal(sense->event_count, 1);
        assert_int_equal(sense->events[0]->names->rcode, 3);
        assert_int_equal(sense->events[0]->names->n_answer, 0);
        fake_sense_close(sense);
}

static void a_message_cut_by_the_capture_shows_what_is_there(void **state)
{
        (void)state;
        uint8_t bytes[512];
        size_t length = hex_bytes(answer, bytes, sizeof bytes);
        for (unsigned cut = 0; cut < 2; cut++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 53);
                sense->d.cut = cut;
                fake_sense_send(sense, TO_OPENER, bytes, length - 1);
                assert_int_equal(sense->event_count, cut);
                if (cut)
                        assert_int_equal(sense->events[0]->names->n_answer, 1);
                fake_sense_close(sense);
        }
}

static void messages_over_tcp_are_cut_by_their_length(void **state)
{
        (void)state;
        uint8_t bytes[1024], stream[2048];
        size_t length = hex_bytes(answer, bytes, sizeof bytes);
        size_t used = 0;
        for (unsigned i = 0; i < 3; i++) {
                stream[used++] = 0;
                stream[used++] = (uint8_t)length;
                memcpy(stream + used, bytes, length);
                used += length;
        }
        for (size_t step = 1; step <= used; step += 37) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 53);
                for (size_t at = 0; at < used; at += step)
                        fake_sense_send(sense, TO_OPENER, stream + at, at + step <= used ? step : used - at);
                assert_int_equal(sense->event_count, 3);
                assert_string_equal(sense->label, "DNS");
                fake_sense_close(sense);
        }
}

static void the_front_of_a_message_too_long_to_be_held_is_read(void **state)
{
        (void)state;
        enum { COUNT = 2000, RECORD = 16, LENGTH = 19 + COUNT * RECORD };
        uint8_t *stream = malloc(2 * (2 + LENGTH));
        assert_non_null(stream);
        size_t used = 0;
        for (unsigned i = 0; i < 2; i++) {
                stream[used++] = LENGTH >> 8;
                stream[used++] = LENGTH & 0xff;
                used += hex_bytes("0001 8180 0001 07d0 0000 0000 0161 00 0001 0001", stream + used, 19);
                for (unsigned record = 0; record < COUNT; record++)
                        used += hex_bytes("c00c 0001 0001 0000003c 0004 c0000201", stream + used, RECORD);
        }
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 53);
        for (size_t at = 0; at < used; at += 1400)
                fake_sense_send(sense, TO_OPENER, stream + at, at + 1400 <= used ? 1400 : used - at);
        assert_int_equal(sense->event_count, 2);
        assert_int_equal(sense->events[1]->names->n_answer, DNS_ANSWERS);
        fake_sense_close(sense);
        free(stream);
}

static void ports_decide_what_it_is_called(void **state)
{
        (void)state;
        static const struct { const char *what, *bytes; uint16_t port; const char *label; } rows[] = {
                {"DNS", query, 53, "DNS"},
                {"mDNS", query, 5353, "MDNS"},
                {"LLMNR", query, 5355, "LLMNR"},
                {"DNS on a port of its own", query, 5300, "DNS"},
                {"a NetBIOS name query has DNS's form",
                 "8be4 0110 0001 0000 0000 0000 20"
                 "4648464145424545434f4a4343414341434143414341434143414341434143 41 00 0020 0001",
                 137, NULL},
                {"one label only, on another port", "1234 0100 0001 0000 0000 0000 046d696e65 00 0001 0001", 5300, NULL},
                {"something behind the message", "1234 0100 0001 0000 0000 0000 016d 00 0001 0001 00", 53, NULL},
                {"DNSCrypt on DNS's port", "7122 6e76 576a 3841 0000 0001 0002 0003 0004 0005 0006", 53, NULL},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, rows[i].port);
                send_hex(sense, FROM_OPENER, rows[i].bytes);
                const char *label = sense->label ? sense->label : "nothing";
                if (strcmp(rows[i].label ? rows[i].label : "nothing", label) != 0)
                        fail_msg("%s: %s", rows[i].what, label);
                fake_sense_close(sense);
        }
}

static void an_announcement_without_a_question_is_told_by_its_owner(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5353);
        send_hex(sense, FROM_OPENER,
                 "0000 8400 0000 0001 0000 0000 0363616d 056c6f63616c 00 0001 8001 00000078 0004 c0000207");
        assert_int_equal(sense->event_count, 1);
        assert_string_equal(sense->events[0]->names->question, "cam.local");
        assert_false(sense->events[0]->names->has_type);
        assert_true(sense->events[0]->from_device);
        fake_sense_close(sense);
}

static void after_a_gap_the_stream_is_left_unless_a_message_begins(void **state)
{
        (void)state;
        uint8_t stream[1024];
        size_t length = hex_bytes(answer, stream + 2, sizeof stream - 2);
        stream[0] = 0;
        stream[1] = (uint8_t)length;
        for (unsigned shift = 0; shift < 2; shift++) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 53);
                fake_sense_send(sense, TO_OPENER, stream, length + 2);
                fake_sense_lose(sense, TO_OPENER, 100);
                fake_sense_send(sense, TO_OPENER, stream + shift, length + 2 - shift);
                assert_int_equal(sense->event_count, shift ? 1 : 2);
                assert_int_equal(sense->phase, shift ? FAKE_SETTLED : FAKE_FOLLOWED);
                fake_sense_close(sense);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_field_of_a_real_answer_is_read),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(a_name_longer_than_255_bytes_is_malformed),
                cmocka_unit_test(the_least_ttl_along_the_chain_counts),
                cmocka_unit_test(a_circle_of_aliases_ends),
                cmocka_unit_test(service_records_give_hints_and_targets),
                cmocka_unit_test(glue_is_no_answer_but_more_addresses_of_the_name_are),
                cmocka_unit_test(answers_beyond_the_limits_are_dropped),
                cmocka_unit_test(an_answer_towards_the_device_becomes_an_event),
                cmocka_unit_test(a_name_that_does_not_exist_is_told),
                cmocka_unit_test(a_message_cut_by_the_capture_shows_what_is_there),
                cmocka_unit_test(messages_over_tcp_are_cut_by_their_length),
                cmocka_unit_test(the_front_of_a_message_too_long_to_be_held_is_read),
                cmocka_unit_test(ports_decide_what_it_is_called),
                cmocka_unit_test(an_announcement_without_a_question_is_told_by_its_owner),
                cmocka_unit_test(after_a_gap_the_stream_is_left_unless_a_message_begins),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
