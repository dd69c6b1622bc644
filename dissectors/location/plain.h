/* Flows of text that nothing carries: NMEA-0183 as it comes from a receiver, and JSON or telemetry lines; see plain.c. */
#pragma once

#include "dissectors/dissector.h"

extern const struct dissector nmea_dissector;  /* certain by a checksum: "NMEA-0183" */
extern const struct dissector plain_dissector; /* does not label; to be asked last */
