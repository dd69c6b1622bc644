#include "judge/binding_store.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_seed.h"
#include "base/wide_memory.h"
#include "judge/binding_facts.h"

enum { ROUTES_A_CHUNK = 12, /* power of two */
       ENDPOINTS_A_SESSION = 12, NODES_MOST = 262144, NODES_LEAST = 1024, NODES_IDLE_SHARE = 16, FIRST_HEADS = 16384,
       FIRST_ROUTES = 1024, FIRST_ENDPOINTS = 65536, GROW_AHEAD = 16, CACHED_SESSIONS = 4096, SHARERS_MOST = 64, FORMER_MOST = 256 };

static uint64_t seeds[2];

static void *slab_at(const struct slab *slab, uint32_t record)
{
        return (char *)slab->chunks[(record - 1) >> slab->bits] + ((record - 1) & ((1U << slab->bits) - 1)) * slab->size;
}

static uint32_t slab_take(struct slab *slab)
{
        if (slab->free != STORE_NONE) {
                uint32_t record = slab->free;
                memcpy(&slab->free, slab_at(slab, record), sizeof slab->free);
                memset(slab_at(slab, record), 0, slab->size);
                return record;
        }
        if (slab->used == slab->chunk_count << slab->bits) {
                void **chunks = realloc(slab->chunks, (slab->chunk_count + 1) * sizeof *chunks);
                if (chunks == NULL)
                        return STORE_NONE;
                slab->chunks = chunks;
                if ((chunks[slab->chunk_count] = wide_memory_take((slab->size + slab->beside) << slab->bits)) == NULL)
                        return STORE_NONE;
                slab->chunk_count++;
        }
        return ++slab->used;
}

static void slab_give(struct slab *slab, uint32_t record)
{
        memcpy(slab_at(slab, record), &slab->free, sizeof slab->free);
        slab->free = record;
}

/* Chunks take room as they are filled. */
static uint64_t slab_bytes(const struct slab *slab)
{
        return (uint64_t)slab->used * (slab->size + slab->beside);
}

static void slab_clear(struct slab *slab)
{
        for (uint32_t i = 0; i < slab->chunk_count; i++)
                wide_memory_give(slab->chunks[i], (slab->size + slab->beside) << slab->bits);
        free(slab->chunks);
}

static bool index_init(struct index *index, uint32_t heads)
{
        index->heads = calloc(heads, sizeof *index->heads);
        index->mask = heads - 1;
        return index->heads != NULL;
}

struct store *store_create(uint32_t session_limit)
{
        struct store *store = calloc(1, sizeof *store);
        if (store == NULL)
                return NULL;
        for (unsigned i = 0; i < 2 && seeds[1] == 0; i++)
                seeds[i] = hash_seed();
        store->limit = session_limit;
        store->sessions = (struct slab){.size = sizeof(struct session), .bits = SESSIONS_A_CHUNK,
                                        .beside = sizeof(struct session_life) + sizeof(struct session_neighbours)};
        store->endpoints = (struct slab){.size = sizeof(struct endpoint), .bits = ENDPOINTS_A_CHUNK};
        store->routes = (struct slab){.size = sizeof(struct route), .bits = ROUTES_A_CHUNK};
        store->node_limit = session_limit > NODES_MOST ? NODES_MOST : session_limit < NODES_LEAST ? NODES_LEAST : session_limit;
        store->nodes = calloc(store->node_limit + 1, sizeof *store->nodes);
        for (store->node_mask = NODES_LEAST; store->node_mask < 2 * store->node_limit; store->node_mask *= 2)
                continue;
        store->node_mask--;
        store->node_slots = calloc(store->node_mask + UINT64_C(1), sizeof *store->node_slots);
        store->node_uses = calloc(store->node_limit + 1, sizeof *store->node_uses);
        if (!index_init(&store->imsi, FIRST_HEADS) || !index_init(&store->imei, FIRST_HEADS) || !index_init(&store->ipv4, FIRST_HEADS) ||
            !index_init(&store->ipv6, FIRST_HEADS) || !index_init(&store->endpoint, FIRST_ENDPOINTS) ||
            !index_init(&store->route, FIRST_ROUTES) || store->nodes == NULL || store->node_slots == NULL || store->node_uses == NULL) {
                store_destroy(store);
                return NULL;
        }
        return store;
}

void store_destroy(struct store *store)
{
        if (store == NULL)
                return;
        slab_clear(&store->sessions);
        slab_clear(&store->endpoints);
        slab_clear(&store->routes);
        free(store->imsi.heads);
        free(store->imei.heads);
        free(store->ipv4.heads);
        free(store->ipv6.heads);
        free(store->endpoint.heads);
        free(store->route.heads);
        free(store->nodes);
        free(store->node_slots);
        free(store->node_uses);
        free(store);
}

bool store_holds(const struct store *store, uint32_t record)
{
        return record != STORE_NONE && record <= store->sessions.used;
}

struct route *store_route(struct store *store, uint32_t record)
{
        return slab_at(&store->routes, record);
}

/* What each index hashes, and through which member it chains. */

/* Which pairs have the same hash is not told without both seeds. */
static uint32_t hash_pair(uint64_t one, uint64_t other)
{
        return (uint32_t)XXH3_mul128_fold64(one ^ seeds[0], other ^ seeds[1]);
}

static uint32_t hash_number(uint64_t number)
{
        return hash_pair(number, 0);
}

static uint32_t hash_bits(const struct address *address, unsigned length)
{
        uint64_t halves[2];
        memcpy(halves, address->bytes, sizeof halves);
        return hash_pair(halves[0] + length, halves[1]);
}

static uint32_t hash_address(const struct address *address)
{
        return hash_bits(address, 128);
}

static uint32_t hash_prefix(const struct prefix *prefix)
{
        return hash_bits(&prefix->address, prefix->length);
}

static uint64_t module_of(uint64_t imei)
{
        return imei >> 8; /* 14 of 16 nibbles */
}

static uint32_t hash_endpoint(enum endpoint_kind kind, uint16_t context, uint32_t node, uint64_t key)
{
        return hash_pair(key, (uint64_t)kind << 48 | (uint64_t)context << 32 | node);
}

typedef uint32_t (*hash_fn)(struct store *store, uint32_t record);
typedef struct chain_link *(*link_fn)(struct store *store, uint32_t record);

struct chain {
        hash_fn hash;
        link_fn link;
};

static uint32_t imsi_hash(struct store *store, uint32_t record) { return hash_number(store_session(store, record)->imsi); }
static uint32_t imei_hash(struct store *store, uint32_t record) { return hash_number(module_of(store_session(store, record)->imei)); }
static uint32_t ipv4_hash(struct store *store, uint32_t record) { return hash_address(&store_session(store, record)->ipv4); }
static uint32_t ipv6_hash(struct store *store, uint32_t record) { return hash_prefix(&store_session(store, record)->ipv6); }
static uint32_t route_hash(struct store *store, uint32_t record) { return hash_prefix(&store_route(store, record)->prefix); }
static struct chain_link *route_link(struct store *store, uint32_t record) { return &store_route(store, record)->by_prefix; }
static struct chain_link *imsi_link(struct store *store, uint32_t record) { return &store_session(store, record)->by_imsi; }
static struct chain_link *imei_link(struct store *store, uint32_t record) { return &store_session(store, record)->by_imei; }
static struct chain_link *ipv4_link(struct store *store, uint32_t record) { return &store_session(store, record)->by_ipv4; }
static struct chain_link *ipv6_link(struct store *store, uint32_t record) { return &store_session(store, record)->by_ipv6; }
static struct chain_link *endpoint_link(struct store *store, uint32_t record) { return &store_endpoint(store, record)->by_key; }

static uint32_t endpoint_hash(struct store *store, uint32_t record)
{
        const struct endpoint *endpoint = store_endpoint(store, record);
        return hash_endpoint((enum endpoint_kind)endpoint->kind, endpoint->context, endpoint->node, endpoint->key);
}

static const struct chain imsi_chain = {imsi_hash, imsi_link}, imei_chain = {imei_hash, imei_link},
                          ipv4_chain = {ipv4_hash, ipv4_link}, ipv6_chain = {ipv6_hash, ipv6_link},
                          endpoint_chain = {endpoint_hash, endpoint_link}, route_chain = {route_hash, route_link};

/* A chain falls into two; each keeps the order. */
static void split_chain(struct store *store, const struct chain *chain, uint32_t from, uint32_t *heads, uint32_t mask)
{
        uint32_t last[2] = {STORE_NONE, STORE_NONE};
        for (uint32_t record = from, next; record != STORE_NONE; record = next) {
                struct chain_link *link = chain->link(store, record);
                uint32_t slot = chain->hash(store, record) & mask;
                unsigned half = (slot & (mask + 1) / 2) != 0;
                next = link->next;
                *link = (struct chain_link){.next = STORE_NONE, .before = last[half]};
                if (last[half] != STORE_NONE)
                        chain->link(store, last[half])->next = record;
                else
                        heads[slot] = record;
                last[half] = record;
        }
}

static void index_grow(struct store *store, struct index *index, const struct chain *chain)
{
        uint32_t size = (index->mask + 1) * 2;
        uint32_t *heads = calloc(size, sizeof *heads);
        if (heads == NULL)
                return; /* longer chains */
        for (uint32_t i = 0; i <= index->mask; i++) {
                if (i + GROW_AHEAD <= index->mask && index->heads[i + GROW_AHEAD] != STORE_NONE)
                        __builtin_prefetch(chain->link(store, index->heads[i + GROW_AHEAD]));
                split_chain(store, chain, index->heads[i], heads, size - 1);
        }
        free(index->heads);
        index->heads = heads;
        index->mask = size - 1;
}

static void index_add(struct store *store, struct index *index, const struct chain *chain, uint32_t record)
{
        if (index->count++ > index->mask)
                index_grow(store, index, chain);
        uint32_t *head = &index->heads[chain->hash(store, record) & index->mask];
        *chain->link(store, record) = (struct chain_link){.next = *head, .before = STORE_NONE};
        if (*head != STORE_NONE)
                chain->link(store, *head)->before = record;
        *head = record;
}

static void index_remove(struct store *store, struct index *index, const struct chain *chain, uint32_t record)
{
        const struct chain_link *link = chain->link(store, record);
        if (link->next != STORE_NONE)
                chain->link(store, link->next)->before = link->before;
        if (link->before != STORE_NONE)
                chain->link(store, link->before)->next = link->next;
        else
                index->heads[chain->hash(store, record) & index->mask] = link->next;
        index->count--;
}

static bool has_ipv6(const struct session *session)
{
        return session->ipv6.length > 0;
}

static bool has_ipv4(const struct session *session)
{
        return !address_is_unspecified(&session->ipv4);
}

void store_link(struct store *store, uint32_t record)
{
        store_stamp(store, record);
        const struct session *session = store_session(store, record);
        if (session->imsi != 0 && session->ended_ns == 0)
                index_add(store, &store->imsi, &imsi_chain, record);
        if (session->imei != 0 && session->ended_ns == 0)
                index_add(store, &store->imei, &imei_chain, record);
        if (has_ipv4(session))
                index_add(store, &store->ipv4, &ipv4_chain, record);
        if (has_ipv6(session)) {
                store->prefix_lengths[session->ipv6.length]++;
                if (session->ipv6.length > store->longest_prefix)
                        store->longest_prefix = session->ipv6.length;
                index_add(store, &store->ipv6, &ipv6_chain, record);
        }
}

void store_unlink(struct store *store, uint32_t record)
{
        const struct session *session = store_session(store, record);
        if (session->imsi != 0 && session->ended_ns == 0)
                index_remove(store, &store->imsi, &imsi_chain, record);
        if (session->imei != 0 && session->ended_ns == 0)
                index_remove(store, &store->imei, &imei_chain, record);
        if (has_ipv4(session))
                index_remove(store, &store->ipv4, &ipv4_chain, record);
        if (has_ipv6(session)) {
                store->prefix_lengths[session->ipv6.length]--;
                while (store->longest_prefix > 0 && store->prefix_lengths[store->longest_prefix] == 0)
                        store->longest_prefix--;
                index_remove(store, &store->ipv6, &ipv6_chain, record);
        }
}

/* The two orders: live by last use, ended by end. */

static struct session_neighbours *neighbours_of(const struct store *store, uint32_t record)
{
        uint32_t at = record - 1;
        char *chunk = store->sessions.chunks[at >> SESSIONS_A_CHUNK];
        return (struct session_neighbours *)(chunk + ((sizeof(struct session) + sizeof(struct session_life)) << SESSIONS_A_CHUNK)) +
               (at & ((1U << SESSIONS_A_CHUNK) - 1));
}

static void queue_remove(struct store *store, uint32_t *oldest, uint32_t *newest, uint32_t record)
{
        const struct session_neighbours *near = neighbours_of(store, record);
        *(near->older != STORE_NONE ? &neighbours_of(store, near->older)->newer : oldest) = near->newer;
        *(near->newer != STORE_NONE ? &neighbours_of(store, near->newer)->older : newest) = near->older;
}

static void queue_add(struct store *store, uint32_t *oldest, uint32_t *newest, uint32_t record)
{
        *neighbours_of(store, record) = (struct session_neighbours){.older = *newest, .newer = STORE_NONE};
        *(*newest != STORE_NONE ? &neighbours_of(store, *newest)->newer : oldest) = record;
        *newest = record;
}

bool store_is_full(const struct store *store)
{
        return store->live + store->ended >= store->limit;
}

uint32_t store_oldest(const struct store *store)
{
        return store->oldest;
}

uint32_t store_oldest_ended(const struct store *store)
{
        return store->oldest_ended;
}

void store_stamp(struct store *store, uint32_t record)
{
        store_life(store, record)->stamp = ++store->stamps;
}

void store_note_facts(struct store *store, uint32_t record)
{
        const struct session *session = store_session(store, record);
        struct session_life *life = store_life(store, record);
        life->has_subscriber = session->imsi != 0 || session->msisdn != 0;
        life->is_partial = session->imsi == 0 && !has_ipv4(session) && !has_ipv6(session);
}

uint32_t store_add(struct store *store)
{
        uint32_t record = slab_take(&store->sessions);
        if (record == STORE_NONE)
                return STORE_NONE;
        struct session *session = store_session(store, record);
        session->number = ++store->numbers;
        session->apn = NAME_NONE;
        *store_life(store, record) = (struct session_life){.stamp = ++store->stamps, .is_partial = true};
        store->live++;
        queue_add(store, &store->oldest, &store->newest, record);
        return record;
}

void store_use(struct store *store, uint32_t record)
{
        if (store->newest == record)
                return;
        queue_remove(store, &store->oldest, &store->newest, record);
        queue_add(store, &store->oldest, &store->newest, record);
}

/* `ended_ns` is set between unlink and link, by the caller's clock. */
void store_end(struct store *store, uint32_t record)
{
        queue_remove(store, &store->oldest, &store->newest, record);
        queue_add(store, &store->oldest_ended, &store->newest_ended, record);
        store_life(store, record)->has_ended = true;
        store_stamp(store, record);
        store->live--;
        store->ended++;
}

static void free_routes(struct store *store, struct session *session)
{
        while (session->routes != STORE_NONE) {
                uint32_t record = session->routes;
                session->routes = store_route(store, record)->next;
                store->route_lengths[store_route(store, record)->prefix.length]--;
                index_remove(store, &store->route, &route_chain, record);
                slab_give(&store->routes, record);
                store->route_count--;
        }
}

void store_free(struct store *store, uint32_t record)
{
        struct session *session = store_session(store, record);
        free_routes(store, session);
        while (session->endpoints != STORE_NONE)
                store_remove_endpoint(store, session->endpoints);
        store_unlink(store, record);
        store_life(store, record)->has_ended = true; /* who remembers it asks */
        if (session->ended_ns != 0) {
                queue_remove(store, &store->oldest_ended, &store->newest_ended, record);
                store->ended--;
        } else {
                queue_remove(store, &store->oldest, &store->newest, record);
                store->live--;
        }
        slab_give(&store->sessions, record);
}

/* Lookups. */

uint32_t store_by_imsi(struct store *store, uint64_t imsi, uint32_t after)
{
        uint32_t record = after ? store_session(store, after)->by_imsi.next : store->imsi.heads[hash_number(imsi) & store->imsi.mask];
        while (record != STORE_NONE && store_session(store, record)->imsi != imsi)
                record = store_session(store, record)->by_imsi.next;
        return record;
}

uint32_t store_by_imei(struct store *store, uint64_t imei, uint32_t after)
{
        uint32_t record = after ? store_session(store, after)->by_imei.next
                                : store->imei.heads[hash_number(module_of(imei)) & store->imei.mask];
        while (record != STORE_NONE && module_of(store_session(store, record)->imei) != module_of(imei))
                record = store_session(store, record)->by_imei.next;
        return record;
}

/* Without an IMSI the telephone number tells. */
static bool is_other_subscriber(const struct session *a, const struct session *b)
{
        if (a->imsi != 0 && b->imsi != 0)
                return a->imsi != b->imsi;
        return a->msisdn != 0 && b->msisdn != 0 && a->msisdn != b->msisdn;
}

/* Modules that left the factory with one number may be many: some of them are enough. */
void store_note_sharers(struct store *store, uint32_t record)
{
        const struct session *session = store_session(store, record);
        unsigned seen = 0;
        for (uint32_t at = session->imei == 0 ? STORE_NONE : store_by_imei(store, session->imei, STORE_NONE);
             at != STORE_NONE && seen++ < SHARERS_MOST; at = store_by_imei(store, session->imei, at)) {
                if (is_other_subscriber(session, store_session(store, at)))
                        store_life(store, at)->shares_imei = store_life(store, record)->shares_imei = true;
        }
}

uint32_t store_by_ipv4(struct store *store, const struct address *address, uint32_t after)
{
        uint32_t record = after ? store_session(store, after)->by_ipv4.next : store->ipv4.heads[hash_address(address) & store->ipv4.mask];
        while (record != STORE_NONE && !address_equal(&store_session(store, record)->ipv4, address))
                record = store_session(store, record)->by_ipv4.next;
        return record;
}

/* The longest prefix first; `after` goes on within its length, then with shorter ones. */
uint32_t store_by_ipv6(struct store *store, const struct address *address, uint32_t after)
{
        unsigned length = after ? store_session(store, after)->ipv6.length : store->longest_prefix;
        uint32_t record = after ? store_session(store, after)->by_ipv6.next : STORE_NONE;
        for (bool resumed = after != STORE_NONE;; resumed = false) {
                if (!resumed) {
                        while (length > 0 && store->prefix_lengths[length] == 0)
                                length--;
                        if (length == 0)
                                return STORE_NONE;
                        struct prefix wanted = binding_prefix_around(address, length);
                        record = store->ipv6.heads[hash_prefix(&wanted) & store->ipv6.mask];
                }
                for (; record != STORE_NONE; record = store_session(store, record)->by_ipv6.next) {
                        const struct prefix *prefix = &store_session(store, record)->ipv6;
                        if (prefix->length == length && prefix_contains(prefix, address))
                                return record;
                }
                length--;
        }
}

/* Where the node stands, or has its place. */
static uint32_t node_slot(const struct store *store, const struct address *address)
{
        uint32_t slot = hash_address(address) & store->node_mask;
        while (store->node_slots[slot] != STORE_NONE && !address_equal(&store->nodes[store->node_slots[slot]], address))
                slot = (slot + 1) & store->node_mask;
        return slot;
}

/* Nodes without an endpoint go, all at once: seldom enough, for they are many. */
static void free_idle_nodes(struct store *store)
{
        memset(store->node_slots, 0, (store->node_mask + UINT64_C(1)) * sizeof *store->node_slots);
        store->node_free = STORE_NONE;
        for (uint32_t node = 1; node <= store->node_count; node++) {
                if (store->node_uses[node] > 0) {
                        store->node_slots[node_slot(store, &store->nodes[node])] = node;
                        continue;
                }
                store->node_uses[node] = store->node_free;
                store->node_free = node;
        }
        store->nodes_freed += store->node_idle;
        store->node_idle = 0;
}

uint32_t store_node(struct store *store, const struct address *address, bool make)
{
        uint32_t slot = node_slot(store, address);
        if (store->node_slots[slot] != STORE_NONE || !make)
                return store->node_slots[slot];
        bool is_full = store->node_free == STORE_NONE && store->node_count == store->node_limit;
        if (is_full && store->node_idle < store->node_limit / NODES_IDLE_SHARE) {
                store->nodes_refused++;
                return STORE_NONE;
        }
        if (is_full) {
                free_idle_nodes(store);
                slot = node_slot(store, address);
        }
        uint32_t node = store->node_free;
        if (node != STORE_NONE)
                store->node_free = store->node_uses[node];
        else
                node = ++store->node_count;
        store->nodes[node] = *address;
        store->node_uses[node] = 0;
        store->node_slots[slot] = node;
        store->node_idle++;
        return node;
}

uint64_t store_nodes_freed(const struct store *store)
{
        return store->nodes_freed;
}

uint64_t store_nodes_refused(const struct store *store)
{
        return store->nodes_refused;
}

const struct address *store_node_address(const struct store *store, uint32_t node)
{
        return &store->nodes[node];
}

uint32_t store_find_endpoint(struct store *store, enum endpoint_kind kind, uint16_t context, uint32_t node, uint64_t key, uint32_t after)
{
        uint32_t record = after ? store_endpoint(store, after)->by_key.next
                                : store->endpoint.heads[hash_endpoint(kind, context, node, key) & store->endpoint.mask];
        for (; record != STORE_NONE; record = store_endpoint(store, record)->by_key.next) {
                const struct endpoint *endpoint = store_endpoint(store, record);
                if (endpoint->key == key && endpoint->node == node && endpoint->kind == kind && endpoint->context == context)
                        return record;
        }
        return STORE_NONE;
}

/* Sessions that had the same tunnel: who asks now gets the newest. */
static void stamp_former(struct store *store, uint32_t record)
{
        const struct endpoint *added = store_endpoint(store, record);
        unsigned seen = 0;
        for (uint32_t at = record; seen++ < FORMER_MOST &&
             (at = store_find_endpoint(store, ENDPOINT_USER, added->context, added->node, added->key, at)) != STORE_NONE;)
                store_stamp(store, store_endpoint(store, at)->session);
}

uint32_t store_add_endpoint(struct store *store, uint32_t session, const struct endpoint *what)
{
        if (store->endpoint_count >= store->limit * (uint64_t)ENDPOINTS_A_SESSION)
                return STORE_NONE;
        uint32_t record = slab_take(&store->endpoints);
        if (record == STORE_NONE)
                return STORE_NONE;
        struct endpoint *endpoint = store_endpoint(store, record);
        *endpoint = *what;
        endpoint->session = session;
        endpoint->next = store_session(store, session)->endpoints;
        store_session(store, session)->endpoints = record;
        index_add(store, &store->endpoint, &endpoint_chain, record);
        store->endpoint_count++;
        if (what->node != STORE_NONE && store->node_uses[what->node]++ == 0)
                store->node_idle--;
        store_stamp(store, session);
        if (what->kind == ENDPOINT_USER)
                stamp_former(store, record);
        return record;
}

void endpoint_release(struct endpoint *endpoint, int64_t time_ns)
{
        uint32_t now = endpoint_moment(time_ns), held = now - endpoint->moment;
        endpoint->is_released = true;
        endpoint->held = (int32_t)held < 0 ? 0 : held < ENDPOINT_LONG ? (uint16_t)held : ENDPOINT_LONG;
        endpoint->moment = now;
}

void store_remove_endpoint(struct store *store, uint32_t record)
{
        struct endpoint *endpoint = store_endpoint(store, record);
        uint32_t *link = &store_session(store, endpoint->session)->endpoints;
        while (*link != record)
                link = &store_endpoint(store, *link)->next;
        *link = endpoint->next;
        store_stamp(store, endpoint->session);
        index_remove(store, &store->endpoint, &endpoint_chain, record);
        if (endpoint->node != STORE_NONE && --store->node_uses[endpoint->node] == 0)
                store->node_idle++;
        slab_give(&store->endpoints, record);
        store->endpoint_count--;
}

uint32_t store_add_route(struct store *store, uint32_t session, const struct prefix *prefix)
{
        if (store->route_count >= store->limit)
                return STORE_NONE;
        uint32_t record = slab_take(&store->routes);
        if (record == STORE_NONE)
                return STORE_NONE;
        *store_route(store, record) = (struct route){.prefix = *prefix, .session = session, .next = store_session(store, session)->routes};
        store_session(store, session)->routes = record;
        store->route_lengths[prefix->length]++;
        index_add(store, &store->route, &route_chain, record);
        store->route_count++;
        return record;
}

uint32_t store_by_route(struct store *store, const struct address *address, uint32_t after)
{
        unsigned length = after ? store_route(store, after)->prefix.length : PREFIX_LENGTHS - 1;
        uint32_t record = after ? store_route(store, after)->by_prefix.next : STORE_NONE;
        for (bool resumed = after != STORE_NONE; store->route_count > 0; resumed = false) {
                while (!resumed && length > 0 && store->route_lengths[length] == 0)
                        length--;
                if (length == 0)
                        break;
                struct prefix wanted = binding_prefix_around(address, length);
                if (!resumed)
                        record = store->route.heads[hash_prefix(&wanted) & store->route.mask];
                for (; record != STORE_NONE; record = store_route(store, record)->by_prefix.next) {
                        const struct prefix *prefix = &store_route(store, record)->prefix;
                        if (prefix->length == length && address_equal(&prefix->address, &wanted.address))
                                return record;
                }
                length--;
        }
        return STORE_NONE;
}

uint32_t store_live(const struct store *store)
{
        return store->live;
}

static uint64_t index_bytes(const struct index *index)
{
        return (uint64_t)(index->mask + 1) * sizeof *index->heads;
}

uint64_t store_bytes(const struct store *store)
{
        return slab_bytes(&store->sessions) +
               slab_bytes(&store->endpoints) +
               slab_bytes(&store->routes) + index_bytes(&store->imsi) +
               index_bytes(&store->imei) + index_bytes(&store->ipv4) + index_bytes(&store->ipv6) + index_bytes(&store->endpoint) + index_bytes(&store->route) +
               (store->node_limit + UINT64_C(1)) * (sizeof *store->nodes + sizeof *store->node_uses) + (store->node_mask + UINT64_C(1)) * sizeof *store->node_slots;
}

void store_each_live(struct store *store, bool (*each)(void *context, uint32_t record), void *context)
{
        for (uint32_t record = store->oldest, next; record != STORE_NONE; record = next) {
                next = neighbours_of(store, record)->newer;
                if (!each(context, record))
                        return;
        }
}

static void fetch(struct store *store, const struct index *index, const struct chain *chain, uint32_t hash)
{
        uint32_t record = index->heads[hash & index->mask];
        if (record != STORE_NONE)
                __builtin_prefetch(chain->link(store, record));
}

static void fetch_endpoint(struct store *store, uint16_t context, const struct said *said, const struct address *address, uint64_t key,
                           bool user)
{
        enum endpoint_kind control = said->protocol == SAID(PROTOCOL__PFCP) ? ENDPOINT_SEID : ENDPOINT_CONTROL;
        uint32_t node = key != 0 ? store_node(store, address, false) : STORE_NONE;
        if (node != STORE_NONE)
                fetch(store, &store->endpoint, &endpoint_chain, hash_endpoint(user ? ENDPOINT_USER : control, context, node, key));
}

void store_soon(struct store *store, uint16_t context, const struct said *said)
{
        if (store->sessions.used < CACHED_SESSIONS)
                return; /* all of them are */
        if (said->imsi != 0)
                fetch(store, &store->imsi, &imsi_chain, hash_number(said->imsi));
        if (said->imei != 0)
                fetch(store, &store->imei, &imei_chain, hash_number(module_of(said->imei)));
        if (said->has_ipv4)
                fetch(store, &store->ipv4, &ipv4_chain, hash_address(&said->ipv4));
        if (said->has_ipv6) {
                struct prefix usual = binding_prefix_around(&said->ipv6, 64);
                fetch(store, &store->ipv6, &ipv6_chain, hash_prefix(&usual));
        }
        if (!is_named(said))
                fetch_endpoint(store, context, said, &said->destination, said->key, false);
        for (unsigned i = 0; i < said->end_count; i++)
                fetch_endpoint(store, context, said, &said->ends[i].addresses[0], said->ends[i].key, said->ends[i].user);
}
