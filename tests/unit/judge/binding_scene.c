#include "tests/unit/judge/binding_scene.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

static void hear(void *context, const struct binding_change *change)
{
        struct binding_scene *scene = context;
        scene->opened += change->news == BINDING_OPENED;
        scene->changed += change->news == BINDING_CHANGED;
        scene->closed += change->news == BINDING_CLOSED;
        scene->moved += change->is_move;
        if (change->news == BINDING_CLOSED)
                scene->end = change->end;
        if (change->news == BINDING_CHANGED)
                scene->facts = change->facts;
        if (change->before != NULL)
                snprintf(scene->apn_before, sizeof scene->apn_before, "%s", change->before->apn ? change->before->apn : "");
        scene->last = *change->now;
}

void scene_open(struct binding_scene *scene, struct bindings_settings settings)
{
        memset(scene, 0, sizeof *scene);
        settings.changed = hear;
        settings.context = scene;
        scene->now_ns = INT64_C(1700000000) * 1000000000;
        scene->bindings = bindings_create(&settings);
        assert_non_null(scene->bindings);
}

void scene_close(struct binding_scene *scene)
{
        struct bindings_numbers numbers;
        uint64_t closed = 0;
        bindings_finish(scene->bindings, scene->now_ns);
        bindings_numbers(scene->bindings, &numbers);
        for (unsigned i = 0; i <= BINDING_EVICTED; i++)
                closed += numbers.closed[i];
        assert_int_equal(numbers.sessions, 0);
        assert_int_equal(numbers.opened, closed);
        assert_int_equal(scene->opened, numbers.opened);
        assert_int_equal(scene->closed, closed);
        bindings_destroy(scene->bindings);
}

void scene_pass(struct binding_scene *scene, double seconds)
{
        scene->now_ns += (int64_t)(seconds * 1e9);
        bindings_tick(scene->bindings, scene->now_ns);
}

static ProtobufCBinaryData wire(uint8_t room[4], uint32_t ipv4)
{
        for (unsigned i = 0; i < 4; i++)
                room[i] = (uint8_t)(ipv4 >> (24 - 8 * i));
        return (ProtobufCBinaryData){4, room};
}

static uint32_t node_address(uint8_t node)
{
        return 0x0aff0000u | node;
}

static char *text(const char *given)
{
        return (char *)(uintptr_t)given;
}

static void put_facts(Apnwatch__V1__Signalling *said, const struct told *told, Apnwatch__V1__Cell *cell, uint8_t room[20])
{
        struct address ipv6;
        said->imsi = text(told->imsi);
        said->imei = text(told->imei);
        said->msisdn = text(told->msisdn);
        said->apn = text(told->apn);
        said->rat = text(told->rat);
        said->plmn = text(told->plmn);
        said->session = text(told->session);
        said->node = text(told->node);
        if ((said->has_ipv4 = told->ipv4 != 0))
                said->ipv4 = wire(room, told->ipv4);
        if ((said->has_ipv6_prefix = told->ipv6 != NULL)) {
                assert_true(address_parse(told->ipv6, &ipv6));
                memcpy(room + 4, ipv6.bytes, 16);
                said->ipv6_prefix = (ProtobufCBinaryData){16, room + 4};
                said->has_ipv6_length = told->ipv6_length != 0;
                said->ipv6_length = told->ipv6_length;
        }
        if (told->eci != 0) {
                apnwatch__v1__cell__init(cell);
                cell->kind = text("ecgi");
                cell->has_mcc = cell->has_mnc = cell->has_mnc_digits = cell->has_id = true;
                cell->mcc = 262;
                cell->mnc = 1;
                cell->mnc_digits = 2;
                cell->id = told->eci;
                said->cell = cell;
        }
}

static void put_rest(Apnwatch__V1__Signalling *said, const struct told *told)
{
        said->has_sequence = told->sequence != 0;
        said->sequence = told->sequence;
        said->has_key = told->key != 0;
        said->key = told->key;
        said->has_source_port = said->has_destination_port = true;
        *(told->phase == APNWATCH__V1__SIGNALLING__PHASE__RESPONSE ? &said->destination_port : &said->source_port) = told->port;
        said->has_accepted = told->phase == APNWATCH__V1__SIGNALLING__PHASE__RESPONSE;
        said->accepted = told->cause == 0;
        said->has_cause = told->cause > 1;
        said->cause = (uint32_t)told->cause;
        said->has_bearer = told->bearer != 0;
        said->bearer = told->bearer;
        said->has_linked_bearer = told->linked_bearer != 0;
        said->linked_bearer = told->linked_bearer;
        said->has_recovery = told->recovery != 0;
        said->recovery = told->recovery;
        said->has_teardown = told->teardown;
        said->teardown = told->teardown;
        said->message = told->message;
}

static void put_sets(Apnwatch__V1__Signalling *said, const struct told *told, Apnwatch__V1__Signalling__Set *sets,
                     Apnwatch__V1__Signalling__Set **list, uint8_t (*rooms)[5])
{
        for (; said->n_set < 3 && told->sets[said->n_set].node != 0; said->n_set++) {
                const struct told_set *given = &told->sets[said->n_set];
                Apnwatch__V1__Signalling__Set *set = list[said->n_set] = &sets[said->n_set];
                apnwatch__v1__signalling__set__init(set);
                set->part = given->part;
                rooms[said->n_set][0] = 0;
                wire(rooms[said->n_set] + 1, node_address(given->node));
                set->node = (ProtobufCBinaryData){5, rooms[said->n_set]};
                set->id = given->id;
        }
        said->set = list;
}

static void put_restart(Apnwatch__V1__Signalling *said, const struct told *told, uint8_t (*rooms)[4])
{
        said->has_retains = said->retains = told->retains;
        if ((said->has_restarted = told->restarted != 0))
                said->restarted = wire(rooms[0], node_address(told->restarted));
        if ((said->has_restarted_at = told->restarted_at != 0))
                said->restarted_at = wire(rooms[1], node_address(told->restarted_at));
}

static size_t put_endpoints(const struct told *told, Apnwatch__V1__Signalling__Endpoint *endpoints,
                            Apnwatch__V1__Signalling__Endpoint **list, uint8_t (*rooms)[4])
{
        size_t count = 0;
        for (size_t i = 0; i < 8 && told->endpoints[i].node != 0; i++) {
                const struct told_endpoint *given = &told->endpoints[i];
                Apnwatch__V1__Signalling__Endpoint *endpoint = list[count++] = &endpoints[i];
                apnwatch__v1__signalling__endpoint__init(endpoint);
                endpoint->user = given->user;
                endpoint->key = given->key;
                endpoint->has_ipv4 = true;
                endpoint->ipv4 = wire(rooms[i], node_address(given->node));
                endpoint->has_bearer = given->bearer != 0;
                endpoint->bearer = given->bearer;
                endpoint->has_interface = given->interface != 0;
                endpoint->interface = (uint32_t)(given->interface - endpoint->has_interface);
                endpoint->has_of_network = given->user;
                endpoint->of_network = given->of_network;
        }
        return count;
}

void scene_say(struct binding_scene *scene, const struct told *told)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Flow flow = APNWATCH__V1__FLOW__INIT;
        Apnwatch__V1__Signalling said = APNWATCH__V1__SIGNALLING__INIT;
        Apnwatch__V1__Signalling__Endpoint endpoints[8], *list[8];
        Apnwatch__V1__Signalling__Prefix route = APNWATCH__V1__SIGNALLING__PREFIX__INIT, *routes[1] = {&route};
        Apnwatch__V1__Cell cell;
        Apnwatch__V1__Signalling__Set sets[3], *set_list[3];
        struct prefix prefix;
        uint8_t rooms[10][4], facts[20], set_rooms[3][5], restart_rooms[2][4];
        uint32_t ended = told->ended_bearer;
        said.protocol = (Apnwatch__V1__Signalling__Protocol)told->protocol;
        said.procedure = (Apnwatch__V1__Signalling__Procedure)told->procedure;
        said.phase = (Apnwatch__V1__Signalling__Phase)told->phase;
        said.source = wire(rooms[8], node_address(told->from));
        said.destination = wire(rooms[9], node_address(told->to));
        put_facts(&said, told, &cell, facts);
        put_rest(&said, told);
        said.n_endpoint = put_endpoints(told, endpoints, list, rooms);
        said.endpoint = list;
        put_sets(&said, told, sets, set_list, set_rooms);
        put_restart(&said, told, restart_rooms);
        said.n_ended_bearer = told->ended_bearer != 0;
        said.ended_bearer = &ended;
        if (told->route != NULL) {
                assert_true(prefix_parse(told->route, &prefix));
                bool is_ipv4 = address_is_ipv4(&prefix.address);
                route.address = (ProtobufCBinaryData){is_ipv4 ? 4 : 16, prefix.address.bytes + (is_ipv4 ? 12 : 0)};
                route.length = prefix.length - (is_ipv4 ? 96 : 0);
                said.n_framed_route = 1;
                said.framed_route = routes;
        }
        flow.context = told->context;
        event.flow = &flow;
        event.clock = (uint64_t)scene->now_ns;
        event.has_file_frame = true;
        event.file_frame = ++scene->frames;
        event.body_case = APNWATCH__V1__EVENT__BODY_SIGNALLING;
        event.signalling = &said;
        bindings_take(scene->bindings, &event);
}

const struct binding *scene_who_at(struct binding_scene *scene, uint32_t ipv4, int64_t time_ns)
{
        uint8_t room[4];
        struct address address = address_of_ipv4(wire(room, ipv4).data);
        return bindings_of_address(scene->bindings, 0, NULL, &address, time_ns);
}

const struct binding *scene_who(struct binding_scene *scene, uint32_t ipv4)
{
        return scene_who_at(scene, ipv4, scene->now_ns);
}

enum tunnel_knowledge scene_tunnel(struct binding_scene *scene, uint8_t node, uint32_t teid, const struct binding **out)
{
        uint8_t room[4];
        struct tunnel_question question = {.side = TUNNEL_ANY, .teid = teid, .time_ns = scene->now_ns};
        struct holder holder;
        question.node = address_of_ipv4(wire(room, node_address(node)).data);
        enum tunnel_knowledge known = bindings_of_tunnel(scene->bindings, &question, &holder);
        if (known != TUNNEL_UNKNOWN)
                bindings_show(scene->bindings, &holder, INT64_MAX, &scene->found);
        *out = known != TUNNEL_UNKNOWN ? &scene->found : NULL;
        return known;
}
