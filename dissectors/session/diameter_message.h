/* One message of Diameter, RFC 6733, of the applications that say who a session belongs to: Gx and Rx (TS 29.212, 29.214), Gy and Rf
 * (RFC 8506, TS 32.299), S6b (TS 29.273), S6a and S13 (TS 29.272). */
#pragma once

#include "dissectors/session/signalling.h"

enum { DIAMETER_HEADER = 20 };

struct diameter_message {
        size_t length;           /* as the header says, its 20 octets included */
        bool is_told;            /* of one of these applications, or a peer's own with Origin-State-Id */
        bool names_protocol;     /* `protocol` of the signalling is that of its application; else it is not known */
        bool is_answer_of_unknown; /* does not repeat what it answers: that is the request's */
};

/* Could a message stand here? For finding the way back into a stream: version, flags, length, a command that is known, and as first
 * AVP one that comes first. With fewer than 28 octets: as far as they go. */
bool diameter_is_plausible(const struct cursor *at);

/* One message, consumed. TRUNCATED: `out` holds what was there, `message` of `out` 0 when not even the header was; NO_MATCH:
 * another version. Rx is told as Gx, Rf as Gy, S13 as S6a. */
enum dissect_result diameter_parse(struct cursor *at, struct signalling *out, struct diameter_message *message);
