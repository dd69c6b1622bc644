/* `syslog:` (RFC 5424 over TCP, octet counting of RFC 6587), `syslog+tls:` and `syslogs:` (RFC 5425): the outbox's entries in order.
 *
 * TCP syslog has no acknowledgement. What there is: the receiver's system says that it has our bytes. An entry counts as delivered
 * when that was so for SETTLE_MS and the connection still stood; after a cut everything younger is sent again. So an entry may come
 * twice (its id and revision tell), and what a receiver's system had taken but the receiver had not read after SETTLE_MS, when it
 * died, is lost. No one can know better with this protocol; redis:// and webhook: can.
 *
 * Left out: UDP, non-transparent framing, RELP. */
#include "deliver/kinds.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "deliver/dialer.h"
#include "deliver/feed.h"
#include "deliver/syslog_message.h"
#include "deliver/tls_client.h"
#include "deliver/url.h"

enum {
        QUEUE_MOST = 256 * 1024, /* bytes that wait for the socket; above it nothing is taken from the feed */
        IN_FLIGHT_MOST = 65536,  /* entries taken and not yet delivered; a power of two */
        CONNECT_MS = 10000,
        STALL_MS = 30000,        /* without an acknowledgement by the receiver's system while bytes are on their way */
        LOOK_MS = 20,            /* how often acknowledgements are asked for while something is in flight */
        SETTLE_MS = 500,
        LOOKS = 64,              /* more than one settles at a time: SETTLE_MS / LOOK_MS, and those that wait */
};

struct sent { /* an entry */
        uint64_t number, end; /* end: bytes of this connection up to and with it */
};

struct syslog {
        struct sink *sink;
        struct feed *feed;
        struct url url;
        struct tls_client *tls;
        struct dialer *dialer;
        struct bufferevent *stream; /* NULL: not connected */
        struct event *retry, *look;
        bool is_told_well;          /* feed_connected was called on this connection */
        bool is_doubtful;           /* the last one was cut before it stood for SETTLE_MS: the next is not told at once */
        int64_t stands_ms;
        struct json_buffer scratch;
        struct evbuffer *batch;     /* messages are gathered here, so that the socket is written once */

        struct sent *sent;          /* ring */
        uint32_t first, count;
        uint64_t queued;            /* bytes given to this connection */

        /* Looks at how far the bytes have come, a ring: each waits until the other system has them, then it settles. */
        struct look {
                uint64_t plain, wire; /* our bytes, and the bytes of the socket that they are in */
                int64_t settles_ms;   /* 0: the other system does not have them yet */
        } looks[LOOKS];
        unsigned first_look, look_count;
        uint64_t looked;              /* `plain` of the last */
};

static int64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void add_timer(struct event *timer, unsigned ms)
{
        struct timeval pause = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_add(timer, &pause);
}

/* The connection */

static void disconnect(struct syslog *syslog)
{
        if (syslog->stream != NULL)
                bufferevent_free(syslog->stream);
        syslog->stream = NULL;
        event_del(syslog->look);
        syslog->first = syslog->count = 0;
        syslog->queued = 0;
        syslog->first_look = syslog->look_count = 0;
        syslog->looked = 0;
}

static void connect_later(struct syslog *syslog, const char *why)
{
        if (syslog->stream != NULL)
                syslog->is_doubtful = now_ms() < syslog->stands_ms;
        disconnect(syslog);
        feed_trouble(syslog->feed, why);
        feed_rewind(syslog->feed);
        add_timer(syslog->retry, feed_next_pause_ms(syslog->feed));
}

static void on_event(struct bufferevent *stream, short events, void *context)
{
        connect_later(context, dialer_reason(stream, events));
}

/* A receiver has nothing to say; what it says is drained, so that our end of the connection is never reset for it. */
static void on_read(struct bufferevent *stream, void *context)
{
        (void)context;
        struct evbuffer *input = bufferevent_get_input(stream);
        evbuffer_drain(input, evbuffer_get_length(input));
}

/* How far the bytes have come */

static uint64_t wire_bytes(const struct syslog *syslog)
{
        SSL *ssl = syslog->tls ? bufferevent_openssl_get_ssl(syslog->stream) : NULL;
        if (ssl != NULL)
                return BIO_number_written(SSL_get_wbio(ssl));
        return syslog->queued - evbuffer_get_length(bufferevent_get_output(syslog->stream));
}

static uint64_t wire_bytes_acknowledged(const struct syslog *syslog)
{
        int waiting = 0;
        uint64_t written = wire_bytes(syslog);
        if (ioctl(bufferevent_getfd(syslog->stream), SIOCOUTQ, &waiting) != 0 || waiting < 0)
                return 0;
        return written > (uint64_t)waiting ? written - (uint64_t)waiting : 0;
}

static void note_delivered(struct syslog *syslog, uint64_t bytes)
{
        uint64_t number = 0;
        while (syslog->count > 0 && syslog->sent[syslog->first].end <= bytes) {
                number = syslog->sent[syslog->first].number;
                syslog->first = (syslog->first + 1) % IN_FLIGHT_MOST;
                syslog->count--;
        }
        if (number != 0)
                feed_delivered(syslog->feed, number);
}

static void tell_well(struct syslog *syslog)
{
        syslog->is_told_well = true;
        feed_connected(syslog->feed); /* the next pause is a short one again */
}

static void look(struct syslog *syslog)
{
        int64_t now = now_ms();
        if (!syslog->is_told_well && now >= syslog->stands_ms)
                tell_well(syslog);
        uint64_t acknowledged = wire_bytes_acknowledged(syslog), delivered = 0;
        for (unsigned i = 0; i < syslog->look_count; i++) {
                struct look *one = &syslog->looks[(syslog->first_look + i) % LOOKS];
                if (one->settles_ms == 0 && acknowledged >= one->wire)
                        one->settles_ms = now + SETTLE_MS;
        }
        for (; syslog->look_count > 0; syslog->look_count--, syslog->first_look = (syslog->first_look + 1) % LOOKS) {
                const struct look *one = &syslog->looks[syslog->first_look];
                if (one->settles_ms == 0 || now < one->settles_ms)
                        break;
                delivered = one->plain;
        }
        if (delivered != 0)
                note_delivered(syslog, delivered);
        uint64_t plain = syslog->queued - evbuffer_get_length(bufferevent_get_output(syslog->stream));
        if (plain > syslog->looked && syslog->look_count < LOOKS) {
                syslog->looks[(syslog->first_look + syslog->look_count++) % LOOKS] = (struct look){plain, wire_bytes(syslog), 0};
                syslog->looked = plain;
        }
}

/* Carrying */

static bool add_entry(struct syslog *syslog, const struct outbox_entry *entry)
{
        const char *sensor = syslog->sink->run ? syslog->sink->run->sensor : NULL;
        if (syslog_message_add(syslog->batch, entry, sensor, &syslog->scratch) != 0)
                return false;
        uint64_t end = syslog->queued + evbuffer_get_length(syslog->batch);
        syslog->sent[(syslog->first + syslog->count++) % IN_FLIGHT_MOST] = (struct sent){entry->number, end};
        return true;
}

static void carry(struct syslog *syslog)
{
        if (syslog->stream == NULL)
                return;
        struct evbuffer *output = bufferevent_get_output(syslog->stream);
        size_t waiting = evbuffer_get_length(output);
        struct outbox_entry entry;
        bool has_memory = true;
        while (has_memory && waiting + evbuffer_get_length(syslog->batch) < QUEUE_MOST && syslog->count < IN_FLIGHT_MOST &&
               feed_take(syslog->feed, &entry))
                has_memory = add_entry(syslog, &entry);
        if (!has_memory) {
                evbuffer_drain(syslog->batch, evbuffer_get_length(syslog->batch));
                connect_later(syslog, strerror(ENOMEM));
                return;
        }
        syslog->queued += evbuffer_get_length(syslog->batch);
        evbuffer_add_buffer(output, syslog->batch);
        bool has_to_look = syslog->count > 0 || !syslog->is_told_well;
        if (has_to_look && !event_pending(syslog->look, EV_TIMEOUT, NULL))
                add_timer(syslog->look, LOOK_MS);
}

static void on_drained(struct bufferevent *stream, void *context)
{
        (void)stream;
        carry(context);
}

static void on_look(evutil_socket_t socket, short events, void *context)
{
        struct syslog *syslog = context;
        (void)socket, (void)events;
        look(syslog);
        carry(syslog);
}

static void on_connected(void *context, struct bufferevent *stream, const char *why)
{
        struct syslog *syslog = context;
        if (stream == NULL) {
                connect_later(syslog, why);
                return;
        }
        unsigned stall_ms = STALL_MS;
        setsockopt(bufferevent_getfd(stream), IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof stall_ms);
        syslog->stream = stream;
        /* Called when QUEUE_MOST / 4 are left: the socket never waits for us. */
        bufferevent_setwatermark(stream, EV_WRITE, QUEUE_MOST / 4, 0);
        bufferevent_setcb(stream, on_read, on_drained, on_event, syslog);
        bufferevent_enable(stream, EV_READ | EV_WRITE);
        syslog->stands_ms = now_ms() + SETTLE_MS;
        syslog->is_told_well = false;
        if (!syslog->is_doubtful)
                tell_well(syslog);
        carry(syslog);
}

static void on_retry(evutil_socket_t socket, short events, void *context)
{
        struct syslog *syslog = context;
        (void)socket, (void)events;
        dialer_call(syslog->dialer, syslog->url.host, syslog->url.port, CONNECT_MS, on_connected, syslog);
}

/* The kind */

static int syslog_close(struct sink *sink)
{
        struct syslog *syslog = sink->state;
        SSL *ssl = syslog->stream && syslog->tls ? bufferevent_openssl_get_ssl(syslog->stream) : NULL;
        if (ssl != NULL && evbuffer_get_length(bufferevent_get_output(syslog->stream)) == 0)
                SSL_shutdown(ssl); /* close_notify: RFC 5425, 4.4 */
        if (syslog->stream != NULL)
                disconnect(syslog);
        dialer_destroy(syslog->dialer);
        tls_client_destroy(syslog->tls);
        if (syslog->retry != NULL)
                event_free(syslog->retry);
        if (syslog->look != NULL)
                event_free(syslog->look);
        if (syslog->batch != NULL)
                evbuffer_free(syslog->batch);
        json_buffer_clear(&syslog->scratch);
        free(syslog->sent);
        free(syslog);
        return 0;
}

static int syslog_open(struct sink *sink, const char *target, char *error, unsigned error_size)
{
        struct syslog *syslog = calloc(1, sizeof *syslog);
        (void)target; /* the name has the scheme too */
        if (syslog == NULL)
                return -ENOMEM;
        sink->state = syslog;
        syslog->sink = sink;
        int result = url_parse(&syslog->url, sink->name, error, error_size);
        if (result == 0 && syslog->url.tls) {
                const struct sink_options *options = &sink->options;
                struct tls_client_settings settings = {.ca = options->ca, .cert = options->cert, .key = options->key};
                result = tls_client_create(&syslog->tls, &settings, error, error_size);
        }
        if (result == 0) {
                syslog->sent = calloc(IN_FLIGHT_MOST, sizeof *syslog->sent);
                syslog->batch = evbuffer_new();
                result = syslog->sent && syslog->batch ? 0 : -ENOMEM;
        }
        if (result != 0)
                syslog_close(sink);
        return result;
}

static int syslog_start(struct sink *sink, struct feed *feed)
{
        struct syslog *syslog = sink->state;
        struct event_base *base = feed_base(feed);
        syslog->feed = feed;
        syslog->dialer = dialer_create(base, syslog->tls);
        syslog->retry = evtimer_new(base, on_retry, syslog);
        syslog->look = evtimer_new(base, on_look, syslog);
        if (syslog->dialer == NULL || syslog->retry == NULL || syslog->look == NULL)
                return -ENOMEM;
        add_timer(syslog->retry, 0);
        return 0;
}

static void syslog_wake(struct sink *sink)
{
        carry(sink->state);
}

#define SYSLOG_KIND(name, given, described)                                                                                    \
        const struct sink_kind name = {                                                                                        \
                .scheme = given, .what = described, .open = syslog_open, .start = syslog_start, .wake = syslog_wake,           \
                .close = syslog_close,                                                                                         \
        }

SYSLOG_KIND(syslog_sink_kind, "syslog", "alerts as RFC 5424 over TCP: //HOST[:PORT]");
SYSLOG_KIND(syslog_tls_sink_kind, "syslog+tls", "the same over TLS");
SYSLOG_KIND(syslogs_sink_kind, "syslogs", "the same as syslog+tls");
