/* What policy says of somebody who is told, or asked, where a device is (INTERFACE, "Policy", the table's last row). */
#pragma once

#include "judge/draft.h"

enum receiver_verdict {
        RECEIVER_NAMED,       /* one of the fleet's receivers: no finding */
        RECEIVER_UNDETERMINED, /* may be one: nothing tells its name; no finding */
        RECEIVER_ALLOWED,     /* no location section; an allowed destination: info, once a fleet */
        RECEIVER_NOT_JUDGED,  /* no location section, and not allowed by a rule */
        RECEIVER_FORBIDDEN,
};

enum receiver_verdict location_receiver(struct sighting *sighting, const char **rule);

/* Makes the draft one that is told once for the whole fleet. */
void draft_once_a_fleet(struct draft *draft);
