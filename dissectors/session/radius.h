/* RADIUS, RFC 2865, 2866 and 5176, as a gateway of a mobile network speaks it: accounting, access, disconnect, with the attributes of
 * 3GPP (TS 29.061, clause 16.4.7). Ports 1812, 1813, 1645, 1646, 3799 and 1700; other ports when a message names a subscriber or
 * an accounting session and fills its datagram to the byte.
 *
 * Of a public Wi-Fi or a broadband gateway nothing is told: only messages with an attribute of 3GPP, with an MSISDN as Calling-Station-Id
 * or an IMSI as User-Name, the answers to such, and Accounting-On and -Off. */
#pragma once

#include "dissectors/session/signalling.h"

struct radius_message {
        bool names_subscriber; /* a cellular one; else nothing of it is to be told */
        bool is_of_3gpp;       /* has an attribute of vendor 10415 */
        bool has_status;
        uint32_t status;       /* Acct-Status-Type */
};

/* One message, consumed. The procedure of an answer is OTHER: it is that of the request. TRUNCATED: `out` holds what was
 * there, `message` 0 when not even the header was; NO_MATCH: not a code of these. */
enum dissect_result radius_parse(struct cursor *at, struct signalling *out, struct radius_message *message);

extern const struct dissector radius_dissector;
