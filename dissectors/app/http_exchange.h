/* Requests that wait for their answer, the answer that is being read, and what is told of both as Transfer events. */
#pragma once

#include "dissectors/app/http_message.h"

enum { HTTP_WAITING = 4, HTTP_TEXT = 1152, HTTP_PATH = 1024, HTTP_HOST = 253, HTTP_AGENT = 128, HTTP_TYPE = 64, HTTP_FILE = 96 };

/* Its texts stand one after the other in http_exchanges.text: path, host, user agent. */
struct http_request {
        int64_t start_ns;
        uint64_t file_frame, range_start;
        uint32_t file;
        uint16_t path_length;
        uint8_t host_length, agent_length;
        uint8_t method; /* enum http_method */
        bool has_range;
};

/* The body that moves towards the device, and the answer. */
struct http_answer {
        int64_t start_ns;
        uint64_t size, moved;
        const char *image;
        uint16_t status; /* 0: none yet */
        uint8_t type_length, file_length;
        bool open;       /* something of it was seen and has not been told */
        bool has_size, asked;
        bool pushed;     /* the body is the request's: this is its exchange from the request on */
        bool whole;      /* a pushed body came to its end */
        bool examined;   /* its first bytes were looked at, or say nothing */
        char content_type[HTTP_TYPE], file_name[HTTP_FILE];
};

struct http_exchanges {
        struct http_request waiting[HTTP_WAITING];
        struct http_answer answer;
        uint16_t text_length;
        uint8_t count;
        uint8_t told; /* so many of the oldest requests were told without their answer, which may still come */
        char text[HTTP_TEXT];
};

/* A request's head was read. When HTTP_WAITING wait already, the oldest is told without its answer. */
void http_exchanges_request(struct http_exchanges *e, struct dissection *d, const struct http_head *head);

/* The method of the request that the next answer belongs to; HTTP_METHODS: not seen. */
enum http_method http_exchanges_method(const struct http_exchanges *e);

/* The target of the youngest request that waits, without its query; empty: none waits. */
struct cursor http_exchanges_path(const struct http_exchanges *e);

/* Type, name and size that a head declares for the body that moves towards the device. */
void http_exchanges_describe(struct http_exchanges *e, const struct dissection *d, const struct http_head *head);

/* `count` bytes of a body moved towards the device; tells ASKED when 32 KiB have. */
void http_exchanges_moved(struct http_exchanges *e, struct dissection *d, uint64_t count);

/* How a body ended. UNKNOWN: it goes on until the connection closes. */
enum http_ending { HTTP_WHOLE, HTTP_CUT, HTTP_UNKNOWN };

/* The oldest exchange is over: told, and forgotten. */
void http_exchanges_end(struct http_exchanges *e, struct dissection *d, enum http_ending ending);

/* All but the youngest `keep` requests are told without an answer. */
void http_exchanges_give_up(struct http_exchanges *e, struct dissection *d, unsigned keep);
