#include "probes/secret_store.h"

#include <stdlib.h>
#include <string.h>

enum { STORE_BYTES_MAX = 16 << 20, STORE_COUNT_MAX = 4096 };

struct secret_store {
        struct capture_secret *secrets;
        uint32_t count, room;
        uint64_t bytes;
};

struct secret_store *secret_store_create(void)
{
        return calloc(1, sizeof(struct secret_store));
}

void secret_store_destroy(struct secret_store *store)
{
        if (store == NULL)
                return;
        for (uint32_t i = 0; i < store->count; i++)
                free((void *)(uintptr_t)store->secrets[i].bytes);
        free(store->secrets);
        free(store);
}

static bool make_room(struct secret_store *store)
{
        if (store->count < store->room)
                return true;
        uint32_t room = store->room ? 2 * store->room : 4;
        struct capture_secret *grown = realloc(store->secrets, room * sizeof *grown);
        if (grown == NULL)
                return false;
        store->secrets = grown;
        store->room = room;
        return true;
}

bool secret_store_add(struct secret_store *store, uint32_t file, uint32_t type, const uint8_t *bytes, uint32_t length)
{
        if (store->count == STORE_COUNT_MAX || store->bytes + length > STORE_BYTES_MAX || !make_room(store))
                return false;
        uint8_t *copy = malloc(length ? length : 1);
        if (copy == NULL)
                return false;
        memcpy(copy, bytes, length);
        store->secrets[store->count++] = (struct capture_secret){.file = file, .type = type, .length = length, .bytes = copy};
        store->bytes += length;
        return true;
}

const struct capture_secret *secret_store_get(const struct secret_store *store, uint32_t index)
{
        return index < store->count ? &store->secrets[index] : NULL;
}
