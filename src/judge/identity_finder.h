/* Identities in text that a device sends: IMEI, IMSI, ICCID, telephone number. Sure when they are the device's own or stand behind their
 * name ("imei=..."); else digits that read like one: an IMEI of 15 digits whose check digit fits (3GPP TS 23.003, 6.2) and that begins as
 * those of modules do, an ICCID of 19 or 20 that begins with 89 and whose check digit fits (ITU-T E.118), what stands behind "phone" or
 * "mobile". Runs that are part of a longer word are none, unless they are the device's own or the word is their name. An IMEI may stand
 * in groups (RFC 7254: urn:gsma:imei:35346009-004011-0). Of packed ones only the device's own are
 * taken: binary data hold what reads like one by chance. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum identity_kind { IDENTITY_IMEI, IDENTITY_IMSI, IDENTITY_ICCID, IDENTITY_MSISDN, IDENTITY_KINDS };

struct known_identities { /* NULL or "": not known */
        const char *imsi, *imei, *msisdn;
};

/* Bits 1 << enum identity_kind. */
struct found_identities {
        unsigned sure, maybe;
};

/* Adds what `text` holds to `out`. */
void identity_find(const char *text, size_t length, const struct known_identities *own, struct found_identities *out);

/* Adds the number alone that begins at `at`; what stands in front may name it. */
void identity_find_at(const char *text, size_t length, size_t at, const struct known_identities *own, struct found_identities *out);

/* The same for a field that holds an identity and nothing else: what it is worth alone. */
void identity_of_field(const char *digits, const struct known_identities *own, struct found_identities *out);

/* The same for fifteen digits in eight bytes (text_unpack_digits). */
void identity_of_packed(const uint8_t packed[8], const struct known_identities *own, struct found_identities *out);

const char *identity_kind_text(enum identity_kind kind); /* "imei", ... */
