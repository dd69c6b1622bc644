/* What an alert says: filled in by a detector for one finding, turned into the message only when that opens an alert. */
#pragma once

#include "judge/alert_book.h"
#include "judge/sighting.h"

struct draft {
        const char *what;                    /* the title's first half, "Destination that policy does not list" */
        const char *rule;                    /* NULL: none decided */
        const struct intel_row *intel;       /* NULL: nothing told by intel */
        const char *peer_name, *name_source; /* NULL: not known */
        const char *evidence;                /* text; NULL: none */
        bool is_about_fleet;                 /* told once for many devices */
        bool without_peer_port;              /* the port is not the peer's (access.inbound) */
        Apnwatch__V1__Detail detail;
        Apnwatch__V1__Object object;         /* used when detail.object points to it */

        /* of draft_finding's */
        const struct sighting *sighting;
        struct finding finding;
        char peer_text[ADDRESS_TEXT_SIZE];
};

/* Begins a finding about a flow: device, fleet, peer, counters and first frame are taken from the sighting, whose name of
 * the peer becomes part of the cause. Then the detector changes what is special, and calls draft_report. */
void draft_of_flow(struct draft *draft, const struct sighting *sighting, enum circumstance circumstance, const char *what);

/* The evidence is the event's frame, not the flow's first one; so is the time. */
void draft_at_event(struct draft *draft);

bool draft_report(struct draft *draft);

/* A finding of the sensor about a fleet (NULL: itself), without a flow. */
bool draft_report_sensor(struct draft *draft, struct judge *judge, const event_t *event, const char *fleet_name,
                         const struct fleet *fleet);
