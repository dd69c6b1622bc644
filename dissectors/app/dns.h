/* DNS messages: RFC 1035 over UDP and TCP, mDNS (RFC 6762) and LLMNR (RFC 4795), which have the same form.
 *
 * Read: header, first question, CNAME, A, AAAA, SVCB and HTTPS (RFC 9460: target and address hints), the extended rcode of
 * EDNS (RFC 6891). Left out: every other record type, DNAME (its synthesised CNAME stands beside it), DNSSEC, more than
 * one question. */
#pragma once

#include "dissectors/dissector.h"

enum {
        DNS_ALIASES = 16,     /* of the CNAME chain; later ones are dropped */
        DNS_ANSWERS = 32,     /* A and AAAA; later ones are dropped */
        DNS_TEXT_SIZE = 4096, /* of all names of a message; a name is at most 1012 bytes of text */
        DNS_NAMES = DNS_ALIASES + 8
};

struct dns_alias {
        const char *owner, *target;
        uint32_t ttl;
};

struct dns_answer {
        const char *name;       /* owner */
        const uint8_t *address; /* borrows from the message's bytes */
        uint8_t length;         /* 4 or 16 */
        uint32_t ttl;           /* the least along the chain of aliases from the question */
};

/* Texts are lower case, without the dot at the end ("." for the root), labels escaped as RFC 4343, 2.1: \. \\ \DDD. */
struct dns_message {
        uint16_t id;
        bool response;
        uint8_t opcode;
        uint16_t rcode;
        uint16_t questions;   /* as the header says */
        const char *question; /* the first one; NULL: none */
        uint16_t type;        /* of the first question */
        unsigned alias_count, answer_count;
        struct dns_alias alias[DNS_ALIASES];
        struct dns_answer answer[DNS_ANSWERS];

        /* Names that were read, by where they begin, so that a compression pointer costs a look. */
        unsigned name_count;
        struct { uint16_t offset; const char *text; } name[DNS_NAMES];
        size_t text_used;
        char text[DNS_TEXT_SIZE];
};

/* Reads one message, which is all of `payload` (TCP: without the length in front). What was read before a TRUNCATED or
 * MALFORMED is valid. NO_MATCH: no DNS header. */
enum dissect_result dns_parse(struct cursor *payload, struct dns_message *message);

/* Walks the message without reading names: OK when header, every record and the end of `payload` fit together. */
enum dissect_result dns_check(struct cursor payload);

extern const struct dissector dns_dissector;
