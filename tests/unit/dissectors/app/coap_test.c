#include "dissectors/app/coap.h"
#include "dissectors/app/coap_message.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

/* CON 0.02, token aabb, Uri-Host iot.examp, Uri-Path pos7, Content-Format 50, Uri-Query ep=ab, payload */
static const uint8_t post[] = "\x42\x02\x01\x02\xaa\xbb\x39iot.examp\x84pos7\x11\x32\x35" "ep=ab" "\xff{\"lat\":52.5167,\"lon\":13.4125}";
/* NON 2.05, token cc, Observe 1 */
static const uint8_t notify[] = "\x51\x45\x01\x03\xcc\x61\x01\xff{\"lat\":52.5167,\"lon\":13.4126}";
/* CON 0.01, token cc, Observe 0, Uri-Path where */
static const uint8_t observe[] = "\x41\x01\x01\x03\xcc\x60\x55where";
/* CON 0.02, Uri-Path t, Uri-Query lat=52.5167, lon=13.4125 */
static const uint8_t query[] = "\x40\x02\x01\x04\xb1t\x4blat=52.5167\x0blon=13.4125";

static void a_message_is_read_field_by_field(void **state)
{
        (void)state;
        struct coap_message m;
        struct cursor at = cursor_of(post, sizeof post - 1);
        assert_int_equal(coap_parse(&at, &m), DISSECT_OK);
        assert_int_equal(cursor_left(&at), 0);
        assert_true(m.type == COAP_CON && m.code == 2 && m.id == 0x0102 && coap_is_request(&m));
        assert_int_equal(cursor_left(&m.token), 2);
        assert_int_equal(cursor_left(&m.host), 9);
        assert_memory_equal(m.host.at, "iot.examp", 9);
        assert_int_equal(m.path_count, 1);
        assert_memory_equal(m.path[0].at, "pos7", 4);
        assert_int_equal(m.query_count, 1);
        assert_memory_equal(m.query[0].at, "ep=ab", 5);
        assert_true(m.has_format && m.format == 50 && !m.observe && !m.has_block1 && !m.has_block2);
        assert_int_equal(*m.payload.at, '{');
        at = cursor_of(notify, sizeof notify - 1);
        assert_int_equal(coap_parse(&at, &m), DISSECT_OK);
        assert_true(m.type == COAP_NON && m.code == 0x45 && m.observe && !coap_is_request(&m));
}

static void every_shorter_message_is_none_or_whole(void **state)
{
        (void)state;
        for (size_t length = 0; length < sizeof post - 1; length++) {
                uint8_t *copy = malloc(length ? length : 1);
                struct coap_message m;
                memcpy(copy, post, length);
                struct cursor at = cursor_of(copy, length);
                enum dissect_result result = coap_parse(&at, &m);
                bool boundary = length == 6 || length == 16 || length == 21 || length == 23 || length == 29;
                if (boundary || length > 30) /* cut between options, or in the payload, it is a message still */
                        assert_int_equal(result, DISSECT_OK);
                else
                        assert_int_equal(result, length == 30 ? DISSECT_MALFORMED : DISSECT_TRUNCATED);
                free(copy);
        }
}

static void odd_messages_are_told_apart(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                size_t length;
                enum dissect_result result;
        } odd[] = {
                {"\x40\x01\x00\x01", 4, DISSECT_OK},
                {"\x40\x00\x00\x01", 4, DISSECT_OK},              /* ping */
                {"\x70\x00\x00\x01", 4, DISSECT_OK},              /* reset */
                {"\x60\x00\x00\x01", 4, DISSECT_OK},
                {"\x50\x00\x00\x01", 4, DISSECT_NO_MATCH},        /* an empty NON */
                {"\x40\x00\x00\x01\xff", 5, DISSECT_NO_MATCH},    /* empty, but not */
                {"\x60\x01\x00\x01", 4, DISSECT_NO_MATCH},        /* an acknowledgement that asks */
                {"\x70\x45\x00\x01", 4, DISSECT_NO_MATCH},
                {"\x80\x01\x00\x01", 4, DISSECT_NO_MATCH},
                {"\x49\x01\x00\x01", 4, DISSECT_NO_MATCH},
                {"\x40\x08\x00\x01", 4, DISSECT_NO_MATCH},
                {"\x40\x20\x00\x01", 4, DISSECT_NO_MATCH},
                {"\x40\x46\x00\x01", 4, DISSECT_NO_MATCH},
                {"\x40\x01\x00\x01\xff", 5, DISSECT_MALFORMED},   /* a marker and nothing behind it */
                {"\x40\x01\x00\x01\xf1x", 6, DISSECT_NO_MATCH},   /* reserved */
                {"\x40\x01\x00\x01\x21x", 6, DISSECT_NO_MATCH},   /* option 2 */
                {"\x40\x01\x00\x01\xb1\x01", 6, DISSECT_NO_MATCH}, /* a path of control characters */
                {"\x40\x01\x00\x01\xd1\x2f\x07", 7, DISSECT_OK},  /* 60, Size1 */
                {"\x40\x01\x00\x01\xe1\x00\x00\x07", 8, DISSECT_NO_MATCH}, /* 269 */
                {"\x40\x01\x00\x01\x64" "aaaa", 9, DISSECT_NO_MATCH}, /* Observe of four octets */
                {"HTTP", 4, DISSECT_NO_MATCH}, {"\x41\x01", 2, DISSECT_TRUNCATED},
        };
        for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) {
                struct coap_message m;
                struct cursor at = cursor_of(odd[i].bytes, odd[i].length);
                if (coap_parse(&at, &m) != odd[i].result)
                        fail_msg("message %u", i);
        }
}

static void positions_of_the_device_are_reported(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 15683);
        fake_sense_send(sense, FROM_OPENER, post, sizeof post - 1);
        assert_string_equal(sense->label, "COAP");
        assert_string_equal(sense->name, "iot.examp");
        fake_sense_send(sense, TO_OPENER, post, sizeof post - 1);
        fake_sense_send(sense, TO_OPENER, observe, sizeof observe - 1);
        fake_sense_send(sense, FROM_OPENER, notify, sizeof notify - 1);
        fake_sense_send(sense, FROM_OPENER, query, sizeof query - 1);
        assert_int_equal(sense->event_count, 3);
        static const char *const topics[] = {"/pos7", "/where", "/t"};
        for (unsigned i = 0; i < 3; i++) {
                const Apnwatch__V1__Position *p = sense->events[i]->position;
                assert_string_equal(p->carrier, "CoAP");
                assert_string_equal(p->topic, topics[i]);
                assert_string_equal(p->family, i == 2 ? "query" : "JSON");
                assert_string_equal(p->device_id, "ab");
        }
        fake_sense_close(sense);
}

static void who_is_mine_is_certain(void **state)
{
        (void)state;
        struct dissection d = {.source_port = 40000, .destination_port = 5683};
        struct cursor at = cursor_of(notify, sizeof notify - 1);
        assert_int_equal(coap_dissector.recognise(&d, &at), MINE);
        d.destination_port = 5000;
        assert_int_equal(coap_dissector.recognise(&d, &at), NOT_MINE);
        at = cursor_of(observe, sizeof observe - 1);
        assert_int_equal(coap_dissector.recognise(&d, &at), MINE);
        d.destination_port = 17500;
        assert_int_equal(coap_dissector.recognise(&d, &at), NOT_MINE);
        d.destination_port = 5000;
        at = cursor_of("\x40\x01\x00\x01", 4);
        assert_int_equal(coap_dissector.recognise(&d, &at), NOT_MINE);
        d.cut = true;
        at = cursor_of(observe, sizeof observe - 1);
        assert_int_equal(coap_dissector.recognise(&d, &at), NOT_MINE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_message_is_read_field_by_field),
                cmocka_unit_test(every_shorter_message_is_none_or_whole),
                cmocka_unit_test(odd_messages_are_told_apart),
                cmocka_unit_test(positions_of_the_device_are_reported),
                cmocka_unit_test(who_is_mine_is_certain),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
