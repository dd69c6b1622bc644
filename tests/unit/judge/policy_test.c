#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/time_zone.h"
#include "judge/policy.h"

#define SECOND 1000000000LL

/* The example of INTERFACE, as far as a test needs it. */
static const char whole[] =
        "version: 1\n"
        "devices: [10.20.0.0/16, \"2001:db8:20::/48\"]\n"
        "nat64: [\"64:ff9b::/96\", \"2001:db8:64::/48\"]\n"
        "infrastructure: [10.0.0.0/24]\n"
        "fleets:\n"
        "  - name: meters-north\n"
        "    tenant: north-power\n"
        "    timezone: Europe/Berlin\n"
        "    mobility: static\n"
        "    members:\n"
        "      - {apn: Meters.utility.example.mnc001.mcc262.gprs, imei_tac: [\"86012345\"]}\n"
        "      - {prefix: 10.20.0.0/20}\n"
        "      - {imsi_prefix: \"26201\"}\n"
        "      - {inventory: meters-north}\n"
        "    destinations:\n"
        "      deny:\n"
        "        - {name: no-go, country: [xx]}\n"
        "        - {name: maker, vendor: Quectel}\n"
        "      allow:\n"
        "        - {name: poll, prefix: 192.0.2.10/32, protocol: tcp, port: 4059, direction: in}\n"
        "        - {name: broker, domain: \"*.IoT.utility.example\", protocol: tcp, port: [8883, 443], app: tls}\n"
        "        - {name: range, domain: [a.example, b.example.], port: \"8000-8010\"}\n"
        "        - {name: vpn, prefix: 192.0.2.99/32, protocol: esp, until: 2027-01-01, ticket: CHG-7}\n"
        "        - {fleet: gateways, protocol: [udp, 132], port: 5683, asn: AS64500}\n"
        "      otherwise: alert\n"
        "    updates:\n"
        "      sources: [{domain: fota.utility.example}]\n"
        "      windows: [\"Sun 01:00-05:00\", \"Sat 22:00-02:00\"]\n"
        "      max_devices_per_hour: 200\n"
        "    location:\n"
        "      receivers: [{domain: track.utility.example}]\n"
        "    contact: {every: 15m, with: poll, answered: true}\n"
        "    maintenance: [\"2026-04-12 01:00/03:00\"]\n"
        "  - {name: gateways, members: [{prefix: 10.21.0.0/16}], destinations: , updates: {}}\n";

static struct policy *parse(const char *text, bool has_geoip, char **messages, char **warnings)
{
        size_t size;
        FILE *errors = open_memstream(messages, &size), *notes = open_memstream(warnings, &size);
        struct policy *policy = policy_parse("p.yaml", text, strlen(text), has_geoip, errors, notes);
        fclose(errors);
        fclose(notes);
        return policy;
}

static struct policy *parse_good(const char *text)
{
        char *messages, *warnings;
        struct policy *policy = parse(text, true, &messages, &warnings);
        if (policy == NULL)
                print_error("%s", messages);
        assert_non_null(policy);
        assert_string_equal(messages, "");
        free(messages);
        free(warnings);
        return policy;
}

static void assert_says(const char *text, bool has_geoip, const char *errors, const char *notes)
{
        char *messages, *warnings;
        struct policy *policy = parse(text, has_geoip, &messages, &warnings);
        assert_string_equal(messages, errors);
        assert_true((policy == NULL) == (*errors != '\0'));
        if (notes != NULL)
                assert_string_equal(warnings, notes);
        policy_destroy(policy);
        free(messages);
        free(warnings);
}

static void every_key_is_read(void **state)
{
        struct policy *policy = parse_good(whole);
        const struct fleet *fleet = &policy->fleets[0];
        const struct rule *allow = fleet->allow.items;
        (void)state;
        assert_int_equal(strncmp(policy->digest, "sha256:", 7), 0);
        assert_int_equal(strlen(policy->digest), 71);
        assert_int_equal(policy->devices.count, 2);
        assert_int_equal(policy->fleet_count, 2);
        assert_int_equal(policy->rule_count, 9);
        assert_string_equal(fleet->tenant, "north-power");
        assert_true(fleet->is_static);
        assert_string_equal(fleet->members[0].apns.items[0], "meters.utility.example");
        assert_string_equal(fleet->deny.items[0].countries.items[0], "XX");
        assert_int_equal(fleet->deny.items[0].direction, DIRECTION_BOTH);
        assert_int_equal(allow[0].direction, DIRECTION_IN);
        assert_int_equal(allow[0].protocols.items[0], 6);
        assert_int_equal(allow[0].ports.items[0].first, 4059);
        assert_string_equal(allow[1].domains.items[0], "*.iot.utility.example");
        assert_string_equal(allow[1].apps.items[0], "TLS");
        assert_int_equal(allow[1].ports.count, 2);
        assert_int_equal(allow[1].direction, DIRECTION_OUT);
        assert_string_equal(allow[2].domains.items[1], "b.example");
        assert_int_equal(allow[2].ports.items[0].last, 8010);
        assert_string_equal(allow[3].ticket, "CHG-7");
        assert_string_equal(allow[4].name, "allow#5");
        assert_int_equal(allow[4].protocols.items[1], 132);
        assert_int_equal(allow[4].asns.items[0], 64500);
        assert_int_equal(allow[4].line, 24);
        assert_int_equal(fleet->updates, SECTION_GIVEN);
        assert_int_equal(fleet->max_devices_per_hour, 200);
        assert_string_equal(fleet->windows_text, "Sun 01:00-05:00, Sat 22:00-02:00");
        assert_int_equal(fleet->location, SECTION_GIVEN);
        assert_int_equal(fleet->contact_every_s, 900);
        assert_true(fleet->contact_answered);
        assert_int_equal(policy->geoip_line, 17);
        policy_destroy(policy);
}

static void absent_and_empty_differ(void **state)
{
        struct policy *policy = parse_good(whole);
        const struct fleet *gateways = policy_fleet_named(policy, "gateways");
        (void)state;
        assert_int_equal(gateways->destinations, SECTION_EMPTY);
        assert_int_equal(gateways->otherwise, OTHERWISE_ALERT);
        assert_int_equal(gateways->updates, SECTION_EMPTY);
        assert_int_equal(gateways->location, SECTION_ABSENT);
        assert_null(policy_fleet_named(policy, "nobody"));
        policy_destroy(policy);
        policy = parse_good("version: 1\nfleets: [{name: a, members: [{prefix: 10.0.0.0/8}]}]\n");
        assert_int_equal(policy->fleets[0].destinations, SECTION_ABSENT);
        assert_int_equal(policy->fleets[0].otherwise, OTHERWISE_ALLOW);
        assert_int_equal(policy->nat64.count, 1);
        policy_destroy(policy);
}

static void dates_are_local_and_inclusive(void **state)
{
        struct policy *policy = parse_good(whole);
        const struct fleet *fleet = &policy->fleets[0];
        (void)state;
        assert_true(fleet->allow.items[3].until_ns == 1798844400 * SECOND); /* 2027-01-02 00:00 in Berlin */
        assert_true(fleet->maintenance[0].start_ns == 1775948400 * SECOND); /* 2026-04-12 01:00, in summer */
        assert_true(fleet->maintenance[0].end_ns == 1775955600 * SECOND);
        assert_true(fleet_in_maintenance(fleet, 1775948400 * SECOND));
        assert_false(fleet_in_maintenance(fleet, 1775955600 * SECOND));
        policy_destroy(policy);
}

static void the_first_fleet_that_matches_takes_the_device(void **state)
{
        static const struct {
                const char *address, *apn, *imsi, *imei, *inventory, *fleet;
        } rows[] = {
                {"10.20.15.1", NULL, NULL, NULL, NULL, "meters-north"},
                {"10.20.16.1", NULL, NULL, NULL, NULL, NULL},
                {"10.21.0.1", NULL, NULL, NULL, NULL, "gateways"},
                {"10.21.0.1", NULL, "262011234567890", NULL, NULL, "meters-north"},
                {"10.21.0.1", NULL, "262021234567890", NULL, "", "gateways"},
                {"10.9.0.1", "METERS.utility.example", NULL, "8601234512345601", NULL, "meters-north"},
                {"10.9.0.1", "meters.utility.example", NULL, "8601234612345601", NULL, NULL},
                {"10.9.0.1", "meters.utility.example", NULL, NULL, NULL, NULL},
                {"10.9.0.1", NULL, NULL, NULL, "meters-north", "meters-north"},
                {"2001:db8:20::1", NULL, NULL, NULL, "others", NULL},
        };
        struct policy *policy = parse_good(whole);
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct policy_subject subject = {.apn = rows[i].apn, .imsi = rows[i].imsi, .imei = rows[i].imei,
                                                 .inventory_fleet = rows[i].inventory};
                assert_true(address_parse(rows[i].address, &subject.address));
                const struct fleet *fleet = policy_fleet_of(policy, &subject);
                if ((fleet == NULL) != (rows[i].fleet == NULL) || (fleet && strcmp(fleet->name, rows[i].fleet) != 0))
                        fail_msg("row %u: %s", i, fleet ? fleet->name : "none");
        }
        assert_null(policy_fleet_of(NULL, &(struct policy_subject){.apn = NULL}));
        policy_destroy(policy);
}

static void nat64_is_unwrapped(void **state)
{
        static const char *const rows[][2] = {
                {"64:ff9b::c000:221", "192.0.2.33"},
                {"2001:db8:64:c000:2:2100::", "192.0.2.33"}, /* RFC 6052, 2.4, with 48 bits */
                {"2001:db8:65::1", "2001:db8:65::1"},
                {"192.0.2.1", "192.0.2.1"},
        };
        struct policy *policy = parse_good(whole);
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct address from, expected;
                assert_true(address_parse(rows[i][0], &from));
                assert_true(address_parse(rows[i][1], &expected));
                struct address got = policy_unwrap_nat64(policy, &from);
                assert_true(address_equal(&got, &expected));
        }
        struct address wrapped;
        address_parse("64:ff9b::c000:221", &wrapped);
        wrapped = policy_unwrap_nat64(NULL, &wrapped);
        assert_true(address_is_ipv4(&wrapped));
        policy_destroy(policy);
}

static void windows_know_weekdays_midnight_and_summer(void **state)
{
        static const struct {
                const char *windows, *zone, *time;
                bool open;
        } rows[] = {
                {"Sun 01:00-05:00", "UTC", "2026-03-01T00:59:59Z", false}, /* a Sunday */
                {"Sun 01:00-05:00", "UTC", "2026-03-01T01:00:00Z", true},
                {"Sun 01:00-05:00", "UTC", "2026-03-01T05:00:00Z", false},
                {"Sun 01:00-05:00", "UTC", "2026-03-02T02:00:00Z", false},
                {"Sat 22:00-02:00", "UTC", "2026-02-28T23:00:00Z", true},
                {"Sat 22:00-02:00", "UTC", "2026-03-01T01:59:59Z", true},
                {"Sat 22:00-02:00", "UTC", "2026-03-01T02:00:00Z", false},
                {"Sat 22:00-02:00", "UTC", "2026-03-01T23:00:00Z", false},
                {"daily 01:00-02:00", "UTC", "2026-03-04T01:30:00Z", true},
                {"01:00-02:00", "UTC", "2026-03-04T01:30:00Z", true},
                {"Mon-Fri 01:00-05:00", "UTC", "2026-03-06T01:30:00Z", true},
                {"Mon-Fri 01:00-05:00", "UTC", "2026-03-07T01:30:00Z", false},
                {"Sat-Mon 01:00-05:00", "UTC", "2026-03-02T01:30:00Z", true},
                {"Sat,Sunday 01:00-05:00", "UTC", "2026-03-01T01:30:00Z", true},
                {"Sun 20:00-24:00", "UTC", "2026-03-01T23:59:59Z", true},
                {"Sun 01:00-05:00", "Europe/Berlin", "2026-03-01T00:00:00Z", true},  /* winter */
                {"Sun 01:00-05:00", "Europe/Berlin", "2026-07-04T23:00:00Z", true},  /* summer: Sunday 01:00 */
                {"Sun 01:00-05:00", "Europe/Berlin", "2026-07-05T03:00:00Z", false},
        };
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                char text[400];
                int64_t ns;
                snprintf(text, sizeof text, "version: 1\nfleets: [{name: a, timezone: %s, members: [{prefix: \"::/0\"}], "
                         "updates: {sources: [{domain: x.y}], windows: \"%s\"}}]\n", rows[i].zone, rows[i].windows);
                struct policy *policy = parse_good(text);
                assert_true(moment_parse(rows[i].time, NULL, &ns));
                if (fleet_window_is_open(&policy->fleets[0], ns) != rows[i].open)
                        fail_msg("row %u", i);
                policy_destroy(policy);
        }
}

static void many_faults_are_told_at_once(void **state)
{
        static const char text[] =
                "version: 2\ndevices: [10.0.0.0/40]\nnat64: [10.0.0.0/8]\nfleet: []\nfleets:\n"
                "  - name: a\n    mobility: sideways\n    timezone: Mars/Olympus\n"
                "    members: [{imei_tac: 1234}, {imsi_prefix: 26x}, {}]\n"
                "    destinations:\n      deny: [{country: USA}]\n      allow:\n"
                "        - {prefix: nowhere}\n        - {domain: \"*\"}\n        - {port: 70000}\n        - {port: 80-10}\n"
                "        - {protocol: carrier-pigeon}\n        - {protocol: esp, port: 80}\n        - {app: Quick}\n"
                "        - {direction: up}\n        - {until: 2026-02-30}\n        - {asn: ASx}\n"
                "      otherwise: shrug\n    updates: {windows: [\"Sun 25:00-26:00\"]}\n    maintenance: tomorrow\n"
                "    contact: {every: often}\n  - {name: a, members: [{prefix: 10.0.0.0/8}]}\n";
        char *messages, *warnings;
        struct policy *policy = parse(text, true, &messages, &warnings);
        unsigned lines = 0;
        (void)state;
        assert_null(policy);
        for (const char *at = messages; (at = strchr(at, '\n')) != NULL; at++)
                lines++;
        if (lines != 25)
                print_error("%s", messages);
        assert_int_equal(lines, 25);
        assert_non_null(strstr(messages, "p.yaml:4:1: unknown key \"fleet\" in a policy; expected \"fleets\"?\n"));
        assert_non_null(strstr(messages, "p.yaml:17:22: \"carrier-pigeon\"; expected tcp, udp, icmp"));
        assert_non_null(strstr(messages, "p.yaml:19:17: \"Quick\"; expected an app that"));
        free(messages);
        free(warnings);
}

static void a_country_rule_needs_a_database(void **state)
{
        static const char text[] =
                "version: 1\nfleets:\n  - name: a\n    members: [{prefix: 10.0.0.0/8}]\n    destinations:\n"
                "      deny:\n        - {name: no-go, country: XX}\n";
        (void)state;
        assert_says(text, false, "p.yaml:7:11: rule \"no-go\" needs to know countries; expected --geoip FILE\n", NULL);
        assert_says(text, true, "", "");
}

static void what_looks_like_a_mistake_is_warned_of(void **state)
{
        (void)state;
        assert_says(
                "version: 1\nfleets:\n  - name: a\n    members: [{prefix: 10.0.0.0/8}]\n    destinations:\n"
                "      deny: [{name: d, prefix: 192.0.2.0/24}]\n"
                "      allow:\n        - {name: x, prefix: 192.0.2.7}\n        - {name: y, domain: \"*.b.example\"}\n"
                "        - {name: z, domain: a.b.example, port: 443}\n        - {name: z, fleet: nobody}\n"
                "        - {name: bare}\n"
                "      otherwise: learn\n"
                "  - {name: b, members: [{prefix: 10.1.0.0/16}], location: {}}\n  - {name: c, destinations: }\n",
                true, "",
                "p.yaml:13:18: warning: learning is not built yet; \"learn\" means allow\n"
                "p.yaml:15:5: warning: fleet \"c\" has no members: it takes no device\n"
                "p.yaml:11:11: warning: rule \"z\" names fleet \"nobody\", which is not in this policy: no peer meets it\n"
                "p.yaml:8:11: warning: rule \"x\" is never reached: deny rule \"d\" in line 6 takes all of it\n"
                "p.yaml:10:11: warning: rule \"z\" is never reached: \"y\" in line 9 takes all of it\n"
                "p.yaml:11:11: warning: a second rule named \"z\" (line 10): alerts will not tell them apart\n"
                "p.yaml:12:11: warning: rule \"bare\" has no criterion: every peer meets it\n"
                "p.yaml:14:1: warning: fleet \"b\" is never reached: fleet \"a\" in line 3 takes its members first\n"
                "p.yaml:15:1: warning: fleet \"c\" allows nothing: every contact will be a finding\n");
}

static void what_is_not_judged_yet_is_warned_of(void **state)
{
        (void)state;
        assert_says(
                "version: 1\nfleets:\n  - name: a\n    members: [{prefix: 10.0.0.0/8}]\n"
                "    updates: {sources: [{domain: x.y}], max_devices_per_hour: 3}\n    contact: {every: 15m}\n",
                true, "",
                "p.yaml:5:63: warning: max_devices_per_hour is not judged yet\n"
                "p.yaml:6:14: warning: contact is not judged yet\n");
}

static void names_below_are_met_by_a_star(void **state)
{
        (void)state;
        assert_true(domain_matches("x.example", "x.example"));
        assert_false(domain_matches("x.example", "a.x.example"));
        assert_true(domain_matches("*.x.example", "a.x.example"));
        assert_true(domain_matches("*.x.example", "b.a.x.example"));
        assert_false(domain_matches("*.x.example", "x.example"));
        assert_false(domain_matches("*.x.example", "ax.example"));
}

static void apps_are_a_closed_list(void **state)
{
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        (void)state;
        assert_string_equal(app_find("mqtt"), "MQTT");
        assert_string_equal(app_find("CoAP"), "COAP");
        assert_string_equal(app_find("dlms"), "DLMS");
        assert_null(app_find("Quick"));
        assert_true(app_is_service("Google"));
        assert_false(app_is_service("TLS"));
        app_print_all(out);
        fclose(out);
        /* Every one of them is found, so the list is sorted as the search wants it. */
        for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
                assert_string_equal(app_find(line), line);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_is_read),
                cmocka_unit_test(absent_and_empty_differ),
                cmocka_unit_test(dates_are_local_and_inclusive),
                cmocka_unit_test(the_first_fleet_that_matches_takes_the_device),
                cmocka_unit_test(nat64_is_unwrapped),
                cmocka_unit_test(windows_know_weekdays_midnight_and_summer),
                cmocka_unit_test(many_faults_are_told_at_once),
                cmocka_unit_test(a_country_rule_needs_a_database),
                cmocka_unit_test(what_looks_like_a_mistake_is_warned_of),
                cmocka_unit_test(what_is_not_judged_yet_is_warned_of),
                cmocka_unit_test(names_below_are_met_by_a_star),
                cmocka_unit_test(apps_are_a_closed_list),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
