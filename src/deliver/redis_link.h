/* A connection to one Redis (or Valkey) that mends itself: name lookup, TCP, TLS, Sentinels, AUTH, SELECT, CLIENT SETNAME, then
 * commands in order and their replies in order. RESP2 by hiredis's formatter and reader over a bufferevent. It knows what LOADING,
 * MASTERDOWN, READONLY, MOVED, ASK, CLUSTERDOWN, NOAUTH, WRONGPASS and OOM mean for a connection, and times out while commands are in
 * flight. The sink and `tail` both stand on it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deliver/redis_address.h"

struct event_base;
struct redisReply;
struct redis_link;

struct redis_link_settings {
        struct redis_address address;
        const char *username, *password_file; /* the file is read at each connect, so that a changed password is taken; NULL: none */
        const char *ca, *cert, *key;          /* PEM files; NULL as in tls_client.h */
        const char *client_name;              /* CLIENT SETNAME */
        unsigned timeout_ms;                  /* without a byte while commands are in flight, and to connect; 0: 5000 */
        /* Called from the event loop. */
        void (*ready)(void *context);         /* connected, authenticated: commands may be sent */
        void (*lost)(void *context, const char *why); /* all commands in flight are void; the link will connect again */
        unsigned (*pause_ms)(void *context);  /* before the next attempt; NULL: 50 ms doubling to 30 s with jitter */
        void *context;
};

/* Reply to one command, borrowed until it returns. An error reply has type REDIS_REPLY_ERROR. */
typedef void (*redis_reply_fn)(void *context, const struct redisReply *reply);

/* 0 or negative errno with a message (files of credentials that cannot be read, no memory); does not connect yet. */
int redis_link_create(struct redis_link **out, struct event_base *base, const struct redis_link_settings *settings, char *error,
                      size_t error_size);
void redis_link_destroy(struct redis_link *link);
void redis_link_start(struct redis_link *link);
bool redis_link_is_ready(const struct redis_link *link);

/* Queues a command; `reply` is called in order. Written when redis_link_flush is called or 64 KiB have gathered. 0 or -ENOTCONN. */
int redis_link_command(struct redis_link *link, unsigned count, const char *const *words, const size_t *lengths,
                       redis_reply_fn reply, void *context);
void redis_link_flush(struct redis_link *link);
unsigned redis_link_in_flight(const struct redis_link *link);
/* A command that waits in the server (XREADGROUP ... BLOCK): no timeout for this many ms while it is in flight. */
void redis_link_expect_block(struct redis_link *link, unsigned ms);

/* The state is not what it should be (an error reply in a pipeline): drops the connection and begins anew; `why` goes to `lost`. */
void redis_link_drop(struct redis_link *link, const char *why);
