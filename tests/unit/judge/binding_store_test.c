#include "judge/binding_store.h"

#include <stdlib.h>

#include "tests/unit/test.h"

static struct address ipv4_of(uint32_t n)
{
        uint8_t bytes[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        return address_of_ipv4(bytes);
}

static uint32_t add(struct store *store, uint32_t n, uint64_t imei)
{
        uint32_t record = store_add(store);
        assert_int_not_equal(record, STORE_NONE);
        struct session *session = store_session(store, record);
        session->imsi = 1000 + n;
        session->imei = imei;
        session->ipv4 = ipv4_of(n);
        store_link(store, record);
        return record;
}

static void sessions_are_found_while_the_tables_grow_and_shrink(void **state)
{
        (void)state;
        enum { COUNT = 20000 };
        static uint32_t records[COUNT];
        struct store *store = store_create(COUNT);
        for (uint32_t n = 0; n < COUNT; n++)
                records[n] = add(store, n, 0);
        assert_true(store_is_full(store));
        for (uint32_t n = 0; n < COUNT; n += 2)
                store_free(store, records[n]);
        assert_int_equal(store_live(store), COUNT / 2);
        for (uint32_t n = 0; n < COUNT; n++) {
                struct address address = ipv4_of(n);
                uint32_t wanted = n % 2 ? records[n] : STORE_NONE;
                assert_int_equal(store_by_imsi(store, 1000 + n, STORE_NONE), wanted);
                assert_int_equal(store_by_ipv4(store, &address, STORE_NONE), wanted);
        }
        store_destroy(store);
}

static void what_shares_a_value_is_chained_newest_first(void **state)
{
        (void)state;
        enum { COUNT = 5000 };
        static uint32_t records[COUNT];
        const uint64_t imei = UINT64_C(0x8612340512345601);
        struct store *store = store_create(COUNT);
        for (uint32_t n = 0; n < COUNT; n++)
                records[n] = add(store, n, imei + n % 100); /* the last two digits tell no module apart */
        uint32_t at = STORE_NONE, n = COUNT;
        while ((at = store_by_imei(store, imei, at)) != STORE_NONE)
                assert_int_equal(at, records[--n]);
        assert_int_equal(n, 0);
        store_free(store, records[COUNT / 2]); /* from the middle */
        store_free(store, records[COUNT - 1]); /* the head */
        store_free(store, records[0]);         /* the end */
        for (n = 0; (at = store_by_imei(store, imei, at)) != STORE_NONE;)
                n++;
        assert_int_equal(n, COUNT - 3);
        store_destroy(store);
}

static void an_ended_session_keeps_its_address_only(void **state)
{
        (void)state;
        struct store *store = store_create(10);
        struct address address = ipv4_of(1);
        uint32_t record = add(store, 1, UINT64_C(0x8612340512345601));
        store_unlink(store, record);
        store_session(store, record)->ended_ns = 5;
        store_link(store, record);
        store_end(store, record);
        assert_int_equal(store_live(store), 0);
        assert_int_equal(store_by_imsi(store, 1001, STORE_NONE), STORE_NONE);
        assert_int_equal(store_by_imei(store, UINT64_C(0x8612340512345601), STORE_NONE), STORE_NONE);
        assert_int_equal(store_by_ipv4(store, &address, STORE_NONE), record);
        assert_int_equal(store_oldest_ended(store), record);
        store_free(store, record);
        assert_int_equal(store_by_ipv4(store, &address, STORE_NONE), STORE_NONE);
        assert_int_equal(store_oldest_ended(store), STORE_NONE);
        store_destroy(store);
}

static void the_longest_prefix_is_found_first(void **state)
{
        (void)state;
        static const char *const prefixes[] = {"2001:db8::/48", "2001:db8:0:7::/64", "2001:db8::/56", "2001:db9::/64"};
        static const unsigned order[] = {1, 2, 0};
        uint32_t records[4], at = STORE_NONE;
        struct address address;
        struct store *store = store_create(10);
        for (unsigned i = 0; i < 4; i++) {
                records[i] = store_add(store);
                assert_true(prefix_parse(prefixes[i], &store_session(store, records[i])->ipv6));
                store_link(store, records[i]);
        }
        assert_true(address_parse("2001:db8:0:7::1", &address));
        for (unsigned i = 0; i < 3; i++) {
                at = store_by_ipv6(store, &address, at);
                assert_int_equal(at, records[order[i]]);
        }
        assert_int_equal(store_by_ipv6(store, &address, at), STORE_NONE);
        store_destroy(store);
}

static void shorter_prefixes_are_found_when_the_longest_is_gone(void **state)
{
        (void)state;
        static const char *const prefixes[] = {"2001:db8:0:7::/64", "2001:db8::/56"};
        uint32_t records[2];
        struct address address;
        struct store *store = store_create(10);
        assert_true(address_parse("2001:db8:0:7::1", &address));
        for (unsigned round = 0; round < 2; round++) { /* the longest comes again, too */
                for (unsigned i = 0; i < 2; i++) {
                        records[i] = store_add(store);
                        assert_true(prefix_parse(prefixes[i], &store_session(store, records[i])->ipv6));
                        store_link(store, records[i]);
                }
                assert_int_equal(store_by_ipv6(store, &address, STORE_NONE), records[0]);
                store_free(store, records[0]);
                assert_int_equal(store->longest_prefix, 56);
                assert_int_equal(store_by_ipv6(store, &address, STORE_NONE), records[1]);
                store_free(store, records[1]);
                assert_int_equal(store->longest_prefix, 0);
                assert_int_equal(store_by_ipv6(store, &address, STORE_NONE), STORE_NONE);
        }
        store_destroy(store);
}

static void endpoints_go_with_their_session(void **state)
{
        (void)state;
        struct address address = ipv4_of(9);
        struct store *store = store_create(10);
        uint32_t node = store_node(store, &address, true), record = add(store, 1, 0), other = add(store, 2, 0);
        struct endpoint endpoint = {.key = 7, .node = node, .kind = ENDPOINT_USER};
        assert_int_equal(store_node(store, &address, true), node);
        for (uint32_t key = 1; key <= 3000; key++) {
                endpoint.key = key;
                uint32_t added = store_add_endpoint(store, key % 2 ? record : other, &endpoint);
                assert_int_equal(added != STORE_NONE, key <= 120); /* twelve a session of the limit */
        }
        assert_int_not_equal(store_find_endpoint(store, ENDPOINT_USER, 0, node, 7, STORE_NONE), STORE_NONE);
        assert_int_equal(store_find_endpoint(store, ENDPOINT_CONTROL, 0, node, 7, STORE_NONE), STORE_NONE);
        assert_int_equal(store_find_endpoint(store, ENDPOINT_USER, 1, node, 7, STORE_NONE), STORE_NONE);
        store_free(store, record);
        assert_int_equal(store_find_endpoint(store, ENDPOINT_USER, 0, node, 7, STORE_NONE), STORE_NONE);
        assert_int_not_equal(store_find_endpoint(store, ENDPOINT_USER, 0, node, 8, STORE_NONE), STORE_NONE);
        store_destroy(store);
}

/* Of a full table those go that no endpoint refers to, once they are some; the others stay what they were. */
static void nodes_that_nothing_refers_to_make_room(void **state)
{
        (void)state;
        struct store *store = store_create(1024);
        struct endpoint endpoint = {.kind = ENDPOINT_USER};
        uint32_t record = add(store, 1, 0), kept[512], count = 0;
        for (uint32_t n = 0; n < 1024; n++) {
                struct address address = ipv4_of(n);
                endpoint.node = store_node(store, &address, true);
                endpoint.key = n;
                uint32_t at = store_add_endpoint(store, record, &endpoint);
                if (n % 2)
                        kept[count++] = endpoint.node;
                else if (n >= 100)
                        store_remove_endpoint(store, at);
        }
        struct address more = ipv4_of(5000), gone = ipv4_of(200), held = ipv4_of(50);
        uint32_t fresh = store_node(store, &more, true);
        assert_int_not_equal(fresh, STORE_NONE);
        assert_int_equal(store_nodes_freed(store), 462);
        assert_int_equal(store_nodes_refused(store), 0);
        assert_int_equal(store_node(store, &gone, false), STORE_NONE);
        assert_int_not_equal(store_node(store, &held, false), STORE_NONE);
        for (uint32_t i = 0; i < count; i++) {
                struct address address = ipv4_of(2 * i + 1);
                assert_int_equal(store_node(store, &address, false), kept[i]);
                assert_int_not_equal(fresh, kept[i]);
                assert_int_not_equal(store_find_endpoint(store, ENDPOINT_USER, 0, kept[i], 2 * i + 1, STORE_NONE), STORE_NONE);
        }
        assert_int_equal(store_node(store, &more, true), fresh);
        store_destroy(store);
}

static void nodes_have_a_limit(void **state)
{
        (void)state;
        struct store *store = store_create(1024);
        struct endpoint endpoint = {.kind = ENDPOINT_USER};
        uint32_t record = add(store, 1, 0);
        for (uint32_t n = 0; n < 1024; n++) {
                struct address address = ipv4_of(n);
                assert_int_equal(store_node(store, &address, true), n + 1);
                endpoint.node = n + 1;
                if (n >= 63) /* a few are not worth the trouble */
                        assert_int_not_equal(store_add_endpoint(store, record, &endpoint), STORE_NONE);
        }
        struct address more = ipv4_of(5000), known = ipv4_of(77);
        assert_int_equal(store_node(store, &more, true), STORE_NONE);
        assert_int_equal(store_nodes_refused(store), 1);
        assert_int_equal(store_nodes_freed(store), 0);
        assert_int_equal(store_node(store, &known, true), 78);
        assert_true(address_equal(store_node_address(store, 78), &known));
        store_destroy(store);
}

static void the_session_that_was_used_last_is_the_newest(void **state)
{
        (void)state;
        struct store *store = store_create(10);
        uint32_t a = add(store, 1, 0), b = add(store, 2, 0), c = add(store, 3, 0);
        assert_int_equal(store_oldest(store), a);
        store_use(store, a);
        assert_int_equal(store_oldest(store), b);
        store_free(store, b);
        assert_int_equal(store_oldest(store), c);
        store_free(store, c);
        store_free(store, a);
        assert_int_equal(store_oldest(store), STORE_NONE);
        store_destroy(store);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sessions_are_found_while_the_tables_grow_and_shrink),
                cmocka_unit_test(what_shares_a_value_is_chained_newest_first),
                cmocka_unit_test(an_ended_session_keeps_its_address_only),
                cmocka_unit_test(the_longest_prefix_is_found_first),
                cmocka_unit_test(shorter_prefixes_are_found_when_the_longest_is_gone),
                cmocka_unit_test(endpoints_go_with_their_session),
                cmocka_unit_test(nodes_that_nothing_refers_to_make_room),
                cmocka_unit_test(nodes_have_a_limit),
                cmocka_unit_test(the_session_that_was_used_last_is_the_newest),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
