/* NMEA 0183 (IEC 61162-1) sentences that carry a fix: RMC, GGA, GLL, GNS of any satellite talker, and u-blox's PUBX,00.
 *
 *     $GPRMC,122806.0,A,0119.212178,N,10355.000942,E,0.0,,230119,0.0,E,A*27
 *
 * A sentence without a fix (status V, quality 0, navigation status NF) is NO_MATCH: it says where nothing is. Left out: AIS
 * (!AIVDM), waypoints, dead reckoning of the vendors. */
#pragma once

#include "dissectors/location/position.h"

/* One sentence from its '$' on, consumed up to its end. CHECKED when its checksum is right; without one, or with a wrong one,
 * FRAMED. TRUNCATED: the bytes end within the fields that are needed. `grade`, coordinates, time, speed, altitude are set. */
enum dissect_result nmea_parse(struct cursor *cursor, struct position *out);

/* True when the bytes begin with a sentence of a satellite receiver (of any kind, a fix or not) whose checksum
 * is right. */
bool nmea_is_checked_sentence(const struct cursor *cursor);

/* The next fix in a text, consumed with it; an id that stands right in front of the '$' is taken along. false: none. */
bool nmea_find(struct cursor *text, struct position *out);
