#include "judge/flow_set.h"

#include "tests/unit/test.h"

static void what_is_added_is_there_until_it_is_removed(void **state)
{
        (void)state;
        struct flow_set *set = flow_set_create(100000);
        for (uint64_t i = 0; i < 5000; i++)
                flow_set_add(set, i * 3);
        for (uint64_t i = 0; i < 15000; i++)
                assert_int_equal(flow_set_has(set, i), i % 3 == 0);
        for (uint64_t i = 0; i < 5000; i += 2)
                assert_true(flow_set_remove(set, i * 3));
        for (uint64_t i = 0; i < 5000; i++)
                assert_int_equal(flow_set_has(set, i * 3), i % 2 == 1);
        assert_false(flow_set_remove(set, 0));
        flow_set_destroy(set);
}

static void at_the_limit_new_ones_are_refused_and_counted(void **state)
{
        (void)state;
        struct flow_set *set = flow_set_create(10);
        for (uint64_t i = 0; i < 15; i++)
                flow_set_add(set, i);
        flow_set_add(set, 3); /* again: not refused */
        assert_int_equal(flow_set_refused(set), 5);
        assert_true(flow_set_has(set, 9));
        assert_false(flow_set_has(set, 10));
        assert_true(flow_set_remove(set, 0));
        flow_set_add(set, 20);
        assert_true(flow_set_has(set, 20));
        flow_set_destroy(set);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_added_is_there_until_it_is_removed),
                cmocka_unit_test(at_the_limit_new_ones_are_refused_and_counted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
