/* Vendor data: who stands behind a name, an address, a URL, a user agent, and what for (contrib/intel, one YAML file a
 * vendor; its format stands in contrib/intel/README). Immutable once loaded. Lookups allocate nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"

/* In the order of preference when several rows match equally well. */
enum intel_purpose { INTEL_UPDATE, INTEL_AGNSS, INTEL_LOCATION, INTEL_MANAGEMENT, INTEL_TELEMETRY, INTEL_PURPOSES };
enum intel_mode { INTEL_MODE_UNKNOWN, INTEL_DIRECT, INTEL_INDIRECT };
enum intel_kind {
        INTEL_HOST,         /* the name alone */
        INTEL_SUFFIX,       /* the name and all below it */
        INTEL_NAME_REGEX,   /* over a name */
        INTEL_ADDRESS,      /* address or prefix */
        INTEL_URL,          /* regex over host and path of HTTP, the argument of FTP RETR, a CoAP path */
        INTEL_USER_AGENT,   /* begins with, any case */
        INTEL_CONTENT_TYPE, /* equal, any case, without parameters */
        INTEL_TOPIC,        /* regex over an MQTT topic */
        INTEL_PORT,         /* weak alone */
        INTEL_MAGIC,        /* first bytes of an object, hex; weak alone */
        INTEL_KINDS
};
enum intel_confidence { INTEL_REPORTED, INTEL_CODE, INTEL_VENDOR_DOC };

/* A set of purposes: INTEL_ONLY(INTEL_AGNSS) | INTEL_ONLY(INTEL_LOCATION). */
#define INTEL_ONLY(purpose) (1U << (purpose))
#define INTEL_ANY ((1U << INTEL_PURPOSES) - 1)

struct intel_vendor {
        char *name;
        char **aliases;
        unsigned alias_count;
        char *controller; /* detail.controller: module_vendor, device_maker, operator, fleet, unknown; NULL: not said */
};

struct intel_row {
        const struct intel_vendor *vendor;
        enum intel_purpose purpose;
        enum intel_mode mode;
        enum intel_kind kind;
        enum intel_confidence confidence;
        char *value;
        char *protocol;           /* as the source says; NULL: any */
        uint16_t port;            /* where the source saw it; 0: not said. No condition */
        char *source, *note;      /* note NULL: none */
        bool shared;              /* a host that others use too (CDN, object store, web API): decides no mode, no vendor */
        bool weak;                /* tells nothing alone */
        const char *file;
        unsigned line;
        struct intel_regex *regex; /* private */
};

struct intel;

/* All *.yaml of the folders in the order given (names sorted within one); a later row of the same vendor, purpose, kind and
 * value replaces an earlier one. Faults go to `errors` with file:line:column; NULL when there was one. */
struct intel *intel_load(const char *const *folders, unsigned count, FILE *errors);
void intel_destroy(struct intel *intel);

/* The installed set: ../share/apnwatch/intel beside the executable, else $APNWATCH_DATA/intel, else contrib/intel found
 * upward from the executable or the working directory. false: there is none. */
bool intel_default_folder(char *path, size_t size);

/* The best row whose purpose is in `purposes` (INTEL_ANY), or NULL. Names are lower case without a dot at the end: the exact
 * host first, then the longest suffix, then name expressions; among equals not weak before weak, then purpose, then
 * confidence. A NULL intel knows nothing. */
const struct intel_row *intel_match_name(const struct intel *intel, const char *name, unsigned purposes);
const struct intel_row *intel_match_address(const struct intel *intel, const struct address *address, unsigned purposes);

/* An exchange: scheme "http", "https", "ftp", "coap"; host lower case or NULL; path with query or NULL. Rows that are weak
 * (such as /update.zip) come last; look at row->weak. */
const struct intel_row *intel_match_url(const struct intel *intel, const char *scheme, const char *host, const char *path,
                                        unsigned purposes);
const struct intel_row *intel_match_user_agent(const struct intel *intel, const char *user_agent, unsigned purposes);
const struct intel_row *intel_match_content_type(const struct intel *intel, const char *type, unsigned purposes);
const struct intel_row *intel_match_topic(const struct intel *intel, const char *topic, unsigned purposes);
const struct intel_row *intel_match_port(const struct intel *intel, uint16_t port, unsigned purposes); /* weak alone */

/* By name or alias, any case; NULL: nobody. */
const struct intel_vendor *intel_vendor(const struct intel *intel, const char *name);
bool intel_vendor_is(const struct intel_vendor *vendor, const char *name);

struct intel_tac {
        char tac[9];
        const char *vendor, *model;
        bool is_phone; /* a telephone or tablet; not known to be one otherwise */
};

/* Whose module a TAC (first 8 digits of an IMEI; more may follow) was given to: a hint, since device makers put TACs of
 * their own on modules. NULL: not listed. */
const struct intel_tac *intel_tac(const struct intel *intel, const char *imei);

/* From here on intel_tac asks the user's own list first. Borrowed; NULL: none. */
struct tac_list;
void intel_prefer_tacs(struct intel *intel, const struct tac_list *list);

unsigned intel_row_count(const struct intel *intel);
const struct intel_row *intel_row_at(const struct intel *intel, unsigned index); /* in the order loaded */
unsigned intel_vendor_count(const struct intel *intel);
const struct intel_vendor *intel_vendor_at(const struct intel *intel, unsigned index);
const char *intel_digest(const struct intel *intel); /* "sha256:..." over all files */

const char *intel_purpose_text(enum intel_purpose purpose); /* "update", "agnss", ... */
const char *intel_mode_text(enum intel_mode mode);          /* "direct", "indirect", "unknown" */
const char *intel_kind_text(enum intel_kind kind);          /* "host", "domain_suffix", ... */
const char *intel_confidence_text(enum intel_confidence confidence); /* "reported", "code", "vendor-doc" */
