/* Plain lists as loaders fill them. The owner frees items with the functions below. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "base/address.h"

struct string_list {
        char **items;
        unsigned count;
};

struct prefix_list {
        struct prefix *items;
        unsigned count;
};

struct number_list {
        uint32_t *items;
        unsigned count;
};

static inline void string_list_clear(struct string_list *list)
{
        for (unsigned i = 0; i < list->count; i++)
                free(list->items[i]);
        free(list->items);
        list->items = NULL;
        list->count = 0;
}

static inline void prefix_list_clear(struct prefix_list *list)
{
        free(list->items);
        list->items = NULL;
        list->count = 0;
}

static inline void number_list_clear(struct number_list *list)
{
        free(list->items);
        list->items = NULL;
        list->count = 0;
}
