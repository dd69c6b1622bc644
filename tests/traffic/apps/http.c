/* HTTP/1.1, RFC 9112: one request and its answer; bodies with Content-Length or in chunks. */
#include <stdio.h>
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

enum { PART_SIZE = 40000, CHUNK_SIZE = 8192, HOST_SIZE = 128 };

/* One IDAT chunk that holds all the rest. */
static void put_png_head(struct bytes *b, size_t size)
{
        static const uint8_t head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I',  'H',  'D',  'R', 0,
                                       0,    1,   0,   0,   0,    1,    0,    8,    6, 0, 0, 0,  0x5c, 0x72, 0xa8, 0x66};
        bytes_put(b, head, sizeof(head));
        bytes_be32(b, (uint32_t)(size - sizeof(head) - 12));
        bytes_text(b, "IDAT");
}

static void put_mp4_head(struct bytes *b, size_t size)
{
        static const uint8_t head[] = {0, 0, 0, 24, 'f', 't', 'y', 'p', 'm', 'p', '4', '2',
                                       0, 0, 0, 0,  'm', 'p', '4', '2', 'i', 's', 'o', 'm'};
        bytes_put(b, head, sizeof(head));
        bytes_be32(b, (uint32_t)(size - sizeof(head)));
        bytes_text(b, "mdat");
}

/* The first bytes by which a body's kind is known. */
static void put_image_head(struct bytes *b, const char *image, size_t size)
{
        static const uint8_t zip[] = {'P', 'K', 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x5a};
        static const uint8_t mcuboot[] = {0x3d, 0xb8, 0xf3, 0x96, 0, 0, 0, 0, 0, 2, 0, 0};
        if (image == NULL)
                return;
        if (strcmp(image, "zip") == 0)
                bytes_put(b, zip, sizeof(zip));
        else if (strcmp(image, "mcuboot") == 0)
                bytes_put(b, mcuboot, sizeof(mcuboot));
        else if (strcmp(image, "png") == 0)
                put_png_head(b, size);
        else if (strcmp(image, "mp4") == 0)
                put_mp4_head(b, size);
}

/* As sense tells it: without the port. */
static const char *host_alone(const char *host, char name[HOST_SIZE])
{
        snprintf(name, HOST_SIZE, "%.*s", (int)strcspn(host, ":"), host);
        return name;
}

static void send_request(struct conversation *c, const struct http_exchange *e)
{
        struct bytes *b = &c->traffic->scratch;
        char host[HOST_SIZE];
        size_t body = e->request_body != NULL ? strlen(e->request_body) : e->upload;
        bytes_clear(b);
        bytes_print(b, "%s %s HTTP/1.1\r\nHost: %s\r\n", e->method, e->path, e->host);
        if (e->user_agent != NULL)
                bytes_print(b, "User-Agent: %s\r\n", e->user_agent);
        bytes_text(b, "Accept: */*\r\n");
        if (body > 0)
                bytes_print(b, "Content-Type: %s\r\nContent-Length: %zu\r\n", e->content_type, body);
        bytes_text(b, "\r\n");
        if (e->request_body != NULL)
                bytes_text(b, e->request_body);
        conversation_send(c, UP, b->data, b->length);
        tell_label(c, &(struct label_fact){.label = "HTTP",
                                           .name = host_alone(e->host, host),
                                           .name_source = FACT_HOST,
                                           .visibility = FACT_READABLE});
        if (e->request_body == NULL)
                conversation_send_noise(c, UP, e->upload);
}

static void put_response_head(struct bytes *b, const struct http_exchange *e, size_t body)
{
        unsigned status = e->status == 0 ? 200 : e->status;
        bool answers_body = e->request_body != NULL || e->upload > 0;
        bytes_print(b, "HTTP/1.1 %u %s\r\nServer: nginx\r\n", status,
                    status == 200   ? "OK"
                    : status == 404 ? "Not Found"
                                    : "Other");
        if (e->file_name != NULL)
                bytes_print(b, "Content-Disposition: attachment; filename=\"%s\"\r\n", e->file_name);
        if (body > 0)
                bytes_print(b, "Content-Type: %s\r\n", answers_body ? "text/plain" : e->content_type);
        if (e->chunked)
                bytes_text(b, "Transfer-Encoding: chunked\r\n\r\n");
        else
                bytes_print(b, "Content-Length: %zu\r\n\r\n", body);
}

static void tell_exchange(struct conversation *c, const struct http_exchange *e, uint64_t moved, uint64_t size,
                          int64_t start_ns, bool ended)
{
        char host[HOST_SIZE];
        tell_transfer(c, &(struct transfer_fact){.ended = ended,
                                                 .protocol = "HTTP",
                                                 .method = e->method,
                                                 .host = host_alone(e->host, host),
                                                 .path = e->path,
                                                 .user_agent = e->user_agent,
                                                 .content_type = e->content_type,
                                                 .image = e->image,
                                                 .status = e->status == 0 ? 200 : e->status,
                                                 .size = size,
                                                 .moved = moved,
                                                 .start_ns = start_ns});
}

/* Noise after the image's first bytes; told when 32 KiB have gone. */
static void send_body(struct conversation *c, const struct http_exchange *e, size_t sent, size_t size, int64_t start_ns)
{
        struct bytes *b = &c->traffic->scratch;
        bool told = false;
        while (sent < size) {
                size_t part = size - sent < PART_SIZE ? size - sent : PART_SIZE;
                if (e->chunked && part > CHUNK_SIZE)
                        part = CHUNK_SIZE;
                bytes_clear(b);
                if (e->chunked)
                        bytes_print(b, "%zx\r\n", part);
                bytes_put(b, traffic_noise(c->traffic, part), part);
                if (e->chunked)
                        bytes_text(b, "\r\n");
                conversation_send(c, DOWN, b->data, b->length);
                sent += part;
                if (!told && sent >= 32768)
                        tell_exchange(c, e, sent, size, start_ns, false);
                told = told || sent >= 32768;
        }
        if (e->chunked)
                conversation_send(c, DOWN, "0\r\n\r\n", 5);
}

void http_send(struct conversation *c, const struct http_exchange *e)
{
        struct bytes *b = &c->traffic->scratch;
        int64_t start_ns = c->time_ns;
        send_request(c, e);
        size_t size = e->response_body != NULL ? strlen(e->response_body) : e->download;
        bytes_clear(b);
        put_response_head(b, e, size);
        size_t head = b->length;
        if (e->response_body != NULL)
                bytes_text(b, e->response_body);
        else if (!e->chunked && size > 64)
                put_image_head(b, e->image, size);
        size_t sent = b->length - head;
        conversation_send(c, DOWN, b->data, b->length);
        send_body(c, e, sent, size, start_ns);
        tell_exchange(c, e, size, size, start_ns, true);
}
