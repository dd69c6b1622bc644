#include "dissectors/location/plain.h"
#include "tests/unit/dissectors/fake_sense.h"
#include "tests/unit/test.h"

#define GLL "$GNGLL,4650.5156500,N,01246.1059604,E,164414.90,A,A*77\r\n"
#define GSV "$GPGSV,3,1,11,03,03,111,00,04,15,270,00,06,01,010,00,13,06,292,00*74\r\n"
#define JSON "{\"id\":\"abc\",\"lat\":52.5167,\"lon\":13.4125}"

static void sentences_are_followed_however_a_stream_is_cut(void **state)
{
        (void)state;
        static const char text[] = GSV "860000000000001" GLL GSV "$GNGLL,4651.5156500,N,01246.1059604,E,164414.90,A,A*77\r\n";
        for (size_t size = 1; size < sizeof text; size += 7) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 5000);
                for (size_t at = 0; at < sizeof text - 1; at += size)
                        fake_sense_send(sense, FROM_OPENER, text + at, sizeof text - 1 - at < size ? sizeof text - 1 - at : size);
                if (size > 6) {
                        assert_string_equal(sense->label, "NMEA-0183");
                        assert_int_equal(sense->event_count, 2);
                        assert_string_equal(sense->events[0]->position->device_id, "860000000000001");
                        assert_string_equal(sense->events[0]->position->carrier, "TCP");
                        assert_int_equal(sense->events[0]->position->grade, APNWATCH__V1__POSITION__GRADE__CHECKED);
                }
                fake_sense_close(sense);
        }
}

static void datagrams_are_read_one_by_one(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 5000);
        fake_sense_text(sense, FROM_OPENER, GLL);
        fake_sense_text(sense, TO_OPENER, "OK");
        fake_sense_text(sense, FROM_OPENER, GSV);
        fake_sense_text(sense, FROM_OPENER, GLL);
        assert_int_equal(sense->event_count, 2);
        assert_string_equal(sense->label, "NMEA-0183");
        assert_string_equal(sense->events[0]->position->carrier, "UDP");
        fake_sense_close(sense);

        sense = fake_sense_open(IPPROTO_UDP, 5000);
        for (unsigned i = 0; i < 20; i++)
                fake_sense_text(sense, FROM_OPENER, JSON);
        assert_int_equal(sense->event_count, 20);
        assert_null(sense->label);
        assert_string_equal(sense->events[19]->position->device_id, "abc");
        fake_sense_close(sense);
}

static void json_in_a_stream_needs_no_line_end(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 5000);
        fake_sense_text(sense, FROM_OPENER, "{\"id\":\"abc\",\"lat\":52.5");
        fake_sense_text(sense, FROM_OPENER, "167,\"lon\":13.4125}");
        assert_int_equal(sense->event_count, 1);
        fake_sense_text(sense, FROM_OPENER, JSON);
        fake_sense_text(sense, TO_OPENER, JSON); /* the peer's */
        assert_int_equal(sense->event_count, 2);
        fake_sense_lose(sense, FROM_OPENER, 10);
        fake_sense_text(sense, FROM_OPENER, JSON "\n{\"lat\":52.5168,\"lon\":13.4125}\n" JSON "\n");
        assert_int_equal(sense->event_count, 4);
        fake_sense_close(sense);
}

static void a_stream_without_positions_is_left_alone(void **state)
{
        (void)state;
        struct fake_sense *sense = fake_sense_open(IPPROTO_TCP, 5000);
        char line[1024];
        memset(line, 'a', sizeof line);
        memcpy(line, "{\"n\":\"", 6);
        line[sizeof line - 1] = '\n';
        for (unsigned i = 0; i < 400; i++)
                fake_sense_send(sense, FROM_OPENER, line, sizeof line);
        assert_int_equal(sense->phase, FAKE_SETTLED);
        assert_true(sense->calls < 300);
        fake_sense_close(sense);
}

static void other_protocols_are_not_taken(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                enum recognition plain, nmea;
        } payloads[] = {
                {"{\"a\":1,\"b\":2}", MINE, NOT_MINE},
                {"[{\"a\":1,\"b\":2}]", MINE, NOT_MINE},
                {"{\x02\x03 binary with a brace", NOT_MINE, NOT_MINE},
                {"[2021-10-25 20:46:10,T10]", NOT_MINE, NOT_MINE},
                {"id=5&lat=52.1234&lon=5.1234", MINE, NOT_MINE},
                {"$GPRMC,082350.000,A,5355.0314,N", PERHAPS, PERHAPS},
                {"$AVRMC,80006405,212645,r,3013.9938,N\r\n", MINE, NOT_MINE},
                {GSV, MINE, MINE},
                {"SSH-2.0-OpenSSH_8.9 latest", NOT_MINE, NOT_MINE},
                {"220 mail.example ESMTP ready\r\n", NOT_MINE, NOT_MINE},
                {"USER platform\r\n", NOT_MINE, NOT_MINE},
                {"$4\r\nPING\r\n*1\r\n$4\r\n", NOT_MINE, NOT_MINE},
                {"*1\r\n$4\r\nPING\r\n", NOT_MINE, NOT_MINE},
                {"<34>Oct 11 22:14:15 host su: failed", NOT_MINE, NOT_MINE},
                {"\x16\x03\x01 lat=1", NOT_MINE, NOT_MINE},
                {"short", NOT_MINE, NOT_MINE},
                {"", NOT_MINE, NOT_MINE},
        };
        struct dissection d = {.protocol = IPPROTO_TCP};
        for (unsigned i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
                size_t length = strlen(payloads[i].text);
                char *copy = malloc(length ? length : 1);
                memcpy(copy, payloads[i].text, length);
                struct cursor at = cursor_of(copy, length);
                if (plain_dissector.recognise(&d, &at) != payloads[i].plain || nmea_dissector.recognise(&d, &at) != payloads[i].nmea)
                        fail_msg("%s", payloads[i].text);
                free(copy);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sentences_are_followed_however_a_stream_is_cut),
                cmocka_unit_test(datagrams_are_read_one_by_one),
                cmocka_unit_test(json_in_a_stream_needs_no_line_end),
                cmocka_unit_test(a_stream_without_positions_is_left_alone),
                cmocka_unit_test(other_protocols_are_not_taken),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
