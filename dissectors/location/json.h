/* Positions and serving cells in JSON (RFC 8259), whoever's: explicit keys, pairs, GeoJSON (RFC 7946), cell lists as the
 * location services of Google, nRF Cloud, AWS, Unwired and others take them; NMEA sentences in strings.
 *
 * A tolerant walk without allocation: nothing is built, what is cut off is read to the cut, depth is bounded. Left out:
 * escapes in names and in the strings that are looked at, JSON in strings of JSON. */
#pragma once

#include "dissectors/location/position.h"

/* At most `most` are stored; returns how many. A cell that stands apart from any position is one of its own, unless there is
 * a position, which then gets it. */
unsigned json_find(struct cursor text, struct position *out, unsigned most);
