/* Who had which address, from rows of AAA or CDR where no signalling is seen (--bindings): CSV with the columns from, until, ip,
 * imsi, imei, msisdn, apn. `ip` and one of imsi, imei, msisdn are needed in a row; from and until (the first moment after; a date
 * takes its day in) are open when empty. Immutable once loaded. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "judge/bindings.h"

struct binding_import;

/* Faults go to `errors` as file:line:column, all of them; NULL then. */
struct binding_import *binding_import_load(const char *path, FILE *errors);
struct binding_import *binding_import_parse(const char *path, const void *bytes, size_t length, FILE *errors);
void binding_import_destroy(struct binding_import *import);

/* Rows are ordered by `from`, then as in the file. Open times are INT64_MIN and INT64_MAX. Texts borrow from the import. */
uint32_t binding_import_count(const struct binding_import *import);
void binding_import_row(const struct binding_import *import, uint32_t index, struct binding_row *out);
const char *binding_import_digest(const struct binding_import *import); /* "sha256:..." of the file */

/* Every row to bindings_import, in that order. */
void binding_import_hand(const struct binding_import *import, struct bindings *bindings);
