#include "probes/interface_names.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* else uthash ends the process */
#include <uthash.h>

enum { NAME_MAX_LENGTH = 255 };

struct name {
        UT_hash_handle hh;
        uint16_t index;
        char text[];
};

struct interface_names {
        struct name *by_text;
        struct name **by_index; /* [0] is unused */
        uint32_t count, room;
};

struct interface_names *interface_names_create(void)
{
        struct interface_names *names = calloc(1, sizeof *names);
        if (names != NULL)
                names->count = 1;
        return names;
}

void interface_names_destroy(struct interface_names *names)
{
        if (names == NULL)
                return;
        HASH_CLEAR(hh, names->by_text);
        for (uint32_t i = 1; i < names->count; i++)
                free(names->by_index[i]);
        free(names->by_index);
        free(names);
}

static int make_room(struct interface_names *names)
{
        if (names->count < names->room)
                return 0;
        uint32_t room = names->room ? 2 * names->room : 16;
        struct name **grown = realloc(names->by_index, room * sizeof *grown);
        if (grown == NULL)
                return -1;
        names->by_index = grown;
        names->room = room;
        return 0;
}

uint16_t interface_names_add(struct interface_names *names, const char *text, size_t length)
{
        struct name *found;
        length = strnlen(text, length < NAME_MAX_LENGTH ? length : NAME_MAX_LENGTH);
        if (length == 0)
                return 0;
        HASH_FIND(hh, names->by_text, text, length, found);
        if (found != NULL)
                return found->index;
        if (names->count > UINT16_MAX || make_room(names) != 0)
                return 0;
        found = calloc(1, sizeof *found + length + 1);
        if (found == NULL)
                return 0;
        memcpy(found->text, text, length);
        found->index = (uint16_t)names->count;
        names->by_index[names->count++] = found;
        HASH_ADD_KEYPTR(hh, names->by_text, found->text, length, found);
        return found->index;
}

const char *interface_names_get(const struct interface_names *names, uint16_t index)
{
        return index > 0 && index < names->count ? names->by_index[index]->text : "";
}
