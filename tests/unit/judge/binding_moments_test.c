/* What held at one moment and not at the next: places, bearers, networks behind a device, words that contradict. */
#include "judge/bindings.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/judge/binding_scene.h"
#include "tests/unit/test.h"

#define PROTOCOL(name) APNWATCH__V1__SIGNALLING__PROTOCOL__##name
#define V2 .protocol = PROTOCOL(GTPV2C)
#define V1 .protocol = PROTOCOL(GTPV1C)
#define ACCOUNTING .protocol = PROTOCOL(RADIUS), .message = 4, .from = NAS, .to = 20
#define PROCEDURE(name) .procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define REQUEST .phase = APNWATCH__V1__SIGNALLING__PHASE__REQUEST
#define RESPONSE .phase = APNWATCH__V1__SIGNALLING__PHASE__RESPONSE
#define ADDRESS(n) (0x0a140000u + (n))

enum { SGW = 1, PGW = 2, GGSN = 7, SGSN = 8, NAS = 13 };
enum { S5C_SGW = 7, S5C_PGW = 8 }; /* one more than the number */

static const char imsi_a[] = "262011234567890", imsi_b[] = "262019876543210", apn[] = "meters.utility.example";
static const int64_t second = INT64_C(1000000000);

static void attach(struct binding_scene *scene, uint32_t sequence, const char *imsi, uint64_t eci)
{
        SAY(scene, V2, PROCEDURE(CREATE), REQUEST, .from = SGW, .to = PGW, .sequence = sequence, .imsi = imsi, .apn = apn, .rat = "EUTRAN",
            .plmn = "262-01", .eci = eci, .bearer = 5, .endpoints = {{SGW, 101, .interface = S5C_SGW}});
        SAY(scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = sequence, .key = 101, .ipv4 = ADDRESS(7), .bearer = 5,
            .endpoints = {{PGW, 103, .interface = S5C_PGW}});
}

static void move(struct binding_scene *scene, uint32_t sequence, uint64_t eci)
{
        SAY(scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = sequence, .key = 103, .eci = eci);
        SAY(scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = sequence, .key = 101);
}

static uint64_t cell_at(struct binding_scene *scene, int64_t time_ns)
{
        const struct binding *who = scene_who_at(scene, ADDRESS(7), time_ns);
        struct binding then;
        assert_non_null(who);
        bindings_show(scene->bindings, &(struct holder){.record = who->record}, time_ns, &then);
        return then.cell.id;
}

static void a_flow_was_in_the_cell_where_it_began(void **state)
{
        struct binding_scene scene;
        int64_t at[3];
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, imsi_a, 100);
        at[0] = scene.now_ns;
        scene_pass(&scene, 10);
        move(&scene, 2, 200);
        at[1] = scene.now_ns;
        scene_pass(&scene, 10);
        move(&scene, 3, 300);
        at[2] = scene.now_ns;
        assert_int_equal(cell_at(&scene, at[0]), 100);
        assert_int_equal(cell_at(&scene, at[1] - 1), 100);
        assert_int_equal(cell_at(&scene, at[1]), 200);
        assert_int_equal(cell_at(&scene, at[2] - 1), 200);
        assert_int_equal(cell_at(&scene, at[2]), 300);
        for (uint32_t i = 0; i < 40000; i++) /* the oldest moves are forgotten */
                move(&scene, 4 + i, 400 + i % 2);
        assert_true(cell_at(&scene, at[0]) == 400 || cell_at(&scene, at[0]) == 401);
        scene_close(&scene);
}

static void an_address_is_its_holders_until_it_ends(void **state)
{
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, imsi_a, 100);
        scene_pass(&scene, 10);
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = SGW, .to = PGW, .sequence = 2, .key = 103, .linked_bearer = 5);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = PGW, .to = SGW, .sequence = 2, .key = 101);
        assert_int_equal(scene.closed, 1);
        assert_non_null(scene_who_at(&scene, ADDRESS(7), scene.now_ns - second));
        assert_non_null(scene_who_at(&scene, ADDRESS(7), scene.now_ns + second / 2)); /* two taps are not in step */
        assert_null(scene_who_at(&scene, ADDRESS(7), scene.now_ns + 2 * second));
        scene_close(&scene);
}

static void both_versions_of_gtp_are_believed_alike(void **state)
{
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, imsi_a, 100);
        scene_pass(&scene, 10);
        SAY(&scene, V1, PROCEDURE(MODIFY), REQUEST, .from = SGSN, .to = PGW, .sequence = 2, .key = 103, .imsi = imsi_a, .rat = "UTRAN",
            .plmn = "262-02", .bearer = 5, .endpoints = {{.node = SGSN, .key = 201}});
        SAY(&scene, V1, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGSN, .sequence = 2, .key = 201);
        const struct binding *binding = scene_who(&scene, ADDRESS(7));
        assert_non_null(binding);
        assert_string_equal(binding->rat, "UTRAN");
        assert_int_equal(binding->plmn.mnc, 2);
        assert_int_equal(scene.opened, 1);
        scene_close(&scene);
}

static const char *routed(struct binding_scene *scene, const char *text)
{
        struct address address;
        assert_true(address_parse(text, &address));
        const struct binding *binding = bindings_of_address(scene->bindings, 0, NULL, &address, scene->now_ns);
        return binding ? binding->imsi : "nobody";
}

static void a_network_behind_a_device_is_its_own(void **state)
{
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, ACCOUNTING, PROCEDURE(CREATE), REQUEST, .sequence = 1, .session = "a", .imsi = imsi_a, .ipv4 = ADDRESS(7), .apn = apn,
            .route = "192.168.0.0/16");
        SAY(&scene, ACCOUNTING, PROCEDURE(CREATE), REQUEST, .sequence = 2, .session = "b", .imsi = imsi_b, .ipv4 = ADDRESS(8), .apn = apn,
            .route = "192.168.5.0/24");
        SAY(&scene, ACCOUNTING, PROCEDURE(CREATE), REQUEST, .sequence = 3, .session = "c", .imsi = "262015555555555", .ipv4 = ADDRESS(9),
            .apn = apn, .route = "0.0.0.0/0");
        assert_string_equal(routed(&scene, "192.168.1.1"), imsi_a);
        assert_string_equal(routed(&scene, "192.168.5.1"), imsi_b);
        assert_string_equal(routed(&scene, "203.0.113.1"), "nobody");
        SAY(&scene, ACCOUNTING, PROCEDURE(DELETE), REQUEST, .sequence = 4, .session = "b", .imsi = imsi_b, .ipv4 = ADDRESS(8));
        scene_pass(&scene, 60);
        assert_string_equal(routed(&scene, "192.168.5.1"), imsi_a);
        SAY(&scene, ACCOUNTING, PROCEDURE(CREATE), REQUEST, .sequence = 5, .session = "d", .imsi = imsi_b, .ipv4 = ADDRESS(8), .apn = apn,
            .route = "192.168.0.0/16");
        assert_string_equal(routed(&scene, "192.168.1.1"), "nobody"); /* whose it is cannot be told */
        scene_close(&scene);
}

static void a_context_lives_on_without_its_first_bearer(void **state)
{
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, V1, PROCEDURE(CREATE), REQUEST, .from = SGSN, .to = GGSN, .sequence = 1, .imsi = imsi_a, .apn = apn, .bearer = 5,
            .endpoints = {{.node = SGSN, .key = 51}, {SGSN, 52, .user = true, .bearer = 5}});
        SAY(&scene, V1, PROCEDURE(CREATE), RESPONSE, .from = GGSN, .to = SGSN, .sequence = 1, .key = 51, .ipv4 = ADDRESS(7),
            .endpoints = {{.node = GGSN, .key = 61}, {GGSN, 62, .user = true, .of_network = true, .bearer = 5}});
        SAY(&scene, V1, PROCEDURE(CREATE), REQUEST, .from = SGSN, .to = GGSN, .sequence = 2, .key = 61, .bearer = 6, .linked_bearer = 5,
            .endpoints = {{SGSN, 53, .user = true, .bearer = 6}});
        SAY(&scene, V1, PROCEDURE(CREATE), RESPONSE, .from = GGSN, .to = SGSN, .sequence = 2, .key = 51,
            .endpoints = {{GGSN, 63, .user = true, .of_network = true, .bearer = 6}});
        for (uint8_t bearer = 5; bearer <= 6; bearer++) {
                assert_non_null(scene_who(&scene, ADDRESS(7)));
                assert_int_equal(scene.closed, 0);
                SAY(&scene, V1, PROCEDURE(DELETE), REQUEST, .from = SGSN, .to = GGSN, .sequence = bearer, .key = 61, .bearer = bearer);
                SAY(&scene, V1, PROCEDURE(DELETE), RESPONSE, .from = GGSN, .to = SGSN, .sequence = bearer, .key = 51);
        }
        assert_int_equal(scene.closed, 1);
        assert_int_equal(scene.end, BINDING_DELETED);
        scene_close(&scene);
}

static void account(struct binding_scene *scene, bool is_start, const char *session, uint8_t bearer, bool is_last)
{
        static uint32_t sequence;
        SAY(scene, ACCOUNTING, .procedure = is_start ? APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE : APNWATCH__V1__SIGNALLING__PROCEDURE__DELETE,
            REQUEST, .sequence = ++sequence, .session = session, .imsi = imsi_a, .ipv4 = ADDRESS(7), .apn = apn, .bearer = bearer,
            .teardown = is_last);
}

static void accounting_of_one_bearer_ends_alone(void **state)
{
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        account(&scene, true, "s1", 5, false);
        account(&scene, true, "s2", 6, false);
        account(&scene, true, "s3", 7, false);
        account(&scene, false, "s2", 6, false);
        assert_int_equal(scene.closed, 0);
        account(&scene, false, "s1", 5, true); /* though s3 began later */
        assert_int_equal(scene.closed, 1);
        assert_int_equal(scene.opened, 1);
        scene_close(&scene);
}

static void what_is_repeated_does_not_take_a_fresh_address_back(void **state)
{
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1, imsi_a, 100);
        scene_pass(&scene, 10);
        SAY(&scene, ACCOUNTING, PROCEDURE(MODIFY), REQUEST, .sequence = 1, .session = "old", .imsi = imsi_b, .ipv4 = ADDRESS(7), .apn = apn);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imsi, imsi_a);
        assert_int_equal(scene.closed, 0);
        scene_pass(&scene, 600); /* the end was not seen */
        SAY(&scene, ACCOUNTING, PROCEDURE(MODIFY), REQUEST, .sequence = 2, .session = "new", .imsi = imsi_b, .ipv4 = ADDRESS(7), .apn = apn);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imsi, imsi_b);
        scene_close(&scene);
}

static void an_answer_under_another_teid_is_to_another_request(void **state)
{
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = SGW, .to = PGW, .sequence = 1, .imsi = imsi_a, .apn = apn, .bearer = 5,
            .endpoints = {{SGW, 101, .interface = S5C_SGW}});
        /* the number comes again, in a request that was lost */
        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = 1, .key = 201, .ipv4 = ADDRESS(7), .bearer = 5,
            .endpoints = {{PGW, 203, .interface = S5C_PGW}});
        scene_pass(&scene, 60);
        const struct binding *binding = scene_who(&scene, ADDRESS(7));
        assert_non_null(binding);
        assert_string_equal(binding->imsi, "");
        scene_close(&scene);
}

static void a_tunnel_is_whose_it_was_at_that_moment(void **state)
{
        enum { ENB = 4, S1U_ENB = 1, RADIO = 900 };
        struct binding_scene scene;
        const char *const imsis[2] = {imsi_a, imsi_b};
        struct holder holder;
        struct binding found;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        for (uint32_t i = 0; i < 2; i++) { /* both are older than what comes */
                SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = SGW, .to = PGW, .sequence = 10 + i, .imsi = imsis[i], .apn = apn, .bearer = 5,
                    .endpoints = {{SGW, 101 + i, .interface = S5C_SGW}});
                SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = 10 + i, .key = 101 + i, .ipv4 = ADDRESS(7 + i),
                    .bearer = 5, .endpoints = {{PGW, 201 + i, .interface = S5C_PGW}});
        }
        scene_pass(&scene, 60);
        int64_t at[2];
        for (uint32_t i = 0; i < 2; i++) { /* the radio gives its number to one and, seconds later, to the other */
                SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 20 + i, .key = 201 + i,
                    .endpoints = {{ENB, RADIO, .user = true, .bearer = 5, .interface = S1U_ENB}});
                SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 20 + i, .key = 101 + i);
                scene_pass(&scene, 8);
                at[i] = scene.now_ns - 6 * second;
        }
        const struct {
                int64_t time_ns;
                const char *imsi;
                enum tunnel_knowledge knowledge; /* as of then; seconds before it was given up nobody is accused */
        } rows[] = {{at[0], imsi_a, TUNNEL_BOUND},
                    {at[1], imsi_b, TUNNEL_BOUND},
                    {at[0] - 6 * second, imsi_a, TUNNEL_BOUND},
                    {at[0] + 3 * second, imsi_a, TUNNEL_RELEASED}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct tunnel_question question = {.teid = RADIO, .time_ns = rows[i].time_ns};
                assert_true(address_parse("10.255.0.4", &question.node));
                assert_int_equal(bindings_of_tunnel(scene.bindings, &question, &holder), rows[i].knowledge);
                bindings_show(scene.bindings, &holder, INT64_MAX, &found);
                assert_string_equal(found.imsi, rows[i].imsi);
        }
        struct tunnel_question question = {.teid = RADIO, .time_ns = at[0] - 30 * second}; /* before either had it */
        assert_true(address_parse("10.255.0.4", &question.node));
        assert_int_equal(bindings_of_tunnel(scene.bindings, &question, &holder), TUNNEL_UNKNOWN);
        scene_close(&scene);
}

/* Relocations there and back: the MME gives another number each time, the PGW's stays. */
static void who_comes_back_to_a_node_is_not_created_anew(void **state)
{
        enum { S11_MME = 11, MME = 5, MMES = 2 };
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        for (uint32_t i = 0; i < 4; i++) {
                uint8_t mme = (uint8_t)(MME + i % MMES), sgw = (uint8_t)(10 + i % 3);
                SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = mme, .to = sgw, .sequence = 1 + i, .imsi = imsi_a, .apn = apn, .bearer = 5,
                    .ipv4 = i == 0 ? 0 : ADDRESS(7),
                    .endpoints = {{mme, 300 + i, .interface = S11_MME}, {PGW, i == 0 ? 0 : 103, .interface = S5C_PGW}});
                SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = sgw, .to = mme, .sequence = 1 + i, .key = 300 + i, .ipv4 = ADDRESS(7), .bearer = 5,
                    .endpoints = {{sgw, 400 + i, .interface = S11_MME + 1}, {PGW, 103, .interface = S5C_PGW}});
                scene_pass(&scene, 60);
        }
        assert_int_equal(scene.opened, 1);
        assert_int_equal(scene.closed, 0);
        scene_close(&scene);
}

/* A dedicated bearer goes, and its number becomes the default bearer's of the device's second connection. */
static void the_number_of_a_deleted_bearer_is_anothers(void **state)
{
        enum { MME = 5, SGW_END = 400, S11_MME = 11, S11_SGW = 12, S1U_ENB = 1, S1U_SGW = 2, ENB = 4 };
        struct binding_scene scene;
        const struct binding *found;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        for (uint32_t i = 0; i < 2; i++) {
                uint8_t bearer = (uint8_t)(5 + i);
                SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = SGW, .sequence = 10 + i, .key = i ? SGW_END : 0, .imsi = imsi_a,
                    .apn = i ? "internet" : apn, .bearer = bearer, .endpoints = {{MME, 300, .interface = S11_MME}});
                SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = SGW, .to = MME, .sequence = 10 + i, .key = 300, .ipv4 = ADDRESS(7 + i),
                    .bearer = bearer, .endpoints = {{SGW, SGW_END, .interface = S11_SGW},
                                                    {SGW, 500 + i, .user = true, .of_network = true, .bearer = bearer, .interface = S1U_SGW}});
                scene_pass(&scene, 10);
                if (i > 0)
                        break;
                SAY(&scene, V2, PROCEDURE(BEARER), REQUEST, .from = SGW, .to = MME, .sequence = 20, .key = 300, .linked_bearer = 5,
                    .endpoints = {{SGW, 510, .user = true, .of_network = true, .bearer = 6, .interface = S1U_SGW}});
                SAY(&scene, V2, PROCEDURE(BEARER), RESPONSE, .from = MME, .to = SGW, .sequence = 20, .key = SGW_END,
                    .endpoints = {{SGW, 510, .user = true, .of_network = true, .bearer = 6, .interface = S1U_SGW}});
                SAY(&scene, V2, PROCEDURE(BEARER_DELETE), REQUEST, .from = SGW, .to = MME, .sequence = 21, .key = 300, .ended_bearer = 6);
                SAY(&scene, V2, PROCEDURE(BEARER_DELETE), RESPONSE, .from = MME, .to = SGW, .sequence = 21, .key = SGW_END);
        }
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = MME, .to = SGW, .sequence = 30, .key = SGW_END, .bearer = 6,
            .endpoints = {{ENB, 900, .user = true, .bearer = 6, .interface = S1U_ENB}});
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = SGW, .to = MME, .sequence = 30, .key = 300);
        assert_int_equal(scene_tunnel(&scene, ENB, 900, &found), TUNNEL_BOUND);
        assert_string_equal(found->apn, "internet");
        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 31, .key = SGW_END, .linked_bearer = 6);
        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 31, .key = 300);
        assert_int_equal(scene.opened, 2);
        assert_int_equal(scene.closed, 1);
        scene_pass(&scene, 5);
        assert_non_null(scene_who(&scene, ADDRESS(7)));
        assert_null(scene_who(&scene, ADDRESS(8)));
        scene_close(&scene);
}

/* What the MME deletes at the serving gateway alone goes on at the PGW: at an SGSN that is not seen, or at the gateway before, when a
 * handover was given up. */
static void what_the_serving_gateway_forgets_goes_on(void **state)
{
        enum { MME = 5, S11_MME = 11, S11_SGW = 12, S1U_SGW = 2 };
        const struct {
                bool retains, is_on_s5, goes_on;
        } rows[] = {{true, false, true}, {false, false, false}, {false, true, true}};
        (void)state;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct binding_scene scene;
                const struct binding *found;
                scene_open(&scene, (struct bindings_settings){0});
                if (rows[i].is_on_s5)
                        attach(&scene, 1, imsi_a, 100);
                SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = SGW, .sequence = 2, .imsi = imsi_a, .apn = apn, .bearer = 5,
                    .endpoints = {{MME, 300, .interface = S11_MME}});
                SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = SGW, .to = MME, .sequence = 2, .key = 300, .ipv4 = ADDRESS(7), .bearer = 5,
                    .endpoints = {{SGW, 400, .interface = S11_SGW},
                                  {SGW, 500, .user = true, .of_network = true, .bearer = 5, .interface = S1U_SGW}});
                assert_int_equal(scene.opened, 1);
                SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 3, .key = 400, .linked_bearer = 5,
                    .retains = rows[i].retains);
                SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 3, .key = 300);
                assert_int_equal(scene.closed, !rows[i].goes_on);
                assert_int_equal(scene_tunnel(&scene, SGW, 500, &found), TUNNEL_RELEASED);
                scene_close(&scene);
        }
}

/* Accounting tells the end of one connection before S11 does: the other is not meant. */
static void the_connection_that_is_left_does_not_end(void **state)
{
        enum { MME = 5, S11_MME = 11, S11_SGW = 12 };
        (void)state;
        for (unsigned by_network = 0; by_network < 2; by_network++) {
                struct binding_scene scene;
                scene_open(&scene, (struct bindings_settings){0});
                for (uint32_t i = 0; i < 2; i++) {
                        uint8_t bearer = (uint8_t)(5 + i);
                        SAY(&scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = SGW, .sequence = 10 + i, .key = i ? 400 : 0, .imsi = imsi_a,
                            .apn = i ? "internet" : apn, .bearer = bearer, .endpoints = {{MME, 300, .interface = S11_MME}});
                        SAY(&scene, V2, PROCEDURE(CREATE), RESPONSE, .from = SGW, .to = MME, .sequence = 10 + i, .key = 300, .ipv4 = ADDRESS(7 + i),
                            .bearer = bearer, .endpoints = {{SGW, 400, .interface = S11_SGW}, {PGW, 103 + i, .interface = S5C_PGW}});
                }
                SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = SGW, .to = PGW, .sequence = 20, .key = 104, .bearer = 6);
                SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = PGW, .to = SGW, .sequence = 20, .key = 301);
                assert_int_equal(scene.closed, 1);
                if (by_network) {
                        SAY(&scene, V2, PROCEDURE(BEARER_DELETE), REQUEST, .from = SGW, .to = MME, .sequence = 21, .key = 300, .linked_bearer = 6);
                        SAY(&scene, V2, PROCEDURE(BEARER_DELETE), RESPONSE, .from = MME, .to = SGW, .sequence = 21, .key = 400);
                } else {
                        SAY(&scene, V2, PROCEDURE(DELETE), REQUEST, .from = MME, .to = SGW, .sequence = 21, .key = 400, .bearer = 6);
                        SAY(&scene, V2, PROCEDURE(DELETE), RESPONSE, .from = SGW, .to = MME, .sequence = 21, .key = 300);
                }
                assert_int_equal(scene.closed, 1);
                assert_non_null(scene_who(&scene, ADDRESS(7)));
                scene_close(&scene);
        }
}

/* It moved away over an interface that is not seen, and its number at the gateway is another's: the module of that one is live elsewhere. */
static void a_session_does_not_take_the_module_of_another(void **state)
{
        static const char module_a[] = "8612340512345601", module_b[] = "3588930012345601", module_c[] = "3588930012345701";
        struct binding_scene scene;
        (void)state;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, ACCOUNTING, PROCEDURE(CREATE), REQUEST, .sequence = 1, .session = "b", .imsi = imsi_b, .imei = module_b, .ipv4 = ADDRESS(8));
        attach(&scene, 2, imsi_a, 100);
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 3, .key = 103, .imei = module_a);
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 3, .key = 101);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imei, module_a);
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 4, .key = 103, .imei = module_b, .eci = 200);
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 4, .key = 101);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imei, module_a);
        assert_int_equal(scene_who(&scene, ADDRESS(7))->cell.id, 100);
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 5, .key = 103, .imei = module_c, .eci = 300);
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 5, .key = 101);
        assert_string_equal(scene_who(&scene, ADDRESS(7))->imei, module_c);
        assert_int_equal(scene_who(&scene, ADDRESS(7))->cell.id, 300);
        scene_close(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_flow_was_in_the_cell_where_it_began),
                cmocka_unit_test(an_address_is_its_holders_until_it_ends),
                cmocka_unit_test(both_versions_of_gtp_are_believed_alike),
                cmocka_unit_test(a_network_behind_a_device_is_its_own),
                cmocka_unit_test(a_context_lives_on_without_its_first_bearer),
                cmocka_unit_test(accounting_of_one_bearer_ends_alone),
                cmocka_unit_test(an_answer_under_another_teid_is_to_another_request),
                cmocka_unit_test(what_is_repeated_does_not_take_a_fresh_address_back),
                cmocka_unit_test(a_tunnel_is_whose_it_was_at_that_moment),
                cmocka_unit_test(who_comes_back_to_a_node_is_not_created_anew),
                cmocka_unit_test(the_number_of_a_deleted_bearer_is_anothers),
                cmocka_unit_test(what_the_serving_gateway_forgets_goes_on),
                cmocka_unit_test(the_connection_that_is_left_does_not_end),
                cmocka_unit_test(a_session_does_not_take_the_module_of_another),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
