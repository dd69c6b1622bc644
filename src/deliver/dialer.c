#include "deliver/dialer.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>

#include "deliver/tls_client.h"

/* Lives until evdns has called back, which it does late for a lookup that was given up. */
struct lookup {
        struct dialer *dialer;          /* NULL: nobody waits any more */
};

struct dialer {
        struct event_base *base;
        struct tls_client *tls;
        struct evdns_base *resolver;    /* made for the first name, and again after a failure: reads resolv.conf and hosts */
        bool resolver_failed;
        struct event *timeout;
        struct timeval patience;

        struct lookup *lookup;          /* under way */
        struct evdns_getaddrinfo_request *request;
        struct evutil_addrinfo *addresses, *next;
        int socket;                     /* that connects; -1: none */
        struct event *connecting;
        struct bufferevent *stream;     /* that does its handshake */
        char host[256];
        char why[400];                  /* what the last address said */
        dialer_done_fn done;
        void *context;
};

const char *dialer_reason(struct bufferevent *stream, short events)
{
        static char reason[300];
        tls_client_reason(stream, reason, sizeof reason);
        if (reason[0])
                return reason;
        int code = EVUTIL_SOCKET_ERROR();
        if ((events & BEV_EVENT_ERROR) && code != 0)
                return evutil_socket_error_to_string(code);
        return "the server closed the connection";
}

static void hang_up(struct dialer *dialer)
{
        if (dialer->connecting)
                event_free(dialer->connecting);
        dialer->connecting = NULL;
        if (dialer->socket >= 0)
                close(dialer->socket);
        dialer->socket = -1;
        if (dialer->stream)
                bufferevent_free(dialer->stream);
        dialer->stream = NULL;
}

void dialer_cancel(struct dialer *dialer)
{
        evtimer_del(dialer->timeout);
        if (dialer->lookup) {
                dialer->lookup->dialer = NULL;
                dialer->lookup = NULL;
                evdns_getaddrinfo_cancel(dialer->request);
                dialer->request = NULL;
        }
        hang_up(dialer);
        if (dialer->addresses)
                evutil_freeaddrinfo(dialer->addresses);
        dialer->addresses = dialer->next = NULL;
}

static void finish(struct dialer *dialer, struct bufferevent *stream, const char *why)
{
        dialer_cancel(dialer);
        dialer->done(dialer->context, stream, why);
}

static void try_next(struct dialer *dialer);

static void hand_over(struct dialer *dialer)
{
        struct bufferevent *stream = dialer->stream;
        bufferevent_disable(stream, EV_READ);
        bufferevent_setcb(stream, NULL, NULL, NULL, NULL);
        dialer->stream = NULL;
        finish(dialer, stream, NULL);
}

static void on_handshake(struct bufferevent *stream, short events, void *context)
{
        struct dialer *dialer = context;
        if (events & BEV_EVENT_CONNECTED) {
                hand_over(dialer);
                return;
        }
        snprintf(dialer->why, sizeof dialer->why, "%s", dialer_reason(stream, events));
        try_next(dialer);
}

static void on_connected(evutil_socket_t socket, short events, void *context)
{
        (void)events;
        struct dialer *dialer = context;
        int code = 0, yes = 1;
        socklen_t length = sizeof code;
        if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &length) != 0)
                code = errno;
        if (code == 0 && (dialer->stream = tls_client_bufferevent(dialer->tls, dialer->base, dialer->host)) == NULL)
                code = ENOMEM;
        if (code != 0) {
                snprintf(dialer->why, sizeof dialer->why, "%s", strerror(code));
                try_next(dialer);
                return;
        }
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
        bufferevent_setcb(dialer->stream, NULL, NULL, on_handshake, dialer);
        dialer->socket = -1;
        if (bufferevent_setfd(dialer->stream, socket) != 0) {
                close(socket);
                snprintf(dialer->why, sizeof dialer->why, "TLS cannot begin");
                try_next(dialer);
        } else if (dialer->tls == NULL) {
                hand_over(dialer);
        }
}

/* The TCP part by hand: a bufferevent with TLS does not tell why connect failed. */
static int begin_connect(struct dialer *dialer, const struct evutil_addrinfo *address)
{
        dialer->socket = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (dialer->socket < 0 ||
            (connect(dialer->socket, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS && errno != EINTR))
                return -errno;
        dialer->connecting = event_new(dialer->base, dialer->socket, EV_WRITE, on_connected, dialer);
        if (dialer->connecting == NULL || event_add(dialer->connecting, NULL) != 0)
                return -ENOMEM;
        evtimer_add(dialer->timeout, &dialer->patience);
        return 0;
}

static void try_next(struct dialer *dialer)
{
        while (dialer->next) {
                const struct evutil_addrinfo *address = dialer->next;
                dialer->next = address->ai_next;
                hang_up(dialer);
                int result = begin_connect(dialer, address);
                if (result == 0)
                        return;
                snprintf(dialer->why, sizeof dialer->why, "%s", strerror(-result));
        }
        char why[sizeof dialer->why];
        memcpy(why, dialer->why, sizeof why);
        finish(dialer, NULL, why);
}

static void on_timeout(evutil_socket_t socket, short events, void *context)
{
        (void)socket, (void)events;
        struct dialer *dialer = context;
        if (dialer->lookup) {
                dialer->resolver_failed = true;
                finish(dialer, NULL, "no answer to the name lookup");
                return;
        }
        snprintf(dialer->why, sizeof dialer->why, "no answer within %ld ms",
                 (long)dialer->patience.tv_sec * 1000 + (long)dialer->patience.tv_usec / 1000);
        try_next(dialer);
}

static void take_addresses(struct dialer *dialer, int result, struct evutil_addrinfo *addresses)
{
        if (result != 0 || addresses == NULL) {
                char why[200];
                dialer->resolver_failed = true;
                snprintf(why, sizeof why, "name lookup: %s", evutil_gai_strerror(result ? result : EVUTIL_EAI_NODATA));
                finish(dialer, NULL, why);
                return;
        }
        evtimer_del(dialer->timeout);
        dialer->addresses = dialer->next = addresses;
        try_next(dialer);
}

static void on_lookup(int result, struct evutil_addrinfo *addresses, void *context)
{
        struct lookup *lookup = context;
        struct dialer *dialer = lookup->dialer;
        free(lookup);
        if (dialer == NULL) {
                if (addresses)
                        evutil_freeaddrinfo(addresses);
                return;
        }
        dialer->lookup = NULL;
        dialer->request = NULL;
        take_addresses(dialer, result, addresses);
}

/* The answer may come before evdns returns. */
static void look_up(struct dialer *dialer, const char *port)
{
        struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
        hints.ai_flags = EVUTIL_AI_NUMERICHOST | EVUTIL_AI_NUMERICSERV;
        struct evutil_addrinfo *addresses = NULL;
        if (evutil_getaddrinfo(dialer->host, port, &hints, &addresses) == 0) {
                take_addresses(dialer, 0, addresses);
                return;
        }
        if (dialer->resolver && dialer->resolver_failed) {
                evdns_base_free(dialer->resolver, 1);
                dialer->resolver = NULL;
        }
        dialer->resolver_failed = false;
        if (dialer->resolver == NULL)
                dialer->resolver =
                        evdns_base_new(dialer->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
        struct lookup *lookup = dialer->resolver ? calloc(1, sizeof *lookup) : NULL;
        if (lookup == NULL) {
                finish(dialer, NULL, "names cannot be looked up (is resolv.conf whole?)");
                return;
        }
        hints.ai_flags = EVUTIL_AI_NUMERICSERV;
        lookup->dialer = dialer;
        dialer->lookup = lookup;
        evtimer_add(dialer->timeout, &dialer->patience);
        struct evdns_getaddrinfo_request *request =
                evdns_getaddrinfo(dialer->resolver, dialer->host, port, &hints, on_lookup, lookup);
        if (request != NULL)
                dialer->request = request;
}

void dialer_call(struct dialer *dialer, const char *host, uint16_t port, unsigned timeout_ms, dialer_done_fn done,
                 void *context)
{
        char service[8];
        dialer->done = done;
        dialer->context = context;
        dialer->patience = (struct timeval){.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
        snprintf(dialer->host, sizeof dialer->host, "%s", host);
        snprintf(service, sizeof service, "%u", port);
        look_up(dialer, service);
}

struct dialer *dialer_create(struct event_base *base, struct tls_client *tls)
{
        struct dialer *dialer = calloc(1, sizeof *dialer);
        if (dialer == NULL)
                return NULL;
        dialer->base = base;
        dialer->tls = tls;
        dialer->socket = -1;
        dialer->timeout = evtimer_new(base, on_timeout, dialer);
        if (dialer->timeout == NULL) {
                free(dialer);
                return NULL;
        }
        return dialer;
}

void dialer_destroy(struct dialer *dialer)
{
        if (dialer == NULL)
                return;
        dialer_cancel(dialer);
        if (dialer->resolver)
                evdns_base_free(dialer->resolver, 1);
        event_free(dialer->timeout);
        free(dialer);
}
