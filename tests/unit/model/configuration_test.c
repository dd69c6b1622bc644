#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "model/configuration.h"

static const char whole[] =
        "sensor: edge-1\n"
        "taps:\n"
        "  - {name: sgi-1, interface: eth1, vlan: 77, role: sgi, tenant: water, apn: ot.water.example}\n"
        "  - {name: s5, prefix: 10.255.0.0/24, role: s5, sampled: 10}\n"
        "  - {name: sgi-2, vni: 0, gre_key: 4294967295, role: sgi-nat, tenant: water, apn: OT.Water.example.mnc01.mcc262.gprs.}\n"
        "  - {name: gas, tenant: gas}\n"
        "inputs: [{file: router.pcap, clock_offset: \"+56y 2d\"}]\n"
        "limits: {memory: 4GiB, flows: 2000000, devices: 1000000, sessions: 1000000}\n"
        "timeouts: {tcp: 1h, udp: 3m, other: 10m, stall: 1500ms}\n"
        "privacy: {key_file: /etc/apnwatch/privacy.key, coordinates: 2, raw: pcap, tenants: {water: w.key, gas: g.key}}\n"
        "geoip: [/usr/share/GeoIP/country.mmdb]\n"
        "outbox: {path: /var/lib/apnwatch/outbox.db, size: 1GiB, retention: 24h}\n"
        "redis: {username: sensor, password_file: /etc/apnwatch/redis.pw, maxlen: 100000, json: false, ca: a, cert: b, key: c}\n"
        "outputs:\n"
        "  - {sink: \"redis://127.0.0.1:6379\", min_severity: low, timeout: 1500ms}\n"
        "  - {sink: \"jsonl:/var/log/apnwatch/water.jsonl\", tenant: [water], type: [\"destination.*\", \"update.*\"], fleet: m}\n"
        "metrics: {listen: \"127.0.0.1:9477\"}\n"
        "retention: 30d\n";

static struct configuration *parse(const char *text, char **messages)
{
        size_t size;
        FILE *errors = open_memstream(messages, &size);
        struct configuration *configuration = configuration_parse("c.yaml", text, strlen(text), errors);
        fclose(errors);
        return configuration;
}

static void assert_says(const char *text, const char *expected)
{
        char *messages;
        assert_null(parse(text, &messages));
        assert_string_equal(messages, expected);
        free(messages);
}

static void every_key_is_read(void **state)
{
        char *messages;
        struct configuration *c = parse(whole, &messages);
        (void)state;
        assert_string_equal(messages, "");
        assert_non_null(c);
        assert_string_equal(c->sensor, "edge-1");
        assert_true(c->limit_memory == 4ULL << 30);
        assert_int_equal(c->limit_flows, 2000000);
        assert_int_equal(c->timeout_tcp_ms, 3600000);
        assert_int_equal(c->timeout_stall_ms, 1500);
        assert_true(c->has_privacy);
        assert_int_equal(c->privacy_coordinates, 2);
        assert_string_equal(c->privacy_raw[0], "pcap");
        assert_true(configuration_names_raw(c, "pcap"));
        assert_false(configuration_names_raw(c, "pca"));
        assert_int_equal(c->privacy_tenant_count, 2);
        assert_string_equal(c->privacy_tenants[1].tenant, "gas");
        assert_string_equal(c->privacy_tenants[1].key_file, "g.key");
        assert_false(c->privacy_off);
        assert_int_equal(c->geoip_count, 1);
        assert_int_equal(c->outbox_retention_s, 86400);
        assert_int_equal(c->redis_maxlen, 100000);
        assert_false(c->redis_json);
        assert_int_equal(c->output_count, 2);
        assert_int_equal(c->outputs[0].min_severity, 1);
        assert_int_equal(c->outputs[0].timeout_ms, 1500);
        assert_int_equal(c->outputs[1].timeout_ms, 0);
        assert_int_equal(c->outputs[1].min_severity, -1);
        assert_int_equal(c->outputs[1].type_count, 2);
        assert_string_equal(c->outputs[1].types[1], "update.*");
        assert_string_equal(c->outputs[1].fleets[0], "m");
        assert_string_equal(c->metrics_listen, "127.0.0.1:9477");
        assert_int_equal(c->retention_s, 30 * 86400);
        assert_true(configuration_clock_offset(c, "/somewhere/router.pcap") == 1766188800LL * 1000000000);
        assert_true(configuration_clock_offset(c, "other.pcap") == 0);
        assert_true(configuration_clock_offset(NULL, "router.pcap") == 0);
        free(messages);
        configuration_destroy(c);
}

static void taps_of_one_tenant_and_apn_share_a_context(void **state)
{
        char *messages;
        struct configuration *c = parse(whole, &messages);
        (void)state;
        assert_non_null(c);
        assert_int_equal(c->taps.count, 4);
        assert_int_equal(c->taps.taps[0].vlan, 77);
        assert_true(c->taps.taps[0].vni == -1);
        assert_int_equal(c->taps.taps[0].role, TAP_SGI);
        assert_int_equal(c->taps.taps[1].vlan, -1);
        assert_true(c->taps.taps[1].has_prefix);
        assert_int_equal(c->taps.taps[1].sampled, 10);
        assert_true(c->taps.taps[2].vni == 0);
        assert_true(c->taps.taps[2].gre_key == 4294967295LL);
        assert_int_equal(c->taps.taps[2].role, TAP_SGI_NAT);
        assert_int_equal(c->taps.taps[2].sampled, 1);
        assert_int_equal(c->context_count, 3);
        assert_int_equal(c->taps.taps[0].context, 1);
        assert_int_equal(c->taps.taps[1].context, 0);
        assert_int_equal(c->taps.taps[2].context, 1);
        assert_int_equal(c->taps.taps[3].context, 2);
        assert_string_equal(c->context_names[0], "default");
        assert_string_equal(c->context_names[1], "water/ot.water.example");
        assert_string_equal(c->context_names[2], "gas");
        free(messages);
        configuration_destroy(c);
}

static void every_fault_is_told(void **state)
{
        (void)state;
        assert_says("taps: [{name: a}, {name: a}]\n", "c.yaml:1:19: a second tap named \"a\"; expected a name of its own\n");
        assert_says("taps: [{name: a, role: pgw, vlan: 5000}]\nlimits: {memory: 1KiB, flow: 3}\ntimeouts: {tcp: 0}\n"
                    "privacy: yes\noutputs: [{min_severity: bad}]\ninputs: [{file: x, clock_offset: later}]\n",
                    "c.yaml:1:24: \"pgw\"; expected none, s5, s8, s11, s1u, n3, n4, sgi, sgi-nat, n6, edge or lan\n"
                    "c.yaml:1:35: \"5000\"; expected a number from 0 to 4095\n"
                    "c.yaml:2:18: \"1KiB\"; expected a size such as 64MiB or 4GiB\n"
                    "c.yaml:2:24: unknown key \"flow\" in limits; expected \"flows\"?\n"
                    "c.yaml:3:17: a timeout of nothing; expected at least 1ms\n"
                    "c.yaml:4:10: \"yes\"; expected off, or a mapping with key_file\n"
                    "c.yaml:5:26: \"bad\"; expected info, low, medium, high or critical\n"
                    "c.yaml:5:11: no \"sink\" in an output; expected it\n"
                    "c.yaml:6:34: \"later\"; expected an offset such as \"+56y 2d\" or -1h30m\n");
        assert_says("privacy: {key_file: k, raw: [pcap, jsonl], tenants: {a: b, a: c, d: [e]}, coordinates: 7}\n",
                    "c.yaml:1:29: \"jsonl\"; expected events, objects or pcap\n"
                    "c.yaml:1:63: a second key for tenant \"a\"; expected one\n"
                    "c.yaml:1:69: a list; expected text\n"
                    "c.yaml:1:88: \"7\"; expected a number from 0 to 6\n");
}

static void privacy_may_be_off(void **state)
{
        char *messages;
        struct configuration *c = parse("privacy: off\n", &messages);
        (void)state;
        assert_non_null(c);
        assert_false(c->has_privacy);
        assert_true(c->privacy_off);
        assert_int_equal(c->privacy_coordinates, -1);
        free(messages);
        configuration_destroy(c);
        c = parse("sensor: x\n", &messages);
        assert_non_null(c);
        assert_false(c->has_privacy || c->privacy_off); /* nothing was said */
        free(messages);
        configuration_destroy(c);
}

static void places_are_kept_for_later_faults(void **state)
{
        static const char text[] = "limits: {memory: 1GiB}\n"
                                   "privacy:\n  key_file: a.key\n  tenants: {water: w.key}\n"
                                   "outputs:\n  - sink: \"jsonl:x\"\n"
                                   "metrics: {listen: off}\n";
        char *messages, place[CONFIGURATION_PLACE_SIZE];
        struct configuration *c = parse(text, &messages);
        (void)state;
        assert_non_null(c);
        assert_string_equal(configuration_place(c, &c->limit_memory, place), "c.yaml:1:18");
        assert_string_equal(configuration_place(c, c->privacy_key_file, place), "c.yaml:3:13");
        assert_string_equal(configuration_place(c, c->privacy_tenants[0].key_file, place), "c.yaml:4:20");
        assert_string_equal(configuration_place(c, c->outputs[0].sink, place), "c.yaml:6:11");
        assert_string_equal(configuration_place(c, c->metrics_listen, place), "c.yaml:7:19");
        assert_string_equal(configuration_place(c, c->outbox_path, place), "c.yaml");
        configuration_destroy(c);
        free(messages);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_key_is_read),
                cmocka_unit_test(taps_of_one_tenant_and_apn_share_a_context),
                cmocka_unit_test(every_fault_is_told),
                cmocka_unit_test(privacy_may_be_off),
                cmocka_unit_test(places_are_kept_for_later_faults),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
