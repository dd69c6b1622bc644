/* TCP as two ordinary stacks do it: a SYN with options, segments of at most 1360 bytes, an acknowledgement for every second
 * segment, a FIN from both sides; now and then a segment comes twice or late. RFC 9293. */
#pragma once

#include "tests/traffic/conversation.h"

void tcp_open(struct conversation *c);
void tcp_send(struct conversation *c, enum direction direction, const void *bytes, size_t length);
void tcp_close(struct conversation *c, enum direction first);
void tcp_reset(struct conversation *c, enum direction by);
/* Sends the acknowledgement that is owed. */
void tcp_settle(struct conversation *c);
