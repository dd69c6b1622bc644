/* The listener of metrics.h. Not evhttp: libevent 2.1 cannot bound the number of its connections, and its timeouts begin anew with every
 * byte, so that a client could hold them, and the text that waits for it, for as long as it likes. Here a connection
 * carries one request and is over at a set time whatever its client does; when there are too many, the oldest goes.
 *
 * Bytes that an answer takes are the text once a connection: 16 texts at most, each for 10 s at most. */
#include "deliver/metrics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>

#include "base/log.h"
#include "deliver/http_request.h"

enum { CONNECTION_LIMIT = 16, HEAD_LIMIT = 8192, REQUEST_MS = 5000, ANSWER_MS = 10000, LINGER_MS = 1000, ACCEPT_PAUSE_MS = 1000 };

struct connection {
        struct metrics_listener *listener;
        struct bufferevent *stream;
        struct event *deadline;
        bool is_answered, is_at_end; /* the client will send nothing more */
};

struct metrics_listener {
        struct event_base *base;
        struct evconnlistener *accepting;
        struct event *pause;
        bool told_of_pause;
        unsigned request_ms, answer_ms;
        metrics_collect_fn collect;
        void *context;
        struct connection *connections[CONNECTION_LIMIT]; /* the oldest first */
        unsigned count;
};

static void connection_close(struct connection *connection)
{
        struct metrics_listener *listener = connection->listener;
        unsigned place = 0;
        while (listener->connections[place] != connection)
                place++;
        listener->count--;
        for (; place < listener->count; place++)
                listener->connections[place] = listener->connections[place + 1];
        event_free(connection->deadline);
        bufferevent_free(connection->stream);
        free(connection);
}

static void on_deadline(evutil_socket_t descriptor, short what, void *context)
{
        (void)descriptor;
        (void)what;
        connection_close(context);
}

static void set_deadline(struct connection *connection, unsigned milliseconds)
{
        const struct timeval span = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
        event_add(connection->deadline, &span);
}

static void free_text(const void *data, size_t length, void *text)
{
        (void)data;
        (void)length;
        free(text);
}

struct answer {
        const char *status;
        const char *type;   /* NULL: plain text */
        const char *fields; /* more of the head; NULL: none */
        char *text;         /* becomes the connection's; NULL: the status is the text */
        size_t length;
};

/* `without_text`: the head alone, as HEAD wants it. */
static void send_answer(struct connection *connection, const struct answer *answer, bool without_text)
{
        struct evbuffer *output = bufferevent_get_output(connection->stream);
        size_t length = answer->text ? answer->length : strlen(answer->status) + 1;
        evbuffer_add_printf(output,
                            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
                            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n%s\r\n",
                            answer->status, answer->type ? answer->type : "text/plain; charset=utf-8", length,
                            answer->fields ? answer->fields : "");
        if (without_text || (answer->text != NULL && evbuffer_add_reference(output, answer->text, length, free_text, answer->text) < 0))
                free(answer->text);
        else if (answer->text == NULL)
                evbuffer_add_printf(output, "%s\n", answer->status);
        connection->is_answered = true;
        set_deadline(connection, connection->listener->answer_ms);
}

static void answer_request(struct connection *connection, const struct http_request *request)
{
        struct metrics_listener *listener = connection->listener;
        struct answer answer = {.status = "404 Not Found"};
        bool is_metrics = strcmp(request->path, "/metrics") == 0;
        if (!request->is_get && !request->is_head) {
                answer = (struct answer){.status = "405 Method Not Allowed", .fields = "Allow: GET, HEAD\r\n"};
        } else if (request->has_body) {
                answer.status = "413 Content Too Large";
        } else if (is_metrics) {
                answer.text = metrics_text(listener->collect, listener->context, &answer.length);
                answer.status = answer.text ? "200 OK" : "500 Internal Server Error";
                answer.type = answer.text ? "text/plain; version=0.0.4; charset=utf-8" : NULL;
        } else if (strcmp(request->path, "/healthz") == 0) {
                answer.status = "200 OK";
        }
        send_answer(connection, &answer, request->is_head);
}

static void on_read(struct bufferevent *stream, void *context)
{
        struct connection *connection = context;
        struct evbuffer *input = bufferevent_get_input(stream);
        size_t length = evbuffer_get_length(input);
        struct http_request request;
        if (!connection->is_answered) {
                struct cursor bytes = cursor_of(evbuffer_pullup(input, -1), length);
                switch (http_request_parse(&bytes, &request)) {
                case HTTP_REQUEST_WHOLE:
                        answer_request(connection, &request);
                        break;
                case HTTP_REQUEST_INCOMPLETE:
                        if (length < HEAD_LIMIT)
                                return;
                        send_answer(connection, &(struct answer){.status = "431 Request Header Fields Too Large"}, false);
                        break;
                case HTTP_REQUEST_MALFORMED:
                        send_answer(connection, &(struct answer){.status = "400 Bad Request"}, false);
                        break;
                case HTTP_REQUEST_OTHER_VERSION:
                        send_answer(connection, &(struct answer){.status = "505 HTTP Version Not Supported"}, false);
                        break;
                }
        }
        evbuffer_drain(input, evbuffer_get_length(input));
}

/* All is with the kernel. What the client may still be sending is read away for a moment: closing on it would reset the connection and
 * take the answer from the client. */
static void on_written(struct bufferevent *stream, void *context)
{
        struct connection *connection = context;
        if (!connection->is_answered || evbuffer_get_length(bufferevent_get_output(stream)) > 0)
                return;
        if (connection->is_at_end) {
                connection_close(connection);
                return;
        }
        shutdown(bufferevent_getfd(stream), SHUT_WR);
        set_deadline(connection, LINGER_MS);
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
        struct connection *connection = context;
        bool is_waited_for = connection->is_answered && evbuffer_get_length(bufferevent_get_output(stream)) > 0;
        if ((what & BEV_EVENT_EOF) != 0 && is_waited_for)
                connection->is_at_end = true;
        else
                connection_close(connection);
}

static void on_accept(struct evconnlistener *accepting, evutil_socket_t descriptor, struct sockaddr *peer, int length, void *context)
{
        struct metrics_listener *listener = context;
        (void)accepting;
        (void)peer;
        (void)length;
        if (listener->count == CONNECTION_LIMIT)
                connection_close(listener->connections[0]);
        struct connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL) {
                evutil_closesocket(descriptor);
                return;
        }
        connection->listener = listener;
        connection->stream = bufferevent_socket_new(listener->base, descriptor, BEV_OPT_CLOSE_ON_FREE);
        connection->deadline = evtimer_new(listener->base, on_deadline, connection);
        if (connection->stream == NULL || connection->deadline == NULL) {
                if (connection->stream != NULL)
                        bufferevent_free(connection->stream);
                else
                        evutil_closesocket(descriptor);
                if (connection->deadline != NULL)
                        event_free(connection->deadline);
                free(connection);
                return;
        }
        listener->connections[listener->count++] = connection;
        bufferevent_setwatermark(connection->stream, EV_READ, 0, HEAD_LIMIT);
        bufferevent_setcb(connection->stream, on_read, on_written, on_event, connection);
        bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
        set_deadline(connection, listener->request_ms);
}

/* Out of descriptors, most likely: without a pause the loop would turn on it. */
static void on_accept_error(struct evconnlistener *accepting, void *context)
{
        struct metrics_listener *listener = context;
        const struct timeval span = {.tv_sec = ACCEPT_PAUSE_MS / 1000, .tv_usec = ACCEPT_PAUSE_MS % 1000 * 1000};
        if (!listener->told_of_pause)
                log_warning("metrics: a connection cannot be taken: %s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
        listener->told_of_pause = true;
        evconnlistener_disable(accepting);
        event_add(listener->pause, &span);
}

static void on_pause_over(evutil_socket_t descriptor, short what, void *context)
{
        struct metrics_listener *listener = context;
        (void)descriptor;
        (void)what;
        evconnlistener_enable(listener->accepting);
}

/* The port must be said, so that "::1" is not taken for one. */
static bool parse_address(const char *text, struct sockaddr_storage *out, int *length)
{
        const char *colon = strrchr(text, ':');
        bool is_v6 = text[0] == '[';
        if (colon == NULL || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
            (is_v6 ? colon == text || colon[-1] != ']' : strchr(text, ':') != colon))
                return false;
        unsigned long port = strtoul(colon + 1, NULL, 10);
        if (port > UINT16_MAX)
                return false;
        if (port > 0)
                return evutil_parse_sockaddr_port(text, (struct sockaddr *)out, length) == 0;
        char bare[80]; /* libevent takes no port 0 */
        if ((size_t)(colon - text) >= sizeof bare)
                return false;
        memcpy(bare, text, (size_t)(colon - text));
        bare[colon - text] = '\0';
        return evutil_parse_sockaddr_port(bare, (struct sockaddr *)out, length) == 0;
}

int metrics_listen(struct metrics_listener **out, struct event_base *base, const char *address, metrics_collect_fn collect,
                   void *context, char *error, size_t error_size)
{
        struct sockaddr_storage name = {0};
        int length = sizeof name;
        if (!parse_address(address, &name, &length)) {
                snprintf(error, error_size, "metrics: \"%.100s\"; expected ADDRESS:PORT such as 127.0.0.1:9477 or [::1]:9477", address);
                return -EINVAL;
        }
        struct metrics_listener *listener = calloc(1, sizeof *listener);
        if (listener == NULL)
                return -ENOMEM;
        *listener = (struct metrics_listener){
                .base = base, .collect = collect, .context = context, .request_ms = REQUEST_MS, .answer_ms = ANSWER_MS};
        listener->pause = evtimer_new(base, on_pause_over, listener);
        if (listener->pause != NULL)
                listener->accepting = evconnlistener_new_bind(base, on_accept, listener,
                                                              LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, -1,
                                                              (struct sockaddr *)&name, length);
        if (listener->accepting == NULL) {
                int failure = errno ? -errno : -ENOMEM;
                snprintf(error, error_size, "metrics: cannot listen on %.100s: %s", address, strerror(-failure));
                metrics_listener_close(listener);
                return failure;
        }
        evconnlistener_set_error_cb(listener->accepting, on_accept_error);
        *out = listener;
        return 0;
}

void metrics_listener_set_patience(struct metrics_listener *listener, unsigned request_ms, unsigned answer_ms)
{
        listener->request_ms = request_ms;
        listener->answer_ms = answer_ms;
}

uint16_t metrics_listener_port(const struct metrics_listener *listener)
{
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } name = {.v6 = {.sin6_port = 0}};
        socklen_t length = sizeof name;
        if (getsockname(evconnlistener_get_fd(listener->accepting), &name.any, &length) < 0)
                return 0;
        return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

void metrics_listener_close(struct metrics_listener *listener)
{
        if (listener == NULL)
                return;
        while (listener->count > 0)
                connection_close(listener->connections[listener->count - 1]);
        if (listener->accepting != NULL)
                evconnlistener_free(listener->accepting);
        if (listener->pause != NULL)
                event_free(listener->pause);
        free(listener);
}
