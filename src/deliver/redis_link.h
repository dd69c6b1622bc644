/* A connection to one Redis (or Valkey) that mends itself: name lookup, TCP, TLS, Sentinels, AUTH, SELECT, CLIENT SETNAME,
 * then commands in order and their replies in order. RESP2 by hiredis's formatter and reader over a bufferevent. It knows
 * what LOADING, MASTERDOWN, READONLY, MOVED, ASK, CLUSTERDOWN, TRYAGAIN, BUSY, UNBLOCKED, NOAUTH and WRONGPASS mean for a
 * connection: it is lost, and made anew after a pause, with MOVED at the address in it, behind Sentinels after these were
 * asked again. Every other error (OOM, NOPERM, MISCONF...) is a reply like others. It times out while commands are in flight.
 * The sink and `tail` both stand on it.
 *
 * Sentinels are spoken to with the same TLS settings but without credentials: these are for the master alone, which must say
 * ROLE master. A plaintext connection to another host is warned about once. The password is never logged, nor what a server
 * says about it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deliver/redis_address.h"

struct event_base;
struct redisReply;
struct redis_link;

struct redis_link_settings {                  /* strings are the caller's and outlive the link */
        struct redis_address address;
        /* NULL: none. The file is read at each connect, so that a changed password is taken. */
        const char *username, *password_file;
        const char *ca, *cert, *key;          /* PEM files; NULL as in tls_client.h */
        const char *client_name;              /* CLIENT SETNAME, without blanks; NULL: none */
        unsigned timeout_ms;                  /* without a byte while commands are in flight, and to connect; 0: 5000 */
        /* Called from the event loop, never from within redis_link_start or redis_link_command. */
        void (*ready)(void *context);         /* connected, authenticated: commands may be sent */
        /* The connection ended, or an attempt failed: all commands in flight are void (their replies are never called); the
         * link connects again after a pause. Called from redis_link_drop, too. `why` has the address in front. */
        void (*lost)(void *context, const char *why);
        unsigned (*pause_ms)(void *context);  /* before the next attempt; NULL: 50 ms doubling to 30 s with jitter, from anew
                                               * when a command was answered */
        void *context;
};

/* Reply to one command, borrowed until it returns. An error reply has type REDIS_REPLY_ERROR. */
typedef void (*redis_reply_fn)(void *context, const struct redisReply *reply);

/* 0 or negative errno with a message (files of credentials that cannot be read, no memory); does not connect yet. */
int redis_link_create(struct redis_link **out, struct event_base *base, const struct redis_link_settings *settings,
                      char *error, size_t error_size);
void redis_link_destroy(struct redis_link *link); /* not from within a callback of the link; NULL is fine */
void redis_link_start(struct redis_link *link);
bool redis_link_is_ready(const struct redis_link *link);
/* "127.0.0.1:6379": whom the link speaks to or tries to. Borrowed until the link connects again. */
const char *redis_link_peer(const struct redis_link *link);

/* Queues a command; `reply` (NULL: nobody wants it) is called in order. Written when redis_link_flush is called or 64 KiB
 * have gathered. 0, -ENOTCONN or -ENOMEM. */
int redis_link_command(struct redis_link *link, unsigned count, const char *const *words, const size_t *lengths,
                       redis_reply_fn reply, void *context);
void redis_link_flush(struct redis_link *link);
unsigned redis_link_in_flight(const struct redis_link *link);
/* The command queued last waits in the server (XREADGROUP ... BLOCK): so many ms are added to the timeout while its reply is
 * the next. */
void redis_link_expect_block(struct redis_link *link, unsigned ms);

/* The state is not what it should be (an error reply in a pipeline): drops the connection and begins anew; `why` goes to
 * `lost`. */
void redis_link_drop(struct redis_link *link, const char *why);
