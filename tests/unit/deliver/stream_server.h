/* A server for tests, in the loop of the test: takes connections on 127.0.0.1, with TLS or without, and shows what they bring. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bufferevent;
struct event_base;

struct stream_server_settings {
        struct event_base *base;
        const char *cert, *key;   /* PEM files: TLS; NULL: without */
        uint16_t port;            /* 0: any */
        int receive_buffer;       /* SO_RCVBUF; 0: the system's */
        /* Bytes came: they are in the stream's input. `connection` counts from 0. */
        void (*took)(void *context, struct bufferevent *stream, unsigned connection);
        void *context;
};

struct stream_server {
        struct stream_server_settings settings;
        uint16_t port;
        unsigned connections;     /* accepted */
        unsigned ended_cleanly;   /* by the client's FIN, with TLS by its close_notify */
        struct evconnlistener *listener;
        void *context;            /* TLS's */
        struct bufferevent *streams[64];
        bool is_holding;          /* reads nothing from new connections; see stream_server_hold */
};

void stream_server_open(struct stream_server *server, const struct stream_server_settings *settings); /* a failure ends the test */
void stream_server_close(struct stream_server *server);
void stream_server_cut(struct stream_server *server, struct bufferevent *stream); /* without a word; not within `took` of TLS */
void stream_server_cut_all(struct stream_server *server);
void stream_server_hold(struct stream_server *server, bool hold); /* reads nothing any more; reads again */
