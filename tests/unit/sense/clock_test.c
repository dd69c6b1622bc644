#include "sense/clock.h"

#include "tests/unit/test.h"

static const int64_t SECOND = 1000000000;
static const int64_t T0 = 1700000000LL * 1000000000;

static void late_frames_do_not_turn_it_back(void **state)
{
        (void)state;
        struct packet_clock clock = {0};
        assert_int_equal(packet_clock_advance(&clock, T0), T0);
        assert_int_equal(packet_clock_advance(&clock, T0 + 5 * SECOND), T0 + 5 * SECOND);
        assert_int_equal(packet_clock_advance(&clock, T0 + 2 * SECOND), T0 + 5 * SECOND);
        assert_int_equal(clock.late_frames, 1);
}

static void a_jump_waits_for_confirmation(void **state)
{
        (void)state;
        struct packet_clock clock = {0};
        int64_t year = 365LL * 86400 * SECOND;
        packet_clock_advance(&clock, T0);
        assert_int_equal(packet_clock_advance(&clock, T0 + year), T0);
        assert_int_equal(packet_clock_stamp(&clock, T0 + year), T0);
        assert_int_equal(packet_clock_advance(&clock, T0 + SECOND), T0 + SECOND);
        assert_int_equal(clock.jumps_refused, 1);
        assert_int_equal(packet_clock_advance(&clock, T0 + year), T0 + SECOND);
        assert_int_equal(packet_clock_advance(&clock, T0 + year + SECOND), T0 + year + SECOND);
        assert_int_equal(clock.jumps_taken, 1);
}

static void sparse_frames_are_no_jumps_for_ever(void **state)
{
        (void)state;
        struct packet_clock clock = {0};
        for (int i = 0; i < 10; i++)
                packet_clock_advance(&clock, T0 + i * 7200 * SECOND);
        assert_true(clock.now_ns >= T0 + 8 * 7200 * SECOND); /* the last one waits for its confirmation */
}

static unsigned ticks_to(struct packet_clock *clock, int64_t now, int64_t *last)
{
        unsigned ticks = 0;
        int64_t tick;
        while (packet_clock_tick(clock, now, &tick)) {
                if (*last != 0)
                        assert_true(tick > *last);
                *last = tick;
                ticks++;
        }
        return ticks;
}

static void every_second_ticks_once(void **state)
{
        (void)state;
        struct packet_clock clock = {0};
        int64_t last = 0;
        packet_clock_advance(&clock, T0 + SECOND / 2);
        assert_int_equal(ticks_to(&clock, T0 + SECOND / 2, &last), 0);
        assert_int_equal(ticks_to(&clock, T0 + SECOND, &last), 1);
        assert_int_equal(ticks_to(&clock, T0 + 10 * SECOND, &last), 9);
        assert_int_equal(last, T0 + 10 * SECOND);
}

static void a_year_is_not_crossed_second_by_second(void **state)
{
        (void)state;
        struct packet_clock clock = {0};
        int64_t last = 0, year = 365LL * 86400 * SECOND;
        packet_clock_advance(&clock, T0);
        packet_clock_advance(&clock, T0 + year);
        packet_clock_advance(&clock, T0 + year);
        unsigned ticks = ticks_to(&clock, T0 + year, &last);
        assert_in_range(ticks, 7200, 7210);
        assert_int_equal(last, T0 + year);
        assert_int_equal(ticks_to(&clock, T0 + year + 3 * SECOND, &last), 3);
}

static void two_jumps_before_the_ticks_are_given_are_crossed_too(void **state)
{
        (void)state;
        struct packet_clock clock = {0};
        int64_t last = 0, year = 365LL * 86400 * SECOND;
        packet_clock_advance(&clock, T0);
        for (int i = 1; i <= 3; i++) {
                packet_clock_advance(&clock, T0 + i * year);
                packet_clock_advance(&clock, T0 + i * year);
        }
        assert_true(ticks_to(&clock, clock.now_ns, &last) < 3 * 7300);
        assert_int_equal(last, T0 + 3 * year);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(late_frames_do_not_turn_it_back),
                cmocka_unit_test(a_jump_waits_for_confirmation),
                cmocka_unit_test(sparse_frames_are_no_jumps_for_ever),
                cmocka_unit_test(every_second_ticks_once),
                cmocka_unit_test(two_jumps_before_the_ticks_are_given_are_crossed_too),
                cmocka_unit_test(a_year_is_not_crossed_second_by_second),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
