#include "model/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/text.h"
#include "model/alert.pb-c.h"
#include "model/event.pb-c.h"
#include "tests/unit/model/random_message.h"
#include "tests/unit/test.h"

static struct json_buffer out;

static void assert_written(const char *expected)
{
        assert_string_equal(json_buffer_text(&out), expected);
        json_buffer_reset(&out);
}

static void strings_are_escaped_and_always_utf8(void **state)
{
        (void)state;
        static const struct { const char *text; size_t length; const char *expected; } rows[] = {
                {"", 0, "\"\""},
                {"a/b'c", 5, "\"a/b'c\""},
                {"\"\\\b\f\n\r\t", 7, "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
                {"\x01\x1f\x7f", 3, "\"\\u0001\\u001f\x7f\""},
                {"a\0b", 3, "\"a\\\\x00b\""},
                {"\xc3\xa9\xf0\x9f\x92\xa9", 6, "\"\xc3\xa9\xf0\x9f\x92\xa9\""},
                {"\xff\xc3", 2, "\"\\\\xff\\\\xc3\""},
                {"\xed\xa0\x80", 3, "\"\\\\xed\\\\xa0\\\\x80\""},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                json_put_string_of(&out, rows[i].text, rows[i].length);
                assert_written(rows[i].expected);
        }
}

static void a_byte_is_written_the_same_wherever_it_stands(void **state)
{
        (void)state;
        for (unsigned byte = 0; byte < 256; byte++) {
                char alone[16], text[] = "0123456789abcdefghi", expected[40];
                char one = (char)byte;
                json_put_string_of(&out, &one, 1);
                assert_true(snprintf(alone, sizeof alone, "%.*s", (int)out.length - 2, out.text + 1) < (int)sizeof alone);
                json_buffer_reset(&out);
                for (size_t length = 1; length < sizeof text; length++)
                        for (size_t at = 0; at < length; at++) {
                                char *exact = malloc(length); /* so that reading behind it is noticed */
                                memcpy(exact, text, length);
                                exact[at] = one;
                                json_put_string_of(&out, exact, length);
                                snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", (int)at, text, alone, (int)(length - at - 1),
                                         text + at + 1);
                                assert_written(expected);
                                free(exact);
                        }
        }
}

static void any_bytes_are_valid_json_text(void **state)
{
        (void)state;
        struct random_source random = {31};
        for (unsigned round = 0; round < 2000; round++) {
                char bytes[24];
                for (size_t i = 0; i < sizeof bytes; i++)
                        bytes[i] = (char)(random_source_next(&random) >> 11 | (round % 3 == 0 ? 0x80 : 0));
                json_put_string_of(&out, bytes, sizeof bytes);
                json_t *value = json_loadb(out.text, out.length, JSON_DECODE_ANY, NULL);
                assert_non_null(value);
                assert_true(text_is_utf8(json_string_value(value), json_string_length(value)));
                json_decref(value);
                json_buffer_reset(&out);
        }
}

static void numbers_are_whole(void **state)
{
        (void)state;
        json_put_begin_list(&out);
        json_put_number(&out, 0), json_put_number(&out, UINT64_MAX), json_put_signed(&out, INT64_MIN),
                json_put_bool(&out, true), json_put_bool(&out, false);
        json_put_end_list(&out);
        assert_written("[0,18446744073709551615,-9223372036854775808,true,false]");
}

static void doubles_are_short_and_read_back_the_same(void **state)
{
        (void)state;
        static const struct {
                double number;
                const char *expected;
        } rows[] = {
                {0, "0"},
                {-0.5, "-0.5"},
                {0.1, "0.1"},
                {52.520008, "52.520008"},
                {1e300, "1e+300"},
                {0.1 + 0.2, "0.30000000000000004"},
                {-179.9999999, "-179.9999999"},
                {100, "100"},
                {99999999.9999999, "99999999.9999999"},
                {1e8, "100000000"},
                {1e-7, "0.0000001"},
                {1.0 / 3, "0.3333333333333333"},
                {-12345.000001, "-12345.000001"},
                {4e-9, "4e-09"},
                {NAN, "null"},
                {INFINITY, "null"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                json_put_double(&out, rows[i].number);
                assert_written(rows[i].expected);
        }
        struct random_source random = {77};
        for (unsigned round = 0; round < 2000; round++) {
                uint64_t bits = random_source_next(&random);
                double number;
                memcpy(&number, &bits, 8);
                if (!isfinite(number))
                        continue;
                json_put_double(&out, number);
                assert_true(strtod(json_buffer_text(&out), NULL) == number);
                json_buffer_reset(&out);
        }
}

static void times_are_those_of_the_c_library(void **state)
{
        (void)state;
        char text[JSON_TIME_SIZE], expected[JSON_TIME_SIZE];
        assert_string_equal(json_time_text(0, "Z", text), "1970-01-01T00:00:00.000000Z");
        assert_string_equal(json_time_text(UINT64_C(1772330584567891999), "Z", text), "2026-03-01T02:03:04.567891Z");
        assert_string_equal(json_time_text(UINT64_C(951782399999999999), "+0000", text), "2000-02-28T23:59:59.999999+0000");
        assert_string_equal(json_time_text(UINT64_MAX, "Z", text), "2554-07-21T23:34:33.709551Z");
        for (uint64_t day = 0; day < 213000; day++) { /* every day to 2553 */
                time_t seconds = (time_t)(day * 86400 + day % 86400);
                struct tm broken;
                gmtime_r(&seconds, &broken);
                strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000000Z", &broken);
                assert_string_equal(json_time_text((uint64_t)seconds * 1000000000, "Z", text), expected);
        }
}

static void events_are_written_by_their_descriptor(void **state)
{
        (void)state;
        uint8_t device[4] = {10, 20, 0, 7}, peer[16] = {0x20, 1, 0x0d, 0xb8, [15] = 9}, community[20] = {0xff},
                odd[3] = {1, 2, 0xfe};
        char label[] = "TLS", nothing[] = "";
        Apnwatch__V1__Event event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Flow flow = APNWATCH__V1__FLOW__INIT;
        Apnwatch__V1__FlowNews news = APNWATCH__V1__FLOW_NEWS__INIT;
        event.clock = 1000;
        event.index = 2;
        event.flow = &flow;
        flow.device = (ProtobufCBinaryData){4, device};
        flow.peer = (ProtobufCBinaryData){16, peer};
        flow.has_tunnel_source = flow.has_community_id = flow.has_label_source = 1;
        flow.tunnel_source = (ProtobufCBinaryData){3, odd};
        flow.community_id = (ProtobufCBinaryData){20, community};
        flow.label = label;
        flow.name = nothing;
        flow.label_source = APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR;
        news.phase = APNWATCH__V1__FLOW_NEWS__PHASE__ACTIVITY;
        event.body_case = APNWATCH__V1__EVENT__BODY_FLOW_NEWS;
        event.flow_news = &news;
        model_json_write(&event.base, &out);
        assert_written(
                "{\"clock\":\"1970-01-01T00:00:00.000001Z\",\"index\":2,\"flow\":{\"id\":0,\"start\":\"1970-01-01T00:00:00."
                "000000Z\","
                "\"last\":\"1970-01-01T00:00:00.000000Z\",\"device\":\"10.20.0.7\",\"peer\":\"2001:db8::9\",\"protocol\":0,"
                "\"opener\":\"unseen\",\"label\":\"TLS\",\"label_source\":\"dissector\",\"tunnel_source\":\"0102fe\","
                "\"community_id\":\"1:/wAAAAAAAAAAAAAAAAAAAAAAAAA=\"},\"flow_news\":{\"phase\":\"activity\"}}");
}

static void what_holds_nothing_is_absent_but_a_body_is_not(void **state)
{
        (void)state;
        Apnwatch__V1__Alert alert = APNWATCH__V1__ALERT__INIT;
        Apnwatch__V1__Time time = APNWATCH__V1__TIME__INIT;
        Apnwatch__V1__Device device = APNWATCH__V1__DEVICE__INIT;
        Apnwatch__V1__Detail detail = APNWATCH__V1__DETAIL__INIT;
        char id[] = "x", nothing[] = "";
        alert.id = alert.type = id;
        alert.title = nothing; /* required: there even when empty */
        alert.time = alert.first = alert.last = &time;
        alert.device = &device;
        alert.detail = &detail;
        device.ip = nothing;
        detail.has_latitude = 1;
        detail.latitude = NAN;
        model_json_write(&alert.base, &out);
        assert_written("{\"id\":\"x\",\"revision\":0,\"state\":\"open\",\"time\":\"1970-01-01T00:00:00.000000Z\",\"type\":"
                       "\"x\",\"severity\":\"info\","
                       "\"score\":0,\"confidence\":\"confirmed\",\"title\":\"\",\"scope\":\"device\",\"count\":0,"
                       "\"first\":\"1970-01-01T00:00:00.000000Z\",\"last\":\"1970-01-01T00:00:00.000000Z\"}");
        Apnwatch__V1__Event event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &tick;
        model_json_write(&event.base, &out);
        assert_written("{\"clock\":\"1970-01-01T00:00:00.000000Z\",\"index\":0,\"tick\":{}}");
}

static void every_message_becomes_one_valid_object(void **state)
{
        (void)state;
        static const ProtobufCMessageDescriptor *const roots[] = {&apnwatch__v1__event__descriptor,
                                                                  &apnwatch__v1__alert__descriptor};
        struct random_source random = {2026};
        for (unsigned round = 0; round < 2000; round++) {
                ProtobufCMessage *message = random_message(&random, roots[round % 2], 1 + round % 4);
                model_json_write(message, &out);
                json_error_t error;
                json_t *value = json_loadb(out.text, out.length, JSON_REJECT_DUPLICATES, &error);
                if (value == NULL && strstr(error.text, "too big integer") == NULL)
                        fail_msg("%s: %.*s", error.text, (int)out.length, out.text);
                json_decref(value);
                json_buffer_reset(&out);
                protobuf_c_message_free_unpacked(message, NULL);
        }
}

static void commas_stand_between_and_lines_begin_anew(void **state)
{
        (void)state;
        for (unsigned line = 0; line < 2; line++) {
                json_put_begin_object(&out);
                json_put_key(&out, "a"), json_put_number(&out, 1);
                json_put_key(&out, "b"), json_put_begin_list(&out), json_put_string(&out, "x"), json_put_string(&out, "y["),
                        json_put_number(&out, 2), json_put_end_list(&out);
                json_put_key(&out, "c"), json_put_begin_object(&out), json_put_end_object(&out);
                json_put_key(&out, "d"), json_put_raw(&out, "null", 4);
                json_put_end_object(&out);
                json_put_newline(&out);
        }
        assert_written("{\"a\":1,\"b\":[\"x\",\"y[\",2],\"c\":{},\"d\":null}\n{\"a\":1,\"b\":[\"x\",\"y[\",2],\"c\":{},"
                       "\"d\":null}\n");
}

static int free_buffer(void **state)
{
        (void)state;
        json_buffer_clear(&out);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(strings_are_escaped_and_always_utf8),
                cmocka_unit_test(a_byte_is_written_the_same_wherever_it_stands),
                cmocka_unit_test(any_bytes_are_valid_json_text),
                cmocka_unit_test(numbers_are_whole),
                cmocka_unit_test(doubles_are_short_and_read_back_the_same),
                cmocka_unit_test(times_are_those_of_the_c_library),
                cmocka_unit_test(events_are_written_by_their_descriptor),
                cmocka_unit_test(what_holds_nothing_is_absent_but_a_body_is_not),
                cmocka_unit_test(every_message_becomes_one_valid_object),
                cmocka_unit_test(commas_stand_between_and_lines_begin_anew),
        };
        return cmocka_run_group_tests(tests, NULL, free_buffer);
}
