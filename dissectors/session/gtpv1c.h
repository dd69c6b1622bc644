/* GTPv1-C, TS 29.060: the control plane of Gn and Gp. */
#pragma once

#include "dissectors/session/signalling.h"

struct gtpv1c_message {
        unsigned pdp_count; /* PDP Contexts that it lists (SGSN Context Response, Forward Relocation Request) */
};

/* One message, consumed. Where it lists PDP Contexts, only that of number `pdp` (from 0) is read, with what belongs to the
 * user as a whole. TRUNCATED: `out` holds what was there, `message` 0 when not even the header was; NO_MATCH: another version,
 * GTP', the user plane's messages, or one that is not known. */
enum dissect_result gtpv1c_parse(struct cursor *at, unsigned pdp, struct signalling *out, struct gtpv1c_message *message);

/* Extension headers behind a header of GTP version 1 that says the first one's type; the user plane has the same. False: too many, or
 * one without a length. */
bool gtpv1_skip_extensions(struct cursor *at, uint8_t next);
