#include <stdio.h>
#include <unistd.h>

#include "judge/judge_state.h"
#include "judge/tac_list.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

#define SIM_A "262011234567890"
#define SIM_B "262011234567891"
#define MODULE_A "8612340512345601"
#define MODULE_B "3588930012345601"

static const char inventory_head[] = "ip,imsi,imei,fleet,mobility,state,from,until,ticket\n";

static void attach(struct court *court, const char *imsi, const char *imei, const char *ip, uint32_t teid, double at_s)
{
        court_attach(court, &(struct court_session){.imsi = imsi, .imei = imei, .ip = ip, .teid = teid, .at_s = at_s});
}

static void detach(struct court *court, uint32_t teid, double at_s)
{
        court_detach(court, &(struct court_session){.teid = teid, .at_s = at_s});
}

static struct court *open_with_row(const char *row)
{
        char inventory[512];
        snprintf(inventory, sizeof inventory, "%s%s\n", inventory_head, row);
        return court_open(NULL, NULL, inventory);
}

static void a_sim_in_another_device_is_told_once(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
        detach(court, 17, 100);
        attach(court, SIM_A, MODULE_B, "10.20.0.8", 18, 200);
        detach(court, 18, 300);
        attach(court, SIM_A, MODULE_B, "10.20.0.9", 19, 400);
        assert_string_equal(court_types(court), "identity.imei_change");
        const Apnwatch__V1__Alert *alert = court->alerts[0];
        assert_int_equal(alert->severity, APNWATCH__V1__ALERT__SEVERITY__HIGH);
        assert_int_equal(alert->count, 1);
        assert_string_equal(alert->detail->former, MODULE_A);
        assert_string_equal(alert->detail->current, MODULE_B);
        assert_string_equal(alert->device->imsi, SIM_A);
        assert_string_equal(alert->device->ip, "10.20.0.8");
        assert_int_equal(alert->n_devices, 1);
        court_close(court);
}

static void another_software_version_or_check_digit_is_the_same_device(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, "8612340512345601", "10.20.0.7", 17, 10);
        detach(court, 17, 100);
        attach(court, SIM_A, "8612340512345602", "10.20.0.7", 18, 200);
        detach(court, 18, 300);
        attach(court, SIM_A, "861234051234560", "10.20.0.7", 19, 400);
        detach(court, 19, 500);
        attach(court, SIM_A, "86123405123456", "10.20.0.7", 20, 600);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void a_placeholder_is_no_device(void **state)
{
        (void)state;
        static const char *const placeholders[] = {"0000000000000000", "111111111111111", "0010110012345601", "123456789012345",
                                                   "99999999999999", "353535353535353", "862010000000000", "432109876543210"};
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
        for (unsigned i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
                attach(court, SIM_A, placeholders[i], "10.20.0.7", 18 + i, 20 + 10 * i);
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 30, 200);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void a_sim_that_the_inventory_binds_elsewhere_is_told(void **state)
{
        (void)state;
        static const struct {
                const char *row, *types;
        } rows[] = {{"," SIM_A "," MODULE_A ",,,installed,,,", "identity.imei_change"},
                    {"," SIM_A "," MODULE_B ",,,installed,,,", ""},
                    {"," SIM_A ",,,,installed,,,", ""}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_row(rows[i].row);
                attach(court, SIM_A, MODULE_B, "10.20.0.7", 17, 10);
                detach(court, 17, 20);
                attach(court, SIM_A, MODULE_B, "10.20.0.7", 18, 30);
                assert_string_equal(court_types(court), rows[i].types);
                court_close(court);
        }
}

/* Before and after the ticket's time it is like any other; a ticket for a third device, or of a row that always holds, plans nothing. */
static void a_ticketed_change_is_info(void **state)
{
        (void)state;
        static const struct {
                const char *row;
                double at_s;
                int severity;
                const char *ticket;
        } rows[] = {
                {"," SIM_A "," MODULE_B ",,,maintenance,2026-03-01,2026-03-01,CHG-9", 200, 0, "CHG-9"},
                {"," SIM_A ",,,,installed,2026-03-01,,CHG-9", 200, 0, "CHG-9"},
                {",," MODULE_B ",,,installed,2026-03-01,,CHG-9", 200, 0, "CHG-9"},
                {"," SIM_A "," MODULE_B ",,,maintenance,2026-03-02,2026-03-02,CHG-9", 200, 3, NULL},
                {"," SIM_A "," MODULE_B ",,,maintenance,2026-02-01,2026-02-02,CHG-9", 200, 3, NULL},
                {"," SIM_A ",8612340599999901,,,maintenance,2026-03-02,2026-03-02,CHG-9", 86500, 3, NULL},
                {"," SIM_A "," MODULE_B ",,,maintenance,2026-03-01,2026-03-01,", 200, 3, NULL},
                {"," SIM_A ",,,,installed,,,CHG-9", 200, 3, NULL},
        };
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_row(rows[i].row);
                attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, -100);
                detach(court, 17, 100);
                attach(court, SIM_A, MODULE_B, "10.20.0.7", 18, rows[i].at_s);
                court_types(court);
                const Apnwatch__V1__Alert *alert = court->alerts[court->count - 1];
                assert_string_equal(alert->type, "identity.imei_change");
                assert_string_equal(alert->detail->current, MODULE_B);
                assert_int_equal(alert->severity, rows[i].severity);
                if (rows[i].ticket)
                        assert_string_equal(alert->detail->ticket, rows[i].ticket);
                else
                        assert_null(alert->detail->ticket);
                court_close(court);
        }
}

/* There and back again, by whatever module it is told first. */
static void a_sim_that_goes_to_and_fro_is_one_cause(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        for (unsigned i = 0; i < 6; i++) {
                attach(court, SIM_A, i % 2 ? MODULE_B : MODULE_A, "10.20.0.7", 17 + i, 10 + 100 * i);
                detach(court, 17 + i, 60 + 100 * i);
        }
        assert_string_equal(court_types(court), "identity.imei_change");
        assert_int_equal(court->alerts[0]->count, 5);
        assert_string_equal(court->alerts[0]->detail->former, MODULE_A);
        court_close(court);
}

/* A list with what was and what will be; a ticket of years ago, which says nothing of the module that comes. */
static void rows_that_hold_say_what_is_planned(void **state)
{
        (void)state;
        static const struct {
                const char *rows;
                int severity;
        } lists[] = {{"," SIM_A "," MODULE_A ",,,installed,,2026-03-01,CHG-9\n," SIM_A "," MODULE_B ",,,installed,2026-03-01,,CHG-9", 0},
                     {"," SIM_A "," MODULE_A ",,,installed,,2026-03-01,\n," SIM_A "," MODULE_B ",,,installed,2026-03-01,,", 3},
                     {"," SIM_A "," MODULE_B ",,,installed,2024-01-01,,CHG-9", 3}, /* it was not in it until now */
                     {"," SIM_A "," MODULE_B ",,,installed,2026-02-20,,CHG-9", 0},
                     {"," SIM_A "," MODULE_A ",,,installed,2024-01-01,,CHG-9", 3},
                     {"," SIM_A ",,,,installed,2024-01-01,,CHG-9", 3},
                     {"," SIM_A ",,,,maintenance,,,CHG-9", 0},
                     {",," MODULE_A ",,,maintenance,,,CHG-9", 0}};
        for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++) {
                struct court *court = open_with_row(lists[i].rows);
                attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
                detach(court, 17, 100);
                attach(court, SIM_A, MODULE_B, "10.20.0.8", 18, 200);
                court_types(court);
                assert_int_equal(court_alert(court, "identity.imei_change")->severity, lists[i].severity);
                court_close(court);
        }
}

static void talk(struct court *court, const char *device, double at_s)
{
        court_flow(court, &(struct court_flow){.device = device, .peer = "198.51.100.9", .peer_port = 8883, .opener = OUT, .start_s = at_s});
}

/* Two SIMs with one IMEI: told when both sent while both lived, whoever came first. */
static void one_module_in_two_places_is_a_clone(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, "8612340512345601", "10.20.0.7", 17, 10);
        talk(court, "10.20.0.7", 20);
        attach(court, SIM_B, "861234051234568", "10.20.0.8", 18, 100);
        talk(court, "10.20.0.8", 200);
        talk(court, "10.20.0.7", 210);
        talk(court, "10.20.0.8", 220);
        assert_string_equal(court_types(court), "identity.imei_clone");
        const Apnwatch__V1__Alert *alert = court->alerts[0];
        assert_int_equal(alert->severity, APNWATCH__V1__ALERT__SEVERITY__HIGH);
        assert_int_equal(alert->confidence, APNWATCH__V1__ALERT__CONFIDENCE__LIKELY);
        assert_int_equal(alert->detail->n_subscribers, 2);
        assert_int_equal(alert->n_devices, 2);
        assert_string_equal(alert->devices[0], "10.20.0.7");
        assert_string_equal(alert->devices[1], "10.20.0.8");
        assert_int_equal(alert->count, 2);
        court_close(court);
}

/* A connection that was there before the other came, and goes on; or stopped before that. */
static void what_goes_on_being_sent_in_an_old_flow_counts(void **state)
{
        (void)state;
        for (unsigned goes_on = 0; goes_on < 2; goes_on++) {
                struct court *court = court_open(NULL, NULL, NULL);
                struct court_flow old = {.device = "10.20.0.7", .peer = "198.51.100.9", .peer_port = 8883, .opener = IN, .start_s = 20,
                                         .last_s = 400, .last_up_s = goes_on ? 390 : 99};
                attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
                attach(court, SIM_B, MODULE_A, "10.20.0.8", 18, 100);
                talk(court, "10.20.0.8", 200);
                court_flow(court, &old);
                assert_string_equal(court_types(court), goes_on ? "identity.imei_clone" : "");
                court_close(court);
        }
}

/* Where AAA tells no IMSI. */
static void a_telephone_number_stands_for_the_sim(void **state)
{
        (void)state;
        static const char *const numbers[] = {"4915112345678", "4915112345679"};
        struct court *court = court_open(NULL, NULL, NULL);
        for (unsigned i = 0; i < 3; i++) {
                Apnwatch__V1__Signalling s = APNWATCH__V1__SIGNALLING__INIT;
                uint8_t address[] = {10, 20, 0, (uint8_t)(7 + i)}, node[] = {10, 66, 0, 9};
                s.protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__RADIUS;
                s.procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE;
                s.phase = APNWATCH__V1__SIGNALLING__PHASE__REQUEST;
                s.sequence = 1 + i;
                s.has_sequence = true;
                s.source = s.destination = (ProtobufCBinaryData){sizeof node, node};
                s.session = i == 0 ? (char *)"a" : i == 1 ? (char *)"b" : (char *)"c";
                s.message = 4;
                s.node = (char *)"nas";
                s.msisdn = (char *)numbers[i % 2];
                s.imei = i == 2 ? (char *)MODULE_B : (char *)MODULE_A;
                s.apn = (char *)"meters.example";
                s.has_ipv4 = true;
                s.ipv4 = (ProtobufCBinaryData){sizeof address, address};
                if (i == 2) {
                        talk(court, "10.20.0.7", 150);
                        talk(court, "10.20.0.8", 160);
                }
                court_signalling(court, &s, 10 + 100.0 * i);
        }
        assert_string_equal(court_types(court), "identity.imei_clone identity.imei_change");
        court_close(court);
}

/* A roaming leftover or a profile switch: the old session is there and silent, but for the server that repeats its packets. */
static void a_silent_session_is_no_clone(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
        talk(court, "10.20.0.7", 20);
        talk(court, "10.20.0.7", 99);
        attach(court, SIM_B, MODULE_A, "10.20.0.8", 18, 100);
        for (unsigned i = 0; i < 5; i++)
                talk(court, "10.20.0.8", 200 + 100 * i);
        court_flow(court, &(struct court_flow){.device = "10.20.0.7", .peer = "198.51.100.9", .peer_port = 8883, .opener = OUT,
                                               .start_s = 30, .last_s = 700});
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void profiles_one_after_another_are_no_clone(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
        talk(court, "10.20.0.7", 20);
        detach(court, 17, 90);
        attach(court, SIM_B, MODULE_A, "10.20.0.8", 18, 100);
        talk(court, "10.20.0.8", 200);
        detach(court, 18, 300);
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 19, 310);
        talk(court, "10.20.0.7", 320);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void one_sim_with_two_sessions_is_no_clone(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
        court_attach(court, &(struct court_session){.imsi = SIM_A, .imei = MODULE_A, .ip = "10.30.0.7", .apn = "other.example", .teid = 18,
                                                    .at_s = 20});
        for (unsigned i = 0; i < 4; i++)
                talk(court, i % 2 ? "10.20.0.7" : "10.30.0.7", 100 + 100 * i);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void placeholders_are_shared_by_many(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        attach(court, SIM_A, "0000000000000000", "10.20.0.7", 17, 10);
        attach(court, SIM_B, "0000000000000000", "10.20.0.8", 18, 10);
        for (unsigned i = 0; i < 4; i++)
                talk(court, i % 2 ? "10.20.0.7" : "10.20.0.8", 100 + 100 * i);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

/* Not known by what is known of it; nor by a fleet; and only where the inventory lists by such a thing at all. */
static void whom_nobody_listed_is_told_once(void **state)
{
        (void)state;
        static const char other_sim[] = "," SIM_B ",,,,installed,,,", own_sim[] = "," SIM_A ",,,,installed,,,",
                          own_module[] = ",," MODULE_A ",,,installed,,,", own_address[] = "10.20.0.7,,,,,installed,,,";
        static const struct {
                const char *row, *types;
        } rows[] = {{other_sim, "identity.unknown_device"}, {own_sim, ""}, {own_module, ""}, {own_address, ""},
                    {"10.20.0.99,,,,,installed,,,", "identity.unknown_device"}, {NULL, ""}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = rows[i].row ? open_with_row(rows[i].row) : court_open(NULL, NULL, NULL);
                attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
                talk(court, "10.20.0.7", 20);
                detach(court, 17, 100);
                attach(court, SIM_A, MODULE_A, "10.20.0.7", 18, 200);
                talk(court, "10.20.0.7", 220);
                assert_string_equal(court_types(court), rows[i].types);
                court_close(court);
        }
        struct court *court = court_open("version: 1\nfleets:\n  - name: meters\n    members:\n      - {imsi_prefix: \"26201\"}\n", NULL,
                                         "ip,imsi\n," SIM_B "\n");
        attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

/* Without signalling the address is all there is: of an inventory of SIMs nothing can be asked then. */
static void an_address_that_nobody_listed_is_told_when_it_sends(void **state)
{
        (void)state;
        static const struct {
                const char *row;
                struct court_flow flow;
                const char *types;
        } rows[] = {
                {"10.20.0.99,,,,,installed,,,", {.device = "10.20.0.7", .peer = "198.51.100.9", .opener = OUT}, "identity.unknown_device"},
                {"10.20.0.7,,,,,installed,,,", {.device = "10.20.0.7", .peer = "198.51.100.9", .opener = OUT}, ""},
                {"," SIM_A ",,,,installed,,,", {.device = "10.20.0.7", .peer = "198.51.100.9", .opener = OUT}, ""},
                {"10.20.0.99,,,,,installed,,,", {.device = "10.20.0.7", .peer = "198.51.100.9", .opener = IN, .unanswered = true}, ""},
                {"10.20.0.99,,,,,installed,,,", {.device = "10.66.0.1", .peer = "10.66.0.2", .opener = OUT}, ""},
        };
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_row(rows[i].row);
                court_flow(court, &rows[i].flow);
                court_flow(court, &rows[i].flow);
                assert_string_equal(court_types(court), rows[i].types);
                court_close(court);
        }
}

static void what_the_inventory_retired_is_told(void **state)
{
        (void)state;
        static const struct {
                const char *row, *types;
                bool attaches, talks;
                int severity;
        } rows[] = {{"," SIM_A ",,,,retired,,,", "identity.retired_active", true, false, 2},
                    {"," SIM_A ",,,,retired,,,", "identity.retired_active", true, true, 3},
                    {",," MODULE_A ",,,retired,,,", "identity.retired_active", true, true, 3},
                    {"10.20.0.7,,,,,retired,,,", "identity.retired_active", false, true, 3},
                    {"10.20.0.7," SIM_B ",,,,retired,,,", "identity.unknown_device", true, true, 2},
                    {"," SIM_A ",,,,retired,2026-03-05,,", "identity.unknown_device", true, true, 2},
                    {"," SIM_A ",,,,stock,,,", "", true, true, 0}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_row(rows[i].row);
                if (rows[i].attaches)
                        attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
                if (rows[i].talks)
                        talk(court, "10.20.0.7", 20);
                assert_string_equal(court_types(court), rows[i].types);
                if (court->count > 0)
                        assert_int_equal(court->alerts[0]->severity, rows[i].severity);
                court_close(court);
        }
}

struct stay {
        const char *plmn;
        uint32_t area;
        uint64_t cell;
        double at_s;
};

/* Rows of the user's in place of signalling: a SIM goes to another module, then a SIM comes that nobody listed. */
static void rows_of_the_users_are_judged_when_somebody_sends(void **state)
{
        (void)state;
        struct court *court = open_with_row("," SIM_A ",,,,installed,,,");
        struct binding_row rows[] = {{.from_ns = INT64_MIN, .until_ns = COURT_NS(100), .imsi = SIM_A, .imei = MODULE_A},
                                     {.from_ns = COURT_NS(100), .until_ns = COURT_NS(300), .imsi = SIM_A, .imei = MODULE_B},
                                     {.from_ns = COURT_NS(300), .until_ns = INT64_MAX, .imsi = SIM_B, .imei = MODULE_A}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                assert_true(address_parse("10.20.0.7", &rows[i].ip));
                bindings_import(court->judge->bindings, &rows[i]);
        }
        court->judge->has_identity = true;
        talk(court, "10.20.0.7", 10);
        talk(court, "10.20.0.7", 150);
        talk(court, "10.20.0.7", 200);
        talk(court, "10.20.0.7", 350);
        talk(court, "10.20.0.7", 360);
        assert_string_equal(court_types(court), "identity.imei_change identity.unknown_device");
        assert_int_equal(court->alerts[0]->count, 1);
        assert_string_equal(court->alerts[0]->detail->current, MODULE_B);
        assert_int_equal(court->alerts[1]->count, 1);
        assert_string_equal(court->alerts[1]->device->imsi, SIM_B);
        court_close(court);
}

static struct court *visit(const char *mobility, const struct stay *stays, unsigned count)
{
        char row[128];
        snprintf(row, sizeof row, "," SIM_A ",,,%s,installed,,,", mobility);
        struct court *court = open_with_row(row);
        for (unsigned i = 0; i < count; i++)
                court_attach(court, &(struct court_session){.imsi = SIM_A, .ip = "10.20.0.7", .plmn = stays[i].plmn, .area = stays[i].area,
                                                            .cell = stays[i].cell, .teid = 17 + i, .at_s = stays[i].at_s});
        return court;
}

#define DAY 86400.0

static void a_static_device_elsewhere_is_relocated(void **state)
{
        (void)state;
        static const struct {
                const char *mobility;
                struct stay stays[3];
                int severity; /* -1: none */
        } rows[] = {
                {"static", {{"262-01", 4660, 25601, 10}, {"208-01", 4660, 25601, 200}}, 3},
                {"static", {{"262-01", 4660, 25601, 10}, {"262-02", 4660, 25601, 200}}, 2},
                {"static", {{"262-01", 4660, 25601, 10}, {"262-01", 4661, 51201, DAY + 20}}, 2},
                {"static", {{"262-01", 4660, 25601, 10}, {"262-01", 4660, 51201, DAY + 20}}, 1},
                {"static", {{"262-01", 4660, 25601, 10}, {"262-01", 4660, 25602, DAY + 20}}, -1},
                {"static", {{"262-01", 4660, 25601, 10}, {"262-01", 4661, 51201, 3600}}, -1},
                {"static", {{"262-01", 4660, 25601, 10}, {"262-01", 9001, 51201, 3600}}, 1},
                {"static", {{"262-01", 4660, 25601, 10}, {"262-01", 4661, 51201, 3600}, {"262-01", 4660, 25601, 3 * DAY}}, -1},
                {"mobile", {{"262-01", 4660, 25601, 10}, {"208-01", 4660, 25601, 200}}, -1},
                {"", {{"262-01", 4660, 25601, 10}, {"208-01", 4660, 25601, 200}}, -1},
        };
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = visit(rows[i].mobility, rows[i].stays, rows[i].stays[2].plmn ? 3 : 2);
                assert_string_equal(court_types(court), rows[i].severity < 0 ? "" : "identity.relocated");
                if (court->count > 0) {
                        assert_int_equal(court->alerts[0]->severity, rows[i].severity);
                        assert_string_equal(court->alerts[0]->detail->former, "ecgi:262-01-25601");
                }
                court_close(court);
        }
}

#define INTEL "tacs:\n  - {tac: \"86123405\", vendor: 'Quectel', model: 'BC66', source: 'x'}\n"
#define TACS "tac,vendor,model,type\n35889300,Maker,P1,Smartphone\n86123405,Quectel,BC66,Module\n"

static void a_sim_of_a_static_device_in_a_phone_is_relocated(void **state)
{
        (void)state;
        static const struct {
                const char *row, *types;
        } rows[] = {{"," SIM_A ",,,static,installed,,,", "identity.imei_change identity.relocated"},
                    {"," SIM_A ",,,mobile,installed,,,", "identity.imei_change"},
                    {"," SIM_A "," MODULE_B ",,static,installed,,,", "identity.imei_change"}}; /* the operator's own telephone */
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                char inventory[256];
                snprintf(inventory, sizeof inventory, "%s%s\n", inventory_head, rows[i].row);
                struct tac_list *tacs = tac_list_parse("tacs.csv", TACS, strlen(TACS), stderr);
                struct court *court = court_open(NULL, INTEL, inventory);
                intel_prefer_tacs(court->intel, tacs);
                attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
                detach(court, 17, 100);
                attach(court, SIM_A, MODULE_B, "10.20.0.8", 18, 200);
                assert_string_equal(court_types(court), rows[i].types);
                if (court->count > 1) {
                        assert_int_equal(court->alerts[1]->severity, APNWATCH__V1__ALERT__SEVERITY__HIGH);
                        assert_string_equal(court->alerts[1]->device->vendor, "Maker");
                }
                court_close(court);
                tac_list_destroy(tacs);
        }
}

static void browse(struct court *court, const char *device, const char *agent, double at_s)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.9", .peer_port = 80, .opener = OUT, .start_s = at_s, .label = "HTTP"};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = APNWATCH__V1__TRANSFER__PHASE__ENDED;
        transfer.protocol = (char *)"HTTP";
        transfer.start = (uint64_t)COURT_NS(at_s);
        transfer.path = (char *)"/";
        transfer.user_agent = (char *)agent;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(court, &flow, &event, at_s + 1, false);
}

/* Without a list of TACs: by how it talks, and only of a SIM that came into another device. */
static void a_sim_that_talks_like_a_phone_after_its_change_is_relocated(void **state)
{
        (void)state;
        static const struct {
                const char *mobility, *second, *name, *agent, *types;
        } rows[] = {
                {"static", MODULE_B, "captive.apple.com", NULL, "identity.imei_change identity.relocated"},
                {"static", MODULE_B, NULL, "Dalvik/2.1.0 (Linux; U; Android 13; SM-A546B)", "identity.imei_change identity.relocated"},
                {"static", MODULE_B, "www.example.com", "curl/8", "identity.imei_change"},
                {"static", MODULE_A, "captive.apple.com", "Dalvik/2.1.0", ""},
                {"mobile", MODULE_B, "captive.apple.com", NULL, "identity.imei_change"},
        };
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                char row[128];
                snprintf(row, sizeof row, "," SIM_A ",,,%s,installed,,,", rows[i].mobility);
                struct court *court = open_with_row(row);
                attach(court, SIM_A, MODULE_A, "10.20.0.7", 17, 10);
                detach(court, 17, 100);
                attach(court, SIM_A, rows[i].second, "10.20.0.8", 18, 200);
                if (rows[i].name)
                        court_flow(court, &(struct court_flow){.device = "10.20.0.8", .peer = "198.51.100.9", .peer_port = 443, .opener = OUT,
                                                               .start_s = 210, .name = rows[i].name, .label = "TLS"});
                if (rows[i].agent)
                        browse(court, "10.20.0.8", rows[i].agent, 220);
                const char *types = court_types(court);
                assert_string_equal(types, rows[i].types);
                if (court->count > 1)
                        assert_int_equal(court->alerts[1]->confidence, APNWATCH__V1__ALERT__CONFIDENCE__POSSIBLE);
                court_close(court);
        }
}

/* The same, after a restart. */
static struct court *reopen(struct court *court, const char *row)
{
        FILE *file = tmpfile();
        uint64_t number;
        assert_non_null(file);
        assert_int_equal(judge_save(court->judge, 7, fileno(file)), 0);
        court_close(court);
        court = open_with_row(row);
        judge_destroy(court->judge);
        court->judge = judge_create(&court->settings);
        assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
        assert_int_equal(judge_load(court->judge, fileno(file), &number), 0);
        fclose(file);
        return court;
}

/* The second SIM's record comes back from a file: its change is a change, and its places are known. */
static void what_sims_were_survives_a_restart(void **state)
{
        (void)state;
        static const char row[] = "," SIM_A ",,,static,installed,,,";
        struct court *court = open_with_row(row);
        court_attach(court, &(struct court_session){.imsi = SIM_A, .imei = MODULE_A, .ip = "10.20.0.7", .plmn = "262-01", .cell = 25601,
                                                    .teid = 17, .at_s = 10});
        court = reopen(court, row);
        court_attach(court, &(struct court_session){.imsi = SIM_A, .imei = MODULE_B, .ip = "10.20.0.7", .plmn = "208-01", .cell = 25601,
                                                    .teid = 18, .at_s = 600});
        assert_string_equal(court_types(court), "identity.imei_change identity.relocated");
        assert_string_equal(court->alerts[0]->detail->former, MODULE_A);
        assert_string_equal(court->alerts[1]->detail->former, "ecgi:262-01-25601");
        court_close(court);
}

static void an_area_far_from_that_before_a_restart_is_told(void **state)
{
        (void)state;
        struct court *court = visit("static", (struct stay[]){{"262-01", 4660, 25601, 10}}, 1);
        court = reopen(court, "," SIM_A ",,,static,installed,,,");
        court_attach(court, &(struct court_session){.imsi = SIM_A, .ip = "10.20.0.7", .plmn = "262-01", .area = 9001, .cell = 51201,
                                                    .teid = 18, .at_s = 3600});
        assert_string_equal(court_types(court), "identity.relocated");
        court_close(court);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_sim_in_another_device_is_told_once),
                cmocka_unit_test(another_software_version_or_check_digit_is_the_same_device),
                cmocka_unit_test(a_placeholder_is_no_device),
                cmocka_unit_test(a_sim_that_the_inventory_binds_elsewhere_is_told),
                cmocka_unit_test(a_ticketed_change_is_info),
                cmocka_unit_test(a_sim_that_goes_to_and_fro_is_one_cause),
                cmocka_unit_test(rows_that_hold_say_what_is_planned),
                cmocka_unit_test(what_goes_on_being_sent_in_an_old_flow_counts),
                cmocka_unit_test(a_telephone_number_stands_for_the_sim),
                cmocka_unit_test(a_sim_of_a_static_device_in_a_phone_is_relocated),
                cmocka_unit_test(a_sim_that_talks_like_a_phone_after_its_change_is_relocated),
                cmocka_unit_test(one_module_in_two_places_is_a_clone),
                cmocka_unit_test(a_silent_session_is_no_clone),
                cmocka_unit_test(profiles_one_after_another_are_no_clone),
                cmocka_unit_test(one_sim_with_two_sessions_is_no_clone),
                cmocka_unit_test(placeholders_are_shared_by_many),
                cmocka_unit_test(whom_nobody_listed_is_told_once),
                cmocka_unit_test(an_address_that_nobody_listed_is_told_when_it_sends),
                cmocka_unit_test(what_the_inventory_retired_is_told),
                cmocka_unit_test(rows_of_the_users_are_judged_when_somebody_sends),
                cmocka_unit_test(a_static_device_elsewhere_is_relocated),
                cmocka_unit_test(what_sims_were_survives_a_restart),
                cmocka_unit_test(an_area_far_from_that_before_a_restart_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
