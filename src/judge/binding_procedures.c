#include "judge/binding_procedures.h"

#include <string.h>

#include "judge/binding_match.h"
#include "judge/binding_session.h"
#include "judge/binding_tunnels.h"

enum { INTERFACE_S11_SGW = 11 };

static bool is_accepted(const struct act *act)
{
        return act->response == NULL || !act->response->has_accepted || act->response->accepted;
}

static void update_all(struct act *act, const struct addressed *found)
{
        for (unsigned i = 0; i < found->count; i++)
                session_update(act, found->records[i], found->count > 1 ? SESSION_SHARED : SESSION_HELD);
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
        if (is_new && wanted.imsi == 0 && !wanted.has_ipv4 && !wanted.has_ipv6)
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
        if (found.count == 0 && (wanted.has_ipv4 || wanted.has_ipv6 || wanted.imsi != 0))
                create(act);
}

/* Which module a SIM is in holds for its sessions to come, too. */
static void remember_module(struct act *act, const struct wanted *wanted)
{
        const signalling_t *halves[2] = {act->request, act->response};
        for (unsigned i = 0; i < 2; i++) {
                uint64_t imei = halves[i] ? digits_pack(halves[i]->imei) : 0;
                if (imei != 0 && wanted->imsi != 0)
                        binding_subscribers_note(act->bindings->subscribers, wanted->imsi, imei, act->source, act->time_ns);
        }
}

/* Who and where without a session of its own: every live session of that SIM. */
static void notify(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        remember_module(act, &wanted);
        if (found.count == 0)
                found = match_sim(act, &wanted);
        update_all(act, &found);
        if (found.count == 0 && act_said(act)->procedure == SAID(PROCEDURE__RELOCATE) && wanted.imsi != 0 &&
            (wanted.has_ipv4 || wanted.has_ipv6))
                create(act);
}

/* What a weaker protocol says has ended (charging, say) may go on: it ends those of which no stronger one spoke. A name
 * that was followed by another of its kind was left before. */
static void end_named(struct act *act, uint32_t record)
{
        struct store *store = act->bindings->store;
        uint32_t name = match_name(act, act_said(act));
        bool is_followed = false;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE && at != name; at = store_endpoint(store, at)->next)
                is_followed |= store_endpoint(store, at)->kind == ENDPOINT_NAME && store_endpoint(store, at)->interface == act->source;
        if (!is_followed && session_strongest(store_session(store, record)) <= act->source)
                session_end(act->bindings, record, BINDING_DELETED, act->event, act->time_ns);
        else if (name != STORE_NONE)
                store_remove_endpoint(store, name);
}

/* The session is deleted where it was before it moved to another serving gateway: 23.401, 5.3.3.1. */
static bool leave_former_gateway(struct act *act, uint32_t record)
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
        if (newer == at)
                return false;
        tunnels_release_node(act, record, node);
        store_remove_endpoint(store, at);
        return true;
}

static bool is_overtaken(const struct act *act, uint32_t record)
{
        return act->is_late && store_session(act->bindings->store, record)->said_ns > act->time_ns;
}

static void delete_one(struct act *act, uint32_t record, uint32_t bearer)
{
        const signalling_t *said = act_said(act);
        bool whole = said->protocol != SAID(PROTOCOL__GTPV1C) || (said->has_teardown && said->teardown);
        if (is_overtaken(act, record))
                return;
        if (is_named(said))
                end_named(act, record);
        else if (!whole && bearer != 0 && store_session(act->bindings->store, record)->bearer != bearer)
                tunnels_release_bearer(act, record, bearer);
        else if (!leave_former_gateway(act, record))
                session_end(act->bindings, record, BINDING_DELETED, act->event, act->time_ns);
}

/* Which of a device's PDN connections ends is said by the default bearer; where that is not ours, none does. */
static void delete_session(struct act *act)
{
        struct wanted wanted = match_wanted(act);
        struct addressed found = match_addressed(act, &wanted);
        uint32_t bearer = match_default_bearer(act);
        if (found.count > 1 && bearer != 0)
                match_keep_bearer(act, &found, bearer, true);
        else if (found.count > 1 && act->request == NULL)
                return;
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
        const signalling_t *said = act_said(act);
        if (said->has_linked_bearer && found.count > 1)
                match_keep_bearer(act, &found, said->linked_bearer, true);
        for (unsigned i = 0; i < found.count; i++) {
                bool whole = said->has_linked_bearer;
                if (is_overtaken(act, found.records[i]))
                        continue;
                for (size_t k = 0; k < said->n_ended_bearer; k++) {
                        whole |= store_session(act->bindings->store, found.records[i])->bearer == said->ended_bearer[k];
                        tunnels_release_bearer(act, found.records[i], said->ended_bearer[k]);
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
        uint32_t node, other;    /* other: the peer's peer must be in it, too; STORE_NONE: any */
        uint32_t owner;          /* of names */
        enum binding_end end;
};

static bool end_if_of_peer(void *context, uint32_t record)
{
        const struct peer_end *peer = context;
        struct act *act = peer->act;
        struct store *store = act->bindings->store;
        enum endpoint_kind kind = peer->owner ? ENDPOINT_NAME : act->source == BINDING_PFCP ? ENDPOINT_SEID : ENDPOINT_CONTROL;
        bool is_of_peer = false, is_of_other = peer->other == STORE_NONE;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind != kind || held->context != act->context)
                        continue;
                is_of_peer |= peer->owner ? held->owner == peer->owner : held->node == peer->node;
                is_of_other |= !peer->owner && held->node == peer->other;
        }
        if (is_of_peer && is_of_other && (!peer->owner || session_strongest(store_session(store, record)) <= act->source))
                session_end(act->bindings, record, peer->end, act->event, act->time_ns);
        return true;
}

static uint32_t node_of(const struct act *act, const ProtobufCBinaryData *bytes)
{
        struct address address;
        return address_from_bytes(bytes->data, bytes->len, &address) ? store_node(act->bindings->store, &address, false) : STORE_NONE;
}

static void end_sessions_of_peer(struct act *act, const signalling_t *said, enum binding_end end)
{
        struct peer_end peer = {.act = act, .node = node_of(act, &said->source), .end = end};
        if (is_named(said))
                peer.owner = owner_key(said);
        if (peer.owner != 0 || (peer.node != STORE_NONE && !is_named(said)))
                store_each_live(act->bindings->store, end_if_of_peer, &peer);
}

/* A set of PDN connections: of those between the two. A serving gateway tells of the packet gateway that restarted: what
 * was with that. */
static void delete_set(struct act *act, const signalling_t *said)
{
        enum { PGW_RESTART_NOTIFICATION = 179 };
        struct peer_end peer = {.act = act, .node = node_of(act, &said->source), .other = node_of(act, &said->destination),
                                .end = BINDING_DELETED};
        if (said->protocol != SAID(PROTOCOL__GTPV2C)) {
                end_sessions_of_peer(act, said, said->protocol == SAID(PROTOCOL__PFCP) ? BINDING_DELETED : BINDING_RESTARTED);
                return;
        }
        if (said->message == PGW_RESTART_NOTIFICATION) {
                bool told = said->n_endpoint > 0 && said->endpoint[0]->has_ipv4;
                peer.other = told ? node_of(act, &said->endpoint[0]->ipv4) : STORE_NONE;
                peer.end = BINDING_RESTARTED;
        }
        if (peer.node != STORE_NONE && peer.other != STORE_NONE)
                store_each_live(act->bindings->store, end_if_of_peer, &peer);
}

void procedure_apply(struct act *act)
{
        const signalling_t *said = act_said(act);
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
        case SAID(PROCEDURE__NODE_DELETE): delete_set(act, said); break;
        default: break;
        }
}

/* The counter of a Diameter node travels with messages of its sessions, through agents: it is the node's, not the
 * sender's address's. */
void procedure_note_recovery(struct act *act, const signalling_t *said)
{
        struct address peer;
        if (!said->has_recovery || !address_from_bytes(said->source.data, said->source.len, &peer))
                return;
        if (is_named(said)) {
                uint32_t owner = owner_key(said);
                if (owner == 0 || said->phase == SAID(PHASE__RESPONSE))
                        return;
                memset(&peer, 0, sizeof peer);
                memcpy(peer.bytes, &owner, sizeof owner);
        }
        if (binding_peers_restarted(act->bindings->peers, &peer, act->context, act->source, said->recovery, act->time_ns))
                end_sessions_of_peer(act, said, BINDING_RESTARTED);
}
