/* INTERFACE, "Policy" and "Alert", sentence by sentence, for location.*; and what the sensor tells of itself. */
#include <string.h>

#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

static const char intel[] = "vendor: Locator\n"
                            "controller: unknown\n"
                            "rows:\n"
                            "  - {host: lbs.locator.example, purpose: location, confidence: code, source: doc}\n"
                            "  - {ip: 198.51.100.55, purpose: agnss, confidence: code, source: doc}\n"
                            "  - {url_regex: '(?i)[?&]mcc=[0-9]{3}&mnc=[0-9]{1,3}&(lac|tac)=[0-9A-F]+', purpose: location, "
                            "confidence: code, source: doc}\n";

static const char policy[] =
        "version: 1\n"
        "infrastructure: [10.0.0.0/24]\n"
        "fleets:\n"
        "  - name: trackers\n"
        "    members: [{prefix: 10.20.0.0/20}]\n"
        "    location: {receivers: [{name: track, domain: track.utility.example, protocol: tcp}]}\n"
        "  - name: closed\n"
        "    members: [{prefix: 10.20.16.0/24}]\n"
        "    location: {}\n"
        "  - name: free\n"
        "    members: [{prefix: 10.20.32.0/24}]\n"
        "    destinations: {allow: [{name: own, prefix: 192.0.2.0/24}], otherwise: allow}\n";

static void tell_position(struct court *court, const struct court_flow *flow, Apnwatch__V1__Position__Grade grade,
                          double at_s, bool from_device)
{
        Apnwatch__V1__Position position = APNWATCH__V1__POSITION__INIT;
        Apnwatch__V1__Cell cell = APNWATCH__V1__CELL__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        position.grade = grade;
        position.family = (char *)"JSON";
        position.carrier = (char *)"HTTP";
        position.has_latitude = position.has_longitude = grade != APNWATCH__V1__POSITION__GRADE__CELL_ONLY;
        position.latitude = 54.3233;
        position.longitude = 10.1228;
        cell.has_mcc = cell.has_mnc = cell.has_mnc_digits = cell.has_id = true;
        cell.mcc = 262;
        cell.mnc = 1;
        cell.mnc_digits = 2;
        cell.id = 168496129;
        cell.kind = (char *)"ecgi";
        position.cell = &cell;
        event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
        event.position = &position;
        court_event(court, flow, &event, at_s, from_device);
}

static void expect_report(const struct court_flow *flow, Apnwatch__V1__Position__Grade grade, int severity)
{
        struct court *court = court_open(policy, intel, NULL);
        tell_position(court, flow, grade, 10, true);
        assert_string_equal(court_types(court), severity < 0 ? "" : "location.report");
        if (severity >= 0)
                assert_int_equal(court->alerts[0]->severity, severity);
        court_close(court);
}

static void the_location_section_absent_empty_and_given_differ(void **state)
{
        (void)state;
        static const struct {
                struct court_flow flow;
                int severity; /* of checked, of heuristic; -1: no finding */
                int heuristic;
        } rows[] = {
                {{.device = "10.20.0.7", .peer = "198.51.100.9", .name = "track.utility.example"}, -1, -1},
                {{.device = "10.20.0.7", .peer = "198.51.100.9", .name = "other.example"},
                 APNWATCH__V1__ALERT__SEVERITY__HIGH,
                 APNWATCH__V1__ALERT__SEVERITY__MEDIUM},
                {{.device = "10.20.16.1", .peer = "198.51.100.9", .name = "track.utility.example"},
                 APNWATCH__V1__ALERT__SEVERITY__HIGH,
                 APNWATCH__V1__ALERT__SEVERITY__MEDIUM},
                {{.device = "10.20.32.1", .peer = "198.51.100.9"},
                 APNWATCH__V1__ALERT__SEVERITY__MEDIUM,
                 APNWATCH__V1__ALERT__SEVERITY__LOW},
                {{.device = "10.20.32.1", .peer = "192.0.2.9"},
                 APNWATCH__V1__ALERT__SEVERITY__INFO,
                 APNWATCH__V1__ALERT__SEVERITY__INFO},
                {{.device = "10.20.99.1", .peer = "198.51.100.9"},
                 APNWATCH__V1__ALERT__SEVERITY__MEDIUM,
                 APNWATCH__V1__ALERT__SEVERITY__LOW},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court_flow flow = rows[i].flow;
                flow.opener = OUT;
                flow.peer_port = 80;
                flow.label = "HTTP";
                flow.is_host = true;
                expect_report(&flow, APNWATCH__V1__POSITION__GRADE__CHECKED, rows[i].severity);
                expect_report(&flow, APNWATCH__V1__POSITION__GRADE__HEURISTIC, rows[i].heuristic);
        }
}

static void what_a_server_says_or_the_operator_asks_is_no_report(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct court_flow flow = {.device = "10.20.32.1", .peer = "198.51.100.9", .peer_port = 80, .opener = OUT};
        tell_position(court, &flow, APNWATCH__V1__POSITION__GRADE__CHECKED, 10, false);
        flow.peer = "10.0.0.9";
        flow.opener = IN;
        tell_position(court, &flow, APNWATCH__V1__POSITION__GRADE__CHECKED, 10, true);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void positions_for_one_receiver_are_one_alert(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct court_flow flow = {.device = "10.20.32.1", .peer = "198.51.100.9", .peer_port = 5000, .opener = OUT, .id = 5};
        for (int i = 0; i < 5; i++) {
                flow.start_s = i * 300;
                tell_position(court, &flow, APNWATCH__V1__POSITION__GRADE__CHECKED, i * 300, true);
        }
        assert_string_equal(court_types(court), "location.report");
        const Apnwatch__V1__Alert *alert = court->alerts[0];
        assert_int_equal(alert->count, 5);
        assert_int_equal(alert->detail->cadence_s, 300);
        assert_true(alert->detail->latitude > 54.32 && alert->detail->latitude < 54.33);
        assert_string_equal(alert->detail->cell, "ecgi:262-01-168496129");
        assert_string_equal(alert->detail->family, "JSON");
        assert_string_equal(alert->detail->protocol, "HTTP");
        assert_int_equal(alert->evidence[0]->frame, 1);
        assert_string_equal(alert->evidence[0]->text, "JSON position 54.3233, 10.1228");
        court_close(court);
}

static void a_cell_alone_is_a_report_too(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct court_flow flow = {.device = "10.20.32.1", .peer = "198.51.100.9", .peer_port = 5000, .opener = OUT};
        tell_position(court, &flow, APNWATCH__V1__POSITION__GRADE__CELL_ONLY, 1, true);
        assert_string_equal(court_types(court), "location.report");
        assert_false(court->alerts[0]->detail->has_latitude);
        assert_string_equal(court->alerts[0]->detail->cell, "ecgi:262-01-168496129");
        court_close(court);
}

static void an_allowed_destination_is_told_once_a_fleet(void **state)
{
        (void)state;
        static const char *const devices[] = {"10.20.32.1", "10.20.32.2", "10.20.32.3"};
        struct court *court = court_open(policy, intel, NULL);
        for (unsigned i = 0; i < 3; i++) {
                struct court_flow flow = {.device = devices[i], .peer = "192.0.2.9", .peer_port = 80, .opener = OUT};
                tell_position(court, &flow, APNWATCH__V1__POSITION__GRADE__CHECKED, i, true);
        }
        assert_string_equal(court_types(court), "location.report");
        assert_int_equal(court->alerts[0]->scope, APNWATCH__V1__ALERT__SCOPE__FLEET);
        assert_int_equal(court->alerts[0]->device_count, 3);
        assert_int_equal(court->alerts[0]->n_devices, 3);
        court_close(court);
}

static void a_locator_is_known_by_name_address_and_request(void **state)
{
        (void)state;
        static const struct {
                struct court_flow flow;
                const char *types;
        } rows[] = {
                {{.device = "10.20.32.1", .peer = "198.51.100.9", .name = "lbs.locator.example"}, "location.lookup"},
                {{.device = "10.20.32.1", .peer = "198.51.100.9", .name = "www.locator.example"}, ""},
                {{.device = "10.20.32.1", .peer = "198.51.100.55"}, "location.lookup"},
                {{.device = "10.20.0.7", .peer = "198.51.100.55", .protocol = 17}, "location.lookup"},
                {{.device = "10.20.0.7", .peer = "198.51.100.55"}, ""}, /* may be a receiver: nothing tells its name */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(policy, intel, NULL);
                struct court_flow flow = rows[i].flow;
                flow.opener = OUT;
                flow.peer_port = 443;
                court_flow(court, &flow);
                assert_string_equal(court_types(court), rows[i].types);
                court_close(court);
        }
        struct court *court = court_open(policy, intel, NULL);
        struct court_flow flow = {.device = "10.20.32.1", .peer = "198.51.100.9", .peer_port = 80, .opener = OUT};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = APNWATCH__V1__TRANSFER__PHASE__ENDED;
        transfer.protocol = (char *)"HTTP";
        transfer.host = (char *)"api.example";
        transfer.path = (char *)"/cell?x=1&mcc=262&mnc=01&lac=1A&ci=2";
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(court, &flow, &event, 1, true);
        assert_string_equal(court_types(court), "location.lookup");
        assert_string_equal(court->alerts[0]->peer->name, "api.example");
        court_close(court);
}

static void a_supl_request_and_its_flow_are_one_lookup(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct court_flow flow = {
                .device = "10.20.32.1", .peer = "198.51.100.55", .peer_port = 7275, .opener = OUT, .id = 9};
        Apnwatch__V1__Lookup lookup = APNWATCH__V1__LOOKUP__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        lookup.family = (char *)"SUPL";
        lookup.message = (char *)"SUPL START";
        event.body_case = APNWATCH__V1__EVENT__BODY_LOOKUP;
        event.lookup = &lookup;
        court_event(court, &flow, &event, 1, true);
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "location.lookup");
        assert_int_equal(court->alerts[0]->count, 1);
        assert_string_equal(court->alerts[0]->detail->family, "SUPL");
        assert_string_equal(court->alerts[0]->evidence[0]->text, "SUPL START");
        court_close(court);
}

static void a_lookup_says_whether_it_was_answered(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct court_flow flow = {
                .device = "10.20.32.1", .peer = "198.51.100.55", .peer_port = 80, .opener = OUT, .unanswered = true};
        flow.id = court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__START, true);
        flow.unanswered = false;
        court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, false);
        assert_string_equal(court_types(court), "location.lookup");
        assert_true(court->alerts[0]->detail->answered);
        assert_int_equal(court->alerts[0]->count, 1);
        assert_int_equal(court->alerts[0]->flow->packets, 5);
        court_close(court);
}

static void lost_packets_are_told_above_a_hundredth(void **state)
{
        (void)state;
        static const struct {
                uint64_t read, cut;
                const char *types;
                int severity;
        } rows[] = {
                {10000, 99, "", 0}, {100000, 999, "", 0}, {100000, 1000, "sensor.loss", 1}, {1000, 100, "sensor.loss", 2}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(NULL, NULL, NULL);
                Apnwatch__V1__Counters__Counter read = APNWATCH__V1__COUNTERS__COUNTER__INIT,
                                                cut = APNWATCH__V1__COUNTERS__COUNTER__INIT;
                Apnwatch__V1__Counters__Counter *list[] = {&read, &cut};
                Apnwatch__V1__Counters counters = APNWATCH__V1__COUNTERS__INIT;
                event_t event = APNWATCH__V1__EVENT__INIT;
                read.name = (char *)"frames.read";
                read.value = rows[i].read;
                cut.name = (char *)"loss.cut_frames";
                cut.value = rows[i].cut;
                counters.counter = list;
                counters.n_counter = 2;
                event.clock = (uint64_t)COURT_NS(1);
                event.body_case = APNWATCH__V1__EVENT__BODY_COUNTERS;
                event.counters = &counters;
                judge_event(court->judge, &event);
                assert_string_equal(court_types(court), rows[i].types);
                if (court->count > 0) {
                        assert_int_equal(court->alerts[0]->severity, rows[i].severity);
                        assert_int_equal(court->alerts[0]->scope, APNWATCH__V1__ALERT__SCOPE__SENSOR);
                        assert_non_null(strstr(court->alerts[0]->detail->reason, "loss.cut_frames"));
                }
                court_close(court);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_location_section_absent_empty_and_given_differ),
                cmocka_unit_test(what_a_server_says_or_the_operator_asks_is_no_report),
                cmocka_unit_test(positions_for_one_receiver_are_one_alert),
                cmocka_unit_test(a_cell_alone_is_a_report_too),
                cmocka_unit_test(an_allowed_destination_is_told_once_a_fleet),
                cmocka_unit_test(a_locator_is_known_by_name_address_and_request),
                cmocka_unit_test(a_supl_request_and_its_flow_are_one_lookup),
                cmocka_unit_test(a_lookup_says_whether_it_was_answered),
                cmocka_unit_test(lost_packets_are_told_above_a_hundredth),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
