#include "judge/bindings.h"

#include <stdlib.h>
#include <string.h>

#include "judge/binding_facts.h"
#include "judge/binding_rows.h"
#include "judge/binding_peers.h"
#include "judge/binding_store.h"
#include "judge/binding_wait.h"

typedef Apnwatch__V1__Signalling signalling_t;

#define SAID(name) APNWATCH__V1__SIGNALLING__##name

enum { SESSION_LIMIT = 1000000, IDLE_S = 24 * 3600, WAIT_S = 30, WAIT_LIMIT = 65536, ENDED_KEPT_S = 3600, STALE_S = 120,
       ENDPOINTS_OF_A_KIND = 8, VISIBLE_S = 3600, JOIN_S = 30, SLACK_S = 5 };

static const int64_t SECOND = 1000000000;

struct bindings {
        struct bindings_settings settings;
        struct store *store;
        struct name_pool *names;
        struct wait_table *waiting;
        struct binding_peers *peers;
        struct binding_rows *rows;
        struct binding_view view, before; /* of the last lookup; of a change */
        int64_t clock_ns, seen_ns;
        struct bindings_numbers numbers;
};

static const char *const source_texts[BINDING_SOURCES] = {
        [BINDING_IMPORTED] = "imported", [BINDING_S6A] = "s6a", [BINDING_RADIUS] = "radius", [BINDING_GY] = "gy", [BINDING_S6B] = "s6b",
        [BINDING_GX] = "gx", [BINDING_PFCP] = "pfcp", [BINDING_GTPV1C] = "gtpv1c", [BINDING_GTPV2C] = "gtpv2c"};

const char *binding_source_text(enum binding_source source)
{
        return source_texts[source];
}

const char *binding_end_text(enum binding_end end)
{
        static const char *const texts[] = {[BINDING_LIVE] = "", [BINDING_DELETED] = "deleted", [BINDING_REPLACED] = "replaced",
                                            [BINDING_RESTARTED] = "restarted", [BINDING_TIMED_OUT] = "timeout",
                                            [BINDING_INPUT_END] = "end_of_input", [BINDING_EVICTED] = "timeout"};
        return texts[end];
}

static enum binding_source source_of(const signalling_t *said)
{
        static const enum binding_source sources[] = {
                [SAID(PROTOCOL__GTPV1C)] = BINDING_GTPV1C, [SAID(PROTOCOL__GTPV2C)] = BINDING_GTPV2C, [SAID(PROTOCOL__PFCP)] = BINDING_PFCP,
                [SAID(PROTOCOL__RADIUS)] = BINDING_RADIUS, [SAID(PROTOCOL__GX)] = BINDING_GX, [SAID(PROTOCOL__GY)] = BINDING_GY,
                [SAID(PROTOCOL__S6A)] = BINDING_S6A, [SAID(PROTOCOL__S6B)] = BINDING_S6B};
        return sources[said->protocol];
}

/* Sessions of these are told apart by an identifier in text, not by tunnels. */
static bool is_named(const signalling_t *said)
{
        return said->protocol >= SAID(PROTOCOL__RADIUS);
}

struct bindings *bindings_create(const struct bindings_settings *settings)
{
        struct bindings *bindings = calloc(1, sizeof *bindings);
        if (bindings == NULL)
                return NULL;
        bindings->settings = *settings;
        if (settings->session_limit == 0)
                bindings->settings.session_limit = SESSION_LIMIT;
        if (settings->idle_s == 0)
                bindings->settings.idle_s = IDLE_S;
        bindings->store = store_create(bindings->settings.session_limit);
        bindings->names = name_pool_create();
        bindings->waiting = wait_table_create(WAIT_LIMIT, (settings->wait_s ? settings->wait_s : WAIT_S) * SECOND);
        bindings->peers = binding_peers_create();
        bindings->rows = binding_rows_create();
        if (bindings->store == NULL || bindings->names == NULL || bindings->waiting == NULL || bindings->peers == NULL ||
            bindings->rows == NULL) {
                bindings_destroy(bindings);
                return NULL;
        }
        return bindings;
}

void bindings_destroy(struct bindings *bindings)
{
        if (bindings == NULL)
                return;
        store_destroy(bindings->store);
        name_pool_destroy(bindings->names);
        wait_table_destroy(bindings->waiting);
        binding_peers_destroy(bindings->peers);
        binding_rows_destroy(bindings->rows);
        free(bindings);
}

/* One message, or the two halves of a transaction, being applied. */
struct act {
        struct bindings *bindings;
        const signalling_t *request, *response; /* one may be NULL */
        const event_t *event;
        uint16_t context;
        uint32_t file;           /* of the request */
        uint64_t file_frame;
        int64_t time_ns;
        enum binding_source source;
};

static void tell(struct bindings *bindings, uint32_t record, struct binding_change *change)
{
        if (bindings->settings.changed == NULL)
                return;
        binding_view_fill(&bindings->view, bindings->store, bindings->names, record);
        change->now = &bindings->view.binding;
        bindings->settings.changed(bindings->settings.context, change);
}

static void end_session(struct bindings *bindings, uint32_t record, enum binding_end end, const event_t *event, int64_t time_ns)
{
        struct session *session = store_session(bindings->store, record);
        struct binding_change change = {.news = BINDING_CLOSED, .end = end, .event = event, .time_ns = time_ns};
        if (session->ended_ns != 0)
                return;
        tell(bindings, record, &change);
        store_unlink(bindings->store, record);
        session->end = (uint8_t)end;
        session->ended_ns = time_ns > 0 ? time_ns : 1;
        store_link(bindings->store, record);
        store_end(bindings->store, record);
        bindings->numbers.closed[end]++;
}

static void free_session(struct bindings *bindings, uint32_t record)
{
        struct session *session = store_session(bindings->store, record);
        if (session->apn != NAME_NONE)
                name_pool_release(bindings->names, session->apn);
        store_free(bindings->store, record);
}

static uint32_t new_session(struct act *act)
{
        struct bindings *bindings = act->bindings;
        while (store_is_full(bindings->store)) {
                uint32_t gone = store_oldest_ended(bindings->store);
                if (gone == STORE_NONE) {
                        gone = store_oldest(bindings->store);
                        end_session(bindings, gone, BINDING_EVICTED, NULL, act->time_ns);
                        bindings->numbers.evicted++;
                }
                free_session(bindings, gone);
        }
        uint32_t record = store_add(bindings->store);
        if (record == STORE_NONE)
                return STORE_NONE;
        struct session *session = store_session(bindings->store, record);
        session->context = act->context;
        session->protocol = (uint8_t)act->source;
        session->first_ns = session->last_ns = act->time_ns;
        session->file = act->file;
        session->file_frame = act->file_frame;
        bindings->numbers.opened++;
        if (store_live(bindings->store) > bindings->numbers.peak)
                bindings->numbers.peak = store_live(bindings->store);
        return record;
}

/* Endpoints. */

static enum endpoint_kind kind_of(const signalling_t *said, const Apnwatch__V1__Signalling__Endpoint *endpoint)
{
        if (endpoint->user)
                return ENDPOINT_USER;
        return said->protocol == SAID(PROTOCOL__PFCP) ? ENDPOINT_SEID : ENDPOINT_CONTROL;
}

static uint64_t name_key(const signalling_t *said)
{
        uint64_t key = 1469598103934665603U; /* FNV-1a */
        for (const char *at = said->session; *at != '\0'; at++)
                key = (key ^ (uint8_t)*at) * 1099511628211U;
        return (key ^ (uint64_t)said->protocol) * 1099511628211U;
}

static uint32_t find_named(struct act *act, const signalling_t *said)
{
        if (said == NULL || said->session == NULL)
                return STORE_NONE;
        return store_find_endpoint(act->bindings->store, ENDPOINT_NAME, act->context, STORE_NONE, name_key(said), STORE_NONE);
}

/* The oldest of its kind goes when a session has too many; released ones first. */
static void make_room(struct store *store, uint32_t record, enum endpoint_kind kind)
{
        uint32_t last = STORE_NONE, released = STORE_NONE;
        unsigned count = 0;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *endpoint = store_endpoint(store, at);
                if (endpoint->kind != kind)
                        continue;
                count++;
                last = at;
                if (endpoint->is_released)
                        released = at;
        }
        if (count >= ENDPOINTS_OF_A_KIND)
                store_remove_endpoint(store, released ? released : last);
}

static bool add_endpoint(struct act *act, uint32_t record, const struct endpoint *what)
{
        struct store *store = act->bindings->store;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                struct endpoint *held = store_endpoint(store, at);
                if (held->kind == what->kind && held->key == what->key && held->node == what->node && held->context == what->context) {
                        bool was_released = held->is_released;
                        held->is_released = false;
                        if (what->bearer != 0)
                                held->bearer = what->bearer;
                        return was_released;
                }
        }
        make_room(store, record, (enum endpoint_kind)what->kind);
        return store_add_endpoint(store, record, what) != STORE_NONE;
}

/* A new tunnel end takes the place of the one that the same node, or another in its part, had for this bearer. */
static void release_replaced(struct act *act, uint32_t record, const struct endpoint *fresh)
{
        struct store *store = act->bindings->store;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                struct endpoint *held = store_endpoint(store, at);
                bool same_part = held->kind == ENDPOINT_USER && held->interface == fresh->interface && held->side_known &&
                                 fresh->side_known && held->of_network == fresh->of_network && held->bearer == fresh->bearer;
                if (!same_part || held->is_released || (held->key == fresh->key && held->node == fresh->node))
                        continue;
                const struct address *old = store_node_address(store, held->node), *new = store_node_address(store, fresh->node);
                if (address_is_ipv4(old) != address_is_ipv4(new) && held->key == fresh->key)
                        continue; /* one end with two addresses */
                held->is_released = true;
                held->released_s = (uint32_t)(act->time_ns / SECOND);
        }
}

static bool take_endpoint(struct act *act, uint32_t record, const signalling_t *said, const Apnwatch__V1__Signalling__Endpoint *told)
{
        const ProtobufCBinaryData *addresses[2] = {told->has_ipv4 ? &told->ipv4 : NULL, told->has_ipv6 ? &told->ipv6 : NULL};
        bool changed = false;
        for (unsigned i = 0; i < 2 && told->key != 0; i++) {
                struct address address;
                if (addresses[i] == NULL || !address_from_bytes(addresses[i]->data, addresses[i]->len, &address))
                        continue;
                struct endpoint endpoint = {
                        .key = told->key, .node = store_node(act->bindings->store, &address, true), .context = act->context,
                        .kind = (uint8_t)kind_of(said, told), .bearer = (uint8_t)(told->has_bearer ? told->bearer : 0),
                        .interface = told->has_interface ? (uint8_t)told->interface : INTERFACE_UNKNOWN,
                        .of_network = told->of_network, .side_known = told->has_of_network};
                if (endpoint.node == STORE_NONE)
                        continue;
                if (endpoint.kind == ENDPOINT_USER)
                        release_replaced(act, record, &endpoint);
                changed |= add_endpoint(act, record, &endpoint);
        }
        return changed;
}

static bool take_endpoints(struct act *act, uint32_t record, const signalling_t *said)
{
        bool changed = false;
        for (size_t i = 0; i < said->n_endpoint; i++)
                changed |= take_endpoint(act, record, said, said->endpoint[i]);
        if (is_named(said) && said->session != NULL) {
                struct endpoint name = {.key = name_key(said), .kind = ENDPOINT_NAME, .context = act->context};
                changed |= add_endpoint(act, record, &name);
        }
        return changed;
}

static void release_bearer(struct act *act, uint32_t record, uint32_t bearer)
{
        struct store *store = act->bindings->store;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                struct endpoint *held = store_endpoint(store, at);
                if (held->kind != ENDPOINT_USER || held->bearer != bearer || held->is_released)
                        continue;
                held->is_released = true;
                held->released_s = (uint32_t)(act->time_ns / SECOND);
        }
}

/* Facts and endpoints of what was said go into the session; listeners hear what came of it. */
static void update_session(struct act *act, uint32_t record, bool is_new)
{
        struct bindings *bindings = act->bindings;
        struct session *session = store_session(bindings->store, record);
        const signalling_t *halves[2] = {act->request, act->response};
        struct binding_change change = {.news = is_new ? BINDING_OPENED : BINDING_CHANGED, .event = act->event, .time_ns = act->time_ns};
        bool endpoints = false;
        if (!is_new)
                binding_view_fill(&bindings->before, bindings->store, bindings->names, record);
        store_unlink(bindings->store, record);
        for (unsigned i = 0; i < 2; i++)
                if (halves[i] != NULL) {
                        change.facts |= binding_facts_take(session, bindings->names, halves[i], act->source, &bindings->numbers.conflicts);
                        if (halves[i]->has_bearer && session->bearer == 0)
                                session->bearer = (uint8_t)halves[i]->bearer;
                }
        store_link(bindings->store, record);
        for (unsigned i = 0; i < 2; i++)
                if (halves[i] != NULL)
                        endpoints |= take_endpoints(act, record, halves[i]);
        session->last_ns = act->time_ns;
        store_use(bindings->store, record);
        if (!is_new && change.facts == 0 && !endpoints)
                return;
        change.before = is_new ? NULL : &bindings->before.binding;
        change.is_move = !is_new && (endpoints || (change.facts & (1U << FACT_CELL | 1U << FACT_AREA | 1U << FACT_PLMN | 1U << FACT_RAT)) != 0);
        tell(bindings, record, &change);
}

/* Which session is meant. */

struct wanted {
        struct address ipv4, ipv6;
        bool has_ipv4, has_ipv6;
        uint64_t imsi;
        const char *apn;
        uint32_t bearer;
};

static struct wanted wanted_of(const struct act *act)
{
        const signalling_t *halves[2] = {act->request, act->response};
        struct wanted wanted = {.imsi = 0};
        for (unsigned i = 0; i < 2; i++) {
                const signalling_t *said = halves[i];
                if (said == NULL)
                        continue;
                if (said->has_ipv4)
                        wanted.has_ipv4 = address_from_bytes(said->ipv4.data, said->ipv4.len, &wanted.ipv4);
                if (said->has_ipv6_prefix)
                        wanted.has_ipv6 = address_from_bytes(said->ipv6_prefix.data, said->ipv6_prefix.len, &wanted.ipv6);
                if (said->imsi != NULL)
                        wanted.imsi = digits_pack(said->imsi);
                if (said->apn != NULL)
                        wanted.apn = said->apn;
                if (said->has_bearer)
                        wanted.bearer = said->bearer;
        }
        return wanted;
}

static const char *apn_of(const struct bindings *bindings, const struct session *session)
{
        return session->apn == NAME_NONE ? NULL : name_pool_text(bindings->names, session->apn);
}

/* Pools may overlap between contexts and between APNs; what is not said tells nothing apart. */
static bool same_pool(const struct act *act, const struct session *session, const char *apn)
{
        const char *held = apn_of(act->bindings, session);
        if (apn != NULL && held != NULL)
                return strcmp(apn, held) == 0;
        return session->context == act->context;
}

/* Of the sessions with this address: the one of the same SIM is returned; another's has ended without our seeing it. */
static uint32_t settle_address(struct act *act, const struct wanted *wanted, uint32_t (*find)(struct store *, const struct address *, uint32_t),
                               const struct address *address)
{
        struct store *store = act->bindings->store;
        uint32_t same = STORE_NONE;
        for (uint32_t record = find(store, address, STORE_NONE), next; record != STORE_NONE; record = next) {
                const struct session *session = store_session(store, record);
                next = find(store, address, record);
                if (session->ended_ns != 0 || !same_pool(act, session, wanted->apn))
                        continue;
                if (session->imsi == 0 || wanted->imsi == 0 || session->imsi == wanted->imsi)
                        same = record;
                else
                        end_session(act->bindings, record, BINDING_REPLACED, act->event, act->time_ns);
        }
        return same;
}

/* The same SIM, APN and bearer without that address: what was before is replaced, unless this speaks of no address at all. */
static uint32_t settle_sim(struct act *act, const struct wanted *wanted)
{
        struct store *store = act->bindings->store;
        bool addressed = wanted->has_ipv4 || wanted->has_ipv6;
        for (uint32_t record = wanted->imsi ? store_by_imsi(store, wanted->imsi, STORE_NONE) : STORE_NONE, next; record != STORE_NONE;
             record = next) {
                const struct session *session = store_session(store, record);
                const char *apn = apn_of(act->bindings, session);
                next = store_by_imsi(store, wanted->imsi, record);
                if (session->context != act->context || wanted->apn == NULL || apn == NULL || strcmp(apn, wanted->apn) != 0)
                        continue;
                bool has_address = !address_is_unspecified(&session->ipv4) || session->ipv6.length > 0;
                if ((!addressed || !has_address) && act->time_ns - session->last_ns < JOIN_S * SECOND)
                        return record;
                if (addressed && has_address && session->protocol == act->source &&
                    (wanted->bearer == 0 || session->bearer == wanted->bearer))
                        end_session(act->bindings, record, BINDING_REPLACED, act->event, act->time_ns);
        }
        return STORE_NONE;
}

/* PFCP without a user: the gateway's tunnel end is the same that GTP-C told. */
static uint32_t find_by_tunnel(struct act *act, const signalling_t *said)
{
        struct store *store = act->bindings->store;
        for (size_t i = 0; said != NULL && i < said->n_endpoint; i++) {
                const Apnwatch__V1__Signalling__Endpoint *told = said->endpoint[i];
                struct address address;
                if (!told->user || told->key == 0 || !told->has_ipv4 || !address_from_bytes(told->ipv4.data, told->ipv4.len, &address))
                        continue;
                uint32_t node = store_node(store, &address, false);
                uint32_t found = node ? store_find_endpoint(store, ENDPOINT_USER, act->context, node, told->key, STORE_NONE) : STORE_NONE;
                if (found != STORE_NONE && store_session(store, store_endpoint(store, found)->session)->ended_ns == 0)
                        return store_endpoint(store, found)->session;
        }
        return STORE_NONE;
}

/* Sessions that a header's TEID or SEID, or a session identifier, speaks of. Several PDN connections of a device share those of S11. */
struct addressed {
        uint32_t records[ENDPOINTS_OF_A_KIND];
        unsigned count;
};

static void add_addressed(struct addressed *list, uint32_t record)
{
        for (unsigned i = 0; i < list->count; i++)
                if (list->records[i] == record)
                        return;
        if (list->count < ENDPOINTS_OF_A_KIND)
                list->records[list->count++] = record;
}

static void find_by_header(struct act *act, const signalling_t *said, struct addressed *out)
{
        struct store *store = act->bindings->store;
        struct address receiver;
        if (said == NULL || !said->has_key || said->key == 0 ||
            !address_from_bytes(said->destination.data, said->destination.len, &receiver))
                return;
        enum endpoint_kind kind = said->protocol == SAID(PROTOCOL__PFCP) ? ENDPOINT_SEID : ENDPOINT_CONTROL;
        uint32_t node = store_node(store, &receiver, false);
        for (uint32_t at = node ? store_find_endpoint(store, kind, act->context, node, said->key, STORE_NONE) : STORE_NONE; at != STORE_NONE;
             at = store_find_endpoint(store, kind, act->context, node, said->key, at)) {
                uint32_t record = store_endpoint(store, at)->session;
                if (store_session(store, record)->ended_ns == 0)
                        add_addressed(out, record);
        }
}

static struct addressed find_addressed(struct act *act)
{
        struct addressed found = {.count = 0};
        const signalling_t *halves[2] = {act->request, act->response};
        for (unsigned i = 0; i < 2 && found.count == 0; i++)
                find_by_header(act, halves[i], &found);
        for (unsigned i = 0; i < 2 && found.count == 0; i++) {
                uint32_t name = find_named(act, halves[i]);
                if (name != STORE_NONE && store_session(act->bindings->store, store_endpoint(act->bindings->store, name)->session)->ended_ns == 0)
                        add_addressed(&found, store_endpoint(act->bindings->store, name)->session);
        }
        return found;
}

static uint32_t bearer_named(const struct act *act)
{
        const signalling_t *said = act->request ? act->request : act->response;
        return said->has_linked_bearer ? said->linked_bearer : said->has_bearer ? said->bearer : 0;
}

/* Of several, those whose default bearer is named. */
static void keep_bearer(struct act *act, struct addressed *list, uint32_t bearer)
{
        struct addressed kept = {.count = 0};
        for (unsigned i = 0; i < list->count; i++)
                if (store_session(act->bindings->store, list->records[i])->bearer == bearer)
                        add_addressed(&kept, list->records[i]);
        if (list->count > 1 && kept.count > 0)
                *list = kept;
}

/* Procedures. */

static bool is_accepted(const struct act *act)
{
        return act->response == NULL || !act->response->has_accepted || act->response->accepted;
}

static void create(struct act *act)
{
        struct wanted wanted = wanted_of(act);
        struct store *store = act->bindings->store;
        bool secondary = act->source == BINDING_GTPV1C && act->request != NULL && act->request->has_linked_bearer;
        if (secondary) {
                struct addressed found = find_addressed(act);
                for (unsigned i = 0; i < found.count && i < 1; i++)
                        update_session(act, found.records[i], false);
                return;
        }
        uint32_t name = find_named(act, act->request ? act->request : act->response);
        uint32_t record = name ? store_endpoint(store, name)->session : STORE_NONE;
        if (record != STORE_NONE && store_session(store, record)->ended_ns != 0)
                record = STORE_NONE;
        if (record == STORE_NONE && wanted.has_ipv4)
                record = settle_address(act, &wanted, store_by_ipv4, &wanted.ipv4);
        if (wanted.has_ipv6) {
                uint32_t other = settle_address(act, &wanted, store_by_ipv6, &wanted.ipv6);
                record = record ? record : other;
        }
        if (record == STORE_NONE && wanted.imsi == 0)
                record = find_by_tunnel(act, act->response);
        if (record == STORE_NONE && wanted.imsi == 0)
                record = find_by_tunnel(act, act->request);
        if (record == STORE_NONE)
                record = settle_sim(act, &wanted);
        bool is_new = record == STORE_NONE;
        if (is_new && wanted.imsi == 0 && !wanted.has_ipv4 && !wanted.has_ipv6)
                return; /* nobody and nowhere */
        if (is_new)
                record = new_session(act);
        if (record != STORE_NONE)
                update_session(act, record, is_new);
}

/* Late start: a session that is changed, and was never created before our eyes, begins here when what is said tells who and where. */
static void modify(struct act *act)
{
        struct addressed found = find_addressed(act);
        struct wanted wanted = wanted_of(act);
        if (found.count > 1 && wanted.bearer != 0)
                keep_bearer(act, &found, wanted.bearer);
        for (unsigned i = 0; i < found.count; i++)
                update_session(act, found.records[i], false);
        if (found.count == 0 && (wanted.has_ipv4 || wanted.has_ipv6 || wanted.imsi != 0))
                create(act);
}

/* Who and where without a session of its own: every live session of that SIM. */
static void notify(struct act *act)
{
        struct addressed found = find_addressed(act);
        struct wanted wanted = wanted_of(act);
        struct store *store = act->bindings->store;
        for (uint32_t record = wanted.imsi && found.count == 0 ? store_by_imsi(store, wanted.imsi, STORE_NONE) : STORE_NONE;
             record != STORE_NONE && found.count < ENDPOINTS_OF_A_KIND; record = store_by_imsi(store, wanted.imsi, record))
                add_addressed(&found, record);
        for (unsigned i = 0; i < found.count; i++)
                update_session(act, found.records[i], false);
}

/* What a weaker protocol says has ended (charging, say) may go on: it ends those that it, or a weaker one, began. */
static void end_or_forget(struct act *act, uint32_t record)
{
        struct store *store = act->bindings->store;
        if (!is_named(act->request ? act->request : act->response) || store_session(store, record)->protocol <= act->source) {
                end_session(act->bindings, record, BINDING_DELETED, act->event, act->time_ns);
                return;
        }
        uint32_t name = find_named(act, act->request ? act->request : act->response);
        if (name != STORE_NONE)
                store_remove_endpoint(store, name);
}

static void delete(struct act *act)
{
        struct addressed found = find_addressed(act);
        const signalling_t *said = act->request ? act->request : act->response;
        uint32_t bearer = bearer_named(act);
        if (bearer != 0)
                keep_bearer(act, &found, bearer);
        bool whole = said->protocol != SAID(PROTOCOL__GTPV1C) || (said->has_teardown && said->teardown);
        for (unsigned i = 0; i < found.count; i++) {
                if (whole || bearer == 0 || store_session(act->bindings->store, found.records[i])->bearer == bearer)
                        end_or_forget(act, found.records[i]);
                else
                        release_bearer(act, found.records[i], bearer);
        }
}

static void change_bearers(struct act *act)
{
        struct addressed found = find_addressed(act);
        uint32_t bearer = bearer_named(act);
        if (bearer != 0)
                keep_bearer(act, &found, bearer);
        for (unsigned i = 0; i < found.count; i++)
                update_session(act, found.records[i], false);
}

static void delete_bearers(struct act *act)
{
        struct addressed found = find_addressed(act);
        const signalling_t *said = act->request ? act->request : act->response;
        if (said->has_linked_bearer) {
                keep_bearer(act, &found, said->linked_bearer);
                for (unsigned i = 0; i < found.count; i++)
                        end_session(act->bindings, found.records[i], BINDING_DELETED, act->event, act->time_ns);
                return;
        }
        for (unsigned i = 0; i < found.count; i++)
                for (size_t k = 0; k < said->n_ended_bearer; k++) {
                        if (store_session(act->bindings->store, found.records[i])->bearer == said->ended_bearer[k])
                                end_session(act->bindings, found.records[i], BINDING_DELETED, act->event, act->time_ns);
                        else
                                release_bearer(act, found.records[i], said->ended_bearer[k]);
                }
}

/* The radio side's tunnels are void: downlink packets to them are stale, not unknown. */
static void release_access(struct act *act)
{
        struct addressed found = find_addressed(act);
        struct store *store = act->bindings->store;
        for (unsigned i = 0; i < found.count; i++)
                for (uint32_t at = store_session(store, found.records[i])->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                        struct endpoint *held = store_endpoint(store, at);
                        bool radio = held->kind == ENDPOINT_USER && held->side_known && !held->of_network && held->interface == 0;
                        if (!radio || held->is_released)
                                continue;
                        held->is_released = true;
                        held->released_s = (uint32_t)(act->time_ns / SECOND);
                }
}

struct peer_end {
        struct act *act;
        uint32_t node;
        enum binding_end end;
};

static bool end_if_of_peer(void *context, uint32_t record)
{
        const struct peer_end *peer = context;
        struct store *store = peer->act->bindings->store;
        bool is_pfcp = peer->act->source == BINDING_PFCP;
        for (uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                bool is_control = held->kind == (is_pfcp ? ENDPOINT_SEID : ENDPOINT_CONTROL);
                if (is_control && held->node == peer->node && held->context == peer->act->context) {
                        end_session(peer->act->bindings, record, peer->end, peer->act->event, peer->act->time_ns);
                        break;
                }
        }
        return true;
}

static void end_sessions_of_peer(struct act *act, const ProtobufCBinaryData *peer, enum binding_end end)
{
        struct address address;
        if (!address_from_bytes(peer->data, peer->len, &address))
                return;
        struct peer_end what = {act, store_node(act->bindings->store, &address, false), end};
        if (what.node != STORE_NONE)
                store_each_live(act->bindings->store, end_if_of_peer, &what);
}

static void apply(struct act *act)
{
        const signalling_t *said = act->request ? act->request : act->response;
        if (!is_accepted(act))
                return;
        switch (said->procedure) {
        case SAID(PROCEDURE__CREATE): create(act); break;
        case SAID(PROCEDURE__MODIFY): modify(act); break;
        case SAID(PROCEDURE__DELETE): delete(act); break;
        case SAID(PROCEDURE__NOTIFY):
        case SAID(PROCEDURE__RELOCATE):
        case SAID(PROCEDURE__SUBSCRIBER): notify(act); break;
        case SAID(PROCEDURE__BEARER): change_bearers(act); break;
        case SAID(PROCEDURE__BEARER_DELETE): delete_bearers(act); break;
        case SAID(PROCEDURE__RELEASE): release_access(act); break;
        case SAID(PROCEDURE__NODE_DELETE): end_sessions_of_peer(act, &said->source, BINDING_DELETED); break;
        default: break;
        }
}

/* A counter that differs from the peer's last is a restart: its sessions are void. */
static void note_recovery(struct act *act, const signalling_t *said)
{
        struct address peer;
        if (!said->has_recovery || !address_from_bytes(said->source.data, said->source.len, &peer))
                return;
        if (binding_peers_restarted(act->bindings->peers, &peer, act->context, act->source, said->recovery, act->time_ns))
                end_sessions_of_peer(act, &said->source, BINDING_RESTARTED);
}

/* Accounting tells what is; nobody has to agree. */
static bool needs_no_answer(const signalling_t *said)
{
        return said->phase == SAID(PHASE__COMMAND) || said->procedure == SAID(PROCEDURE__PATH) ||
               said->procedure == SAID(PROCEDURE__NODE_DELETE) || !said->has_sequence ||
               (said->protocol == SAID(PROTOCOL__RADIUS) && said->message == 4);
}

void bindings_take(struct bindings *bindings, const event_t *event)
{
        const signalling_t *said = event->signalling;
        struct wait_entry *other = NULL;
        struct act act = {.bindings = bindings, .event = event, .context = (uint16_t)(event->flow ? event->flow->context : 0),
                          .file = event->file, .file_frame = event->file_frame, .time_ns = (int64_t)event->clock, .source = source_of(said)};
        bool answer = said->phase == SAID(PHASE__RESPONSE);
        bindings->clock_ns = bindings->seen_ns = (int64_t)event->clock;
        note_recovery(&act, said);
        if (needs_no_answer(said)) {
                if (!answer) {
                        act.request = said;
                        apply(&act);
                }
                return;
        }
        if (said->procedure == SAID(PROCEDURE__OTHER))
                return;
        if (wait_table_take(bindings->waiting, event, act.context, &other) != WAIT_MATCHED)
                return;
        act.request = answer ? other->said : said;
        act.response = answer ? said : other->said;
        if (answer) {
                act.file = other->file;
                act.file_frame = other->file_frame;
        }
        apply(&act);
        wait_table_answered(bindings->waiting, other);
}

/* A response whose request was not seen says where; a request whose response was not seen is believed, but for a create. */
static void expire_waiting(struct bindings *bindings)
{
        struct wait_entry *entry;
        while (wait_table_expire(bindings->waiting, bindings->clock_ns, &entry)) {
                if (entry->said == NULL)
                        continue;
                struct act act = {.bindings = bindings, .context = entry->context, .file = entry->file, .file_frame = entry->file_frame,
                                  .time_ns = entry->time_ns, .source = source_of(entry->said)};
                if (entry->state == WAITS_FOR_REQUEST) {
                        act.response = entry->said;
                        bindings->numbers.orphans++;
                } else if (entry->said->procedure != SAID(PROCEDURE__CREATE)) {
                        act.request = entry->said;
                }
                if (act.request != NULL || act.response != NULL)
                        apply(&act);
        }
}

void bindings_tick(struct bindings *bindings, int64_t clock_ns)
{
        struct store *store = bindings->store;
        uint32_t record;
        bindings->clock_ns = clock_ns;
        expire_waiting(bindings);
        while ((record = store_oldest(store)) != STORE_NONE &&
               clock_ns - store_session(store, record)->last_ns > (int64_t)bindings->settings.idle_s * SECOND)
                end_session(bindings, record, BINDING_TIMED_OUT, NULL,
                            store_session(store, record)->last_ns + (int64_t)bindings->settings.idle_s * SECOND);
        while ((record = store_oldest_ended(store)) != STORE_NONE &&
               clock_ns - store_session(store, record)->ended_ns > (int64_t)ENDED_KEPT_S * SECOND)
                free_session(bindings, record);
}

void bindings_finish(struct bindings *bindings, int64_t clock_ns)
{
        bindings->clock_ns = INT64_MAX;
        expire_waiting(bindings);
        bindings->clock_ns = clock_ns;
        for (uint32_t record; (record = store_oldest(bindings->store)) != STORE_NONE;)
                end_session(bindings, record, BINDING_INPUT_END, NULL, clock_ns);
}

void bindings_import(struct bindings *bindings, const struct binding_row *row)
{
        binding_rows_add(bindings->rows, row);
}

/* Lookups. */

/* How well a session fits an address at a moment: it held it then; else it lives and nobody is known to have held it before. */
static int fit_in_time(const struct session *session, int64_t time_ns)
{
        if (session->ended_ns != 0)
                return session->first_ns <= time_ns + SLACK_S * SECOND && time_ns <= session->ended_ns + SLACK_S * SECOND ? 2 : 0;
        return session->first_ns <= time_ns + SLACK_S * SECOND ? 3 : 1;
}

struct best {
        uint32_t record;
        int fit;
        bool is_ambiguous;
};

static void look_through(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address, int64_t time_ns,
                         uint32_t (*find)(struct store *, const struct address *, uint32_t), struct best *best)
{
        struct store *store = bindings->store;
        for (uint32_t record = find(store, address, STORE_NONE); record != STORE_NONE; record = find(store, address, record)) {
                const struct session *session = store_session(store, record);
                const char *held = apn_of(bindings, session);
                if (apn != NULL && held != NULL ? strcmp(apn, held) != 0 : session->context != context)
                        continue;
                int fit = fit_in_time(session, time_ns);
                if (fit == 0)
                        continue;
                const struct session *other = best->record ? store_session(store, best->record) : NULL;
                if (other != NULL && other->ended_ns == 0 && session->ended_ns == 0 && fit == best->fit && other->imsi != session->imsi)
                        best->is_ambiguous = true;
                if (fit > best->fit || (fit == best->fit && other != NULL && session->first_ns > other->first_ns)) {
                        best->record = record;
                        best->fit = fit;
                }
        }
}

const struct binding *bindings_of_address(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address,
                                          int64_t time_ns)
{
        struct best best = {.record = STORE_NONE};
        bool is_ipv4 = address_is_ipv4(address);
        look_through(bindings, context, apn, address, time_ns, is_ipv4 ? store_by_ipv4 : store_by_ipv6, &best);
        if (best.is_ambiguous)
                return NULL;
        if (best.record == STORE_NONE)
                return binding_rows_find(bindings->rows, apn, address, time_ns);
        binding_view_fill(&bindings->view, bindings->store, bindings->names, best.record);
        return &bindings->view.binding;
}

enum tunnel_knowledge bindings_of_tunnel(struct bindings *bindings, uint16_t context, const struct address *address, uint32_t teid,
                                         const struct binding **out)
{
        struct store *store = bindings->store;
        uint32_t node = store_node(store, address, false), stale = STORE_NONE;
        *out = NULL;
        for (uint32_t at = node ? store_find_endpoint(store, ENDPOINT_USER, context, node, teid, STORE_NONE) : STORE_NONE; at != STORE_NONE;
             at = store_find_endpoint(store, ENDPOINT_USER, context, node, teid, at)) {
                const struct endpoint *endpoint = store_endpoint(store, at);
                const struct session *session = store_session(store, endpoint->session);
                if (session->ended_ns == 0 && !endpoint->is_released) {
                        binding_view_fill(&bindings->view, store, bindings->names, endpoint->session);
                        *out = &bindings->view.binding;
                        return TUNNEL_BOUND;
                }
                int64_t since_ns = session->ended_ns ? session->ended_ns : (int64_t)endpoint->released_s * SECOND;
                if (bindings->clock_ns - since_ns <= STALE_S * SECOND)
                        stale = endpoint->session;
        }
        if (stale == STORE_NONE)
                return TUNNEL_UNKNOWN;
        binding_view_fill(&bindings->view, store, bindings->names, stale);
        *out = &bindings->view.binding;
        return TUNNEL_RELEASED;
}

static unsigned list_sessions(struct bindings *bindings, uint64_t digits, uint32_t (*find)(struct store *, uint64_t, uint32_t),
                              struct binding *out, unsigned limit)
{
        unsigned count = 0;
        for (uint32_t record = digits ? find(bindings->store, digits, STORE_NONE) : STORE_NONE; record != STORE_NONE && count < limit;
             record = find(bindings->store, digits, record)) {
                binding_view_fill(&bindings->view, bindings->store, bindings->names, record);
                out[count] = bindings->view.binding;
                out[count].control_count = out[count].user_count = 0; /* the view's */
                count++;
        }
        return count;
}

unsigned bindings_of_imsi(struct bindings *bindings, const char *imsi, struct binding *out, unsigned limit)
{
        return list_sessions(bindings, digits_pack(imsi), store_by_imsi, out, limit);
}

unsigned bindings_of_imei(struct bindings *bindings, const char *imei, struct binding *out, unsigned limit)
{
        return list_sessions(bindings, digits_pack(imei), store_by_imei, out, limit);
}

bool binding_may_send(struct bindings *bindings, const struct binding *binding, const struct address *source)
{
        static const struct prefix link_local = {{{0xfe, 0x80}}, 10};
        (void)bindings;
        if (address_is_unspecified(source) || prefix_contains(&link_local, source) || address_equal(&binding->ipv4, source))
                return true;
        if (address_is_ipv4(source))
                return address_is_unspecified(&binding->ipv4); /* not known: not spoofed */
        return binding->ipv6.length == 0 || prefix_contains(&binding->ipv6, source);
}

bool bindings_are_visible(const struct bindings *bindings)
{
        return bindings->seen_ns != 0 && bindings->clock_ns - bindings->seen_ns < VISIBLE_S * SECOND;
}

bool bindings_peer_restarted(const struct bindings *bindings, const struct address *peer, int64_t since_ns)
{
        return binding_peers_restarted_since(bindings->peers, peer, since_ns);
}

void bindings_numbers(const struct bindings *bindings, struct bindings_numbers *out)
{
        *out = bindings->numbers;
        out->sessions = store_live(bindings->store);
        out->pending = wait_table_count(bindings->waiting);
        out->pending_dropped = wait_table_dropped(bindings->waiting);
        out->bytes = store_bytes(bindings->store) + name_pool_bytes(bindings->names);
}
