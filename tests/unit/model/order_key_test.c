#include "model/order_key.h"

#include <string.h>

#include "tests/unit/test.h"

/* In their order. */
static const struct order_key keys[] = {
        {.clock = 5, .index = 0},                          /* a tick */
        {.clock = 5, .index = 1},
        {.clock = 5, .shard = 1, .index = 0},              /* timers of shard 0 */
        {.clock = 5, .shard = 1, .index = 7},
        {.clock = 5, .shard = 64, .index = 0},
        {.clock = 5, .frame = 1, .index = 0},              /* packets */
        {.clock = 5, .frame = 1, .index = 1},
        {.clock = 5, .frame = UINT64_C(1) << 40},
        {.clock = 6, .index = 0},
        {.clock = UINT64_MAX, .frame = UINT64_MAX, .index = UINT32_MAX},
        {.file = 1, .clock = 1},                           /* --no-merge */
        {.file = 2},
};
enum { KEYS = sizeof keys / sizeof *keys };

static void sign_is(int value, int expected)
{
        assert_int_equal((value > 0) - (value < 0), expected);
}

static void keys_and_packed_keys_have_one_order(void **state)
{
        (void)state;
        for (int a = 0; a < KEYS; a++)
                for (int b = 0; b < KEYS; b++) {
                        uint8_t packed_a[ORDER_KEY_SIZE], packed_b[ORDER_KEY_SIZE];
                        order_key_pack(&keys[a], packed_a);
                        order_key_pack(&keys[b], packed_b);
                        sign_is(order_key_compare(&keys[a], &keys[b]), (a > b) - (a < b));
                        sign_is(memcmp(packed_a, packed_b, ORDER_KEY_SIZE), (a > b) - (a < b));
                        struct order_key again = order_key_unpack(packed_a);
                        assert_int_equal(order_key_compare(&again, &keys[a]), 0);
                }
}

static void an_event_has_the_key_of_its_fields(void **state)
{
        (void)state;
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.clock = 9;
        event.index = 3;
        event.shard = 4; /* not there: has_shard is not set */
        event.has_file = 1;
        event.file = 2;
        struct order_key key = order_key_of_event(&event, false);
        assert_int_equal(order_key_compare(&key, &(struct order_key){.clock = 9, .index = 3}), 0);
        event.has_shard = event.has_frame = 1;
        event.frame = 77;
        key = order_key_of_event(&event, true);
        assert_int_equal(
                order_key_compare(&key, &(struct order_key){.file = 2, .clock = 9, .frame = 77, .shard = 5, .index = 3}), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keys_and_packed_keys_have_one_order),
                cmocka_unit_test(an_event_has_the_key_of_its_fields),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
