/* What each fleet may do (INTERFACE: Policy; apnwatch-policy(5)). Immutable once loaded; a reload swaps the pointer. The
 * policy only says what stands in the file: who is in which fleet now, and what a contact means, the detectors work out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"

enum rule_direction { DIRECTION_OUT, DIRECTION_IN, DIRECTION_BOTH };
enum otherwise { OTHERWISE_ALERT, OTHERWISE_LEARN, OTHERWISE_ALLOW };
enum section { SECTION_ABSENT, SECTION_EMPTY, SECTION_GIVEN };

struct prefix_list {
        struct prefix *items;
        unsigned count;
};

struct string_list {
        char **items;
        unsigned count;
};

/* A criterion that is not given is empty (count 0), -1 or NULL. All that are given must hold; one of a list is enough. */
struct rule {
        char *name;
        struct prefix_list prefixes;
        struct string_list domains;   /* "*.x" below x, "x" only x; lower case */
        struct string_list countries; /* ISO 3166 alpha-2, upper case */
        uint32_t *asns;
        unsigned asn_count;
        struct string_list vendors;   /* intel's vendor names */
        char *fleet;                  /* name of a fleet: the peer is one of its devices */
        int protocol;                 /* IP protocol number */
        uint16_t *ports;
        unsigned port_count;
        char *app;                    /* nDPI's name */
        enum rule_direction direction;
        bool has_until;
        int64_t until_ns;             /* first moment after the last day, in the fleet's time zone */
        char *ticket;
        unsigned line;                /* in the policy file */
};

struct rule_list {
        struct rule *items;
        unsigned count;
};

struct member { /* all that are given must hold */
        char *apn;
        struct string_list imei_tacs;
        struct string_list imsi_prefixes;
        struct prefix_list prefixes;
        char *inventory;              /* the inventory's fleet column */
};

struct window { /* weekly; end may lie on the next day (end_minute up to 2 * 1440) */
        uint8_t weekday;              /* 0 Sunday to 6; 7: every day */
        uint16_t start_minute, end_minute; /* of local time */
};

struct maintenance {
        int64_t start_ns, end_ns;
};

struct fleet {
        char *name, *tenant, *timezone; /* NULL: absent (UTC) */
        bool is_static;
        struct member *members;
        unsigned member_count;
        enum section destinations;
        enum otherwise otherwise;
        struct rule_list deny, allow;
        enum section updates;
        struct rule_list sources;
        struct window *windows;
        unsigned window_count;
        char *windows_text;           /* as written, joined by ", " */
        uint32_t max_devices_per_hour; /* 0: not given */
        enum section location;
        struct rule_list receivers;
        struct maintenance *maintenance;
        unsigned maintenance_count;
        unsigned line;
};

struct policy {
        char *path;
        char digest[72];              /* "sha256:..." of the file */
        struct prefix_list devices, nat64, infrastructure;
        struct fleet *fleets;
        unsigned fleet_count;
        bool needs_geoip;             /* some rule has country or asn */
        unsigned geoip_line;
};

/* Loads `path`; every fault of the file is written to `errors` as "file:line:column: what, what was expected". NULL when
 * there was one. `warnings` counts what loads but does nothing yet (keys whose detector is not built). */
struct policy *policy_load(const char *path, FILE *errors, unsigned *warnings);
void policy_destroy(struct policy *policy);

/* True when `t` lies in one of the fleet's windows (or there are none). */
bool fleet_window_is_open(const struct fleet *fleet, int64_t time_ns);
bool fleet_in_maintenance(const struct fleet *fleet, int64_t time_ns);

/* "*.x" is met by names below x, "x" by x only. `name` is lower case without a dot at the end. */
bool domain_matches(const char *pattern, const char *name);

/* nDPI's names that an `app` rule may use. */
bool policy_app_is_known(const char *app);
void policy_print_apps(FILE *out);
