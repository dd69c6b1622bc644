#include <stdio.h>
#include <unistd.h>

#include "judge/judge_state.h"
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
                                                   "99999999999999"};
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

/* The second SIM's record comes back from a file: its change is a change, and its places are known. */
static void what_sims_were_survives_a_restart(void **state)
{
        (void)state;
        struct court *court = open_with_row("," SIM_A ",,,static,installed,,,"), *next;
        FILE *file = tmpfile();
        uint64_t number;
        assert_non_null(file);
        court_attach(court, &(struct court_session){.imsi = SIM_A, .imei = MODULE_A, .ip = "10.20.0.7", .plmn = "262-01", .cell = 25601,
                                                    .teid = 17, .at_s = 10});
        assert_int_equal(judge_save(court->judge, 7, fileno(file)), 0);
        court_close(court);
        next = open_with_row("," SIM_A ",,,static,installed,,,");
        judge_destroy(next->judge);
        next->judge = judge_create(&next->settings);
        assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
        assert_int_equal(judge_load(next->judge, fileno(file), &number), 0);
        court_attach(next, &(struct court_session){.imsi = SIM_A, .imei = MODULE_B, .ip = "10.20.0.7", .plmn = "208-01", .cell = 25601,
                                                   .teid = 18, .at_s = 600});
        assert_string_equal(court_types(next), "identity.imei_change identity.relocated");
        assert_string_equal(next->alerts[0]->detail->former, MODULE_A);
        assert_string_equal(next->alerts[1]->detail->former, "ecgi:262-01-25601");
        court_close(next);
        fclose(file);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_sim_in_another_device_is_told_once),
                cmocka_unit_test(another_software_version_or_check_digit_is_the_same_device),
                cmocka_unit_test(a_placeholder_is_no_device),
                cmocka_unit_test(a_sim_that_the_inventory_binds_elsewhere_is_told),
                cmocka_unit_test(a_ticketed_change_is_info),
                cmocka_unit_test(one_module_in_two_places_is_a_clone),
                cmocka_unit_test(a_silent_session_is_no_clone),
                cmocka_unit_test(profiles_one_after_another_are_no_clone),
                cmocka_unit_test(one_sim_with_two_sessions_is_no_clone),
                cmocka_unit_test(placeholders_are_shared_by_many),
                cmocka_unit_test(whom_nobody_listed_is_told_once),
                cmocka_unit_test(an_address_that_nobody_listed_is_told_when_it_sends),
                cmocka_unit_test(what_the_inventory_retired_is_told),
                cmocka_unit_test(a_static_device_elsewhere_is_relocated),
                cmocka_unit_test(what_sims_were_survives_a_restart),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
