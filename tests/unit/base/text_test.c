#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static void only_what_is_not_printable_utf8_is_escaped(void **state)
{
        (void)state;
        static const struct { const char *bytes; size_t length; const char *expected; } rows[] = {
                {"plain", 5, "plain"},
                {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa9", 11, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa9"},
                {"a\0b", 3, "a\\x00b"},
                {"\x1b[31m", 5, "\\x1b[31m"},
                {"\x7f", 1, "\\x7f"},
                {"\xc2\x9b", 2, "\\xc2\\x9b"},             /* CSI as U+009B */
                {"C:\\x41", 6, "C:\\\\x41"},
                {"\xc0\xaf", 2, "\\xc0\\xaf"},             /* overlong */
                {"\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf"},
                {"\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},    /* surrogate */
                {"\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80"},
                {"\xe2\x82", 2, "\\xe2\\x82"},             /* cut */
                {"\xffok", 3, "\\xffok"},
                {"", 0, ""},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char out[64];
                assert_int_equal(text_escape(rows[i].bytes, rows[i].length, out, sizeof out), strlen(rows[i].expected));
                assert_string_equal(out, rows[i].expected);
                assert_true(text_is_utf8(out, strlen(out)));
        }
}

static void an_escape_or_a_character_is_never_cut(void **state)
{
        (void)state;
        static const char bytes[] = "a\xff\xe2\x82\xac\\";
        static const size_t lengths[] = {0, 1, 1, 1, 1, 5, 5, 5, 8, 8, 10};
        for (size_t size = 1; size <= sizeof lengths / sizeof *lengths; size++) {
                char *out = malloc(size);
                assert_int_equal(text_escape(bytes, sizeof bytes - 1, out, size), lengths[size - 1]);
                assert_int_equal(strlen(out), lengths[size - 1]);
                free(out);
        }
}

static void utf8_is_told_from_what_is_not(void **state)
{
        (void)state;
        assert_true(text_is_utf8("\xf4\x8f\xbf\xbf", 4));
        assert_true(text_is_utf8("\xed\x9f\xbf", 3));
        assert_false(text_is_utf8("\x80", 1));
        assert_false(text_is_utf8("\xf5\x80\x80\x80", 4));
        assert_false(text_is_utf8("\xc3", 1));
}

static void hex_and_base64_are_those_of_rfc_4648(void **state)
{
        (void)state;
        static const struct { const char *plain, *hex, *base64; } rows[] = {
                {"", "", ""}, {"f", "66", "Zg=="}, {"fo", "666f", "Zm8="}, {"foo", "666f6f", "Zm9v"},
                {"foob", "666f6f62", "Zm9vYg=="}, {"\xfb\xff\xfe", "fbfffe", "+//+"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char out[16];
                text_hex(rows[i].plain, strlen(rows[i].plain), out);
                assert_string_equal(out, rows[i].hex);
                text_base64(rows[i].plain, strlen(rows[i].plain), out);
                assert_string_equal(out, rows[i].base64);
        }
}

static void a_check_digit_fits_the_digits_before_it(void **state)
{
        (void)state;
        assert_true(text_luhn_fits("490154203237518", 15));      /* TS 23.003's example */
        assert_false(text_luhn_fits("490154203237519", 15));
        assert_false(text_luhn_fits("490154203273518", 15));     /* neighbours that changed places */
        assert_true(text_luhn_fits("79927398713", 11));
        assert_true(text_luhn_fits("8944500102198304826", 19));  /* an ICCID */
}

static void packed_digits_are_those_that_were_packed(void **state)
{
        (void)state;
        static const struct { uint8_t packed[8]; const char *digits; } rows[] = {
                {{0x04, 0x90, 0x15, 0x42, 0x03, 0x23, 0x75, 0x18}, "490154203237518"},
                {{0x49, 0x01, 0x54, 0x20, 0x32, 0x37, 0x51, 0x8f}, "490154203237518"},
                {{0x94, 0x10, 0x45, 0x02, 0x23, 0x73, 0x15, 0xf8}, "490154203237518"},
                {{0x14, 0x90, 0x15, 0x42, 0x03, 0x23, 0x75, 0x18}, NULL}, /* sixteen */
                {{0x04, 0x90, 0x15, 0x42, 0x0a, 0x23, 0x75, 0x18}, NULL},
                {{0x49, 0x01, 0x54, 0x20, 0x32, 0xf7, 0x51, 0x8f}, NULL},
                {{0x94, 0x10, 0x45, 0x02, 0x23, 0x73, 0x15, 0xff}, NULL},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char digits[TEXT_PACKED_DIGITS + 1];
                assert_int_equal(text_unpack_digits(rows[i].packed, digits), rows[i].digits != NULL);
                if (rows[i].digits)
                        assert_string_equal(digits, rows[i].digits);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_what_is_not_printable_utf8_is_escaped),
                cmocka_unit_test(an_escape_or_a_character_is_never_cut),
                cmocka_unit_test(utf8_is_told_from_what_is_not),
                cmocka_unit_test(hex_and_base64_are_those_of_rfc_4648),
                cmocka_unit_test(a_check_digit_fits_the_digits_before_it),
                cmocka_unit_test(packed_digits_are_those_that_were_packed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
