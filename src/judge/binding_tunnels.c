#include "judge/binding_tunnels.h"

enum { ENDPOINTS_OF_A_KIND = 48, CHAIN_MOST = 256 }; /* eleven bearers with four ends each */

enum endpoint_kind tunnels_kind(const struct said *said, bool user)
{
        if (user)
                return ENDPOINT_USER;
        return said->protocol == SAID(PROTOCOL__PFCP) ? ENDPOINT_SEID : ENDPOINT_CONTROL;
}

static void release(const struct act *act, struct endpoint *endpoint)
{
        endpoint_release(endpoint, act->time_ns);
        store_stamp(act->bindings->store, endpoint->session);
}

#define EACH_ENDPOINT(store, record, at) \
        uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next

bool tunnels_have_bearer(struct store *store, uint32_t record, uint32_t bearer)
{
        if (store_session(store, record)->bearer == bearer)
                return true;
        for (EACH_ENDPOINT(store, record, at)) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind == ENDPOINT_USER && held->bearer == bearer && !held->is_deleted)
                        return true;
        }
        return false;
}

void tunnels_release_bearer(struct act *act, uint32_t record, uint32_t bearer)
{
        struct store *store = act->bindings->store;
        for (EACH_ENDPOINT(store, record, at)) {
                struct endpoint *held = store_endpoint(store, at);
                if (held->kind != ENDPOINT_USER || held->bearer != bearer)
                        continue;
                if (!held->is_released)
                        release(act, held);
                held->is_deleted = true;
        }
}

void tunnels_release_radio(struct act *act, uint32_t record)
{
        struct store *store = act->bindings->store;
        for (EACH_ENDPOINT(store, record, at)) {
                struct endpoint *held = store_endpoint(store, at);
                bool is_radio = held->kind == ENDPOINT_USER && held->side_known && !held->of_network && held->interface == 0;
                if (is_radio && !held->is_released)
                        release(act, held);
        }
}

void tunnels_release_access(struct act *act, uint32_t record)
{
        enum { S1U_ENB = 0, S1U_SGW = 1 };
        struct store *store = act->bindings->store;
        for (EACH_ENDPOINT(store, record, at)) {
                struct endpoint *held = store_endpoint(store, at);
                bool is_access = held->kind == ENDPOINT_USER && held->side_known && (held->interface == S1U_ENB || held->interface == S1U_SGW);
                if (is_access && !held->is_released)
                        release(act, held);
        }
}

void tunnels_release_node(struct act *act, uint32_t record, uint32_t node)
{
        struct store *store = act->bindings->store;
        for (EACH_ENDPOINT(store, record, at)) {
                struct endpoint *held = store_endpoint(store, at);
                if (held->kind == ENDPOINT_USER && held->node == node && !held->is_released)
                        release(act, held);
        }
}

/* The oldest of its kind goes when a session has too many; released ones first. */
static void make_room(struct store *store, uint32_t record, uint8_t kind)
{
        uint32_t last = STORE_NONE, released = STORE_NONE;
        for (EACH_ENDPOINT(store, record, at)) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind != kind)
                        continue;
                last = at;
                if (kind == ENDPOINT_USER && held->is_released)
                        released = at;
        }
        store_remove_endpoint(store, released ? released : last);
}

/* A TEID is one session's at a time: who has it now has it from a node that gave it back unseen. Sessions of one SIM
 * share those of S11. */
static void take_from_others(struct act *act, uint32_t record, const struct endpoint *what)
{
        struct store *store = act->bindings->store;
        uint64_t imsi = store_session(store, record)->imsi;
        unsigned seen = 0;
        for (uint32_t at = store_find_endpoint(store, what->kind, what->context, what->node, what->key, STORE_NONE), next;
             at != STORE_NONE && seen++ < CHAIN_MOST; at = next) {
                struct endpoint *held = store_endpoint(store, at);
                const struct session *other = store_session(store, held->session);
                next = store_find_endpoint(store, what->kind, what->context, what->node, what->key, at);
                if (held->session == record || other->ended_ns != 0)
                        continue;
                bool is_other_sim = other->imsi != 0 && imsi != 0 && other->imsi != imsi;
                if (what->kind == ENDPOINT_USER && !held->is_released)
                        release(act, held);
                else if (what->kind == ENDPOINT_SEID || (what->kind == ENDPOINT_CONTROL && is_other_sim))
                        store_remove_endpoint(store, at);
        }
}

static bool add_endpoint(struct act *act, uint32_t record, const struct endpoint *what)
{
        struct store *store = act->bindings->store;
        unsigned count = 0; /* of its kind */
        for (EACH_ENDPOINT(store, record, at)) {
                struct endpoint *held = store_endpoint(store, at);
                count += held->kind == what->kind;
                if (held->kind != what->kind || held->key != what->key || held->node != what->node || held->context != what->context)
                        continue;
                bool was_released = held->kind == ENDPOINT_USER && held->is_released;
                held->is_released = held->is_deleted = false;
                if (was_released) {
                        held->moment = what->moment;
                        store_stamp(store, record);
                }
                if (what->bearer != 0)
                        held->bearer = what->bearer;
                if (what->side_known && !held->side_known) {
                        held->side_known = true;
                        held->of_network = what->of_network;
                }
                return was_released;
        }
        if (what->kind != ENDPOINT_NAME)
                take_from_others(act, record, what);
        if (count >= ENDPOINTS_OF_A_KIND)
                make_room(store, record, what->kind);
        return store_add_endpoint(store, record, what) != STORE_NONE;
}

/* One end with two addresses. */
static bool is_twin(const struct store *store, const struct endpoint *a, const struct endpoint *b)
{
        const struct address *one = store_node_address(store, a->node), *other = store_node_address(store, b->node);
        return a->key == b->key && address_is_ipv4(one) != address_is_ipv4(other);
}

/* A new tunnel end takes the place of the one that the same node, or another in its part, had for this bearer. True: it
 * is another node that now serves the device. */
static bool replace_endpoint(struct act *act, uint32_t record, const struct endpoint *fresh)
{
        struct store *store = act->bindings->store;
        bool is_other_node = false, is_first = true;
        if (fresh->bearer == 0 || !fresh->side_known || act->source == BINDING_PFCP)
                return false; /* nothing says that they are in the same part */
        for (EACH_ENDPOINT(store, record, at)) {
                struct endpoint *held = store_endpoint(store, at);
                bool same_part = held->kind == ENDPOINT_USER && held->interface == fresh->interface && held->side_known &&
                                 held->of_network == fresh->of_network && held->bearer == fresh->bearer;
                if (!same_part || is_twin(store, held, fresh))
                        continue;
                bool is_same = held->node == fresh->node && held->key == fresh->key;
                if (is_same && !held->is_released)
                        return false;
                if (is_first)
                        is_other_node = !fresh->of_network && held->node != fresh->node;
                is_first = false;
                if (!is_same && !held->is_released)
                        release(act, held);
        }
        return is_other_node;
}

static void take_endpoint(struct act *act, uint32_t record, const struct said *said, const struct said_end *told, struct tunnels_news *news)
{
        for (unsigned i = 0; i < told->address_count && told->key != 0; i++) {
                struct endpoint endpoint = {.key = told->key, .node = store_node(act->bindings->store, &told->addresses[i], true),
                                            .context = act->context, .kind = (uint8_t)tunnels_kind(said, told->user),
                                            .bearer = told->bearer, .interface = told->interface, .of_network = told->of_network,
                                            .side_known = told->side_known};
                endpoint.moment = endpoint_moment(act->time_ns);
                if (endpoint.node == STORE_NONE)
                        continue;
                if (endpoint.kind == ENDPOINT_USER)
                        news->moved |= replace_endpoint(act, record, &endpoint);
                news->changed |= add_endpoint(act, record, &endpoint);
        }
}

struct tunnels_news tunnels_take(struct act *act, uint32_t record, const struct said *said, bool shared)
{
        struct tunnels_news news = {.changed = false};
        for (unsigned i = 0; i < said->end_count; i++) {
                const struct said_end *told = &said->ends[i];
                bool is_mine = !shared || !told->user ||
                               (told->bearer != 0 && tunnels_have_bearer(act->bindings->store, record, told->bearer));
                if (is_mine)
                        take_endpoint(act, record, said, told, &news);
        }
        if (said->name != 0) {
                struct endpoint name = {.key = said->name, .kind = ENDPOINT_NAME, .context = act->context,
                                        .interface = (uint8_t)act->source, .bearer = said->bearer, .owner = said == act->request ? said->owner : 0};
                add_endpoint(act, record, &name);
        }
        return news;
}
