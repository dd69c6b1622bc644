/* The head of an HTTP/1 request (RFC 9112), as far as a listener that only answers GET and HEAD has to know it. */
#pragma once

#include <stdbool.h>

#include "base/cursor.h"

enum { HTTP_PATH_SIZE = 128 };

enum http_request_result {
        HTTP_REQUEST_WHOLE,
        HTTP_REQUEST_INCOMPLETE, /* no empty line yet */
        HTTP_REQUEST_MALFORMED,
        HTTP_REQUEST_OTHER_VERSION, /* well formed, and neither 1.0 nor 1.1 */
};

struct http_request {
        bool is_get, is_head;      /* neither: another method */
        char path[HTTP_PATH_SIZE]; /* without the query; empty: too long, or a form without a path */
        bool has_body;             /* something is said to follow the head */
};

/* The head is consumed only when it is whole. Pure. */
enum http_request_result http_request_parse(struct cursor *bytes, struct http_request *out);
