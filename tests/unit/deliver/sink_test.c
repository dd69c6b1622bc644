#include "deliver/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "deliver/eve_signature.h"
#include "model/event_log.h"
#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

static char folder[] = "/tmp/sink_test.XXXXXX";
static const struct sink_run run = {.sensor = "edge-1", .version = "0.1.0", .configuration_digest = "c0ffee"};

static const char *path_of(const char *name)
{
        static char paths[4][PATH_MAX];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, PATH_MAX, "%s/%s", folder, name);
        return path;
}

static struct sink *open_sink(const char *kind, const char *name, const struct sink_filter *filter)
{
        char given[PATH_MAX + 16], error[600];
        snprintf(given, sizeof given, "%s:%s", kind, name[0] == '/' || name[0] == '-' ? name : path_of(name));
        struct sink *sink = sink_open(given, filter, NULL, &run, error, sizeof error);
        if (sink == NULL)
                print_error("%s\n", error);
        assert_non_null(sink);
        return sink;
}

static char *read_whole(const char *name)
{
        FILE *file = fopen(path_of(name), "rb");
        assert_non_null(file);
        char *text = calloc(1, 1 << 20);
        size_t length = fread(text, 1, (1 << 20) - 1, file);
        text[length] = '\0';
        fclose(file);
        return text;
}

static void an_alert_is_one_line_with_the_names_of_the_interface(void **state)
{
        (void)state;
        struct sample_alert sample;
        struct sink *sink = open_sink("jsonl", "a.jsonl", NULL);
        sample_alert_fill(&sample);
        sink_alert(sink, &sample.alert);
        sample_alert_fill_least(&sample);
        sink_alert(sink, &sample.alert);
        assert_int_equal(sink->delivered, 2);
        assert_int_equal(sink_close(sink), 0);
        char *text = read_whole("a.jsonl");
        assert_string_equal(
                text,
                "{\"id\":\"9f2c0123456789abcdef0123456789ab\",\"revision\":2,\"state\":\"update\",\"time\":\"2026-03-01T02:"
                "03:04.567891Z\","
                "\"sensor\":\"edge-1\",\"tenant\":\"north-power\",\"type\":\"destination.unlisted\",\"severity\":\"medium\","
                "\"score\":55,"
                "\"confidence\":\"likely\",\"title\":\"10.20.0.7 talks to "
                "fota.vendor.example\",\"fleet\":\"meters-north\",\"scope\":\"device\","
                "\"rule\":\"otherwise\",\"policy\":\"sha256:00\",\"device\":{\"ip\":\"10.20.0.7\",\"imsi\":"
                "\"262011234567890\","
                "\"imei\":\"8612340512345601\",\"msisdn\":\"4915112345678\",\"apn\":\"meters.utility.example\",\"vendor\":"
                "\"Quectel\","
                "\"model\":\"BG95-M3\",\"rat\":\"NB-IoT\",\"plmn\":\"262-01\",\"cell\":\"ecgi:262-01-168496129\",\"site\":"
                "\"cellar 3\","
                "\"context\":\"water\"},\"peer\":{\"ip\":\"198.51.100.9\",\"port\":443,\"name\":\"fota.vendor.example\","
                "\"name_source\":\"sni\","
                "\"country\":\"DE\",\"asn\":64500,\"vendor\":\"Quectel\",\"purpose\":\"update\"},"
                "\"flow\":{\"community_id\":\"1:wCb3OG7yAFWelaUydu0D+125CLM=\",\"protocol\":\"tcp\",\"app\":\"TLS.Google\","
                "\"start\":\"2026-03-01T02:03:04.567891Z\",\"bytes_up\":1616,\"bytes_down\":8044000000,\"packets\":25,"
                "\"tap\":\"sgi-1\","
                "\"teid_up\":1,\"teid_down\":4294967295,\"device_port\":50096},"
                "\"detail\":{\"reason\":\"not_listed\",\"answered\":true,\"direction\":\"out\",\"object\":{\"size\":1048576,"
                "\"type\":\"zip\","
                "\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"name\":\"fw.bin\"},"
                "\"path\":\"/fw/\xc3\xa9.bin\",\"user_agent\":\"agent "
                "\\\"x\\\"\",\"latitude\":52.520008,\"longitude\":-13.404954,\"cadence_s\":60},"
                "\"evidence\":[{\"file\":\"a.pcap\",\"frame\":1234,\"text\":\"GET "
                "/fw\"}],\"attack\":[\"T1693.002\",\"T0885\"],\"count\":1,"
                "\"first\":\"2026-03-01T02:03:04.567891Z\",\"last\":\"2026-03-01T02:03:04.567891Z\",\"devices\":[\"10.20.0."
                "7\",\"2001:db8::7\"],"
                "\"device_count\":2}\n"
                "{\"id\":\"9f2c0123456789abcdef0123456789ab\",\"revision\":1,\"state\":\"open\",\"time\":\"2026-03-01T02:03:"
                "04.567891Z\","
                "\"type\":\"destination.unlisted\",\"severity\":\"medium\",\"score\":55,\"confidence\":\"likely\","
                "\"title\":\"10.20.0.7 talks to fota.vendor.example\",\"scope\":\"device\",\"count\":1,"
                "\"first\":\"2026-03-01T02:03:04.567891Z\",\"last\":\"2026-03-01T02:03:04.567891Z\"}\n");
        free(text);
}

static const char *text_at(json_t *object, const char *a, const char *b)
{
        json_t *inner = json_object_get(object, a);
        return json_string_value(b ? json_object_get(inner, b) : inner);
}

static json_t *eve_line(struct sample_alert *sample)
{
        struct sink *sink = open_sink("eve", "eve.json", NULL);
        sink_alert(sink, &sample->alert);
        assert_int_equal(sink_close(sink), 0);
        json_t *line = json_load_file(path_of("eve.json"), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(line);
        return line;
}

static void an_eve_line_has_suricatas_names_and_all_of_ours(void **state)
{
        (void)state;
        struct sample_alert sample;
        sample_alert_fill(&sample);
        json_t *line = eve_line(&sample), *alert = json_object_get(line, "alert");
        assert_string_equal(text_at(line, "timestamp", NULL), "2026-03-01T02:03:04.567891+0000");
        assert_string_equal(text_at(line, "event_type", NULL), "alert");
        assert_string_equal(text_at(line, "host", NULL), "edge-1");
        assert_string_equal(text_at(line, "src_ip", NULL), "10.20.0.7");
        assert_int_equal(json_integer_value(json_object_get(line, "src_port")), 50096);
        assert_string_equal(text_at(line, "dest_ip", NULL), "198.51.100.9");
        assert_int_equal(json_integer_value(json_object_get(line, "dest_port")), 443);
        assert_string_equal(text_at(line, "proto", NULL), "TCP");
        assert_string_equal(text_at(line, "app_proto", NULL), "tls");
        assert_string_equal(text_at(line, "tls", "sni"), "fota.vendor.example");
        assert_string_equal(text_at(line, "community_id", NULL), "1:wCb3OG7yAFWelaUydu0D+125CLM=");
        assert_true(json_integer_value(json_object_get(line, "flow_id")) > 0);
        assert_true(json_integer_value(json_object_get(line, "flow_id")) < INT64_C(1) << 53);
        assert_string_equal(text_at(alert, "action", NULL), "allowed");
        assert_int_equal(json_integer_value(json_object_get(alert, "signature_id")), 1001001);
        assert_int_equal(json_integer_value(json_object_get(alert, "severity")), 2);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "flow"), "bytes_toclient")), 8044000000);
        assert_string_equal(text_at(line, "apnwatch", "type"), "destination.unlisted");
        assert_string_equal(text_at(json_object_get(line, "apnwatch"), "device", "imsi"), "262011234567890");
        json_decref(line);
}

static void in_eve_who_opened_is_the_source(void **state)
{
        (void)state;
        struct sample_alert sample;
        sample_alert_fill(&sample);
        char direction[] = "in", type[] = "access.inbound";
        sample.detail.direction = direction;
        sample.alert.type = type;
        json_t *line = eve_line(&sample);
        assert_string_equal(text_at(line, "src_ip", NULL), "198.51.100.9");
        assert_int_equal(json_integer_value(json_object_get(line, "dest_port")), 50096);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "flow"), "bytes_toserver")), 8044000000);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "alert"), "signature_id")), 1002001);
        json_decref(line);
        sample_alert_fill_least(&sample);
        line = eve_line(&sample);
        assert_null(json_object_get(line, "src_ip"));
        assert_null(json_object_get(line, "flow"));
        json_decref(line);
}

static void signatures_are_never_shared(void **state)
{
        (void)state;
        static const char *const types[] = {"destination.unlisted", "update.pull", "location.report",
                                            "sensor.blind",         "gtp.nested",  "no.such"};
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
                for (size_t n = 0; n < i; n++)
                        assert_int_not_equal(eve_signature_of(types[i])->id, eve_signature_of(types[n])->id);
        assert_int_equal(eve_signature_of("sensor.blind")->id, 1010004);
        assert_int_equal(eve_signature_of("no.such")->id, 1000001);
}

static void filters_let_through_what_they_name(void **state)
{
        (void)state;
        static const char *updates[] = {"location.*", "update.*"}, *destinations[] = {"destination.*"},
                          *north[] = {"north-*"}, *meters[] = {"meters-north"};
        const struct { struct sink_filter filter; bool full, least; } rows[] = {
                {{.min_severity = 0}, true, true},
                {{.min_severity = APNWATCH__V1__ALERT__SEVERITY__MEDIUM}, true, true},
                {{.min_severity = APNWATCH__V1__ALERT__SEVERITY__HIGH}, false, false},
                {{.types = updates, .type_count = 2}, false, false},
                {{.types = destinations, .type_count = 1}, true, true},
                {{.tenants = north, .tenant_count = 1}, true, false},   /* the least has no tenant */
                {{.fleets = meters, .fleet_count = 1}, true, false},
                {{.fleets = north, .fleet_count = 1}, false, false},
        };
        struct sample_alert full, least;
        sample_alert_fill(&full);
        sample_alert_fill_least(&least);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct sink *sink = open_sink("jsonl", "filtered.jsonl", &rows[i].filter);
                sink_alert(sink, &full.alert);
                assert_int_equal(sink->delivered, rows[i].full);
                sink_alert(sink, &least.alert);
                assert_int_equal(sink->delivered, rows[i].full + rows[i].least);
                assert_int_equal(sink->delivered + sink->filtered, 2);
                assert_int_equal(sink_close(sink), 0);
        }
}

static void what_cannot_be_opened_is_refused_with_the_reason(void **state)
{
        (void)state;
        assert_int_equal(symlink("loop", path_of("loop")), 0);
        assert_int_equal(symlink(folder, path_of("to_folder")), 0);
        const struct {
                const char *given, *reason;
        } rows[] = {
                {"out.jsonl", "expected KIND:TARGET with one of jsonl:, eve:, events:, summary:"},
                {"jsonl:", "a path is missing (- is standard output) behind the colon"},
                {"csv:x", "there is no such kind (there are jsonl:"},
                {"redis://", "output redis://: "},
                {"redis://sensor:secret@host", "output redis: "},
                {"rediss://sensor:secret/x@host", "output rediss: "},
                {"case:x.db", "is not built yet"},
                {"ecs:x", "is not built yet"},
                {"ocsf:x", "is not built yet"},
                {"html:x", "is not built yet"},
                {"objects:x", "is not built yet"},
                {"pcap:x", "is not built yet"},
                {"webhook:", "an address is missing behind the colon"},
                {"webhook:a.example", "output webhook:a.example: expected http:// or https://"},
                {"webhook:syslog://a.example", "expected http:// or https://"},
                {"webhook:https://user:secret@a.example/", "output webhook:https: has credentials in it"},
                {"syslog:a.example", "a host is missing"},
                {"syslog+tls://a.example/x", "nothing may follow host and port"},
                {"syslogs://secret@a.example", "output syslogs: has credentials in it"},
                {"jsonl:/no/such/folder/x", "cannot write /no/such/folder/x: No such file or directory"},
                {"eve:/", "cannot write /: Is a directory"},
                {"events:LOOP", "Too many levels of symbolic links"},
                {"summary:FOLDER", "Is a directory"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                char given[PATH_MAX + 16], error[600] = "";
                snprintf(given, sizeof given, "%s", rows[i].given);
                if (strcmp(given, "events:LOOP") == 0)
                        snprintf(given, sizeof given, "events:%s", path_of("loop"));
                if (strcmp(given, "summary:FOLDER") == 0)
                        snprintf(given, sizeof given, "summary:%s", path_of("to_folder"));
                assert_null(sink_open(given, NULL, NULL, &run, error, sizeof error));
                if (strstr(error, rows[i].reason) == NULL || strstr(error, "secret") != NULL || strstr(error, "cret@") != NULL)
                        fail_msg("%s: %s", given, error);
        }
}

static void a_link_is_followed(void **state)
{
        (void)state;
        assert_int_equal(symlink("linked.jsonl", path_of("link")), 0);
        struct sample_alert sample;
        sample_alert_fill_least(&sample);
        struct sink *sink = open_sink("jsonl", "link", NULL);
        sink_alert(sink, &sample.alert);
        assert_int_equal(sink_close(sink), 0);
        char *text = read_whole("linked.jsonl");
        assert_non_null(strstr(text, "\"count\":1"));
        free(text);
}

static void one_file_has_one_writer(void **state)
{
        (void)state;
        char error[600], given[PATH_MAX + 16];
        assert_int_equal(symlink("once", path_of("also_once")), 0);
        struct sink *first = open_sink("jsonl", "once", NULL);
        snprintf(given, sizeof given, "eve:%s", path_of("also_once"));
        assert_null(sink_open(given, NULL, NULL, &run, error, sizeof error));
        assert_non_null(strstr(error, "it is in use"));
        sink_close(first);
        struct sink *again = sink_open(given, NULL, NULL, &run, error, sizeof error);
        assert_non_null(again);
        sink_close(again);
        struct sink *null_first = open_sink("jsonl", "/dev/null", NULL), *null_second = open_sink("eve", "/dev/null", NULL);
        sink_close(null_first);
        sink_close(null_second);
        struct sink *standard = open_sink("jsonl", "-", NULL);
        assert_true(sink_is_standard_output(standard));
        assert_false(sink_is_standard_output(again = open_sink("jsonl", "/dev/null", NULL)));
        assert_null(sink_open("eve:-", NULL, NULL, &run, error, sizeof error));
        sink_close(again);
        sink_close(standard);
}

static void a_full_disk_is_told_once_and_at_the_latest_at_close(void **state)
{
        (void)state;
        static const char *const kinds[] = {"jsonl", "eve", "events", "summary"};
        struct sample_alert sample;
        event_t event = APNWATCH__V1__EVENT__INIT;
        sample_alert_fill(&sample);
        for (unsigned i = 0; i < 4; i++) {
                struct sink *sink = open_sink(kinds[i], "/dev/full", NULL);
                sink_alert(sink, &sample.alert);
                sink_event(sink, &event);
                sink_summary(sink, "{}");
                assert_int_equal(sink->failed, 0);
                assert_int_equal(sink_close(sink), -ENOSPC);
        }
        struct sink *sink = open_sink("jsonl", "/dev/full", NULL);
        for (unsigned i = 0; i < 1000; i++)
                sink_alert(sink, &sample.alert);
        assert_int_equal(sink->failed, -ENOSPC);
        assert_true(sink->lost > 500);
        assert_int_equal(sink->lost + sink->delivered, 1000);
        assert_int_equal(sink_close(sink), -ENOSPC);
}

static void a_closed_pipe_is_a_failure_like_others(void **state)
{
        (void)state;
        char path[64];
        int ends[2];
        struct sample_alert sample;
        sample_alert_fill(&sample);
        assert_int_equal(pipe(ends), 0);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
        struct sink *sink = open_sink("jsonl", path, NULL);
        close(ends[0]);
        sink_alert(sink, &sample.alert);
        sink_flush(sink);
        assert_int_equal(sink->failed, -EPIPE);
        assert_int_equal(sink_close(sink), -EPIPE);
        close(ends[1]);
}

/* A limit of the file's size stands for a disk that fills while a line is being written. */
static void where_the_disk_ends_whole_lines_stay(void **state)
{
        (void)state;
        enum { LIMIT = 300 * 1024 };
        struct rlimit before, limit;
        struct sample_alert sample;
        sample_alert_fill(&sample);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = LIMIT;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        struct sink *sink = open_sink("jsonl", "limited", NULL);
        for (unsigned i = 0; i < 600; i++)
                sink_alert(sink, &sample.alert);
        assert_int_equal(sink_close(sink), -EFBIG);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        char *text = read_whole("limited");
        size_t length = strlen(text);
        assert_true(length > LIMIT - 4096 && length <= LIMIT);
        assert_int_equal(text[length - 1], '\n');
        free(text);
}

static void lines_are_appended_only_when_asked(void **state)
{
        (void)state;
        struct sample_alert sample;
        sample_alert_fill_least(&sample);
        char given[PATH_MAX + 16], error[600];
        snprintf(given, sizeof given, "jsonl:%s", path_of("grown"));
        static const unsigned expected[] = {1, 2, 1};
        for (unsigned round = 0; round < 3; round++) {
                struct sink_run appending = run;
                appending.append = round < 2;
                struct sink *sink = sink_open(given, NULL, NULL, &appending, error, sizeof error);
                assert_non_null(sink);
                sink_alert(sink, &sample.alert);
                assert_int_equal(sink_close(sink), 0);
                char *text = read_whole("grown");
                unsigned lines = 0;
                for (const char *at = text; *at; at++)
                        lines += *at == '\n';
                assert_int_equal(lines, expected[round]);
                free(text);
        }
}

static void flushed_lines_are_there_at_once(void **state)
{
        (void)state;
        struct sample_alert sample;
        struct stat status;
        sample_alert_fill_least(&sample);
        struct sink *sink = open_sink("jsonl", "live", NULL);
        sink_alert(sink, &sample.alert);
        assert_int_equal(stat(path_of("live"), &status), 0);
        assert_int_equal(status.st_size, 0);
        sink_flush(sink);
        assert_int_equal(stat(path_of("live"), &status), 0);
        assert_true(status.st_size > 100);
        sink_close(sink);
}

static void the_event_log_comes_back(void **state)
{
        (void)state;
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &tick;
        struct sink *sink = open_sink("events", "log", NULL);
        assert_true(sink_wants_events(sink));
        assert_false(sink_wants_summary(sink));
        for (event.clock = 0; event.clock < 50000; event.clock++)
                sink_event(sink, &event);
        assert_int_equal(sink_close(sink), 0);
        char error[600], given[PATH_MAX + 16];
        snprintf(given, sizeof given, "events:%s", path_of("log"));
        struct event_log *log = event_log_open(path_of("log"), error, sizeof error);
        assert_non_null(log);
        assert_string_equal(event_log_head(log)->sensor, "edge-1");
        assert_string_equal(event_log_head(log)->configuration_digest, "c0ffee");
        const event_t *got;
        for (uint64_t clock = 0; clock < 50000; clock++) {
                assert_int_equal(event_log_next(log, &got), EVENT_LOG_EVENT);
                assert_int_equal(got->clock, clock);
        }
        assert_int_equal(event_log_next(log, &got), EVENT_LOG_END);
        assert_null(sink_open(given, NULL, NULL, &run, error, sizeof error)); /* what is read is not written over */
        event_log_close(log);
}

static void the_summary_is_the_object_as_it_is(void **state)
{
        (void)state;
        struct sample_alert sample;
        sample_alert_fill_least(&sample);
        struct sink *sink = open_sink("summary", "summary.json", NULL);
        assert_true(sink_wants_summary(sink));
        sink_alert(sink, &sample.alert); /* not taken */
        sink_summary(sink, "{\"inputs\":[]}");
        assert_int_equal(sink->delivered, 0);
        assert_int_equal(sink_close(sink), 0);
        char *text = read_whole("summary.json");
        assert_string_equal(text, "{\"inputs\":[]}\n");
        free(text);
}

static int make_folder(void **state)
{
        (void)state;
        signal(SIGPIPE, SIG_IGN);
        signal(SIGXFSZ, SIG_IGN);
        return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
        (void)state;
        static const char *const names[] = {"a.jsonl",      "eve.json",    "filtered.jsonl", "loop",    "to_folder", "link",
                                            "linked.jsonl", "once",        "also_once",      "limited", "grown",     "live",
                                            "log",          "summary.json"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                unlink(path_of(names[i]));
        return rmdir(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_alert_is_one_line_with_the_names_of_the_interface),
                cmocka_unit_test(an_eve_line_has_suricatas_names_and_all_of_ours),
                cmocka_unit_test(in_eve_who_opened_is_the_source),
                cmocka_unit_test(signatures_are_never_shared),
                cmocka_unit_test(filters_let_through_what_they_name),
                cmocka_unit_test(what_cannot_be_opened_is_refused_with_the_reason),
                cmocka_unit_test(a_link_is_followed),
                cmocka_unit_test(one_file_has_one_writer),
                cmocka_unit_test(a_full_disk_is_told_once_and_at_the_latest_at_close),
                cmocka_unit_test(a_closed_pipe_is_a_failure_like_others),
                cmocka_unit_test(where_the_disk_ends_whole_lines_stay),
                cmocka_unit_test(lines_are_appended_only_when_asked),
                cmocka_unit_test(flushed_lines_are_there_at_once),
                cmocka_unit_test(the_event_log_comes_back),
                cmocka_unit_test(the_summary_is_the_object_as_it_is),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
