/* TLS for everything that we connect to: certificates are verified, and the name (or address) that was asked for must be in
 * them. TLS 1.2 and later. */
#pragma once

#include <stddef.h>

struct bufferevent;
struct event_base;
struct tls_client;

struct tls_client_settings {
        const char *ca;          /* PEM file; NULL: the system's */
        const char *cert, *key;  /* PEM files, both or none: a certificate of our own */
};

/* 0 or negative errno with a message that names the file at fault. */
int tls_client_create(struct tls_client **out, const struct tls_client_settings *settings, char *error, size_t error_size);
void tls_client_destroy(struct tls_client *client);

/* A bufferevent not yet connected that will do the handshake with `host` (name or address; sent as SNI when a name). With
 * BEV_OPT_CLOSE_ON_FREE. NULL: no memory. `client` NULL: without TLS. */
struct bufferevent *tls_client_bufferevent(struct tls_client *client, struct event_base *base, const char *host);

/* Why the handshake failed, in words: "certificate verify failed: self-signed certificate", "host name mismatch"; "" when it did not. */
void tls_client_reason(struct bufferevent *stream, char *text, size_t size);
