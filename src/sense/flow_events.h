/* What sense says of a flow, as the Flow message of events. */
#pragma once

#include "model/event.h"
#include "sense/flow.h"

/* Fills `out` from `flow`; pointers of `out` lead into the flow. */
void flow_fill(const struct flow *flow, Apnwatch__V1__Flow *out);
