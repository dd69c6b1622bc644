#include "judge/device_table.h"

#include "tests/unit/test.h"

static struct device_key key_of(uint32_t n, uint16_t context)
{
        uint8_t bytes[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        return (struct device_key){address_of_ipv4(bytes), context};
}

static void a_device_keeps_its_record_and_contexts_stay_apart(void **state)
{
        (void)state;
        struct device_table *table = device_table_create(100000, NULL, NULL);
        struct device_key one = key_of(1, 0), other = key_of(1, 1);
        struct device *a = device_table_touch(table, &one, 1), *b = device_table_touch(table, &other, 1);
        assert_ptr_not_equal(a, b);
        for (uint32_t n = 2; n < 20000; n++) {
                struct device_key key = key_of(n, 0);
                assert_non_null(device_table_touch(table, &key, 1));
        }
        assert_ptr_equal(device_table_touch(table, &one, 2), a);
        assert_ptr_equal(device_table_find(table, &other), b);
        assert_int_equal(device_table_count(table), 20000);
        assert_int_equal(a->inventory_row, DEVICE_NO_ROW);
        device_table_destroy(table);
}

static void note_evicted(void *context, struct device *device)
{
        struct device_key *last = context;
        *last = (struct device_key){device->address, device->context};
}

static void at_the_limit_the_one_that_was_silent_longest_goes(void **state)
{
        (void)state;
        struct device_key evicted = {.context = 7};
        struct device_table *table = device_table_create(3, note_evicted, &evicted);
        struct device_key keys[4] = {key_of(1, 0), key_of(2, 0), key_of(3, 0), key_of(4, 0)};
        for (unsigned i = 0; i < 3; i++)
                device_table_touch(table, &keys[i], i);
        device_table_touch(table, &keys[0], 100);
        device_table_touch(table, &keys[3], 101);
        assert_true(address_equal(&evicted.address, &keys[1].address));
        assert_null(device_table_find(table, &keys[1]));
        assert_non_null(device_table_find(table, &keys[0]));
        assert_int_equal(device_table_evictions(table), 1);
        assert_int_equal(device_table_count(table), 3);
        device_table_destroy(table);
}

static void eviction_loses_nobody_else(void **state)
{
        (void)state;
        struct device_table *table = device_table_create(500, NULL, NULL);
        for (uint32_t n = 0; n < 5000; n++) {
                struct device_key key = key_of(n * 7919 % 65536, (uint16_t)(n % 3));
                device_table_touch(table, &key, n);
                for (uint32_t back = 0; back < 500 && back <= n; back += 37) {
                        struct device_key recent = key_of((n - back) * 7919 % 65536, (uint16_t)((n - back) % 3));
                        assert_non_null(device_table_find(table, &recent));
                }
        }
        assert_int_equal(device_table_evictions(table), 4500);
        device_table_destroy(table);
}

static void a_record_is_small(void **state)
{
        (void)state;
        assert_true(sizeof(struct device) <= 128);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_device_keeps_its_record_and_contexts_stay_apart),
                cmocka_unit_test(at_the_limit_the_one_that_was_silent_longest_goes),
                cmocka_unit_test(eviction_loses_nobody_else),
                cmocka_unit_test(a_record_is_small),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
