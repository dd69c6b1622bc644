#include "judge/binding_peers.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { PEER_LIMIT = 65536 };

static const int64_t HOUR_NS = INT64_C(3600) * 1000000000;

struct peer {
        struct peer_key {
                struct address address;
                uint16_t context, protocol;
        } key;
        uint64_t value, before;
        int64_t changed_ns;
        bool has_before;
        UT_hash_handle hh;
};

struct restart {
        struct address address;
        int64_t time_ns;
        UT_hash_handle hh;
};

struct binding_peers {
        struct peer *by_key;
        struct restart *restarts; /* the last of an address */
        unsigned count;
};

struct binding_peers *binding_peers_create(void)
{
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

/* As many as there are peers, at most. */
void binding_peers_note_restart(struct binding_peers *peers, const struct address *address, int64_t time_ns)
{
        struct restart *restart;
        HASH_FIND(hh, peers->restarts, address, sizeof *address, restart);
        if (restart == NULL) {
                if ((restart = calloc(1, sizeof *restart)) == NULL)
                        return;
                restart->address = *address;
                HASH_ADD(hh, peers->restarts, address, sizeof restart->address, restart);
        }
        restart->time_ns = time_ns;
}

bool binding_peers_restarted(struct binding_peers *peers, const struct address *address, uint16_t context, enum binding_source protocol,
                             uint64_t value, int64_t time_ns)
{
        struct peer_key key;
        struct peer *peer;
        memset(&key, 0, sizeof key);
        key.address = *address;
        key.context = context;
        key.protocol = (uint16_t)protocol;
        HASH_FIND(hh, peers->by_key, &key, sizeof key, peer);
        if (peer == NULL) {
                if (peers->count >= PEER_LIMIT || (peer = calloc(1, sizeof *peer)) == NULL)
                        return false;
                peer->key = key;
                peer->value = value;
                HASH_ADD(hh, peers->by_key, key, sizeof peer->key, peer);
                peers->count++;
                return false;
        }
        bool only_rises = protocol != BINDING_GTPV1C && protocol != BINDING_GTPV2C; /* times, Origin-State-Id (RFC 6733, 8.16) */
        if (peer->value == value || (only_rises && value < peer->value))
                return false;
        bool takes_turns = peer->has_before && peer->before == value && time_ns - peer->changed_ns < HOUR_NS;
        peer->before = peer->value;
        peer->has_before = true;
        peer->value = value;
        peer->changed_ns = time_ns;
        if (!takes_turns)
                binding_peers_note_restart(peers, address, time_ns);
        return !takes_turns;
}

bool binding_peers_restarted_since(const struct binding_peers *peers, const struct address *address, int64_t since_ns)
{
        const struct restart *restart;
        HASH_FIND(hh, peers->restarts, address, sizeof *address, restart);
        return restart != NULL && restart->time_ns >= since_ns;
}
