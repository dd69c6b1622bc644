/* Positions and cells in key=value texts: query strings and forms (percent-encoded; & or ; between pairs), and lines of
 * telemetry as loggers, InfluxDB's line protocol and GPX write them (key=value or key:value, anything between). */
#pragma once

#include "dissectors/location/position.h"

/* `text` is what follows the '?', or a form's body. Values of at most 192 bytes are looked at. false: nothing found. */
bool query_find(struct cursor text, struct position *out);

/* Line by line; at most `most` positions; returns how many. */
unsigned key_values_find(struct cursor text, struct position *out, unsigned most);
