/* Country and AS of an address, from the user's MaxMind databases (https://maxmind.github.io/MaxMind-DB/). Built without
 * libmaxminddb, geo_none.c says so when a file is named. Immutable once opened. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"

struct geo;

struct geo_facts {
        char country[3]; /* two letters, upper case; "": not known */
        bool has_asn;
        uint32_t asn;
};

/* All files are opened; a fault goes to `errors` ("file: what") and yields NULL. */
struct geo *geo_open(const char *const *paths, unsigned count, FILE *errors);
void geo_close(struct geo *geo);

/* The first file that knows gives each fact. false: nothing known. A NULL geo knows nothing. */
bool geo_lookup(const struct geo *geo, const struct address *address, struct geo_facts *out);
