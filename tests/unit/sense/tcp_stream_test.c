#include "sense/tcp_stream.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

struct reader {
        struct tcp_stream stream;
        char text[4096];
        size_t length;
        uint32_t missing;
};

static void take(struct reader *reader, const struct tcp_segment *segment)
{
        reader->missing += reader->stream.missing;
        reader->stream.missing = 0;
        memcpy(reader->text + reader->length, segment->payload, segment->captured);
        reader->length += segment->captured;
        reader->text[reader->length] = '\0';
}

static void take_held(struct reader *reader)
{
        struct tcp_segment *segment;
        while ((segment = tcp_stream_next(&reader->stream)) != NULL) {
                take(reader, segment);
                free(segment);
        }
}

static void give(struct reader *reader, uint32_t sequence, const char *text)
{
        struct tcp_segment segment = {.sequence = sequence, .ip = (const uint8_t *)text, .ip_captured = (uint32_t)strlen(text),
                                      .payload = (const uint8_t *)text, .captured = (uint32_t)strlen(text), .length = (uint32_t)strlen(text)};
        if (tcp_stream_offer(&reader->stream, &segment)) {
                take(reader, &segment);
                take_held(reader);
        }
}

static void segments_in_any_order_give_the_text(void **state)
{
        (void)state;
        static const char *const parts[] = {"The ", "quick ", "brown ", "fox"};
        static const uint32_t at[] = {0, 4, 10, 16};
        static const int orders[][4] = {{0, 1, 2, 3}, {0, 3, 2, 1}, {0, 2, 3, 1}, {0, 2, 1, 3}};
        for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
                struct reader reader = {.stream = {.synchronised = true, .next = 0xfffffffaU}};
                for (int n = 0; n < 4; n++)
                        give(&reader, 0xfffffffaU + at[orders[i][n]], parts[orders[i][n]]);
                assert_string_equal(reader.text, "The quick brown fox");
                assert_int_equal(reader.missing, 0);
                assert_null(reader.stream.held);
        }
}

static void retransmissions_are_dropped_and_overlaps_keep_the_first(void **state)
{
        (void)state;
        struct reader reader = {.stream = {.synchronised = true, .next = 100}};
        give(&reader, 100, "abcd");
        give(&reader, 100, "XXXX");
        give(&reader, 102, "YYef");
        give(&reader, 99, "Zabcdefg");
        assert_string_equal(reader.text, "abcdefg");
}

static void a_hole_is_given_up_when_it_is_acknowledged(void **state)
{
        (void)state;
        struct reader reader = {.stream = {.synchronised = true, .next = 100}};
        give(&reader, 110, "later");
        assert_false(tcp_stream_acknowledged(&reader.stream, 105));
        assert_true(tcp_stream_acknowledged(&reader.stream, 115));
        take_held(&reader);
        assert_string_equal(reader.text, "later");
        assert_int_equal(reader.missing, 10);
}

static void the_hold_is_bounded(void **state)
{
        (void)state;
        struct reader reader = {.stream = {.synchronised = true, .next = 0}};
        unsigned given = 0;
        while (!tcp_stream_is_full(&reader.stream)) {
                give(&reader, 10 + given * 4, "abcd");
                given++;
                assert_true(given <= TCP_HOLD_SEGMENTS + 1);
        }
        tcp_stream_jump(&reader.stream);
        take_held(&reader);
        assert_int_equal(reader.length, given * 4);
        assert_int_equal(reader.missing, 10);
        assert_int_equal(reader.stream.held_bytes, 0);
        tcp_stream_clear(&reader.stream);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(segments_in_any_order_give_the_text),
                cmocka_unit_test(retransmissions_are_dropped_and_overlaps_keep_the_first),
                cmocka_unit_test(a_hole_is_given_up_when_it_is_acknowledged),
                cmocka_unit_test(the_hold_is_bounded),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
