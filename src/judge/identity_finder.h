/* Identities in text that a device sends: IMEI, IMSI, ICCID, telephone number. Sure when they are the device's own or stand behind their
 * name ("imei=..."); else digits that read like one: an IMEI of 15 digits whose check digit fits (3GPP TS 23.003, 6.2) and that begins as
 * those of modules do, an ICCID of 19 or 20 that begins with 89 and whose check digit fits (ITU-T E.118). Runs that are part of a longer
 * word are none. Left out: identities in hexadecimal, BCD or with separators between their digits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum identity_kind { IDENTITY_IMEI, IDENTITY_IMSI, IDENTITY_ICCID, IDENTITY_MSISDN, IDENTITY_KINDS };

struct known_identities { /* NULL or "": not known */
        const char *imsi, *imei, *msisdn;
};

struct found_identity {
        enum identity_kind kind;
        bool is_sure;
};

/* The surest of all; false: none. */
bool identity_find(const char *text, size_t length, const struct known_identities *own, struct found_identity *out);

/* The same for a field that holds an identity and nothing else: what it is worth alone. */
bool identity_of_field(const char *digits, const struct known_identities *own, struct found_identity *out);

const char *identity_kind_text(enum identity_kind kind); /* "imei", ... */
