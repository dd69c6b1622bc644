/* From a name to a stream: looks the name up without blocking the loop, tries its addresses in turn, does TLS. */
#pragma once

#include <stdint.h>

struct bufferevent;
struct dialer;
struct event_base;
struct tls_client;

/* `tls` NULL: without; it is the caller's and outlives the dialer. NULL: no memory. */
struct dialer *dialer_create(struct event_base *base, struct tls_client *tls);
void dialer_destroy(struct dialer *dialer); /* NULL is fine */

/* `stream` is connected, TLS included, and the caller's from now on (callbacks are to be set, reading to be enabled); or NULL
 * and why. */
typedef void (*dialer_done_fn)(void *context, struct bufferevent *stream, const char *why);

/* One call at a time. `timeout_ms` is for the lookup and again for each address. `done` may be called before this returns. */
void dialer_call(struct dialer *dialer, const char *host, uint16_t port, unsigned timeout_ms, dialer_done_fn done,
                 void *context);
void dialer_cancel(struct dialer *dialer); /* `done` will not be called */

/* Why a stream ended, for an event callback: TLS first, then the socket. Borrowed until the next call. */
const char *dialer_reason(struct bufferevent *stream, short events);
