/* DTLS records and hellos: RFC 4347, RFC 6347 (1.2), RFC 9147 (1.3), RFC 9146 (connection ids), UDP on any port.
 *
 * Read: server name and agreed version, from hellos in one piece or in fragments. Left out: certificates, Cisco's version
 * 0x0100, the unified header of DTLS 1.3 (it says too little to be recognised by). */
#pragma once

#include "dissectors/app/tls.h"

enum dtls_content {
        DTLS_CHANGE_CIPHER = 20,
        DTLS_ALERT = 21,
        DTLS_HANDSHAKE = 22,
        DTLS_APPLICATION = 23,
        DTLS_HEARTBEAT = 24,
        DTLS_CID = 25, /* tls12_cid: a connection id of unknown length stands before the record's length */
        DTLS_ACK = 26
};

struct dtls_record {
        uint8_t type;
        uint16_t version, epoch;
        uint64_t sequence;
        struct cursor body;
};

struct dtls_fragment {
        uint8_t type; /* TLS_CLIENT_HELLO, ... */
        uint16_t sequence;
        uint32_t length, offset; /* of the message; of this fragment in it */
        struct cursor body;
};

/* One record; a CID record takes all that is left of the datagram. MALFORMED: it cannot be DTLS. */
enum dissect_result dtls_parse_record(struct cursor *datagram, struct dtls_record *record);
enum dissect_result dtls_parse_fragment(struct cursor *record, struct dtls_fragment *fragment);

/* OK when the whole datagram is records that fit. */
enum dissect_result dtls_check(struct cursor datagram);

extern const struct dissector dtls_dissector;
