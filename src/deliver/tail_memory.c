#include "deliver/tail_memory.h"

#include <stdlib.h>

/* No memory for the table is no reason to end: what cannot be remembered is printed. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct printed {
        struct printed_key {
                struct entry_id id;
                uint64_t stream;
        } key;
        UT_hash_handle hh;
};

struct tail_memory {
        struct printed *entries; /* uthash keeps them in order of arrival */
};

struct tail_memory *tail_memory_create(void)
{
        return calloc(1, sizeof(struct tail_memory));
}

static void forget(struct tail_memory *memory, struct printed *entry)
{
        HASH_DEL(memory->entries, entry);
        free(entry);
}

void tail_memory_destroy(struct tail_memory *memory)
{
        while (memory && memory->entries)
                forget(memory, memory->entries); /* NOLINT: uthash unlinks; the analyser does not see it */
        free(memory);
}

bool tail_memory_add(struct tail_memory *memory, unsigned stream, struct entry_id id)
{
        struct printed_key key = {.id = id, .stream = stream};
        struct printed *entry;
        HASH_FIND(hh, memory->entries, &key, sizeof key, entry); /* NOLINT: uthash unlinks; the analyser does not see it */
        if (entry != NULL)
                return false;
        if (HASH_COUNT(memory->entries) >= TAIL_MEMORY_ENTRIES)
                forget(memory, memory->entries);
        entry = calloc(1, sizeof *entry);
        if (entry == NULL)
                return true;
        entry->key = key;
        HASH_ADD(hh, memory->entries, key, sizeof key, entry);
        return true;
}
