#include "dissectors/app/hello_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static void pieces_in_any_order_make_the_whole(void **state)
{
        (void)state;
        uint8_t text[HELLO_ROOM];
        for (size_t i = 0; i < sizeof text; i++)
                text[i] = (uint8_t)(i * 7 + i / 256);
        for (unsigned piece = 1; piece < 700; piece += 53) {
                struct hello_buffer *buffer = calloc(1, sizeof *buffer);
                assert_non_null(buffer);
                unsigned count = (HELLO_ROOM + piece - 1) / piece;
                for (unsigned odd = 2; odd-- > 0;)
                        for (unsigned i = count; i-- > 0;) {
                                size_t begin = (size_t)i * piece;
                                size_t length = begin + piece <= HELLO_ROOM ? piece : HELLO_ROOM - begin;
                                if (i % 2 == odd)
                                        hello_buffer_put(buffer, begin, text + begin, length);
                        }
                assert_int_equal(buffer->front, HELLO_ROOM);
                assert_memory_equal(buffer->bytes, text, HELLO_ROOM);
                free(buffer);
        }
}

static void a_hole_stops_the_front(void **state)
{
        (void)state;
        struct hello_buffer buffer = {0};
        hello_buffer_put(&buffer, 0, (const uint8_t *)"abc", 3);
        hello_buffer_put(&buffer, 4, (const uint8_t *)"efg", 3);
        assert_int_equal(buffer.front, 3);
        hello_buffer_put(&buffer, 2, (const uint8_t *)"cd", 2);
        assert_int_equal(buffer.front, 7);
        assert_memory_equal(buffer.bytes, "abcdefg", 7);
        hello_buffer_clear(&buffer);
        hello_buffer_put(&buffer, 0, (const uint8_t *)"abcd", 4);
        assert_int_equal(buffer.front, 4);
}

static void what_lies_beyond_the_room_is_dropped(void **state)
{
        (void)state;
        struct hello_buffer buffer = {0};
        uint8_t bytes[64] = {1};
        hello_buffer_put(&buffer, HELLO_ROOM, bytes, sizeof bytes);
        hello_buffer_put(&buffer, UINT64_MAX, bytes, sizeof bytes);
        hello_buffer_put(&buffer, 0, bytes, 0);
        assert_int_equal(buffer.front, 0);
        hello_buffer_put(&buffer, HELLO_ROOM - 1, bytes, sizeof bytes);
        assert_int_equal(buffer.front, 0);
        for (size_t at = 0; at < HELLO_ROOM; at += sizeof bytes)
                hello_buffer_put(&buffer, at, bytes, sizeof bytes);
        assert_int_equal(buffer.front, HELLO_ROOM);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces_in_any_order_make_the_whole),
                cmocka_unit_test(a_hole_stops_the_front),
                cmocka_unit_test(what_lies_beyond_the_room_is_dropped),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
