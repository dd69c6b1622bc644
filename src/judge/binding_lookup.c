/* Who has an address, whose tunnel this is: what others ask of bindings. */
#include "judge/bindings.h"

#include <string.h>

#include "judge/binding_session.h"

enum { STALE_S = 120, SLACK_S = 5, END_SLACK_S = 1, CHAIN_MOST = 256 };

/* How well a session fits an address at a moment: it held it then; it had just ended, or began at once; it lives, and
 * when it began was not seen. */
enum fit { FITS_NOT, FITS_UNSEEN, FITS_NEARLY, FITS };

static enum fit fit_in_time(const struct store *store, uint32_t record, int64_t time_ns)
{
        const struct session *session = store_session(store, record);
        int64_t first_ns = store_life(store, record)->first_ns;
        bool has_ended = session->ended_ns != 0 && session->ended_ns <= time_ns;
        if (first_ns <= time_ns && !has_ended)
                return FITS;
        if (first_ns <= time_ns + SLACK_S * SECOND && (!has_ended || time_ns <= session->ended_ns + END_SLACK_S * SECOND))
                return FITS_NEARLY;
        return session->ended_ns == 0 && !session->is_created ? FITS_UNSEEN : FITS_NOT;
}

struct best {
        uint32_t record;
        enum fit fit;
        bool is_ambiguous;
};

static bool is_of_pool(const struct bindings *bindings, const struct session *session, uint16_t context, const char *apn)
{
        const char *held = session->apn == NAME_NONE ? NULL : name_pool_text(bindings->names, session->apn);
        return apn != NULL && held != NULL ? strcmp(apn, held) == 0 : session->context == context;
}

static void look_through(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address, int64_t time_ns,
                         uint32_t (*find)(struct store *, const struct address *, uint32_t), struct best *best)
{
        struct store *store = bindings->store;
        unsigned seen = 0;
        for (uint32_t record = find(store, address, STORE_NONE); record != STORE_NONE && seen++ < CHAIN_MOST;
             record = find(store, address, record)) {
                const struct session *session = store_session(store, record);
                if (!is_of_pool(bindings, session, context, apn))
                        continue;
                enum fit fit = fit_in_time(store, record, time_ns);
                if (fit == FITS_NOT || fit < best->fit)
                        continue;
                const struct session *other = best->record ? store_session(store, best->record) : NULL;
                bool is_rival = other != NULL && fit == best->fit;
                if (is_rival && fit != FITS_NEARLY && (other->imsi != session->imsi || other->apn != session->apn))
                        best->is_ambiguous = true;
                else if (!is_rival)
                        best->is_ambiguous = false;
                if (!is_rival || store_life(store, record)->first_ns > store_life(store, best->record)->first_ns) {
                        best->record = record;
                        best->fit = fit;
                }
        }
}

static bool has_address(const struct session *session, const struct address *address)
{
        return address_equal(&session->ipv4, address) || (session->ipv6.length > 0 && prefix_contains(&session->ipv6, address));
}

static void point_out(const struct session_life *life, uint32_t record, struct holder *out)
{
        *out = (struct holder){.record = record, .stamp = life->stamp, .first_ns = life->first_ns, .is_partial = life->is_partial};
}

/* A network behind the device: of a session that has it and nobody else's. */
static uint32_t find_routed(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address, int64_t time_ns)
{
        enum { IPV4_LEAST = 96 + 8, IPV6_LEAST = 24 }; /* a default route makes nobody the owner of the world */
        struct store *store = bindings->store;
        uint32_t best = STORE_NONE;
        unsigned seen = 0, length = 0;
        for (uint32_t at = store_by_route(store, address, STORE_NONE); at != STORE_NONE && seen++ < CHAIN_MOST; at = store_by_route(store, address, at)) {
                const struct route *route = store_route(store, at);
                const struct session *session = store_session(store, route->session);
                if (route->prefix.length < (address_is_ipv4(address) ? IPV4_LEAST : IPV6_LEAST) || route->prefix.length < length)
                        break;
                if (!is_of_pool(bindings, session, context, apn) || fit_in_time(store, route->session, time_ns) != FITS)
                        continue;
                if (best != STORE_NONE && store_session(store, best)->imsi != session->imsi)
                        return STORE_NONE;
                best = route->session;
                length = route->prefix.length;
        }
        return best;
}

bool bindings_holder_of_address(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address,
                                int64_t time_ns, struct holder *out)
{
        struct best best = {.record = STORE_NONE};
        bool is_ipv4 = address_is_ipv4(address);
        look_through(bindings, context, apn, address, time_ns, is_ipv4 ? store_by_ipv4 : store_by_ipv6, &best);
        if (best.is_ambiguous)
                return false;
        if (best.record == STORE_NONE)
                best.record = find_routed(bindings, context, apn, address, time_ns);
        if (best.record == STORE_NONE) {
                const struct binding *row = binding_rows_find(bindings->rows, apn, address, time_ns);
                *out = (struct holder){.first_ns = row ? row->first_ns : 0, .row = row};
                return row != NULL;
        }
        session_use(bindings, best.record, time_ns);
        point_out(store_life(bindings->store, best.record), best.record, out);
        return true;
}

const struct binding *bindings_of_address(struct bindings *bindings, uint16_t context, const char *apn, const struct address *address,
                                          int64_t time_ns)
{
        struct holder holder;
        if (!bindings_holder_of_address(bindings, context, apn, address, time_ns, &holder))
                return NULL;
        bindings_show(bindings, &holder, INT64_MAX, &bindings->view);
        return &bindings->view;
}

/* How well an end of a tunnel fits a moment: it was that session's then; it became so at once; packets that are late, to who had it last. */
enum tunnel_fit { TUNNEL_NOT, TUNNEL_STALE, TUNNEL_NEARLY, TUNNEL_FITS, TUNNEL_NEARLY_INNER, TUNNEL_FITS_INNER };

static bool is_live(const struct endpoint *endpoint, const struct session *session)
{
        return session->ended_ns == 0 && !endpoint->is_released;
}

static enum tunnel_fit tunnel_fit(const struct endpoint *endpoint, const struct session *session, int64_t time_ns)
{
        int64_t late_ns = endpoint_moments_ns(endpoint->moment, endpoint_moment(time_ns)); /* behind its end */
        int64_t early_ns = -late_ns; /* before its beginning */
        if (!endpoint->is_released)
                late_ns = -1;
        else if (endpoint->held == ENDPOINT_LONG)
                early_ns = -1;
        else
                early_ns -= endpoint_moments_ns(0, endpoint->held);
        if (session->ended_ns != 0 && time_ns - session->ended_ns > late_ns)
                late_ns = time_ns - session->ended_ns;
        if (early_ns > SLACK_S * SECOND || late_ns > STALE_S * SECOND)
                return TUNNEL_NOT;
        if (late_ns > 0)
                return TUNNEL_STALE;
        return early_ns > 0 ? TUNNEL_NEARLY : TUNNEL_FITS;
}

/* Released or ended by now, and not yet at that moment: flows are judged minutes after they began. Of a bearer that was given up
 * seconds later it is not sure who used it. */
static bool was_held(const struct endpoint *endpoint, const struct session *session, int64_t time_ns)
{
        return (session->ended_ns == 0 || time_ns < session->ended_ns) &&
               (!endpoint->is_released || endpoint_moments_ns(endpoint_moment(time_ns), endpoint->moment) > SLACK_S * SECOND);
}

/* The session has an end like this one, through which its packets would go. */
static bool has_way_of_its_own(const struct store *store, const struct session *session, const struct endpoint *asked)
{
        bool is_radio = asked->side_known && !asked->of_network;
        for (uint32_t at = session->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                bool is_like_it = !is_radio && held->of_network && held->interface == asked->interface;
                if (held->kind == ENDPOINT_USER && !held->is_released && (held->node == asked->node || is_like_it))
                        return true;
        }
        return false;
}

/* Its session has not the address that is in the packets, and nobody told by what way those of the address's session go: where devices
 * move over an interface that is not seen TEIDs are given to others without a word. Who sends from an address whose own way is known
 * forges it. */
static bool is_anothers(struct bindings *bindings, const struct tunnel_question *question, const struct endpoint *endpoint,
                        enum tunnel_fit fit)
{
        struct best best = {.record = STORE_NONE};
        const struct session *own = store_session(bindings->store, endpoint->session);
        bool had_it = question->inner != NULL && has_address(own, question->inner);
        if (question->inner == NULL || (fit > TUNNEL_STALE && had_it))
                return false;
        look_through(bindings, question->context, NULL, question->inner, question->time_ns,
                     address_is_ipv4(question->inner) ? store_by_ipv4 : store_by_ipv6, &best);
        if (best.fit < (had_it ? FITS : FITS_NEARLY) || best.is_ambiguous || best.record == endpoint->session)
                return false;
        bool is_wrong_way = question->is_up && endpoint->side_known && !endpoint->of_network;
        return is_wrong_way || !has_way_of_its_own(bindings->store, store_session(bindings->store, best.record), endpoint);
}

enum tunnel_knowledge bindings_of_tunnel(struct bindings *bindings, const struct tunnel_question *question, struct holder *out)
{
        struct store *store = bindings->store;
        uint32_t node = store_node(store, &question->node, false), best = STORE_NONE;
        enum tunnel_fit best_fit = TUNNEL_NOT;
        unsigned seen = 0;
        for (uint32_t at = node ? store_find_endpoint(store, ENDPOINT_USER, question->context, node, question->teid, STORE_NONE) : STORE_NONE;
             at != STORE_NONE && best_fit != TUNNEL_FITS_INNER && seen++ < CHAIN_MOST;
             at = store_find_endpoint(store, ENDPOINT_USER, question->context, node, question->teid, at)) {
                const struct endpoint *endpoint = store_endpoint(store, at);
                const struct session *session = store_session(store, endpoint->session);
                if (question->side == TUNNEL_UPLINK && !endpoint->of_network)
                        continue;
                enum tunnel_fit fit = tunnel_fit(endpoint, session, question->time_ns);
                bool is_inner = question->inner != NULL && has_address(session, question->inner);
                if (fit >= TUNNEL_NEARLY && is_inner)
                        fit = fit == TUNNEL_FITS ? TUNNEL_FITS_INNER : TUNNEL_NEARLY_INNER;
                else if (fit < TUNNEL_FITS && !is_inner && question->inner != NULL && question->side == TUNNEL_ANY)
                        continue; /* whose it was then is forgotten */
                if (fit > best_fit) {
                        best = at;
                        best_fit = fit;
                }
        }
        if (best == STORE_NONE)
                return TUNNEL_UNKNOWN;
        if (best_fit <= TUNNEL_FITS && is_anothers(bindings, question, store_endpoint(store, best), best_fit))
                return TUNNEL_UNKNOWN;
        const struct endpoint *endpoint = store_endpoint(store, best);
        const struct session *session = store_session(store, endpoint->session);
        bool lives = is_live(endpoint, session), fits = best_fit >= TUNNEL_FITS || question->inner == NULL;
        if (lives)
                session_use(bindings, endpoint->session, bindings->clock_ns);
        point_out(store_life(store, endpoint->session), endpoint->session, out);
        out->of_network = lives && fits && endpoint->of_network;
        return fits && (lives || was_held(endpoint, session, question->time_ns)) ? TUNNEL_BOUND : TUNNEL_RELEASED;
}

void bindings_prefetch(const struct bindings *bindings, uint32_t record)
{
        if (store_holds(bindings->store, record))
                __builtin_prefetch(store_life(bindings->store, record), 1);
}

bool bindings_recall(struct bindings *bindings, uint32_t record, uint32_t stamp, struct holder *out)
{
        if (!store_holds(bindings->store, record))
                return false;
        const struct session_life *life = store_life(bindings->store, record);
        if (life->stamp != stamp || life->has_ended)
                return false;
        session_use(bindings, record, bindings->clock_ns);
        point_out(life, record, out);
        return true;
}

/* The live session that has it. */
static uint32_t find_holder(const struct bindings *bindings, uint16_t context, enum binding_plane plane, const struct address *node, uint64_t key,
                            enum binding_tenure *tenure)
{
        static const enum endpoint_kind kinds[] = {[BINDING_USER_TEID] = ENDPOINT_USER, [BINDING_CONTROL_TEID] = ENDPOINT_CONTROL,
                                                   [BINDING_SEID] = ENDPOINT_SEID};
        uint32_t number = store_node(bindings->store, node, false);
        unsigned seen = 0;
        *tenure = BINDING_NOBODYS;
        for (uint32_t at = number ? store_find_endpoint(bindings->store, kinds[plane], context, number, key, STORE_NONE) : STORE_NONE;
             at != STORE_NONE && seen++ < CHAIN_MOST; at = store_find_endpoint(bindings->store, kinds[plane], context, number, key, at)) {
                uint32_t record = store_endpoint(bindings->store, at)->session;
                bool is_live = store_session(bindings->store, record)->ended_ns == 0;
                *tenure = is_live ? BINDING_CURRENT : BINDING_FORMER;
                if (is_live)
                        return record;
        }
        return STORE_NONE;
}

enum binding_tenure bindings_know(const struct bindings *bindings, uint16_t context, enum binding_plane plane, const struct address *node, uint64_t key)
{
        enum binding_tenure tenure;
        (void)find_holder(bindings, context, plane, node, key, &tenure);
        return tenure;
}

int64_t bindings_told_ns(const struct bindings *bindings, uint16_t context, enum binding_plane plane, const struct address *node, uint64_t key)
{
        enum binding_tenure tenure;
        uint32_t record = find_holder(bindings, context, plane, node, key, &tenure);
        return record ? store_session(bindings->store, record)->said_ns : 0;
}

/* The other end of one of the session's tunnels; where none is known anybody may be it. */
static bool is_far_end(struct store *store, const struct session *session, uint32_t node, const struct address *peer)
{
        uint32_t far = store_node(store, peer, false);
        bool has_other = false;
        for (uint32_t at = session->endpoints; at != STORE_NONE; at = store_endpoint(store, at)->next) {
                const struct endpoint *held = store_endpoint(store, at);
                if (held->kind != ENDPOINT_USER || held->node == node)
                        continue;
                if (held->node == far)
                        return true;
                has_other = true;
        }
        return !has_other;
}

/* What was set up a moment ago may not be known to the node yet. */
bool bindings_doubt_tunnel(struct bindings *bindings, uint16_t context, const struct address *node, uint32_t teid,
                           const struct address *peer, int64_t time_ns)
{
        struct store *store = bindings->store;
        uint32_t number = store_node(store, node, false);
        bool was_used = false;
        unsigned seen = 0;
        for (uint32_t at = number ? store_find_endpoint(store, ENDPOINT_USER, context, number, teid, STORE_NONE) : STORE_NONE;
             at != STORE_NONE && seen++ < CHAIN_MOST; at = store_find_endpoint(store, ENDPOINT_USER, context, number, teid, at)) {
                struct endpoint *endpoint = store_endpoint(store, at);
                const struct session *session = store_session(store, endpoint->session);
                if (session->ended_ns != 0 || endpoint->is_released || time_ns - session->said_ns < SLACK_S * SECOND)
                        continue;
                was_used = true;
                if (!is_far_end(store, session, number, peer))
                        continue;
                endpoint_release(endpoint, time_ns);
                store_stamp(store, endpoint->session);
        }
        return was_used;
}

/* The session of a binding, unless its place is another's by now. */
static struct session *session_of(struct bindings *bindings, const struct binding *binding)
{
        if (!store_holds(bindings->store, binding->record))
                return NULL;
        struct session *session = store_session(bindings->store, binding->record);
        return session->number == binding->number ? session : NULL;
}

void bindings_show(struct bindings *bindings, const struct holder *holder, int64_t time_ns, struct binding *out)
{
        if (holder->row != NULL) {
                *out = *holder->row;
                return;
        }
        binding_fill(out, bindings->store, bindings->names, holder->record);
        if (out->moved_ns > time_ns)
                binding_past_apply(bindings->past, store_session(bindings->store, holder->record), time_ns, out);
}

bool bindings_holds(struct bindings *bindings, const struct holder *holder, const struct address *address)
{
        if (holder->row != NULL)
                return address_equal(&holder->row->ipv4, address) ||
                       (holder->row->ipv6.length > 0 && prefix_contains(&holder->row->ipv6, address));
        return has_address(store_session(bindings->store, holder->record), address);
}

bool bindings_endpoints(struct bindings *bindings, const struct binding *binding, struct binding_endpoints *out)
{
        if (session_of(bindings, binding) == NULL)
                return false;
        binding_endpoints_fill(out, bindings->store, binding->record);
        return true;
}

static unsigned list_sessions(struct bindings *bindings, uint64_t digits, uint32_t (*find)(struct store *, uint64_t, uint32_t),
                              struct binding *out, unsigned limit)
{
        unsigned count = 0;
        for (uint32_t record = digits ? find(bindings->store, digits, STORE_NONE) : STORE_NONE; record != STORE_NONE && count < limit;
             record = find(bindings->store, digits, record))
                binding_fill(&out[count++], bindings->store, bindings->names, record);
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

bool bindings_note_sent(struct bindings *bindings, const struct holder *holder, int64_t sent_ns)
{
        struct session_life *life = store_life(bindings->store, holder->record);
        if (!life->has_subscriber)
                return false;
        if (sent_ns > life->sent_ns)
                life->sent_ns = sent_ns;
        return life->shares_imei;
}

/* Where a row of the user's or a binding of before stands for itself, only its own addresses are known. */
static bool has_route(struct bindings *bindings, const struct binding *binding, const struct address *source)
{
        const struct session *session = session_of(bindings, binding);
        for (uint32_t at = session ? session->routes : STORE_NONE; at != STORE_NONE; at = store_route(bindings->store, at)->next)
                if (prefix_contains(&store_route(bindings->store, at)->prefix, source))
                        return true;
        return false;
}

/* The same SIM held it until a moment ago: what applications still send from there comes through the new tunnel. */
static bool held_before(struct bindings *bindings, const struct binding *binding, const struct address *source, int64_t time_ns)
{
        struct store *store = bindings->store;
        const struct session *now = session_of(bindings, binding);
        uint32_t (*find)(struct store *, const struct address *, uint32_t) = address_is_ipv4(source) ? store_by_ipv4 : store_by_ipv6;
        unsigned seen = 0;
        if (now == NULL || now->imsi == 0)
                return false;
        for (uint32_t record = find(store, source, STORE_NONE); record != STORE_NONE && seen++ < CHAIN_MOST;
             record = find(store, source, record)) {
                const struct session *session = store_session(store, record);
                bool is_recent = session->ended_ns == 0 || time_ns - session->ended_ns <= STALE_S * SECOND;
                if (session->imsi == now->imsi && is_recent)
                        return true;
        }
        return false;
}

bool binding_may_send(struct bindings *bindings, const struct binding *binding, const struct address *source, int64_t time_ns)
{
        static const struct prefix link_local = {{{0xfe, 0x80}}, 10};
        bool is_ipv4 = address_is_ipv4(source);
        if (address_is_unspecified(source) || prefix_contains(&link_local, source))
                return true;
        if (is_ipv4 ? address_is_unspecified(&binding->ipv4) : binding->ipv6.length == 0)
                return true; /* not known: not spoofed */
        if (is_ipv4 ? address_equal(&binding->ipv4, source) : prefix_contains(&binding->ipv6, source))
                return true;
        return has_route(bindings, binding, source) || held_before(bindings, binding, source, time_ns);
}
