#include "sense/verdict_cache.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS = 64, ENTRIES = 128, AGREEING = 3, SURE = 12, ASK_AGAIN = 64 };
static const int64_t LIFETIME_NS = 3600 * 1000000000LL;

struct entry {
        struct address server;
        uint16_t port;
        uint8_t protocol;
        uint8_t agreeing; /* flows with this answer, less those with another; 0: free */
        uint8_t used;     /* since nDPI was last asked */
        int64_t time_ns;
        struct label label;
};

struct verdict_cache {
        struct entry entries[PARTS][ENTRIES];
};

struct verdict_cache *verdict_cache_create(void)
{
        return calloc(1, sizeof(struct verdict_cache));
}

void verdict_cache_destroy(struct verdict_cache *cache)
{
        free(cache);
}

static struct entry *entry_of(struct verdict_cache *cache, unsigned shard, const struct address *server, uint16_t port, uint8_t protocol)
{
        uint64_t w[2];
        memcpy(w, server->bytes, 16);
        uint64_t h = (w[0] ^ w[1] ^ (uint64_t)port << 20 ^ protocol) * 0x9e3779b97f4a7c15ULL;
        return &cache->entries[shard][h >> 57];
}

static bool entry_is(const struct entry *entry, const struct address *server, uint16_t port, uint8_t protocol)
{
        return entry->agreeing > 0 && entry->port == port && entry->protocol == protocol && address_equal(&entry->server, server);
}

bool verdict_cache_find(struct verdict_cache *cache, unsigned shard, const struct address *server, uint16_t port, uint8_t protocol,
                        int64_t now_ns, struct label *label)
{
        struct entry *entry = entry_of(cache, shard, server, port, protocol);
        if (!entry_is(entry, server, port, protocol) || entry->agreeing < AGREEING || now_ns - entry->time_ns > LIFETIME_NS)
                return false;
        if (++entry->used >= ASK_AGAIN) {
                entry->used = 0;
                return false;
        }
        *label = entry->label;
        label->trust = label->master ? LABEL_CACHED : LABEL_NONE; /* nobody looked into this flow */
        return true;
}

void verdict_cache_learn(struct verdict_cache *cache, unsigned shard, const struct address *server, uint16_t port, uint8_t protocol,
                         int64_t now_ns, const struct label *label)
{
        struct entry *entry = entry_of(cache, shard, server, port, protocol);
        bool known = entry_is(entry, server, port, protocol);
        if (known && entry->label.master == label->master && entry->label.application == label->application) {
                entry->agreeing += entry->agreeing < SURE;
                entry->time_ns = now_ns;
        } else if (known && entry->agreeing > 1) {
                entry->agreeing -= 2; /* random bytes look like something now and then */
        } else {
                *entry = (struct entry){.server = *server, .port = port, .protocol = protocol, .agreeing = 1, .time_ns = now_ns,
                                        .label = *label};
        }
}
