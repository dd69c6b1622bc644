#include "sense/side.h"

#include <netinet/in.h>

#include "tests/unit/test.h"

static struct packet packet_of(const char *source, const char *destination, uint8_t protocol, uint16_t source_port, uint16_t destination_port)
{
        struct packet packet = {.protocol = protocol, .source_port = source_port, .destination_port = destination_port};
        assert_true(address_parse(source, &packet.source));
        assert_true(address_parse(destination, &packet.destination));
        return packet;
}

static void the_device_is_told_by_prefix_then_by_reach(void **state)
{
        (void)state;
        static const struct { const char *source, *destination; bool configured, source_is_device, both; } rows[] = {
                {"10.20.0.7", "198.51.100.1", false, true, false}, {"198.51.100.1", "10.20.0.7", false, false, false},
                {"203.0.113.5", "10.1.1.1", true, true, false},    {"10.1.1.1", "203.0.113.5", true, false, false},
                {"203.0.113.5", "203.0.113.6", true, true, true},  {"2001:db8::1", "2001:db8:1::1", false, true, false},
                {"8.8.8.8", "224.0.0.1", false, true, false},
        };
        struct prefix_trie *devices = prefix_trie_create();
        struct prefix prefix;
        assert_true(prefix_parse("203.0.113.0/24", &prefix));
        assert_int_equal(prefix_trie_insert(devices, &prefix, "x"), 0);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct packet packet = packet_of(rows[i].source, rows[i].destination, IPPROTO_UDP, 1, 2);
                struct side side = side_of(rows[i].configured ? devices : NULL, &packet);
                assert_int_equal(side.source_is_device, rows[i].source_is_device);
                assert_int_equal(side.both, rows[i].both);
        }
        prefix_trie_destroy(devices);
}

static void both_directions_have_one_shard(void **state)
{
        (void)state;
        static const char *const pairs[][2] = {{"10.0.0.1", "8.8.8.8"}, {"10.0.0.1", "10.0.0.2"}, {"8.8.8.8", "9.9.9.9"}, {"fd00::1", "2001:db8::5"}};
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                struct packet up = packet_of(pairs[i][0], pairs[i][1], IPPROTO_UDP, 1, 2);
                struct packet down = packet_of(pairs[i][1], pairs[i][0], IPPROTO_UDP, 2, 1);
                struct side up_side = side_of(NULL, &up), down_side = side_of(NULL, &down);
                assert_int_equal(side_shard(&up_side, &up), side_shard(&down_side, &down));
                assert_true(side_shard(&up_side, &up) < 64);
        }
}

static void openings_are_told_from_answers(void **state)
{
        (void)state;
        static const struct { uint8_t protocol; uint16_t from, to; uint8_t flags, icmp; bool seen, source_opened; } rows[] = {
                {IPPROTO_TCP, 40000, 443, 0x02, 0, true, true},   {IPPROTO_TCP, 443, 40000, 0x12, 0, true, false},
                {IPPROTO_TCP, 40000, 443, 0x18, 0, false, true},  {IPPROTO_TCP, 443, 40000, 0x18, 0, false, false},
                {IPPROTO_UDP, 40000, 53, 0, 0, true, true},       {IPPROTO_UDP, 53, 40000, 0, 0, false, false},
                {IPPROTO_UDP, 123, 123, 0, 0, true, true},        {IPPROTO_UDP, 50000, 50001, 0, 0, true, true},
                {IPPROTO_ICMP, 0, 0, 0, 8, true, true},           {IPPROTO_ICMP, 0, 0, 0, 0, false, false},
                {IPPROTO_ICMP, 0, 0, 0, 3, false, false},         {IPPROTO_ESP, 0, 0, 0, 0, true, true},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct packet packet = packet_of("10.0.0.1", "8.8.8.8", rows[i].protocol, rows[i].from, rows[i].to);
                packet.tcp_flags = rows[i].flags;
                packet.icmp_type = rows[i].icmp;
                bool source_opened;
                assert_int_equal(side_opening(&packet, &source_opened), rows[i].seen);
                assert_int_equal(source_opened, rows[i].source_opened);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_device_is_told_by_prefix_then_by_reach),
                cmocka_unit_test(both_directions_have_one_shard),
                cmocka_unit_test(openings_are_told_from_answers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
