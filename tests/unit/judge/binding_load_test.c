/* Many sessions: what one takes in memory, and how many changes a second. With a number as argument that many instead of
 * 100 000, and with two the speed is asked for as well: binding_load_test 1000000 100000. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge/bindings.h"
#include "tests/unit/judge/binding_scene.h"
#include "tests/unit/test.h"

enum { BYTES_MOST = 600, SANITIZER_SESSIONS = 100000 };
static uint32_t session_count = SANITIZER_SESSIONS;
static double wanted_speed;

#define GTPV2C .protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C
#define PROCEDURE(name) .procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define RESPONSE .phase = APNWATCH__V1__SIGNALLING__PHASE__RESPONSE

/* Over what stands there. By hand, since bindings are measured, not printf. */
static void put_number(char *at, unsigned digits, unsigned base, uint32_t number)
{
        for (unsigned i = digits; i-- > 0; number /= base)
                at[i] = "0123456789abcdef"[number % base];
}

/* Two control and four user tunnel ends. */
static void create(struct binding_scene *scene, uint32_t n)
{
        char imsi[] = "262010000000000", imei[] = "8612340500000001", msisdn[] = "4915100000000", ipv6[] = "2001:db8:0000:0000::",
             apn[] = "apn-00.example";
        put_number(imsi + 5, 10, 10, n);
        put_number(imei + 8, 6, 10, n);
        put_number(msisdn + 5, 8, 10, n);
        put_number(ipv6 + 9, 4, 16, n >> 16);
        put_number(ipv6 + 14, 4, 16, n);
        put_number(apn + 4, 2, 10, n % 50);
        SAY(scene, GTPV2C, PROCEDURE(CREATE), .from = 1, .to = 2, .sequence = n % 0xffffff + 1, .imsi = imsi, .imei = imei, .msisdn = msisdn,
            .apn = apn, .rat = "NB-IoT", .plmn = "262-01", .eci = 1000 + n % 5000, .bearer = 5,
            .endpoints = {{1, n + 1, .interface = 7}, {1, n + 1, .user = true, .bearer = 5, .interface = 5},
                          {3, n + 1, .user = true, .bearer = 5, .interface = 1}});
        SAY(scene, GTPV2C, PROCEDURE(CREATE), RESPONSE, .from = 2, .to = 1, .sequence = n % 0xffffff + 1, .key = n + 1, .bearer = 5,
            .ipv4 = 0x0a000000 + n, .ipv6 = ipv6, .ipv6_length = 64,
            .endpoints = {{2, n + 1, .interface = 8}, {2, n + 1, .user = true, .of_network = true, .bearer = 5, .interface = 6},
                          {4, n + 1, .user = true, .of_network = true, .bearer = 5, .interface = 2}});
}

static void modify(struct binding_scene *scene, uint32_t n, uint32_t round)
{
        SAY(scene, GTPV2C, PROCEDURE(MODIFY), .from = 1, .to = 2, .sequence = (n + round * 7) % 0xffffff + 1, .key = n + 1, .bearer = 5,
            .eci = 7000 + round);
        SAY(scene, GTPV2C, PROCEDURE(MODIFY), RESPONSE, .from = 2, .to = 1, .sequence = (n + round * 7) % 0xffffff + 1, .key = n + 1);
}

static double now_s(void)
{
        struct timespec now;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* the machine may be busy with other things */
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void a_session_takes_at_most_600_bytes(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct bindings_numbers numbers;
        const struct binding *found;
        struct binding_endpoints ends;
        scene_open(&scene, (struct bindings_settings){0});
        size_t before = mallinfo2().uordblks + mallinfo2().hblkhd; /* what does not grow, 6 MiB, is no session's */
        bindings_numbers(scene.bindings, &numbers);
        uint64_t fixed = numbers.bytes;
        double start = now_s();
        for (uint32_t n = 0; n < session_count; n++) {
                create(&scene, n);
                if (n % 10000 == 0)
                        scene_pass(&scene, 1);
        }
        double created = now_s();
        for (uint32_t n = 0; n < session_count; n++) {
                modify(&scene, (uint32_t)((uint64_t)n * 7919 % session_count), 1);
                if (n % 10000 == 0)
                        scene_pass(&scene, 1);
        }
        double modified = now_s();
        scene_pass(&scene, 60); /* nothing waits any more */
        size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
        bindings_numbers(scene.bindings, &numbers);
        assert_int_equal(numbers.sessions, session_count);
        found = scene_who(&scene, 0x0a000000 + session_count - 1);
        assert_non_null(found);
        assert_true(bindings_endpoints(scene.bindings, found, &ends));
        assert_int_equal(ends.control_count, 2);
        assert_int_equal(ends.user_count, 4);
        assert_int_equal(scene.changed, session_count);
        printf("%" PRIu32 " sessions: %.0f bytes each counted, %.0f allocated; a second %.0f creations, %.0f changes\n", session_count,
               (double)(numbers.bytes - fixed) / session_count, (double)(after - before) / session_count, session_count / (created - start),
               session_count / (modified - created));
        assert_true(numbers.bytes - fixed <= (uint64_t)session_count * BYTES_MOST);
        assert_true(after < before || after - before <= (size_t)session_count * BYTES_MOST);
        assert_true(session_count / (created - start) >= wanted_speed);
        assert_true(session_count / (modified - created) >= wanted_speed);
        scene_close(&scene);
}

/* Modules without an IMEI of their own, one SIM's number in all of them: chains as long as the table. */
static void values_that_all_sessions_share_cost_no_more(void **state)
{
        (void)state;
        struct binding_scene scene;
        char apn[32];
        scene_open(&scene, (struct bindings_settings){.session_limit = 10000});
        for (uint32_t n = 0; n < 20000; n++) {
                snprintf(apn, sizeof apn, "apn-%" PRIu32, n);
                SAY(&scene, GTPV2C, PROCEDURE(CREATE), .from = 1, .to = 2, .sequence = n + 1, .imsi = "262010000000000", .apn = apn,
                    .imei = "000000000000000", .bearer = 5, .endpoints = {{1, 77, .interface = 7}});
                SAY(&scene, GTPV2C, PROCEDURE(CREATE), RESPONSE, .from = 2, .to = 1, .sequence = n + 1, .key = 77, .ipv4 = 0x0a000001, .bearer = 5,
                    .endpoints = {{2, 78, .interface = 8}, {2, 79, .user = true, .of_network = true}});
        }
        assert_int_equal(scene.opened, 20000);
        scene_close(&scene);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_session_takes_at_most_600_bytes),
                cmocka_unit_test(values_that_all_sessions_share_cost_no_more),
        };
        if (argc > 1)
                session_count = (uint32_t)strtoul(argv[1], NULL, 10);
        if (argc > 2)
                wanted_speed = strtod(argv[2], NULL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
