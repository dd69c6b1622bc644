#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time_zone.h"

/* Against the C library, a century long: past transitions, the file's foot, north and south, half hours, Morocco's and
 * Ireland's negative saving. Zones that this machine lacks are passed over; one must be there. */
static void local_time_is_what_the_c_library_says(void **state)
{
        static const char *const names[] = {"Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata",
                                            "America/St_Johns", "Africa/Casablanca", "Europe/Dublin", "America/Nuuk", "UTC"};
        unsigned seen = 0;
        (void)state;
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
                struct time_zone *zone = time_zone_load(names[i]);
                if (zone == NULL)
                        continue;
                seen++;
                setenv("TZ", names[i], 1);
                tzset();
                for (int64_t at = -1500000000; at < 4000000000; at += 86400 * 5 + 1234) {
                        struct tm tm;
                        struct civil_time civil;
                        time_t moment = at;
                        localtime_r(&moment, &tm);
                        time_zone_local(zone, at * 1000000000, &civil);
                        assert_int_equal(time_zone_offset(zone, at), tm.tm_gmtoff);
                        assert_int_equal(civil.year, tm.tm_year + 1900);
                        assert_int_equal(civil.month, tm.tm_mon + 1);
                        assert_int_equal(civil.day, tm.tm_mday);
                        assert_int_equal(civil.hour, tm.tm_hour);
                        assert_int_equal(civil.weekday, tm.tm_wday);
                }
                time_zone_destroy(zone);
        }
        assert_true(seen > 0);
}

/* A TZif file of version 2 without transitions, with the foot alone (RFC 8536, 3.3). */
static struct time_zone *zone_of_foot(const char *foot)
{
        uint8_t file[400] = "TZif2";
        size_t used = 44;
        file[39] = 1; /* one type */
        file[43] = 1; /* one character */
        used += 6 + 1;
        memcpy(file + used, file, 44);
        used += 44 + 6 + 1;
        file[used++] = '\n';
        memcpy(file + used, foot, strlen(foot));
        used += strlen(foot);
        file[used++] = '\n';
        struct time_zone *zone = time_zone_parse(file, used);
        for (size_t cut = 0; zone != NULL && cut < used; cut++) { /* no prefix of it may be read beyond */
                uint8_t *copy = malloc(cut ? cut : 1);
                memcpy(copy, file, cut);
                time_zone_destroy(time_zone_parse(copy, cut));
                free(copy);
        }
        return zone;
}

static void the_foot_has_all_forms_of_posix(void **state)
{
        static const struct {
                const char *foot;
                bool valid;
                int64_t at;
                int32_t offset;
        } rows[] = {
                {"UTC0", true, 0, 0},
                {"<+0530>-5:30", true, 0, 19800},
                {"CET-1CEST,M3.5.0,M10.5.0/3", true, 1774745999, 3600}, /* 2026-03-29 00:59:59 UTC */
                {"CET-1CEST,M3.5.0,M10.5.0/3", true, 1774746000, 7200},
                {"CET-1CEST,M3.5.0,M10.5.0/3", true, 1792889999, 7200}, /* 2026-10-25 00:59:59 UTC */
                {"CET-1CEST,M3.5.0,M10.5.0/3", true, 1792890000, 3600},
                {"AEST-10AEDT,M10.1.0,M4.1.0/3", true, 1767225600, 39600}, /* summer over the new year */
                {"IST-1GMT0,M10.5.0,M3.5.0/1", true, 1767225600, 0},       /* Ireland: winter is the saving */
                {"XXX3YYY,J60,J300", true, 1772409600, -7200},             /* 2026-03-02 */
                {"XXX3YYY,59/2,299", true, 1772409600, -7200},
                {"XXX", false, 0, 0},
                {"X3", false, 0, 0},
                {"CET-1CEST,M13.5.0,M10.5.0/3", false, 0, 0},
                {"CET-1CEST,M3.5.0", false, 0, 0},
                {"CET-1CEST", false, 0, 0},
        };
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct time_zone *zone = zone_of_foot(rows[i].foot);
                if ((zone != NULL) != rows[i].valid || (zone && time_zone_offset(zone, rows[i].at) != rows[i].offset))
                        fail_msg("%s at %lld: %d", rows[i].foot, (long long)rows[i].at,
                                 zone ? (int)time_zone_offset(zone, rows[i].at) : -1);
                time_zone_destroy(zone);
        }
}

static void twice_is_the_first_and_skipped_is_pushed_on(void **state)
{
        struct time_zone *zone = zone_of_foot("CET-1CEST,M3.5.0,M10.5.0/3");
        struct civil_time twice = {.year = 2026, .month = 10, .day = 25, .hour = 2, .minute = 30};
        struct civil_time skipped = {.year = 2026, .month = 3, .day = 29, .hour = 2, .minute = 30};
        (void)state;
        assert_int_equal(time_zone_moment(zone, &twice), 1792888200);   /* 00:30 UTC, still summer */
        assert_int_equal(time_zone_moment(zone, &skipped), 1774747800); /* 01:30 UTC */
        time_zone_destroy(zone);
}

static void names_outside_the_folder_are_refused(void **state)
{
        (void)state;
        assert_null(time_zone_load("../../../etc/passwd"));
        assert_null(time_zone_load("/etc/localtime"));
        assert_null(time_zone_load("Europe"));
        assert_null(time_zone_load("Europe/Atlantis"));
        assert_null(time_zone_load(""));
        assert_null(time_zone_parse("TZif", 4));
}

static void moments_are_read_in_the_forms_of_the_outside(void **state)
{
        static const struct {
                const char *text;
                bool valid;
                int64_t ns;
        } rows[] = {
                {"2026-03-01T02:03:04.567891Z", true, 1772330584567891000},
                {"2026-03-01T03:03:04+01:00", true, 1772330584000000000},
                {"2026-03-01 02:03:04 +0000", true, 1772330584000000000},
                {"2026-03-01", true, 1772323200000000000},
                {"1772330584", true, 1772330584000000000},
                {"1772330584.5", true, 1772330584500000000},
                {"2026-02-29", false, 0},
                {"2026-13-01", false, 0},
                {"yesterday", false, 0},
                {"", false, 0},
                {"2026-03-01T02:03:04X", false, 0},
                {"2026-03-01T25:00", false, 0},
                {"9999-01-01", false, 0},
        };
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                int64_t ns = 0;
                bool valid = moment_parse(rows[i].text, NULL, &ns);
                if (valid != rows[i].valid || (valid && ns != rows[i].ns))
                        fail_msg("%s: %lld", rows[i].text, (long long)ns);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(local_time_is_what_the_c_library_says),
                cmocka_unit_test(the_foot_has_all_forms_of_posix),
                cmocka_unit_test(twice_is_the_first_and_skipped_is_pushed_on),
                cmocka_unit_test(names_outside_the_folder_are_refused),
                cmocka_unit_test(moments_are_read_in_the_forms_of_the_outside),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
