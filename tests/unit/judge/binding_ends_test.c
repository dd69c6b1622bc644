#include <stdio.h>

#include "judge/binding_peers.h"
#include "tests/unit/judge/binding_scene.h"
#include "tests/unit/test.h"

#define V2 .protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C
#define PFCP .protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__PFCP
#define PROCEDURE(name) .procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__##name
#define REQUEST .phase = APNWATCH__V1__SIGNALLING__PHASE__REQUEST
#define RESPONSE .phase = APNWATCH__V1__SIGNALLING__PHASE__RESPONSE
#define PART(name) APNWATCH__V1__SIGNALLING__SET__PART__##name
#define ADDRESS(n) (0x0a140000u + (n))

enum { MME = 10, SGW = 1, OTHER_SGW = 3, PGW = 2, OTHER_PGW = 4, SMF = 5, OTHER_SMF = 7, UPF = 6, OTHER_UPF = 8 };
enum { S5_SGW = 7, S5_PGW = 8, S11_MME = 11, S11_SGW = 12 }; /* one more than the interface type */

static const char *sim(unsigned n)
{
        static char text[16];
        snprintf(text, sizeof text, "26201123456%04u", n);
        return text;
}

/* Session n on S5, in a set of each gateway. */
static void attach_in_sets(struct binding_scene *scene, uint32_t n, uint8_t sgw, uint16_t sgw_set, uint8_t pgw, uint16_t pgw_set)
{
        SAY(scene, V2, PROCEDURE(CREATE), REQUEST, .from = sgw, .to = pgw, .sequence = n, .imsi = sim(n), .apn = "iot",
            .endpoints = {{.node = sgw, .key = 0x100 + n, .interface = S5_SGW}}, .bearer = 5,
            .sets = {{PART(SERVING), MME, 1}, {PART(SGW), sgw_set ? sgw : 0, sgw_set}});
        SAY(scene, V2, PROCEDURE(CREATE), RESPONSE, .from = pgw, .to = sgw, .sequence = n, .key = 0x100 + n, .ipv4 = ADDRESS(n),
            .endpoints = {{.node = pgw, .key = 0x200 + n, .interface = S5_PGW}}, .bearer = 5,
            .sets = {{PART(PGW), pgw_set ? pgw : 0, pgw_set}});
}

/* The same PDN connection on S11, where the MME's and both gateways' ends are told. */
static void attach_on_s11(struct binding_scene *scene, uint32_t n, uint8_t sgw, uint8_t pgw)
{
        SAY(scene, V2, PROCEDURE(CREATE), REQUEST, .from = MME, .to = sgw, .sequence = n, .imsi = sim(n), .apn = "iot",
            .endpoints = {{.node = MME, .key = 0x300 + n, .interface = S11_MME}}, .bearer = 5);
        SAY(scene, V2, PROCEDURE(CREATE), RESPONSE, .from = sgw, .to = MME, .sequence = n, .key = 0x300 + n, .ipv4 = ADDRESS(n), .bearer = 5,
            .endpoints = {{.node = sgw, .key = 0x400 + n, .interface = S11_SGW}, {.node = pgw, .key = 0x200 + n, .interface = S5_PGW}});
}

static void end_set(struct binding_scene *scene, uint32_t sequence, int part, uint8_t node, uint16_t id, int cause)
{
        SAY(scene, V2, PROCEDURE(NODE_DELETE), REQUEST, .message = 101, .from = node, .to = SGW, .sequence = sequence, .sets = {{part, node, id}});
        SAY(scene, V2, PROCEDURE(NODE_DELETE), RESPONSE, .message = 102, .from = SGW, .to = node, .sequence = sequence, .cause = cause);
}

static void a_set_ends_with_its_sessions_and_no_others(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach_in_sets(&scene, 1, SGW, 5, PGW, 7);
        attach_in_sets(&scene, 2, SGW, 5, PGW, 8);
        attach_in_sets(&scene, 3, OTHER_SGW, 5, PGW, 7);
        attach_in_sets(&scene, 4, SGW, 0, PGW, 0);
        end_set(&scene, 90, PART(PGW), PGW, 9, 0);      /* nobody's */
        end_set(&scene, 91, PART(PGW), OTHER_PGW, 7, 0); /* another node's of that number */
        end_set(&scene, 92, PART(PGW), PGW, 7, 1);      /* refused */
        assert_int_equal(scene.closed, 0);
        end_set(&scene, 93, PART(PGW), PGW, 7, 0);
        assert_int_equal(scene.closed, 2);
        assert_int_equal(scene.end, BINDING_DELETED);
        scene_pass(&scene, 60);
        assert_null(scene_who(&scene, ADDRESS(1)));
        assert_non_null(scene_who(&scene, ADDRESS(2)));
        assert_null(scene_who(&scene, ADDRESS(3)));
        assert_non_null(scene_who(&scene, ADDRESS(4)));
        end_set(&scene, 94, PART(SERVING), MME, 1, 0);
        assert_int_equal(scene.closed, 4);
        scene_close(&scene);
}

/* A session moves to another set: by a Modify. The old set's end is none of its. */
static void the_set_that_was_told_last_counts(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach_in_sets(&scene, 1, SGW, 5, PGW, 7);
        SAY(&scene, V2, PROCEDURE(MODIFY), REQUEST, .from = SGW, .to = PGW, .sequence = 50, .key = 0x201, .sets = {{PART(SGW), SGW, 6}});
        SAY(&scene, V2, PROCEDURE(MODIFY), RESPONSE, .from = PGW, .to = SGW, .sequence = 50, .key = 0x101);
        end_set(&scene, 90, PART(SGW), SGW, 5, 0);
        assert_int_equal(scene.closed, 0);
        end_set(&scene, 91, PART(SGW), SGW, 6, 0);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

/* Numbers are given back; what is asked again begins anew. */
static void sets_are_free_once_nobody_is_in_them(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct bindings_numbers numbers;
        scene_open(&scene, (struct bindings_settings){.session_limit = 16});
        for (uint32_t n = 1; n <= 1000; n++) {
                attach_in_sets(&scene, n, SGW, (uint16_t)n, PGW, (uint16_t)(n + 1));
                scene_pass(&scene, 1);
        }
        end_set(&scene, 5001, PART(SGW), SGW, 3, 0);
        assert_int_equal(scene.closed, 1000 - 16);
        end_set(&scene, 5002, PART(SGW), SGW, 1000, 0);
        assert_int_equal(scene.closed, 1000 - 15);
        bindings_numbers(scene.bindings, &numbers);
        assert_int_equal(numbers.sets_refused, 0);
        scene_close(&scene);
}

/* The answer was not seen: what nobody spoke of since has ended. */
static void a_set_request_without_answer_is_believed_later(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach_in_sets(&scene, 1, SGW, 5, PGW, 7);
        scene_pass(&scene, 1);
        SAY(&scene, V2, PROCEDURE(NODE_DELETE), REQUEST, .message = 101, .from = PGW, .to = SGW, .sequence = 90, .sets = {{PART(PGW), PGW, 7}});
        scene_pass(&scene, 1);
        assert_int_equal(scene.closed, 0);
        attach_in_sets(&scene, 2, SGW, 5, PGW, 7);
        scene_pass(&scene, 31);
        assert_int_equal(scene.closed, 1);
        assert_non_null(scene_who(&scene, ADDRESS(2)));
        scene_close(&scene);
}

static void notify(struct binding_scene *scene, uint32_t sequence, uint8_t sgw, uint8_t pgw)
{
        SAY(scene, V2, PROCEDURE(NODE_DELETE), REQUEST, .message = 179, .from = sgw, .to = MME, .sequence = sequence, .restarted = pgw,
            .restarted_at = sgw);
        SAY(scene, V2, PROCEDURE(NODE_DELETE), RESPONSE, .message = 180, .from = MME, .to = sgw, .sequence = sequence);
}

static void a_restarted_gateway_loses_what_it_had_with_who_tells(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct address gateway;
        scene_open(&scene, (struct bindings_settings){0});
        assert_true(address_parse("10.255.0.2", &gateway));
        attach_on_s11(&scene, 1, SGW, PGW);
        attach_on_s11(&scene, 2, SGW, OTHER_PGW);
        attach_on_s11(&scene, 3, OTHER_SGW, PGW);
        scene_pass(&scene, 10);
        notify(&scene, 90, SGW, PGW);
        assert_int_equal(scene.closed, 1);
        assert_int_equal(scene.end, BINDING_RESTARTED);
        assert_true(bindings_peer_restarted(scene.bindings, &gateway, scene.now_ns));
        scene_pass(&scene, 10);
        assert_null(scene_who(&scene, ADDRESS(1)));
        attach_on_s11(&scene, 4, SGW, PGW); /* anew, before the other serving gateway finds out */
        notify(&scene, 90, SGW, PGW);       /* the same, once more */
        notify(&scene, 91, OTHER_SGW, PGW);
        assert_int_equal(scene.closed, 2);
        assert_non_null(scene_who(&scene, ADDRESS(2)));
        assert_non_null(scene_who(&scene, ADDRESS(4)));
        scene_close(&scene);
}

/* Only S5 was seen: the first word is for all of the gateway's, a later one for none. */
static void without_the_mmes_side_the_first_word_is_for_all(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        attach_in_sets(&scene, 1, OTHER_SGW, 0, PGW, 0);
        attach_in_sets(&scene, 2, OTHER_SGW, 0, OTHER_PGW, 0);
        notify(&scene, 90, SGW, PGW);
        assert_int_equal(scene.closed, 1);
        attach_in_sets(&scene, 3, OTHER_SGW, 0, PGW, 0);
        scene_pass(&scene, 60);
        notify(&scene, 91, SGW, PGW);
        assert_int_equal(scene.closed, 1);
        assert_non_null(scene_who(&scene, ADDRESS(3)));
        scene_close(&scene);
}

static void establish(struct binding_scene *scene, uint32_t n, uint8_t smf, uint8_t upf, uint16_t set)
{
        SAY(scene, PFCP, PROCEDURE(CREATE), REQUEST, .message = 50, .from = smf, .to = upf, .sequence = n, .imsi = sim(n), .ipv4 = ADDRESS(n),
            .endpoints = {{.node = smf, .key = 0x1000 + n}});
        SAY(scene, PFCP, PROCEDURE(CREATE), RESPONSE, .message = 51, .from = upf, .to = smf, .sequence = n, .key = 0x1000 + n,
            .endpoints = {{.node = upf, .key = 0x2000 + n}}, .sets = {{PART(USER), set ? upf : 0, set}});
}

static void node_message(struct binding_scene *scene, unsigned message, uint32_t sequence, uint8_t from, uint8_t to, int cause, bool retains)
{
        int procedure = message == 5 ? APNWATCH__V1__SIGNALLING__PROCEDURE__PATH : APNWATCH__V1__SIGNALLING__PROCEDURE__NODE_DELETE;
        SAY(scene, PFCP, .procedure = procedure, REQUEST, .message = message, .from = from, .to = to, .sequence = sequence, .retains = retains);
        SAY(scene, PFCP, .procedure = procedure, RESPONSE, .message = message + 1, .from = to, .to = from, .sequence = sequence, .cause = cause);
}

/* Released, or set up once more: what the two had with each other is void; with others nothing is. */
static void an_association_ends_for_both_ends_only(void **state)
{
        (void)state;
        static const struct {
                unsigned message, closed;
                uint8_t from, to;
                int cause;
                bool retains;
                enum binding_end end;
        } rows[] = {{9, 1, SMF, UPF, 0, false, BINDING_DELETED}, {9, 0, SMF, UPF, 1, false, BINDING_LIVE},
                    {9, 1, UPF, SMF, 0, false, BINDING_DELETED}, {5, 1, SMF, UPF, 0, false, BINDING_RESTARTED},
                    {5, 0, SMF, UPF, 0, true, BINDING_LIVE}, {5, 0, SMF, UPF, 1, false, BINDING_LIVE}, {5, 0, 77, UPF, 0, false, BINDING_LIVE}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct binding_scene scene;
                scene_open(&scene, (struct bindings_settings){0});
                establish(&scene, 1, SMF, UPF, 0);
                establish(&scene, 2, SMF, OTHER_UPF, 0);
                establish(&scene, 3, OTHER_SMF, UPF, 0);
                scene_pass(&scene, 1);
                node_message(&scene, rows[i].message, 90, rows[i].from, rows[i].to, rows[i].cause, rows[i].retains);
                assert_int_equal(scene.closed, rows[i].closed);
                assert_int_equal(scene.end, rows[i].end);
                scene_pass(&scene, 10);
                assert_true((scene_who(&scene, ADDRESS(1)) == NULL) == (rows[i].closed == 1));
                scene_close(&scene);
        }
}

static void a_user_planes_set_ends_on_its_word(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        establish(&scene, 1, SMF, UPF, 3);
        establish(&scene, 2, SMF, UPF, 4);
        establish(&scene, 3, SMF, UPF, 0);
        SAY(&scene, PFCP, PROCEDURE(NODE_DELETE), REQUEST, .message = 14, .from = UPF, .to = SMF, .sequence = 90, .sets = {{PART(USER), UPF, 3}});
        assert_int_equal(scene.closed, 0);
        SAY(&scene, PFCP, PROCEDURE(NODE_DELETE), RESPONSE, .message = 15, .from = SMF, .to = UPF, .sequence = 90);
        assert_int_equal(scene.closed, 1);
        SAY(&scene, PFCP, PROCEDURE(NODE_DELETE), REQUEST, .message = 14, .from = UPF, .to = SMF, .sequence = 91); /* names none */
        SAY(&scene, PFCP, PROCEDURE(NODE_DELETE), RESPONSE, .message = 15, .from = SMF, .to = UPF, .sequence = 91);
        assert_int_equal(scene.closed, 1);
        scene_close(&scene);
}

static void nodes_that_share_an_address_take_turns(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 4; i++)
                SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGW, .sequence = 1 + i, .recovery = 7 + i % 4);
        attach_in_sets(&scene, 10, SGW, 0, PGW, 0);
        for (unsigned i = 0; i < 40; i++) {
                scene_pass(&scene, 60);
                SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGW, .sequence = 20 + i, .recovery = 7 + i * 3 % 4);
        }
        assert_int_equal(scene.closed, 0);
        SAY(&scene, V2, PROCEDURE(PATH), RESPONSE, .from = PGW, .to = SGW, .sequence = 90, .recovery = 11);
        assert_int_equal(scene.end, BINDING_RESTARTED);
        scene_close(&scene);
}

static void an_older_time_stamp_is_no_restart(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){0});
        for (unsigned i = 0; i < 3; i++) {
                static const uint64_t stamps[] = {3900000000, 3890000000, 3900000100};
                SAY(&scene, PFCP, PROCEDURE(PATH), RESPONSE, .from = UPF, .to = SMF, .sequence = 90 + i, .recovery = stamps[i]);
                if (i == 0) {
                        SAY(&scene, PFCP, PROCEDURE(CREATE), REQUEST, .from = SMF, .to = UPF, .sequence = 1,
                            .imsi = sim(7), .ipv4 = ADDRESS(7), .endpoints = {{.node = SMF, .key = 1001}});
                        SAY(&scene, PFCP, PROCEDURE(CREATE), RESPONSE, .from = UPF, .to = SMF, .sequence = 1, .key = 1001,
                            .endpoints = {{.node = UPF, .key = 1101}});
                }
                assert_int_equal(scene.closed, i == 2);
        }
        assert_int_equal(scene.end, BINDING_RESTARTED);
        scene_close(&scene);
}

static struct address peer_address(uint32_t n)
{
        const uint8_t bytes[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        return address_of_ipv4(bytes);
}

/* At the limit the one that was silent longest is forgotten, not the first that was met. */
static void peers_that_are_heard_are_remembered(void **state)
{
        (void)state;
        enum { LIMIT = 65536 };
        const int64_t second = 1000000000;
        struct binding_peers *peers = binding_peers_create();
        struct address first = peer_address(0), silent = peer_address(1);
        for (uint32_t n = 0; n < LIMIT; n++) {
                struct address address = peer_address(n);
                assert_false(binding_peers_restarted(peers, &address, 0, BINDING_GTPV2C, 7, second * (n / 100)));
        }
        assert_int_equal(binding_peers_forgotten(peers), 0);
        assert_false(binding_peers_restarted(peers, &first, 0, BINDING_GTPV2C, 7, 1000 * second));
        for (uint32_t n = 0; n < 3; n++) {
                struct address address = peer_address(LIMIT + n);
                binding_peers_restarted(peers, &address, 0, BINDING_GTPV2C, 7, 1001 * second);
        }
        assert_int_equal(binding_peers_forgotten(peers), 3);
        assert_true(binding_peers_restarted(peers, &first, 0, BINDING_GTPV2C, 8, 1002 * second));
        assert_false(binding_peers_restarted(peers, &silent, 0, BINDING_GTPV2C, 8, 1002 * second));
        for (uint32_t n = 0; n < LIMIT; n++) {
                struct address address = peer_address(n + 10);
                binding_peers_note_restart(peers, &address, 1003 * second);
        }
        assert_false(binding_peers_restarted_since(peers, &first, 0));
        binding_peers_destroy(peers);
}

/* Who was heard lately is looked up in a short way, by where its record is: there another's may be by now. */
static void a_forgotten_peers_record_is_anothers(void **state)
{
        (void)state;
        enum { LIMIT = 65536 };
        const int64_t second = 1000000000;
        struct binding_peers *peers = binding_peers_create();
        struct address a = peer_address(0);
        for (unsigned i = 0; i < 2; i++) /* the second time it is one of the recent */
                assert_false(binding_peers_restarted(peers, &a, 0, BINDING_GTPV2C, 7, second));
        for (uint32_t n = 1; n <= LIMIT; n++) { /* the last one has the record of the first */
                struct address address = peer_address(n);
                assert_false(binding_peers_restarted(peers, &address, 0, BINDING_GTPV2C, 7, 2 * second));
        }
        assert_int_equal(binding_peers_forgotten(peers), 1);
        assert_false(binding_peers_restarted(peers, &a, 0, BINDING_GTPV2C, 7, 3 * second));
        assert_int_equal(binding_peers_forgotten(peers), 2);
        assert_true(binding_peers_restarted(peers, &a, 0, BINDING_GTPV2C, 8, 4 * second));
        struct address b = peer_address(LIMIT);
        assert_true(binding_peers_restarted(peers, &b, 0, BINDING_GTPV2C, 8, 4 * second));
        binding_peers_destroy(peers);
}

/* Another number with every message is no restart counter; a node that falls over a few times a day is believed. */
static void a_counter_that_never_rests_is_none(void **state)
{
        (void)state;
        const int64_t second = 1000000000;
        struct binding_peers *peers = binding_peers_create();
        struct address restless = peer_address(1), frail = peer_address(2);
        unsigned believed = 0;
        for (unsigned n = 0; n < 200; n++)
                believed += binding_peers_restarted(peers, &restless, 0, BINDING_GTPV2C, n, second * n);
        assert_int_equal(believed, 8);
        for (unsigned n = 0; n < 24; n++)
                assert_int_equal(binding_peers_restarted(peers, &frail, 0, BINDING_GTPV2C, n, 1800 * second * (n + 1)), n > 0);
        assert_true(binding_peers_restarted(peers, &restless, 0, BINDING_GTPV2C, 201, 3700 * second));
        binding_peers_destroy(peers);
}

static void end_at(struct binding_scene *scene, uint32_t sequence, uint8_t upf, uint32_t seid, uint32_t answered)
{
        SAY(scene, PFCP, PROCEDURE(DELETE), REQUEST, .message = 54, .from = SMF, .to = upf, .sequence = sequence, .key = seid);
        SAY(scene, PFCP, PROCEDURE(DELETE), RESPONSE, .message = 55, .from = upf, .to = SMF, .sequence = sequence, .key = answered);
}

/* On its way a device passes a second user plane (TS 23.501, 5.6.4), which is there for a while: the session ends with the last. */
static void a_session_at_two_user_planes_ends_with_both(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 4; i++) {
                bool anchor_first = i % 2, unanswered = i / 2; /* or answered under no SEID */
                struct binding_scene scene;
                const struct binding *found;
                scene_open(&scene, (struct bindings_settings){0});
                SAY(&scene, PFCP, PROCEDURE(CREATE), REQUEST, .message = 50, .from = SMF, .to = UPF, .sequence = 1, .imsi = sim(1), .apn = "iot",
                    .ipv4 = ADDRESS(1), .endpoints = {{.node = SMF, .key = 0x11}, {.node = UPF, .key = 0x51, .user = true, .of_network = true}});
                SAY(&scene, PFCP, PROCEDURE(CREATE), RESPONSE, .message = 51, .from = UPF, .to = SMF, .sequence = 1, .key = 0x11,
                    .endpoints = {{.node = UPF, .key = 0x21}});
                SAY(&scene, PFCP, PROCEDURE(CREATE), REQUEST, .message = 50, .from = SMF, .to = OTHER_UPF, .sequence = 2,
                    .endpoints = {{.node = SMF, .key = 0x12}, {.node = OTHER_UPF, .key = 0x61, .user = true, .of_network = true},
                                  {.node = UPF, .key = 0x51, .user = true, .of_network = true}});
                SAY(&scene, PFCP, PROCEDURE(CREATE), RESPONSE, .message = 51, .from = OTHER_UPF, .to = SMF, .sequence = 2, .key = 0x12,
                    .endpoints = {{.node = OTHER_UPF, .key = 0x21}});
                assert_int_equal(scene.opened, 1);
                if (anchor_first)
                        end_at(&scene, 3, UPF, 0x21, unanswered ? 0 : 0x11);
                else
                        end_at(&scene, 3, OTHER_UPF, 0x21, unanswered ? 0 : 0x12);
                assert_int_equal(scene.closed, 0);
                assert_non_null(scene_who(&scene, ADDRESS(1)));
                assert_int_equal(scene_tunnel(&scene, UPF, 0x51, &found), anchor_first ? TUNNEL_RELEASED : TUNNEL_BOUND);
                assert_int_equal(scene_tunnel(&scene, OTHER_UPF, 0x61, &found), anchor_first ? TUNNEL_BOUND : TUNNEL_RELEASED);
                if (anchor_first)
                        end_at(&scene, 4, OTHER_UPF, 0x21, unanswered ? 0 : 0x12);
                else
                        end_at(&scene, 4, UPF, 0x21, unanswered ? 0 : 0x11);
                assert_int_equal(scene.closed, 1);
                scene_close(&scene);
        }
}

/* One session of each protocol, then a request about it that is answered so. */
static unsigned closed_by(int protocol, int procedure, int cause, bool is_asked)
{
        struct binding_scene scene;
        bool is_named = protocol >= APNWATCH__V1__SIGNALLING__PROTOCOL__RADIUS;
        const char *session = is_named ? "pgw;1;1" : NULL;
        scene_open(&scene, (struct bindings_settings){0});
        SAY(&scene, .protocol = protocol, PROCEDURE(CREATE), REQUEST, .from = SGW, .to = PGW, .sequence = 1, .imsi = sim(1), .apn = "iot",
            .session = session, .ipv4 = ADDRESS(1), .bearer = 5, .endpoints = {{.node = is_named ? 0 : SGW, .key = 0x101}});
        SAY(&scene, .protocol = protocol, PROCEDURE(CREATE), RESPONSE, .from = PGW, .to = SGW, .sequence = 1, .key = is_named ? 0 : 0x101,
            .session = session, .bearer = 5, .endpoints = {{.node = is_named ? 0 : PGW, .key = 0x201}});
        assert_int_equal(scene.opened, 1);
        if (is_asked)
                SAY(&scene, .protocol = protocol, .procedure = procedure, REQUEST, .from = SGW, .to = PGW, .sequence = 2,
                    .key = is_named ? 0 : 0x201, .session = session, .linked_bearer = 5, .teardown = true);
        SAY(&scene, .protocol = protocol, .procedure = procedure, RESPONSE, .from = PGW, .to = SGW, .sequence = 2, .session = session,
            .key = is_named ? 0 : 0x101, .cause = cause);
        scene_pass(&scene, 60);
        unsigned closed = scene.closed;
        assert_true(closed == 0 || scene.end == BINDING_DELETED);
        assert_int_equal(scene_who(&scene, ADDRESS(1)) == NULL, closed);
        scene_close(&scene);
        return closed;
}

static void what_the_other_side_does_not_have_is_deleted(void **state)
{
        enum { DELETE = APNWATCH__V1__SIGNALLING__PROCEDURE__DELETE, BEARER_DELETE = APNWATCH__V1__SIGNALLING__PROCEDURE__BEARER_DELETE,
               MODIFY = APNWATCH__V1__SIGNALLING__PROCEDURE__MODIFY };
        static const struct {
                int protocol, not_found, other;
        } rows[] = {
                {APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV1C, 192, 64},  {APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C, 64, 192},
                {APNWATCH__V1__SIGNALLING__PROTOCOL__PFCP, 65, 64},     {APNWATCH__V1__SIGNALLING__PROTOCOL__GX, 5002, 5012},
                {APNWATCH__V1__SIGNALLING__PROTOCOL__GY, 5002, 5012},   {APNWATCH__V1__SIGNALLING__PROTOCOL__S6B, 5002, 5012},
        };
        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                assert_int_equal(closed_by(rows[i].protocol, DELETE, rows[i].not_found, true), 1);
                assert_int_equal(closed_by(rows[i].protocol, DELETE, rows[i].other, true), 0);
                assert_int_equal(closed_by(rows[i].protocol, DELETE, rows[i].not_found, false), 0);
                assert_int_equal(closed_by(rows[i].protocol, MODIFY, rows[i].not_found, true), 0);
        }
        assert_int_equal(closed_by(rows[1].protocol, BEARER_DELETE, 64, true), 1);
        assert_int_equal(closed_by(rows[1].protocol, BEARER_DELETE, 110, true), 0);
}

static bool lives(struct binding_scene *scene, uint32_t n)
{
        struct binding found;
        return bindings_of_imsi(scene->bindings, sim(n), &found, 1) == 1; /* which is no use of it */
}

static void attach(struct binding_scene *scene, uint32_t n)
{
        attach_in_sets(scene, n, SGW, 0, PGW, 0);
}

/* Places in the order of last use are renewed after five minutes only. */
static void at_the_limit_a_session_in_use_stays(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){.session_limit = 3});
        for (uint32_t n = 1; n <= 3; n++) {
                attach(&scene, n);
                scene_pass(&scene, 10);
        }
        scene_pass(&scene, 210);
        assert_non_null(scene_who(&scene, ADDRESS(1)));
        scene_pass(&scene, 0.001);
        for (uint32_t n = 4; n <= 5; n++) { /* the second and the third are silent */
                attach(&scene, n);
                assert_int_equal(scene.closed, n - 3);
                assert_int_equal(scene.end, BINDING_EVICTED);
                assert_true(lives(&scene, 1) && !lives(&scene, n - 2) && lives(&scene, n));
        }
        scene_close(&scene);
}

static void what_was_used_only_at_first_is_silent_all_the_same(void **state)
{
        (void)state;
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){.session_limit = 3});
        attach(&scene, 1);
        attach(&scene, 2);
        scene_pass(&scene, 200);
        assert_non_null(scene_who(&scene, ADDRESS(1)));
        scene_pass(&scene, 3600);
        attach(&scene, 3);
        scene_pass(&scene, 3600);
        attach(&scene, 4);
        attach(&scene, 5);
        assert_true(!lives(&scene, 1) && !lives(&scene, 2) && lives(&scene, 3));
        scene_close(&scene);
}

/* All were used since they were placed. Of as many as are looked at for one create the one goes that was silent longest. */
static void where_all_are_in_use_the_longest_silent_goes(void **state)
{
        (void)state;
        enum { COUNT = 200, AMONG_64 = 20, AMONG_THE_NEXT = 100 };
        struct binding_scene scene;
        scene_open(&scene, (struct bindings_settings){.session_limit = COUNT});
        for (uint32_t n = 0; n < COUNT; n++)
                attach(&scene, n + 1);
        scene_pass(&scene, 100);
        assert_non_null(scene_who(&scene, ADDRESS(AMONG_THE_NEXT)));
        scene_pass(&scene, 1);
        assert_non_null(scene_who(&scene, ADDRESS(AMONG_64)));
        scene_pass(&scene, 1);
        for (uint32_t n = COUNT; n > 0; n--) {
                if (n != AMONG_64 && n != AMONG_THE_NEXT)
                        assert_non_null(scene_who(&scene, ADDRESS(n)));
                scene_pass(&scene, 0.5);
        }
        attach(&scene, COUNT + 1);
        assert_true(!lives(&scene, AMONG_64) && lives(&scene, AMONG_THE_NEXT));
        attach(&scene, COUNT + 2);
        assert_false(lives(&scene, AMONG_THE_NEXT));
        assert_int_equal(scene.closed, 2);
        scene_close(&scene);
}

static void a_record_that_is_used_again_is_not_recalled(void **state)
{
        (void)state;
        struct binding_scene scene;
        struct address address = address_of_ipv4((const uint8_t[]){10, 20, 0, 1});
        struct holder former, now;
        scene_open(&scene, (struct bindings_settings){0});
        attach(&scene, 1);
        assert_true(bindings_holder_of_address(scene.bindings, 0, NULL, &address, scene.now_ns, &former));
        assert_true(bindings_recall(scene.bindings, former.record, former.stamp, &now));
        bindings_forget(scene.bindings);
        assert_false(bindings_recall(scene.bindings, former.record, former.stamp, &now));
        scene_pass(&scene, 60); /* else it is the same message once more */
        attach(&scene, 1);
        assert_true(bindings_holder_of_address(scene.bindings, 0, NULL, &address, scene.now_ns, &now));
        assert_int_equal(now.record, former.record);
        assert_false(bindings_recall(scene.bindings, former.record, former.stamp, &now));
        assert_true(bindings_recall(scene.bindings, now.record, now.stamp, &now));
        bindings_destroy(scene.bindings); /* what is forgotten was not told of: no scene_close */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_set_ends_with_its_sessions_and_no_others),
                cmocka_unit_test(the_set_that_was_told_last_counts),
                cmocka_unit_test(sets_are_free_once_nobody_is_in_them),
                cmocka_unit_test(a_set_request_without_answer_is_believed_later),
                cmocka_unit_test(a_restarted_gateway_loses_what_it_had_with_who_tells),
                cmocka_unit_test(without_the_mmes_side_the_first_word_is_for_all),
                cmocka_unit_test(an_association_ends_for_both_ends_only),
                cmocka_unit_test(nodes_that_share_an_address_take_turns),
                cmocka_unit_test(an_older_time_stamp_is_no_restart),
                cmocka_unit_test(peers_that_are_heard_are_remembered),
                cmocka_unit_test(a_forgotten_peers_record_is_anothers),
                cmocka_unit_test(a_counter_that_never_rests_is_none),
                cmocka_unit_test(a_user_planes_set_ends_on_its_word),
                cmocka_unit_test(a_session_at_two_user_planes_ends_with_both),
                cmocka_unit_test(what_the_other_side_does_not_have_is_deleted),
                cmocka_unit_test(at_the_limit_a_session_in_use_stays),
                cmocka_unit_test(what_was_used_only_at_first_is_silent_all_the_same),
                cmocka_unit_test(where_all_are_in_use_the_longest_silent_goes),
                cmocka_unit_test(a_record_that_is_used_again_is_not_recalled),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
