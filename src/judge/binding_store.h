/* Sessions and what finds them: slabs of records, chained hash tables over numbers. Knows no procedure. Private to
 * bindings.
 *
 * A session that ended stays for a while (an hour, sooner when room is needed) so that late events of its flows find it
 * by address and stale packets by tunnel; then it is freed. */
#pragma once

#include "judge/binding_said.h"
#include "judge/bindings.h"
#include "judge/name_pool.h"

enum { STORE_NONE = 0 }; /* numbers of records begin at 1 */

enum endpoint_kind { ENDPOINT_CONTROL, ENDPOINT_USER, ENDPOINT_SEID, ENDPOINT_NAME }; /* NAME: a Diameter or RADIUS session identifier */

/* Of records with the same hash. Many sessions may share a value (modules without an IMEI of their own), hence both ways. */
struct chain_link {
        uint32_t next, before;
};

enum { SESSION_SETS = 5 };

struct session {
        struct chain_link by_imsi, by_imei, by_ipv4, by_ipv6; /* near to what it is found by: chains are walked over many sessions */
        uint64_t number;
        uint64_t imei, imsi;             /* digits in nibbles, the first highest; 0xf fills */
        uint16_t context;
        bool is_created;                 /* its beginning was seen */
        uint8_t rat, protocol, bearer, end; /* end: enum binding_end */
        int64_t ended_ns;                /* 0 while it lives */
        struct address ipv4;
        uint64_t msisdn;
        struct prefix ipv6;
        uint32_t apn;                    /* of the name pool; NAME_NONE */
        uint8_t sources[BINDING_FACTS];
        struct binding_plmn plmn;
        struct binding_place cell, area;
        int64_t said_ns;                 /* when signalling last spoke of it */
        uint64_t file_frame;
        uint32_t file;
        int64_t moved_ns;                /* its last move; 0: none */
        uint32_t past;                   /* and that of binding_past.h */
        uint32_t endpoints;              /* head of its chain, the newest first */
        uint32_t routes;                 /* head of networks behind the device; STORE_NONE */
        uint16_t sets[SESSION_SETS];     /* numbers of binding_sets.h, which the session holds; by part, the user plane's last */
};

/* Of a session what each event of its flows asks and changes: half a line of the cache, beside the sessions. */
struct session_life {
        uint32_t stamp;                  /* of the session's last change */
        bool has_ended : 1, has_subscriber : 1;
        bool is_partial : 1;             /* see struct holder */
        bool shares_imei : 1;            /* a session of another SIM had its module's IMEI */
        uint16_t placed;                 /* its place in the order of last use is as of then: life_moment */
        int64_t first_ns, last_ns;       /* last: of packets or signalling */
        int64_t sent_ns;                 /* see struct binding */
};

/* Moments of about four seconds, which wrap around after three days. */
static inline uint16_t life_moment(int64_t time_ns)
{
        return (uint16_t)(time_ns >> 32);
}

/* In the order of last use; of the ended: in the order of ending. Beside the sessions too: who is used touches two others' places. */
struct session_neighbours {
        uint32_t older, newer;
};

struct endpoint {
        uint64_t key;
        uint32_t node;                   /* of the node table */
        uint32_t session, next;
        struct chain_link by_key;
        union {
                uint32_t moment;         /* of a USER: since when the session has it, or when it was released; see endpoint_moment */
                uint32_t owner;          /* of a NAME: who counts these sessions, hashed */
        };
        uint16_t context;
        uint8_t kind, bearer;
        uint8_t interface;               /* TS 29.274 8.22; INTERFACE_UNKNOWN; of a NAME: enum binding_source */
        bool of_network : 1, side_known : 1, is_released : 1;
        bool is_deleted : 1;             /* released with its bearer, whose number may be another's by now */
        uint16_t held;                   /* of one that was released: for how many moments it had been the session's; ENDPOINT_LONG */
};

/* Sixteenths of a second, about, that wrap around after nine years: TEIDs go to somebody else within a second. */
enum { ENDPOINT_LONG = UINT16_MAX, ENDPOINT_MOMENT_BITS = 26 };

static inline uint32_t endpoint_moment(int64_t time_ns)
{
        return (uint32_t)((uint64_t)time_ns >> ENDPOINT_MOMENT_BITS);
}

static inline int64_t endpoint_moments_ns(uint32_t since, uint32_t until)
{
        return (int64_t)(int32_t)(until - since) * (INT64_C(1) << ENDPOINT_MOMENT_BITS);
}

void endpoint_release(struct endpoint *endpoint, int64_t time_ns);

/* A network behind the device. */
struct route {
        struct prefix prefix;
        uint32_t session, next;
        struct chain_link by_prefix;
};

enum { SESSIONS_A_CHUNK = 13, ENDPOINTS_A_CHUNK = 16, PREFIX_LENGTHS = 129 }; /* of chunks: powers of two */

/* Records in chunks that stay where they are; freed ones are used again. */
struct slab {
        void **chunks;
        unsigned bits;    /* of records in a chunk */
        uint32_t chunk_count, used, free; /* free: head of a chain through the first four bytes of freed records */
        size_t size, beside; /* of a record; of what is kept beside it, behind all records of the chunk */
};

/* Heads of chains; doubled when there are more records than heads. */
struct index {
        uint32_t *heads;
        uint32_t mask, count;
};

/* Only store_session and store_endpoint look inside; they are asked for with every link of every chain. */
struct store {
        struct slab sessions, endpoints, routes;
        struct index imsi, imei, ipv4, ipv6, endpoint, route;
        uint32_t prefix_lengths[PREFIX_LENGTHS]; /* how many sessions have a prefix of this length */
        unsigned longest_prefix;                 /* of these; 0: none */
        uint32_t route_lengths[PREFIX_LENGTHS];  /* likewise of routes */
        struct address *nodes;
        uint32_t *node_slots;
        uint32_t *node_uses; /* by how many endpoints; of a free one the next free */
        uint32_t node_count, node_limit, node_mask, node_free, node_idle; /* count: that were ever given; idle: with no endpoint */
        uint64_t nodes_refused, nodes_freed;
        uint32_t limit, live, ended;
        uint32_t oldest, newest, oldest_ended, newest_ended;
        uint32_t endpoint_count, route_count;
        uint64_t numbers;
        uint32_t stamps;
};

struct store *store_create(uint32_t session_limit);
void store_destroy(struct store *store);

static inline struct session *store_session(const struct store *store, uint32_t record)
{
        uint32_t at = record - 1;
        return (struct session *)store->sessions.chunks[at >> SESSIONS_A_CHUNK] + (at & ((1U << SESSIONS_A_CHUNK) - 1));
}

static inline struct session_life *store_life(const struct store *store, uint32_t record)
{
        uint32_t at = record - 1;
        char *chunk = store->sessions.chunks[at >> SESSIONS_A_CHUNK];
        return (struct session_life *)(chunk + (sizeof(struct session) << SESSIONS_A_CHUNK)) + (at & ((1U << SESSIONS_A_CHUNK) - 1));
}

bool store_holds(const struct store *store, uint32_t record); /* there is memory behind this number; what it holds now may be another */
/* A new one, indexed by nothing yet. STORE_NONE: no memory. The caller sees to the limit. */
uint32_t store_add(struct store *store);
bool store_is_full(const struct store *store);
uint32_t store_oldest(const struct store *store);       /* live, silent longest */
uint32_t store_oldest_ended(const struct store *store);
void store_use(struct store *store, uint32_t record);   /* it is the newest now */
void store_stamp(struct store *store, uint32_t record); /* it is another than before; links and endpoints see to it themselves */
void store_note_facts(struct store *store, uint32_t record); /* IMSI, number or address were changed: into its life */
void store_end(struct store *store, uint32_t record);   /* leaves the live: no IMSI, no IMEI finds it any more */
void store_free(struct store *store, uint32_t record);

/* What a message names will be looked up in a moment: it is fetched into the cache, all at once. A hint, nothing else. */
void store_soon(struct store *store, uint16_t context, const struct said *said);

/* A fact that is an index was changed: to be called around the change. */
void store_unlink(struct store *store, uint32_t record);
void store_link(struct store *store, uint32_t record);

/* Chains: the first, then the next of the same value; the newest link first. */
uint32_t store_by_imsi(struct store *store, uint64_t imsi, uint32_t after);
void store_note_sharers(struct store *store, uint32_t record); /* sets shares_imei of it and of those that share */
uint32_t store_by_imei(struct store *store, uint64_t imei, uint32_t after); /* first 14 digits decide */
uint32_t store_by_ipv4(struct store *store, const struct address *address, uint32_t after);
uint32_t store_by_ipv6(struct store *store, const struct address *address, uint32_t after); /* its /64, or the shorter prefix it is in */

uint32_t store_node(struct store *store, const struct address *address, bool make); /* STORE_NONE: not known, or the table is full */
uint64_t store_nodes_freed(const struct store *store);   /* no endpoint was there any more, and room was needed */
uint64_t store_nodes_refused(const struct store *store);
const struct address *store_node_address(const struct store *store, uint32_t node);

static inline struct endpoint *store_endpoint(const struct store *store, uint32_t record)
{
        uint32_t at = record - 1;
        return (struct endpoint *)store->endpoints.chunks[at >> ENDPOINTS_A_CHUNK] + (at & ((1U << ENDPOINTS_A_CHUNK) - 1));
}

uint32_t store_find_endpoint(struct store *store, enum endpoint_kind kind, uint16_t context, uint32_t node, uint64_t key, uint32_t after);
uint32_t store_add_endpoint(struct store *store, uint32_t session, const struct endpoint *what); /* STORE_NONE: no room */
void store_remove_endpoint(struct store *store, uint32_t record);

struct route *store_route(struct store *store, uint32_t record);
uint32_t store_add_route(struct store *store, uint32_t session, const struct prefix *prefix); /* STORE_NONE: no room */

/* The routes that this address is in, the longest first. */
uint32_t store_by_route(struct store *store, const struct address *address, uint32_t after);

uint32_t store_live(const struct store *store);
uint64_t store_bytes(const struct store *store);
void store_each_live(struct store *store, bool (*each)(void *context, uint32_t record), void *context); /* may end the one it is given */
