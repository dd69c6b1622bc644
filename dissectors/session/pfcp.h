/* PFCP, TS 29.244: the control plane of N4, Sxa, Sxb and Sxc, between a session manager and what forwards packets. UDP port 8805;
 * other ports when a message establishes or changes a session, names a tunnel or a session, and fills its datagram to the byte. */
#pragma once

#include "dissectors/session/signalling.h"

enum { PFCP_RULES = 16 };

/* A PDR or a Traffic Endpoint. When the user plane chooses the F-TEID, the request says which way packets go and the response
 * where the tunnel ends: both name the rule. */
struct pfcp_rule {
        uint16_t id;
        bool is_traffic_endpoint;
        bool side_known, of_network; /* as signalling_endpoint has it */
        bool has_endpoint;
        uint8_t endpoint;            /* its place in the signalling's endpoints */
};

struct pfcp_message {
        bool followed; /* another message follows in the same datagram */
        uint8_t rule_count;
        struct pfcp_rule rules[PFCP_RULES];
};

/* One message, consumed. TRUNCATED: `out` holds what was there, `message` 0 when not even the header was; NO_MATCH: another
 * version or a message that is not known. */
enum dissect_result pfcp_parse(struct cursor *at, struct signalling *out, struct pfcp_message *message);

extern const struct dissector pfcp_dissector;
