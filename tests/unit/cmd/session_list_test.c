#include "cmd/session_list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "model/configuration.h"
#include "model/privacy.h"
#include "tests/unit/test.h"

static struct page {
        char *text;
        size_t length;
        FILE *out;
        struct session_list *list;
} page;

static void open_page(bool json)
{
        static char name[] = "a.pcap", tap[] = "default";
        char *names[] = {name}, *taps[] = {tap};
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        run.n_input = run.n_tap = 1;
        run.input = names;
        run.tap = taps;
        page.out = open_memstream(&page.text, &page.length);
        page.list = session_list_create(page.out, json);
        assert_non_null(page.list);
        session_list_run(page.list, &run);
}

static const char *text_now(void)
{
        fflush(page.out);
        return page.text;
}

static void close_page(void)
{
        assert_false(session_list_failed(page.list));
        session_list_destroy(page.list);
        fclose(page.out);
        free(page.text);
}

static struct binding binding_of(unsigned number, const char *imsi, const char *imei)
{
        struct binding binding = {.number = number, .apn = "iot\x1b[31m", .rat = "NB-IoT", .protocol = BINDING_GTPV2C, .file_frame = 10 + number,
                                  .first_ns = INT64_C(1700000000000000000) + number};
        snprintf(binding.imsi, sizeof binding.imsi, "%s", imsi);
        snprintf(binding.imei, sizeof binding.imei, "%s", imei);
        assert_true(address_parse("10.20.0.7", &binding.ipv4));
        binding.sources[FACT_IMSI] = BINDING_GTPV2C;
        binding.sources[FACT_IPV4] = BINDING_RADIUS;
        return binding;
}

static void tell(enum binding_news news, const struct binding *before, const struct binding *now, uint32_t facts)
{
        struct binding_change change = {.news = news, .end = BINDING_DELETED, .facts = facts, .now = now, .before = before,
                                        .time_ns = INT64_C(1700000100000000000)};
        session_list_changed(page.list, &change);
}

static json_t *line_of(const char *text)
{
        json_error_t error;
        json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, &error);
        assert_non_null(line);
        return line;
}

static const char *value(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static void a_line_has_what_is_known_and_nothing_else(void **state)
{
        (void)state;
        struct binding_endpoints ends = {.control_count = 2, .control = {{.key = 17}, {.key = 18, .is_seid = true}}};
        open_page(true);
        struct binding now = binding_of(1, "262011234567890", "");
        assert_true(address_parse("10.255.0.1", &ends.control[0].address) && address_parse("10.255.0.2", &ends.control[1].address));
        struct binding_change opened = {.news = BINDING_OPENED, .now = &now, .endpoints = &ends, .time_ns = now.first_ns};
        session_list_changed(page.list, &opened);
        assert_string_equal(text_now(), "");
        tell(BINDING_CLOSED, NULL, &now, 0);
        json_t *line = line_of(text_now());
        assert_string_equal(value(line, "start"), "2023-11-14T22:13:20.000000Z");
        assert_string_equal(value(line, "end"), "2023-11-14T22:15:00.000000Z");
        assert_string_equal(value(line, "end_reason"), "deleted");
        assert_string_equal(value(line, "imsi"), "262011234567890");
        assert_string_equal(value(line, "ipv4"), "10.20.0.7");
        assert_string_equal(value(line, "protocol"), "gtpv2c");
        assert_string_equal(value(line, "file"), "a.pcap");
        assert_string_equal(value(json_object_get(line, "sources"), "ipv4"), "radius");
        assert_int_equal(json_integer_value(json_object_get(line, "frame")), 11);
        assert_null(json_object_get(line, "imei"));
        assert_null(json_object_get(line, "cell"));
        assert_null(json_object_get(line, "user"));
        assert_null(json_object_get(line, "history"));
        const json_t *control = json_object_get(line, "control");
        unsigned teids = 0, seids = 0;
        for (size_t i = 0; i < json_array_size(control); i++) {
                teids += json_integer_value(json_object_get(json_array_get(control, i), "teid")) == 17;
                seids += json_integer_value(json_object_get(json_array_get(control, i), "seid")) == 18;
        }
        assert_int_equal(teids, 1);
        assert_int_equal(seids, 1);
        json_decref(line);
        close_page();
}

static void values_are_the_first_and_history_has_what_changed(void **state)
{
        (void)state;
        open_page(true);
        struct binding before = binding_of(1, "262011234567890", ""), now = before;
        tell(BINDING_OPENED, NULL, &before, 0);
        snprintf(now.imei, sizeof now.imei, "86123405123456"); /* not known before: no change */
        tell(BINDING_CHANGED, &before, &now, 1U << FACT_IMEI);
        before = now;
        snprintf(now.imei, sizeof now.imei, "8612340512345601"); /* the same, whole */
        tell(BINDING_CHANGED, &before, &now, 1U << FACT_IMEI);
        before = now;
        now.rat = "EUTRAN";
        now.cell = (struct binding_place){.mcc = 262, .mnc = 1, .mnc_digits = 2, .kind = PLACE_ECGI, .id = 1};
        tell(BINDING_CHANGED, &before, &now, 1U << FACT_RAT | 1U << FACT_CELL);
        tell(BINDING_CLOSED, NULL, &now, 0);
        json_t *line = line_of(text_now());
        const json_t *history = json_object_get(line, "history");
        assert_string_equal(value(line, "imei"), "8612340512345601");
        assert_string_equal(value(line, "rat"), "NB-IoT");
        assert_string_equal(value(line, "cell"), "ecgi:262-01-1");
        assert_int_equal(json_array_size(history), 1);
        assert_string_equal(value(json_array_get(history, 0), "rat"), "EUTRAN");
        assert_string_equal(value(json_array_get(history, 0), "time"), "2023-11-14T22:15:00.000000Z");
        assert_null(json_object_get(json_array_get(history, 0), "cell"));
        json_decref(line);
        close_page();
}

/* The listener's view is good for the call alone. */
static void an_apn_outlives_the_view_that_told_it(void **state)
{
        (void)state;
        open_page(true);
        struct binding before = binding_of(1, "262011234567890", ""), now = before;
        char *first = strdup("first"), *second = strdup("second");
        before.apn = first;
        now.apn = second;
        tell(BINDING_OPENED, NULL, &before, 1U << FACT_APN);
        tell(BINDING_CHANGED, &before, &now, 1U << FACT_APN);
        free(first);
        free(second);
        now.apn = NULL;
        tell(BINDING_CLOSED, NULL, &now, 0);
        json_t *line = line_of(text_now());
        assert_string_equal(value(line, "apn"), "first");
        assert_string_equal(value(json_array_get(json_object_get(line, "history"), 0), "apn"), "second");
        json_decref(line);
        close_page();
}

static void history_is_bounded(void **state)
{
        (void)state;
        open_page(true);
        struct binding one = binding_of(1, "262011234567890", ""), other = one;
        other.rat = "EUTRAN";
        tell(BINDING_OPENED, NULL, &one, 0);
        for (unsigned i = 0; i < 1000; i++)
                tell(BINDING_CHANGED, i % 2 ? &other : &one, i % 2 ? &one : &other, 1U << FACT_RAT);
        tell(BINDING_CLOSED, NULL, &one, 0);
        json_t *line = line_of(text_now());
        assert_int_equal(json_array_size(json_object_get(line, "history")), 64);
        json_decref(line);
        close_page();
}

static void lines_come_in_the_order_of_their_starts(void **state)
{
        (void)state;
        open_page(true);
        struct binding first = binding_of(1, "1", ""), second = binding_of(2, "2", ""), third = binding_of(3, "3", "");
        tell(BINDING_OPENED, NULL, &second, 0);
        tell(BINDING_OPENED, NULL, &third, 0);
        tell(BINDING_OPENED, NULL, &first, 0); /* its request had waited for an answer */
        tell(BINDING_CLOSED, NULL, &third, 0);
        tell(BINDING_CLOSED, NULL, &second, 0);
        assert_string_equal(text_now(), "");
        tell(BINDING_CLOSED, NULL, &first, 0);
        const char *at = text_now();
        for (const char *imsi = "123"; *imsi != '\0'; imsi++) {
                json_t *line = line_of(at);
                assert_int_equal(value(line, "imsi")[0], *imsi);
                json_decref(line);
                at = strchr(at, '\n') + 1;
        }
        assert_string_equal(at, "");
        close_page();
}

/* "hmac:" and 16 hex digits, behind a TAC where it is an IMEI's. */
static void privacy_covers_who_and_nothing_else(void **state)
{
        char path[] = "/tmp/session_list.XXXXXX", text[128], error[256];
        struct privacy *privacy = NULL;
        int file = mkstemp(path);
        (void)state;
        assert_true(file >= 0 && write(file, "sixteen bytes of", 16) == 16);
        close(file);
        int length = snprintf(text, sizeof text, "privacy: {key_file: %s}\n", path);
        struct configuration *configuration = configuration_parse("test", text, (size_t)length, stderr);
        assert_int_equal(privacy_create(&privacy, configuration, error, sizeof error), 0);
        unlink(path);
        for (unsigned json = 0; json < 2; json++) {
                open_page(json);
                session_list_cover(page.list, privacy);
                struct binding before = binding_of(1, "262011234567890", "8612340512345607"), now = before;
                snprintf(now.imei, sizeof now.imei, "3534900698733190");
                snprintf(now.msisdn, sizeof now.msisdn, "4915112345678");
                tell(BINDING_OPENED, NULL, &before, 0);
                tell(BINDING_CHANGED, &before, &now, 1U << FACT_IMEI | 1U << FACT_MSISDN);
                tell(BINDING_CLOSED, NULL, &now, 0);
                const char *out = text_now();
                assert_non_null(strstr(out, "86123405:hmac:"));
                assert_non_null(strstr(out, "10.20.0.7"));
                assert_true(!json || strstr(out, "35349006:hmac:") != NULL); /* in the history */
                static const char *const clear[] = {"262011234567890", "8612340512345", "3534900698733", "4915112345678"};
                for (size_t i = 0; i < sizeof clear / sizeof *clear; i++)
                        assert_null(strstr(out, clear[i]));
                close_page();
        }
        privacy_destroy(privacy);
        configuration_destroy(configuration);
}

static void the_table_has_a_head_and_no_control_characters(void **state)
{
        (void)state;
        open_page(false);
        struct binding now = binding_of(1, "262011234567890", "");
        tell(BINDING_OPENED, NULL, &now, 0);
        tell(BINDING_CLOSED, NULL, &now, 0);
        const char *text = text_now();
        assert_memory_equal(text, "START (UTC)", 11);
        const char *row = strchr(text, '\n') + 1;
        assert_memory_equal(row, "2023-11-14T22:13:20 2023-11-14T22:15:00 262011234567890 -  ", 58);
        assert_int_equal(strstr(row, "deleted") - row, strstr(text, "ENDED") - text);
        assert_int_equal(strstr(row, "10.20.0.7") - row, strstr(text, "ADDRESS") - text);
        assert_non_null(strstr(row, "iot?[31m"));
        assert_non_null(strstr(row, "10.20.0.7"));
        assert_null(strchr(row, '\x1b'));
        assert_string_equal(strchr(row, '\n'), "\n");
        close_page();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_line_has_what_is_known_and_nothing_else),
                cmocka_unit_test(values_are_the_first_and_history_has_what_changed),
                cmocka_unit_test(an_apn_outlives_the_view_that_told_it),
                cmocka_unit_test(history_is_bounded),
                cmocka_unit_test(lines_come_in_the_order_of_their_starts),
                cmocka_unit_test(privacy_covers_who_and_nothing_else),
                cmocka_unit_test(the_table_has_a_head_and_no_control_characters),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
