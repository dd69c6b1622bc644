#include "judge/self_report.h"

#include <stdio.h>
#include <unistd.h>

#include "judge/judge_state.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

#define METER "10.20.0.7"
#define IMEI "860123450000012"

static const char policy_text[] = "version: 1\n"
                                  "devices: [10.20.0.0/16]\n"
                                  "fleets:\n"
                                  "  - name: meters\n"
                                  "    members: [{prefix: 10.20.0.0/16}]\n"
                                  "    destinations: {otherwise: alert}\n";

static const char intel_text[] = "vendor: Quectel\n"
                                 "aliases: [QUEC]\n"
                                 "controller: module_vendor\n"
                                 "rows:\n"
                                 "  - {user_agent: QUECTEL_MODULE, purpose: management, confidence: code, source: test}\n"
                                 "tacs:\n"
                                 "  - {tac: \"86012345\", vendor: Quectel, model: BG96}\n"
                                 "  - {tac: \"35000000\", vendor: Telit}\n";

static void say(struct court *court, const char *device, Apnwatch__V1__SelfReport report, double at_s, bool from_device)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.7", .protocol = 17, .peer_port = 5683, .opener = OUT, .start_s = at_s};
        event_t event = APNWATCH__V1__EVENT__INIT;
        if (report.protocol == NULL)
                report.protocol = (char *)"LwM2M";
        event.body_case = APNWATCH__V1__EVENT__BODY_SELF_REPORT;
        event.self_report = &report;
        court_event(court, &flow, &event, at_s, from_device);
}

static Apnwatch__V1__SelfReport report_of(const char *vendor, const char *model)
{
        Apnwatch__V1__SelfReport report = APNWATCH__V1__SELF_REPORT__INIT;
        report.protocol = NULL;
        report.vendor = (char *)vendor;
        report.model = (char *)model;
        return report;
}

static void fetch(struct court *court, const char *device, double at_s)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.8", .peer_port = 80, .opener = OUT, .start_s = at_s};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = APNWATCH__V1__TRANSFER__PHASE__ENDED;
        transfer.protocol = (char *)"HTTP";
        transfer.start = (uint64_t)COURT_NS(at_s);
        transfer.user_agent = (char *)"QUECTEL_MODULE";
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(court, &flow, &event, at_s, true);
}

/* A finding about the device, which says what is known of it then. */
static void ask(struct court *court, const char *device, const char *peer, double at_s)
{
        struct court_flow flow = {.device = device, .peer = peer, .peer_port = 443, .opener = OUT, .start_s = at_s, .last_s = at_s + 1};
        court_flow(court, &flow);
}

static void expect(const struct court *court, const char *peer, const char *vendor, const char *model, const char *protocol)
{
        for (unsigned i = 0; i < court->count; i++) {
                const Apnwatch__V1__Device *device = court->alerts[i]->device;
                if (court->alerts[i]->peer == NULL || strcmp(court->alerts[i]->peer->ip, peer) != 0 || device == NULL ||
                    strcmp(court->alerts[i]->type, "destination.unlisted") != 0)
                        continue;
                assert_string_equal(device->vendor ? device->vendor : "", vendor ? vendor : "");
                assert_string_equal(device->model ? device->model : "", model ? model : "");
                assert_string_equal(device->vendor_source ? device->vendor_source : "", vendor ? "device" : "");
                assert_string_equal(device->vendor_protocol ? device->vendor_protocol : "", vendor ? protocol : "");
                assert_null(device->imei); /* never by its own word */
                return;
        }
        fail_msg("no alert about %s", peer);
}

static void makers_are_called_as_intel_calls_them(void **state)
{
        (void)state;
        static const struct {
                const char *said, *called;
        } names[] = {
                {"Quectel", "Quectel"}, {"Quectel Wireless Solutions Co., Ltd", "Quectel"}, {"QUECTEL_Ltd", "Quectel"}, {"quec-tel", "Quectel"},
                {"Quectelle", "Quectelle"}, {"Acme Meters", "Acme Meters"}, {"The Quectel", "Quectel"},
        };
        for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
                struct court *court = court_open(policy_text, intel_text, NULL);
                say(court, METER, report_of(names[i].said, "M-1"), 10, true);
                ask(court, METER, "198.51.100.1", 20);
                court_types(court);
                expect(court, "198.51.100.1", names[i].called, "M-1", "LwM2M");
                court_close(court);
        }
}

static void an_imei_outweighs_texts_and_they_a_user_agent(void **state)
{
        (void)state;
        struct court *court = court_open(policy_text, intel_text, NULL);
        Apnwatch__V1__SelfReport login = report_of(NULL, NULL);
        login.protocol = (char *)"GT06";
        login.imei = (char *)IMEI;
        fetch(court, METER, 10);
        ask(court, METER, "198.51.100.1", 11);
        say(court, METER, report_of("Acme", NULL), 20, true);
        say(court, METER, report_of(NULL, "M-1"), 21, true);
        ask(court, METER, "198.51.100.2", 22);
        fetch(court, METER, 23);
        ask(court, METER, "198.51.100.3", 24);
        say(court, METER, report_of("Other", NULL), 25, true); /* and no model of Acme's */
        ask(court, METER, "198.51.100.4", 26);
        say(court, METER, login, 30, true);
        say(court, METER, report_of("Acme", "M-1"), 31, true);
        ask(court, METER, "198.51.100.5", 32);
        court_types(court);
        expect(court, "198.51.100.1", "Quectel", NULL, "HTTP");
        expect(court, "198.51.100.2", "Acme", "M-1", "LwM2M");
        expect(court, "198.51.100.3", "Acme", "M-1", "LwM2M");
        expect(court, "198.51.100.4", "Other", NULL, "LwM2M");
        expect(court, "198.51.100.5", "Quectel", "BG96", "GT06");
        court_close(court);
}

static void what_the_peer_says_and_unknown_numbers_are_no_word(void **state)
{
        (void)state;
        struct court *court = court_open(policy_text, intel_text, NULL);
        Apnwatch__V1__SelfReport login = report_of(NULL, NULL);
        login.imei = (char *)"860999990000012"; /* a TAC that nobody lists */
        say(court, METER, report_of("Quectel", "BG95"), 10, false);
        say(court, METER, login, 11, true);
        login.imei = (char *)"860123450000013"; /* not its check digit */
        say(court, METER, login, 12, true);
        say(court, METER, report_of("70111", NULL), 13, true); /* a code */
        ask(court, METER, "198.51.100.1", 20);
        court_types(court);
        expect(court, "198.51.100.1", NULL, NULL, NULL);
        court_close(court);
}

static uint64_t devices_of(const struct court *court, const char *vendor)
{
        struct fleet_state *fleet = fleets_at(court->judge->fleets, 0);
        for (unsigned i = 0; i < fleet->vendor_count; i++)
                if (strcmp(fleet->vendors[i].name, vendor) == 0)
                        return fleet->vendors[i].devices;
        return 0;
}

static void fleets_count_what_their_devices_say(void **state)
{
        (void)state;
        struct court *court = court_open(policy_text, intel_text, "ip,vendor\n10.20.0.3,Acme\n");
        say(court, "10.20.0.1", report_of("Quectel", NULL), 10, true);
        fetch(court, "10.20.0.2", 11);
        fetch(court, "10.20.0.2", 12);
        say(court, "10.20.0.3", report_of("Quectel", NULL), 13, true); /* listed as another's */
        say(court, "10.20.0.4", report_of("Nobody", NULL), 14, true);
        assert_int_equal(devices_of(court, "Quectel"), 2);
        assert_int_equal(devices_of(court, "Acme"), 1);
        assert_int_equal(devices_of(court, "Nobody"), 0);
        say(court, "10.20.0.2", report_of("Nobody", NULL), 20, true);
        assert_int_equal(devices_of(court, "Quectel"), 1);
        say(court, "10.20.0.1", report_of("Nobody", NULL), 21, true);
        assert_int_equal(fleets_at(court->judge->fleets, 0)->vendor_count, 1);
        court_close(court);
}

static void another_sim_behind_the_address_has_said_nothing(void **state)
{
        (void)state;
        struct court *court = court_open(policy_text, intel_text, NULL);
        court_attach(court, &(struct court_session){.imsi = "262011234567890", .ip = METER, .teid = 17, .at_s = 1});
        say(court, METER, report_of("Acme", "M-1"), 10, true);
        ask(court, METER, "198.51.100.1", 20);
        court_detach(court, &(struct court_session){.imsi = "262011234567890", .ip = METER, .teid = 17, .at_s = 30});
        court_attach(court, &(struct court_session){.imsi = "262011234567891", .ip = METER, .teid = 18, .at_s = 40});
        ask(court, METER, "198.51.100.2", 50);
        say(court, METER, report_of(NULL, "M-2"), 60, true);
        say(court, METER, report_of("Other", NULL), 61, true);
        ask(court, METER, "198.51.100.3", 70);
        court_types(court);
        expect(court, "198.51.100.1", "Acme", "M-1", "LwM2M");
        expect(court, "198.51.100.2", NULL, NULL, NULL);
        expect(court, "198.51.100.3", "Other", NULL, "LwM2M");
        court_close(court);
}

static void it_survives_a_restart(void **state)
{
        (void)state;
        struct court *court = court_open(policy_text, intel_text, NULL), *next = court_open(policy_text, intel_text, NULL);
        char path[] = "/tmp/self_report_test.XXXXXX";
        int descriptor = mkstemp(path);
        uint64_t number;
        assert_true(descriptor >= 0);
        unlink(path);
        say(court, METER, report_of("Quectel Wireless Solutions", "BG95"), 10, true);
        assert_int_equal(judge_save(court->judge, 1, descriptor), 0);
        assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
        assert_int_equal(judge_load(next->judge, descriptor, &number), 0);
        ask(next, METER, "198.51.100.1", 20);
        say(next, METER, report_of("Quectel", NULL), 30, true);
        assert_int_equal(devices_of(next, "Quectel"), 1);
        court_types(next);
        expect(next, "198.51.100.1", "Quectel", "BG95", "LwM2M");
        close(descriptor);
        court_close(court);
        court_close(next);
}

static void texts_are_held_as_long_as_devices_need_them(void **state)
{
        (void)state;
        struct court *court = court_open(policy_text, intel_text, NULL);
        uint64_t before = 0;
        for (unsigned i = 0; i < 1000; i++) {
                char vendor[32];
                snprintf(vendor, sizeof vendor, "maker %03u", i);
                say(court, METER, report_of(vendor, "M-1"), 10 + i, true);
                if (i == 10)
                        before = self_reports_bytes(court->judge->self_reports);
        }
        assert_int_equal(self_reports_bytes(court->judge->self_reports), before);
        assert_int_equal(self_reports_refused(court->judge->self_reports), 0);
        char lengthy[SELF_REPORT_LENGTH + 2];
        memset(lengthy, 'x', sizeof lengthy - 1);
        lengthy[sizeof lengthy - 1] = '\0';
        say(court, METER, report_of(lengthy, NULL), 2000, true);
        assert_int_equal(self_reports_refused(court->judge->self_reports), 1);
        court_close(court);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(makers_are_called_as_intel_calls_them),
                cmocka_unit_test(an_imei_outweighs_texts_and_they_a_user_agent),
                cmocka_unit_test(what_the_peer_says_and_unknown_numbers_are_no_word),
                cmocka_unit_test(fleets_count_what_their_devices_say),
                cmocka_unit_test(another_sim_behind_the_address_has_said_nothing),
                cmocka_unit_test(it_survives_a_restart),
                cmocka_unit_test(texts_are_held_as_long_as_devices_need_them),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
