/* GTPv2-C, TS 29.274: the control plane of S5/S8, S11, S4, S10, S3, S16, N26, S2a and S2b. */
#pragma once

#include "dissectors/session/signalling.h"

struct gtpv2c_message {
        bool piggybacked;   /* another message follows in the same datagram */
        unsigned pdn_count; /* PDN Connections that it lists (Context Response, Forward Relocation Request) */
};

/* One message, consumed. Where it lists PDN Connections, only that of number `pdn` (from 0) is read, with what belongs to the
 * user as a whole. TRUNCATED: `out` holds what was there, `message` 0 when not
 * even the header was; NO_MATCH: another version or a message that is not known. */
enum dissect_result gtpv2c_parse(struct cursor *at, unsigned pdn, struct signalling *out, struct gtpv2c_message *message);
