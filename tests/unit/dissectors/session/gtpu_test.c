#include "dissectors/session/gtpu.h"

#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/dissectors/hex_bytes.h"
#include "tests/unit/test.h"

/* TS 29.281, 7.3.1: flags with S, type, length, TEID 0, sequence, N-PDU, next; TEID-Data-I 0xabcdef; peer address 10.255.0.2. */
#define ERROR_INDICATION "321a 0010 00000000 0001 00 00 10 00abcdef 85 0004 0aff0002"
/* The same of 2001:db8::9, with the UDP port of the packet in an extension header, and the recovery time of release 17. */
#define ERROR_INDICATION_IPV6 "361a 0027 00000000 0001 00 40 01 0868 00 10 00abcdef 85 0010 20010db8000000000000000000000009 e7 0004 ed500001"
#define END_MARKER "30fe 0000 00007001"

static enum dissect_result parse(const char *text, struct gtpu_message *out)
{
        uint8_t bytes[256];
        struct cursor at = cursor_of(bytes, hex_bytes(text, bytes, sizeof bytes));
        return gtpu_parse(&at, out);
}

static void send_text(struct fake_sense *sense, enum direction direction, const char *text)
{
        uint8_t bytes[256];
        fake_sense_send(sense, direction, bytes, hex_bytes(text, bytes, sizeof bytes));
}

static void an_error_indication_names_a_tunnel(void **state)
{
        (void)state;
        struct gtpu_message message;
        assert_int_equal(parse(ERROR_INDICATION, &message), DISSECT_OK);
        assert_true(message.has_tunnel);
        assert_int_equal(message.teid, 0xabcdef);
        assert_int_equal(message.node_length, 4);
        assert_memory_equal(message.node, ((const uint8_t[]){10, 255, 0, 2}), 4);
        assert_int_equal(parse(ERROR_INDICATION_IPV6, &message), DISSECT_OK);
        assert_int_equal(message.teid, 0xabcdef);
        assert_int_equal(message.node_length, 16);
        assert_int_equal(message.node[15], 9);
}

static void an_end_marker_names_its_own(void **state)
{
        (void)state;
        struct gtpu_message message;
        assert_int_equal(parse(END_MARKER, &message), DISSECT_OK);
        assert_true(message.has_tunnel);
        assert_int_equal(message.teid, 0x7001);
        assert_int_equal(parse("34fe 0008 00007001 0000 00 85 01 0000 00", &message), DISSECT_OK); /* with a PDU session container */
        assert_int_equal(message.teid, 0x7001);
}

static void every_shorter_message_is_truncated(void **state)
{
        (void)state;
        static const char *const texts[] = {ERROR_INDICATION, ERROR_INDICATION_IPV6, END_MARKER};
        for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
                uint8_t bytes[256];
                size_t length = hex_bytes(texts[i], bytes, sizeof bytes);
                for (size_t n = 0; n < length; n++) {
                        uint8_t *copy = malloc(n + 1);
                        memcpy(copy, bytes, n);
                        struct cursor at = cursor_of(copy, n);
                        struct gtpu_message message;
                        assert_int_equal(gtpu_parse(&at, &message), DISSECT_TRUNCATED);
                        free(copy);
                }
        }
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                enum dissect_result result;
                bool has_tunnel;
        } rows[] = {{"30ff 0004 00000001 45000000", DISSECT_NO_MATCH, false},                             /* a packet */
                    {"201a 0009 00000000 00000000 10 00abcdef", DISSECT_NO_MATCH, false},                 /* GTP' */
                    {"481a 0009 00000000 00000000 10 00abcdef", DISSECT_NO_MATCH, false},                 /* version 2 */
                    {"3210 0004 00000000 00010000", DISSECT_NO_MATCH, false},                             /* of the control plane */
                    {"301a 0005 00000000 10 00abcdef", DISSECT_OK, true},                                 /* no address: the sender's */
                    {"301a 0007 00000000 85 0004 0aff0002", DISSECT_OK, false},                           /* no TEID */
                    {"301a 000a 00000000 10 00abcdef 85 0002 0aff", DISSECT_OK, true},                    /* an address of two bytes */
                    {"301a 0008 00000000 10 00abcdef 85 0004", DISSECT_MALFORMED, true},                  /* leads beyond the end */
                    {"301a 000a 00000000 8d 02 c085 10 00abcdef 00", DISSECT_OK, true},                   /* a list of extension types */
                    {"361a 0008 00000000 0001 00 40 00 0868 00", DISSECT_MALFORMED, false},               /* an extension of no length */
                    {"3202 0006 00000000 0007 00 00 0e 00", DISSECT_OK, false}};                          /* Echo Response */
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct gtpu_message message;
                assert_int_equal(parse(rows[i].text, &message), rows[i].result);
                if (rows[i].result == DISSECT_OK)
                        assert_int_equal(message.has_tunnel, rows[i].has_tunnel);
        }
}

/* Of one tunnel once in a while, however many packets it is the answer to. */
static void notices_are_told_once_in_a_while(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2152);
        sense->d.time_ns = INT64_C(1000) * 1000000000;
        send_text(sense, FROM_OPENER, "3201 0004 00000000 0001 00 00");
        assert_string_equal(sense->label, "GTP");
        assert_string_equal(sense->application, "GTP_U");
        assert_int_equal(sense->event_count, 0);
        for (unsigned i = 0; i < 5; i++)
                send_text(sense, TO_OPENER, ERROR_INDICATION);
        assert_int_equal(sense->event_count, 1);
        const Apnwatch__V1__TunnelNotice *notice = sense->events[0]->tunnel_notice;
        assert_int_equal(notice->kind, APNWATCH__V1__TUNNEL_NOTICE__KIND__ERROR_INDICATION);
        assert_int_equal(notice->teid, 0xabcdef);
        assert_memory_equal(notice->node.data, ((const uint8_t[]){10, 255, 0, 2}), 4);
        send_text(sense, FROM_OPENER, END_MARKER);
        send_text(sense, FROM_OPENER, "30ff 0004 00000001 00112233"); /* a packet of something else than IP */
        assert_int_equal(sense->event_count, 2);
        notice = sense->events[1]->tunnel_notice;
        assert_int_equal(notice->kind, APNWATCH__V1__TUNNEL_NOTICE__KIND__END_MARKER);
        assert_int_equal(notice->node.len, notice->destination.len);
        assert_memory_equal(notice->node.data, notice->destination.data, notice->node.len);
        sense->d.time_ns += INT64_C(11) * 1000000000;
        send_text(sense, TO_OPENER, ERROR_INDICATION);
        assert_int_equal(sense->event_count, 3);
        fake_sense_close(sense);
}

static void inside_a_tunnel_and_on_other_ports_nobody_is_believed(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2152);
        sense->d.tunnelled = true;
        send_text(sense, FROM_OPENER, ERROR_INDICATION);
        assert_int_equal(sense->event_count, 0);
        fake_sense_close(sense);
        sense = fake_sense_open(IPPROTO_UDP, 2153);
        send_text(sense, FROM_OPENER, ERROR_INDICATION);
        assert_ptr_not_equal(sense->dissector, &gtpu_dissector);
        assert_int_equal(sense->event_count, 0);
        fake_sense_close(sense);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_error_indication_names_a_tunnel),
                cmocka_unit_test(an_end_marker_names_its_own),
                cmocka_unit_test(every_shorter_message_is_truncated),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(notices_are_told_once_in_a_while),
                cmocka_unit_test(inside_a_tunnel_and_on_other_ports_nobody_is_believed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
