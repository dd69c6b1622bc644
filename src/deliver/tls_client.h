/* TLS for everything that we connect to: certificates are verified, and the name (or address) that was asked for must be in
 * them. TLS 1.2 and later. Left out: revocation lists, OCSP, keys with a passphrase (refused, never asked for). */
#pragma once

#include <stddef.h>

struct bufferevent;
struct event_base;
struct tls_client;

struct tls_client_settings {
        const char *ca;          /* PEM file; NULL: the system's */
        const char *cert, *key;  /* PEM files, both or none: a certificate of our own */
};

/* 0 or negative errno with a message that names the file at fault. The files are read here and not again. */
int tls_client_create(struct tls_client **out, const struct tls_client_settings *settings, char *error, size_t error_size);
void tls_client_destroy(struct tls_client *client); /* NULL is fine; streams may live on */

/* A bufferevent not yet connected that will do the handshake with `host` (name or address; sent as SNI when a name). With
 * BEV_OPT_CLOSE_ON_FREE. NULL: no memory. `client` NULL: without TLS. BEV_EVENT_CONNECTED comes after the handshake. */
struct bufferevent *tls_client_bufferevent(struct tls_client *client, struct event_base *base, const char *host);

/* Why the stream failed, as far as TLS knows: "certificate verify failed: self-signed certificate", "certificate verify
 * failed: hostname mismatch", "TLS: tlsv13 alert certificate required"; "" when TLS has nothing to say. To be asked in the
 * event callback: a server that refuses our certificate may say so only after the handshake. Takes the errors from the
 * stream. */
void tls_client_reason(struct bufferevent *stream, char *text, size_t size);
