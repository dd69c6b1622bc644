#include "judge/binding_match.h"

#include <string.h>

#include "judge/binding_facts.h"
#include "judge/binding_session.h"
#include "judge/binding_tunnels.h"

enum { INTERFACE_S5_PGW = 7 }; /* control; TS 29.274, 8.22 */
enum { JOIN_S = 30, WORD_S = 300, ENDED_OF_AN_ADDRESS = 8, CHAIN_MOST = 256, MSISDN_TELLING = 9 };

#define EACH_ENDPOINT(store, record, at) \
        uint32_t at = store_session(store, record)->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next

struct wanted match_wanted(const struct act *act)
{
        const struct said *halves[2] = {act->request, act->response};
        struct wanted wanted = {.imsi = 0};
        for (unsigned i = 0; i < 2; i++) {
                const struct said *said = halves[i];
                if (said == NULL)
                        continue;
                if (said->has_ipv4)
                        wanted.ipv4 = said->ipv4;
                if (said->has_ipv6)
                        wanted.ipv6 = said->ipv6;
                wanted.has_ipv4 |= said->has_ipv4;
                wanted.has_ipv6 |= said->has_ipv6;
                if (wanted.imsi == 0)
                        wanted.imsi = said->imsi;
                if (wanted.msisdn == 0)
                        wanted.msisdn = said->msisdn;
                if (said->apn_length > 0)
                        wanted.apn = said_apn(said);
                if (said->bearer != 0)
                        wanted.bearer = said->bearer;
        }
        return wanted;
}

static const char *apn_of(const struct bindings *bindings, const struct session *session)
{
        return session->apn == NAME_NONE ? NULL : name_pool_text(bindings->names, session->apn);
}

/* Some say a number with its country, others without. */
static bool msisdns_agree(uint64_t one, uint64_t other)
{
        char a[17], b[17];
        size_t length_a = strlen(digits_text(one, a)), length_b = strlen(digits_text(other, b));
        size_t shorter = length_a < length_b ? length_a : length_b;
        size_t compared = shorter < MSISDN_TELLING ? shorter : MSISDN_TELLING;
        return memcmp(a + length_a - compared, b + length_b - compared, compared) == 0;
}

static bool is_same_sim(const struct session *session, const struct wanted *wanted)
{
        if (session->imsi != 0 && wanted->imsi != 0)
                return session->imsi == wanted->imsi;
        return session->msisdn == 0 || wanted->msisdn == 0 || msisdns_agree(session->msisdn, wanted->msisdn);
}

static bool is_same_apn(const struct act *act, const struct session *session, const struct wanted *wanted)
{
        const char *held = apn_of(act->bindings, session);
        return held == NULL || wanted->apn == NULL || strcmp(held, wanted->apn) == 0;
}

/* Pools may overlap between contexts and between APNs; what is not said tells nothing apart. */
static bool is_same_pool(const struct act *act, const struct session *session, const struct wanted *wanted)
{
        if (wanted->apn != NULL && session->apn != NAME_NONE)
                return is_same_apn(act, session, wanted);
        return session->context == act->context;
}

static bool is_same_address(const struct session *session, const struct wanted *wanted)
{
        if (wanted->has_ipv4 && !address_is_unspecified(&session->ipv4) && !address_equal(&session->ipv4, &wanted->ipv4))
                return false;
        return !wanted->has_ipv6 || session->ipv6.length == 0 || prefix_contains(&session->ipv6, &wanted->ipv6);
}

/* The node that speaks of the session has given it another TEID than it had: 1. The same: -1. Nothing of either: 0. */
static int compare_control(struct act *act, uint32_t record, const struct said *said, const struct said_end *told)
{
        struct store *store = act->bindings->store;
        int result = 0;
        if (told->user || told->key == 0 || told->address_count == 0)
                return 0;
        uint32_t node = store_node(store, &told->addresses[0], false);
        enum endpoint_kind kind = tunnels_kind(said, false);
        for (EACH_ENDPOINT(store, record, at)) {
                const struct endpoint *held = store_endpoint(store, at);
                if (node == STORE_NONE || held->kind != kind || held->node != node || held->interface != told->interface)
                        continue;
                if (held->key == told->key)
                        return -1;
                result = 1;
        }
        return result;
}

static bool has_other_name(struct act *act, uint32_t record, const struct said *said)
{
        struct store *store = act->bindings->store;
        bool other = false;
        for (EACH_ENDPOINT(store, record, at)) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind != ENDPOINT_NAME || held->interface != act->source)
                        continue;
                if (held->key == said->name)
                        return false;
                other = true;
        }
        return other;
}

/* The same SIM at the same address, created once more: with a fixed address that is how a device comes back whose leaving
 * was not seen. On another interface, or by another protocol, it is the same creation. */
static bool is_created_anew(struct act *act, uint32_t record, const struct wanted *wanted)
{
        const struct session *session = store_session(act->bindings->store, record);
        const struct said *said = act_said(act), *halves[2] = {act->request, act->response};
        bool is_silent = act->time_ns - session->said_ns > JOIN_S * SECOND, is_other = false;
        if (said->procedure != SAID(PROCEDURE__CREATE))
                return false;
        if (is_named(said))
                return is_silent && said->name != 0 && session_strongest(session) <= act->source &&
                       (wanted->bearer == 0 || session->bearer == 0 || wanted->bearer == session->bearer) &&
                       has_other_name(act, record, said);
        if (act->source == BINDING_PFCP && !is_silent)
                return false; /* one gateway may have two sessions for one device */
        for (unsigned i = 0; i < 2; i++)
                for (unsigned k = 0; halves[i] != NULL && k < halves[i]->end_count; k++) {
                        int compared = compare_control(act, record, halves[i], &halves[i]->ends[k]);
                        if (compared < 0 && halves[i]->ends[k].interface == INTERFACE_S5_PGW)
                                return false; /* at another serving gateway, or MME: its connection to the PGW goes on */
                        is_other |= compared > 0;
                }
        return is_other;
}

typedef uint32_t (*find_address_fn)(struct store *store, const struct address *address, uint32_t after);

/* Of the sessions with this address: the one of the same SIM is returned; another's has ended without our seeing it. */
static uint32_t settle_address(struct act *act, const struct wanted *wanted, find_address_fn find, const struct address *address)
{
        struct store *store = act->bindings->store;
        uint32_t same = STORE_NONE;
        unsigned ended = 0, seen = 0;
        for (uint32_t record = find(store, address, STORE_NONE), next; record != STORE_NONE && seen++ < CHAIN_MOST; record = next) {
                const struct session *session = store_session(store, record);
                next = find(store, address, record);
                if (session->ended_ns != 0) {
                        if (++ended > ENDED_OF_AN_ADDRESS)
                                session_free(act->bindings, record);
                        continue;
                }
                if (!is_same_pool(act, session, wanted) || (act->is_late && session->said_ns > act->time_ns))
                        continue;
                if (is_same_sim(session, wanted) && !is_created_anew(act, record, wanted))
                        same = record;
                else
                        session_end(act->bindings, record, BINDING_REPLACED, act->event, act->time_ns);
        }
        return same;
}

static bool is_of_source(const struct session *session, enum binding_source source)
{
        bool found = session->protocol == source;
        for (unsigned i = 0; i < BINDING_FACTS; i++)
                found |= session->sources[i] == source;
        return found;
}

/* One has an IPv4 address, the other an IPv6 prefix: where no bearer tells, two connections that one device may have side by side
 * (TS 23.401, 5.3.1.1). */
static bool is_beside(const struct session *session, const struct wanted *wanted)
{
        bool has_ipv4 = !address_is_unspecified(&session->ipv4), has_ipv6 = session->ipv6.length > 0;
        return (wanted->bearer == 0 || session->bearer == 0) && has_ipv4 != has_ipv6 && wanted->has_ipv4 != wanted->has_ipv6 &&
               has_ipv4 != wanted->has_ipv4;
}

/* The same SIM, APN and bearer without that address: what was before is replaced, unless this speaks of no address at
 * all. */
static uint32_t settle_sim(struct act *act, const struct wanted *wanted)
{
        struct store *store = act->bindings->store;
        bool addressed = wanted->has_ipv4 || wanted->has_ipv6;
        unsigned seen = 0;
        for (uint32_t record = wanted->imsi ? store_by_imsi(store, wanted->imsi, STORE_NONE) : STORE_NONE, next;
             record != STORE_NONE && seen++ < CHAIN_MOST; record = next) {
                const struct session *session = store_session(store, record);
                next = store_by_imsi(store, wanted->imsi, record);
                if (session->context != act->context || wanted->apn == NULL || session->apn == NAME_NONE ||
                    !is_same_apn(act, session, wanted) || (act->is_late && session->said_ns > act->time_ns) || is_beside(session, wanted))
                        continue;
                bool has_address = !address_is_unspecified(&session->ipv4) || session->ipv6.length > 0;
                bool is_silent = act->time_ns - session->said_ns > JOIN_S * SECOND;
                bool same_bearer = wanted->bearer == 0 || session->bearer == 0 || session->bearer == wanted->bearer;
                if ((!addressed || !has_address) && !is_silent && same_bearer && !is_created_anew(act, record, wanted))
                        return record;
                if (same_bearer && is_of_source(session, act->source) && act_said(act)->procedure == SAID(PROCEDURE__CREATE))
                        session_end(act->bindings, record, BINDING_REPLACED, act->event, act->time_ns);
        }
        return STORE_NONE;
}

/* PFCP without a user: the gateway's tunnel end is the same that GTP-C told. */
static uint32_t find_by_tunnel(struct act *act, const struct wanted *wanted, const struct said *said)
{
        struct store *store = act->bindings->store;
        for (unsigned i = 0; said != NULL && i < said->end_count; i++) {
                const struct said_end *told = &said->ends[i];
                if (!told->user || told->key == 0 || told->address_count == 0)
                        continue;
                uint32_t node = store_node(store, &told->addresses[0], false);
                uint32_t found = node ? store_find_endpoint(store, ENDPOINT_USER, act->context, node, told->key, STORE_NONE) : STORE_NONE;
                if (found == STORE_NONE || store_endpoint(store, found)->is_released)
                        continue;
                const struct session *session = store_session(store, store_endpoint(store, found)->session);
                if (session->ended_ns == 0 && is_same_sim(session, wanted) && is_same_apn(act, session, wanted) &&
                    is_same_address(session, wanted))
                        return store_endpoint(store, found)->session;
        }
        return STORE_NONE;
}

uint32_t match_name(const struct act *act, const struct said *said)
{
        if (said == NULL || said->name == 0)
                return STORE_NONE;
        struct store *store = act->bindings->store;
        unsigned seen = 0;
        for (uint32_t at = store_find_endpoint(store, ENDPOINT_NAME, act->context, STORE_NONE, said->name, STORE_NONE);
             at != STORE_NONE && seen++ < CHAIN_MOST;
             at = store_find_endpoint(store, ENDPOINT_NAME, act->context, STORE_NONE, said->name, at))
                if (store_session(store, store_endpoint(store, at)->session)->ended_ns == 0)
                        return at;
        return STORE_NONE;
}

uint32_t match_create(struct act *act, const struct wanted *wanted)
{
        struct store *store = act->bindings->store;
        uint32_t name = match_name(act, act_said(act)), record = STORE_NONE;
        if (name != STORE_NONE && is_same_sim(store_session(store, store_endpoint(store, name)->session), wanted))
                return store_endpoint(store, name)->session;
        if (wanted->has_ipv4)
                record = settle_address(act, wanted, store_by_ipv4, &wanted->ipv4);
        if (wanted->has_ipv6) {
                uint32_t other = settle_address(act, wanted, store_by_ipv6, &wanted->ipv6);
                record = record ? record : other;
        }
        if (record != STORE_NONE && store_session(store, record)->ended_ns != 0)
                record = STORE_NONE; /* its other address is somebody else's now */
        if (record == STORE_NONE && wanted->imsi == 0)
                record = find_by_tunnel(act, wanted, act->response);
        if (record == STORE_NONE && wanted->imsi == 0)
                record = find_by_tunnel(act, wanted, act->request);
        return record ? record : settle_sim(act, wanted);
}

static void add_addressed(struct addressed *list, uint32_t record)
{
        for (unsigned i = 0; i < list->count; i++)
                if (list->records[i] == record)
                        return;
        if (list->count < ADDRESSED_MOST)
                list->records[list->count++] = record;
}

/* The receiver's endpoint that the header names, the next behind `after`. */
static uint32_t find_by_header(const struct act *act, const struct said *said, uint32_t after)
{
        struct store *store = act->bindings->store;
        if (said == NULL || said->key == 0 || is_named(said))
                return STORE_NONE;
        uint32_t node = store_node(store, &said->destination, false);
        return node ? store_find_endpoint(store, tunnels_kind(said, false), act->context, node, said->key, after) : STORE_NONE;
}

uint32_t match_receiver(const struct act *act, const struct said *said, uint32_t record)
{
        unsigned seen = 0;
        for (uint32_t at = find_by_header(act, said, STORE_NONE); at != STORE_NONE && seen++ < CHAIN_MOST;
             at = find_by_header(act, said, at))
                if (store_endpoint(act->bindings->store, at)->session == record)
                        return at;
        return STORE_NONE;
}

static bool is_of_others(struct store *store, const struct session *session, uint64_t imei)
{
        unsigned seen = 0;
        for (uint32_t at = store_by_imei(store, imei, STORE_NONE); at != STORE_NONE && seen++ < CHAIN_MOST;
             at = store_by_imei(store, imei, at)) {
                uint64_t imsi = store_session(store, at)->imsi;
                if (imsi != 0 && imsi != session->imsi)
                        return true;
        }
        return false;
}

/* A SIM does not change its module while its session lives. Where sessions move over an interface that is not seen the number in the
 * header may be another's by now: then the module is. */
static bool is_in_another_module(const struct act *act, const struct session *session)
{
        enum { SOFTWARE_VERSION_BITS = 8 }; /* check digit or version, behind the module's 14 digits */
        const struct said *halves[2] = {act->request, act->response};
        for (unsigned i = 0; i < 2; i++) {
                const struct said *said = halves[i];
                if (said == NULL || said->imsi != 0 || imei_is_empty(said->imei) || imei_is_empty(session->imei))
                        continue;
                bool is_other = (said->imei ^ session->imei) >> SOFTWARE_VERSION_BITS != 0;
                if (is_other && is_of_others(act->bindings->store, session, said->imei))
                        return true;
        }
        return false;
}

struct addressed match_addressed(const struct act *act, const struct wanted *wanted)
{
        struct addressed found = {.count = 0};
        struct store *store = act->bindings->store;
        const struct said *halves[2] = {act->request, act->response};
        unsigned seen = 0;
        for (unsigned i = 0; i < 2 && found.count == 0; i++)
                for (uint32_t at = find_by_header(act, halves[i], STORE_NONE); at != STORE_NONE && seen++ < CHAIN_MOST;
                     at = find_by_header(act, halves[i], at)) {
                        const struct session *session = store_session(store, store_endpoint(store, at)->session);
                        if (session->ended_ns == 0 && is_same_sim(session, wanted) && !is_in_another_module(act, session))
                                add_addressed(&found, store_endpoint(store, at)->session);
                }
        for (unsigned i = 0; i < 2 && found.count == 0; i++) {
                uint32_t name = match_name(act, halves[i]);
                if (name != STORE_NONE && is_same_sim(store_session(store, store_endpoint(store, name)->session), wanted))
                        add_addressed(&found, store_endpoint(store, name)->session);
        }
        return found;
}

struct addressed match_sim(const struct act *act, const struct wanted *wanted)
{
        struct addressed found = {.count = 0};
        struct store *store = act->bindings->store;
        unsigned seen = 0;
        for (uint32_t record = wanted->imsi ? store_by_imsi(store, wanted->imsi, STORE_NONE) : STORE_NONE;
             record != STORE_NONE && seen++ < CHAIN_MOST; record = store_by_imsi(store, wanted->imsi, record)) {
                const struct session *session = store_session(store, record);
                if (is_same_apn(act, session, wanted) && is_same_address(session, wanted))
                        add_addressed(&found, record);
        }
        return found;
}

uint32_t match_default_bearer(const struct act *act)
{
        const struct said *said = act_said(act);
        return said->has_linked_bearer ? said->linked_bearer : said->bearer;
}

void match_keep_bearer(struct act *act, struct addressed *list, uint32_t bearer, bool strict)
{
        struct addressed kept = {.count = 0};
        for (unsigned i = 0; i < list->count; i++)
                if (tunnels_have_bearer(act->bindings->store, list->records[i], bearer))
                        add_addressed(&kept, list->records[i]);
        if (strict || (list->count > 1 && kept.count > 0))
                *list = kept;
}

void match_keep_pdn(struct act *act, struct addressed *list, const struct wanted *wanted)
{
        struct addressed kept = {.count = 0};
        for (unsigned i = 0; i < list->count; i++) {
                const struct session *session = store_session(act->bindings->store, list->records[i]);
                if (is_same_apn(act, session, wanted) && is_same_address(session, wanted))
                        add_addressed(&kept, list->records[i]);
        }
        *list = kept;
}

static bool is_taken(struct act *act, const struct wanted *wanted, find_address_fn find, const struct address *address)
{
        struct store *store = act->bindings->store;
        unsigned seen = 0;
        for (uint32_t record = find(store, address, STORE_NONE); record != STORE_NONE && seen++ < CHAIN_MOST;
             record = find(store, address, record)) {
                const struct session *session = store_session(store, record);
                if (is_same_pool(act, session, wanted) && (session->ended_ns == 0 || is_same_sim(session, wanted)))
                        return true;
        }
        return false;
}

bool match_is_taken(struct act *act, const struct wanted *wanted)
{
        return (wanted->has_ipv4 && is_taken(act, wanted, store_by_ipv4, &wanted->ipv4)) ||
               (wanted->has_ipv6 && is_taken(act, wanted, store_by_ipv6, &wanted->ipv6));
}

static bool is_contradicted(const struct act *act, const struct wanted *wanted, find_address_fn find, const struct address *address)
{
        struct store *store = act->bindings->store;
        unsigned seen = 0;
        for (uint32_t record = find(store, address, STORE_NONE); record != STORE_NONE && seen++ < CHAIN_MOST;
             record = find(store, address, record)) {
                const struct session *session = store_session(store, record);
                if (session->ended_ns == 0 && is_same_pool(act, session, wanted) && !is_same_sim(session, wanted) &&
                    session_strongest(session) > act->source && act->time_ns - session->said_ns < WORD_S * SECOND)
                        return true;
        }
        return false;
}

bool match_is_contradicted(const struct act *act, const struct wanted *wanted)
{
        return is_named(act_said(act)) && ((wanted->has_ipv4 && is_contradicted(act, wanted, store_by_ipv4, &wanted->ipv4)) ||
                                           (wanted->has_ipv6 && is_contradicted(act, wanted, store_by_ipv6, &wanted->ipv6)));
}
