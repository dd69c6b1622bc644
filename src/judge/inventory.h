/* The user's list of devices: CSV with a header (INTERFACE, --inventory). Columns ip, prefix, imsi, imei, msisdn, apn, fleet,
 * tenant, vendor, model, site, mobility, state, from, until, ticket; others are kept as they are. One of ip, prefix, imsi,
 * imei, msisdn, apn is needed in a row. Comma or semicolon, RFC 4180 quotes, BOM and CRLF are read. Immutable once loaded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"

enum inventory_state { STATE_NOT_SAID, STATE_STOCK, STATE_INSTALLED, STATE_MAINTENANCE, STATE_TEST, STATE_RETIRED };
enum inventory_mobility { MOBILITY_NOT_SAID, MOBILITY_STATIC, MOBILITY_MOBILE };

/* One row; a text that is empty in the file is NULL. All borrow from the inventory. */
struct inventory_facts {
        const char *imsi, *imei, *msisdn, *apn, *fleet, *tenant, *vendor, *model, *site, *ticket;
        enum inventory_mobility mobility;
        enum inventory_state state;
        bool has_ip, has_prefix;
        struct address ip;
        struct prefix prefix;
        int64_t from_ns, until_ns; /* INT64_MIN, INT64_MAX: not given; until is the first moment after */
        unsigned row;              /* for inventory_extra */
        unsigned line;             /* in the file */
};

struct inventory;

/* Faults go to `errors` as file:line:column; NULL when there was one (all are reported, at most 100). */
struct inventory *inventory_load(const char *path, FILE *errors);
struct inventory *inventory_parse(const char *path, const void *bytes, size_t length, FILE *errors);
void inventory_destroy(struct inventory *inventory);

/* What is known of a device; what is not is NULL or "". */
struct inventory_subject {
        const struct address *address;
        const char *imsi, *imei, *msisdn, *apn; /* the APN without its operator part, in lower case */
};

/* The row that holds at `time_ns`: by IMSI, else IMEI (14 digits decide), else MSISDN, else the exact address, else the longest
 * prefix of which a row holds, else the row that names nothing but the APN; of several that hold the one with the latest `from`,
 * then the later line. A row of an address is not about a device with another IMSI or APN than it names; where rows of several APNs
 * have the address and the device's APN is not known, none is. A NULL inventory lists nothing. */
bool inventory_find_subject(const struct inventory *inventory, const struct inventory_subject *subject, int64_t time_ns,
                            struct inventory_facts *out);
/* The same for who knows no more. */
bool inventory_find(const struct inventory *inventory, const struct address *address, const char *imsi, const char *imei,
                    int64_t time_ns, struct inventory_facts *out);

unsigned inventory_count(const struct inventory *inventory);
bool inventory_row(const struct inventory *inventory, unsigned row, struct inventory_facts *out);

/* The other columns: their names, and a row's value (NULL: empty). */
unsigned inventory_extra_count(const struct inventory *inventory);
const char *inventory_extra_name(const struct inventory *inventory, unsigned column);
const char *inventory_extra(const struct inventory *inventory, unsigned row, unsigned column);

const char *inventory_state_text(enum inventory_state state); /* NULL: not said */
const char *inventory_digest(const struct inventory *inventory); /* "sha256:..." of the file */
