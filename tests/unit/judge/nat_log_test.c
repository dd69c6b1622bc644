#include <stdlib.h>
#include <string.h>

#include "judge/nat_log.h"
#include "tests/unit/test.h"

static struct nat_log *load(const char *text)
{
        return nat_log_parse("nat.csv", text, strlen(text), stderr);
}

static struct address address_of(const char *text)
{
        struct address address;
        assert_true(address_parse(text, &address));
        return address;
}

/* "" when nobody is found. */
static const char *find(const struct nat_log *log, const char *outside, uint16_t port, uint8_t protocol, double time_s)
{
        static char text[ADDRESS_TEXT_SIZE];
        struct address address = address_of(outside), inside;
        if (!nat_log_find(log, &address, port, protocol, (int64_t)(time_s * 1e9), &inside))
                return "";
        address_text(&inside, text);
        return text;
}

static void blocks_of_ports_over_time(void **state)
{
        (void)state;
        struct nat_log *log = load("until,from,outside,inside,port_last,port_first,protocol\r\n"
                                   "2000,1000,192.0.2.1,10.0.0.1,2047,1024,tcp\r\n"
                                   "2000,1000,192.0.2.1,10.0.0.2,3071,2048,\r\n"
                                   "1970-01-01T00:50:00Z,2000,192.0.2.1,10.0.0.3,2047,1024,any\r\n"
                                   "\r\n"
                                   ",,192.0.2.2,10.0.0.4,,,\r\n"
                                   "2000,1000,2001:db8::1,\"fd00::1\",,53,17\r\n");
        assert_non_null(log);
        assert_int_equal(nat_log_count(log), 5);
        assert_int_equal(strlen(nat_log_digest(log)), 71);
        assert_string_equal(find(log, "192.0.2.1", 1024, 6, 1000), "10.0.0.1");
        assert_string_equal(find(log, "192.0.2.1", 2047, 6, 1999.999), "10.0.0.1");
        assert_string_equal(find(log, "192.0.2.1", 2047, 17, 1500), "");
        assert_string_equal(find(log, "192.0.2.1", 2048, 17, 1500), "10.0.0.2");
        assert_string_equal(find(log, "192.0.2.1", 3072, 17, 1500), "");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 2000), "10.0.0.3");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 2999), "10.0.0.3");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 3000), "");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 999), "");
        assert_string_equal(find(log, "192.0.2.2", 0, 1, 0), "10.0.0.4");
        assert_string_equal(find(log, "192.0.2.2", 65535, 200, 9e8), "10.0.0.4");
        assert_string_equal(find(log, "2001:db8::1", 53, 17, 1500), "fd00::1");
        assert_string_equal(find(log, "2001:db8::1", 54, 17, 1500), "");
        assert_string_equal(find(log, "192.0.2.3", 53, 17, 1500), "");
        assert_string_equal(find(NULL, "192.0.2.1", 1500, 6, 1500), "");
        nat_log_destroy(log);
}

static void the_later_from_wins(void **state)
{
        (void)state;
        struct nat_log *log = load("from,until,inside,outside,port_first,port_last,protocol\n"
                                   "100,900,10.0.0.2,192.0.2.1,1000,1999,\n"
                                   "0,1000,10.0.0.1,192.0.2.1,0,65535,\n"
                                   "200,300,10.0.0.3,192.0.2.1,1500,1500,6\n"
                                   "400,500,10.0.0.4,192.0.2.1,1000,1999,\n"
                                   "400,450,10.0.0.5,192.0.2.1,1000,1999,\n"
                                   "600,700,10.0.0.6,192.0.2.1,0,65535,\n");
        assert_non_null(log);
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 50), "10.0.0.1");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 150), "10.0.0.2");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 250), "10.0.0.3");
        assert_string_equal(find(log, "192.0.2.1", 1500, 17, 250), "10.0.0.2");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 350), "10.0.0.2"); /* what was laid over it is over */
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 420), "10.0.0.5"); /* the later line */
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 470), "10.0.0.4");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 650), "10.0.0.6");
        assert_string_equal(find(log, "192.0.2.1", 1500, 6, 950), "10.0.0.1");
        nat_log_destroy(log);
}

struct plain_row {
        unsigned from, until, first, last, protocol, inside, outside;
};

static unsigned next_random(unsigned *random, unsigned below)
{
        *random = *random * 1103515245 + 12345;
        return (*random >> 8) % below;
}

/* Against going through all rows. */
static void what_is_found_is_what_a_slow_search_finds(void **state)
{
        enum { ROWS = 3000, ASKED = 20000 };
        static struct plain_row rows[ROWS];
        unsigned random = 7, found = 0;
        char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);
        (void)state;
        fputs("from;until;inside;outside;port_first;port_last;protocol\n", file);
        for (unsigned i = 0; i < ROWS; i++) {
                struct plain_row *row = &rows[i];
                unsigned size = 1U << next_random(&random, 10);
                row->from = next_random(&random, 1000);
                row->until = row->from + 1 + next_random(&random, i % 50 == 0 ? 1000 : 60);
                row->first = next_random(&random, 4) * 512 + next_random(&random, 512 / size) * size;
                row->last = row->first + next_random(&random, size);
                row->protocol = next_random(&random, 3) == 0 ? 256 : next_random(&random, 2) == 0 ? 6 : 17;
                row->inside = i;
                row->outside = next_random(&random, 3);
                fprintf(file, "%u;%u;10.1.%u.%u;192.0.2.%u;%u;%u;", row->from, row->until, i / 256, i % 256, row->outside, row->first,
                        row->last);
                fprintf(file, row->protocol == 256 ? "\n" : "%u\n", row->protocol);
        }
        fclose(file);
        struct nat_log *log = load(text);
        assert_non_null(log);
        for (unsigned i = 0; i < ASKED; i++) {
                unsigned outside = next_random(&random, 3), port = next_random(&random, 2048), time = next_random(&random, 1100);
                unsigned protocol = next_random(&random, 2) ? 6 : 17;
                const struct plain_row *best = NULL;
                for (unsigned k = 0; k < ROWS; k++)
                        if (rows[k].outside == outside && rows[k].first <= port && port <= rows[k].last && rows[k].from <= time &&
                            time < rows[k].until && (rows[k].protocol == protocol || rows[k].protocol == 256) &&
                            (best == NULL || rows[k].from >= best->from))
                                best = &rows[k];
                char name[32], expected[32] = "";
                snprintf(name, sizeof name, "192.0.2.%u", outside);
                if (best != NULL)
                        snprintf(expected, sizeof expected, "10.1.%u.%u", best->inside / 256, best->inside % 256);
                found += best != NULL;
                assert_string_equal(find(log, name, (uint16_t)port, (uint8_t)protocol, time), expected);
        }
        assert_in_range(found, ASKED / 10, ASKED * 95 / 100);
        nat_log_destroy(log);
        free(text);
}

static void every_fault_is_told(void **state)
{
        static const struct {
                const char *text, *messages;
        } faults[] = {
                {"", "nat.csv:1:1: the file is empty; expected a header with from, until, inside, outside, port_first, port_last and protocol\n"},
                {"from,inside,port,inside\n",
                 "nat.csv:1:3: unknown column \"port\"; expected from, until, inside, outside, port_first, port_last and protocol\n"
                 "nat.csv:1:4: a second column \"inside\"; expected one\n"
                 "nat.csv:1:1: no column \"outside\" in the header; expected from, until, inside, outside, port_first, port_last and protocol\n"},
                {"from,until,inside,outside,port_first,port_last,protocol\n"
                 "2000,1000,10.0.0.1,192.0.2.1,2,1,tpc\n"
                 "yesterday,,10.0.0.0/8,,65536,,\n"
                 "\n"
                 "1,2,10.0.0.1,192.0.2.1,,9,6,7\n",
                 "nat.csv:2:2: from is not before until; expected it to be\n"
                 "nat.csv:2:7: protocol \"tpc\"; expected tcp, udp, icmp, icmpv6, sctp, esp, gre, any or a number\n"
                 "nat.csv:2:6: port_last 1 is below port_first 2; expected it not to be\n"
                 "nat.csv:3:1: from \"yesterday\"; expected a time such as 2026-03-01T02:00:00Z, or Unix seconds\n"
                 "nat.csv:3:3: inside \"10.0.0.0/8\"; expected an address\n"
                 "nat.csv:3:4: a row without outside; expected an address\n"
                 "nat.csv:3:5: port_first \"65536\"; expected a number from 0 to 65535\n"
                 "nat.csv:5:8: more fields than the header has; expected 7\n"},
                {"inside,outside\n10.0.0.1,\"192.0.2.1\n", "nat.csv:2:2: the file ends inside quotes; expected a closing quote\n"},
        };
        (void)state;
        for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
                char *messages = NULL;
                size_t size;
                FILE *errors = open_memstream(&messages, &size);
                assert_null(nat_log_parse("nat.csv", faults[i].text, strlen(faults[i].text), errors));
                fclose(errors);
                assert_string_equal(messages, faults[i].messages);
                free(messages);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(blocks_of_ports_over_time),
                cmocka_unit_test(the_later_from_wins),
                cmocka_unit_test(what_is_found_is_what_a_slow_search_finds),
                cmocka_unit_test(every_fault_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
