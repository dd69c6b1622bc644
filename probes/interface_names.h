/* The names of interfaces over a whole run: equal names are one index, whichever file they come from. Index 0 is "".
 * At most 65 535 names; later ones are 0 too. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct interface_names;

struct interface_names *interface_names_create(void); /* NULL: no memory */
void interface_names_destroy(struct interface_names *names);
uint16_t interface_names_add(struct interface_names *names, const char *name, size_t length);
const char *interface_names_get(const struct interface_names *names, uint16_t index);
