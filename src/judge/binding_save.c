/* Bindings over a restart: sessions that live, with their tunnels and networks; those that ended, and requests without an answer, are not
 * kept. Listeners are told nothing. */
#include "judge/bindings.h"

#include <string.h>

#include "judge/binding_act.h"
#include "judge/binding_session.h"
#include "judge/state.h"

/* 48 of each of four kinds are all that a session has. Of those that were released, which handovers leave behind, some are enough. */
enum { SAVED_ENDS = 192, RELEASED_BEFORE = 32, SAVED_ROUTES = 16 };

static const int64_t time_limit_ns = INT64_C(4102444800) * 1000000000; /* the year 2100 */

#define PUT(saved, field, value) ((saved)->field = (value), (saved)->has_##field = (saved)->field != 0)

typedef Apnwatch__V1__SavedSession saved_t;

struct saving {
        struct bindings *bindings;
        struct state_writer *writer;
        saved_t saved;
        Apnwatch__V1__SavedSession__Place cell, area;
        Apnwatch__V1__SavedSession__End ends[SAVED_ENDS], *end_list[SAVED_ENDS];
        Apnwatch__V1__SavedSession__Route routes[SAVED_ROUTES], *route_list[SAVED_ROUTES];
        Apnwatch__V1__SavedSession__Set sets[SESSION_SETS], *set_list[SESSION_SETS];
};

static ProtobufCBinaryData bytes_of(const void *bytes, size_t length)
{
        return (ProtobufCBinaryData){length, (uint8_t *)bytes};
}

static Apnwatch__V1__SavedSession__Place *put_place(Apnwatch__V1__SavedSession__Place *out, const struct binding_place *place)
{
        if (place->kind == 0)
                return NULL;
        apnwatch__v1__saved_session__place__init(out);
        out->kind = place->kind;
        PUT(out, mcc, place->mcc);
        PUT(out, mnc, place->mnc);
        PUT(out, mnc_digits, place->mnc_digits);
        PUT(out, area, place->area);
        PUT(out, id, place->id);
        return out;
}

static void put_ends(struct saving *saving, const struct session *session)
{
        struct store *store = saving->bindings->store;
        size_t count = 0;
        for (uint32_t at = session->endpoints; at != STORE_NONE && count < SAVED_ENDS; at = store_endpoint(store, at)->next) {
                const struct endpoint *endpoint = store_endpoint(store, at);
                if (count >= RELEASED_BEFORE && endpoint->kind == ENDPOINT_USER && endpoint->is_released)
                        continue;
                Apnwatch__V1__SavedSession__End *end = saving->end_list[count] = &saving->ends[count];
                apnwatch__v1__saved_session__end__init(end);
                end->key = endpoint->key;
                end->kind = endpoint->kind;
                end->interface = endpoint->interface;
                PUT(end, context, endpoint->context);
                PUT(end, bearer, endpoint->bearer);
                PUT(end, owner, endpoint->owner); /* or the moment */
                PUT(end, flags, endpoint->of_network | endpoint->side_known << 1 | endpoint->is_released << 2 | endpoint->is_deleted << 3);
                if ((end->has_address = endpoint->node != STORE_NONE))
                        end->address = bytes_of(store_node_address(store, endpoint->node), sizeof(struct address));
                count++;
        }
        saving->saved.end = saving->end_list;
        saving->saved.n_end = count;
}

static void put_routes(struct saving *saving, const struct session *session)
{
        struct store *store = saving->bindings->store;
        size_t count = 0;
        for (uint32_t at = session->routes; at != STORE_NONE && count < SAVED_ROUTES; at = store_route(store, at)->next) {
                const struct prefix *prefix = &store_route(store, at)->prefix;
                Apnwatch__V1__SavedSession__Route *route = saving->route_list[count] = &saving->routes[count];
                apnwatch__v1__saved_session__route__init(route);
                route->address = bytes_of(&prefix->address, sizeof prefix->address);
                route->length = prefix->length;
                count++;
        }
        saving->saved.route = saving->route_list;
        saving->saved.n_route = count;
}

static void put_sets(struct saving *saving, const struct session *session)
{
        size_t count = 0;
        for (uint32_t i = 0; i < SESSION_SETS; i++) {
                if (session->sets[i] == SET_NONE)
                        continue;
                const struct binding_set *held = binding_sets_at(saving->bindings->sets, session->sets[i]);
                Apnwatch__V1__SavedSession__Set *set = saving->set_list[count] = &saving->sets[count];
                apnwatch__v1__saved_session__set__init(set);
                set->place = i;
                set->node = bytes_of(held->node, held->node_length);
                set->id = held->id;
                count++;
        }
        saving->saved.set = saving->set_list;
        saving->saved.n_set = count;
}

static void put_who(struct saving *saving, const struct session *session)
{
        saved_t *saved = &saving->saved;
        PUT(saved, imsi, session->imsi);
        PUT(saved, imei, session->imei);
        PUT(saved, msisdn, session->msisdn);
        if ((saved->has_ipv4 = !address_is_unspecified(&session->ipv4)))
                saved->ipv4 = bytes_of(&session->ipv4, sizeof session->ipv4);
        if ((saved->has_ipv6 = session->ipv6.length > 0))
                saved->ipv6 = bytes_of(&session->ipv6.address, sizeof session->ipv6.address);
        PUT(saved, ipv6_length, session->ipv6.length);
        if (session->apn != NAME_NONE)
                saved->apn = (char *)name_pool_text(saving->bindings->names, session->apn);
        saved->sources = bytes_of(session->sources, sizeof session->sources);
}

static bool write_session(void *context, uint32_t record)
{
        struct saving *saving = context;
        const struct session *session = store_session(saving->bindings->store, record);
        const struct session_life *life = store_life(saving->bindings->store, record);
        Apnwatch__V1__StateRecord body = APNWATCH__V1__STATE_RECORD__INIT;
        saved_t *saved = &saving->saved;
        apnwatch__v1__saved_session__init(saved);
        put_who(saving, session);
        PUT(saved, rat, session->rat);
        PUT(saved, context, session->context);
        PUT(saved, bearer, session->bearer);
        PUT(saved, mcc, session->plmn.mcc);
        PUT(saved, mnc, session->plmn.mnc);
        PUT(saved, mnc_digits, session->plmn.mnc_digits);
        PUT(saved, is_created, session->is_created);
        saved->protocol = session->protocol;
        saved->cell = put_place(&saving->cell, &session->cell);
        saved->area = put_place(&saving->area, &session->area);
        saved->first = (uint64_t)life->first_ns;
        saved->said = (uint64_t)session->said_ns;
        saved->last = (uint64_t)life->last_ns;
        put_ends(saving, session);
        put_routes(saving, session);
        put_sets(saving, session);
        body.body_case = APNWATCH__V1__STATE_RECORD__BODY_SESSION;
        body.session = saved;
        return state_write(saving->writer, &body) == 0;
}

int bindings_save(const struct bindings *bindings, struct state_writer *writer)
{
        struct saving saving = {.bindings = (struct bindings *)bindings, .writer = writer};
        store_each_live(bindings->store, write_session, &saving);
        return writer->error;
}

static bool take_address(const ProtobufCBinaryData *bytes, struct address *out)
{
        if (bytes->len != sizeof out->bytes)
                return false;
        memcpy(out->bytes, bytes->data, sizeof out->bytes);
        return true;
}

static void take_place(struct binding_place *place, const Apnwatch__V1__SavedSession__Place *saved)
{
        if (saved == NULL || saved->kind > UINT8_MAX)
                return;
        *place = (struct binding_place){.mcc = (uint16_t)saved->mcc, .mnc = (uint16_t)saved->mnc, .mnc_digits = (uint8_t)saved->mnc_digits,
                                       .kind = (uint8_t)saved->kind, .area = saved->area, .id = saved->id};
}

static void take_end(struct bindings *bindings, uint32_t record, const Apnwatch__V1__SavedSession__End *saved)
{
        struct endpoint endpoint = {.key = saved->key, .node = STORE_NONE, .context = (uint16_t)saved->context,
                                    .kind = (uint8_t)saved->kind, .bearer = (uint8_t)saved->bearer, .interface = (uint8_t)saved->interface,
                                    .of_network = saved->flags & 1, .side_known = saved->flags >> 1 & 1,
                                    .is_released = saved->flags >> 2 & 1, .is_deleted = saved->flags >> 3 & 1,
                                    .owner = saved->owner, .held = ENDPOINT_LONG};
        struct address address;
        if (saved->kind > ENDPOINT_NAME || saved->has_address != (saved->kind != ENDPOINT_NAME))
                return;
        if (saved->has_address && (!take_address(&saved->address, &address) ||
                                   (endpoint.node = store_node(bindings->store, &address, true)) == STORE_NONE))
                return;
        (void)store_add_endpoint(bindings->store, record, &endpoint);
}

static void take_who(struct bindings *bindings, struct session *session, const saved_t *saved)
{
        session->imsi = saved->imsi;
        session->imei = saved->imei;
        session->msisdn = saved->msisdn;
        if (saved->has_ipv4)
                (void)take_address(&saved->ipv4, &session->ipv4);
        struct address prefix;
        if (saved->has_ipv6 && saved->ipv6_length > 0 && saved->ipv6_length <= 128 && take_address(&saved->ipv6, &prefix))
                session->ipv6 = binding_prefix_around(&prefix, saved->ipv6_length);
        if (saved->apn != NULL)
                session->apn = name_pool_hold(bindings->names, saved->apn);
        for (size_t i = 0; i < saved->sources.len && i < sizeof session->sources; i++)
                session->sources[i] = saved->sources.data[i] < BINDING_SOURCES ? saved->sources.data[i] : BINDING_NONE;
}

static void take_set(struct bindings *bindings, struct session *session, const Apnwatch__V1__SavedSession__Set *saved)
{
        Apnwatch__V1__Signalling__Set told = APNWATCH__V1__SIGNALLING__SET__INIT;
        struct binding_set set;
        told.node = saved->node;
        told.id = saved->id;
        if (saved->place < SESSION_SETS && session->sets[saved->place] == SET_NONE && binding_set_of(&told, &set))
                session->sets[saved->place] = binding_sets_hold(bindings->sets, &set);
}

static bool is_sound(const saved_t *saved)
{
        uint64_t limit = (uint64_t)time_limit_ns;
        return saved->first < limit && saved->said < limit && saved->last < limit && saved->protocol > BINDING_NONE &&
               saved->protocol < BINDING_SOURCES && saved->rat <= UINT8_MAX && binding_rat_text((uint8_t)saved->rat) != NULL;
}

bool bindings_load(struct bindings *bindings, const saved_t *saved)
{
        struct store *store = bindings->store;
        if (!is_sound(saved) || store_is_full(store))
                return false;
        uint32_t record = store_add(store);
        if (record == STORE_NONE)
                return false;
        struct session *session = store_session(store, record);
        struct session_life *life = store_life(store, record);
        take_who(bindings, session, saved);
        session->rat = (uint8_t)saved->rat;
        session->protocol = (uint8_t)saved->protocol;
        session->context = (uint16_t)saved->context;
        session->bearer = (uint8_t)saved->bearer;
        session->plmn.mcc = (uint16_t)saved->mcc;
        session->plmn.mnc = (uint16_t)saved->mnc;
        session->plmn.mnc_digits = (uint8_t)saved->mnc_digits;
        session->is_created = saved->is_created;
        take_place(&session->cell, saved->cell);
        take_place(&session->area, saved->area);
        life->first_ns = (int64_t)saved->first;
        session->said_ns = (int64_t)saved->said;
        life->last_ns = (int64_t)saved->last;
        life->placed = life_moment(life->last_ns);
        store_link(store, record);
        store_note_facts(store, record);
        store_note_sharers(store, record);
        for (size_t i = saved->n_end; i-- > 0;) /* the newest is first */
                take_end(bindings, record, saved->end[i]);
        for (size_t i = 0; i < saved->n_set; i++)
                take_set(bindings, session, saved->set[i]);
        for (size_t i = saved->n_route; i-- > 0;) {
                struct address address;
                if (saved->route[i]->length > 128 || !take_address(&saved->route[i]->address, &address))
                        continue;
                struct prefix prefix = binding_prefix_around(&address, saved->route[i]->length);
                (void)store_add_route(store, record, &prefix);
        }
        if (session->said_ns > bindings->seen_ns)
                bindings->seen_ns = session->said_ns;
        if (life->last_ns > bindings->clock_ns)
                bindings->clock_ns = life->last_ns;
        if (store_live(store) > bindings->numbers.peak)
                bindings->numbers.peak = store_live(store);
        return true;
}

void bindings_forget(struct bindings *bindings)
{
        for (uint32_t record; (record = store_oldest(bindings->store)) != STORE_NONE;)
                session_free(bindings, record);
}
