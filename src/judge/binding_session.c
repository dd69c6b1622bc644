#include "judge/binding_session.h"

#include <string.h>

#include "base/apart.h"
#include "judge/binding_tunnels.h"

enum { ROUTES_OF_A_SESSION = 8, CHANCES = 64 };

static const uint32_t LINKED = 1U << FACT_IMSI | 1U << FACT_IMEI | 1U << FACT_IPV4 | 1U << FACT_IPV6;
static const uint32_t SHOWN = 1U << FACT_IMSI | 1U << FACT_MSISDN | 1U << FACT_IPV4 | 1U << FACT_IPV6; /* in its life */
static const uint32_t MOVES = 1U << FACT_CELL | 1U << FACT_AREA | 1U << FACT_PLMN | 1U << FACT_RAT;

static void tell(struct bindings *bindings, uint32_t record, struct binding_change *change, bool with_endpoints)
{
        struct binding now;
        struct binding_endpoints endpoints;
        if (bindings->settings.changed == NULL)
                return;
        binding_fill(&now, bindings->store, bindings->names, record);
        change->now = &now;
        if (with_endpoints) {
                binding_endpoints_fill(&endpoints, bindings->store, record);
                change->endpoints = &endpoints;
        }
        bindings->settings.changed(bindings->settings.context, change);
}

void session_end(struct bindings *bindings, uint32_t record, enum binding_end end, const event_t *event, int64_t time_ns)
{
        struct session *session = store_session(bindings->store, record);
        struct binding_change change = {.news = BINDING_CLOSED, .end = end, .event = event, .time_ns = time_ns};
        if (session->ended_ns != 0)
                return;
        if (!bindings->settings.hears_no_ends)
                tell(bindings, record, &change, false);
        store_unlink(bindings->store, record);
        session->end = (uint8_t)end;
        session->ended_ns = time_ns > 0 ? time_ns : 1;
        store_link(bindings->store, record);
        store_end(bindings->store, record);
        bindings->numbers.closed[end]++;
}

void session_free(struct bindings *bindings, uint32_t record)
{
        struct session *session = store_session(bindings->store, record);
        uint32_t apn = session->apn;
        for (unsigned i = 0; i < SESSION_SETS; i++)
                binding_sets_release(bindings->sets, session->sets[i]);
        store_free(bindings->store, record);
        if (apn != NAME_NONE)
                name_pool_release(bindings->names, apn);
}

/* A place in the order may be older than the last use, by `renew_after`: who was used so lately goes behind, and the next is looked at. Not
 * who was used after it was placed but is silent longer: behind all others it would outlive them, and bindings_tick would come late for it.
 * Few are looked at: where all are in use, a create is not to walk through the whole table. */
static APART uint32_t silent_longest(struct bindings *bindings, int64_t time_ns)
{
        struct store *store = bindings->store;
        const int64_t renew_ns = (int64_t)bindings->renew_after << 32; /* as life_moment counts */
        uint32_t found = store_oldest(store);
        for (unsigned i = 0; i < CHANCES; i++) {
                uint32_t record = store_oldest(store);
                struct session_life *life = store_life(store, record);
                uint16_t used = life_moment(life->last_ns);
                if (life->last_ns < store_life(store, found)->last_ns)
                        found = record;
                if (used == life->placed || time_ns - life->last_ns > renew_ns)
                        break;
                life->placed = used;
                store_use(store, record);
        }
        return found;
}

static void make_room(struct bindings *bindings, int64_t time_ns)
{
        while (store_is_full(bindings->store)) {
                uint32_t gone = store_oldest_ended(bindings->store);
                if (gone == STORE_NONE) {
                        gone = silent_longest(bindings, time_ns);
                        session_end(bindings, gone, BINDING_EVICTED, NULL, time_ns);
                        bindings->numbers.evicted++;
                }
                session_free(bindings, gone);
        }
}

uint32_t session_open(struct act *act)
{
        struct bindings *bindings = act->bindings;
        make_room(bindings, act->time_ns);
        uint32_t record = store_add(bindings->store);
        if (record == STORE_NONE)
                return STORE_NONE;
        struct session *session = store_session(bindings->store, record);
        session->context = act->context;
        session->protocol = (uint8_t)act->source;
        struct session_life *life = store_life(bindings->store, record);
        life->first_ns = life->last_ns = session->said_ns = act->time_ns;
        life->placed = life_moment(act->time_ns);
        session->is_created = act_said(act)->procedure == SAID(PROCEDURE__CREATE);
        session->file = act->file;
        session->file_frame = act->file_frame;
        bindings->numbers.opened++;
        if (store_live(bindings->store) > bindings->numbers.peak)
                bindings->numbers.peak = store_live(bindings->store);
        return record;
}

static void add_route(struct store *store, uint32_t record, const struct prefix *prefix)
{
        unsigned count = 0;
        for (uint32_t at = store_session(store, record)->routes; at != STORE_NONE; at = store_route(store, at)->next, count++) {
                const struct prefix *held = &store_route(store, at)->prefix;
                if (held->length <= prefix->length && prefix_contains(held, &prefix->address))
                        return;
        }
        if (count < ROUTES_OF_A_SESSION)
                (void)store_add_route(store, record, prefix);
}

/* One of each part; of the user plane two, of its two gateways: the same node's is replaced, then what is free, then the last. */
static unsigned set_place(const struct bindings *bindings, const struct session *session, uint32_t part, const struct binding_set *set)
{
        if (part != APNWATCH__V1__SIGNALLING__SET__PART__USER)
                return part;
        for (unsigned i = part; i < SESSION_SETS; i++) {
                const struct binding_set *held = session->sets[i] ? binding_sets_at(bindings->sets, session->sets[i]) : NULL;
                if (held == NULL || memcmp(held->node, set->node, sizeof set->node) == 0)
                        return i;
        }
        return SESSION_SETS - 1;
}

static void take_sets(struct bindings *bindings, struct session *session, const struct said *said)
{
        for (unsigned i = 0; i < said->set_count; i++) {
                const struct said_set *told = &said_sets(said)[i];
                uint16_t *place = &session->sets[set_place(bindings, session, told->part, &told->set)];
                uint16_t number = binding_sets_hold(bindings->sets, &told->set);
                binding_sets_release(bindings->sets, *place);
                *place = number;
        }
}

/* What was said of the SIM apart from sessions, when nothing better is known. */
static uint32_t take_remembered(struct bindings *bindings, struct session *session)
{
        enum binding_source source = BINDING_NONE;
        uint64_t imei = imei_is_empty(session->imei) && session->imsi != 0
                                ? binding_subscribers_imei(bindings->subscribers, session->imsi, &source) : 0;
        if (imei == 0)
                return 0;
        session->imei = imei;
        session->sources[FACT_IMEI] = (uint8_t)source;
        return 1U << FACT_IMEI;
}

static uint32_t take_said(struct act *act, uint32_t record)
{
        struct bindings *bindings = act->bindings;
        struct session *session = store_session(bindings->store, record);
        const struct said *halves[2] = {act->request, act->response};
        int64_t stayed_ns = act->time_ns - (session->moved_ns ? session->moved_ns : store_life(bindings->store, record)->first_ns);
        uint32_t changed = 0;
        for (unsigned i = 0; i < 2; i++) {
                const struct said *said = halves[i];
                if (said == NULL)
                        continue;
                changed |= binding_facts_take(session, bindings->names, said, act->source, stayed_ns, &bindings->numbers.conflicts);
                if (said->bearer != 0 && session->bearer == 0 && said->procedure != SAID(PROCEDURE__BEARER))
                        session->bearer = said->bearer;
        }
        return changed | take_remembered(bindings, session);
}

/* With the facts that it had before, once more. */
static APART void look_back(struct bindings *bindings, uint32_t record, const struct session *former, uint32_t changed,
                            struct binding *before)
{
        struct session *session = store_session(bindings->store, record), fresh = *session;
        *session = *former;
        binding_fill(before, bindings->store, bindings->names, record);
        if (changed & LINKED)
                store_unlink(bindings->store, record);
        *session = fresh;
}

/* Nearly all changes are of other facts than those that the session is found by. `before`: filled when anything changed; NULL: it is
 * new. */
static uint32_t take_facts(struct act *act, uint32_t record, struct binding *before)
{
        struct bindings *bindings = act->bindings;
        struct session former;
        if (before != NULL)
                former = *store_session(bindings->store, record);
        uint32_t changed = take_said(act, record);
        if (changed != 0 && before != NULL)
                look_back(bindings, record, &former, changed, before);
        if (changed & LINKED)
                store_link(bindings->store, record);
        if (changed & SHOWN)
                store_note_facts(bindings->store, record);
        if (changed != 0)
                store_stamp(bindings->store, record);
        if (changed & (1U << FACT_IMSI | 1U << FACT_IMEI))
                store_note_sharers(bindings->store, record);
        return changed;
}

/* A value that was not known before is no move. */
static bool is_moved(const struct binding *before, uint32_t facts)
{
        const bool was_known[BINDING_FACTS] = {[FACT_CELL] = before->cell.kind != 0, [FACT_AREA] = before->area.kind != 0,
                                               [FACT_PLMN] = before->plmn.mnc_digits != 0, [FACT_RAT] = before->rat != NULL};
        for (unsigned i = 0; i < BINDING_FACTS; i++)
                if (was_known[i] && facts & MOVES & 1U << i)
                        return true;
        return false;
}

void session_use(struct bindings *bindings, uint32_t record, int64_t time_ns)
{
        struct session_life *life = store_life(bindings->store, record);
        if (life->has_ended || time_ns <= life->last_ns)
                return;
        uint16_t now = life_moment(time_ns);
        life->last_ns = time_ns;
        if ((uint16_t)(now - life->placed) <= bindings->renew_after)
                return;
        life->placed = now;
        store_use(bindings->store, record);
}

void session_update(struct act *act, uint32_t record, enum session_place place)
{
        struct bindings *bindings = act->bindings;
        struct store *store = bindings->store;
        struct session *session = store_session(store, record);
        const struct said *halves[2] = {act->request, act->response};
        bool is_new = place == SESSION_NEW, endpoints = false, moved = false;
        struct binding before;
        struct binding_change change = {.news = is_new ? BINDING_OPENED : BINDING_CHANGED, .event = act->event, .time_ns = act->time_ns};
        if (!is_new && act->is_late && session->said_ns > act->time_ns)
                return;
        uint32_t apn = session->apn;
        if (apn != NAME_NONE)
                name_pool_hold_again(bindings->names, apn); /* `before` borrows it */
        change.facts = take_facts(act, record, is_new ? NULL : &before);
        for (unsigned i = 0; i < 2; i++) {
                if (halves[i] == NULL)
                        continue;
                struct tunnels_news news = tunnels_take(act, record, halves[i], place == SESSION_SHARED);
                for (unsigned k = 0; k < halves[i]->route_count; k++)
                        add_route(store, record, &said_routes(halves[i])[k]);
                take_sets(bindings, session, halves[i]);
                endpoints |= news.changed;
                moved |= news.moved;
        }
        if (session->said_ns < act->time_ns)
                session->said_ns = act->time_ns;
        session_use(bindings, record, act->time_ns);
        change.before = is_new || change.facts == 0 ? NULL : &before;
        bool is_elsewhere = change.before != NULL && is_moved(&before, change.facts);
        change.is_move = !is_new && (moved || is_elsewhere);
        if (is_elsewhere)
                binding_past_note(bindings->past, session, &before, act->time_ns);
        if (is_new || change.facts != 0 || endpoints)
                tell(bindings, record, &change, is_new || endpoints);
        if (apn != NAME_NONE)
                name_pool_release(bindings->names, apn);
}

enum binding_source session_strongest(const struct session *session)
{
        uint8_t strongest = session->protocol;
        for (unsigned i = 0; i < BINDING_FACTS; i++)
                if (session->sources[i] > strongest)
                        strongest = session->sources[i];
        return (enum binding_source)strongest;
}
