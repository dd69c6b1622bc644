/* NTP and SNTP: RFC 5905, 7.3 (and RFC 1305, RFC 1119, RFC 1059 before it, whose header is the same), UDP port 123. Modes 6
 * (control, RFC 9327) and 7 (private) are recognised by their header. Nothing is told of it but its name.
 *
 * Left out: extension fields, authentication, what control and private messages say. */
#pragma once

#include "dissectors/dissector.h"

struct ntp_message {
        uint8_t leap, version, mode, stratum;
        int8_t poll, precision; /* log2 of seconds */
        uint32_t root_delay, root_dispersion, reference_id;
        uint64_t reference, origin, receive, transmit; /* NTP timestamps */
};

/* Modes 6 and 7 have none of the fields behind `mode`. */
enum dissect_result ntp_parse(struct cursor *payload, struct ntp_message *message);

extern const struct dissector ntp_dissector;
