#include "tests/unit/test.h"

#include "base/log.h"
#include "probes/live_clock.h"

#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)
#define DELAY (120 * MILLISECOND)
#define START (INT64_C(1767225600) * SECOND)

/* A machine whose two clocks the test moves. */
struct machine {
        struct live_reading now;
        struct live_clock clock;
        struct live_stamp stamp;
};

static struct machine start(void)
{
        struct machine machine = {.now = {.real_ns = START, .steady_ns = 77 * SECOND}};
        live_clock_start(&machine.clock, machine.now);
        live_stamp_start(&machine.stamp, &machine.clock);
        return machine;
}

static bool pass(struct machine *machine, int64_t nanoseconds)
{
        machine->now.real_ns += nanoseconds;
        machine->now.steady_ns += nanoseconds;
        return live_clock_update(&machine->clock, machine->now);
}

static int64_t packet_time(const struct machine *machine)
{
        return live_epoch_time(&machine->clock.epoch, machine->now.real_ns);
}

static void packet_time_is_the_clock_s_while_nobody_sets_it(void **state)
{
        (void)state;
        struct machine machine = start();
        for (int i = 0; i < 1000; i++) {
                assert_false(pass(&machine, 50 * MILLISECOND));
                assert_int_equal(packet_time(&machine), machine.now.real_ns);
        }
        assert_int_equal(machine.clock.number, 0);
}

static void set_back_it_goes_on_at_nine_tenths_until_it_meets_the_clock(void **state)
{
        (void)state;
        struct machine machine = start();
        pass(&machine, 100 * SECOND);
        int64_t before = packet_time(&machine);
        machine.now.real_ns -= 10 * SECOND;
        assert_true(pass(&machine, 20 * MILLISECOND));
        assert_int_equal(packet_time(&machine), before + 20 * MILLISECOND);
        int64_t at_step = packet_time(&machine);
        pass(&machine, 50 * SECOND);
        assert_int_equal(packet_time(&machine), at_step + 45 * SECOND);
        pass(&machine, 49 * SECOND);
        assert_true(packet_time(&machine) > machine.now.real_ns);
        pass(&machine, 1 * SECOND);
        assert_int_equal(packet_time(&machine), machine.now.real_ns);
        pass(&machine, 1 * SECOND);
        assert_int_equal(packet_time(&machine), machine.now.real_ns);
}

static void set_forward_it_follows_at_once(void **state)
{
        (void)state;
        struct machine machine = start();
        machine.now.real_ns += 3600 * SECOND;
        assert_true(pass(&machine, 10 * MILLISECOND));
        assert_int_equal(packet_time(&machine), machine.now.real_ns);
}

static void set_back_and_repaired_it_does_not_run_ahead(void **state)
{
        (void)state;
        struct machine machine = start();
        int64_t right = START;
        machine.now.real_ns -= 3600 * SECOND;
        pass(&machine, SECOND);
        pass(&machine, SECOND);
        int64_t slowed = packet_time(&machine);
        machine.now.real_ns += 3600 * SECOND;
        pass(&machine, 10 * MILLISECOND);
        right += 2 * SECOND + 10 * MILLISECOND;
        assert_int_equal(machine.now.real_ns, right);
        assert_true(packet_time(&machine) >= slowed);
        assert_int_equal(packet_time(&machine), right);
}

static void set_back_twice_time_still_rises(void **state)
{
        (void)state;
        struct machine machine = start();
        int64_t last = 0;
        for (int i = 0; i < 2000; i++) {
                if (i == 300 || i == 700 || i == 701)
                        machine.now.real_ns -= 5 * SECOND;
                if (i == 1000)
                        machine.now.real_ns += 2 * SECOND;
                pass(&machine, 100 * MILLISECOND);
                assert_true(packet_time(&machine) > last);
                last = packet_time(&machine);
        }
        assert_int_equal(machine.clock.number, 4);
        pass(&machine, 200 * SECOND);
        assert_int_equal(packet_time(&machine), machine.now.real_ns);
}

static void slewing_and_a_leap_second_are_told_apart(void **state)
{
        (void)state;
        struct machine machine = start();
        /* adjtime slews both clocks; what is left is how exactly they are read together. */
        for (int i = 0; i < 100; i++) {
                machine.now.real_ns += i % 2 ? 900000 : -900000;
                assert_false(pass(&machine, 50 * MILLISECOND));
        }
        machine.now.real_ns -= SECOND;
        assert_true(pass(&machine, 50 * MILLISECOND));
        assert_true(packet_time(&machine) > machine.now.real_ns);
}

/* Ten seconds back; the frames of before lie in the ring still. */
static void frames_stamped_before_the_step_keep_their_time(void **state)
{
        (void)state;
        struct machine machine = start();
        pass(&machine, 100 * SECOND);
        int64_t old_real = machine.now.real_ns;
        machine.now.real_ns -= 10 * SECOND;
        pass(&machine, 40 * MILLISECOND);
        int64_t last = 0;
        for (int i = 30; i > 0; i--) {
                int64_t time = live_stamp_time(&machine.stamp, &machine.clock, old_real - i * MILLISECOND);
                assert_int_equal(time, old_real - i * MILLISECOND);
                last = time;
        }
        /* Stamped after the step and before it was found. */
        for (int i = 0; i < 40; i++) {
                int64_t time = live_stamp_time(&machine.stamp, &machine.clock, old_real - 10 * SECOND + i * MILLISECOND);
                assert_true(time > last);
                assert_true(time <= old_real + 40 * MILLISECOND);
                last = time;
        }
        assert_int_equal(machine.stamp.number, machine.clock.number);
}

static void a_ring_that_was_empty_since_has_only_frames_of_after(void **state)
{
        (void)state;
        struct machine machine = start();
        pass(&machine, 100 * SECOND);
        live_stamp_time(&machine.stamp, &machine.clock, machine.now.real_ns - 60 * SECOND);
        int64_t before = packet_time(&machine);
        machine.now.real_ns -= 10 * SECOND;
        pass(&machine, 40 * MILLISECOND);
        assert_int_equal(live_stamp_drained(&machine.stamp, &machine.clock, DELAY), before + 40 * MILLISECOND - DELAY);
        assert_int_not_equal(machine.stamp.number, machine.clock.number);
        pass(&machine, SECOND);
        assert_int_equal(live_stamp_drained(&machine.stamp, &machine.clock, DELAY), packet_time(&machine) - DELAY);
        /* The stamp of this ring never fell: its last frame was older than the step is far. */
        int64_t time = live_stamp_time(&machine.stamp, &machine.clock, machine.now.real_ns);
        assert_int_equal(time, before + 40 * MILLISECOND + 9 * SECOND / 10);
}

static void frames_a_little_out_of_order_are_no_step(void **state)
{
        (void)state;
        struct machine machine = start();
        pass(&machine, SECOND);
        int64_t real = machine.now.real_ns;
        live_stamp_time(&machine.stamp, &machine.clock, real);
        machine.now.real_ns -= 600 * SECOND;
        pass(&machine, MILLISECOND);
        assert_int_equal(live_stamp_time(&machine.stamp, &machine.clock, real - 200000), real - 200000);
        assert_int_not_equal(machine.stamp.number, machine.clock.number);
        assert_true(live_stamp_time(&machine.stamp, &machine.clock, real - 600 * SECOND) >= real);
        assert_int_equal(machine.stamp.number, machine.clock.number);
}

static void set_forward_while_it_is_slowed_old_frames_do_not_jump(void **state)
{
        (void)state;
        struct machine machine = start();
        machine.now.real_ns -= 100 * SECOND;
        pass(&machine, SECOND);
        live_stamp_advance(&machine.stamp, &machine.clock);
        live_stamp_time(&machine.stamp, &machine.clock, machine.now.real_ns);
        int64_t before = packet_time(&machine);
        machine.now.real_ns += 50 * SECOND;
        pass(&machine, 30 * MILLISECOND);
        int64_t after = live_stamp_time(&machine.stamp, &machine.clock, machine.now.real_ns);
        assert_true(after >= before);
        assert_true(after <= before + 30 * MILLISECOND);
}

/* A block that the kernel still fills when the ring is found empty. */
static void old_frames_come_after_the_ring_was_found_empty(void **state)
{
        (void)state;
        static const int64_t steps[] = {-10 * SECOND, 3600 * SECOND};
        for (unsigned i = 0; i < 2; i++) {
                struct machine machine = start();
                pass(&machine, 100 * SECOND);
                int64_t old_real = machine.now.real_ns;
                machine.now.real_ns += steps[i];
                pass(&machine, 10 * MILLISECOND);
                int64_t earliest = live_stamp_drained(&machine.stamp, &machine.clock, DELAY);
                int64_t time = live_stamp_time(&machine.stamp, &machine.clock, old_real - 20 * MILLISECOND);
                assert_int_equal(time, old_real - 20 * MILLISECOND);
                assert_true(time >= earliest);
                pass(&machine, 50 * MILLISECOND);
                assert_true(live_stamp_drained(&machine.stamp, &machine.clock, DELAY) <= time + 20 * MILLISECOND);
                int64_t next = live_stamp_time(&machine.stamp, &machine.clock, machine.now.real_ns);
                assert_int_equal(next, packet_time(&machine));
                assert_true(next > time);
        }
}

static void the_machine_s_own_clocks_are_read_together(void **state)
{
        (void)state;
        struct live_reading first = live_reading_now(), second = live_reading_now();
        assert_true(second.steady_ns >= first.steady_ns);
        int64_t distance = (second.real_ns - second.steady_ns) - (first.real_ns - first.steady_ns);
        assert_true(distance < 10 * MILLISECOND && distance > -10 * MILLISECOND);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(packet_time_is_the_clock_s_while_nobody_sets_it),
                cmocka_unit_test(set_back_it_goes_on_at_nine_tenths_until_it_meets_the_clock),
                cmocka_unit_test(set_forward_it_follows_at_once),
                cmocka_unit_test(set_back_and_repaired_it_does_not_run_ahead),
                cmocka_unit_test(set_back_twice_time_still_rises),
                cmocka_unit_test(slewing_and_a_leap_second_are_told_apart),
                cmocka_unit_test(frames_stamped_before_the_step_keep_their_time),
                cmocka_unit_test(a_ring_that_was_empty_since_has_only_frames_of_after),
                cmocka_unit_test(frames_a_little_out_of_order_are_no_step),
                cmocka_unit_test(set_forward_while_it_is_slowed_old_frames_do_not_jump),
                cmocka_unit_test(old_frames_come_after_the_ring_was_found_empty),
                cmocka_unit_test(the_machine_s_own_clocks_are_read_together),
        };
        log_set_level(LOG_LEVEL_ERROR);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
