/* Which device stood behind an address and port of a NAT, from the NAT's own log (--nat): CSV with the columns from, until, inside,
 * outside, port_first, port_last, protocol. inside and outside are needed in a row. Without ports a row holds for all (one to
 * one), without port_last for one; without protocol, or with `any`, for all. from and until (the first moment after; a date takes
 * its day in) are open when empty. Immutable once loaded; 64 bytes a row.
 *
 * Rows are found by binary search. Where several hold, the one with the later `from` wins, then the later in the file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"

struct nat_log;

/* Faults go to `errors` as file:line:column, all of them; NULL then. */
struct nat_log *nat_log_load(const char *path, FILE *errors);
struct nat_log *nat_log_parse(const char *path, const void *bytes, size_t length, FILE *errors);
void nat_log_destroy(struct nat_log *log);

/* Who had `outside` with this port at this moment. False: nobody that the log knows of, or no log. ICMP has its identifier as port. */
bool nat_log_find(const struct nat_log *log, const struct address *outside, uint16_t port, uint8_t protocol, int64_t time_ns,
                  struct address *inside);

uint32_t nat_log_count(const struct nat_log *log);
const char *nat_log_digest(const struct nat_log *log); /* "sha256:..." of the file */
