#include "cmd/live_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmd/sample_numbers.h"
#include "tests/unit/test.h"

static char *text_of(const struct live_numbers *numbers)
{
        size_t length;
        char *text = metrics_text(live_metrics_collect, (void *)(uintptr_t)numbers, &length);
        assert_non_null(text);
        return text;
}

static void expect_line(const char *text, const char *line)
{
        char whole[300];
        snprintf(whole, sizeof whole, "\n%s\n", line);
        if (strstr(text, whole) == NULL)
                fail_msg("no line %s", line);
}

static void the_names_of_the_interface_are_exact(void **state)
{
        (void)state;
        char *text = text_of(&sample_numbers);
        expect_line(text, "apnwatch_alerts_committed_total 10");
        expect_line(text, "apnwatch_outbox_waiting 10");
        expect_line(text, "apnwatch_packets_total{interface=\"eth1\"} 1000");
        expect_line(text, "apnwatch_packets_total{interface=\"eth2\"} 5");
        expect_line(text, "apnwatch_sink_delivered_total{sink=\"redis://127.0.0.1:6379\"} 5");
        expect_line(text, "apnwatch_sink_filtered_total{sink=\"redis://127.0.0.1:6379\"} 2");
        expect_line(text, "apnwatch_sink_gaps_total{sink=\"redis://127.0.0.1:6379\"} 1");
        expect_line(text, "apnwatch_sink_waiting{sink=\"redis://127.0.0.1:6379\"} 2");
        expect_line(text, "apnwatch_sink_delivered_total{sink=\"jsonl:/var/log/apnwatch/alerts.jsonl\"} 10");
        expect_line(text, "apnwatch_drops_total{where=\"kernel\"} 7");
        expect_line(text, "apnwatch_drops_total{where=\"interface\"} 3");
        expect_line(text, "apnwatch_drops_total{where=\"pipe\"} 6");
        free(text);
}

static void the_other_numbers_stand_where_they_belong(void **state)
{
        (void)state;
        char *text = text_of(&sample_numbers);
        expect_line(text, "apnwatch_build_info{version=\"0.1.0\",ndpi=\"4.2.0\"} 1");
        expect_line(text, "apnwatch_start_time_seconds 1782345600");
        expect_line(text, "apnwatch_bytes_total{interface=\"eth1\"} 123456");
        expect_line(text, "apnwatch_interface_drops_total{interface=\"eth2\",where=\"kernel\"} 4");
        expect_line(text, "apnwatch_interface_drops_total{interface=\"eth2\",where=\"interface\"} 2");
        expect_line(text, "apnwatch_interface_state{interface=\"eth1\",state=\"up\"} 1");
        expect_line(text, "apnwatch_interface_state{interface=\"eth2\",state=\"up\"} 0");
        expect_line(text, "apnwatch_interface_state{interface=\"eth2\",state=\"gone\"} 1");
        assert_non_null(strstr(text, "\napnwatch_last_packet_timestamp_seconds{interface=\"eth1\"} 1782345678.123"));
        assert_null(strstr(text, "apnwatch_last_packet_timestamp_seconds{interface=\"eth2\"}"));
        expect_line(text, "apnwatch_devices{fleet=\"meters \\\"north\\\"\"} 12");
        expect_line(text, "apnwatch_alerts_total{type=\"destination.unlisted\",severity=\"medium\"} 9");
        expect_line(text, "apnwatch_flows 33");
        expect_line(text, "apnwatch_events_total 4000");
        expect_line(text, "apnwatch_outbox_limit_bytes 536870912");
        expect_line(text, "apnwatch_outbox_refused_total 1");
        expect_line(text, "apnwatch_outbox_failing 0");
        expect_line(text, "apnwatch_sink_in_flight{sink=\"redis://127.0.0.1:6379\"} 1");
        expect_line(text, "apnwatch_sink_rewinds_total{sink=\"redis://127.0.0.1:6379\"} 3");
        expect_line(text, "apnwatch_sink_reconnects_total{sink=\"redis://127.0.0.1:6379\"} 4");
        expect_line(text, "apnwatch_sink_connected{sink=\"redis://127.0.0.1:6379\"} 1");
        expect_line(text, "apnwatch_worker_restarts_total 1");
        expect_line(text, "apnwatch_resident_memory_bytes 52428800");
        free(text);
}

static void names_that_a_worker_makes_up_do_not_widen_the_set(void **state)
{
        (void)state;
        enum { MANY = 1000 };
        static char names[MANY][16];
        static struct live_named_number counters[MANY];
        struct live_numbers numbers = sample_numbers;
        char *text = text_of(&numbers);
        expect_line(text, "apnwatch_sense_total{counter=\"loss.late_frames\"} 7");
        expect_line(text, "apnwatch_sense_total{counter=\"other\"} 7"); /* the odd one, the one that came twice, and "other" */
        free(text);

        for (unsigned i = 0; i < MANY; i++) {
                snprintf(names[i], sizeof names[i], "count.%u", i);
                counters[i] = (struct live_named_number){names[i], 1};
        }
        numbers.sense = counters;
        numbers.sense_count = MANY;
        text = text_of(&numbers);
        unsigned lines = 0;
        for (const char *at = text; (at = strstr(at, "\napnwatch_sense_total{")) != NULL; at++)
                lines++;
        assert_int_equal(lines, LIVE_COUNTERS_TOLD + 1);
        expect_line(text, "apnwatch_sense_total{counter=\"other\"} 872");
        free(text);
}

static void what_is_secret_of_a_webhook_is_left_out(void **state)
{
        (void)state;
        char *text = text_of(&sample_numbers);
        assert_null(strstr(text, "SECRET"));
        expect_line(text, "apnwatch_sink_waiting{sink=\"webhook:https://hooks.example\"} 10");
        expect_line(text, "apnwatch_sink_waiting{sink=\"webhook:https://hooks.example (2)\"} 9");
        free(text);
}

static void an_outbox_without_a_size_has_that_of_the_default(void **state)
{
        (void)state;
        struct live_numbers numbers = sample_numbers;
        numbers.outbox_limit = 0;
        char *text = text_of(&numbers);
        expect_line(text, "apnwatch_outbox_limit_bytes 1073741824"); /* not 0, which would be full at once */
        free(text);
}

static void check_with_promtool(const struct live_numbers *numbers)
{
        char *text = text_of(numbers);
        FILE *promtool = popen("promtool check metrics", "w");
        assert_non_null(promtool);
        assert_int_equal(fwrite(text, 1, strlen(text), promtool), strlen(text));
        assert_int_equal(pclose(promtool), 0);
        free(text);
}

static void promtool_finds_nothing_wrong_with_them(void **state)
{
        (void)state;
        const struct live_numbers nothing = {.version = "", .ndpi = ""};
        check_with_promtool(&sample_numbers);
        check_with_promtool(&nothing);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_names_of_the_interface_are_exact),
                cmocka_unit_test(the_other_numbers_stand_where_they_belong),
                cmocka_unit_test(names_that_a_worker_makes_up_do_not_widen_the_set),
                cmocka_unit_test(what_is_secret_of_a_webhook_is_left_out),
                cmocka_unit_test(an_outbox_without_a_size_has_that_of_the_default),
                cmocka_unit_test(promtool_finds_nothing_wrong_with_them),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
