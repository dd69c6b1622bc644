/* The -c file (INTERFACE: Configuration). Everything in it has its place here, also what later parts of the house use.
 * Immutable once loaded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "model/tap.h"

struct input_setting { /* inputs: how to read one file */
        char *file;              /* path or its last component */
        int64_t clock_offset_ns; /* added to the file's times */
};

struct output_setting {
        char *sink;
        int min_severity;        /* 0 info to 4 critical; -1: all */
        char **types;            /* "destination.*": shell patterns; none: all */
        unsigned type_count;
        char **fleets;
        unsigned fleet_count;
        char **tenants;
        unsigned tenant_count;
        bool json;               /* redis: the field `json` too */
        uint32_t timeout_ms;     /* redis, webhook: for an answer; 0: not given */
        char *username, *password_file, *token_file, *ca, *cert, *key;
};

struct privacy_tenant {
        char *tenant, *key_file;
};

struct configuration {
        char *path;
        char digest[72];         /* "sha256:..." of the file */
        char *sensor;            /* NULL: not given */

        struct tap_list taps;    /* context numbers are given: equal tenant and APN share one; from 1 */
        char **context_names;    /* [0] "default" */
        unsigned context_count;  /* with the default */

        struct input_setting *inputs;
        unsigned input_count;

        uint64_t limit_memory;   /* bytes; 0: not given, and so below */
        uint32_t limit_flows, limit_devices, limit_sessions;
        uint32_t timeout_tcp_ms, timeout_udp_ms, timeout_other_ms, timeout_stall_ms;

        bool has_privacy;        /* `privacy: off` and absent: false */
        bool privacy_off;        /* `privacy: off` is written out */
        char *privacy_key_file;
        int privacy_coordinates; /* decimals; -1: not rounded */
        char **privacy_raw;      /* raw outputs refused while it is on, allowed by name */
        unsigned privacy_raw_count;
        struct privacy_tenant *privacy_tenants; /* keys of their own */
        unsigned privacy_tenant_count;

        char **geoip;
        unsigned geoip_count;

        char *outbox_path;
        uint64_t outbox_size;    /* bytes */
        uint32_t outbox_retention_s;

        char *redis_username, *redis_password_file, *redis_ca, *redis_cert, *redis_key;
        uint64_t redis_maxlen;   /* 0: not given */
        bool redis_json;

        uint32_t retention_s;    /* of the case file; 0: not given */

        struct output_setting *outputs;
        unsigned output_count;

        char *metrics_listen;
};

/* Every fault goes to `errors` as "file:line:column: what; expected ...", NULL then. */
struct configuration *configuration_load(const char *path, FILE *errors);
struct configuration *configuration_parse(const char *path, const void *bytes, size_t length, FILE *errors);
void configuration_destroy(struct configuration *configuration);

/* "file:line:column" of a value that is checked later, by its address: the text of a key file, of an output's `sink` or of
 * `metrics_listen`, or &limit_memory. "file" when it does not stand there. */
enum { CONFIGURATION_PLACE_SIZE = 4200 };
const char *configuration_place(const struct configuration *configuration, const void *value, char text[CONFIGURATION_PLACE_SIZE]);

/* The clock offset for a file: an entry with this path, or with its last component; 0 when none. NULL: none. */
int64_t configuration_clock_offset(const struct configuration *configuration, const char *path);

/* Whether `privacy.raw` names this kind of output ("pcap"). NULL: no. */
bool configuration_names_raw(const struct configuration *configuration, const char *scheme);
