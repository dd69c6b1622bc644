#include "judge/names.h"

#include <stdio.h>

#include "judge/policy.h"
#include "tests/unit/test.h"

static const int64_t second = 1000000000, hour = INT64_C(3600) * 1000000000;
static const int64_t start = INT64_C(1760000000) * 1000000000;

static struct address address_named(const char *text)
{
        struct address address;
        assert_true(address_parse(text, &address));
        return address;
}

static struct device_key device_named(const char *text)
{
        return (struct device_key){address_named(text), 0};
}

static bool meets(const void *context, const char *name)
{
        return domain_matches(context, name);
}

static const char *find_device(struct names *names, const char *device, const char *peer, const char *pattern, int64_t at)
{
        struct device_key key = device_named(device);
        struct address address = address_named(peer);
        struct names_query query = {meets, pattern};
        return names_find_device(names, &key, 0, &address, at, &query);
}

static const char *find_fleet(struct names *names, const char *peer, const char *pattern, int64_t at)
{
        struct address address = address_named(peer);
        struct names_query query = {meets, pattern};
        return names_find_fleet(names, 0, &address, at, &query);
}

static void learn(struct names *names, const char *device, const char *peer, const char *name, uint32_t ttl, int64_t at)
{
        struct device_key key = device_named(device);
        struct address address = address_named(peer);
        names_learn(names, &key, 0, &address, name, false, ttl, at);
}

static void an_answer_is_known_to_its_device_and_weaker_to_the_fleet(void **state)
{
        (void)state;
        struct names *names = names_create(100, 1);
        learn(names, "10.0.0.1", "192.0.2.1", "a.broker.example", 60, start);
        assert_string_equal(find_device(names, "10.0.0.1", "192.0.2.1", "*.broker.example", start + second),
                            "a.broker.example");
        assert_null(find_device(names, "10.0.0.2", "192.0.2.1", "*.broker.example", start + second));
        assert_non_null(find_fleet(names, "192.0.2.1", "*.broker.example", start + second));
        assert_null(find_device(names, "10.0.0.1", "192.0.2.1", "broker.example", start + second));
        assert_null(find_device(names, "10.0.0.1", "192.0.2.2", "*.broker.example", start + second));
        names_destroy(names);
}

static void an_answer_holds_for_the_longer_of_its_lifetime_and_24_hours(void **state)
{
        (void)state;
        struct names *names = names_create(100, 1);
        struct address peer = address_named("192.0.2.1");
        struct names_query query = {meets, "short.example"};
        learn(names, "10.0.0.1", "192.0.2.1", "short.example", 60, start);
        learn(names, "10.0.0.1", "192.0.2.1", "long.example", 48 * 3600, start);
        assert_null(find_device(names, "10.0.0.1", "192.0.2.1", "short.example", start - second));
        assert_non_null(find_device(names, "10.0.0.1", "192.0.2.1", "short.example", start + 24 * hour));
        assert_null(find_device(names, "10.0.0.1", "192.0.2.1", "short.example", start + 24 * hour + second));
        assert_null(find_fleet(names, "192.0.2.1", "short.example", start + 24 * hour + second));
        assert_true(names_fleet_held(names, 0, &peer, &query));
        assert_non_null(find_device(names, "10.0.0.1", "192.0.2.1", "long.example", start + 48 * hour));
        names_destroy(names);
}

static void a_renewed_answer_still_holds_for_flows_that_began_before(void **state)
{
        (void)state;
        struct names *names = names_create(100, 1);
        learn(names, "10.0.0.1", "192.0.2.1", "x.example", 60, start);
        learn(names, "10.0.0.1", "192.0.2.1", "x.example", 60, start + hour);
        assert_non_null(find_device(names, "10.0.0.1", "192.0.2.1", "x.example", start + second));
        learn(names, "10.0.0.1", "192.0.2.1", "x.example", 60, start + 100 * hour);
        assert_null(find_device(names, "10.0.0.1", "192.0.2.1", "x.example", start + second));
        assert_int_equal(names_count(names), 2);
        names_destroy(names);
}

static void a_fleet_remembers_what_it_resolved_and_since_when(void **state)
{
        (void)state;
        static const char pattern[] = "*.broker.example", other[] = "*.other.example";
        struct names *names = names_create(100, 2);
        assert_false(names_fleet_resolved(names, 0, pattern, start));
        assert_false(names_fleet_may_have(names, 0, pattern));
        learn(names, "10.0.0.1", "192.0.2.9", "www.example", 60, start);
        assert_false(names_fleet_resolved(names, 0, pattern, start));
        assert_false(names_fleet_may_have(names, 0, pattern));
        assert_false(names_fleet_may_have(names, 0, pattern));
        learn(names, "10.0.0.1", "192.0.2.1", "a.broker.example", 60, start + hour);
        assert_true(names_fleet_resolved(names, 0, pattern, start + hour));
        assert_false(names_fleet_resolved(names, 0, pattern, start));
        assert_false(names_fleet_resolved(names, 1, pattern, start + hour));
        assert_false(names_fleet_resolved(names, 0, other, start + hour));
        assert_true(names_fleet_may_have(names, 0, pattern)); /* whatever time is meant */
        assert_false(names_fleet_may_have(names, 1, pattern));
        assert_false(names_fleet_may_have(names, 0, other));
        assert_true(names_fleet_may_have(names, 2, pattern)); /* no such fleet */
        names_destroy(names);
}

static void what_was_asked_is_the_better_name_for_people(void **state)
{
        (void)state;
        struct names *names = names_create(100, 1);
        struct device_key device = device_named("10.0.0.1"), other = device_named("10.0.0.2");
        struct address peer = address_named("192.0.2.1");
        names_learn(names, &device, 0, &peer, "edge.cdn.example", true, 60, start + second);
        names_learn(names, &device, 0, &peer, "shop.example", false, 60, start);
        assert_string_equal(names_best_device(names, &device, 0, &peer, start + second), "shop.example");
        assert_null(names_best_device(names, &other, 0, &peer, start + second));
        assert_string_equal(names_best_fleet(names, 0, &peer, start + second), "shop.example");
        names_destroy(names);
}

static void what_the_address_was_told_before_another_had_it_is_not_its_own(void **state)
{
        (void)state;
        struct names *names = names_create(100, 1);
        struct device_key device = device_named("10.0.0.1");
        struct address peer = address_named("192.0.2.1");
        struct names_query query = {meets, "shop.example"};
        uint32_t since_s = (uint32_t)(start / second) + 600;
        names_learn(names, &device, 0, &peer, "shop.example", false, 60, start);
        assert_non_null(names_find_device(names, &device, 0, &peer, start + 3600 * second, &query));
        assert_null(names_find_device(names, &device, since_s, &peer, start + 3600 * second, &query));
        assert_null(names_best_device(names, &device, since_s, &peer, start + 3600 * second));
        assert_non_null(names_best_fleet(names, 0, &peer, start + 3600 * second));
        assert_non_null(names_find_device(names, &device, since_s, &peer, start + 60 * second, &query)); /* a flow of the one before */
        names_learn(names, &device, 0, &peer, "shop.example", false, 60, start + 700 * second);
        assert_non_null(names_find_device(names, &device, since_s, &peer, start + 3600 * second, &query));
        names_destroy(names);
}

static void at_the_limit_answers_of_devices_go_before_those_of_fleets(void **state)
{
        (void)state;
        struct names *names = names_create(6, 1);
        for (int i = 0; i < 5; i++) {
                char peer[32];
                snprintf(peer, sizeof peer, "192.0.2.%d", i);
                learn(names, "10.0.0.1", peer, "x.example", 60, start + i * second);
        }
        assert_int_equal(names_count(names), 6);
        assert_int_equal(names_evictions(names), 4);
        assert_null(find_device(names, "10.0.0.1", "192.0.2.0", "x.example", start + 9 * second));
        assert_non_null(find_device(names, "10.0.0.1", "192.0.2.4", "x.example", start + 9 * second));
        assert_non_null(find_fleet(names, "192.0.2.0", "x.example", start + 9 * second));
        names_destroy(names);
}

static void names_that_nobody_holds_are_let_go(void **state)
{
        (void)state;
        struct names *names = names_create(64, 0);
        uint64_t after_first = 0;
        for (int i = 0; i < 20000; i++) {
                char name[64];
                snprintf(name, sizeof name, "host-%d.example", i);
                learn(names, "10.0.0.1", "192.0.2.1", name, 60, start + i * second);
                if (i == 1000)
                        after_first = names_bytes(names);
        }
        assert_true(names_bytes(names) <= after_first + 1024);
        names_destroy(names);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_is_known_to_its_device_and_weaker_to_the_fleet),
                cmocka_unit_test(an_answer_holds_for_the_longer_of_its_lifetime_and_24_hours),
                cmocka_unit_test(a_renewed_answer_still_holds_for_flows_that_began_before),
                cmocka_unit_test(a_fleet_remembers_what_it_resolved_and_since_when),
                cmocka_unit_test(what_the_address_was_told_before_another_had_it_is_not_its_own),
                cmocka_unit_test(what_was_asked_is_the_better_name_for_people),
                cmocka_unit_test(at_the_limit_answers_of_devices_go_before_those_of_fleets),
                cmocka_unit_test(names_that_nobody_holds_are_let_go),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
