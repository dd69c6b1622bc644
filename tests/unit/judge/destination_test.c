/* INTERFACE, "Policy", sentence by sentence, for destination.* and access.inbound. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

static const char policy[] =
        "version: 1\n"
        "devices: [10.20.0.0/16]\n"
        "infrastructure: [10.0.0.0/24]\n"
        "fleets:\n"
        "  - name: meters\n"
        "    tenant: north-power\n"
        "    members: [{prefix: 10.20.0.0/20}]\n"
        "    destinations:\n"
        "      deny:\n"
        "        - {name: no-go, prefix: 203.0.113.0/24}\n"
        "        - {name: no-name, domain: \"*.evil.example\"}\n"
        "      allow:\n"
        "        - {name: poll, prefix: 192.0.2.10/32, protocol: tcp, port: 4059, direction: in}\n"
        "        - {name: broker, domain: \"*.iot.utility.example\", protocol: tcp, port: [8883, 443]}\n"
        "        - {name: resolver, prefix: 10.0.0.53/32, port: 53}\n"
        "        - {name: neighbours, fleet: gateways, protocol: udp, port: 5683}\n"
        "        - {name: web, prefix: 192.0.2.80/32, protocol: tcp, port: 80, app: HTTP}\n"
        "  - name: gateways\n"
        "    members: [{prefix: 10.20.16.0/24}]\n"
        "    destinations: {}\n"
        "  - name: free\n"
        "    members: [{prefix: 10.20.32.0/24}]\n";

static void expect(const struct court_flow *flow, const char *types)
{
        struct court *court = court_open(policy, NULL, NULL);
        court_flow(court, flow);
        assert_string_equal(court_types(court), types);
        court_close(court);
}

static void of_one_flow_at_most_one_is_raised_in_order(void **state)
{
        (void)state;
        static const struct {
                struct court_flow flow;
                const char *types;
        } rows[] = {
                {{.device = "10.20.0.7", .peer = "198.51.100.9", .peer_port = 9443, .opener = OUT}, "destination.unlisted"},
                {{.device = "10.20.0.7", .peer = "203.0.113.9", .peer_port = 9443, .opener = OUT}, "destination.blocked"},
                {{.device = "10.20.0.7", .peer = "203.0.113.9", .device_port = 23, .peer_port = 50000, .opener = IN},
                 "destination.blocked"},
                {{.device = "10.20.0.7", .peer = "10.20.0.8", .peer_port = 23, .opener = OUT, .peer_is_device = true},
                 "destination.lateral"},
                {{.device = "10.20.0.7", .peer = "198.51.100.9", .device_port = 23, .peer_port = 50000, .opener = IN},
                 "access.inbound"},
                {{.device = "10.20.0.7", .peer = "192.0.2.10", .device_port = 4059, .peer_port = 50000, .opener = IN}, ""},
                {{.device = "10.20.0.7", .peer = "192.0.2.10", .device_port = 4060, .peer_port = 50000, .opener = IN},
                 "access.inbound"},
                {{.device = "10.20.0.7", .peer = "192.0.2.10", .peer_port = 4059, .opener = OUT}, "destination.unlisted"},
                {{.device = "10.20.0.7", .peer = "10.0.0.53", .protocol = 17, .peer_port = 53, .opener = OUT}, ""},
                {{.device = "10.20.0.7",
                  .peer = "10.20.16.1",
                  .protocol = 17,
                  .peer_port = 5683,
                  .opener = OUT,
                  .peer_is_device = true},
                 ""},
                {{.device = "10.20.0.7", .peer = "64:ff9b::c633:6409", .peer_port = 9443, .opener = OUT},
                 "destination.unlisted"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                expect(&rows[i].flow, rows[i].types);
}

static void sections_absent_and_empty_differ(void **state)
{
        (void)state;
        struct court_flow free = {.device = "10.20.32.1", .peer = "198.51.100.9", .peer_port = 9443, .opener = OUT};
        struct court_flow none = {.device = "10.20.16.1", .peer = "198.51.100.9", .peer_port = 9443, .opener = OUT};
        struct court_flow unassigned = {.device = "10.20.99.1", .peer = "198.51.100.9", .peer_port = 9443, .opener = OUT};
        expect(&free, "");
        expect(&none, "destination.unlisted");
        expect(&unassigned, "");
        struct court *court = court_open(NULL, NULL, NULL);
        court_flow(court, &none);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void an_unanswered_attempt_counts_with_less_severity(void **state)
{
        (void)state;
        Apnwatch__V1__Alert__Severity severity[2];
        for (unsigned i = 0; i < 2; i++) {
                struct court *court = court_open(policy, NULL, NULL);
                struct court_flow flow = {
                        .device = "10.20.0.7", .peer = "198.51.100.9", .peer_port = 9443, .opener = OUT, .unanswered = i};
                court_flow(court, &flow);
                assert_string_equal(court_types(court), "destination.unlisted");
                assert_true(court->alerts[0]->detail->has_answered);
                assert_int_equal(court->alerts[0]->detail->answered, !i);
                severity[i] = court->alerts[0]->severity;
                court_close(court);
        }
        assert_true(severity[1] < severity[0]);
}

static void an_inbound_attempt_is_told_when_it_is_answered(void **state)
{
        (void)state;
        struct court_flow flow = {.device = "10.20.0.7",
                                  .peer = "198.51.100.9",
                                  .device_port = 23,
                                  .peer_port = 50000,
                                  .opener = IN,
                                  .unanswered = true};
        expect(&flow, "");
        struct court *court = court_open(policy, NULL, NULL);
        flow.id = court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__START, true);
        flow.unanswered = false;
        court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, false);
        assert_string_equal(court_types(court), "access.inbound");
        assert_int_equal(court->alerts[0]->count, 1);
        assert_string_equal(court->alerts[0]->device->ip, "10.20.0.7");
        assert_int_equal(court->alerts[0]->flow->device_port, 23);
        court_close(court);
}

static void a_flow_is_judged_once_and_its_end_tells_the_rest(void **state)
{
        (void)state;
        struct court *court = court_open(policy, NULL, NULL);
        struct court_flow flow = {.device = "10.20.0.7",
                                  .peer = "198.51.100.9",
                                  .peer_port = 9443,
                                  .opener = OUT,
                                  .unanswered = true,
                                  .bytes_up = 60};
        flow.id = court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__START, false);
        court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__KNOWN, true);
        flow.unanswered = false;
        flow.bytes_up = 5000;
        flow.payload_down = 9000;
        flow.last_s = 100;
        court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__UPDATE, false);
        court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, false);
        assert_string_equal(court_types(court), "destination.unlisted");
        const Apnwatch__V1__Alert *alert = court->alerts[0];
        assert_int_equal(alert->count, 1);
        assert_true(alert->detail->answered);
        assert_int_equal(alert->flow->bytes_up, 5000);
        assert_int_equal(alert->severity, APNWATCH__V1__ALERT__SEVERITY__MEDIUM);
        assert_true((int64_t)alert->last->ns == COURT_NS(100));
        court_close(court);
}

static void between_two_devices_the_openers_policy_decides(void **state)
{
        (void)state;
        /* the same flow told from either end: a gateway (nothing allowed) opens to a meter, and the other way round */
        static const struct {
                struct court_flow flow;
                const char *types, *device;
        } rows[] = {
                {{.device = "10.20.0.7",
                  .peer = "10.20.16.1",
                  .device_port = 5683,
                  .peer_port = 6000,
                  .protocol = 17,
                  .opener = IN,
                  .peer_is_device = true},
                 "destination.lateral",
                 "10.20.16.1"},
                {{.device = "10.20.16.1",
                  .peer = "10.20.0.7",
                  .device_port = 5683,
                  .peer_port = 6000,
                  .protocol = 17,
                  .opener = IN,
                  .peer_is_device = true},
                 "",
                 NULL},
                {{.device = "10.20.32.1", .peer = "10.20.0.7", .peer_port = 23, .opener = OUT, .peer_is_device = true},
                 "",
                 NULL},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(policy, NULL, NULL);
                court_flow(court, &rows[i].flow);
                assert_string_equal(court_types(court), rows[i].types);
                if (rows[i].device)
                        assert_string_equal(court->alerts[0]->device->ip, rows[i].device);
                court_close(court);
        }
}

static void what_infrastructure_opens_is_no_finding(void **state)
{
        (void)state;
        struct court_flow flow = {
                .device = "10.20.0.7", .peer = "10.0.0.9", .device_port = 23, .peer_port = 50000, .opener = IN};
        expect(&flow, "");
        flow.opener = OUT;
        expect(&flow, "destination.unlisted");
}

static void housekeeping_of_links_is_not_accused(void **state)
{
        (void)state;
        static const struct court_flow rows[] = {
                {.device = "10.20.0.7",
                 .peer = "224.0.0.251",
                 .protocol = 17,
                 .device_port = 5353,
                 .peer_port = 5353,
                 .opener = OUT},
                {.device = "10.20.0.7",
                 .peer = "255.255.255.255",
                 .protocol = 17,
                 .device_port = 68,
                 .peer_port = 67,
                 .opener = OUT},
                {.device = "10.20.0.7",
                 .peer = "198.51.100.1",
                 .protocol = 17,
                 .device_port = 68,
                 .peer_port = 67,
                 .opener = OUT},
                {.device = "10.20.0.7", .peer = "224.0.0.22", .protocol = 2, .opener = OUT},
                {.device = "10.20.0.7",
                 .peer = "198.51.100.9",
                 .protocol = 1,
                 .icmp_type = 3,
                 .opener = OUT,
                 .unanswered = true},
                {.device = "10.20.0.7",
                 .peer = "198.51.100.9",
                 .protocol = 1,
                 .icmp_type = 11,
                 .opener = IN,
                 .unanswered = true},
                {.device = "0.0.0.0",
                 .peer = "10.20.0.1",
                 .protocol = 17,
                 .device_port = 68,
                 .peer_port = 67,
                 .opener = OUT},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                expect(&rows[i], "");
        struct court_flow echo = {
                .device = "10.20.0.7", .peer = "198.51.100.9", .protocol = 1, .icmp_type = 8, .opener = OUT};
        expect(&echo, "destination.unlisted");
}

static void a_domain_rule_is_met_by_the_devices_answer_or_the_fleets(void **state)
{
        (void)state;
        static const char *const askers[] = {"10.20.0.7", "10.20.0.8"};
        for (unsigned i = 0; i < 2; i++) {
                struct court *court = court_open(policy, NULL, NULL);
                struct court_flow flow = {.device = "10.20.0.7",
                                          .peer = "198.51.100.20",
                                          .peer_port = 8883,
                                          .opener = OUT,
                                          .start_s = 10,
                                          .label = "TLS"};
                court_dns(court, askers[i], "mq.iot.utility.example", NULL, "198.51.100.20", 60, 5);
                court_flow(court, &flow);
                flow.start_s = 4; /* before the answer */
                flow.peer_port = 443;
                court_flow(court, &flow);
                assert_string_equal(court_types(court), "sensor.blind");
                court_close(court);
        }
}

static void a_cname_in_an_answer_counts_as_its_name(void **state)
{
        (void)state;
        struct court *court = court_open(policy, NULL, NULL);
        struct court_flow flow = {
                .device = "10.20.0.7", .peer = "198.51.100.20", .peer_port = 8883, .opener = OUT, .start_s = 10};
        court_dns(court, "10.20.0.7", "mq.iot.utility.example", "edge.cloud.example", "198.51.100.20", 60, 5);
        court_dns(court, "10.20.0.7", "x.other.example", "a.evil.example", "198.51.100.30", 60, 5);
        court_flow(court, &flow);
        flow.peer = "198.51.100.30";
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "destination.blocked");
        assert_string_equal(court->alerts[0]->peer->name, "x.other.example");
        assert_string_equal(court->alerts[0]->peer->name_source, "dns");
        court_close(court);
}

static void where_nobody_resolved_the_name_the_flows_own_meets_it(void **state)
{
        (void)state;
        struct court_flow flow = {.device = "10.20.0.7",
                                  .peer = "198.51.100.20",
                                  .peer_port = 8883,
                                  .opener = OUT,
                                  .start_s = 10,
                                  .label = "TLS",
                                  .name = "mq.iot.utility.example"};
        expect(&flow, "");
        flow.name = "mq.iot.stranger.example";
        expect(&flow, "destination.unlisted");
}

static void an_allowed_name_at_a_strange_address_is_a_mismatch(void **state)
{
        (void)state;
        struct court *court = court_open(policy, NULL, NULL);
        struct court_flow flow = {.device = "10.20.0.7",
                                  .peer = "198.51.100.66",
                                  .peer_port = 8883,
                                  .opener = OUT,
                                  .start_s = 10,
                                  .label = "TLS",
                                  .name = "mq.iot.utility.example"};
        court_dns(court, "10.20.0.8", "mq.iot.utility.example", NULL, "198.51.100.20", 60, 5);
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "destination.unlisted");
        assert_string_equal(court->alerts[0]->detail->reason, "name_mismatch");
        assert_string_equal(court->alerts[0]->peer->name, "mq.iot.utility.example");
        assert_string_equal(court->alerts[0]->peer->name_source, "claimed");
        assert_string_equal(court->alerts[0]->peer->ip, "198.51.100.66");
        court_close(court);
}

static void what_cannot_be_told_is_counted_and_not_accused(void **state)
{
        (void)state;
        struct court *court = court_open(policy, NULL, NULL);
        struct court_flow nameless = {
                .device = "10.20.0.7", .peer = "198.51.100.20", .peer_port = 8883, .opener = OUT, .start_s = 10};
        struct court_flow unseen = {
                .device = "10.20.0.7", .peer = "198.51.100.21", .peer_port = 99, .opener = UNSEEN, .start_s = 10};
        struct court_flow listed = {
                .device = "10.20.0.7", .peer = "10.0.0.53", .protocol = 17, .peer_port = 53, .opener = OUT};
        struct court_flow bare = {
                .device = "10.20.0.7", .peer = "198.51.100.21", .peer_port = 99, .opener = OUT, .start_s = 10};
        court_flow(court, &nameless);
        court_flow(court, &unseen);
        court_flow(court, &listed);
        court_flow(court, &bare);
        assert_string_equal(court_types(court), "destination.unlisted sensor.blind");
        const Apnwatch__V1__Alert *blind = court_alert(court, "sensor.blind");
        assert_int_equal(blind->detail->undetermined, 2);
        assert_int_equal(blind->detail->flows, 4);
        assert_int_equal(blind->scope, APNWATCH__V1__ALERT__SCOPE__FLEET);
        assert_string_equal(blind->fleet, "meters");
        assert_true((int64_t)blind->time->ns == COURT_NS(10));
        court_close(court);
}

static void an_app_is_broken_only_by_a_positive_other_detection(void **state)
{
        (void)state;
        struct court_flow flow = {
                .device = "10.20.0.7", .peer = "192.0.2.80", .peer_port = 80, .opener = OUT, .label = "HTTP"};
        expect(&flow, "");
        flow.label = NULL;
        expect(&flow, "");
        flow.label = "SSH";
        expect(&flow, "destination.unlisted");
        flow.label_source = APNWATCH__V1__FLOW__LABEL_SOURCE__GUESSED;
        expect(&flow, "");
}

static void an_alert_says_what_is_known_and_nothing_else(void **state)
{
        (void)state;
        struct court *court = court_open(policy, NULL, NULL);
        struct court_flow flow = {.device = "10.20.0.7",
                                  .peer = "2001:db8::9",
                                  .peer_port = 9443,
                                  .opener = OUT,
                                  .start_s = 10.5,
                                  .label = "TLS",
                                  .application = "Google",
                                  .context = 1};
        court_flow(court, &flow);
        court_types(court);
        assert_int_equal(court->count, 1);
        const Apnwatch__V1__Alert *alert = court->alerts[0];
        assert_string_equal(alert->title, "Destination that policy does not list: [2001:db8::9]:9443/tcp");
        assert_string_equal(alert->sensor, "edge-1");
        assert_string_equal(alert->tenant, "north-power");
        assert_string_equal(alert->fleet, "meters");
        assert_string_equal(alert->rule, "otherwise");
        assert_int_equal(strncmp(alert->policy, "sha256:", 7), 0);
        assert_string_equal(alert->device->context, "water");
        assert_null(alert->device->imsi);
        assert_null(alert->peer->name);
        assert_null(alert->peer->name_source);
        assert_false(alert->peer->has_asn);
        assert_string_equal(alert->flow->app, "TLS.Google");
        assert_string_equal(alert->flow->protocol, "tcp");
        assert_int_equal(strncmp(alert->flow->community_id, "1:", 2), 0);
        assert_string_equal(alert->evidence[0]->file, "a.pcap");
        assert_int_equal(alert->evidence[0]->frame, 1);
        assert_string_equal(alert->devices[0], "10.20.0.7");
        assert_true((int64_t)alert->time->ns == COURT_NS(10) + 500000000);
        assert_string_equal(alert->detail->direction, "out");
        court_close(court);
}

static void facts_of_the_inventory_hold_for_their_time(void **state)
{
        (void)state;
        static const char inventory[] = "ip,imsi,fleet,vendor,site,from,until\n"
                                        "10.20.99.1,262011234567890,meters,Quectel,Kiel,,2026-03-02\n";
        static const char by_inventory[] = "version: 1\nfleets:\n  - name: meters\n    members: [{inventory: meters}]\n"
                                           "    destinations: {allow: []}\n";
        struct court *court = court_open(by_inventory, NULL, inventory);
        struct court_flow flow = {
                .device = "10.20.99.1", .peer = "198.51.100.9", .peer_port = 9443, .opener = OUT, .start_s = 10};
        court_flow(court, &flow);
        flow.start_s = 86400 * 3; /* listed no more, and in no fleet */
        flow.peer_port = 444;
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "destination.unlisted identity.unknown_device");
        assert_string_equal(court->alerts[0]->device->imsi, "262011234567890");
        assert_string_equal(court->alerts[0]->device->vendor, "Quectel");
        assert_string_equal(court->alerts[0]->device->site, "Kiel");
        court_close(court);
}

static void the_report_says_what_was_seen(void **state)
{
        (void)state;
        struct court *court = court_open(policy, NULL, NULL);
        struct court_flow readable = {.device = "10.20.0.7",
                                      .peer = "192.0.2.80",
                                      .peer_port = 80,
                                      .opener = OUT,
                                      .label = "HTTP",
                                      .name = "x.example",
                                      .is_host = true,
                                      .bytes_up = 920};
        struct court_flow opaque = {
                .device = "10.20.0.8", .peer = "198.51.100.9", .peer_port = 9443, .opener = OUT, .bytes_up = 920};
        court_flow(court, &readable);
        court_flow(court, &opaque);
        court_types(court);
        const struct judge_report *report = judge_report(court->judge);
        assert_int_equal(report->devices, 2);
        assert_int_equal(report->fleets[0]->devices, 2);
        assert_int_equal(report->fleets[0]->bytes[COVERAGE_READABLE], 1000);
        assert_int_equal(report->fleets[0]->bytes[COVERAGE_OPAQUE], 1000);
        assert_int_equal(report->alerts[DESTINATION_UNLISTED][APNWATCH__V1__ALERT__SEVERITY__MEDIUM], 1);
        assert_int_equal(report->devices_by_severity[APNWATCH__V1__ALERT__SEVERITY__MEDIUM], 1);
        assert_int_equal(report->top_count, 1);
        assert_string_equal(report->worst[0].address, "10.20.0.8");
        char *json = judge_report_json(report);
        assert_non_null(strstr(json, "\"readable\":0.5"));
        assert_non_null(strstr(json, "\"by_type\":{\"destination.unlisted\":{\"medium\":1}}"));
        assert_non_null(strstr(json, "\"versions\":{\"apnwatch\":\"0.1.0\""));
        free(json);
        court_close(court);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(of_one_flow_at_most_one_is_raised_in_order),
                cmocka_unit_test(sections_absent_and_empty_differ),
                cmocka_unit_test(an_unanswered_attempt_counts_with_less_severity),
                cmocka_unit_test(an_inbound_attempt_is_told_when_it_is_answered),
                cmocka_unit_test(a_flow_is_judged_once_and_its_end_tells_the_rest),
                cmocka_unit_test(between_two_devices_the_openers_policy_decides),
                cmocka_unit_test(what_infrastructure_opens_is_no_finding),
                cmocka_unit_test(housekeeping_of_links_is_not_accused),
                cmocka_unit_test(a_domain_rule_is_met_by_the_devices_answer_or_the_fleets),
                cmocka_unit_test(a_cname_in_an_answer_counts_as_its_name),
                cmocka_unit_test(where_nobody_resolved_the_name_the_flows_own_meets_it),
                cmocka_unit_test(an_allowed_name_at_a_strange_address_is_a_mismatch),
                cmocka_unit_test(what_cannot_be_told_is_counted_and_not_accused),
                cmocka_unit_test(an_app_is_broken_only_by_a_positive_other_detection),
                cmocka_unit_test(an_alert_says_what_is_known_and_nothing_else),
                cmocka_unit_test(facts_of_the_inventory_hold_for_their_time),
                cmocka_unit_test(the_report_says_what_was_seen),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
