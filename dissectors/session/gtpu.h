/* GTP-U beside the packets that it carries, TS 29.281: what a node says of a tunnel. UDP port 2152, what encap left.
 *
 * Error Indication: a packet came by a tunnel that the node does not know. End Marker: no more packets will come by this
 * one. Of echoes, supported extension headers and tunnel status nothing is told. */
#pragma once

#include "dissectors/dissector.h"

struct gtpu_message {
        uint8_t type;
        bool has_tunnel;        /* an Error Indication or End Marker that names one: */
        uint32_t teid;
        uint8_t node[16], node_length; /* its end; 0: the receiver (End Marker), or not told (the sender's own) */
};

/* One message, consumed. NO_MATCH: another version, GTP', or a type that is none of GTP-U; a packet of a tunnel too. */
enum dissect_result gtpu_parse(struct cursor *at, struct gtpu_message *out);

extern const struct dissector gtpu_dissector;
