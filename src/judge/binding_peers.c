#include "judge/binding_peers.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#define HASH_FUNCTION(key, length, hash) ((hash) = (unsigned)XXH3_64bits_withSeed(key, length, seed))
#include <uthash.h>

#include "base/apart.h"
#include "base/hash_seed.h"

static uint64_t seed;

enum { PEER_LIMIT = 65536, FORMERS = 3, RESTARTS_AN_HOUR = 8, RECENT_BITS = 6 };

static const int64_t HOUR_NS = INT64_C(3600) * 1000000000, MINUTE_NS = INT64_C(60) * 1000000000;

struct peer {
        struct peer_key {
                struct address address;
                uint16_t context, protocol;
        } key;
        uint64_t value;
        int64_t heard_ns;
        struct former {
                uint64_t value;
                int64_t left_ns; /* 0: none */
        } formers[FORMERS];      /* of nodes that share the address; the one that was left longest ago makes room */
        int64_t hour_ns;         /* the first restart of the last hour */
        unsigned restarts;       /* since then */
        UT_hash_handle hh;
};

struct restart {
        struct address address;
        int64_t time_ns;
        UT_hash_handle hh;
};

struct binding_peers {
        struct peer *recent[1 << RECENT_BITS]; /* one of each hash, or NULL: few nodes say nearly everything */
        struct peer *by_key;      /* who was silent longest is first, within a minute */
        struct restart *restarts; /* the last of an address, the oldest first */
        unsigned count, restart_count;
        uint64_t forgotten;
};

struct binding_peers *binding_peers_create(void)
{
        if (seed == 0)
                seed = hash_seed();
        return calloc(1, sizeof(struct binding_peers));
}

void binding_peers_destroy(struct binding_peers *peers)
{
        if (peers == NULL)
                return;
        struct peer *peer = peers->by_key;
        struct restart *restart = peers->restarts;
        HASH_CLEAR(hh, peers->by_key);
        HASH_CLEAR(hh, peers->restarts);
        for (struct peer *next; peer != NULL; peer = next) {
                next = peer->hh.next; /* NOLINT: uthash unlinks; the analyser does not see it */
                free(peer);
        }
        for (struct restart *next; restart != NULL; restart = next) {
                next = restart->hh.next; /* NOLINT: uthash unlinks; the analyser does not see it */
                free(restart);
        }
        free(peers);
}

/* The order of a uthash table is that of insertion. */
void binding_peers_note_restart(struct binding_peers *peers, const struct address *address, int64_t time_ns)
{
        struct restart *restart;
        HASH_FIND(hh, peers->restarts, address, sizeof *address, restart);
        if (restart == NULL && peers->restart_count == PEER_LIMIT) {
                restart = peers->restarts;
                peers->forgotten++;
        }
        if (restart != NULL) {
                HASH_DEL(peers->restarts, restart);
        } else {
                if ((restart = calloc(1, sizeof *restart)) == NULL)
                        return;
                peers->restart_count++;
        }
        restart->address = *address;
        restart->time_ns = time_ns;
        HASH_ADD(hh, peers->restarts, address, sizeof restart->address, restart);
}

/* A new one; at the limit in place of the one that was silent longest. */
static struct peer *make_peer(struct binding_peers *peers, const struct peer_key *key)
{
        struct peer *peer = peers->by_key;
        if (peers->count == PEER_LIMIT) {
                HASH_DEL(peers->by_key, peer);
                memset(peer, 0, sizeof *peer);
                peers->forgotten++;
        } else {
                if ((peer = calloc(1, sizeof *peer)) == NULL)
                        return NULL;
                peers->count++;
        }
        peer->key = *key;
        HASH_ADD(hh, peers->by_key, key, sizeof peer->key, peer);
        return peer;
}

static bool is_heard(const struct peer *peer, int64_t time_ns)
{
        return time_ns - peer->heard_ns < MINUTE_NS && time_ns >= peer->heard_ns;
}

/* Goes behind, once a minute at most. */
static void note_heard(struct binding_peers *peers, struct peer *peer, int64_t time_ns)
{
        if (is_heard(peer, time_ns))
                return;
        peer->heard_ns = time_ns;
        HASH_DEL(peers->by_key, peer);
        HASH_ADD(hh, peers->by_key, key, sizeof peer->key, peer);
}

/* Another value stands now. True: it stood within the last hour, several nodes take turns. */
static bool change_value(struct peer *peer, uint64_t value, int64_t time_ns)
{
        struct former *place = &peer->formers[0];
        bool takes_turns = false;
        for (unsigned i = 0; i < FORMERS && !takes_turns; i++) {
                struct former *former = &peer->formers[i];
                takes_turns = former->left_ns != 0 && former->value == value && time_ns - former->left_ns < HOUR_NS;
                if (takes_turns || former->left_ns < place->left_ns)
                        place = former;
        }
        *place = (struct former){peer->value, time_ns};
        peer->value = value;
        return takes_turns;
}

/* What is another number with every message counts no restarts; each that is believed costs a look at every session. */
static bool is_believed(struct peer *peer, int64_t time_ns)
{
        if (peer->restarts == 0 || time_ns - peer->hour_ns >= HOUR_NS) {
                peer->hour_ns = time_ns;
                peer->restarts = 0;
        }
        return ++peer->restarts <= RESTARTS_AN_HOUR;
}

static struct peer **recent_of(struct binding_peers *peers, const struct peer_key *key)
{
        uint64_t halves[2];
        memcpy(halves, key->address.bytes, sizeof halves);
        return &peers->recent[(halves[0] ^ halves[1] ^ key->context ^ key->protocol) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - RECENT_BITS)];
}

static APART bool take_value(struct binding_peers *peers, const struct peer_key *key, uint64_t value, int64_t time_ns)
{
        struct peer *peer;
        HASH_FIND(hh, peers->by_key, key, sizeof *key, peer);
        if (peer == NULL) {
                if ((peer = make_peer(peers, key)) != NULL) {
                        peer->value = value;
                        peer->heard_ns = time_ns;
                }
                return false;
        }
        *recent_of(peers, key) = peer;
        note_heard(peers, peer, time_ns);
        bool only_rises = key->protocol != BINDING_GTPV1C && key->protocol != BINDING_GTPV2C; /* times, Origin-State-Id (RFC 6733, 8.16) */
        if (peer->value == value || (only_rises && value < peer->value))
                return false;
        if (change_value(peer, value, time_ns) || !is_believed(peer, time_ns))
                return false;
        binding_peers_note_restart(peers, &key->address, time_ns);
        return true;
}

bool binding_peers_restarted(struct binding_peers *peers, const struct address *address, uint16_t context, enum binding_source protocol,
                             uint64_t value, int64_t time_ns)
{
        const struct peer_key key = {*address, context, (uint16_t)protocol};
        const struct peer *peer = *recent_of(peers, &key);
        if (peer != NULL && peer->value == value && is_heard(peer, time_ns) && memcmp(&peer->key, &key, sizeof key) == 0)
                return false; /* nothing new */
        return take_value(peers, &key, value, time_ns);
}

uint64_t binding_peers_forgotten(const struct binding_peers *peers)
{
        return peers->forgotten;
}

bool binding_peers_restarted_since(const struct binding_peers *peers, const struct address *address, int64_t since_ns)
{
        const struct restart *restart;
        HASH_FIND(hh, peers->restarts, address, sizeof *address, restart);
        return restart != NULL && restart->time_ns >= since_ns;
}
