/* The user's own list of TACs (--tac): which vendor's which model a type allocation code was given to. Two layouts,
 * told apart by the header: plain (tac, vendor, model) and that of the GSMA's device database and its relatives (tac,
 * standardised device vendor or manufacturer or brand name, model or marketing name, device or equipment type; many other columns,
 * often `|` between). In names of columns only letters and digits count, in any case; columns that are not known are passed
 * over. "Not Known" and the like are no value.
 *
 * Of two files the later one wins; in one file a TAC that comes again has to say the same. Immutable once loaded. */
#pragma once

#include <stdint.h>

#include "judge/intel.h"

struct tac_list;

/* Faults go to `errors` as file:line:column, all of them; NULL then. */
struct tac_list *tac_list_load(const char *const *paths, unsigned count, FILE *errors);
struct tac_list *tac_list_parse(const char *path, const void *bytes, size_t length, FILE *errors);
void tac_list_destroy(struct tac_list *list);

/* By the first 8 digits of an IMEI; NULL: not listed, or no list. */
const struct intel_tac *tac_list_find(const struct tac_list *list, const char *imei);

uint32_t tac_list_count(const struct tac_list *list);
const struct intel_tac *tac_list_at(const struct tac_list *list, uint32_t index); /* in the order of TACs */
const char *tac_list_digest(const struct tac_list *list); /* "sha256:..." over the files in their order; "" for no list */
