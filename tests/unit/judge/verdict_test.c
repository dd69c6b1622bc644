#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/time_zone.h"
#include "judge/intel.h"
#include "judge/verdict.h"

#define SECOND 1000000000LL

static const char text[] =
        "version: 1\n"
        "infrastructure: [10.0.0.0/24]\n"
        "fleets:\n"
        "  - name: meters\n"
        "    members: [{prefix: 10.20.0.0/16}]\n"
        "    destinations:\n"
        "      deny:\n"
        "        - {name: no-go, country: XX}\n"
        "        - {name: no-name, domain: \"*.bad.example\"}\n"
        "        - {name: maker, vendor: Quectel}\n"
        "      allow:\n"
        "        - {name: poll, prefix: 192.0.2.10, protocol: tcp, port: 4059, direction: in}\n"
        "        - {name: broker, domain: \"*.iot.example\", protocol: tcp, port: [8883, 443], app: TLS}\n"
        "        - {name: resolver, prefix: 10.0.0.53, port: 53}\n"
        "        - {name: vpn, prefix: 192.0.2.99, protocol: esp, until: 2027-01-01}\n"
        "        - {name: neighbours, fleet: gateways, protocol: udp, port: 5683}\n"
        "        - {name: either, prefix: 192.0.2.20, direction: both, port: 7000-7010}\n"
        "        - {name: cloud, asn: 64500, app: Google}\n"
        "    updates: {sources: [{domain: fota.example}]}\n"
        "  - {name: open, members: [{prefix: 10.21.0.0/16}], destinations: {otherwise: allow, deny: [{country: XX}]}}\n"
        "  - {name: silent, members: [{prefix: 10.22.0.0/16}]}\n";

/* What the one name pattern is answered with; all others are unresolved. */
struct answers {
        const char *pattern, *name;
        enum name_evidence evidence;
};

static enum name_evidence answer(void *context, const char *pattern, bool is_claimed, const char **name)
{
        const struct answers *answers = context;
        if (!is_claimed && answers->evidence < NAME_BY_FLEET)
                return NAME_UNRESOLVED; /* as it may */
        if (answers->pattern == NULL || strcmp(pattern, answers->pattern) != 0)
                return NAME_UNRESOLVED;
        *name = answers->name;
        return answers->evidence;
}

struct row {
        const char *what;
        const char *fleet, *peer;
        int protocol, peer_port, device_port;
        enum contact_opener opener;
        const char *label, *application, *name;
        bool dns_seen;
        struct answers answers;
        const char *country, *peer_fleet, *vendor;
        uint32_t asn;
        enum verdict_kind kind;
        enum verdict_reason reason;
        const char *rule, *source;
};

static const struct row rows[] = {
        {"an inbound rule is met by who opens, at the device's port", "meters", "192.0.2.10", 6, 40000, 4059, OPENER_PEER,
         .kind = VERDICT_ALLOWED, .reason = REASON_RULE, .rule = "poll"},
        {"an inbound rule does not let the device open", "meters", "192.0.2.10", 6, 4059, 40000, OPENER_DEVICE,
         .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"at the peer's port it is not met", "meters", "192.0.2.10", 6, 4059, 40000, OPENER_PEER, .kind = VERDICT_UNLISTED,
         .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"where the opening was not seen either end may match", "meters", "192.0.2.10", 6, 40000, 4059, OPENER_UNSEEN,
         .kind = VERDICT_ALLOWED, .reason = REASON_RULE, .rule = "poll"},
        {"nothing fits and the opening was not seen", "meters", "192.0.2.11", 6, 40000, 4059, OPENER_UNSEEN,
         .kind = VERDICT_UNDETERMINED, .reason = REASON_OPENING_UNSEEN},
        {"both ends' openings, device", "meters", "192.0.2.20", 17, 7005, 1, OPENER_DEVICE, .kind = VERDICT_ALLOWED,
         .reason = REASON_RULE, .rule = "either"},
        {"both ends' openings, peer", "meters", "192.0.2.20", 17, 1, 7010, OPENER_PEER, .kind = VERDICT_ALLOWED,
         .reason = REASON_RULE, .rule = "either"},
        {"one beyond the range", "meters", "192.0.2.20", 17, 7011, 1, OPENER_DEVICE, .kind = VERDICT_UNLISTED,
         .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"a rule with ports is not met by a protocol without", "meters", "10.0.0.53", 1, 0, 0, OPENER_DEVICE,
         .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},

        {"this device's answer", "meters", "198.51.100.1", 6, 8883, 1, OPENER_DEVICE, "TLS", .dns_seen = true,
         .answers = {"*.iot.example", "a.iot.example", NAME_BY_DEVICE}, .kind = VERDICT_ALLOWED, .reason = REASON_RULE,
         .rule = "broker", .source = "dns"},
        {"an answer in the fleet, and a TLS flow without a name", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "TLS",
         .answers = {"*.iot.example", "a.iot.example", NAME_BY_FLEET}, .kind = VERDICT_ALLOWED, .reason = REASON_RULE,
         .rule = "broker", .source = "dns"},
        {"a claimed name where nobody resolved it", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "TLS",
         .name = "a.iot.example", .dns_seen = true, .kind = VERDICT_ALLOWED, .reason = REASON_RULE, .rule = "broker",
         .source = "claimed"},
        {"a claimed name elsewhere than the answers said", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "TLS",
         .name = "a.iot.example", .dns_seen = true, .answers = {"*.iot.example", NULL, NAME_ELSEWHERE},
         .kind = VERDICT_UNLISTED, .reason = REASON_NAME_MISMATCH, .rule = "otherwise"},
        {"a claimed name whose answer is too old", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "TLS",
         .name = "a.iot.example", .dns_seen = true, .answers = {"*.iot.example", NULL, NAME_EXPIRED},
         .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"another name, though DNS is not seen", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "TLS",
         .name = "other.example", .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"no name and no DNS of the device: not accused", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "TLS",
         .kind = VERDICT_UNDETERMINED, .reason = REASON_NAMES_UNSEEN, .rule = "otherwise"},
        {"no name, but DNS of the device was seen", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "TLS",
         .dns_seen = true, .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"a bare address at a port that no rule has is accused", "meters", "198.51.100.1", 6, 80, 1, OPENER_DEVICE, "HTTP",
         .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"a source of updates is a destination", "meters", "198.51.100.2", 6, 80, 1, OPENER_DEVICE, "HTTP", .dns_seen = true,
         .answers = {"fota.example", "fota.example", NAME_BY_DEVICE}, .kind = VERDICT_ALLOWED, .reason = REASON_RULE,
         .rule = "sources#1", .source = "dns"},

        {"the app is not known yet", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, NULL, .name = "a.iot.example",
         .kind = VERDICT_ALLOWED, .reason = REASON_RULE, .rule = "broker", .source = "claimed"},
        {"something else was detected", "meters", "198.51.100.1", 6, 443, 1, OPENER_DEVICE, "SSH", .name = "a.iot.example",
         .dns_seen = true, .kind = VERDICT_UNLISTED, .reason = REASON_APP_MISMATCH, .rule = "otherwise",
         .source = "claimed"},
        {"the application on top meets it", "meters", "198.51.100.3", 6, 443, 1, OPENER_DEVICE, "TLS", "Google",
         .asn = 64500, .dns_seen = true, .kind = VERDICT_ALLOWED, .reason = REASON_RULE, .rule = "cloud"},
        {"a carrier alone is nothing else", "meters", "198.51.100.3", 6, 443, 1, OPENER_DEVICE, "TLS", .asn = 64500,
         .dns_seen = true, .kind = VERDICT_ALLOWED, .reason = REASON_RULE, .rule = "cloud"},
        {"another application is something else", "meters", "198.51.100.3", 6, 443, 1, OPENER_DEVICE, "TLS", "Facebook",
         .asn = 64500, .dns_seen = true, .kind = VERDICT_UNLISTED, .reason = REASON_APP_MISMATCH, .rule = "otherwise"},

        {"a denied country", "meters", "198.51.100.4", 6, 443, 1, OPENER_DEVICE, .country = "XX", .kind = VERDICT_DENIED,
         .reason = REASON_RULE, .rule = "no-go"},
        {"deny stands before allow", "meters", "192.0.2.10", 6, 40000, 4059, OPENER_PEER, .country = "XX",
         .kind = VERDICT_DENIED, .reason = REASON_RULE, .rule = "no-go"},
        {"a denied name, claimed at any address", "meters", "198.51.100.4", 6, 443, 1, OPENER_DEVICE,
         .name = "x.bad.example", .answers = {"*.bad.example", NULL, NAME_ELSEWHERE}, .kind = VERDICT_DENIED,
         .reason = REASON_RULE, .rule = "no-name", .source = "claimed"},
        {"a denied vendor, by alias and any case", "meters", "198.51.100.4", 6, 443, 1, OPENER_DEVICE, .vendor = "quectel",
         .kind = VERDICT_DENIED, .reason = REASON_RULE, .rule = "maker"},
        {"what infrastructure opens", "meters", "10.0.0.7", 6, 1, 22, OPENER_PEER, .kind = VERDICT_ALLOWED,
         .reason = REASON_INFRASTRUCTURE},
        {"what the device opens to infrastructure is judged", "meters", "10.0.0.7", 6, 22, 1, OPENER_DEVICE,
         .dns_seen = true, .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"a neighbour", "meters", "10.21.0.1", 17, 5683, 1, OPENER_DEVICE, .peer_fleet = "gateways", .kind = VERDICT_ALLOWED,
         .reason = REASON_RULE, .rule = "neighbours"},
        {"a neighbour of another fleet", "meters", "10.21.0.1", 17, 5683, 1, OPENER_DEVICE, .peer_fleet = "others",
         .kind = VERDICT_UNLISTED, .reason = REASON_NOT_LISTED, .rule = "otherwise"},
        {"otherwise allow", "open", "198.51.100.4", 6, 443, 1, OPENER_DEVICE, .kind = VERDICT_ALLOWED,
         .reason = REASON_OTHERWISE, .rule = "otherwise"},
        {"otherwise allow, after deny", "open", "198.51.100.4", 6, 443, 1, OPENER_DEVICE, .country = "XX",
         .kind = VERDICT_DENIED, .reason = REASON_RULE, .rule = "deny#1"},
        {"no section", "silent", "198.51.100.4", 6, 443, 1, OPENER_DEVICE, .kind = VERDICT_NOT_JUDGED,
         .reason = REASON_NO_SECTION},
        {"no fleet", NULL, "198.51.100.4", 6, 443, 1, OPENER_DEVICE, .kind = VERDICT_NOT_JUDGED,
         .reason = REASON_NO_SECTION},
};

static struct policy *policy_of_text(void)
{
        struct policy *policy = policy_parse("p.yaml", text, sizeof text - 1, true, stderr, NULL);
        assert_non_null(policy);
        return policy;
}

static struct verdict judge_row(const struct policy *policy, const struct row *row, int64_t start_ns)
{
        static char quectel[] = "Quectel";
        static struct intel_vendor vendor = {.name = quectel};
        const struct intel_vendor *vendors[] = {&vendor};
        struct contact contact = {.start_ns = start_ns,
                                  .protocol = (uint8_t)row->protocol,
                                  .has_ports = row->protocol == 6 || row->protocol == 17,
                                  .peer_port = (uint16_t)row->peer_port,
                                  .device_port = (uint16_t)row->device_port,
                                  .opener = row->opener,
                                  .label = row->label,
                                  .application = row->application,
                                  .label_is_positive = row->label != NULL,
                                  .name = row->name,
                                  .dns_seen = row->dns_seen,
                                  .country = row->country,
                                  .has_asn = row->asn != 0,
                                  .asn = row->asn,
                                  .vendors = vendors,
                                  .vendor_count = row->vendor != NULL,
                                  .peer_fleet = row->peer_fleet,
                                  .resolver = {answer, (void *)(uintptr_t)&row->answers}};
        assert_true(address_parse(row->peer, &contact.peer));
        return verdict_of_contact(policy, row->fleet ? policy_fleet_named(policy, row->fleet) : NULL, &contact);
}

static bool same(const char *a, const char *b)
{
        return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void each_contact_has_its_verdict(void **state)
{
        struct policy *policy = policy_of_text();
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct verdict verdict = judge_row(policy, &rows[i], 1772330584 * SECOND);
                if (verdict.kind != rows[i].kind || verdict.reason != rows[i].reason ||
                    !same(verdict.rule_name, rows[i].rule) || !same(verdict.name_source, rows[i].source))
                        fail_msg("%s: %s, %s, %s, %s", rows[i].what, verdict_kind_text(verdict.kind),
                                 verdict_reason_text(verdict.reason), verdict.rule_name ? verdict.rule_name : "-",
                                 verdict.name_source ? verdict.name_source : "-");
        }
        policy_destroy(policy);
}

static void a_rule_ends_with_its_last_day(void **state)
{
        static const struct row vpn = {"vpn", "meters", "192.0.2.99", 50, 0, 0, OPENER_DEVICE, .dns_seen = true};
        struct policy *policy = policy_of_text();
        int64_t end;
        (void)state;
        assert_true(moment_parse("2027-01-02T00:00:00Z", NULL, &end));
        assert_int_equal(judge_row(policy, &vpn, end - 1).kind, VERDICT_ALLOWED);
        struct verdict verdict = judge_row(policy, &vpn, end);
        assert_int_equal(verdict.kind, VERDICT_UNLISTED);
        assert_int_equal(verdict.reason, REASON_EXPIRED);
        assert_string_equal(verdict.rule->name, "vpn");
        policy_destroy(policy);
}

static void lists_are_judged_alone(void **state)
{
        struct policy *policy = policy_of_text();
        const struct fleet *fleet = policy_fleet_named(policy, "meters");
        struct answers answers = {"fota.example", "fota.example", NAME_BY_DEVICE};
        struct contact contact = {.protocol = 6, .has_ports = true, .peer_port = 80, .opener = OPENER_DEVICE,
                                  .resolver = {answer, &answers}};
        (void)state;
        assert_int_equal(verdict_of_list(&fleet->sources, &contact).kind, VERDICT_ALLOWED);
        contact.opener = OPENER_PEER; /* a push */
        assert_int_equal(verdict_of_list(&fleet->sources, &contact).kind, VERDICT_ALLOWED);
        answers.evidence = NAME_UNRESOLVED;
        assert_int_equal(verdict_of_list(&fleet->sources, &contact).kind, VERDICT_UNDETERMINED);
        contact.name = "other.example";
        assert_int_equal(verdict_of_list(&fleet->sources, &contact).kind, VERDICT_UNLISTED);
        contact.name = "fota.example";
        assert_int_equal(verdict_of_list(&fleet->sources, &contact).kind, VERDICT_ALLOWED);
        assert_int_equal(verdict_of_list(&fleet->receivers, &contact).kind, VERDICT_UNLISTED);
        policy_destroy(policy);
}

/* Gates look at what all prefixes and ports of a rule have in common. */
static void a_rule_of_many_prefixes_and_ports_is_met_by_each(void **state)
{
        static const char many[] =
                "version: 1\n"
                "fleets:\n"
                "  - name: f\n"
                "    members: [{prefix: 10.20.0.0/16}]\n"
                "    destinations:\n"
                "      allow:\n"
                "        - {name: mixed, prefix: [192.0.2.16/28, 192.0.2.64/28, \"2001:db8:1::/48\", \"2001:db8:3::/64\"], port: [8000-8010, 80]}\n"
                "        - {name: host, prefix: \"2001:db8:5::5\", protocol: [udp, tcp], direction: both}\n"
                "        - {name: ping, prefix: \"::/0\", protocol: icmp}\n";
        static const struct {
                const char *peer, *rule; /* rule NULL: none */
                uint8_t protocol;
                uint16_t port;
                enum contact_opener opener;
        } contacts[] = {
                {"192.0.2.17", "mixed", 6, 80, OPENER_DEVICE},      {"192.0.2.79", "mixed", 17, 8010, OPENER_DEVICE},
                {"192.0.2.17", NULL, 6, 81, OPENER_DEVICE},         {"192.0.2.33", NULL, 6, 80, OPENER_DEVICE},
                {"192.0.2.17", NULL, 6, 80, OPENER_PEER},           {"192.0.2.17", "mixed", 6, 80, OPENER_UNSEEN},
                {"198.51.100.1", NULL, 6, 80, OPENER_DEVICE},       {"2001:db8:1:ffff::1", "mixed", 6, 8005, OPENER_DEVICE},
                {"2001:db8:3::1", "mixed", 6, 80, OPENER_DEVICE},   {"2001:db8:3:1::1", NULL, 6, 80, OPENER_DEVICE},
                {"2001:db8:2::1", NULL, 6, 80, OPENER_DEVICE},      {"2001:db8:5::5", "host", 17, 9, OPENER_PEER},
                {"2001:db8:5::5", "host", 6, 9, OPENER_DEVICE},     {"2001:db8:5::5", NULL, 132, 9, OPENER_DEVICE},
                {"2001:db8:5::6", NULL, 6, 9, OPENER_DEVICE},       {"192.0.2.1", "ping", 1, 0, OPENER_DEVICE},
                {"2001:db8::1", "ping", 1, 0, OPENER_DEVICE},
        };
        struct policy *policy = policy_parse("p.yaml", many, sizeof many - 1, true, stderr, NULL);
        (void)state;
        assert_non_null(policy);
        for (unsigned i = 0; i < sizeof contacts / sizeof *contacts; i++) {
                struct contact contact = {.protocol = contacts[i].protocol, .has_ports = contacts[i].protocol != 1, .dns_seen = true,
                                          .peer_port = contacts[i].port, .device_port = contacts[i].port, .opener = contacts[i].opener};
                assert_true(address_parse(contacts[i].peer, &contact.peer));
                const struct rule *rule = verdict_of_contact(policy, policy->fleets, &contact).rule;
                assert_int_equal(rule != NULL, contacts[i].rule != NULL);
                if (rule)
                        assert_string_equal(rule->name, contacts[i].rule);
        }
        policy_destroy(policy);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_contact_has_its_verdict),
                cmocka_unit_test(a_rule_ends_with_its_last_day),
                cmocka_unit_test(lists_are_judged_alone),
                cmocka_unit_test(a_rule_of_many_prefixes_and_ports_is_met_by_each),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
