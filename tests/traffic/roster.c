#include "tests/traffic/roster.h"

#include <stdlib.h>
#include <string.h>

struct roster {
        struct entry {
                struct roster_row row;
                char imei[20];
        } entries[WORLD_EXTRAS];
        unsigned count;
};

struct roster *roster_create(void)
{
        return calloc(1, sizeof(struct roster));
}

void roster_destroy(struct roster *roster)
{
        free(roster);
}

void roster_add(struct roster *roster, const struct roster_row *row)
{
        if (roster->count == WORLD_EXTRAS)
                abort();
        struct entry *entry = &roster->entries[roster->count++];
        entry->row = *row;
        if (row->imei == NULL)
                return;
        snprintf(entry->imei, sizeof(entry->imei), "%s", row->imei);
        entry->row.imei = entry->imei;
}

unsigned roster_count(const struct roster *roster)
{
        return roster->count;
}

const struct roster_row *roster_row(const struct roster *roster, unsigned index)
{
        return &roster->entries[index].row;
}
