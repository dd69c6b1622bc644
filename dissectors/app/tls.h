/* TLS hellos: RFC 8446, RFC 5246 and before, RFC 6066 (server name), RFC 7301 (ALPN), over TCP on any port. The hello
 * itself is the same in DTLS and QUIC, which share tls_parse_client_hello.
 *
 * Left out: certificates, the hello of SSL 2, a server name that is hidden by ECH (the outer one is read). */
#pragma once

#include "dissectors/dissector.h"

enum { TLS_CLIENT_HELLO = 1, TLS_SERVER_HELLO = 2, TLS_1_3 = 0x0304, TLS_NAME_MAX = 255 };

/* All pointers borrow from the bytes. */
struct tls_client_hello {
        uint16_t version;         /* the highest offered, RFC 8701's grease not counted */
        uint16_t name_length;     /* 0: none sent */
        const uint8_t *name;      /* host_name, as sent */
        uint8_t alpn_length;      /* of the first protocol offered; 0: none */
        const uint8_t *alpn;
        bool encrypted;           /* ECH or ESNI was offered (some browsers always do) */
};

struct tls_server_hello {
        uint16_t version; /* as agreed */
        uint16_t cipher;
        bool retry;       /* HelloRetryRequest */
};

/* `body` is the handshake message behind its four bytes of type and length. DTLS has a cookie in its client hello.
 * TRUNCATED: what was read until then is valid. */
enum dissect_result tls_parse_client_hello(struct cursor *body, bool datagram, struct tls_client_hello *hello);
enum dissect_result tls_parse_server_hello(struct cursor *body, struct tls_server_hello *hello);

/* The first handshake message of a stream of records. It is one piece in `message` (type and length in front): in place
 * when one record holds it, otherwise put together in `room`. TRUNCATED: `message` is the front that is there. */
enum dissect_result tls_gather_message(struct cursor stream, uint8_t *room, size_t room_size, struct cursor *message);

extern const struct dissector tls_dissector;
