#include "sense/number_scan.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

static void numbers_that_may_be_identities_are_found(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int offset; /* of the first; -1: none */
                size_t length;
                bool is_likely;
        } rows[] = {
                {"imei=351234567890123", 5, 15, true},
                {"xx356938035643809", 2, 15, true},                /* its check digit fits */
                {"xx356938035643808", 2, 15, false},               /* an IMSI has none */
                {"id 8949020000123456788", 3, 19, true},
                {"%7B%22imei%22%3A%22351234567890123%22%7D", 19, 15, true},
                {"urn:gsma:imei:35123456-789012-3", 14, 17, true},
                {"20260301-020304", -1, 0, false},
                {"Tel:4915112345678", 4, 13, true},
                {"a 4915112345678", 2, 13, false},
                {"+49151123456", 1, 11, true},
                {"phone: 0301234567", 7, 10, true},
                {"a 0301234567", -1, 0, false},
                {"t=1772330400", -1, 0, false},
                {"t=1772330400123", -1, 0, false},
                {"t=202603010203", -1, 0, false},
                {"123456", -1, 0, false},
                {"123456789012345678901", -1, 0, false},           /* longer than any */
                {"1234567 imsi:262011234567890", 13, 15, true},
                {"", -1, 0, false},
        };
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct number_found found;
                size_t from = 0;
                const struct cursor payload = cursor_of(rows[i].text, strlen(rows[i].text));
                assert_int_equal(number_scan(&payload, &from, &found), rows[i].offset >= 0);
                if (rows[i].offset < 0)
                        continue;
                assert_int_equal(found.offset, rows[i].offset);
                assert_int_equal(found.length, rows[i].length);
                assert_int_equal(found.is_likely, rows[i].is_likely);
        }
}

static void each_is_found_once(void **state)
{
        (void)state;
        static const char text[] = "{\"imei\":\"351234567890123\",\"imsi\":\"262011234567890\",\"t\":1772330400,"
                                   "\"iccid\":\"8949020000123456788\"}";
        static const size_t expected[] = {9, 34, 75};
        const struct cursor payload = cursor_of(text, sizeof text - 1);
        struct number_found found;
        size_t from = 0;
        unsigned count = 0;
        while (number_scan(&payload, &from, &found)) {
                assert_true(count < 3);
                assert_int_equal(found.offset, expected[count++]);
        }
        assert_int_equal(count, 3);
}

/* Wherever it stands, seven bytes being looked at at once; and each prefix in memory of its own. */
static void a_number_is_found_at_any_place_and_nothing_behind_is_read(void **state)
{
        (void)state;
        for (size_t at = 0; at < 40; at++) {
                for (size_t length = at; length <= at + 15; length++) {
                        char *text = malloc(length ? length : 1);
                        struct number_found found;
                        size_t from = 0;
                        memset(text, '.', length);
                        memcpy(text + at, "262011234567890", length - at);
                        const struct cursor payload = cursor_of(text, length);
                        bool is_found = number_scan(&payload, &from, &found);
                        assert_int_equal(is_found, length >= at + 11);
                        if (is_found)
                                assert_int_equal(found.offset, at);
                        free(text);
                }
        }
}

static void packed_numbers_are_found_at_the_front_of_a_message(void **state)
{
        (void)state;
        static const struct {
                const char *bytes;
                size_t length;
                int offset;
        } rows[] = {
                {"\x78\x78\x11\x71\x03\x56\x93\x80\x35\x64\x38\x09\x00\x01", 14, 4}, /* an IMEI behind a zero */
                {"\x24\x35\x69\x38\x03\x56\x43\x80\x9f\xff", 10, 1},
                {"\x53\x96\x83\x30\x65\x34\x08\xf9", 8, 0},                          /* telephony's order */
                {"\x03\x56\x93\x80\x35\x64\x38\x08", 8, -1},                         /* no check digit */
                {"\x04\x90\x15\x42\x03\x23\x75\x18", 8, -1},                         /* no module's */
                {"\x00\x00\x00\x01\x00\x00\x00\x02", 8, -1},
                {"\x35\x69\x38\x03\x56\x43\x80\x9a", 8, -1},
                {"5iHDVdP/", 8, -1},                                                  /* text */
                {"\x03\x56\x93\x80\x35\x64\x38", 7, -1},
        };
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct number_found found;
                size_t from = 0;
                uint8_t *copy = malloc(rows[i].length);
                memcpy(copy, rows[i].bytes, rows[i].length);
                const struct cursor payload = cursor_of(copy, rows[i].length);
                assert_int_equal(number_scan_packed(&payload, &from, &found), rows[i].offset >= 0);
                if (rows[i].offset >= 0) {
                        assert_int_equal(found.offset, rows[i].offset);
                        assert_int_equal(found.length, 8);
                        assert_false(number_scan_packed(&payload, &from, &found));
                }
                free(copy);
        }
        uint8_t long_message[80] = {0};
        for (size_t at = 0; at <= sizeof long_message - 8; at++) {
                struct number_found found;
                size_t from = 0;
                memset(long_message, 0xee, sizeof long_message);
                memcpy(long_message + at, "\x03\x56\x93\x80\x35\x64\x38\x09", 8);
                const struct cursor payload = cursor_of(long_message, sizeof long_message);
                assert_int_equal(number_scan_packed(&payload, &from, &found), at <= 24);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers_that_may_be_identities_are_found),
                cmocka_unit_test(each_is_found_once),
                cmocka_unit_test(a_number_is_found_at_any_place_and_nothing_behind_is_read),
                cmocka_unit_test(packed_numbers_are_found_at_the_front_of_a_message),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
