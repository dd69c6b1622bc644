/* Halves of transactions that wait, and how a message is read into what waits. */
#include <stdlib.h>
#include <string.h>

#include "judge/binding_facts.h"
#include "judge/binding_wait.h"
#include "tests/unit/test.h"

enum { LIMIT = 100 };
static const int64_t SECOND = INT64_C(1000000000);

struct scene {
        struct wait_table *table;
        struct said *said;
        struct wait_entry *other;
        int64_t now_ns;
};

static struct scene scene_of(void)
{
        struct scene scene = {.table = wait_table_create(LIMIT, 30 * SECOND), .said = malloc(SAID_SIZE_MOST), .now_ns = SECOND};
        assert_non_null(scene.table);
        assert_non_null(scene.said);
        return scene;
}

static void scene_clear(struct scene *scene)
{
        wait_table_destroy(scene->table);
        free(scene->said);
}

/* A Modify Bearer between two nodes; the answer comes under the TEID that the request told. */
static enum wait_verdict say(struct scene *scene, bool answer, uint8_t client, uint8_t server, uint32_t sequence, uint32_t teid)
{
        Apnwatch__V1__Signalling from = APNWATCH__V1__SIGNALLING__INIT;
        Apnwatch__V1__Signalling__Endpoint end = APNWATCH__V1__SIGNALLING__ENDPOINT__INIT, *ends[] = {&end};
        event_t event = APNWATCH__V1__EVENT__INIT;
        uint8_t a[4] = {10, 0, 0, client}, b[4] = {10, 0, 1, server};
        from.protocol = SAID(PROTOCOL__GTPV2C);
        from.procedure = SAID(PROCEDURE__MODIFY);
        from.phase = answer ? SAID(PHASE__RESPONSE) : SAID(PHASE__REQUEST);
        from.source = (ProtobufCBinaryData){4, answer ? b : a};
        from.destination = (ProtobufCBinaryData){4, answer ? a : b};
        from.has_sequence = true;
        from.sequence = sequence;
        if (answer) {
                from.has_key = true;
                from.key = teid;
        } else {
                end.key = teid;
                from.endpoint = ends;
                from.n_endpoint = 1;
        }
        event.clock = (uint64_t)scene->now_ns;
        said_read(scene->said, &from);
        return wait_table_take(scene->table, scene->said, &event, 0, &scene->other);
}

/* Of those with one requester and number, the answerer tells; from an address that is none of theirs, the TEID. */
static void an_answer_finds_its_request_among_many_with_one_number(void **state)
{
        (void)state;
        struct scene scene = scene_of();
        for (uint8_t server = 1; server <= 50; server++)
                assert_int_equal(say(&scene, false, 1, server, 7, server), WAIT_NEW);
        for (uint8_t server = 1; server <= 50; server++) {
                assert_int_equal(say(&scene, true, 1, server, 7, server), WAIT_MATCHED);
                assert_int_equal(scene.other->said->ends[0].key, server);
                wait_table_answered(scene.table, scene.other);
                assert_int_equal(say(&scene, true, 1, server, 7, server), WAIT_REPEATED);
                assert_int_equal(say(&scene, false, 1, server, 7, server), WAIT_REPEATED);
        }
        assert_int_equal(say(&scene, false, 2, 1, 7, 99), WAIT_NEW);
        assert_int_equal(say(&scene, true, 2, 200, 7, 99), WAIT_MATCHED);
        scene_clear(&scene);
}

static void at_the_limit_the_oldest_goes_and_what_nobody_answered_is_counted(void **state)
{
        (void)state;
        struct scene scene = scene_of();
        for (uint32_t sequence = 1; sequence <= LIMIT; sequence++)
                assert_int_equal(say(&scene, false, 1, 1, sequence, 5), WAIT_NEW);
        assert_int_equal(say(&scene, true, 1, 1, 1, 5), WAIT_MATCHED);
        wait_table_answered(scene.table, scene.other);
        for (uint32_t sequence = LIMIT + 1; sequence <= LIMIT + 10; sequence++)
                assert_int_equal(say(&scene, false, 1, 1, sequence, 5), WAIT_NEW);
        assert_int_equal(wait_table_count(scene.table), LIMIT);
        assert_int_equal(wait_table_dropped(scene.table), 9); /* the first of the ten had its answer */
        assert_int_equal(say(&scene, true, 1, 1, 11, 5), WAIT_MATCHED);
        assert_int_equal(say(&scene, true, 1, 1, 10, 5), WAIT_NEW); /* without its request it is an orphan */
        scene_clear(&scene);
}

static void what_waited_in_vain_leaves_oldest_first(void **state)
{
        (void)state;
        struct scene scene = scene_of();
        struct wait_entry *gone;
        for (uint32_t sequence = 1; sequence <= 20; sequence++, scene.now_ns += SECOND)
                say(&scene, false, 1, 1, sequence, 5);
        scene.now_ns = 36 * SECOND;
        for (uint32_t sequence = 1; sequence <= 6; sequence++) {
                assert_true(wait_table_expire(scene.table, scene.now_ns, &gone));
                assert_int_equal(gone->said->sequence, sequence);
        }
        assert_false(wait_table_expire(scene.table, scene.now_ns, &gone));
        for (uint32_t sequence = 100; sequence < 100 + LIMIT; sequence++) /* their places are used again */
                assert_int_equal(say(&scene, false, 1, 1, sequence, 5), WAIT_NEW);
        assert_int_equal(wait_table_count(scene.table), LIMIT);
        scene_clear(&scene);
}

static void texts_become_numbers_or_nothing(void **state)
{
        (void)state;
        static const struct { char *plmn, *imsi; uint16_t mcc, mnc; uint8_t digits; uint64_t packed; } rows[] = {
                {"262-01", "262011", 262, 1, 2, 0x262011ffffffffff}, {"310-004", "1234567890123456", 310, 4, 3, 0x1234567890123456},
                {"26-01", "", 0, 0, 0, 0}, {"262-1", "26201x", 0, 0, 0, 0}, {"262-0123", "12345678901234567", 0, 0, 0, 0}, {NULL, NULL, 0, 0, 0, 0}};
        struct said *said = malloc(SAID_SIZE_MOST);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                Apnwatch__V1__Signalling from = APNWATCH__V1__SIGNALLING__INIT;
                from.plmn = rows[i].plmn;
                from.imsi = rows[i].imsi;
                said_read(said, &from);
                assert_int_equal(said->plmn.mcc, rows[i].mcc);
                assert_int_equal(said->plmn.mnc, rows[i].mnc);
                assert_int_equal(said->plmn.mnc_digits, rows[i].digits);
                assert_true(said->imsi == rows[i].packed);
                assert_null(said_apn(said));
        }
        free(said);
}

/* More than is kept of each: nothing is written behind the room. */
static void what_is_too_much_is_left_out(void **state)
{
        (void)state;
        enum { MANY = 40 };
        Apnwatch__V1__Signalling from = APNWATCH__V1__SIGNALLING__INIT;
        Apnwatch__V1__Signalling__Endpoint end = APNWATCH__V1__SIGNALLING__ENDPOINT__INIT, *ends[MANY];
        Apnwatch__V1__Signalling__Prefix route = APNWATCH__V1__SIGNALLING__PREFIX__INIT, *routes[MANY];
        uint32_t bearers[MANY];
        uint8_t network[4] = {10, 1, 0, 0};
        char apn[600];
        struct said *said = malloc(SAID_SIZE_MOST);
        memset(apn, 'a', sizeof apn);
        apn[sizeof apn - 1] = '\0';
        route.address = (ProtobufCBinaryData){4, network};
        route.length = 16;
        for (unsigned i = 0; i < MANY; i++) {
                ends[i] = &end;
                routes[i] = &route;
                bearers[i] = i;
        }
        from.n_endpoint = from.n_framed_route = from.n_ended_bearer = MANY;
        from.endpoint = ends;
        from.framed_route = routes;
        from.ended_bearer = bearers;
        from.apn = apn;
        said_read(said, &from);
        assert_int_equal(said->end_count, SAID_ENDS);
        assert_int_equal(said->route_count, SAID_ROUTES - 1);
        assert_int_equal(said_routes(said)[0].length, 112);
        assert_int_equal(said->ended_count, SAID_ENDED);
        assert_int_equal(strlen(said_apn(said)), SAID_APN);
        assert_true(said->size <= SAID_SIZE_MOST);
        free(said);
}

/* Whole steps, zeros behind, whatever was in the room before: the same is repeated; with another last letter, or a network, it is not. */
static void messages_are_compared_to_their_last_byte(void **state)
{
        (void)state;
        struct scene scene = scene_of();
        Apnwatch__V1__Signalling__Prefix route = APNWATCH__V1__SIGNALLING__PREFIX__INIT, *routes[] = {&route};
        uint8_t address[4] = {10, 1, 0, 0}, node[4] = {10, 0, 0, 1};
        event_t event = APNWATCH__V1__EVENT__INIT;
        char apn[40] = "";
        route.address = (ProtobufCBinaryData){4, address};
        route.length = 16;
        for (unsigned i = 0; i < 4 * (sizeof apn - 1); i++) {
                Apnwatch__V1__Signalling from = APNWATCH__V1__SIGNALLING__INIT;
                size_t length = i / 4;
                bool is_again = i % 4 == 1;
                memset(apn, 'a', length);
                if (i % 4 > 1 && length > 0)
                        apn[length - 1] = 'b';
                from.protocol = SAID(PROTOCOL__RADIUS);
                from.source = from.destination = (ProtobufCBinaryData){4, node};
                from.apn = apn;
                from.framed_route = routes;
                from.n_framed_route = i % 4 == 3;
                memset(scene.said, 0xa5, SAID_SIZE_MOST);
                said_read(scene.said, &from);
                assert_int_equal(scene.said->size % SAID_STEP, 0);
                if (length > 0)
                        assert_string_equal(said_apn(scene.said), apn);
                if (length == 0 && i % 4 == 2)
                        continue; /* no letter to be another */
                enum wait_verdict verdict = wait_table_take(scene.table, scene.said, &event, 0, &scene.other);
                assert_int_equal(verdict, is_again ? WAIT_REPEATED : WAIT_NEW);
        }
        scene_clear(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_finds_its_request_among_many_with_one_number),
                cmocka_unit_test(at_the_limit_the_oldest_goes_and_what_nobody_answered_is_counted),
                cmocka_unit_test(what_waited_in_vain_leaves_oldest_first),
                cmocka_unit_test(texts_become_numbers_or_nothing),
                cmocka_unit_test(what_is_too_much_is_left_out),
                cmocka_unit_test(messages_are_compared_to_their_last_byte),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
