#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/inventory.h"

#define SECOND 1000000000LL

static struct inventory *parse(const char *text, char **messages)
{
        size_t size;
        FILE *errors = open_memstream(messages, &size);
        struct inventory *inventory = inventory_parse("i.csv", text, strlen(text), errors);
        fclose(errors);
        return inventory;
}

static struct inventory *parse_good(const char *text)
{
        char *messages;
        struct inventory *inventory = parse(text, &messages);
        if (inventory == NULL)
                print_error("%s", messages);
        assert_non_null(inventory);
        assert_string_equal(messages, "");
        free(messages);
        return inventory;
}

static void assert_says(const char *text, const char *expected)
{
        char *messages;
        struct inventory *inventory = parse(text, &messages);
        if (inventory != NULL || strcmp(messages, expected) != 0)
                print_error("for:\n%s\ngot:\n%s", text, messages);
        assert_null(inventory);
        assert_string_equal(messages, expected);
        free(messages);
}

static unsigned line_of(const struct inventory *inventory, const char *address, const char *imsi, const char *imei,
                        int64_t time_ns)
{
        struct inventory_facts facts;
        struct address a;
        if (address != NULL)
                assert_true(address_parse(address, &a));
        return inventory_find(inventory, address ? &a : NULL, imsi, imei, time_ns, &facts) ? facts.line : 0;
}

static void every_column_is_read(void **state)
{
        struct inventory *inventory = parse_good(
                "ip,prefix,imsi,imei,msisdn,apn,fleet,tenant,vendor,model,site,mobility,state,from,until,ticket,Colour,\"no, 1\"\n"
                "10.20.0.7,2001:db8:20:7::/64,262011234567890,86-012345-123456-01,+49 151 12345678,m.example,meters,north,Quectel,BG96,"
                "\"Berlin, \"\"Mitte\"\"\",static,retired,2026-03-01,2026-03-31,CHG-7,blue,x\n");
        struct inventory_facts facts;
        (void)state;
        assert_int_equal(inventory_count(inventory), 1);
        assert_true(inventory_row(inventory, 0, &facts));
        assert_true(facts.has_ip && facts.has_prefix);
        assert_string_equal(facts.imsi, "262011234567890");
        assert_string_equal(facts.imei, "8601234512345601");
        assert_string_equal(facts.msisdn, "4915112345678");
        assert_string_equal(facts.apn, "m.example");
        assert_string_equal(facts.fleet, "meters");
        assert_string_equal(facts.tenant, "north");
        assert_string_equal(facts.vendor, "Quectel");
        assert_string_equal(facts.model, "BG96");
        assert_string_equal(facts.site, "Berlin, \"Mitte\"");
        assert_int_equal(facts.mobility, MOBILITY_STATIC);
        assert_int_equal(facts.state, STATE_RETIRED);
        assert_true(facts.from_ns == 1772323200 * SECOND);
        assert_true(facts.until_ns == 1775001600 * SECOND); /* 2026-04-01: a date is inclusive */
        assert_string_equal(facts.ticket, "CHG-7");
        assert_int_equal(facts.line, 2);
        assert_int_equal(inventory_extra_count(inventory), 2);
        assert_string_equal(inventory_extra_name(inventory, 0), "Colour");
        assert_string_equal(inventory_extra_name(inventory, 1), "no, 1");
        assert_string_equal(inventory_extra(inventory, 0, 0), "blue");
        inventory_destroy(inventory);
}

static void a_device_is_found_by_the_surest_key(void **state)
{
        struct inventory *inventory = parse_good("imsi,imei,ip,prefix\n"
                                                 "262011234567890,,,\n"           /* 2 */
                                                 ",86012345123456,,\n"            /* 3 */
                                                 ",,10.0.0.1,\n"                  /* 4 */
                                                 ",,,10.0.0.0/24\n"               /* 5 */
                                                 ",,,10.0.0.0/8\n"                /* 6 */
                                                 ",,,2001:db8::/48\n");           /* 7 */
        (void)state;
        assert_int_equal(line_of(inventory, "10.0.0.1", "262011234567890", "8601234512345601", 0), 2);
        assert_int_equal(line_of(inventory, "10.0.0.1", "262019999999999", "8601234512345601", 0), 3);
        assert_int_equal(line_of(inventory, "10.0.0.1", "", NULL, 0), 4);
        assert_int_equal(line_of(inventory, "10.0.0.2", NULL, NULL, 0), 5);
        assert_int_equal(line_of(inventory, "10.0.1.2", NULL, NULL, 0), 6);
        assert_int_equal(line_of(inventory, "2001:db8:0:1::1", NULL, NULL, 0), 7);
        assert_int_equal(line_of(inventory, "192.0.2.1", NULL, NULL, 0), 0);
        assert_int_equal(line_of(inventory, NULL, NULL, NULL, 0), 0);
        assert_int_equal(line_of(NULL, "10.0.0.1", NULL, NULL, 0), 0);
        inventory_destroy(inventory);
}

static void rows_hold_for_their_time_and_the_latest_wins(void **state)
{
        struct inventory *inventory = parse_good("ip,from,until,prefix\n"
                                                 "10.0.0.1,,,\n"
                                                 "10.0.0.1,2026-03-01,2026-03-02,\n"
                                                 "10.0.0.1,2026-03-02,,\n"
                                                 ",2026-03-01,2026-03-01,10.1.0.0/16\n"
                                                 ",2026-03-02,,10.1.0.0/16\n");
        (void)state;
        assert_int_equal(line_of(inventory, "10.0.0.1", NULL, NULL, 0), 2);
        assert_int_equal(line_of(inventory, "10.0.0.1", NULL, NULL, 1772323200 * SECOND), 3);
        assert_int_equal(line_of(inventory, "10.0.0.1", NULL, NULL, 1772409600 * SECOND), 4);
        assert_int_equal(line_of(inventory, "10.1.0.1", NULL, NULL, 1772323200 * SECOND), 5);
        assert_int_equal(line_of(inventory, "10.1.0.1", NULL, NULL, 1772409600 * SECOND), 6);
        assert_int_equal(line_of(inventory, "10.1.0.1", NULL, NULL, 0), 0);
        inventory_destroy(inventory);
}

static unsigned line_for(const struct inventory *inventory, const char *address, const char *imsi, const char *msisdn, const char *apn)
{
        struct inventory_subject subject = {.imsi = imsi, .msisdn = msisdn, .apn = apn};
        struct inventory_facts facts;
        struct address a;
        if (address != NULL) {
                assert_true(address_parse(address, &a));
                subject.address = &a;
        }
        return inventory_find_subject(inventory, &subject, 0, &facts) ? facts.line : 0;
}

static void numbers_and_apns_are_keys_too(void **state)
{
        struct inventory *inventory = parse_good("msisdn,imsi,ip,apn,fleet\n"
                                                 "+49 151 1,,,,a\n"                            /* 2 */
                                                 ",,,Meters.Example.mnc01.mcc262.gprs.,b\n"    /* 3 */
                                                 ",,10.0.0.1,meters.example,c\n"               /* 4 */
                                                 ",,10.0.0.1,pumps.example,d\n"                /* 5 */
                                                 ",262011234567890,10.0.0.2,,e\n"              /* 6 */
                                                 "491512,262011234567891,,,f\n");              /* 7 */
        (void)state;
        assert_int_equal(line_for(inventory, NULL, NULL, "491511", NULL), 2);
        assert_int_equal(line_for(inventory, "10.0.0.9", "262019999999999", NULL, "meters.example"), 3);
        assert_int_equal(line_for(inventory, "10.0.0.9", NULL, NULL, "other.example"), 0);
        assert_int_equal(line_for(inventory, "10.0.0.1", NULL, NULL, "meters.example"), 4);
        assert_int_equal(line_for(inventory, "10.0.0.1", NULL, NULL, "pumps.example"), 5);
        assert_int_equal(line_for(inventory, "10.0.0.1", NULL, NULL, "other.example"), 0);
        assert_int_equal(line_for(inventory, "10.0.0.1", NULL, NULL, NULL), 0); /* cannot tell */
        assert_int_equal(line_for(inventory, "10.0.0.2", NULL, NULL, NULL), 6);
        assert_int_equal(line_for(inventory, "10.0.0.2", "262019999999999", NULL, NULL), 0); /* another SIM has its address */
        assert_int_equal(line_for(inventory, "10.0.0.1", "262019999999999", "491512", "pumps.example"), 7);
        inventory_destroy(inventory);
}

static void a_row_that_ended_leaves_its_prefix_to_the_wider_one(void **state)
{
        struct inventory *inventory = parse_good("prefix,until\n"
                                                 "10.1.0.0/16,\n"
                                                 "10.1.2.0/24,2026-03-01\n");
        (void)state;
        assert_int_equal(line_of(inventory, "10.1.2.3", NULL, NULL, 0), 3);
        assert_int_equal(line_of(inventory, "10.1.2.3", NULL, NULL, 1772409600 * SECOND), 2);
        inventory_destroy(inventory);
}

static void what_spreadsheets_write_is_read(void **state)
{
        struct inventory *inventory =
                parse_good("\xef\xbb\xbfIP;Fleet;Site\r\n\r\n10.0.0.1;m\xc3\xa4hler;\"a\r\nb;c\"\r\n10.0.0.2;m;x");
        struct inventory_facts facts;
        (void)state;
        assert_int_equal(inventory_count(inventory), 2);
        inventory_row(inventory, 0, &facts);
        assert_string_equal(facts.fleet, "m\xc3\xa4hler");
        assert_string_equal(facts.site, "a\r\nb;c");
        assert_int_equal(facts.line, 3);
        inventory_row(inventory, 1, &facts);
        assert_int_equal(facts.line, 5);
        inventory_destroy(inventory);
        inventory = parse_good("ip\tfleet\n10.0.0.1\ta,b;c\n");
        inventory_row(inventory, 0, &facts);
        assert_string_equal(facts.fleet, "a,b;c");
        inventory_destroy(inventory);
}

static void every_fault_has_its_line_and_column(void **state)
{
        (void)state;
        assert_says("", "i.csv:1:1: the file is empty; expected a header with ip, prefix, imsi, imei, msisdn or apn\n");
        assert_says("fleet,site\na,b\n",
                    "i.csv:1:1: no column ip, prefix, imsi, imei, msisdn or apn in the header; expected one of them\n");
        assert_says("ip,IP\n", "i.csv:1:2: a second column \"ip\"; expected one\n");
        assert_says("ip,imsi,state\n10.0.0.300,2.62E+14,asleep\n10.0.0.1,,\n10.0.0.2,12,\n",
                    "i.csv:2:1: ip \"10.0.0.300\"; expected an address\n"
                    "i.csv:2:2: imsi \"2.62E+14\"; expected the digits of an IMSI, 6 to 15\n"
                    "i.csv:2:3: state \"asleep\"; expected stock, installed, maintenance, test or retired\n"
                    "i.csv:4:2: imsi \"12\"; expected the digits of an IMSI, 6 to 15\n");
        assert_says("ip\n10.0.0.1,more\n", "i.csv:2:2: more fields than the header has; expected 1\n");
        assert_says("ip,fleet\n,a\n", "i.csv:2:1: a row without ip, prefix, imsi, imei, msisdn and apn; expected one of them\n");
        assert_says("ip,from,until\n10.0.0.1,2026-03-02,2026-02-01\n",
                    "i.csv:2:1: from is not before until; expected it to be\n");
        assert_says("ip,from\n10.0.0.1,soon\n",
                    "i.csv:2:2: from \"soon\"; expected a date or time such as 2026-03-01 or 2026-03-01T02:00:00Z\n");
        assert_says("ip,fleet\n10.0.0.1,\"a\n", "i.csv:2:2: the file ends inside quotes; expected a closing quote\n");
        assert_says(
                "ip,fleet\n10.0.0.1,a\"b\n",
                "i.csv:2:2: a quote inside a field that does not begin with one, or text behind a closing quote; expected "
                "quotes "
                "doubled inside quotes (RFC 4180)\n");
        assert_says("ip,fleet\n10.0.0.1,a\xff\n",
                    "i.csv:2:2: 2 bytes that are no text; expected UTF-8, at most 1024 bytes\n");
}

static void faults_are_told_up_to_a_hundred(void **state)
{
        char *text = malloc(100000), *at = text, *messages;
        unsigned lines = 0;
        (void)state;
        at += sprintf(at, "ip\n");
        for (unsigned i = 0; i < 5000; i++)
                at += sprintf(at, "x%u\n", i);
        assert_null(parse(text, &messages));
        for (const char *end = messages; (end = strchr(end, '\n')) != NULL; end++)
                lines++;
        assert_int_equal(lines, 101);
        free(messages);
        free(text);
}

static void many_rows_are_found_again(void **state)
{
        enum { ROWS = 20000 };
        char *text = malloc(ROWS * 64 + 100), *at = text;
        struct inventory_facts facts;
        (void)state;
        at += sprintf(at, "ip,imsi,imei,fleet\n");
        for (unsigned i = 0; i < ROWS; i++)
                at += sprintf(at, "10.%u.%u.%u,26201%010u,35%012u,fleet%u\n", i >> 16, i >> 8 & 255, i & 255, i, i, i % 7);
        struct inventory *inventory = parse_good(text);
        for (unsigned i = 0; i < ROWS; i += 97) {
                char imsi[20], imei[20], fleet[20];
                struct address a;
                snprintf(imsi, sizeof imsi, "26201%010u", i);
                snprintf(imei, sizeof imei, "35%012u0", i);
                snprintf(fleet, sizeof fleet, "fleet%u", i % 7);
                a = address_of_ipv4((uint8_t[]){10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i});
                assert_true(inventory_find(inventory, &a, NULL, NULL, 0, &facts));
                assert_int_equal(facts.row, i);
                assert_string_equal(facts.fleet, fleet);
                assert_true(inventory_find(inventory, NULL, imsi, NULL, 0, &facts));
                assert_int_equal(facts.row, i);
                assert_true(inventory_find(inventory, NULL, NULL, imei, 0, &facts));
                assert_int_equal(facts.row, i);
        }
        inventory_destroy(inventory);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_column_is_read),
                cmocka_unit_test(a_device_is_found_by_the_surest_key),
                cmocka_unit_test(rows_hold_for_their_time_and_the_latest_wins),
                cmocka_unit_test(numbers_and_apns_are_keys_too),
                cmocka_unit_test(a_row_that_ended_leaves_its_prefix_to_the_wider_one),
                cmocka_unit_test(what_spreadsheets_write_is_read),
                cmocka_unit_test(every_fault_has_its_line_and_column),
                cmocka_unit_test(faults_are_told_up_to_a_hundred),
                cmocka_unit_test(many_rows_are_found_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
