#include "deliver/syslog_message.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

/* The message without its frame; the frame is checked. To be freed. */
static char *message_of(const struct outbox_entry *entry, const char *sensor)
{
        struct json_buffer scratch = {0};
        struct evbuffer *out = evbuffer_new();
        assert_int_equal(syslog_message_add(out, entry, sensor, &scratch), 0);
        size_t length = evbuffer_get_length(out);
        char *framed = calloc(1, length + 1), *end;
        evbuffer_remove(out, framed, length);
        unsigned long counted = strtoul(framed, &end, 10);
        assert_int_equal(*end, ' ');
        assert_int_equal(counted, length - (size_t)(end + 1 - framed)); /* octets, the frame's own not counted */
        char *message = strdup(end + 1);
        assert_int_equal(strlen(message), counted);
        free(framed);
        evbuffer_free(out);
        json_buffer_clear(&scratch);
        return message;
}

static char *message_of_alert(const Apnwatch__V1__Alert *alert, const char *sensor)
{
        struct outbox_entry entry = {.number = 1, .alert = alert};
        return message_of(&entry, sensor);
}

static void assert_head(const char *message, const char *expected)
{
        if (strncmp(message, expected, strlen(expected)) != 0)
                fail_msg("%s\nexpected: %s", message, expected);
}

static void an_alert_is_a_message_with_the_json_behind_the_mark_of_utf8(void **state)
{
        (void)state;
        struct sample_alert sample;
        char expected[512];
        sample_alert_fill(&sample);
        char *message = message_of_alert(&sample.alert, "other");
        snprintf(expected, sizeof expected,
                 "<132>1 2026-03-01T02:03:04.567891Z edge-1 apnwatch %ld destination.unlisted [apnwatch@32473 "
                 "id=\"9f2c0123456789abcdef0123456789ab\" revision=\"2\" severity=\"medium\" fleet=\"meters-north\" "
                 "device=\"10.20.0.7\" peer=\"198.51.100.9\"] \xef\xbb\xbf{\"id\":\"9f2c",
                 (long)getpid());
        assert_head(message, expected);
        json_t *alert = json_loads(strchr(message, '{'), JSON_REJECT_DUPLICATES, NULL);
        assert_string_equal(json_string_value(json_object_get(json_object_get(alert, "device"), "imsi")), "262011234567890");
        json_decref(alert);
        free(message);
}

static void what_is_not_known_is_absent(void **state)
{
        (void)state;
        struct sample_alert sample;
        char expected[512];
        sample_alert_fill_least(&sample);
        char *message = message_of_alert(&sample.alert, NULL);
        snprintf(expected, sizeof expected,
                 "<132>1 2026-03-01T02:03:04.567891Z - apnwatch %ld destination.unlisted [apnwatch@32473 "
                 "id=\"9f2c0123456789abcdef0123456789ab\" revision=\"1\" severity=\"medium\"] \xef\xbb\xbf{",
                 (long)getpid());
        assert_head(message, expected);
        free(message);
}

static void severities_are_those_of_local0(void **state)
{
        (void)state;
        static const struct {
                Apnwatch__V1__Alert__Severity severity;
                const char *start, *word;
        } rows[] = {
                {APNWATCH__V1__ALERT__SEVERITY__INFO, "<134>1 ", " severity=\"info\""},
                {APNWATCH__V1__ALERT__SEVERITY__LOW, "<133>1 ", " severity=\"low\""},
                {APNWATCH__V1__ALERT__SEVERITY__MEDIUM, "<132>1 ", " severity=\"medium\""},
                {APNWATCH__V1__ALERT__SEVERITY__HIGH, "<131>1 ", " severity=\"high\""},
                {APNWATCH__V1__ALERT__SEVERITY__CRITICAL, "<130>1 ", " severity=\"critical\""},
        };
        struct sample_alert sample;
        sample_alert_fill_least(&sample);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                sample.alert.severity = rows[i].severity;
                char *message = message_of_alert(&sample.alert, NULL);
                assert_head(message, rows[i].start);
                assert_non_null(strstr(message, rows[i].word));
                free(message);
        }
}

static void values_and_names_are_made_fit(void **state)
{
        (void)state;
        struct sample_alert sample;
        sample_alert_fill(&sample);
        char fleet[] = "a \"b\" [c] d\\e \xc3\xa4\n\x7f\xff.", type[] = "odd type\xc3\xa4", sensor[] = "edge 1\x01\xc3";
        sample.alert.fleet = fleet;
        sample.alert.type = type;
        sample.alert.sensor = sensor;
        char *message = message_of_alert(&sample.alert, NULL);
        assert_non_null(strstr(message, " fleet=\"a \\\"b\\\" [c\\] d\\\\e \xc3\xa4???.\" device=\"10.20.0.7\""));
        assert_non_null(strstr(message, " odd_type__ [apnwatch@32473 "));
        assert_non_null(strstr(message, "Z edge_1__ apnwatch "));
        free(message);
        char long_name[2000], long_fleet[5000];
        memset(long_name, 'n', sizeof long_name - 1);
        long_name[sizeof long_name - 1] = '\0';
        memset(long_fleet, '"', sizeof long_fleet - 1);
        long_fleet[sizeof long_fleet - 1] = '\0';
        sample.alert.sensor = sample.alert.type = long_name;
        sample.alert.fleet = sample.device.ip = sample.peer.ip = long_fleet;
        message = message_of_alert(&sample.alert, NULL);
        const char *host = strchr(message, 'n');
        assert_int_equal(strspn(host, "n"), 255);
        assert_int_equal(strspn(strchr(host + 255, '[') - 33, "n"), 32);
        const char *value = strstr(message, "fleet=\"") + 7;
        assert_int_equal(strspn(value, "\\\""), 512 * 2 + 1); /* escaped, and the quote that ends it */
        assert_non_null(strstr(message, "\"] \xef\xbb\xbf{\"id\"")); /* the rest of the head is there */
        free(message);
}

/* A character of two bytes is not torn where a value is cut. */
static void a_cut_value_is_still_utf8(void **state)
{
        (void)state;
        struct sample_alert sample;
        char fleet[602] = "x";
        for (unsigned i = 1; i + 1 < sizeof fleet - 1; i += 2)
                memcpy(fleet + i, "\xc3\xa4", 2);
        sample_alert_fill_least(&sample);
        sample.alert.fleet = fleet;
        char *message = message_of_alert(&sample.alert, NULL);
        const char *value = strstr(message, "fleet=\"") + 7;
        assert_int_equal(strchr(value, '"') - value, 511);
        free(message);
}

static void a_gap_is_a_message_of_its_own(void **state)
{
        (void)state;
        struct outbox_entry gap = {
                .number = 16, .id = {1772330584567, 16}, .is_gap = true, .gap_from = {1772330584000, 7}, .gap_count = 10,
        };
        char expected[512];
        char *message = message_of(&gap, "edge-1");
        snprintf(expected, sizeof expected,
                 "<132>1 2026-03-01T02:03:04.567000Z edge-1 apnwatch %ld gap [apnwatch@32473 gap_from=\"1772330584000-7\" "
                 "gap_to=\"1772330584567-16\" count=\"10\"] \xef\xbb\xbf{\"gap_from\":\"1772330584000-7\","
                 "\"gap_to\":\"1772330584567-16\",\"count\":10,\"sensor\":\"edge-1\"}",
                 (long)getpid());
        assert_string_equal(message, expected);
        free(message);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_alert_is_a_message_with_the_json_behind_the_mark_of_utf8),
                cmocka_unit_test(what_is_not_known_is_absent),
                cmocka_unit_test(severities_are_those_of_local0),
                cmocka_unit_test(values_and_names_are_made_fit),
                cmocka_unit_test(a_cut_value_is_still_utf8),
                cmocka_unit_test(a_gap_is_a_message_of_its_own),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
