/* CoAP messages (RFC 7252; options of RFC 7641, 7959, 7967, 8613, 9175 and of the IANA registry). Pure. */
#pragma once

#include "dissectors/dissector.h"

enum { COAP_CON, COAP_NON, COAP_ACK, COAP_RST };
enum { COAP_PATHS = 12, COAP_QUERIES = 12 };

struct coap_message {
        uint8_t type;                /* COAP_CON to COAP_RST */
        uint8_t code;                /* class << 5 | detail; 0x45 is 2.05 */
        uint16_t id;
        struct cursor token;
        struct cursor host;          /* Uri-Host; empty: none */
        struct cursor path[COAP_PATHS], query[COAP_QUERIES]; /* Uri-Path, Uri-Query; of more the first */
        unsigned path_count, query_count;
        bool has_format, observe, has_block1, has_block2;
        uint16_t format;             /* Content-Format */
        uint32_t block1, block2;     /* number of the block */
        struct cursor payload;
};

/* A datagram that is one message as a whole, consumed. NO_MATCH: not CoAP, or a code, an option or a length of one that the
 * registry does not have. */
enum dissect_result coap_parse(struct cursor *cursor, struct coap_message *out);

static inline bool coap_is_request(const struct coap_message *message)
{
        return message->code > 0 && message->code < 0x20;
}
