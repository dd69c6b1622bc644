#include "sense/interned_name.h"

#include <stdlib.h>
#include <string.h>

struct interned_name *interned_name_take(struct interned_names *names, const char *text, int *is_new)
{
        struct interned_name *name;
        unsigned length = (unsigned)strlen(text);
        HASH_FIND(hh, names->head, text, length, name);
        *is_new = name == NULL;
        if (name == NULL) {
                name = malloc(sizeof *name + length + 1);
                if (name == NULL)
                        return NULL;
                memset(name, 0, sizeof *name);
                memcpy(name->text, text, length + 1);
                HASH_ADD_KEYPTR(hh, names->head, name->text, length, name);
        }
        name->references++;
        return name;
}

void interned_name_release(struct interned_names *names, struct interned_name *name)
{
        if (name == NULL || --name->references > 0)
                return;
        HASH_DEL(names->head, name);
        free(name);
}

void interned_names_clear(struct interned_names *names)
{
        struct interned_name *name = names->head;
        HASH_CLEAR(hh, names->head);
        while (name != NULL) {
                struct interned_name *next = name->hh.next;
                free(name);
                name = next;
        }
}
