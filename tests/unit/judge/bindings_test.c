#include "judge/bindings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "judge/state.h"

#include "tests/unit/judge/binding_scene.h"
#include "tests/unit/test.h"

#define PROTOCOL(name) APNWATCH__V1__SIGNALLING__PROTOCOL__##name
#define V2 .protocol = PROTOCOL(GTPV2C)
#define V1 .protocol = PROTOCOL(GTPV1C)
#define PROCEDURE(name) .procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define REQUEST .phase = APNWATCH__V1__SIGNALLING__PHASE__REQUEST
#define RESPONSE .phase = APNWATCH__V1__SIGNALLING__PHASE__RESPONSE

enum { SGW = 1, PGW = 2, MME = 3, ENB = 4, OTHER_ENB = 5, OTHER_SGW = 6, GGSN = 7, SGSN = 8, OTHER_SGSN = 9, SMF = 10, UPF = 11, PCRF = 12,
       NAS = 13 };
enum { S1U_ENB = 1, S1U_SGW = 2, S5U_SGW = 5, S5U_PGW = 6, S5C_SGW = 7, S5C_PGW = 8, S11_MME = 11, S11_SGW = 12 }; /* one more than the number */

#define ADDRESS(n) (0x0a140000u + (n))
static const char imsi_a[] = "262011234567890", imsi_b[] = "262019876543210", imei_a[] = "8612340512345601", imei_b[] = "3534900698733153",
                  apn[] = "meters.utility.example";

/* TEIDs of user n: 100 n + 1 SGW control, 2 SGW user, 3 PGW control, 4 PGW user. */
static void ask(struct binding_scene *scene, uint32_t sequence, uint32_t n, const char *imsi, const char *imei)
{
        SAY(scene, V2, PROCEDURE(CREATE), REQUEST, .from = SGW, .to = PGW, .sequence = sequence, .imsi = imsi, .imei = imei, .apn = apn,
            .msisdn = "4915112345678", .rat = "EUTRAN", .plmn = "262-01", .eci = 168496129, .bearer = 5,
            .endpoints = {{SGW, 100 * n + 1, .interface = S5C_SGW}, {SGW, 100 * n + 2, .user = true, .bearer = 5, .interface = S5U_SGW}});
}

static void answer(struct binding_scene *scene, uint32_t sequence, uint32_t n, uint32_t ipv4)
{
        SAY(scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = sequence, .key = 100 * n + 1, .ipv4 = ipv4, .bearer = 5,
            .endpoints = {{PGW, 100 * n + 3, .interface = S5C_PGW},
                          {PGW, 100 * n + 4, .user = true, .of_network = true, .bearer = 5, .interface = S5U_PGW}});
}

static void attach(struct binding_scene *scene, uint32_t sequence, uint32_t n, const char *imsi, const char *imei, uint32_t ipv4)
{
        ask(scene, sequence, n, imsi, imei);
        answer(scene, sequence, n, ipv4);
}

static void detach(struct binding_scene *scene, uint32_t sequence, uint32_t n)
{
        SAY(scene, V2, PROCEDURE(DELETE), REQUEST, .from = SGW, .to = PGW, .sequence = sequence, .key = 100 * n + 3, .linked_bearer = 5);
        SAY(scene, V2, PROCEDURE(DELETE), RESPONSE, .from = PGW, .to = SGW, .sequence = sequence, .key = 100 * n + 1);
}

static void assert_is(const struct binding *binding, const char *imsi)
{
        assert_non_null(binding);
        assert_string_equal(binding->imsi, imsi);
}

static void assert_cell(const struct binding *binding, const char *cell)
{
        char text[BINDING_PLACE_SIZE];
        assert_non_null(binding);
        assert_string_equal(binding_place_text(&binding->cell, text), cell);
}

static struct binding_endpoints ends_of(struct binding_scene *scene, const struct binding *binding)
{
        struct binding_endpoints ends;
        assert_true(bindings_endpoints(scene->bindings, binding, &ends));
        return ends;
}

static void a_session_holds_what_request_and_response_say(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        found = scene_who(&scene, ADDRESS(7));
        assert_is(found, imsi_a);
        assert_string_equal(found->imei, imei_a);
        assert_string_equal(found->msisdn, "4915112345678");
        assert_string_equal(found->apn, apn);
        assert_string_equal(found->rat, "EUTRAN");
        char plmn[BINDING_PLACE_SIZE];
        assert_string_equal(binding_plmn_text(&found->plmn, plmn), "262-01");
        assert_cell(found, "ecgi:262-01-168496129");
        assert_int_equal(found->sources[FACT_IMSI], BINDING_GTPV2C);
        assert_int_equal(ends_of(&scene, found).control_count, 2);
        assert_int_equal(ends_of(&scene, found).user_count, 2);
        assert_int_equal(found->file_frame, 1);
        assert_int_equal(scene_tunnel(&scene, PGW, 104, &found), TUNNEL_BOUND);
        assert_is(found, imsi_a);
        assert_int_equal(scene_tunnel(&scene, SGW, 102, &found), TUNNEL_BOUND);
        assert_int_equal(scene_tunnel(&scene, SGW, 104, &found), TUNNEL_UNKNOWN);
        assert_null(scene_who(&scene, ADDRESS(8)));
        assert_int_equal(scene.opened, 1);
        scene_close(&scene);
}

static void a_response_may_come_first(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        answer(&scene, 1, 1, ADDRESS(7));
        assert_null(scene_who(&scene, ADDRESS(7)));
        ask(&scene, 1, 1, imsi_a, imei_a);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        assert_int_equal(scene.opened, 1);
        scene_close(&scene);
}

static void a_response_whose_request_never_comes_binds_an_address_to_nobody(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct bindings_numbers numbers;
        scene_open(&scene, (struct bindings_settings){0});
        answer(&scene, 1, 1, ADDRESS(7));
        scene_pass(&scene, 4.5);
        assert_is(scene_who(&scene, ADDRESS(7)), "");
        bindings_numbers(scene.bindings, &numbers);
        assert_int_equal(numbers.orphans, 1);
        scene_close(&scene);
}

static void answers_in_another_order_find_their_own_requests(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        ask(&scene, 1, 1, imsi_a, imei_a);
        ask(&scene, 2, 2, imsi_b, imei_b);
        answer(&scene, 2, 2, ADDRESS(8));
        answer(&scene, 1, 1, ADDRESS(7));
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        assert_is(scene_who(&scene, ADDRESS(8)), imsi_b);
        scene_close(&scene);
}

static void retransmissions_change_nothing(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        ask(&scene, 1, 1, imsi_a, imei_a);
        ask(&scene, 1, 1, imsi_a, imei_a);
        answer(&scene, 1, 1, ADDRESS(7));
        answer(&scene, 1, 1, ADDRESS(7));
        ask(&scene, 1, 1, imsi_a, imei_a);
        detach(&scene, 2, 1);
        answer(&scene, 1, 1, ADDRESS(7));
        ask(&scene, 1, 1, imsi_a, imei_a);
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene.changed, 0);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void the_same_number_with_another_body_is_another_transaction(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        ask(&scene, 1, 1, imsi_a, imei_a);
        attach(&scene, 1, 2, imsi_b, imei_b, ADDRESS(8));
        assert_is(scene_who(&scene, ADDRESS(8)), imsi_b);
        assert_int_equal(scene.opened, 1);
        scene_close(&scene);
}

static void a_rejected_create_neither_makes_nor_ends_a_session(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        ask(&scene, 2, 2, imsi_a, imei_a);
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = 2, .cause = 1);
        ask(&scene, 3, 3, imsi_b, imei_b);
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = 3, .cause = 1, .ipv4 = ADDRESS(7));
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene.closed, 0);
        scene_close(&scene);
}

static void a_create_without_an_answer_is_not_believed(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        ask(&scene, 1, 1, imsi_a, imei_a);
        scene_pass(&scene, 60);
        assert_int_equal(scene.opened, 0);
        scene_close(&scene);
}

static void an_answer_from_another_address_of_the_node_is_joined(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        ask(&scene, 1, 1, imsi_a, imei_a);
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = 99, .to = SGW, .sequence = 1, .key = 101, .ipv4 = ADDRESS(7), .bearer = 5);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        ask(&scene, 2, 2, imsi_b, imei_b); /* under another TEID it is somebody else's answer */
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = 99, .to = SGW, .sequence = 2, .key = 777, .ipv4 = ADDRESS(8), .bearer = 5);
        assert_null(scene_who(&scene, ADDRESS(8)));
        scene_close(&scene);
}

static void the_same_sim_apn_and_bearer_at_another_address_replaces(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        scene_pass(&scene, 100);
        attach(&scene, 2, 2, imsi_a, imei_b, ADDRESS(8));
        assert_int_equal(scene.end, BINDING_REPLACED);
        assert_int_equal(scene.closed, 1);
        assert_null(scene_who(&scene, ADDRESS(7)) && scene_who_at(&scene, ADDRESS(7), scene.now_ns + INT64_C(6000000000)));
        found = scene_who(&scene, ADDRESS(8));
        assert_is(found, imsi_a);
        assert_string_equal(found->imei, imei_b);
        scene_close(&scene);
}

static void a_fixed_address_given_again_is_a_new_session(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        scene_pass(&scene, 3);
        attach(&scene, 2, 2, imsi_a, imei_b, ADDRESS(7));
        assert_int_equal(scene.opened, 2);
        assert_int_equal(scene.closed, 1);
        assert_int_equal(scene.end, BINDING_REPLACED);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imei, imei_b);
        scene_close(&scene);
}

static void an_address_for_another_sim_ends_the_session_that_had_it(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        scene_pass(&scene, 10);
        int64_t before = scene.now_ns - 1000000000;
        attach(&scene, 2, 2, imsi_b, imei_b, ADDRESS(7));
        assert_int_equal(scene.end, BINDING_REPLACED);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_b);
        assert_is(scene_who_at(&scene, ADDRESS(7), before), imsi_a);
        scene_pass(&scene, 10);
        SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(CREATE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 3, .session = "acct-1",
            .imsi = imsi_a, .ipv4 = ADDRESS(7), .apn = apn);
        assert_int_equal(scene.closed, 2);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        scene_close(&scene);
}

static void an_address_that_is_used_again_within_seconds_belongs_to_each_in_its_time(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        int64_t start = scene.now_ns;
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        scene_pass(&scene, 20);
        detach(&scene, 2, 1);
        int64_t ended = scene.now_ns;
        assert_int_equal(scene.end, BINDING_DELETED);
        scene_pass(&scene, 1);
        attach(&scene, 3, 2, imsi_b, imei_b, ADDRESS(7));
        assert_is(scene_who_at(&scene, ADDRESS(7), start + 1), imsi_a);
        assert_is(scene_who_at(&scene, ADDRESS(7), ended - 1000), imsi_a);
        assert_is(scene_who_at(&scene, ADDRESS(7), scene.now_ns), imsi_b);
        assert_is(scene_who_at(&scene, ADDRESS(7), scene.now_ns + 1000000000), imsi_b);
        assert_null(scene_who_at(&scene, ADDRESS(7), start - INT64_C(60000000000)));
        assert_int_equal(scene_tunnel(&scene, PGW, 104, &found), TUNNEL_RELEASED);
        assert_int_equal(scene_tunnel(&scene, PGW, 204, &found), TUNNEL_BOUND);
        scene_pass(&scene, 130);
        assert_int_equal(scene_tunnel(&scene, PGW, 104, &found), TUNNEL_UNKNOWN);
        scene_close(&scene);
}

static void handover_moves_the_radio_end_and_the_cell(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = SGW, .sequence = 1, .imsi = imsi_a, .apn = apn, .eci = 1, .bearer = 5,
            .endpoints = {{MME, 31, .interface = S11_MME}});
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = SGW, .to = MME, .sequence = 1, .key = 31, .ipv4 = ADDRESS(7), .bearer = 5,
            .endpoints = {{SGW, 11, .interface = S11_SGW}, {SGW, 12, .user = true, .of_network = true, .bearer = 5, .interface = S1U_SGW}});
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = MME, .to = SGW, .sequence = 2, .key = 11, .bearer = 5,
            .endpoints = {{ENB, 41, .user = true, .bearer = 5, .interface = S1U_ENB}});
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = SGW, .to = MME, .sequence = 2, .key = 31, .bearer = 5);
        assert_int_equal(scene_tunnel(&scene, ENB, 41, &found), TUNNEL_BOUND);
        assert_int_equal(scene.moved, 0);
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = MME, .to = SGW, .sequence = 3, .key = 11, .bearer = 5, .eci = 2,
            .endpoints = {{OTHER_ENB, 51, .user = true, .bearer = 5, .interface = S1U_ENB}});
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = SGW, .to = MME, .sequence = 3, .key = 31, .bearer = 5);
        assert_int_equal(scene_tunnel(&scene, ENB, 41, &found), TUNNEL_RELEASED);
        assert_int_equal(scene_tunnel(&scene, OTHER_ENB, 51, &found), TUNNEL_BOUND);
        assert_cell(found, "ecgi:262-01-2");
        assert_int_equal(scene.moved, 1);
        assert_int_equal(scene.opened, 1);
        SAY(&scene, V2, PROCEDURE(RELEASE), REQUEST, .from = MME, .to = SGW, .sequence = 4, .key = 11);
        SAY(&scene, V2, PROCEDURE(RELEASE), RESPONSE, .from = SGW, .to = MME, .sequence = 4, .key = 31);
        assert_int_equal(scene_tunnel(&scene, OTHER_ENB, 51, &found), TUNNEL_RELEASED);
        assert_int_equal(scene_tunnel(&scene, SGW, 12, &found), TUNNEL_BOUND);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        scene_close(&scene);
}

static void save_and_load(struct binding_scene *scene, struct binding_scene *next)
{
        struct state_writer writer;
        const Apnwatch__V1__StateRecord *record;
        FILE *file = tmpfile();
        assert_int_equal(state_writer_open(&writer, fileno(file)), 0);
        assert_int_equal(bindings_save(scene->bindings, &writer), 0);
        assert_int_equal(state_writer_close(&writer), 0);
        assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
        scene_open(next, (struct bindings_settings){0});
        next->now_ns = scene->now_ns;
        struct state_reader *reader = state_reader_create(fileno(file));
        while (state_next(reader, &record) == STATE_RECORD)
                if (record->body_case == APNWATCH__V1__STATE_RECORD__BODY_SESSION)
                        assert_true(bindings_load(next->bindings, record->session));
        state_reader_destroy(reader);
        fclose(file);
}

/* Each handover leaves a tunnel behind; those that the session began with are needed the longest. */
static void a_session_that_moved_often_keeps_its_tunnels_over_a_restart(void **state)
{
        (void)state;
        struct binding_scene scene, next;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = SGW, .sequence = 1, .imsi = imsi_a, .apn = apn, .bearer = 5,
            .endpoints = {{MME, 31, .interface = S11_MME}});
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = SGW, .to = MME, .sequence = 1, .key = 31, .ipv4 = ADDRESS(7), .bearer = 5,
            .endpoints = {{SGW, 11, .interface = S11_SGW}, {SGW, 12, .user = true, .of_network = true, .bearer = 5, .interface = S1U_SGW}});
        for (uint32_t n = 0; n < 60; n++) {
                SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = MME, .to = SGW, .sequence = 2 + n, .key = 11, .bearer = 5,
                    .endpoints = {{n % 2 ? ENB : OTHER_ENB, 41 + n, .user = true, .bearer = 5, .interface = S1U_ENB}});
                SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = SGW, .to = MME, .sequence = 2 + n, .key = 31, .bearer = 5);
        }
        save_and_load(&scene, &next);
        scene_close(&scene);
        assert_int_equal(scene_tunnel(&next, SGW, 12, &found), TUNNEL_BOUND);
        assert_int_equal(scene_tunnel(&next, ENB, 100, &found), TUNNEL_BOUND);
        SAY(&next, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 99, .key = 11, .linked_bearer = 5);
        SAY(&next, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 99, .key = 31);
        assert_int_equal(next.closed, 1);
        bindings_finish(next.bindings, next.now_ns);
        bindings_destroy(next.bindings);
}

static void a_session_that_moved_to_another_gateway_outlives_its_deletion_at_the_former(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 2; i++) {
                uint8_t gateway = i ? OTHER_SGW : SGW;
                SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = gateway, .sequence = 1 + i, .imsi = imsi_a, .apn = apn,
                    .ipv4 = ADDRESS(7), .bearer = 5, .endpoints = {{MME, 31, .interface = S11_MME}});
                SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = gateway, .to = MME, .sequence = 1 + i, .key = 31, .ipv4 = ADDRESS(7),
                    .bearer = 5, .endpoints = {{gateway, 11, .interface = S11_SGW},
                                               {gateway, 12, .user = true, .of_network = true, .bearer = 5, .interface = S1U_SGW}});
                scene_pass(&scene, 60);
        }
        assert_int_equal(scene.opened, 1);
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 8, .key = 11, .linked_bearer = 5);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 8, .key = 31);
        assert_int_equal(scene.closed, 0);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        assert_int_equal(scene_tunnel(&scene, SGW, 12, &found), TUNNEL_RELEASED);
        assert_int_equal(scene_tunnel(&scene, OTHER_SGW, 12, &found), TUNNEL_BOUND);
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = OTHER_SGW, .sequence = 9, .key = 11, .linked_bearer = 5);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = OTHER_SGW, .to = MME, .sequence = 9, .key = 31);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void relocation_to_another_sgsn_moves_the_session(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, V1, PROCEDURE(CREATE), REQUEST, .from = SGSN, .to = GGSN, .sequence = 1, .imsi = imsi_a, .apn = apn, .bearer = 5,
            .endpoints = {{.node = SGSN, .key = 81}, {SGSN, 82, .user = true, .bearer = 5}});
        SAY(&scene, V1, PROCEDURE(CREATE), RESPONSE, .from = GGSN, .to = SGSN, .sequence = 1, .key = 81, .ipv4 = ADDRESS(7),
            .endpoints = {{.node = GGSN, .key = 71}, {GGSN, 72, .user = true, .of_network = true, .bearer = 5}});
        SAY(&scene, V1, PROCEDURE(MODIFY), REQUEST, .from = OTHER_SGSN, .to = GGSN, .sequence = 9, .key = 71, .bearer = 5,
            .endpoints = {{.node = OTHER_SGSN, .key = 91}, {OTHER_SGSN, 92, .user = true, .bearer = 5}});
        SAY(&scene, V1, PROCEDURE(MODIFY), RESPONSE, .from = GGSN, .to = OTHER_SGSN, .sequence = 9, .key = 91);
        assert_int_equal(scene.moved, 1);
        assert_int_equal(scene_tunnel(&scene, SGSN, 82, &found), TUNNEL_RELEASED);
        assert_int_equal(scene_tunnel(&scene, OTHER_SGSN, 92, &found), TUNNEL_BOUND);
        assert_is(found, imsi_a);
        SAY(&scene, V1, PROCEDURE(DELETE), REQUEST, .from = OTHER_SGSN, .to = GGSN, .sequence = 10, .key = 71, .bearer = 5, .teardown = true);
        SAY(&scene, V1, PROCEDURE(DELETE), RESPONSE, .from = GGSN, .to = OTHER_SGSN, .sequence = 10, .key = 91);
        assert_int_equal(scene.end, BINDING_DELETED);
        scene_close(&scene);
}

static void dedicated_bearers_come_and_go_with_their_tunnels(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        SAY(&scene, V2, PROCEDURE(BEARER), REQUEST, .from = PGW, .to = SGW, .sequence = 7, .key = 101, .linked_bearer = 5,
            .endpoints = {{PGW, 114, .user = true, .of_network = true, .interface = S5U_PGW}});
        SAY(&scene, V2, PROCEDURE(BEARER), RESPONSE, .from = SGW, .to = PGW, .sequence = 7, .key = 103, .bearer = 6,
            .endpoints = {{SGW, 112, .user = true, .bearer = 6, .interface = S5U_SGW},
                          {PGW, 114, .user = true, .of_network = true, .bearer = 6, .interface = S5U_PGW}});
        assert_int_equal(scene_tunnel(&scene, PGW, 114, &found), TUNNEL_BOUND);
        assert_is(found, imsi_a);
        assert_int_equal(found->bearer, 5);
        assert_int_equal(scene_tunnel(&scene, SGW, 102, &found), TUNNEL_BOUND);
        assert_int_equal(scene.moved, 0);
        SAY(&scene, V2, PROCEDURE(BEARER_DELETE), REQUEST, .from = PGW, .to = SGW, .sequence = 8, .key = 101, .ended_bearer = 6);
        SAY(&scene, V2, PROCEDURE(BEARER_DELETE), RESPONSE, .from = SGW, .to = PGW, .sequence = 8, .key = 103, .ended_bearer = 6);
        assert_int_equal(scene_tunnel(&scene, PGW, 114, &found), TUNNEL_RELEASED);
        assert_int_equal(scene_tunnel(&scene, PGW, 104, &found), TUNNEL_BOUND);
        assert_int_equal(scene.closed, 0);
        SAY(&scene, V2, PROCEDURE(BEARER_DELETE), REQUEST, .from = PGW, .to = SGW, .sequence = 9, .key = 101, .linked_bearer = 5);
        SAY(&scene, V2, PROCEDURE(BEARER_DELETE), RESPONSE, .from = SGW, .to = PGW, .sequence = 9, .key = 103, .linked_bearer = 5);
        assert_int_equal(scene.end, BINDING_DELETED);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void a_secondary_context_is_no_session_of_its_own(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, V1, PROCEDURE(CREATE), REQUEST, .from = SGSN, .to = GGSN, .sequence = 1, .imsi = imsi_a, .apn = apn, .bearer = 5,
            .endpoints = {{.node = SGSN, .key = 81}, {SGSN, 82, .user = true, .bearer = 5}});
        SAY(&scene, V1, PROCEDURE(CREATE), RESPONSE, .from = GGSN, .to = SGSN, .sequence = 1, .key = 81, .ipv4 = ADDRESS(7),
            .endpoints = {{.node = GGSN, .key = 71}, {GGSN, 72, .user = true, .of_network = true, .bearer = 5}});
        SAY(&scene, V1, PROCEDURE(CREATE), REQUEST, .from = SGSN, .to = GGSN, .sequence = 2, .key = 71, .bearer = 6, .linked_bearer = 5,
            .endpoints = {{SGSN, 83, .user = true, .bearer = 6}});
        SAY(&scene, V1, PROCEDURE(CREATE), RESPONSE, .from = GGSN, .to = SGSN, .sequence = 2, .key = 81,
            .endpoints = {{GGSN, 73, .user = true, .of_network = true, .bearer = 6}});
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene_tunnel(&scene, GGSN, 73, &found), TUNNEL_BOUND);
        SAY(&scene, V1, PROCEDURE(DELETE), REQUEST, .from = SGSN, .to = GGSN, .sequence = 3, .key = 71, .bearer = 6);
        SAY(&scene, V1, PROCEDURE(DELETE), RESPONSE, .from = GGSN, .to = SGSN, .sequence = 3, .key = 81);
        assert_int_equal(scene.closed, 0);
        assert_int_equal(scene_tunnel(&scene, GGSN, 73, &found), TUNNEL_RELEASED);
        assert_int_equal(scene_tunnel(&scene, GGSN, 72, &found), TUNNEL_BOUND);
        scene_close(&scene);
}

static void dual_stack_is_one_session_with_two_addresses(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct address within, beside;
        scene_open(&scene, (struct bindings_settings){0});
        assert_true(address_parse("2001:db8:20:7:aaaa::1", &within) && address_parse("2001:db8:20:8::1", &beside));
        ask(&scene, 1, 1, imsi_a, imei_a);
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = 1, .key = 101, .ipv4 = ADDRESS(7),
            .ipv6 = "2001:db8:20:7::1", .ipv6_length = 64, .bearer = 5, .endpoints = {{PGW, 103, .interface = S5C_PGW}});
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        assert_is(bindings_of_address(scene.bindings, 0, NULL, &within, scene.now_ns), imsi_a);
        assert_null(bindings_of_address(scene.bindings, 0, NULL, &beside, scene.now_ns));
        assert_int_equal(scene.opened, 1);
        detach(&scene, 2, 1);
        scene_pass(&scene, 10);
        assert_null(scene_who(&scene, ADDRESS(7)));
        assert_null(bindings_of_address(scene.bindings, 0, NULL, &within, scene.now_ns));
        scene_close(&scene);
}

static void two_connections_of_one_device_stay_apart(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        struct binding both[4];
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 2; i++) {
                SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = SGW, .sequence = 1 + i, .imsi = imsi_a, .apn = i ? "ims" : apn,
                    .bearer = (uint8_t)(5 + i), .endpoints = {{MME, 31, .interface = S11_MME}});
                SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = SGW, .to = MME, .sequence = 1 + i, .key = 31, .ipv4 = ADDRESS(7 + i),
                    .bearer = (uint8_t)(5 + i), .endpoints = {{SGW, 11, .interface = S11_SGW}});
        }
        assert_int_equal(bindings_of_imsi(scene.bindings, imsi_a, both, 4), 2);
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = MME, .to = SGW, .sequence = 3, .key = 11, .bearer = 6,
            .endpoints = {{ENB, 46, .user = true, .bearer = 6, .interface = S1U_ENB}});
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = SGW, .to = MME, .sequence = 3, .key = 31, .bearer = 6);
        assert_int_equal(scene_tunnel(&scene, ENB, 46, &found), TUNNEL_BOUND);
        assert_string_equal(found->apn, "ims");
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 4, .key = 11, .linked_bearer = 6);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 4, .key = 31);
        assert_int_equal(scene.closed, 1);
        assert_string_equal(scene.last.apn, "ims");
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 5, .key = 11, .linked_bearer = 9);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 5, .key = 31);
        scene_close(&scene);
}

static void one_apn_may_give_a_device_an_address_of_each_family(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct binding both[4];
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 3; i++)
                SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(CREATE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 1 + i,
                    .session = i == 0 ? "acct-1" : i == 1 ? "acct-2" : "acct-3", .imsi = imsi_a, .apn = apn, .ipv4 = i == 1 ? 0 : ADDRESS(7 + i),
                    .ipv6 = i == 1 ? "2001:db8:20:7::" : NULL);
        assert_int_equal(bindings_of_imsi(scene.bindings, imsi_a, both, 4), 2);
        assert_int_equal(scene.closed, 1); /* the other address of the same family */
        assert_int_equal(scene.end, BINDING_REPLACED);
        assert_true(both[0].ipv6.length != both[1].ipv6.length);
        assert_is(scene_who(&scene, ADDRESS(9)), imsi_a);
        scene_close(&scene);
}

static void zeros_in_place_of_an_imei_are_told_until_it_is_known(void **state)
{
        (void)state;
        static const char *const zeros[] = {"0000000000000000", "000000000000000", "00000000000000"};
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 3; i++) {
                char session[] = "acct-0";
                session[5] = (char)('0' + i);
                attach(&scene, 1 + i, 1 + i, i == 0 ? imsi_a : i == 1 ? imsi_b : "262010000000001", zeros[i], ADDRESS(7 + i));
                assert_string_equal(scene_who(&scene, ADDRESS(7 + i))->imei, zeros[i]);
                SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(MODIFY), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 10 + i,
                    .session = session, .imsi = scene.last.imsi, .imei = imei_a, .ipv4 = ADDRESS(7 + i), .apn = apn);
                assert_string_equal(scene_who(&scene, ADDRESS(7 + i))->imei, imei_a);
                SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 20 + i, .key = 100 * (1 + i) + 3, .imei = zeros[i]);
                SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 20 + i, .key = 100 * (1 + i) + 1);
                assert_string_equal(scene_who(&scene, ADDRESS(7 + i))->imei, imei_a);
        }
        scene_close(&scene);
}

static void a_weaker_source_may_tell_that_the_device_moved(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        for (unsigned i = 0; i < 2; i++) {
                SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(MODIFY), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 2 + i,
                    .session = "acct-1", .imsi = imsi_a, .imei = imei_b, .ipv4 = ADDRESS(7), .apn = apn, .eci = 99);
                assert_cell(scene_who(&scene, ADDRESS(7)), i ? "ecgi:262-01-99" : "ecgi:262-01-168496129"); /* at first it may be an old one */
                scene_pass(&scene, 60);
        }
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imei, imei_a); /* but it is the same */
        scene_close(&scene);
}

static void the_same_connection_on_s11_and_s5_is_one_session(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = SGW, .sequence = 1, .imsi = imsi_a, .imei = imei_a, .apn = apn,
            .bearer = 5, .endpoints = {{MME, 31, .interface = S11_MME}});
        attach(&scene, 1, 1, imsi_a, NULL, ADDRESS(7));
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = SGW, .to = MME, .sequence = 1, .key = 31, .ipv4 = ADDRESS(7), .bearer = 5,
            .endpoints = {{SGW, 11, .interface = S11_SGW}, {SGW, 12, .user = true, .of_network = true, .bearer = 5, .interface = S1U_SGW}});
        assert_int_equal(scene.opened, 1);
        found = scene_who(&scene, ADDRESS(7));
        assert_string_equal(found->imei, imei_a);
        assert_int_equal(ends_of(&scene, found).control_count, 4);
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 2, .key = 11, .linked_bearer = 5);
        detach(&scene, 2, 1);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 2, .key = 31);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void pfcp_gx_and_radius_add_to_the_session(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, .protocol = PROTOCOL(PFCP), PROCEDURE(CREATE), REQUEST, .from = SMF, .to = UPF, .sequence = 1, .ipv4 = ADDRESS(7), .apn = apn,
            .endpoints = {{.node = SMF, .key = 1001}});
        SAY(&scene, .protocol = PROTOCOL(PFCP), PROCEDURE(CREATE), RESPONSE, .from = UPF, .to = SMF, .sequence = 1, .key = 1001,
            .endpoints = {{.node = UPF, .key = 1101}, {UPF, 1102, .user = true, .of_network = true}});
        assert_is(scene_who(&scene, ADDRESS(7)), "");
        SAY(&scene, .protocol = PROTOCOL(GX), PROCEDURE(CREATE), REQUEST, .from = PGW, .to = PCRF, .sequence = 5, .session = "pgw;1;2", .imsi = imsi_a,
            .ipv4 = ADDRESS(7), .apn = apn, .rat = "NB-IoT");
        SAY(&scene, .protocol = PROTOCOL(GX), PROCEDURE(CREATE), RESPONSE, .from = PCRF, .to = PGW, .sequence = 5, .session = "pgw;1;2");
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(CREATE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 3, .session = "acct-1",
            .imsi = imsi_a, .ipv4 = ADDRESS(7), .apn = apn, .rat = "GERAN");
        assert_int_equal(scene.opened, 1);
        found = scene_who(&scene, ADDRESS(7));
        assert_is(found, imsi_a);
        assert_string_equal(found->rat, "EUTRAN");
        assert_int_equal(found->sources[FACT_RAT], BINDING_GTPV2C);
        assert_int_equal(scene_tunnel(&scene, UPF, 1102, &found), TUNNEL_BOUND);
        assert_is(found, imsi_a);
        SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(DELETE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 4,
            .session = "acct-1");
        assert_int_equal(scene.closed, 0);
        detach(&scene, 2, 1);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void a_late_stop_does_not_end_the_session_that_began_after(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 2; i++)
                SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(CREATE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 1 + i,
                    .session = i ? "acct-2" : "acct-1", .imsi = imsi_a, .ipv4 = ADDRESS(7), .apn = apn);
        SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(DELETE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 3,
            .session = "acct-1");
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(DELETE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 4,
            .session = "acct-2");
        assert_int_equal(scene.end, BINDING_DELETED);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void a_peer_that_restarts_loses_its_sessions(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct address pgw;
        scene_open(&scene, (struct bindings_settings){0});
        assert_true(address_parse("10.255.0.2", &pgw));
        SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGW, .sequence = 1, .recovery = 7);
        attach(&scene, 2, 1, imsi_a, imei_a, ADDRESS(7));
        SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGW, .sequence = 3, .recovery = 7);
        SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = 50, .to = SGW, .sequence = 3, .recovery = 9);
        SAY(&scene, V1, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGSN, .sequence = 3, .recovery = 1); /* the node's GGSN */
        SAY(&scene, V1, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGSN, .sequence = 4, .recovery = 2);
        assert_int_equal(scene.closed, 0);
        scene_pass(&scene, 10);
        SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGW, .sequence = 4, .recovery = 8);
        assert_int_equal(scene.end, BINDING_RESTARTED);
        assert_int_equal(scene.closed, 1);
        assert_true(bindings_peer_restarted(scene.bindings, &pgw, scene.now_ns));
        assert_false(bindings_peer_restarted(scene.bindings, &pgw, scene.now_ns + 1));
        attach(&scene, 5, 2, imsi_a, imei_a, ADDRESS(7));
        SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGW, .sequence = 6, .recovery = 7); /* two nodes take turns */
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void a_sensor_that_starts_late_learns_from_interims_and_updates(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(MODIFY), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 1, .session = "acct-1",
            .imsi = imsi_a, .imei = imei_a, .ipv4 = ADDRESS(7), .apn = apn);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        assert_is(scene_who_at(&scene, ADDRESS(7), scene.now_ns - INT64_C(60000000000)), imsi_a); /* it had begun before */
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 4, .key = 5555, .imei = imei_b, .eci = 3);
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 4, .key = 5556, .msisdn = "491");
        SAY(&scene, V2, PROCEDURE(NOTIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 5, .key = 5557, .imsi = imsi_a, .eci = 4);
        SAY(&scene, V2, PROCEDURE(NOTIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 5, .key = 5558, .imsi = imsi_a);
        assert_cell(scene_who(&scene, ADDRESS(7)), "ecgi:262-01-4");
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imei, imei_a);
        assert_int_equal(scene.opened, 1);
        scene_close(&scene);
}

static void a_teid_that_was_given_anew_speaks_of_its_new_session(void **state)
{
        (void)state;
        struct binding_scene scene;
        const struct binding *found;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        scene_pass(&scene, 100);
        attach(&scene, 2, 1, imsi_b, imei_b, ADDRESS(8)); /* the end of the first was not seen */
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 3, .key = 103, .eci = 99);
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 3, .key = 101);
        assert_cell(scene_who(&scene, ADDRESS(8)), "ecgi:262-01-99");
        assert_cell(scene_who(&scene, ADDRESS(7)), "ecgi:262-01-168496129");
        assert_int_equal(scene_tunnel(&scene, PGW, 104, &found), TUNNEL_BOUND);
        assert_is(found, imsi_b);
        scene_close(&scene);
}

static void pools_of_two_apns_are_told_apart_by_the_apn(void **state)
{
        (void)state;
        struct binding_scene scene;
        uint8_t bytes[4] = {10, 20, 0, 7};
        struct address address = address_of_ipv4(bytes);
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 2; i++) {
                SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = SGW, .to = PGW, .sequence = 1 + i, .imsi = i ? imsi_b : imsi_a,
                    .apn = i ? "other" : "one", .bearer = 5);
                SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = 1 + i, .ipv4 = ADDRESS(7), .bearer = 5);
        }
        assert_int_equal(scene.closed, 0);
        assert_null(bindings_of_address(scene.bindings, 0, NULL, &address, scene.now_ns));
        assert_is(bindings_of_address(scene.bindings, 0, "one", &address, scene.now_ns), imsi_a);
        assert_is(bindings_of_address(scene.bindings, 0, "other", &address, scene.now_ns), imsi_b);
        assert_null(bindings_of_address(scene.bindings, 0, "third", &address, scene.now_ns));
        scene_close(&scene);
}

static void a_device_may_send_from_its_addresses_and_the_networks_behind_it(void **state)
{
        (void)state;
        static const char *const good[] = {"10.20.0.7", "0.0.0.0", "::", "fe80::1", "192.168.5.9", "2001:db8:20:7::1"};
        static const char *const bad[] = {"10.20.0.8", "192.168.6.9", "2001:db8:20:8::1"};
        struct binding_scene scene;
        struct address address;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, .protocol = PROTOCOL(RADIUS), PROCEDURE(CREATE), REQUEST, .message = 4, .from = NAS, .to = 20, .sequence = 1, .session = "acct-1",
            .imsi = imsi_a, .ipv4 = ADDRESS(7), .ipv6 = "2001:db8:20:7::", .apn = apn, .route = "192.168.5.0/24");
        struct binding held = *scene_who(&scene, ADDRESS(7));
        for (unsigned i = 0; i < sizeof good / sizeof *good; i++)
                assert_true(address_parse(good[i], &address) && binding_may_send(scene.bindings, &held, &address, scene.now_ns));
        for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_false(!address_parse(bad[i], &address) || binding_may_send(scene.bindings, &held, &address, scene.now_ns));
        scene_close(&scene);
}

static void the_module_that_s6a_told_is_known_of_sessions_that_come_later(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, .protocol = PROTOCOL(S6A), PROCEDURE(SUBSCRIBER), REQUEST, .from = MME, .to = 21, .sequence = 1, .session = "mme;1",
            .imsi = imsi_a, .imei = "86123405123456");
        SAY(&scene, .protocol = PROTOCOL(S6A), PROCEDURE(SUBSCRIBER), RESPONSE, .from = 21, .to = MME, .sequence = 1, .session = "mme;1");
        scene_pass(&scene, 3600);
        attach(&scene, 2, 1, imsi_a, NULL, ADDRESS(7));
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imei, "86123405123456");
        assert_int_equal(scene_who(&scene, ADDRESS(7))->sources[FACT_IMEI], BINDING_S6A);
        attach(&scene, 3, 2, imsi_b, NULL, ADDRESS(8));
        assert_string_equal(scene_who(&scene, ADDRESS(8))->imei, "");
        scene_close(&scene);
}

static void a_silent_session_times_out_unless_packets_use_it(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){.idle_s = 100});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        attach(&scene, 2, 2, imsi_b, imei_b, ADDRESS(8));
        scene_pass(&scene, 90);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        scene_pass(&scene, 20);
        assert_int_equal(scene.closed, 1);
        assert_int_equal(scene.end, BINDING_TIMED_OUT);
        assert_string_equal(scene.last.imsi, imsi_b);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        scene_close(&scene);
}

static void at_the_limit_the_session_that_was_silent_longest_goes(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct bindings_numbers numbers;
        char imsi[16];
        scene_open(&scene, (struct bindings_settings){.session_limit = 10});
        for (uint32_t n = 1; n <= 25; n++) {
                snprintf(imsi, sizeof imsi, "2620100000000%02u", n);
                attach(&scene, n, n, imsi, NULL, ADDRESS(n));
                scene_pass(&scene, 1);
        }
        bindings_numbers(scene.bindings, &numbers);
        assert_int_equal(numbers.sessions, 10);
        assert_int_equal(numbers.evicted, 15);
        assert_null(scene_who(&scene, ADDRESS(15)));
        assert_non_null(scene_who(&scene, ADDRESS(16)));
        scene_close(&scene);
}

static void rows_of_the_users_hold_where_no_signalling_speaks(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct binding_row row = {.imsi = imsi_b, .apn = apn};
        scene_open(&scene, (struct bindings_settings){0});
        row.from_ns = scene.now_ns - 1000;
        row.until_ns = scene.now_ns + 1000;
        assert_true(address_parse("10.20.0.7", &row.ip));
        bindings_import(scene.bindings, &row);
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_b);
        assert_int_equal(scene_who(&scene, ADDRESS(7))->protocol, BINDING_IMPORTED);
        assert_null(scene_who_at(&scene, ADDRESS(7), row.until_ns));
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        assert_is(scene_who(&scene, ADDRESS(7)), imsi_a);
        scene_close(&scene);
}

static void a_deletion_that_was_refused_deletes_nothing(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, 1, imsi_a, imei_a, ADDRESS(7));
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = 77, .to = PGW, .sequence = 9, .key = 999, .linked_bearer = 5);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = PGW, .to = 77, .sequence = 9, .cause = 1);
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = 77, .to = PGW, .sequence = 10, .key = 103, .linked_bearer = 5);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = PGW, .to = 77, .sequence = 10, .cause = 1);
        assert_int_equal(scene.closed, 0);
        scene_close(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_session_holds_what_request_and_response_say),
                cmocka_unit_test(a_response_may_come_first),
                cmocka_unit_test(a_response_whose_request_never_comes_binds_an_address_to_nobody),
                cmocka_unit_test(answers_in_another_order_find_their_own_requests),
                cmocka_unit_test(retransmissions_change_nothing),
                cmocka_unit_test(the_same_number_with_another_body_is_another_transaction),
                cmocka_unit_test(a_rejected_create_neither_makes_nor_ends_a_session),
                cmocka_unit_test(a_create_without_an_answer_is_not_believed),
                cmocka_unit_test(an_answer_from_another_address_of_the_node_is_joined),
                cmocka_unit_test(the_same_sim_apn_and_bearer_at_another_address_replaces),
                cmocka_unit_test(a_fixed_address_given_again_is_a_new_session),
                cmocka_unit_test(an_address_for_another_sim_ends_the_session_that_had_it),
                cmocka_unit_test(an_address_that_is_used_again_within_seconds_belongs_to_each_in_its_time),
                cmocka_unit_test(handover_moves_the_radio_end_and_the_cell),
                cmocka_unit_test(a_session_that_moved_often_keeps_its_tunnels_over_a_restart),
                cmocka_unit_test(a_session_that_moved_to_another_gateway_outlives_its_deletion_at_the_former),
                cmocka_unit_test(relocation_to_another_sgsn_moves_the_session),
                cmocka_unit_test(dedicated_bearers_come_and_go_with_their_tunnels),
                cmocka_unit_test(a_secondary_context_is_no_session_of_its_own),
                cmocka_unit_test(dual_stack_is_one_session_with_two_addresses),
                cmocka_unit_test(two_connections_of_one_device_stay_apart),
                cmocka_unit_test(one_apn_may_give_a_device_an_address_of_each_family),
                cmocka_unit_test(zeros_in_place_of_an_imei_are_told_until_it_is_known),
                cmocka_unit_test(a_weaker_source_may_tell_that_the_device_moved),
                cmocka_unit_test(the_same_connection_on_s11_and_s5_is_one_session),
                cmocka_unit_test(pfcp_gx_and_radius_add_to_the_session),
                cmocka_unit_test(a_late_stop_does_not_end_the_session_that_began_after),
                cmocka_unit_test(a_peer_that_restarts_loses_its_sessions),
                cmocka_unit_test(a_sensor_that_starts_late_learns_from_interims_and_updates),
                cmocka_unit_test(a_teid_that_was_given_anew_speaks_of_its_new_session),
                cmocka_unit_test(pools_of_two_apns_are_told_apart_by_the_apn),
                cmocka_unit_test(a_device_may_send_from_its_addresses_and_the_networks_behind_it),
                cmocka_unit_test(the_module_that_s6a_told_is_known_of_sessions_that_come_later),
                cmocka_unit_test(a_silent_session_times_out_unless_packets_use_it),
                cmocka_unit_test(at_the_limit_the_session_that_was_silent_longest_goes),
                cmocka_unit_test(rows_of_the_users_hold_where_no_signalling_speaks),
                cmocka_unit_test(a_deletion_that_was_refused_deletes_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
