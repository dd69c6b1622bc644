#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "probes/live_merge.h"

enum { QUEUE_ROOM = 300 };

struct injected {
        struct frame frames[3][QUEUE_ROOM];
        struct live_queue queues[3];
        struct frame_batch batch;
};

static int setup(void **state)
{
        struct injected *injected = calloc(1, sizeof *injected);
        if (injected == NULL)
                return -1;
        for (unsigned i = 0; i < 3; i++)
                injected->queues[i] = (struct live_queue){.frames = injected->frames[i], .none_before_ns = INT64_MAX};
        *state = injected;
        return 0;
}

static int teardown(void **state)
{
        free(*state);
        return 0;
}

static void put(struct injected *injected, unsigned queue, int64_t time_ns)
{
        struct live_queue *to = &injected->queues[queue];
        to->frames[to->count++] = (struct frame){.time_ns = time_ns, .interface = (uint16_t)queue};
}

/* "0:10 1:20" */
static void assert_batch(const struct frame_batch *batch, const char *expected)
{
        char text[512] = "";
        size_t used = 0;
        for (unsigned i = 0; i < batch->count && used < sizeof text; i++)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%u:%lld", i ? " " : "", batch->frames[i].interface,
                                         (long long)batch->frames[i].time_ns);
        assert_string_equal(text, expected);
}

static void an_opening_comes_before_its_answer_from_another_interface(void **state)
{
        struct injected *injected = *state;
        put(injected, 1, 20); /* SYN/ACK */
        put(injected, 1, 40);
        put(injected, 0, 10); /* SYN */
        put(injected, 0, 30);
        injected->queues[0].none_before_ns = injected->queues[1].none_before_ns = 100;
        live_merge(injected->queues, 2, &injected->batch);
        assert_batch(&injected->batch, "0:10 1:20 0:30 1:40");
}

static void a_frame_waits_for_a_ring_that_may_have_an_earlier_one(void **state)
{
        struct injected *injected = *state;
        put(injected, 0, 50);
        injected->queues[1].none_before_ns = 20;
        live_merge(injected->queues, 2, &injected->batch);
        assert_int_equal(injected->batch.count, 0);
        assert_int_equal(live_merge_held_ns(injected->queues, 2), 30);
        /* Then the earlier one comes. */
        put(injected, 1, 45);
        injected->queues[1].none_before_ns = 48;
        live_merge(injected->queues, 2, &injected->batch);
        assert_batch(&injected->batch, "1:45");
        injected->batch.count = 0;
        injected->queues[1].none_before_ns = 50;
        live_merge(injected->queues, 2, &injected->batch);
        assert_batch(&injected->batch, "0:50");
}

static void what_lies_behind_a_full_take_is_not_overtaken(void **state)
{
        struct injected *injected = *state;
        for (int i = 0; i < 10; i++)
                put(injected, 0, i);
        injected->queues[0].none_before_ns = 9; /* there are more in the ring */
        put(injected, 1, 5);
        put(injected, 1, 12);
        injected->queues[1].none_before_ns = 12;
        live_merge(injected->queues, 2, &injected->batch);
        assert_batch(&injected->batch, "0:0 0:1 0:2 0:3 0:4 0:5 1:5 0:6 0:7 0:8 0:9");
}

static void an_interface_that_is_gone_holds_nobody_up(void **state)
{
        struct injected *injected = *state;
        put(injected, 0, 7);
        put(injected, 2, 6);
        live_merge(injected->queues, 3, &injected->batch);
        assert_batch(&injected->batch, "2:6 0:7");
        assert_int_equal(live_merge_held_ns(injected->queues, 3), -1);
}

static void one_interface_is_handed_over_as_it_is(void **state)
{
        struct injected *injected = *state;
        put(injected, 0, 3);
        put(injected, 0, 2); /* two processors filled the ring */
        put(injected, 0, 4);
        injected->queues[0].none_before_ns = 1;
        live_merge(injected->queues, 1, &injected->batch);
        assert_batch(&injected->batch, "0:3 0:2 0:4");
}

static void a_full_batch_leaves_the_rest_for_the_next(void **state)
{
        struct injected *injected = *state;
        for (int i = 0; i < 200; i++) {
                put(injected, 0, 2 * i);
                put(injected, 1, 2 * i + 1);
        }
        int64_t next = 0;
        for (unsigned round = 0; round < 2; round++) {
                injected->batch.count = 0;
                live_merge(injected->queues, 2, &injected->batch);
                assert_int_equal(injected->batch.count, round == 0 ? FRAME_BATCH : 400 - FRAME_BATCH);
                for (unsigned i = 0; i < injected->batch.count; i++)
                        assert_int_equal(injected->batch.frames[i].time_ns, next++);
        }
}

static void nothing_there_is_nothing_handed_over(void **state)
{
        struct injected *injected = *state;
        injected->queues[0].none_before_ns = 5;
        live_merge(injected->queues, 2, &injected->batch);
        assert_int_equal(injected->batch.count, 0);
        assert_int_equal(live_merge_held_ns(injected->queues, 2), -1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(an_opening_comes_before_its_answer_from_another_interface, setup, teardown),
                cmocka_unit_test_setup_teardown(a_frame_waits_for_a_ring_that_may_have_an_earlier_one, setup, teardown),
                cmocka_unit_test_setup_teardown(what_lies_behind_a_full_take_is_not_overtaken, setup, teardown),
                cmocka_unit_test_setup_teardown(an_interface_that_is_gone_holds_nobody_up, setup, teardown),
                cmocka_unit_test_setup_teardown(one_interface_is_handed_over_as_it_is, setup, teardown),
                cmocka_unit_test_setup_teardown(a_full_batch_leaves_the_rest_for_the_next, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_there_is_nothing_handed_over, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
