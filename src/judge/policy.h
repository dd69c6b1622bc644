/* What each fleet may do (INTERFACE: Policy; apnwatch-policy(5)). Immutable once loaded; a reload swaps the pointer. The
 * policy only says what stands in the file and which fleet takes a device (policy_fleet_of); what a contact means is
 * worked out in judge/verdict.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "base/lists.h"

enum rule_direction { DIRECTION_OUT, DIRECTION_IN, DIRECTION_BOTH };
enum otherwise { OTHERWISE_ALERT, OTHERWISE_LEARN, OTHERWISE_ALLOW };
enum section { SECTION_ABSENT, SECTION_EMPTY, SECTION_GIVEN };

struct port_range { /* inclusive */
        uint16_t first, last;
};

struct port_list {
        struct port_range *items;
        unsigned count;
};

/* A criterion that is not given has count 0. All that are given must hold; one of a list is enough. */
struct rule {
        char *name;                    /* never NULL: "allow#2" when the file gives none */
        struct number_list protocols;  /* IP protocol numbers */
        struct port_list ports;
        enum rule_direction direction; /* absent: OUT in `allow`, BOTH in `deny`, `sources` and `receivers` */
        bool has_until;
        struct prefix_list prefixes;
        struct string_list domains;    /* "*.x" below x, "x" only x; lower case */
        struct string_list apps;       /* nDPI's names, spelled as nDPI does */
        int64_t until_ns;              /* first moment after the last day, in the fleet's time zone */
        struct string_list countries;  /* ISO 3166 alpha-2, upper case */
        struct number_list asns;
        struct string_list vendors;    /* intel's vendor names or aliases, any case */
        struct string_list fleets;     /* names of fleets: the peer is one of their devices */
        char *ticket;                  /* NULL: none */
        unsigned line, column;         /* in the policy file */
};

/* What may keep a contact from meeting a rule: who opened it, its family, what is not known of it. */
enum { GATE_UNSEEN = 1, GATE_DEVICE = 2, GATE_PEER = 4, GATE_IPV6 = 8, GATE_IPV4 = 16, GATE_NO_PORTS = 32, GATE_NO_COUNTRY = 64,
       GATE_NO_ASN = 128, GATE_NO_VENDOR = 256, GATE_NO_FLEET = 512 };

/* What a contact must have to meet a rule, so that most rules are passed over without a look at them. Not enough to meet it. */
struct rule_gate {
        uint16_t port_first, port_last; /* the ports of the rule are among these */
        uint16_t refused;               /* bits GATE_ */
        uint8_t protocol;               /* 0: several, or any */
        struct {
                uint64_t word, mask;    /* what its prefixes have in common, of the first eight bytes or the last, as numbers */
        } peers[2];                     /* IPv6, IPv4 */
};

struct rule_list {
        struct rule *items;
        unsigned count;
        struct rule_gate *gates;       /* one for each of them */
};

struct member { /* all that are given must hold; one of a list is enough */
        struct string_list apns;       /* lower case, without the operator part */
        struct string_list imei_tacs;  /* 8 digits */
        struct string_list imsi_prefixes;
        struct prefix_list prefixes;
        struct string_list inventories; /* the inventory's fleet column */
        unsigned line;
};

struct window { /* weekly; the end may lie on the next day (end_minute up to 2 * 1440) */
        uint8_t weekdays;                  /* bit 0 Sunday to bit 6 Saturday: of the start */
        uint16_t start_minute, end_minute; /* of local time; the end is exclusive */
};

struct maintenance {
        int64_t start_ns, end_ns;      /* the end is exclusive */
};

struct time_zone;

struct fleet {
        char *name, *tenant;           /* tenant NULL: none */
        char *timezone_name;           /* NULL: absent (UTC) */
        const struct time_zone *time_zone; /* NULL: UTC */
        unsigned index;                /* in policy->fleets */
        bool is_static;
        struct member *members;
        unsigned member_count;

        enum section destinations;
        enum otherwise otherwise;      /* ALLOW where the section is absent */
        struct rule_list deny, allow;

        enum section updates;
        struct rule_list sources;      /* allowed as destinations too: verdict_of_contact() sees to it */
        struct window *windows;
        unsigned window_count;
        char *windows_text;            /* as written, joined by ", "; NULL: none */
        uint32_t max_devices_per_hour; /* 0: not given */

        enum section location;
        struct rule_list receivers;

        bool has_contact;
        uint32_t contact_every_s;
        char *contact_with;            /* name of a rule; NULL: any */
        bool contact_answered;

        struct maintenance *maintenance;
        unsigned maintenance_count;
        unsigned line;
};

struct policy {
        char *path;
        char digest[72];               /* "sha256:..." of the file */
        struct prefix_list devices, nat64, infrastructure; /* nat64 absent: 64:ff9b::/96 */
        struct fleet *fleets;
        unsigned fleet_count;
        unsigned rule_count;           /* of all fleets and lists */
        unsigned geoip_line, geoip_column; /* first rule with country or asn; 0: there is none */
        struct policy_index *index;    /* tries and time zones; private */
};

/* Loads `path`. Every fault of the file is written to `errors` as "file:line:column: what; expected ...", and NULL returned
 * when there was one. What loads but does nothing yet, and what looks like a mistake, is written to `warnings` in the same
 * form (NULL: not wanted). `has_geoip` false: a country or asn rule is a fault. */
struct policy *policy_load(const char *path, bool has_geoip, FILE *errors, FILE *warnings);

/* The same from memory; `path` is what messages say. */
struct policy *policy_parse(const char *path, const void *bytes, size_t length, bool has_geoip, FILE *errors,
                            FILE *warnings);
void policy_destroy(struct policy *policy);

/* What is known of a device when its fleet is asked for. NULL or "" where not known. */
struct policy_subject {
        struct address address;
        const char *apn, *imsi, *imei;
        const char *inventory_fleet;
};

/* The first fleet that takes the device, or NULL (`unassigned`). A NULL policy has none. */
const struct fleet *policy_fleet_of(const struct policy *policy, const struct policy_subject *subject);
const struct fleet *policy_fleet_named(const struct policy *policy, const char *name);

/* The first entry of the fleet's members that takes the device, or NULL. */
const struct member *fleet_member_of(const struct fleet *fleet, const struct policy_subject *subject);

bool policy_is_device(const struct policy *policy, const struct address *a);
bool policy_is_infrastructure(const struct policy *policy, const struct address *a);

/* The IPv4 address inside a NAT64 address (RFC 6052) of the policy's prefixes (no policy: 64:ff9b::/96), else `a` itself. */
struct address policy_unwrap_nat64(const struct policy *policy, const struct address *a);

/* True when the moment lies in one of the fleet's windows (or there are none); or in its maintenance. */
bool fleet_window_is_open(const struct fleet *fleet, int64_t time_ns);
bool fleet_in_maintenance(const struct fleet *fleet, int64_t time_ns);

/* "*.x" is met by names below x, "x" by x only. Both lower case; `name` without a dot at the end. */
bool domain_matches(const char *pattern, const char *name);

/* "tcp", "udp", "icmp", "icmpv6", "sctp", "esp", "gre" or a number to 255. */
bool protocol_parse(const char *text, uint32_t *out);

/* The closed list of an `app` rule: nDPI 4.2's names and those of our own dissectors. app_find ignores case and gives the
 * spelling of the list, or NULL. */
const char *app_find(const char *app);
/* An application that is told by names on top of TLS, HTTP, QUIC (Google, Netflix), not a protocol of its own. */
bool app_is_service(const char *app);
void app_print_all(FILE *out);
