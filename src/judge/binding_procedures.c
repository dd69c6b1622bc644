#include "judge/binding_procedures.h"

#include <string.h>

#include "judge/binding_match.h"
#include "judge/binding_session.h"
#include "judge/binding_tunnels.h"

enum { INTERFACE_S5_SGW = 6, INTERFACE_S11_SGW = 11, SETS_MOST = 16, RESTART_KNOWN_S = 3600 };

/* Who gives a session up and is told that there is none has got what was asked for. Who would change one may set it up again, at the
 * address that it has (after a failure of its serving gateway: TS 23.007, 27): it lives until more is said. */
static bool is_accepted(const struct act *act)
{
        if (act->response == NULL || !act->response->is_refused)
                return true;
        bool gives_up = act->request != NULL && (act->request->procedure == SAID(PROCEDURE__DELETE) ||
                                                 act->request->procedure == SAID(PROCEDURE__BEARER_DELETE));
        return gives_up && act->response->is_not_found;
}

static void update_all(struct act *act, const struct addressed *found)
{
        for (unsigned i = 0; i < found->count; i++)
                session_update(act, found->records[i], found->count > 1 ? SESSION_SHARED : SESSION_HELD);
}

static bool says(const struct said *said, bool *who, bool *where)
{
        *who |= said != NULL && (said->imei != 0 || said->msisdn != 0);
        *where |= said != NULL && (said->end_count > 0 || said->name != 0);
        return *who && *where;
}

/* A SIM or an address; or a module or number, and a tunnel or name by which more will be told. */
static bool tells_somebody(const struct act *act, const struct wanted *wanted)
{
        bool who = false, where = false;
        return wanted->imsi != 0 || wanted->has_ipv4 || wanted->has_ipv6 || says(act->request, &who, &where) ||
               says(act->response, &who, &where);
}

static void create(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        if (act->source == BINDING_GTPV1C && act->request != NULL && act->request->has_linked_bearer) {
                struct addressed found = match_addressed(act, &wanted);
                match_keep_bearer(act, &found, act->request->linked_bearer, false);
                if (found.count > 0)
                        session_update(act, found.records[0], SESSION_HELD);
                return;
        }
        uint32_t record = match_create(act, &wanted);
        bool is_new = record == STORE_NONE;
        if (is_new && !tells_somebody(act, &wanted))
                return; /* nobody and nowhere */
        if (is_new)
                record = session_open(act);
        if (record != STORE_NONE)
                session_update(act, record, is_new ? SESSION_NEW : SESSION_HELD);
}

/* Late start: a session that is changed, and was never created before our eyes, begins here when what is said tells who
 * and where. */
static void modify(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        if (wanted.bearer != 0)
                match_keep_bearer(act, &found, wanted.bearer, false);
        if (found.count == 0 && wanted.imsi != 0 && !wanted.has_ipv4 && !wanted.has_ipv6) {
                found = match_sim(act, &wanted);
                if (wanted.bearer != 0)
                        match_keep_bearer(act, &found, wanted.bearer, false);
                if (found.count > 1)
                        return; /* which one is not said */
        }
        update_all(act, &found);
        if (found.count == 0 && match_is_contradicted(act, &wanted))
                act->bindings->numbers.conflicts++;
        else if (found.count == 0 && tells_somebody(act, &wanted))
                create(act);
}

/* Which module a SIM is in holds for its sessions to come, too. */
static void remember_module(struct act *act, const struct wanted *wanted)
{
        const struct said *halves[2] = {act->request, act->response};
        for (unsigned i = 0; i < 2; i++) {
                uint64_t imei = halves[i] ? halves[i]->imei : 0;
                if (!imei_is_empty(imei) && wanted->imsi != 0)
                        binding_subscribers_note(act->bindings->subscribers, wanted->imsi, imei, act->source, act->time_ns);
        }
}

/* Change Notification and MS Info Change: a gateway that agrees has a session of that SIM. */
static bool tells_of_session(const struct act *act)
{
        return act_said(act)->procedure == SAID(PROCEDURE__NOTIFY) && act->request != NULL && act->response != NULL &&
               (act->source == BINDING_GTPV1C || act->source == BINDING_GTPV2C);
}

/* Who and where without a session of its own: every live session of that SIM. */
static void notify(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        remember_module(act, &wanted);
        if (found.count == 0)
                found = match_sim(act, &wanted);
        bool relocates = act_said(act)->procedure == SAID(PROCEDURE__RELOCATE);
        if (relocates)
                match_keep_pdn(act, &found, &wanted);
        update_all(act, &found);
        bool is_there = relocates ? wanted.has_ipv4 || wanted.has_ipv6 : tells_of_session(act);
        if (found.count == 0 && is_there && wanted.imsi != 0)
                create(act);
}

/* What a weaker protocol says has ended (charging, say) may go on: it ends those of which no stronger one spoke. A name
 * that was followed by another of its kind was left before. Accounting has a name for each bearer: that of another bearer than the
 * default one ends alone, unless it is said to be the last. */
static void end_named(struct act *act, uint32_t record)
{
        struct store *store = act->bindings->store;
        const struct said *said = act_said(act);
        const struct session *session = store_session(store, record);
        uint32_t name = match_name(act, said);
        uint8_t bearer = name == STORE_NONE ? 0 : store_endpoint(store, name)->bearer;
        bool is_followed = false, is_beside = false, is_behind = false;
        for (uint32_t at = session->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                is_behind |= at == name;
                if (at == name || held->kind != ENDPOINT_NAME || held->interface != act->source)
                        continue;
                bool is_of_other = bearer != 0 && held->bearer != 0 && held->bearer != bearer;
                is_followed |= !is_behind && !is_of_other;
                is_beside |= is_of_other && bearer != session->bearer && !said->teardown;
        }
        if (!is_followed && !is_beside && session_strongest(session) <= act->source)
                session_end(act->bindings, record, BINDING_DELETED, act->event, act->time_ns);
        else if (name != STORE_NONE)
                store_remove_endpoint(store, name);
}

static bool has_control(struct store *store, uint32_t record, uint8_t interface)
{
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next)
                if (store_endpoint(store, at)->kind == ENDPOINT_CONTROL && store_endpoint(store, at)->interface == interface)
                        return true;
        return false;
}

/* The MME lets the serving gateway alone forget the session, which goes on at the PGW: at another serving gateway or MME, or at an SGSN
 * (TS 23.401, 5.3.3.1, D.3.5). Without an Indication S5/S8 tells, where it is seen. */
static bool is_of_gateway_alone(struct act *act, uint32_t record)
{
        const struct said *said = act->request;
        return said->has_retains ? said->retains : has_control(act->bindings->store, record, INTERFACE_S5_SGW);
}

/* The session is deleted where it was before it moved to another serving gateway: 23.401, 5.3.3.1. */
static bool leave_gateway(struct act *act, uint32_t record)
{
        struct store *store = act->bindings->store;
        uint32_t at = match_receiver(act, act->request, record), newer;
        if (at == STORE_NONE || store_endpoint(store, at)->interface != INTERFACE_S11_SGW)
                return false;
        uint32_t node = store_endpoint(store, at)->node;
        for (newer = store_session(store, record)->endpoints; newer != at; newer = store_endpoint(store, newer)->next) {
                const struct endpoint *held = store_endpoint(store, newer);
                if (held->kind == ENDPOINT_CONTROL && held->interface == INTERFACE_S11_SGW && held->node != node)
                        break;
        }
        if (newer != at)
                tunnels_release_node(act, record, node);
        else if (is_of_gateway_alone(act, record))
                tunnels_release_access(act, record);
        else
                return false;
        store_remove_endpoint(store, at);
        return true;
}

/* The same SEID, of the same node or of its other address family. */
static bool is_same_end(const struct store *store, const struct endpoint *one, const struct endpoint *other)
{
        return one->key == other->key && (one->node == other->node || address_is_ipv4(store_node_address(store, one->node)) !=
                                                                              address_is_ipv4(store_node_address(store, other->node)));
}

static uint32_t next_seid(struct store *store, uint32_t at)
{
        while (at != STORE_NONE && store_endpoint(store, at)->kind != ENDPOINT_SEID)
                at = store_endpoint(store, at)->next;
        return at;
}

/* The control plane's SEID that belongs to this one of a user plane function: under which it answers (0: not seen), else the one behind,
 * since the two were told together. */
static struct endpoint control_seid(const struct act *act, uint32_t record, const struct endpoint *own, uint64_t told)
{
        struct store *store = act->bindings->store;
        uint32_t at = next_seid(store, told ? store_session(store, record)->endpoints : own->next);
        while (at != STORE_NONE && (is_same_end(store, own, store_endpoint(store, at)) ||
                                    (told != 0 && store_endpoint(store, at)->key != told)))
                at = next_seid(store, store_endpoint(store, at)->next);
        if (at == STORE_NONE && told != 0)
                return control_seid(act, record, own, 0);
        return at == STORE_NONE ? *own : *store_endpoint(store, at);
}

/* One of several user plane functions on a device's way is left (TS 23.501, 5.6.4; of EPC, TS 23.214): each has two SEIDs of its own. */
static bool leave_user_plane(struct act *act, uint32_t record)
{
        struct store *store = act->bindings->store;
        uint32_t at = match_receiver(act, act->request, record), first = next_seid(store, store_session(store, record)->endpoints);
        if (at == STORE_NONE || store_endpoint(store, at)->kind != ENDPOINT_SEID)
                return false;
        const struct endpoint own = *store_endpoint(store, at);
        const struct endpoint control = control_seid(act, record, &own, act->response ? act->response->key : 0);
        bool has_other = false, has_other_here = false;
        for (at = first; at != STORE_NONE; at = next_seid(store, store_endpoint(store, at)->next)) {
                const struct endpoint *held = store_endpoint(store, at);
                bool is_other = !is_same_end(store, &own, held) && !is_same_end(store, &control, held);
                has_other |= is_other;
                has_other_here |= is_other && held->node == own.node;
        }
        if (!has_other)
                return false;
        if (!has_other_here)
                tunnels_release_node(act, record, own.node);
        for (uint32_t next = first; (at = next) != STORE_NONE;) {
                const struct endpoint *held = store_endpoint(store, at);
                next = next_seid(store, held->next);
                if (is_same_end(store, &own, held) || is_same_end(store, &control, held))
                        store_remove_endpoint(store, at);
        }
        return true;
}

static bool is_overtaken(const struct act *act, uint32_t record)
{
        return act->is_late && store_session(act->bindings->store, record)->said_ns > act->time_ns;
}

/* PDP contexts of one address live on without the first of them: TS 29.060, 7.3.5. */
static bool has_other_bearer(struct store *store, uint32_t record, uint32_t bearer)
{
        const struct session *session = store_session(store, record);
        bool is_default_gone = session->bearer == bearer;
        for (uint32_t at = session->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind != ENDPOINT_USER)
                        continue;
                if (!held->is_released && held->bearer != 0 && held->bearer != bearer)
                        return true;
                is_default_gone |= held->is_released && held->bearer == session->bearer;
        }
        return !is_default_gone;
}

static void delete_one(struct act *act, uint32_t record, uint32_t bearer)
{
        const struct said *said = act_said(act);
        bool whole = said->protocol != SAID(PROTOCOL__GTPV1C) || said->teardown;
        if (is_overtaken(act, record))
                return;
        if (said->cell.kind != 0 || said->area.kind != 0)
                session_update(act, record, SESSION_HELD); /* where it was at last */
        if (is_named(said))
                end_named(act, record);
        else if (!whole && bearer != 0 && has_other_bearer(act->bindings->store, record, bearer))
                tunnels_release_bearer(act, record, bearer);
        else if (!leave_gateway(act, record) && !leave_user_plane(act, record))
                session_end(act->bindings, record, BINDING_DELETED, act->event, act->time_ns);
}

/* Late start: of a session that was never heard of its end tells who had the address until now. */
static void tell_ended(struct act *act, const struct wanted *wanted)
{
        bool is_whole = wanted->imsi != 0 && (wanted->has_ipv4 || wanted->has_ipv6);
        uint32_t record = is_whole && match_sim(act, wanted).count == 0 && !match_is_taken(act, wanted) ? session_open(act) : STORE_NONE;
        if (record == STORE_NONE)
                return;
        session_update(act, record, SESSION_NEW);
        session_end(act->bindings, record, BINDING_DELETED, act->event, act->time_ns);
}

/* Which of a device's PDN connections is meant is said by its bearer, for they share their tunnel of S11: not the one that is left, when
 * another interface told sooner that it has ended. */
static void keep_connection(struct act *act, struct addressed *found, uint32_t bearer)
{
        struct store *store = act->bindings->store;
        if (found->count > 1) {
                match_keep_bearer(act, found, bearer, true);
        } else if (found->count == 1 && act->source == BINDING_GTPV2C) {
                uint32_t only = found->records[0];
                if (store_session(store, only)->bearer != 0 && !tunnels_have_bearer(store, only, bearer))
                        found->count = 0;
        }
}

/* Where the default bearer is not ours, none ends. */
static void delete_session(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        uint32_t bearer = match_default_bearer(act);
        if (found.count == 0 && is_named(act_said(act)))
                tell_ended(act, &wanted);
        if (found.count > 1 && bearer == 0 && act->request == NULL)
                return;
        if (bearer != 0)
                keep_connection(act, &found, bearer);
        for (unsigned i = 0; i < found.count; i++)
                delete_one(act, found.records[i], bearer);
}

static void change_bearers(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        uint32_t bearer = match_default_bearer(act);
        if (found.count > 1 && bearer != 0)
                match_keep_bearer(act, &found, bearer, false);
        update_all(act, &found);
}

static void delete_bearers(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        const struct said *said = act_said(act);
        if (said->has_linked_bearer)
                keep_connection(act, &found, said->linked_bearer);
        for (unsigned i = 0; i < found.count; i++) {
                bool whole = said->has_linked_bearer;
                if (is_overtaken(act, found.records[i]))
                        continue;
                for (unsigned k = 0; k < said->ended_count; k++) {
                        whole |= store_session(act->bindings->store, found.records[i])->bearer == said->ended[k];
                        tunnels_release_bearer(act, found.records[i], said->ended[k]);
                }
                if (whole)
                        session_end(act->bindings, found.records[i], BINDING_DELETED, act->event, act->time_ns);
        }
}

/* The radio side's tunnels are void: downlink packets to them are stale, not unknown. */
static void release_access(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        for (unsigned i = 0; i < found.count; i++)
                if (!is_overtaken(act, found.records[i]))
                        tunnels_release_radio(act, found.records[i]);
}

/* All that a peer had. */
struct peer_end {
        struct act *act;
        uint32_t node, node_id;  /* the message's address, and the one by which the node names itself; STORE_NONE: no such node */
        uint32_t other, other_id; /* of the peer's peer: what is known to be with another node is not meant; both STORE_NONE: any */
        uint32_t owner;          /* of names */
        enum binding_end end;
};

static bool is_one_of(uint32_t node, uint32_t one, uint32_t other)
{
        return node != STORE_NONE && (node == one || node == other);
}

/* A node counts the restarts of each version of GTP-C by itself. */
static bool is_of_version(const struct session *session, enum binding_source source)
{
        bool is_of = session->protocol == source || (source != BINDING_GTPV1C && source != BINDING_GTPV2C);
        for (unsigned i = 0; i < BINDING_FACTS && !is_of; i++)
                is_of = session->sources[i] == source;
        return is_of;
}

static bool end_if_of_peer(void *context, uint32_t record)
{
        const struct peer_end *peer = context;
        struct act *act = peer->act;
        struct store *store = act->bindings->store;
        enum endpoint_kind kind = peer->owner ? ENDPOINT_NAME : act->source == BINDING_PFCP ? ENDPOINT_SEID : ENDPOINT_CONTROL;
        bool is_of_peer = false, is_of_other = false, is_of_third = false;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind != kind || held->context != act->context)
                        continue;
                bool is_own = peer->owner ? held->owner == peer->owner : is_one_of(held->node, peer->node, peer->node_id);
                bool is_others = is_one_of(held->node, peer->other, peer->other_id);
                is_of_peer |= is_own;
                is_of_other |= is_others;
                is_of_third |= !is_own && !is_others;
        }
        bool is_meant = is_of_peer && (is_of_other || !is_of_third || (peer->other == STORE_NONE && peer->other_id == STORE_NONE));
        if (is_meant && !is_overtaken(act, record) && is_of_version(store_session(store, record), act->source) &&
            (!peer->owner || session_strongest(store_session(store, record)) <= act->source))
                session_end(act->bindings, record, peer->end, act->event, act->time_ns);
        return true;
}

static uint32_t node_of(const struct act *act, const struct address *address)
{
        return store_node(act->bindings->store, address, false);
}

static uint32_t named_node(const struct act *act, const struct said *said)
{
        bool is_address = said != NULL && !address_is_unspecified(&said->node);
        return is_address ? store_node(act->bindings->store, &said->node, false) : STORE_NONE;
}

static void end_sessions_of_peer(struct act *act, const struct said *said, enum binding_end end)
{
        struct peer_end peer = {.act = act, .node = node_of(act, &said->source), .end = end};
        if (is_named(said))
                peer.owner = said->owner;
        if (peer.owner != 0 || (peer.node != STORE_NONE && !is_named(said)))
                store_each_live(act->bindings->store, end_if_of_peer, &peer);
}

/* What a control and a user plane function had with each other: TS 23.527, 4.2; TS 29.244, 6.2.6 to 6.2.8. */
static void end_association(struct act *act, enum binding_end end)
{
        const struct said *said = act->request;
        struct peer_end peer = {.act = act, .end = end};
        if (said == NULL || said->retains)
                return;
        peer.node = node_of(act, &said->source);
        peer.node_id = named_node(act, said);
        peer.other = node_of(act, &said->destination);
        peer.other_id = named_node(act, act->response);
        if ((peer.node != STORE_NONE || peer.node_id != STORE_NONE) && (peer.other != STORE_NONE || peer.other_id != STORE_NONE))
                store_each_live(act->bindings->store, end_if_of_peer, &peer);
}

/* Sets of sessions that a node let go of. */
struct set_end {
        struct act *act;
        uint16_t numbers[SETS_MOST];
        unsigned count;
};

static bool end_if_in_set(void *context, uint32_t record)
{
        const struct set_end *ended = context;
        struct act *act = ended->act;
        const uint16_t *sets = store_session(act->bindings->store, record)->sets;
        bool is_in = false;
        for (unsigned i = 0; i < SESSION_SETS; i++)
                for (unsigned k = 0; k < ended->count; k++)
                        is_in |= sets[i] == ended->numbers[k];
        if (is_in && !is_overtaken(act, record))
                session_end(act->bindings, record, BINDING_DELETED, act->event, act->time_ns);
        return true;
}

/* TS 23.007, 12: Delete PDN Connection Set, PFCP Session Set Deletion. */
static void end_sets(struct act *act, const struct said *said)
{
        struct set_end ended = {.act = act};
        for (unsigned i = 0; i < said->set_count && ended.count < SETS_MOST; i++) {
                uint16_t number = binding_sets_find(act->bindings->sets, &said_sets(said)[i].set);
                if (number != SET_NONE)
                        ended.numbers[ended.count++] = number;
        }
        if (ended.count > 0)
                store_each_live(act->bindings->store, end_if_in_set, &ended);
}

struct gateway_end {
        struct act *act;
        uint32_t gateway, serving, serving_id;
        bool is_known; /* the restart was seen before: what it had then has ended */
};

/* Several serving gateways find out at different times, and sessions may begin anew in between: each speaks for its own. Where
 * the MME's side of a session was not seen it is not known whose it is; then the first word is for all. */
static bool end_if_of_gateway(void *context, uint32_t record)
{
        const struct gateway_end *ended = context;
        struct act *act = ended->act;
        struct store *store = act->bindings->store;
        bool has_gateway = false, is_serving = false, has_serving = false;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind != ENDPOINT_CONTROL || held->context != act->context)
                        continue;
                has_gateway |= held->node == ended->gateway;
                is_serving |= is_one_of(held->node, ended->serving, ended->serving_id);
                has_serving |= held->interface == INTERFACE_S11_SGW; /* S4 too */
        }
        if (has_gateway && (is_serving || (!has_serving && !ended->is_known)) && !is_overtaken(act, record))
                session_end(act->bindings, record, BINDING_RESTARTED, act->event, act->time_ns);
        return true;
}

/* TS 29.274, 7.9.5; TS 23.007, 16.1A.2. */
static void end_of_gateway(struct act *act, const struct said *said)
{
        struct gateway_end ended = {.act = act, .serving = node_of(act, &said->source)};
        const struct address gateway = said->restarted;
        if (address_is_unspecified(&gateway))
                return;
        if (!address_is_unspecified(&said->restarted_at))
                ended.serving_id = node_of(act, &said->restarted_at);
        ended.gateway = store_node(act->bindings->store, &gateway, false);
        ended.is_known = binding_peers_restarted_since(act->bindings->peers, &gateway, act->time_ns - RESTART_KNOWN_S * SECOND);
        if (ended.gateway != STORE_NONE)
                store_each_live(act->bindings->store, end_if_of_gateway, &ended);
        binding_peers_note_restart(act->bindings->peers, &gateway, act->time_ns);
}

static void delete_set(struct act *act)
{
        enum { PGW_RESTART_NOTIFICATION = 179, ASSOCIATION_RELEASE = 9 };
        const struct said *said = act->request;
        if (said == NULL)
                return;
        if (said->protocol == SAID(PROTOCOL__GTPV2C) && said->message == PGW_RESTART_NOTIFICATION)
                end_of_gateway(act, said);
        else if (said->protocol == SAID(PROTOCOL__PFCP) && said->message == ASSOCIATION_RELEASE)
                end_association(act, BINDING_DELETED);
        else if (is_named(said))
                end_sessions_of_peer(act, said, BINDING_RESTARTED);
        else
                end_sets(act, said);
}

bool procedure_is_association(const struct said *said)
{
        enum { ASSOCIATION_SETUP = 5 };
        return said->protocol == SAID(PROTOCOL__PFCP) && (said->message == ASSOCIATION_SETUP || said->message == ASSOCIATION_SETUP + 1);
}

void procedure_apply(struct act *act)
{
        const struct said *said = act_said(act);
        if (!is_accepted(act))
                return;
        switch (said->procedure) {
        case SAID(PROCEDURE__CREATE): create(act); break;
        case SAID(PROCEDURE__MODIFY): modify(act); break;
        case SAID(PROCEDURE__DELETE): delete_session(act); break;
        case SAID(PROCEDURE__NOTIFY):
        case SAID(PROCEDURE__RELOCATE):
        case SAID(PROCEDURE__SUBSCRIBER): notify(act); break;
        case SAID(PROCEDURE__BEARER): change_bearers(act); break;
        case SAID(PROCEDURE__BEARER_DELETE): delete_bearers(act); break;
        case SAID(PROCEDURE__RELEASE): release_access(act); break;
        case SAID(PROCEDURE__NODE_DELETE): delete_set(act); break;
        case SAID(PROCEDURE__PATH):
                if (procedure_is_association(said))
                        end_association(act, BINDING_RESTARTED);
                break;
        default: break;
        }
}

/* The counter of a Diameter node travels with messages of its sessions, through agents: it is the node's, not the
 * sender's address's. */
void procedure_note_recovery(struct act *act, const struct said *said)
{
        struct address peer = said->source;
        if (!said->has_recovery)
                return;
        if (is_named(said)) {
                if (said->owner == 0 || said->phase == SAID(PHASE__RESPONSE))
                        return;
                memset(&peer, 0, sizeof peer);
                memcpy(peer.bytes, &said->owner, sizeof said->owner);
        }
        if (binding_peers_restarted(act->bindings->peers, &peer, act->context, act->source, said->recovery, act->time_ns) && !said->retains)
                end_sessions_of_peer(act, said, BINDING_RESTARTED);
}
