/* How GTP, PFCP, RADIUS and Diameter write who and where: digits as TBCD or text, PLMN, APN, radio access technology, user
 * location. TS 23.003, TS 29.274 clause 8, TS 29.060 clause 7.7, TS 29.061 clause 16.4.7.2, TS 29.212 clause 5.3.31.
 * All functions are pure; what is not what it should be gives false (or NULL) and leaves `out` empty. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

enum {
        DIGITS_SIZE = 24,    /* IMSI and IMEISV 16, MSISDN at most 20, and a NUL */
        PLMN_TEXT_SIZE = 8,  /* "262-001" */
        APN_SIZE = 101,      /* TS 23.003, 9.1: 100 octets */
        APN_OPERATOR_SIZE = 24 /* "mnc001.mcc001.gprs" */
};

/* TBCD: two digits an octet, the low half first, 0xf fills. A digit above 9, or a digit behind a filler: false. */
bool imsi_of_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE]);   /* 6 to 15 digits; 16 from stacks that fill with 0 */
bool imei_of_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE]);   /* IMEI or IMEISV, 14 to 16 */
bool msisdn_of_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE]); /* 1 to 20; without the octet of number type */

/* The same as text, as RADIUS and Diameter have it; NULs behind it and a '+' before an MSISDN are dropped. */
bool imsi_of_text(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE]);
bool imei_of_text(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE]);
bool msisdn_of_text(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE]);

/* User-Equipment-Info-Value and 3GPP-IMEISV: text from most, TBCD from some: 8 octets are TBCD. */
bool imei_of_text_or_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE]);

struct plmn {
        uint16_t mcc, mnc;
        uint8_t mnc_digits; /* 2 or 3; 0: there is none */
};

/* Three octets: MCC2 MCC1, MNC3 MCC3, MNC2 MNC1. */
bool plmn_of_octets(const uint8_t octets[3], struct plmn *out);
bool plmn_of_text(const uint8_t *bytes, size_t length, struct plmn *out); /* 3GPP-SGSN-MCC-MNC: 5 or 6 digits */
const char *plmn_text(const struct plmn *plmn, char text[PLMN_TEXT_SIZE]); /* "262-01"; "" when there is none */

struct apn {
        char network[APN_SIZE];                  /* lower case; what is not printable as \xNN */
        char operator_part[APN_OPERATOR_SIZE];   /* "mnc001.mcc001.gprs"; "": none */
};

/* Length-prefixed labels; or text, when the first octet is a printable character and no label length that fits. */
bool apn_of_labels(const uint8_t *bytes, size_t length, struct apn *out);
bool apn_of_text(const uint8_t *bytes, size_t length, struct apn *out);

/* INTERFACE's names: UTRAN GERAN WLAN GAN HSPA+ EUTRAN Virtual NB-IoT LTE-M NR. NULL: not known. Static strings. */
const char *rat_of_gtp(uint32_t value);      /* GTPv1-C, GTPv2-C, PFCP; RADIUS 3GPP-RAT-Type, with its NR values from 51 */
const char *rat_of_diameter(uint32_t value); /* RAT-Type (1032) */

/* A cell, or an area of cells. */
struct place {
        const char *kind; /* cell: "ecgi", "ncgi", "cgi", "sai"; area: "tai", "rai", "lai"; NULL: none */
        struct plmn plmn;
        bool has_area, has_id;
        uint32_t area;    /* LAC or TAC: of cgi and sai, and of every area */
        uint64_t id;      /* ECI (28 bits), NCI (36), CI, SAC; RAC of rai */
};

struct user_location {
        struct place cell, area; /* the finest of each that is there */
};

/* User Location Information. True: a cell or an area was read. */
bool location_of_gtpv2(const uint8_t *bytes, size_t length, struct user_location *out); /* an octet of flags, all items in order */
/* GTPv1-C's, RADIUS 3GPP-User-Location-Info, Diameter 3GPP-User-Location-Info: an octet of type. Also as hex text. */
bool location_of_type(const uint8_t *bytes, size_t length, struct user_location *out);
bool location_of_rai(const uint8_t *bytes, size_t length, struct user_location *out); /* GTPv1-C's RAI: PLMN, LAC, RAC */
