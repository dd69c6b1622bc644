#include <stdlib.h>
#include <string.h>

#include "judge/binding_import.h"
#include "tests/unit/test.h"

static const char rows[] = "\xef\xbb\xbf"
                           "IMSI,ip,until,from,msisdn,imei,apn\r\n"
                           "262011234567890,10.20.0.7,2026-03-02,2026-03-01T00:00:00Z,+49 151 12345678,86-123405-123456-0,\"ot,x\"\r\n"
                           ",2001:db8::7,,,4915100000000,,\r\n"
                           "262010000000001,10.20.0.7,1772323200,1772236800.5,,,\"ot,x\"\r\n";

static void rows_are_read_by_their_header(void **state)
{
        struct binding_row row;
        char text[ADDRESS_TEXT_SIZE];
        (void)state;
        struct binding_import *import = binding_import_parse("b.csv", rows, sizeof rows - 1, stderr);
        assert_non_null(import);
        assert_int_equal(binding_import_count(import), 3);
        binding_import_row(import, 0, &row); /* by `from` */
        assert_true(row.from_ns == INT64_MIN && row.until_ns == INT64_MAX);
        assert_string_equal(address_text(&row.ip, text), "2001:db8::7");
        assert_null(row.imsi);
        assert_null(row.apn);
        assert_string_equal(row.msisdn, "4915100000000");
        binding_import_row(import, 1, &row);
        assert_true(row.from_ns == INT64_C(1772236800500000000) && row.until_ns == INT64_C(1772323200000000000));
        assert_string_equal(row.imsi, "262010000000001");
        assert_string_equal(row.apn, "ot,x");
        binding_import_row(import, 2, &row);
        assert_string_equal(row.imsi, "262011234567890");
        assert_string_equal(row.imei, "861234051234560");
        assert_string_equal(row.msisdn, "4915112345678");
        assert_string_equal(address_text(&row.ip, text), "10.20.0.7");
        assert_true(row.until_ns == INT64_C(1772496000000000000)); /* the day is taken in */
        assert_int_equal(strlen(binding_import_digest(import)), 71);
        binding_import_destroy(import);
}

static void rows_become_bindings(void **state)
{
        struct bindings_settings settings = {.session_limit = 1000};
        (void)state;
        struct binding_import *import = binding_import_parse("b.csv", rows, sizeof rows - 1, stderr);
        struct bindings *bindings = bindings_create(&settings);
        struct address address;
        assert_non_null(import);
        assert_non_null(bindings);
        binding_import_hand(import, bindings);
        assert_true(address_parse("10.20.0.7", &address));
        const struct binding *binding = bindings_of_address(bindings, 0, NULL, &address, INT64_C(1772330000000000000));
        assert_non_null(binding);
        assert_string_equal(binding->imsi, "262011234567890");
        assert_int_equal(binding->sources[FACT_IMSI], BINDING_IMPORTED);
        bindings_destroy(bindings);
        binding_import_destroy(import);
}

static const char *who(struct bindings *bindings, const char *text, const char *apn, int64_t time_s)
{
        struct address address;
        assert_true(address_parse(text, &address));
        const struct binding *binding = bindings_of_address(bindings, 0, apn, &address, time_s * INT64_C(1000000000));
        return binding ? binding->imsi : "nobody";
}

static void assert_rows(const char *text, void (*check)(struct bindings *))
{
        struct bindings_settings settings = {.session_limit = 1000};
        struct binding_import *import = binding_import_parse("b.csv", text, strlen(text), stderr);
        struct bindings *bindings = bindings_create(&settings);
        assert_non_null(import);
        assert_non_null(bindings);
        binding_import_hand(import, bindings);
        check(bindings);
        bindings_destroy(bindings);
        binding_import_destroy(import);
}

static void check_prefixes(struct bindings *bindings)
{
        assert_string_equal(who(bindings, "2001:db8:1:2:a::b", NULL, 10), "262011111111111");
        assert_string_equal(who(bindings, "2001:db8:1:3::1", NULL, 10), "262012222222222");
        assert_string_equal(who(bindings, "2001:db8:1:4::7", NULL, 10), "262013333333333");
        assert_string_equal(who(bindings, "2001:db8:1:4:dead::7", NULL, 10), "262013333333333"); /* its /64 */
        assert_string_equal(who(bindings, "2001:db8:1:5::1", NULL, 10), "262014444444444");
        assert_string_equal(who(bindings, "2001:db8:1:5::9", NULL, 10), "nobody"); /* two have addresses there */
        assert_string_equal(who(bindings, "2001:db8:2::1", NULL, 10), "nobody");
        assert_string_equal(who(bindings, "192.168.5.77", NULL, 10), "262011111111111");
}

static void a_device_has_its_whole_prefix(void **state)
{
        (void)state;
        assert_rows("ip,imsi\n"
                    "2001:db8:1:2::/64,262011111111111\n"
                    "2001:db8:1::/48,262012222222222\n"
                    "2001:db8:1:4::7,262013333333333\n"
                    "2001:db8:1:5::1,262014444444444\n"
                    "2001:db8:1:5::2,262015555555555\n"
                    "192.168.5.0/24,262011111111111\n",
                    check_prefixes);
}

static void check_apns(struct bindings *bindings)
{
        assert_string_equal(who(bindings, "10.20.0.7", "ot.example", 10), "262011111111111");
        assert_string_equal(who(bindings, "10.20.0.7", "it.example", 10), "262012222222222");
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 10), "nobody");
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 100), "262011111111111"); /* the other row has ended */
        assert_string_equal(who(bindings, "10.20.0.8", NULL, 10), "262013333333333"); /* of one APN the later holds */
}

static void pools_of_two_apns_may_overlap(void **state)
{
        (void)state;
        assert_rows("ip,imsi,apn,from,until\n"
                    "10.20.0.7,262011111111111,OT.example.mnc001.mcc262.gprs,,\n"
                    "10.20.0.7,262012222222222,it.example.,5,50\n"
                    "10.20.0.8,262011111111111,ot.example,,\n"
                    "10.20.0.8,262013333333333,ot.example,5,\n",
                    check_apns);
}

static void check_times(struct bindings *bindings)
{
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 5), "nobody");
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 15), "262011111111111");
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 25), "262012222222222");
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 35), "262011111111111"); /* which lasts longer */
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 60), "nobody");
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 75), "262013333333333");
        assert_string_equal(who(bindings, "10.20.0.7", NULL, 80), "nobody");
}

static void rows_within_rows_end_before_them(void **state)
{
        (void)state;
        assert_rows("ip,imsi,from,until\n"
                    "10.20.0.7,262012222222222,20,30\n"
                    "10.20.0.7,262011111111111,10,50\n"
                    "10.20.0.7,262013333333333,70,80\n",
                    check_times);
}

static void every_fault_is_told(void **state)
{
        static const char text[] = "ip,imsi,imei,msisdn,from,until\n"
                                   "10.0.0.300,26201x,123,1,3,2\n"
                                   ",,,,soon,\n"
                                   "10.0.0.1,262011234567890,,,,\n";
        char *messages = NULL;
        size_t size;
        FILE *errors = open_memstream(&messages, &size);
        (void)state;
        assert_null(binding_import_parse("b.csv", text, sizeof text - 1, errors));
        assert_null(binding_import_load("/nowhere/b.csv", errors));
        assert_null(binding_import_load("/", errors));
        fclose(errors);
        assert_string_equal(messages, "b.csv:2:6: from is not before until; expected it to be\n"
                                      "b.csv:2:1: ip \"10.0.0.300\"; expected an address, or a prefix such as 2001:db8:20:7::/64\n"
                                      "b.csv:2:2: imsi \"26201x\"; expected 6 to 16 digits\n"
                                      "b.csv:2:3: imei \"123\"; expected 14 to 16 digits\n"
                                      "b.csv:2:4: msisdn \"1\"; expected 3 to 15 digits\n"
                                      "b.csv:3:5: from \"soon\"; expected a time such as 2026-03-01T02:00:00Z, or Unix seconds\n"
                                      "b.csv:3:1: a row without ip; expected one\n"
                                      "b.csv:3:2: a row without imsi, imei and msisdn; expected one of them\n"
                                      "/nowhere/b.csv: No such file or directory\n"
                                      "/: a folder; expected a CSV file\n");
        free(messages);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_are_read_by_their_header),
                cmocka_unit_test(rows_become_bindings),
                cmocka_unit_test(a_device_has_its_whole_prefix),
                cmocka_unit_test(pools_of_two_apns_may_overlap),
                cmocka_unit_test(rows_within_rows_end_before_them),
                cmocka_unit_test(every_fault_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
