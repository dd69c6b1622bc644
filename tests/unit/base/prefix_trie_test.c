#include "base/prefix_trie.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/test.h"

static void the_longest_prefix_wins(void **state)
{
        (void)state;
        static const char *const inserted[] = {"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "0.0.0.0/0", "2001:db8::/32", "10.1.2.3/32"};
        static const struct { const char *address; int expected; } rows[] = {
                {"10.9.9.9", 0}, {"10.1.9.9", 1}, {"10.1.2.9", 2}, {"9.9.9.9", 3}, {"2001:db8:1::1", 4}, {"10.1.2.3", 5}, {"2001:db9::", -1},
        };
        struct prefix_trie *trie = prefix_trie_create();
        for (size_t i = 0; i < 6; i++) {
                struct prefix prefix;
                assert_true(prefix_parse(inserted[i], &prefix));
                assert_int_equal(prefix_trie_insert(trie, &prefix, inserted[i]), 0);
        }
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct address address;
                assert_true(address_parse(rows[i].address, &address));
                const void *expected = rows[i].expected < 0 ? NULL : inserted[rows[i].expected];
                assert_ptr_equal(prefix_trie_find(trie, &address), expected);
        }
        prefix_trie_destroy(trie);
}

static void random_prefixes_agree_with_a_linear_search(void **state)
{
        (void)state;
        enum { COUNT = 500 };
        struct prefix prefixes[COUNT];
        struct prefix_trie *trie = prefix_trie_create();
        srand(7);
        for (int i = 0; i < COUNT; i++) {
                char text[64];
                snprintf(text, sizeof text, "%d.%d.%d.%d/%d", rand() % 4, rand() % 4, rand() % 256, rand() % 256, rand() % 33);
                assert_true(prefix_parse(text, &prefixes[i]));
                assert_int_equal(prefix_trie_insert(trie, &prefixes[i], &prefixes[i]), 0);
        }
        for (int n = 0; n < 2000; n++) {
                char text[64];
                struct prefix wanted;
                snprintf(text, sizeof text, "%d.%d.%d.0/%d", rand() % 4, rand() % 4, rand() % 256, rand() % 33);
                assert_true(prefix_parse(text, &wanted));
                wanted = n < COUNT ? prefixes[n] : wanted;
                const struct prefix *same = NULL;
                for (int i = 0; i < COUNT; i++)
                        if (prefixes[i].length == wanted.length && address_equal(&prefixes[i].address, &wanted.address))
                                same = &prefixes[i];
                assert_ptr_equal(prefix_trie_get(trie, &wanted), same);
        }
        for (int n = 0; n < 20000; n++) {
                struct address address = address_of_ipv4((uint8_t[]){(uint8_t)(rand() % 4), (uint8_t)(rand() % 4), (uint8_t)rand(), (uint8_t)rand()});
                const struct prefix *best = NULL;
                for (int i = 0; i < COUNT; i++)
                        if (prefix_contains(&prefixes[i], &address) && (best == NULL || prefixes[i].length >= best->length))
                                best = &prefixes[i];
                assert_ptr_equal(prefix_trie_find(trie, &address), best);
        }
        prefix_trie_destroy(trie);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_longest_prefix_wins),
                cmocka_unit_test(random_prefixes_agree_with_a_linear_search),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
