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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_sim_in_another_device_is_told_once),
                cmocka_unit_test(another_software_version_or_check_digit_is_the_same_device),
                cmocka_unit_test(a_placeholder_is_no_device),
                cmocka_unit_test(a_sim_that_the_inventory_binds_elsewhere_is_told),
                cmocka_unit_test(a_ticketed_change_is_info),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
