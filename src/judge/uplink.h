/* Which session's tunnel towards the network a flow came through, and from which inner address. Flows know TEIDs by end and the outer
 * addresses of their first packet; who of the ends sent into the tunnel follows from the tunnel alone, whatever the inner addresses
 * pretend. */
#pragma once

#include "judge/bindings.h"

struct uplink {
        struct holder holder;
        enum tunnel_knowledge knowledge; /* BOUND or RELEASED */
        struct address source;         /* inner */
        bool by_device;                /* the flow's device end sent it, else its peer */
        bool is_usual;                 /* nothing was looked up: it is the device's usual tunnel, and the device sent it */
};

struct sighting;

/* False: no tunnel of the flow is known to lead towards the network. */
bool uplink_of_flow(struct bindings *bindings, const Apnwatch__V1__Flow *flow, struct uplink *out);

/* The same, of the flow that is being judged: as long as the device's tunnel is the one that it was, nothing is looked up. */
bool uplink_of_sighting(const struct sighting *sighting, struct uplink *out);
