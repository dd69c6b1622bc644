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
        int64_t changed_ns, restarted_ns; /* 0: never */
        bool has_before;
        UT_hash_handle hh;
};

struct binding_peers {
        struct peer *by_key;
        unsigned count;
};

struct binding_peers *binding_peers_create(void)
{
        return calloc(1, sizeof(struct binding_peers));
}

void binding_peers_destroy(struct binding_peers *peers)
{
        struct peer *peer, *next;
        if (peers == NULL)
                return;
        HASH_ITER(hh, peers->by_key, peer, next) {
                HASH_DEL(peers->by_key, peer);
                free(peer);
        }
        free(peers);
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
        if (peer->value == value || (protocol == BINDING_PFCP && value < peer->value))
                return false;
        bool takes_turns = peer->has_before && peer->before == value && time_ns - peer->changed_ns < HOUR_NS;
        peer->before = peer->value;
        peer->has_before = true;
        peer->value = value;
        peer->changed_ns = time_ns;
        if (!takes_turns)
                peer->restarted_ns = time_ns;
        return !takes_turns;
}

bool binding_peers_restarted_since(const struct binding_peers *peers, const struct address *address, int64_t since_ns)
{
        for (const struct peer *peer = peers->by_key; peer != NULL; peer = peer->hh.next)
                if (address_equal(&peer->key.address, address) && peer->restarted_ns >= since_ns && peer->restarted_ns != 0)
                        return true;
        return false;
}
