/* A sensor that starts late: sessions of which only a change, a notification, a list or the end is heard. */
#include <string.h>

#include "tests/unit/judge/binding_scene.h"
#include "tests/unit/test.h"

#define PROTOCOL(name) .protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__##name
#define PROCEDURE(name) .procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define REQUEST .phase = APNWATCH__V1__SIGNALLING__PHASE__REQUEST
#define RESPONSE .phase = APNWATCH__V1__SIGNALLING__PHASE__RESPONSE
#define COMMAND .phase = APNWATCH__V1__SIGNALLING__PHASE__COMMAND
#define ADDRESS(n) (0x0a140000u + (n))

enum { SGW = 1, PGW = 2, MME = 3, ENB = 4, NAS = 5, AAA = 6, PCRF = 7 };
enum { S1U_ENB = 1, S10_MME = 13 }; /* one more than the number */

static const char imsi_a[] = "262011234567890", imsi_b[] = "262019876543210", imei_a[] = "8612340512345601";

static void change(struct binding_scene *scene, uint32_t sequence, const char *imei, const char *msisdn, uint64_t eci)
{
        SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(MODIFY), REQUEST, .from = MME, .to = SGW, .sequence = sequence, .key = 21, .imei = imei, .eci = eci,
            .bearer = 5, .endpoints = {{ENB, 12, .user = true, .bearer = 5, .interface = S1U_ENB}, {.node = MME, .key = 11}});
        SAY(scene, PROTOCOL(GTPV2C), PROCEDURE(MODIFY), RESPONSE, .from = SGW, .to = MME, .sequence = sequence, .key = 11, .msisdn = msisdn,
            .bearer = 5, .endpoints = {{SGW, 22, .user = true, .of_network = true, .bearer = 5}, {.node = SGW, .key = 21}});
}

static void a_change_that_names_a_module_or_a_number_makes_a_session_by_its_tunnels(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        change(&scene, 1, NULL, NULL, 7); /* nobody */
        assert_int_equal(scene.opened, 0);
        change(&scene, 2, imei_a, "4915112345678", 8);
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene_tunnel(&scene, SGW, 22, &found), TUNNEL_BOUND);
        assert_string_equal(found->imei, imei_a);
        assert_string_equal(found->msisdn, "4915112345678");
        change(&scene, 3, NULL, NULL, 9);
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene.last.cell.id, 9);
        scene_close(&scene);
}

static void a_gateway_that_agrees_to_a_notification_has_a_session(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned refused = 2; refused-- > 0;) {
                SAY(&scene, PROTOCOL(GTPV2C), PROCEDURE(NOTIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 1 + refused, .key = 31, .imsi = imsi_a,
                    .imei = imei_a, .eci = 4);
                SAY(&scene, PROTOCOL(GTPV2C), PROCEDURE(NOTIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 1 + refused, .key = 32,
                    .cause = (int)refused);
                assert_int_equal(scene.opened, !refused);
        }
        assert_string_equal(scene.last.imsi, imsi_a);
        assert_string_equal(scene.last.imei, imei_a);
        SAY(&scene, PROTOCOL(GX), PROCEDURE(NOTIFY), REQUEST, .from = PGW, .to = PCRF, .sequence = 9, .session = "rx;1", .imsi = imsi_b);
        SAY(&scene, PROTOCOL(GX), PROCEDURE(NOTIFY), RESPONSE, .from = PCRF, .to = PGW, .sequence = 9, .session = "rx;1");
        assert_int_equal(scene.opened, 1); /* of an application, not of a session */
        scene_close(&scene);
}

static void connections_of_one_list_are_sessions_of_their_own(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, PROTOCOL(GTPV2C), PROCEDURE(RELOCATE), REQUEST, .from = MME, .to = 8, .sequence = 1, .endpoints = {{MME, 61, .interface = S10_MME}});
        SAY(&scene, PROTOCOL(GTPV2C), PROCEDURE(RELOCATE), RESPONSE, .from = 8, .to = MME, .sequence = 1, .key = 61, .imsi = imsi_a, .apn = "iot",
            .ipv4 = ADDRESS(7), .bearer = 5);
        SAY(&scene, PROTOCOL(GTPV2C), PROCEDURE(RELOCATE), COMMAND, .from = 8, .to = MME, .sequence = 1, .key = 61, .imsi = imsi_a, .apn = "ims",
            .ipv4 = ADDRESS(8), .bearer = 6);
        assert_int_equal(scene.opened, 2);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->apn, "iot");
        assert_string_equal(scene_who(&scene, ADDRESS(8))->apn, "ims");
        scene_close(&scene);
}

static void stop(struct binding_scene *scene, uint32_t sequence, const char *session, const char *imsi, uint32_t ipv4)
{
        SAY(scene, PROTOCOL(RADIUS), PROCEDURE(DELETE), REQUEST, .message = 4, .from = NAS, .to = AAA, .sequence = sequence, .session = session,
            .imsi = imsi, .ipv4 = ipv4, .apn = "iot");
}

static void the_end_of_a_session_that_was_never_heard_of_is_one(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        stop(&scene, 1, "acct-1", imsi_a, ADDRESS(7));
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene.closed, 1);
        assert_int_equal(scene.end, BINDING_DELETED);
        assert_string_equal(scene.last.imsi, imsi_a);
        stop(&scene, 2, "acct-1", imsi_a, ADDRESS(7)); /* once more */
        stop(&scene, 3, "acct-2", imsi_b, 0);          /* was where? */
        assert_int_equal(scene.opened, 1);
        scene_close(&scene);
}

static void an_end_that_comes_late_takes_no_address_from_who_has_it(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, PROTOCOL(RADIUS), PROCEDURE(CREATE), REQUEST, .message = 4, .from = NAS, .to = AAA, .sequence = 1, .session = "acct-2",
            .imsi = imsi_b, .ipv4 = ADDRESS(7), .apn = "iot");
        stop(&scene, 2, "acct-1", imsi_a, ADDRESS(7));
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene.closed, 0);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imsi, imsi_b);
        scene_close(&scene);
}

static void a_deletion_says_where_the_device_was_at_last(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        change(&scene, 1, imei_a, NULL, 8);
        SAY(&scene, PROTOCOL(GTPV2C), PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 2, .key = 21, .linked_bearer = 5, .eci = 12);
        SAY(&scene, PROTOCOL(GTPV2C), PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 2, .key = 11);
        assert_int_equal(scene.closed, 1);
        assert_int_equal(scene.last.cell.id, 12);
        scene_close(&scene);
}

static void an_apn_that_changes_is_told_with_the_one_before(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 3; i++)
                SAY(&scene, PROTOCOL(RADIUS), PROCEDURE(MODIFY), REQUEST, .message = 4, .from = NAS, .to = AAA, .sequence = 1 + i, .session = "acct-1",
                    .imsi = imsi_a, .ipv4 = ADDRESS(7), .apn = i % 2 ? "other" : "one");
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene.changed, 2);
        assert_string_equal(scene.apn_before, "other");
        assert_string_equal(scene_who(&scene, ADDRESS(7))->apn, "one");
        scene_close(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_change_that_names_a_module_or_a_number_makes_a_session_by_its_tunnels),
                cmocka_unit_test(a_gateway_that_agrees_to_a_notification_has_a_session),
                cmocka_unit_test(connections_of_one_list_are_sessions_of_their_own),
                cmocka_unit_test(the_end_of_a_session_that_was_never_heard_of_is_one),
                cmocka_unit_test(an_end_that_comes_late_takes_no_address_from_who_has_it),
                cmocka_unit_test(a_deletion_says_where_the_device_was_at_last),
                cmocka_unit_test(an_apn_that_changes_is_told_with_the_one_before),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
