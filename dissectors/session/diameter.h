/* Diameter, RFC 6733, over TCP and SCTP: what diameter_message reads of it, from streams and chunks. TLS, DTLS and IPsec hide it. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector diameter_dissector;
