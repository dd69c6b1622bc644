/* The record of a SIM is found among many, and goes when nothing was heard of it longest. */
#include "judge/sim_table.h"

#include <stdio.h>

#include "tests/unit/test.h"

enum { MANY = 5000 };

static const char *imsi_of(unsigned number)
{
        static char text[17];
        snprintf(text, sizeof text, "26201%010u", number);
        return text;
}

static void each_has_its_record_among_many(void **state)
{
        struct sim_table *table = sim_table_create(MANY);
        (void)state;
        for (unsigned i = 0; i < MANY; i++)
                sim_table_touch(table, imsi_of(i), "", 100)->placed_s = i + 1;
        for (unsigned i = 0; i < MANY; i++) {
                assert_non_null(sim_table_find(table, imsi_of(i), ""));
                assert_int_equal(sim_table_find(table, imsi_of(i), "")->placed_s, i + 1);
        }
        assert_null(sim_table_find(table, imsi_of(MANY), ""));
        assert_int_equal(sim_table_evictions(table), 0);
        sim_table_destroy(table);
}

/* All come again but the first half, and others come: that half goes, whatever stands beside it. */
static void who_was_silent_longest_goes(void **state)
{
        struct sim_table *table = sim_table_create(MANY);
        (void)state;
        for (unsigned i = 0; i < MANY; i++)
                sim_table_touch(table, imsi_of(i), "", 100)->placed_s = i + 1;
        for (unsigned i = MANY / 2; i < MANY; i++)
                (void)sim_table_touch(table, imsi_of(i), "", 101);
        for (unsigned i = MANY; i < MANY + MANY / 2; i++)
                sim_table_touch(table, imsi_of(i), "", 102)->placed_s = i + 1;
        assert_int_equal(sim_table_evictions(table), MANY / 2);
        for (unsigned i = 0; i < MANY + MANY / 2; i++) {
                const struct sim *sim = sim_table_find(table, imsi_of(i), "");
                assert_int_equal(sim != NULL, i >= MANY / 2);
                assert_true(sim == NULL || sim->placed_s == i + 1);
        }
        sim_table_destroy(table);
}

static void numbers_stand_where_no_imsi_is_known(void **state)
{
        struct sim_table *table = sim_table_create(8);
        (void)state;
        struct sim *sim = sim_table_touch(table, "", "491711234567", 1);
        assert_non_null(sim);
        assert_ptr_equal(sim_table_find(table, "", "491711234567"), sim);
        assert_null(sim_table_find(table, "491711234567", "")); /* the same digits are another's as an IMSI */
        assert_null(sim_table_touch(table, "", "12345", 1));
        assert_null(sim_table_touch(table, "", "", 1));
        sim_table_note_move(table, sim, true);
        assert_int_equal(sim_table_moved(table), 1);
        sim_table_destroy(table);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_has_its_record_among_many),
                cmocka_unit_test(who_was_silent_longest_goes),
                cmocka_unit_test(numbers_stand_where_no_imsi_is_known),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
