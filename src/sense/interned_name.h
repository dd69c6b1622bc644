/* Server names, each kept once however many flows carry it, with the application that nDPI knows for it. Counted references;
 * no limit of its own: each live flow holds at most one. */
#pragma once

#include <stdint.h>

#include <uthash.h>

struct interned_name {
        UT_hash_handle hh;
        uint32_t references;
        const char *application; /* nDPI's, static; NULL: none */
        char text[];
};

struct interned_names {
        struct interned_name *head;
};

/* The name with one more reference. `is_new` when nobody held it. NULL: no memory. */
struct interned_name *interned_name_take(struct interned_names *names, const char *text, int *is_new);
void interned_name_release(struct interned_names *names, struct interned_name *name); /* NULL is allowed */
void interned_names_clear(struct interned_names *names);
