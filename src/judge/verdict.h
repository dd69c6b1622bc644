/* What policy says of one contact of a device: the one place where rules are evaluated, for the detectors and for
 * `policy explain`. Pure: what was resolved is asked through the caller. INTERFACE, "Policy", from "`direction` says". */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "judge/policy.h"

/* What DNS answers, seen before the contact's start, say of a name pattern and the contact's peer. In growing strength. */
enum name_evidence {
        NAME_UNRESOLVED, /* no device of the fleet was seen resolving such a name */
        NAME_ELSEWHERE,  /* one was, and no answer for it ever held this address */
        NAME_EXPIRED,    /* an answer held it, longer ago than its lifetime and 24 hours */
        NAME_BY_FLEET,   /* an answer that another device of the fleet received holds it */
        NAME_BY_DEVICE,  /* an answer that this device received holds it */
};

/* `pattern` is a rule's domain ("x" or "*.x"). For BY_FLEET and BY_DEVICE the name that was asked goes to `*name`, alive as
 * long as the caller of the verdict needs it (it is handed through in struct verdict). Unless the contact claims a name of the rule,
 * UNRESOLVED may stand for whatever is weaker than BY_FLEET. */
struct name_resolver {
        enum name_evidence (*evidence)(void *context, const char *pattern, bool is_claimed, const char **name);
        void *context;
};

enum contact_opener { OPENER_UNSEEN, OPENER_DEVICE, OPENER_PEER };

struct intel_vendor;

/* One contact (usually a flow) as the evaluation needs it. */
struct contact {
        int64_t start_ns;
        struct address peer;            /* NAT64 unwrapped */
        uint8_t protocol;
        bool has_ports;
        uint16_t peer_port, device_port;
        enum contact_opener opener;
        const char *label, *application; /* nDPI's names; NULL: none */
        bool label_is_positive;         /* from a dissector or inspection; not guessed, not nDPI's cache */
        const char *name;               /* TLS, QUIC or HTTP name, lower case; NULL: the flow carries none */
        bool dns_seen;                  /* some DNS answer for this device was seen before the start */
        const char *country;            /* two letters; NULL: not known */
        bool has_asn;
        uint32_t asn;
        const struct intel_vendor *const *vendors; /* whose the peer is by intel (its names, its address); may be empty */
        unsigned vendor_count;
        const char *peer_fleet;         /* name of the fleet that the peer is a device of; NULL: none */
        struct name_resolver resolver;  /* evidence NULL: nothing was resolved */
};

enum verdict_kind {
        VERDICT_NOT_JUDGED,   /* no fleet, or its destinations section is absent */
        VERDICT_ALLOWED,
        VERDICT_DENIED,
        VERDICT_UNLISTED,
        VERDICT_UNDETERMINED, /* counted, not accused */
};

enum verdict_reason {
        REASON_RULE,             /* `rule` decided */
        REASON_INFRASTRUCTURE,   /* the operator's own monitoring opened it */
        REASON_OTHERWISE,        /* no rule fits and `otherwise` is allow or learn */
        REASON_NO_SECTION,
        REASON_NOT_LISTED,
        REASON_NAME_MISMATCH,    /* an allowed name at an address that the answers for it never held */
        REASON_EXPIRED,          /* `rule` fits, its `until` is over */
        REASON_APP_MISMATCH,     /* `rule` fits in all but its app: something else was detected */
        REASON_OPENING_UNSEEN,
        REASON_NAMES_UNSEEN,     /* `rule` fits in all but its name; no name and no DNS of the device to tell */
};

struct verdict {
        enum verdict_kind kind;
        enum verdict_reason reason;
        const struct rule *rule;     /* the one that decided or nearly fits; NULL: none */
        const char *rule_name;       /* the alert's `rule`: rule->name, "otherwise", or NULL */
        const char *name;            /* the name that met a domain rule; NULL: none */
        const char *name_source;     /* "dns", "claimed"; NULL with name */
        enum name_evidence evidence; /* of `name` */
};

/* `fleet` NULL: unassigned. `policy` may be NULL with it. */
struct verdict verdict_of_contact(const struct policy *policy, const struct fleet *fleet, const struct contact *contact);

/* For sources and receivers: the first rule that the contact meets, with how; kind ALLOWED, UNLISTED or UNDETERMINED
 * (a rule fits in all but its name, and nothing can tell the name). An unseen opening matters not here. */
struct verdict verdict_of_list(const struct rule_list *rules, const struct contact *contact);

/* "not_listed", "name_mismatch", ...: detail.reason. */
const char *verdict_reason_text(enum verdict_reason reason);
const char *verdict_kind_text(enum verdict_kind kind);
