/* Heads, chunks and header values of HTTP/1.0 and 1.1 (RFC 9110, RFC 9112). Pure: the spans borrow from the cursor.
 *
 * Tolerated as clients in the field write it: a bare LF as line end, empty lines in front of a message, blanks before the
 * colon. Left out: folded header lines (a folded value is cut at its first line), HTTP/2 (its preface is no head here). */
#pragma once

#include "dissectors/dissector.h"

/* Of a method that is not in the list http_parse_head says NO_MATCH: RTSP, SIP, SSDP, ICAP look alike. */
enum http_method {
        HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_HEAD, HTTP_DELETE, HTTP_OPTIONS, HTTP_PATCH, HTTP_CONNECT, HTTP_TRACE,
        HTTP_PROPFIND, HTTP_PROPPATCH, HTTP_REPORT, HTTP_MKCOL, HTTP_COPY, HTTP_MOVE, HTTP_LOCK, HTTP_UNLOCK, HTTP_METHODS
};

const char *http_method_name(enum http_method method);

struct http_head {
        bool is_response;
        bool chunked, upgrade;
        bool encoded;               /* Content-Encoding: the first bytes of the body are not the object's */
        bool has_length, has_range, has_total;
        enum http_method method;    /* of a request */
        uint16_t status;            /* of a response, 100 to 999 */
        uint64_t length;            /* Content-Length */
        uint64_t range_start;       /* of a request's Range (bytes=N-...) or a response's Content-Range */
        uint64_t total;             /* Content-Range: bytes a-b/total */
        struct cursor target;       /* request target without scheme and authority */
        bool proxied;               /* the target was in absolute form (RFC 9112, 3.2.2) */
        struct cursor host;         /* of Host or of the target's authority, without port and brackets; empty: none */
        struct cursor user_agent, content_type, file_name; /* empty: none */
};

/* A whole head, its empty line included, consumed. TRUNCATED: more bytes may complete it. */
enum dissect_result http_parse_head(struct cursor *cursor, struct http_head *out);

/* The first line alone, so that a flow is recognised before its head is whole; nothing is consumed. */
enum dissect_result http_check_first_line(const struct cursor *cursor);

/* A chunk's size line (RFC 9112, 7.1), consumed; 0 is the last chunk, whose trailer follows. */
enum dissect_result http_parse_chunk_size(struct cursor *cursor, uint64_t *size);

/* The next line without its end, consumed. false: no line end in what is left; nothing is consumed. */
bool http_take_line(struct cursor *cursor, struct cursor *line);
