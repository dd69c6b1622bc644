#include "base/address.h"

#include "tests/unit/test.h"

static void prefixes_are_read_and_written(void **state)
{
        (void)state;
        static const struct { const char *given, *written; } rows[] = {
                {"10.1.2.3/8", "10.0.0.0/8"}, {"192.0.2.1", "192.0.2.1/32"}, {"2001:db8::1/32", "2001:db8::/32"},
                {"::/0", "::/0"}, {"0.0.0.0/0", "0.0.0.0/0"}, {"64:ff9b::/96", "64:ff9b::/96"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct prefix prefix;
                char text[PREFIX_TEXT_SIZE];
                assert_true(prefix_parse(rows[i].given, &prefix));
                assert_string_equal(prefix_text(&prefix, text), rows[i].written);
        }
}

static void what_is_no_prefix_is_refused(void **state)
{
        (void)state;
        static const char *const rows[] = {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "2001:db8::/129", "x", "/8",
                                           "10.0.0.0/8x", "10.0.0.0/ 8"};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct prefix prefix;
                assert_false(prefix_parse(rows[i], &prefix));
        }
}

static void private_addresses_are_known(void **state)
{
        (void)state;
        static const struct { const char *text; bool is_private; } rows[] = {
                {"10.0.0.1", true}, {"172.16.0.1", true}, {"172.32.0.1", false}, {"192.168.9.9", true}, {"100.64.0.1", true},
                {"100.128.0.1", false}, {"8.8.8.8", false}, {"fd00::1", true}, {"fe80::1", true}, {"2001:db8::1", false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct address address;
                assert_true(address_parse(rows[i].text, &address));
                assert_int_equal(address_is_private(&address), rows[i].is_private);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(prefixes_are_read_and_written),
                cmocka_unit_test(what_is_no_prefix_is_refused),
                cmocka_unit_test(private_addresses_are_known),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
