/* GTP-C: GTPv1-C and GTPv2-C share UDP port 2123, and often the two ends, so that one flow may carry both.
 *
 * Flows of port 2123 whose first datagrams are a message of either version, whole; of other ports when it sets up or changes
 * a session, names a user or a tunnel, and fills its datagram to the byte. GTPv0 (port 3386) is recognised and
 * labelled, and GTP' left to others; neither is read. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector gtpc_dissector;
