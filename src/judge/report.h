/* What the summary needs: plain data, made at judge_finish. Texts borrow from the judge, its policy and inventory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "judge/fleets.h"
#include "judge/severity.h"

enum { REPORT_SEVERITIES = 5, REPORT_TOP = 10 };

struct report_input {
        uint32_t file;
        char *path;
        char *verdict;          /* "ok", "truncated at byte 1234" */
        char *state;            /* "ok", "empty", "damaged", "not_capture", "unreadable" */
        bool has_packets, has_times;
        uint64_t packets;
        int64_t first_ns, last_ns;
        char *link_types, *sha256; /* NULL: not said */
        bool named;
};

struct report_finding {         /* one of the worst alerts */
        char *id, *type, *title, *fleet, *device, *peer, *file; /* NULL: none */
        bool has_frame;
        uint64_t frame, count;
        int64_t time_ns;
        int severity;
        uint32_t score;
};

struct report_device {          /* one of the worst devices */
        char *address;
        char *fleet;
        int severity;           /* of its worst alert */
        uint32_t alerts;        /* about it */
};

struct report_counter {
        char *name;             /* "loss.late_frames" as sense says; "judge.device_evictions" and so on of judge */
        uint64_t value;
};

struct judge_report {
        struct report_input *inputs;
        unsigned input_count;
        struct fleet_state *const *fleets; /* those of the policy and, last, unassigned */
        unsigned fleet_count;
        uint64_t alerts[FINDING_TYPES][REPORT_SEVERITIES];
        uint64_t devices;                             /* that were seen */
        uint64_t devices_by_severity[REPORT_SEVERITIES]; /* by the worst alert about each */
        struct report_finding top[REPORT_TOP];
        unsigned top_count;
        struct report_device worst[REPORT_TOP];
        unsigned worst_count;
        struct report_counter *counters;              /* of sense and of judge, all */
        unsigned counter_count;
        uint64_t packets;                             /* of all inputs */
        int64_t first_ns, last_ns;                    /* of all inputs; 0: none */
        const char *version, *ndpi;                   /* as the run said; NULL: not */
        const char *policy_digest, *intel_digest, *inventory_digest; /* NULL: none */
};

/* INTERFACE's `summary:` object (inputs, fleets, alerts, losses, versions) as JSON; free() it. NULL without memory. */
char *judge_report_json(const struct judge_report *report);

/* The finding of this ID, if it is among the worst, is told by another ID and title: privacy has changed them. */
struct judge;
void judge_report_rename(struct judge *judge, const char *id, const char *new_id, const char *new_title);
