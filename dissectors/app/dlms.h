/* DLMS/COSEM, what meters speak, on any port of TCP and UDP; see dlms.c. */
#pragma once

#include "dissectors/dissector.h"

/* A frame or wrapped APDU as it stands on the wire. */
struct dlms_frame {
        bool wrapped;          /* in the TCP and UDP wrapper; else in HDLC */
        uint16_t source, destination; /* wPort of the wrapper */
        uint8_t control;       /* of HDLC */
        uint8_t tag;           /* of the APDU; 0: an HDLC frame without one, or a piece of one */
        bool associates;       /* AARQ or AARE that names a DLMS context */
};

/* IEC 62056-47: version 1, two wPorts, length, APDU. All that is there, consumed. NO_MATCH: another length, or no known APDU. */
enum dissect_result dlms_parse_wrapper(struct cursor *cursor, struct dlms_frame *out);

/* IEC 62056-46, frame format type 3: flags, format and length, addresses, control, HCS, information, FCS; consumed. The
 * header's check sequence must be right, and the frame's, or a known APDU must follow. */
enum dissect_result dlms_parse_hdlc(struct cursor *cursor, struct dlms_frame *out);

extern const struct dissector dlms_dissector;
