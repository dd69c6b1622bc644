/* INTERFACE, "Policy" and "Alert", sentence by sentence, for update.*. */
#include <string.h>

#include "judge/judge_state.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

static const char intel[] =
        "vendor: Quectel\n"
        "controller: module_vendor\n"
        "rows:\n"
        "  - {host: fota.quectel.example, purpose: update, mode: direct, confidence: vendor-doc, source: doc}\n"
        "  - {ip: 198.51.100.77, purpose: update, mode: direct, confidence: code, source: doc}\n"
        "  - {host: cdn.example, purpose: update, mode: direct, shared: true, confidence: code, source: doc}\n"
        "  - {host: xtra.example, purpose: agnss, confidence: code, source: doc}\n"
        "  - {url_regex: '(?i)/BG9[0-9][A-Z0-9]+_[0-9.]+-BG9[0-9][A-Z0-9]+_[0-9.]+\\.bin', purpose: update, mode: indirect, "
        "confidence: code, source: doc}\n"
        "  - {user_agent: DFOTA-Agent, purpose: update, mode: direct, confidence: code, source: doc}\n";

/* The first of March 2026 is a Sunday. */
static const char policy[] =
        "version: 1\n"
        "infrastructure: [10.0.0.0/24]\n"
        "fleets:\n"
        "  - name: meters\n"
        "    timezone: Europe/Berlin\n"
        "    members: [{prefix: 10.20.0.0/20}]\n"
        "    destinations: {allow: [], otherwise: allow}\n"
        "    updates:\n"
        "      sources: [{name: own, domain: fota.utility.example}, {name: net, prefix: 192.0.2.0/24}]\n"
        "      windows: [\"Sun 01:00-05:00\"]\n"
        "    maintenance: [\"2026-03-01 12:00/14:00\"]\n"
        "  - name: closed\n"
        "    members: [{prefix: 10.20.16.0/24}]\n"
        "    updates: {}\n"
        "  - name: free\n"
        "    members: [{prefix: 10.20.32.0/24}]\n"
        "    destinations: {allow: [{name: own, prefix: 192.0.2.0/24}], otherwise: allow}\n";

struct fetch {
        const char *device, *peer, *host, *path, *agent, *type, *image, *protocol, *method;
        uint64_t moved, size, range_start;
        uint32_t status;    /* 0: 200 */
        bool no_status, pushed;
        Apnwatch__V1__Flow__Opener opener; /* 0: OUT */
        double start_s;
        uint64_t flow;
};

static uint64_t next_flow = 1000;

static uint64_t fetch(struct court *court, const struct fetch *f, Apnwatch__V1__Transfer__Phase phase)
{
        struct court_flow flow = {.device = f->device ? f->device : "10.20.0.7",
                                  .peer = f->peer ? f->peer : "198.51.100.9",
                                  .peer_port = 80,
                                  .opener = f->opener ? f->opener : OUT,
                                  .label = "HTTP",
                                  .name = f->host,
                                  .is_host = true,
                                  .start_s = f->start_s,
                                  .id = f->flow ? f->flow : ++next_flow};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = phase;
        transfer.protocol = (char *)(f->protocol ? f->protocol : "HTTP");
        transfer.start = (uint64_t)COURT_NS(f->start_s);
        transfer.method = (char *)(f->method ? f->method : "GET");
        transfer.host = (char *)f->host;
        transfer.path = (char *)f->path;
        transfer.user_agent = (char *)f->agent;
        transfer.content_type = (char *)f->type;
        transfer.image = (char *)f->image;
        transfer.has_status = !f->no_status;
        transfer.status = f->status ? f->status : 200;
        transfer.has_moved = true;
        transfer.moved = f->moved ? f->moved : 40000;
        transfer.has_size = f->size != 0;
        transfer.size = f->size;
        transfer.has_pushed = transfer.pushed = f->pushed;
        transfer.has_request_frame = transfer.has_request_file = true;
        transfer.request_frame = 77;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(court, &flow, &event, f->start_s + 2, f->pushed);
        return flow.id;
}

static void expect(const struct fetch *f, const char *types)
{
        struct court *court = court_open(policy, intel, NULL);
        fetch(court, f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        if (strcmp(court_types(court), types) != 0)
                print_error("%s fetches %s%s from %s at %.0f\n", f->device, f->host ? f->host : "", f->path,
                            f->peer ? f->peer : "", f->start_s);
        assert_string_equal(court->types, types);
        court_close(court);
}

static const char image_path[] = "/images/router-firmware-2.4.1.bin";

static void an_image_from_any_host_is_a_pull_and_a_small_answer_is_none(void **state)
{
        (void)state;
        static const char *const pulled = "update.pull update.insecure";
        static const struct {
                struct fetch fetch;
                bool is_pull;
        } rows[] = {
                {{.device = "10.20.32.1", .host = "x.example", .path = image_path}, true},
                {{.device = "10.20.32.1", .host = "x.example", .path = image_path, .moved = 32767}, false},
                {{.device = "10.20.32.1", .host = "x.example", .path = image_path, .status = 404}, false},
                {{.device = "10.20.32.1", .host = "x.example", .path = image_path, .no_status = true}, false},
                {{.device = "10.20.32.1", .host = "x.example", .path = "/video.mp4"}, false},
                {{.device = "10.20.32.1", .host = "x.example", .path = "/d", .image = "mcuboot"}, true},
                {{.device = "10.20.32.1", .host = "x.example", .path = "/d", .agent = "DFOTA-Agent/1.0"}, true},
                {{.device = "10.20.32.1", .host = "fota.quectel.example", .path = "/any"}, true},
                {{.device = "10.20.32.1", .peer = "198.51.100.77", .path = "/any"}, true},
                {{.device = "10.20.32.1", .host = "cdn.example", .path = "/any"}, false},
                {{.device = "10.20.32.1", .host = "xtra.example", .path = "/fota/xtra-update-2.1.bin"}, false},
                {{.device = "10.20.32.1", .protocol = "FTP", .method = "RETR", .path = "fw_1.2.bin", .no_status = true},
                 true},
                {{.device = "10.20.32.1", .protocol = "FTP", .method = "STOR", .path = "fw_1.2.bin", .no_status = true},
                 false},
                {{.device = "10.20.32.1", .host = "x.example", .path = image_path, .opener = IN}, false},
                {{.device = "10.20.32.1", .path = image_path, .opener = IN, .pushed = true, .method = "PUT"}, true},
                {{.device = "10.20.32.1",
                  .peer = "10.0.0.9",
                  .path = image_path,
                  .opener = IN,
                  .pushed = true,
                  .method = "PUT"},
                 false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                expect(&rows[i].fetch, rows[i].is_pull ? pulled : "");
}

static void a_long_download_is_one_pull_from_its_first_part_to_its_end(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct fetch f = {
                .device = "10.20.32.1", .host = "fota.quectel.example", .path = image_path, .moved = 32768, .start_s = 10};
        f.flow = fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ASKED);
        f.moved = f.size = 500000;
        fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        struct court_flow flow = {.device = f.device,
                                  .peer = "198.51.100.9",
                                  .peer_port = 80,
                                  .opener = OUT,
                                  .label = "HTTP",
                                  .name = f.host,
                                  .is_host = true,
                                  .payload_down = 500000,
                                  .id = f.flow,
                                  .start_s = 9,
                                  .last_s = 60};
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "update.pull update.insecure");
        const Apnwatch__V1__Alert *pull = court_alert(court, "update.pull");
        assert_int_equal(pull->count, 1);
        assert_int_equal(pull->detail->object->size, 500000);
        assert_string_equal(pull->detail->object->name, "router-firmware-2.4.1.bin");
        assert_string_equal(pull->detail->object->type, "bin");
        assert_string_equal(pull->detail->mode, "direct");
        assert_string_equal(pull->detail->controller, "module_vendor");
        assert_string_equal(pull->detail->target, "module");
        assert_string_equal(pull->peer->vendor, "Quectel");
        assert_string_equal(pull->peer->purpose, "update");
        assert_int_equal(pull->evidence[0]->frame, 77);
        assert_int_equal(pull->severity, APNWATCH__V1__ALERT__SEVERITY__MEDIUM);
        court_close(court);
}

static void parts_fetched_by_ranges_are_added_up(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct fetch f = {.device = "10.20.32.1",
                          .host = "x.example",
                          .path = image_path,
                          .moved = 4096,
                          .size = 200000,
                          .status = 206};
        for (int i = 0; i < 7; i++, f.start_s += 1)
                fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        f.device = "10.20.32.2"; /* another device's do not count */
        fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        f.device = "10.20.32.1";
        assert_int_equal(alert_book_count(court->judge->book, UPDATE_PULL, APNWATCH__V1__ALERT__SEVERITY__LOW), 0);
        fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        assert_string_equal(court_types(court), "update.pull update.insecure");
        court_close(court);
}

static void volume_from_an_update_service_is_a_pull_whatever_hides_it(void **state)
{
        (void)state;
        static const struct {
                struct court_flow flow;
                const char *types;
        } rows[] = {
                {{.device = "10.20.32.1", .peer = "198.51.100.9", .name = "fota.quectel.example", .payload_down = 32768},
                 "update.pull"},
                {{.device = "10.20.32.1", .peer = "198.51.100.9", .name = "fota.quectel.example", .payload_down = 32767},
                 ""},
                {{.device = "10.20.32.1", .peer = "198.51.100.9", .name = "www.quectel.example", .payload_down = 99999}, ""},
                {{.device = "10.20.32.1", .peer = "198.51.100.77", .payload_down = 99999}, "update.pull"},
                {{.device = "10.20.32.1", .peer = "198.51.100.9", .name = "cdn.example", .payload_down = 99999}, ""},
                {{.device = "10.20.32.1",
                  .peer = "198.51.100.9",
                  .name = "fota.quectel.example",
                  .payload_down = 99999,
                  .tls_version = 0x0304},
                 "update.pull"},
                {{.device = "10.20.32.1",
                  .peer = "198.51.100.9",
                  .name = "fota.quectel.example",
                  .payload_down = 99999,
                  .tls_version = 0x0301},
                 "update.pull update.insecure"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(policy, intel, NULL);
                struct court_flow flow = rows[i].flow;
                flow.opener = OUT;
                flow.peer_port = 443;
                flow.label = "TLS";
                court_flow(court, &flow);
                assert_string_equal(court_types(court), rows[i].types);
                court_close(court);
        }
}

static void a_flow_without_a_name_is_known_by_the_devices_answers(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct court_flow flow = {.device = "10.20.32.1",
                                  .peer = "198.51.100.20",
                                  .peer_port = 443,
                                  .opener = OUT,
                                  .payload_down = 99999,
                                  .start_s = 10};
        court_dns(court, "10.20.32.1", "fota.quectel.example", "edge.cdn.example", "198.51.100.20", 60, 5);
        court_flow(court, &flow);
        flow.name = "other.example"; /* another name at the same address */
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "update.pull");
        assert_int_equal(court->alerts[0]->count, 1);
        assert_string_equal(court->alerts[0]->peer->name, "fota.quectel.example");
        assert_string_equal(court->alerts[0]->detail->signature, "not_visible");
        court_close(court);
}

static void the_updates_section_absent_empty_and_given_differ(void **state)
{
        (void)state;
        static const double in_window = 3600, out_of_window = 6 * 3600,
                            maintenance = 11.5 * 3600; /* UTC; Berlin is an hour ahead */
        static const char any[] = "update.pull update.insecure",
                          not_named[] = "update.pull update.unauthorised update.insecure";
        static const struct {
                struct fetch fetch;
                const char *types;
        } rows[] = {
                {{.device = "10.20.32.1", .host = "x.example", .path = image_path}, any},
                {{.device = "10.20.99.1", .host = "x.example", .path = image_path}, any},
                {{.device = "10.20.16.1", .host = "fota.utility.example", .path = image_path}, not_named},
                {{.device = "10.20.0.7", .host = "x.example", .path = image_path, .start_s = in_window}, not_named},
                {{.device = "10.20.0.7", .host = "fota.utility.example", .path = image_path, .start_s = in_window}, any},
                {{.device = "10.20.0.7", .peer = "192.0.2.9", .host = "x.example", .path = image_path, .start_s = in_window},
                 any},
                {{.device = "10.20.0.7", .host = "fota.utility.example", .path = image_path, .start_s = out_of_window},
                 "update.pull update.out_of_window update.insecure"},
                {{.device = "10.20.0.7", .host = "fota.utility.example", .path = image_path, .start_s = maintenance}, any},
                {{.device = "10.20.0.7", .host = "x.example", .path = image_path, .start_s = maintenance}, not_named},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                expect(&rows[i].fetch, rows[i].types);
}

static void severity_follows_plan_and_mode(void **state)
{
        (void)state;
        static const struct {
                struct fetch fetch;
                Apnwatch__V1__Alert__Severity severity;
                const char *mode, *controller;
        } rows[] = {
                {{.device = "10.20.0.7", .host = "fota.utility.example", .path = image_path, .start_s = 3600},
                 APNWATCH__V1__ALERT__SEVERITY__INFO,
                 "indirect",
                 "fleet"},
                {{.device = "10.20.32.1", .host = "fota.quectel.example", .path = image_path},
                 APNWATCH__V1__ALERT__SEVERITY__MEDIUM,
                 "direct",
                 "module_vendor"},
                {{.device = "10.20.32.1", .host = "x.example", .path = image_path},
                 APNWATCH__V1__ALERT__SEVERITY__LOW,
                 "unknown",
                 "unknown"},
                {{.device = "10.20.32.1", .host = "cdn.example", .path = image_path},
                 APNWATCH__V1__ALERT__SEVERITY__LOW,
                 "unknown",
                 "unknown"},
                {{.device = "10.20.32.1", .peer = "192.0.2.9", .host = "x.example", .path = image_path},
                 APNWATCH__V1__ALERT__SEVERITY__LOW,
                 "indirect",
                 "fleet"},
                {{.device = "10.20.32.1",
                  .host = "x.example",
                  .path = "/BG96MAR02A07M1G_01.018.01.018-BG96MAR02A07M1G_01.016.01.016.bin"},
                 APNWATCH__V1__ALERT__SEVERITY__LOW,
                 "indirect",
                 "unknown"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(policy, intel, NULL);
                fetch(court, &rows[i].fetch, APNWATCH__V1__TRANSFER__PHASE__ENDED);
                court_types(court);
                const Apnwatch__V1__Alert *pull = court_alert(court, "update.pull");
                assert_int_equal(pull->severity, rows[i].severity);
                assert_string_equal(pull->detail->mode, rows[i].mode);
                assert_string_equal(pull->detail->controller, rows[i].controller);
                court_close(court);
        }
}

static void an_insecure_object_is_told_once_for_all_devices(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        static const char *const devices[] = {"10.20.32.1", "10.20.32.2", "10.20.32.3"};
        struct fetch f = {.host = "x.example", .path = "/fw/a-1.2.bin?imei=1"};
        for (unsigned i = 0; i < 3; i++) {
                f.device = devices[i];
                f.path = i == 0 ? "/fw/a-1.2.bin?imei=1" : "/fw/a-1.2.bin?imei=2";
                fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        }
        f.path = "/fw/b-1.2.bin";
        fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        court_types(court);
        unsigned insecure = 0, pulls = 0;
        for (unsigned i = 0; i < court->count; i++) {
                bool is_insecure = strcmp(court->alerts[i]->type, "update.insecure") == 0;
                insecure += is_insecure;
                pulls += strcmp(court->alerts[i]->type, "update.pull") == 0;
                if (is_insecure && insecure == 1) {
                        assert_int_equal(court->alerts[i]->device_count, 3);
                        assert_int_equal(court->alerts[i]->scope, APNWATCH__V1__ALERT__SCOPE__FLEET);
                        assert_null(court->alerts[i]->device);
                        assert_string_equal(court->alerts[i]->detail->transport, "HTTP");
                }
        }
        assert_int_equal(insecure, 2);
        assert_int_equal(pulls, 3);
        court_close(court);
}

static void a_pull_an_hour_later_is_another(void **state)
{
        (void)state;
        struct court *court = court_open(policy, intel, NULL);
        struct fetch f = {.device = "10.20.32.1", .host = "x.example", .path = image_path, .start_s = 10};
        fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        f.start_s = 100;
        fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        court_wait(court, 2 * 3600);
        f.start_s = 2 * 3600;
        fetch(court, &f, APNWATCH__V1__TRANSFER__PHASE__ENDED);
        assert_string_equal(court_types(court), "update.pull update.insecure update.pull");
        assert_int_equal(court->alerts[0]->count, 2);
        assert_int_equal(court->alerts[0]->state, APNWATCH__V1__ALERT__STATE__CLOSE);
        court_close(court);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_image_from_any_host_is_a_pull_and_a_small_answer_is_none),
                cmocka_unit_test(a_long_download_is_one_pull_from_its_first_part_to_its_end),
                cmocka_unit_test(parts_fetched_by_ranges_are_added_up),
                cmocka_unit_test(volume_from_an_update_service_is_a_pull_whatever_hides_it),
                cmocka_unit_test(a_flow_without_a_name_is_known_by_the_devices_answers),
                cmocka_unit_test(the_updates_section_absent_empty_and_given_differ),
                cmocka_unit_test(severity_follows_plan_and_mode),
                cmocka_unit_test(an_insecure_object_is_told_once_for_all_devices),
                cmocka_unit_test(a_pull_an_hour_later_is_another),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
