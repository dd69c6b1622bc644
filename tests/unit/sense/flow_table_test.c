#include "sense/flow_table.h"

#include <stdlib.h>

#include "tests/unit/test.h"

static struct packet packet_of(uint32_t number, uint32_t *hash)
{
        struct packet packet = {.protocol = 6, .source_port = (uint16_t)number, .destination_port = 443};
        packet.source = address_of_ipv4((uint8_t[]){10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number});
        packet.destination = address_of_ipv4((uint8_t[]){192, 0, 2, 1});
        *hash = flow_hash(&packet);
        return packet;
}

static struct packet answer_to(const struct packet *packet)
{
        struct packet answer = *packet;
        answer.source = packet->destination;
        answer.destination = packet->source;
        answer.source_port = packet->destination_port;
        answer.destination_port = packet->source_port;
        return answer;
}

/* Whose packet comes first, and by what the ends differ. */
static void check_directions(const struct packet *sent)
{
        struct flow_table *table = flow_table_create(64);
        const struct packet answer = answer_to(sent);
        uint32_t hash = flow_hash(sent);
        unsigned end = 2;
        assert_int_equal(hash, flow_hash(&answer));
        struct flow *flow = flow_table_add(table, 0, sent, hash);
        assert_ptr_equal(flow_table_find(table, sent, hash, &end), flow);
        assert_int_equal(end, 0);
        assert_ptr_equal(flow_table_find(table, &answer, hash, &end), flow);
        assert_int_equal(end, 1);
        assert_true(address_equal(&flow->address[0], &sent->source));
        assert_int_equal(flow->port[1], sent->destination_port);
        struct packet other = answer;
        other.context++;
        assert_int_not_equal(hash, flow_hash(&other));
        assert_null(flow_table_find(table, &other, hash, &end));
        other.context--;
        other.protocol++;
        assert_null(flow_table_find(table, &other, hash, &end));
        flow_table_destroy(table);
}

static void both_directions_are_one_flow(void **state)
{
        (void)state;
        struct address a = address_of_ipv4((uint8_t[]){10, 0, 0, 1}), b = address_of_ipv4((uint8_t[]){10, 0, 0, 2});
        struct packet sent = {.source = a, .destination = b, .source_port = 1000, .destination_port = 53, .protocol = 17,
                              .context = 3};
        check_directions(&sent);
        sent = answer_to(&sent);
        check_directions(&sent);
        sent.destination = sent.source; /* ports alone decide */
        check_directions(&sent);
        sent.destination = a;
        sent.destination_port = sent.source_port; /* addresses alone do */
        check_directions(&sent);
}

static void exchanged_ports_are_another_flow(void **state)
{
        (void)state;
        struct flow_table *table = flow_table_create(64);
        uint32_t hash;
        unsigned end;
        struct packet packet = packet_of(7, &hash), other = packet;
        other.source_port = packet.destination_port;
        other.destination_port = packet.source_port;
        assert_non_null(flow_table_add(table, 0, &packet, hash));
        assert_int_not_equal(hash, flow_hash(&other));
        assert_null(flow_table_find(table, &other, hash, &end));
        flow_table_destroy(table);
}

static void what_was_added_is_found_until_it_is_removed(void **state)
{
        (void)state;
        enum { COUNT = 20000 };
        unsigned end;
        struct flow_table *table = flow_table_create(64 * COUNT);
        for (uint32_t i = 0; i < COUNT; i++) {
                uint32_t hash;
                struct packet packet = packet_of(i, &hash);
                assert_null(flow_table_find(table, &packet, hash, &end));
                struct flow *flow = flow_table_add(table, i % SHARDS, &packet, hash);
                assert_non_null(flow);
                flow->id = i;
        }
        for (uint32_t i = 0; i < COUNT; i += 3) {
                uint32_t hash;
                struct packet packet = packet_of(i, &hash);
                flow_table_remove(table, flow_table_find(table, &packet, hash, &end));
        }
        for (uint32_t i = 0; i < COUNT; i++) {
                uint32_t hash;
                struct packet packet = packet_of(i, &hash);
                struct flow *flow = flow_table_find(table, &packet, hash, &end);
                if (i % 3 == 0) {
                        assert_null(flow);
                } else {
                        assert_non_null(flow);
                        assert_int_equal(flow->id, i);
                }
        }
        assert_int_equal(flow_table_peak(table), COUNT);
        assert_int_equal(flow_table_count(table), COUNT - (COUNT + 2) / 3);
        flow_table_destroy(table);
}

static void a_flow_is_due_in_its_second(void **state)
{
        (void)state;
        struct flow_table *table = flow_table_create(6400);
        uint32_t hash;
        struct packet packet = packet_of(1, &hash);
        flow_table_start(table, 1000);
        struct flow *flow = flow_table_add(table, 5, &packet, hash);
        flow_table_schedule(table, flow, 1010);
        assert_null(flow_table_due(table, 1009));
        flow_table_schedule(table, flow, 1012);
        assert_null(flow_table_due(table, 1011));
        assert_ptr_equal(flow_table_due(table, 1012), flow);
        assert_null(flow_table_due(table, 1012));
        flow_table_schedule(table, flow, 900); /* in the past: the next second */
        assert_ptr_equal(flow_table_due(table, 1013), flow);
        flow_table_schedule(table, flow, 99999); /* beyond the wheel: cut */
        assert_ptr_equal(flow_table_due(table, 1013 + WHEEL_SECONDS), flow);
        flow_table_destroy(table);
}

/* A file may say so; the wheel goes on through the beginning of time. */
static void times_before_1970_are_seconds_too(void **state)
{
        (void)state;
        struct flow_table *table = flow_table_create(1000);
        uint32_t hash;
        flow_table_start(table, -103);
        for (uint32_t i = 0; i < 3; i++) {
                struct packet packet = packet_of(i, &hash);
                struct flow *flow = flow_table_add(table, 0, &packet, hash);
                flow->id = i;
                flow_table_schedule(table, flow, (int64_t)i - 101);
        }
        assert_null(flow_table_due(table, -102));
        for (uint32_t i = 0; i < 3; i++) {
                struct flow *flow = flow_table_due(table, (int64_t)i - 101);
                assert_non_null(flow);
                assert_int_equal(flow->id, i);
                flow_table_schedule(table, flow, (int64_t)i - 1);
        }
        assert_null(flow_table_due(table, -2));
        for (uint32_t i = 0; i < 3; i++) {
                struct flow *flow = flow_table_due(table, (int64_t)i - 1);
                assert_non_null(flow);
                assert_int_equal(flow->id, i);
        }
        flow_table_destroy(table);
}

static void what_is_due_comes_by_shard(void **state)
{
        (void)state;
        static const unsigned shards[] = {9, 3, 9, 0, 3, 63, 0};
        static const uint32_t expected[] = {3, 6, 1, 4, 0, 2, 5};
        for (int at_the_end = 0; at_the_end < 2; at_the_end++) {
                struct flow_table *table = flow_table_create(6400);
                flow_table_start(table, 100);
                for (uint32_t i = 0; i < 7; i++) {
                        uint32_t hash;
                        struct packet packet = packet_of(i, &hash);
                        struct flow *flow = flow_table_add(table, shards[i], &packet, hash);
                        flow->id = i;
                        flow_table_schedule(table, flow, 105);
                        if (i % 2 == 0) { /* moved away and back: it comes once */
                                flow_table_schedule(table, flow, 103);
                                flow_table_schedule(table, flow, 105);
                        }
                }
                for (unsigned i = 0; i < 7; i++) {
                        struct flow *flow = at_the_end ? flow_table_any(table) : flow_table_due(table, 105);
                        assert_non_null(flow);
                        assert_int_equal(flow->id, expected[i]);
                        flow_table_remove(table, flow);
                }
                assert_null(at_the_end ? flow_table_any(table) : flow_table_due(table, 200));
                assert_int_equal(flow_table_count(table), 0);
                flow_table_destroy(table);
        }
}

/* Each but the first, which there was no time for, in the order in which they come, before it comes and not long before. */
static void what_comes_soon_is_told_once(void **state)
{
        (void)state;
        enum { FLOWS = 40, FAR = 8 };
        struct flow_table *table = flow_table_create(6400);
        const struct flow *flow, *told[FLOWS];
        unsigned given = 0, told_count = 1;
        uint32_t hash;
        flow_table_start(table, 100);
        for (uint32_t i = 0; i < FLOWS; i++) {
                struct packet packet = packet_of(i, &hash);
                flow_table_schedule(table, flow_table_add(table, 0, &packet, hash), 101);
        }
        flow_table_prefetch_due(table);
        while ((flow = flow_table_due(table, 101)) != NULL) {
                if (given > 0)
                        assert_ptr_equal(told[given], flow);
                given++;
                for (const struct flow *soon; (soon = flow_table_ahead(table)) != NULL;) {
                        assert_true(told_count < FLOWS);
                        told[told_count++] = soon;
                }
                assert_true(told_count == FLOWS || (told_count > given && told_count <= given + FAR));
        }
        assert_int_equal(given, FLOWS);
        assert_int_equal(told_count, FLOWS);
        flow_table_destroy(table);
}

static void a_full_shard_names_the_flow_that_is_due_first(void **state)
{
        (void)state;
        struct flow_table *table = flow_table_create(SHARDS * 4);
        flow_table_start(table, 100);
        struct flow *flows[4];
        for (uint32_t i = 0; i < 4; i++) {
                uint32_t hash;
                struct packet packet = packet_of(i, &hash);
                assert_false(flow_table_is_full(table, 0));
                flows[i] = flow_table_add(table, 0, &packet, hash);
                flow_table_schedule(table, flows[i], 100 + (i == 2 ? 3 : 10 + i));
        }
        uint32_t hash;
        struct packet packet = packet_of(9, &hash);
        assert_true(flow_table_is_full(table, 0));
        assert_null(flow_table_add(table, 0, &packet, hash));
        assert_ptr_equal(flow_table_victim(table, 0), flows[2]);
        flow_table_destroy(table);
}

static struct flow *add_due(struct flow_table *table, unsigned shard, uint32_t number, int64_t second)
{
        uint32_t hash;
        struct packet packet = packet_of(number, &hash);
        struct flow *flow = flow_table_add(table, shard, &packet, hash);
        flow_table_schedule(table, flow, second);
        return flow;
}

/* The record of one that went is another's, who is due in the same second: the place that was left behind is nobody's. */
static void a_place_left_behind_is_not_the_next_ones(void **state)
{
        (void)state;
        for (int at_the_limit = 0; at_the_limit < 2; at_the_limit++) {
                struct flow_table *table = flow_table_create(SHARDS);
                flow_table_start(table, 100);
                struct flow *gone = add_due(table, 3, 1, 110);
                flow_table_remove(table, gone);
                struct flow *other = add_due(table, 7, 2, 110);
                assert_ptr_equal(other, gone); /* the same record */
                struct flow *late = add_due(table, 3, 3, at_the_limit ? 120 : 110);
                if (at_the_limit) {
                        assert_ptr_equal(flow_table_victim(table, 3), late);
                } else {
                        assert_ptr_equal(flow_table_due(table, 110), late);
                        assert_ptr_equal(flow_table_due(table, 110), other);
                        assert_null(flow_table_due(table, 110));
                }
                flow_table_destroy(table);
        }
}

static void a_settled_flow_keeps_to_its_budget(void **state)
{
        (void)state;
        /* The index is between a third and two thirds full: 8 bytes a slot, 24 at the worst. */
        assert_true(sizeof(struct flow) + 24 <= 300);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_directions_are_one_flow),
                cmocka_unit_test(exchanged_ports_are_another_flow),
                cmocka_unit_test(what_was_added_is_found_until_it_is_removed),
                cmocka_unit_test(a_flow_is_due_in_its_second),
                cmocka_unit_test(times_before_1970_are_seconds_too),
                cmocka_unit_test(what_is_due_comes_by_shard),
                cmocka_unit_test(what_comes_soon_is_told_once),
                cmocka_unit_test(a_full_shard_names_the_flow_that_is_due_first),
                cmocka_unit_test(a_place_left_behind_is_not_the_next_ones),
                cmocka_unit_test(a_settled_flow_keeps_to_its_budget),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
