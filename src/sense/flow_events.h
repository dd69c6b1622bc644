/* What sense says of a flow, as the Flow message of events. */
#pragma once

#include "model/event.h"
#include "sense/flow.h"

/* What is the same of all flows. */
void flow_message_init(Apnwatch__V1__Flow *out);

/* Everything else, from `flow`; pointers of `out` lead into it. */
void flow_fill(const struct flow *flow, Apnwatch__V1__Flow *out);
