/* OMA UserPlane Location Protocol (OMA-TS-ULP-V1_0, V2_0_6, V3_0), unaligned PER (X.691). Pure.
 *
 * Read: header, session, who asks, which message, and the serving cell of SUPL START and SUPL POS INIT. Left out: all else;
 * positions travel in RRLP or LPP inside SUPL POS. */
#pragma once

#include "dissectors/dissector.h"

enum supl_kind {
        SUPL_INIT, SUPL_START, SUPL_RESPONSE, SUPL_POS_INIT, SUPL_POS, SUPL_END, SUPL_AUTH_REQ, SUPL_AUTH_RESP,
        SUPL_TRIGGERED_START, SUPL_TRIGGERED_RESPONSE, SUPL_TRIGGERED_STOP, SUPL_NOTIFY, SUPL_NOTIFY_RESPONSE, SUPL_SET_INIT,
        SUPL_REPORT, SUPL_KINDS
};

enum supl_cell { SUPL_NO_CELL, SUPL_GSM, SUPL_WCDMA, SUPL_LTE };

struct supl_message {
        uint16_t length;        /* of the whole message */
        uint8_t major, minor, service;
        enum supl_kind kind;
        char subscriber[17];    /* IMSI, MSISDN or MDN in digits; empty: none in clear */
        enum supl_cell cell;    /* SUPL_NO_CELL: none, or not certain */
        uint16_t mcc, mnc;
        uint8_t mnc_digits;     /* 0: not known */
        uint16_t area;          /* LAC or TAC; WCDMA has none here */
        uint32_t cell_id;
};

/* One message, consumed. TRUNCATED: its front is right and more must follow. NO_MATCH: not ULP. */
enum dissect_result supl_parse(struct cursor *cursor, struct supl_message *out);

const char *supl_kind_name(enum supl_kind kind); /* "SUPL START" */
