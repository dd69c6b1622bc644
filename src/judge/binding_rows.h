/* Bindings that the user imported from AAA or CDR rows, by address and time. Private to bindings. */
#pragma once

#include "judge/bindings.h"

struct binding_rows;

struct binding_rows *binding_rows_create(void);
void binding_rows_destroy(struct binding_rows *rows);
void binding_rows_add(struct binding_rows *rows, const struct binding_row *row); /* copies */
/* Of the rows of the longest prefix around this address that hold at this moment the one that began last; `apn`, when both are known,
 * must agree. An IPv6 address that no row has is its neighbour's in the same /64, which one device has: it takes other addresses
 * there as it likes. NULL: none, or rows of two SIMs in APNs that `apn` does not tell apart. Good until the next call. */
const struct binding *binding_rows_find(struct binding_rows *rows, const char *apn, const struct address *address, int64_t time_ns);
