#include "judge/waiting_room.h"

#include <stdio.h>

#include "tests/unit/test.h"

enum { PATIENCE = 5 };

static struct device_key key_of(const char *text, uint16_t context)
{
        struct device_key key = {.context = context};
        assert_true(address_parse(text, &key.address));
        return key;
}

static void add(struct waiting_room *room, const char *device, uint16_t context, int64_t since, uint64_t number)
{
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        struct device_key key = key_of(device, context);
        event.clock = number;
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &tick;
        assert_true(waiting_room_add(room, &key, since, &event));
}

/* The numbers of what may go, as text. */
static const char *leaving(struct waiting_room *room, int64_t clock)
{
        static char text[256];
        const event_t *event;
        size_t length = 0;
        text[0] = '\0';
        while ((event = waiting_room_next(room, clock)) != NULL)
                length += (size_t)snprintf(text + length, sizeof text - length, "%s%u", length ? " " : "", (unsigned)event->clock);
        return text;
}

static struct binding binding_of(const char *ipv4, const char *ipv6, unsigned length)
{
        struct binding binding = {.number = 1};
        if (ipv4)
                assert_true(address_parse(ipv4, &binding.ipv4));
        if (ipv6)
                assert_true(address_parse(ipv6, &binding.ipv6.address));
        binding.ipv6.length = (uint8_t)length;
        return binding;
}

static void each_goes_in_order_when_its_time_is_over(void **state)
{
        (void)state;
        struct waiting_room *room = waiting_room_create(1 << 20, PATIENCE);
        struct device_key one = key_of("10.0.0.1", 0), other = key_of("10.0.0.1", 1);
        add(room, "10.0.0.1", 0, 100, 1);
        add(room, "10.0.0.2", 0, 101, 2);
        add(room, "10.0.0.1", 0, 100, 3);
        assert_true(waiting_room_has(room, &one));
        assert_false(waiting_room_has(room, &other));
        assert_string_equal(leaving(room, 104), "");
        assert_string_equal(leaving(room, 105), "1 3");
        assert_false(waiting_room_has(room, &one));
        assert_string_equal(leaving(room, INT64_MAX), "2");
        assert_true(waiting_room_is_empty(room));
        assert_int_equal(waiting_room_events(room), 3);
        assert_int_equal(waiting_room_overflows(room), 0);
        waiting_room_destroy(room);
}

static void who_is_called_goes_at_once(void **state)
{
        (void)state;
        struct waiting_room *room = waiting_room_create(1 << 20, PATIENCE);
        struct binding ipv4 = binding_of("10.0.0.1", NULL, 0), nobody = binding_of(NULL, NULL, 0),
                       ipv6 = binding_of(NULL, "2001:db8:0:7::", 64), wide = binding_of(NULL, "2001:db8:1::", 48);
        add(room, "10.0.0.1", 0, 100, 1);
        add(room, "10.0.0.1", 1, 100, 2);
        add(room, "10.0.0.2", 0, 100, 3);
        add(room, "2001:db8:0:7::1", 0, 100, 4);
        add(room, "2001:db8:0:7::2", 0, 100, 5);
        add(room, "2001:db8:0:8::2", 0, 100, 6);
        add(room, "2001:db8:1:8::2", 0, 100, 7);
        waiting_room_call(room, &nobody);
        assert_string_equal(leaving(room, 100), "");
        waiting_room_call(room, &ipv6);
        waiting_room_call(room, &ipv4);
        waiting_room_call(room, &ipv4);
        assert_string_equal(leaving(room, 100), "4 5 1 2");
        waiting_room_call(room, &wide);
        assert_string_equal(leaving(room, 100), "7");
        assert_string_equal(leaving(room, 105), "3 6");
        waiting_room_destroy(room);
}

static void who_comes_again_waits_since_the_first_time(void **state)
{
        (void)state;
        struct waiting_room *room = waiting_room_create(1 << 20, PATIENCE);
        add(room, "10.0.0.1", 0, 102, 1);
        add(room, "10.0.0.2", 0, 104, 2);
        add(room, "10.0.0.3", 0, 103, 3);
        add(room, "10.0.0.4", 0, 100, 4);
        assert_string_equal(leaving(room, 105), "4");
        assert_string_equal(leaving(room, 108), "1 3");
        assert_string_equal(leaving(room, 109), "2");
        waiting_room_destroy(room);
}

static void beyond_the_limit_the_longest_waiting_goes(void **state)
{
        (void)state;
        struct waiting_room *room = waiting_room_create(100, PATIENCE);
        char device[32];
        unsigned gone = 0;
        for (unsigned i = 0; i < 20; i++) {
                snprintf(device, sizeof device, "10.0.0.%u", i);
                add(room, device, 0, 100, i);
                for (const event_t *event; (event = waiting_room_next(room, 100)) != NULL; gone++)
                        assert_int_equal(event->clock, gone);
        }
        assert_true(gone > 10);
        assert_int_equal(waiting_room_overflows(room), gone);
        assert_false(waiting_room_is_empty(room));
        waiting_room_destroy(room); /* with guests */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_goes_in_order_when_its_time_is_over),
                cmocka_unit_test(who_is_called_goes_at_once),
                cmocka_unit_test(who_comes_again_waits_since_the_first_time),
                cmocka_unit_test(beyond_the_limit_the_longest_waiting_goes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
