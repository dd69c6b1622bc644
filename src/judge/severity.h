/* The one table of how bad a finding is: type and circumstance give severity, score, confidence and ATT&CK techniques.
 * doc/severity.txt is what severity_print writes (the section SEVERITY of apnwatch(1)); a test compares both. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "model/alert.pb-c.h"

enum finding_type {
        DESTINATION_UNLISTED,
        DESTINATION_BLOCKED,
        DESTINATION_LATERAL,
        ACCESS_INBOUND,
        UPDATE_PULL,
        UPDATE_UNAUTHORISED,
        UPDATE_OUT_OF_WINDOW,
        UPDATE_INSECURE,
        LOCATION_REPORT,
        LOCATION_LOOKUP,
        SENSOR_BLIND,
        SENSOR_LOSS,
        SENSOR_STALL,
        SENSOR_CRASH, /* numbers are part of saved causes: new types come behind */
        IDENTITY_IMEI_CHANGE,
        IDENTITY_IMEI_CLONE,
        IDENTITY_UNKNOWN_DEVICE,
        IDENTITY_RETIRED_ACTIVE,
        IDENTITY_RELOCATED,
        IDENTITY_DISCLOSED,
        GTP_SPOOFED_SOURCE,
        GTP_NESTED,
        GTP_UNKNOWN_TEID,
        GTP_SIGNALLING,
        FINDING_TYPES
};

enum circumstance {
        UNLISTED_ANSWERED,
        UNLISTED_UNANSWERED,
        UNLISTED_NAME_MISMATCH,
        BLOCKED_ANSWERED,
        BLOCKED_UNANSWERED,
        LATERAL_ANSWERED,
        LATERAL_UNANSWERED,
        INBOUND_PRIVATE,        /* from a private address: a neighbour network */
        INBOUND_PUBLIC,         /* from the internet */
        PULL_PLANNED,           /* by a source and at a time that policy gives */
        PULL_DIRECT,            /* the module vendor's own service */
        PULL_OTHER,
        UNAUTHORISED_DIRECT,
        UNAUTHORISED_OTHER,
        OUT_OF_WINDOW,
        INSECURE_CLEAR,
        INSECURE_OBSOLETE_TLS,
        REPORT_TO_ALLOWED,      /* no location section, and the destination is allowed */
        REPORT_NOT_JUDGED,      /* no location section, and nobody says that the destination is allowed */
        REPORT_FORBIDDEN,       /* not one of the receivers */
        REPORT_HEURISTIC,       /* a pair of numbers that reads like a position */
        REPORT_HEURISTIC_FORBIDDEN,
        LOOKUP_TO_ALLOWED,
        LOOKUP_NOT_JUDGED,
        LOOKUP_FORBIDDEN,
        LOOKUP_UNANSWERED,
        BLIND_PARTLY,
        BLIND_MOSTLY,           /* half of the fleet's flows or more */
        LOSS_SOME,
        LOSS_MUCH,              /* a tenth of the packets or more */
        DROPPED_SOME,           /* before sense saw them */
        DROPPED_MORE,           /* a thousandth or more */
        DROPPED_MUCH,           /* a hundredth or more */
        STALL_SILENT,
        STALL_DOWN,             /* the interface is down or gone */
        WORKER_DIED,
        WORKER_SILENT,
        IMEI_CHANGED,
        IMEI_CHANGE_PLANNED,    /* the inventory has a ticket for it */
        IMEI_NOT_LISTED,        /* the inventory binds the SIM to another device */
        IMEI_CLONED,
        UNKNOWN_SUBSCRIBER,     /* signalling says who it is */
        UNKNOWN_ADDRESS,        /* only the address is known */
        RETIRED_ATTACHED,
        RETIRED_TALKED,
        RELOCATED_COUNTRY,
        RELOCATED_NETWORK,
        RELOCATED_AREA,
        RELOCATED_CELL,
        RELOCATED_FAR,
        RELOCATED_PHONE,        /* the TAC is a phone's */
        RELOCATED_PHONE_MAYBE,  /* it talks like one */
        DISCLOSED_TO_ALLOWED,
        DISCLOSED_IDENTITY,
        DISCLOSED_MAYBE,        /* digits that could be one */
        SPOOFED_SOURCE,
        NESTED_TO_CORE,
        NESTED_ELSEWHERE,
        UNKNOWN_TEIDS,
        UNKNOWN_TEIDS_SURELY,   /* refused, or one behind the other */
        UNKNOWN_CONTROL_TEIDS,
        SIGNALLING_TO_CORE,
        SIGNALLING_ELSEWHERE,
        CIRCUMSTANCES
};

/* An alert that saw nothing new for so long (packet time) is closed; what comes later is another one. */
enum quiet { QUIET_HOUR, QUIET_DAY, QUIET_NEVER, QUIET_CLASSES };

struct severity_row {
        enum finding_type type;
        Apnwatch__V1__Alert__Severity severity;
        uint8_t score;
        Apnwatch__V1__Alert__Confidence confidence;
        const char *attack[3];          /* ends with NULL; ATT&CK for ICS, v19 ids */
        const char *when;               /* for people; "": always */
};

const struct severity_row *severity_of(enum circumstance circumstance);
const char *finding_type_text(enum finding_type type);          /* "destination.unlisted" */
enum quiet finding_quiet(enum finding_type type);
int64_t quiet_ns(enum quiet quiet);                              /* INT64_MAX: never */
const char *severity_text(int severity);                         /* "info" to "critical" */

void severity_print(FILE *out);
