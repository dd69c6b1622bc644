#include "deliver/redis_link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>

#include "base/log.h"
#include "base/text.h"
#include "deliver/dialer.h"
#include "deliver/redis_reply.h"
#include "deliver/tls_client.h"

enum {
        GATHER_BYTES = 64 * 1024,
        PASSWORD_LIMIT = 4096,
        PAUSE_LEAST_MS = 50,
        PAUSE_MOST_MS = 30000,
        WHY_SIZE = 512,
};

struct pending {
        redis_reply_fn reply;
        void *context;
        unsigned block_ms;
};

enum stage {
        STAGE_IDLE,     /* not started, or waiting for the next attempt */
        STAGE_ASKING,   /* a Sentinel: dialing, then its answer */
        STAGE_GREETING, /* the server itself: dialing, then AUTH and what follows */
        STAGE_READY,
};

struct redis_link {
        struct event_base *base;
        struct redis_link_settings settings;
        struct tls_client *tls;
        struct dialer *dialer;
        struct event *watch, *pause;

        enum stage stage;
        struct redis_host target;
        char peer[300];
        bool is_moved;             /* the target is what MOVED said, not what was configured */
        unsigned sentinel;         /* whose turn it is */
        unsigned sentinels_asked;  /* in this attempt */
        unsigned pause_limit_ms;
        bool has_warned;

        struct bufferevent *stream;
        struct evbuffer *gathered;
        struct redis_replies replies;
        struct pending *pending;   /* ring; its size is a power of 2 */
        unsigned pending_first, pending_count, pending_size;
        uint64_t connection;       /* tells callbacks' loops that theirs is gone */
};

static void connect_next(struct redis_link *link);

static void start_timer(struct event *timer, unsigned ms)
{
        struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        evtimer_add(timer, &time);
}

/* Connection: begin and end */

static void tear_down(struct redis_link *link)
{
        dialer_cancel(link->dialer);
        evtimer_del(link->watch);
        if (link->stream)
                bufferevent_free(link->stream);
        link->stream = NULL;
        redis_replies_close(&link->replies);
        evbuffer_drain(link->gathered, evbuffer_get_length(link->gathered));
        link->pending_first = link->pending_count = 0;
        link->connection++;
}

static unsigned own_pause_ms(struct redis_link *link)
{
        uint32_t random;
        evutil_secure_rng_get_bytes(&random, sizeof random);
        unsigned limit = link->pause_limit_ms;
        link->pause_limit_ms = limit * 2 < PAUSE_MOST_MS ? limit * 2 : PAUSE_MOST_MS;
        return random % (limit + 1);
}

static void lose(struct redis_link *link, const char *why)
{
        char reason[WHY_SIZE + sizeof link->peer];
        snprintf(reason, sizeof reason, "%s: %s", link->peer, why);
        tear_down(link);
        if (link->stage == STAGE_ASKING) {
                link->sentinel = (link->sentinel + 1) % link->settings.address.host_count;
                if (++link->sentinels_asked < link->settings.address.host_count) {
                        log_debug("Sentinel %s", reason);
                        connect_next(link);
                        return;
                }
        }
        link->stage = STAGE_IDLE;
        link->sentinels_asked = 0;
        unsigned ms = link->settings.pause_ms ? link->settings.pause_ms(link->settings.context) : own_pause_ms(link);
        start_timer(link->pause, ms);
        if (link->settings.lost)
                link->settings.lost(link->settings.context, reason);
}

/* A failed connection: what MOVED said may be out of date, the Sentinel's answer too. */
static void fail(struct redis_link *link, const char *why)
{
        link->is_moved = false;
        if (link->settings.address.sentinel[0] && link->stage != STAGE_ASKING)
                link->sentinel = (link->sentinel + 1) % link->settings.address.host_count;
        lose(link, why);
}

static void arm_watch(struct redis_link *link)
{
        if (link->pending_count == 0) {
                evtimer_del(link->watch);
                return;
        }
        unsigned ms = link->settings.timeout_ms + link->pending[link->pending_first].block_ms;
        start_timer(link->watch, ms);
}

static void on_watch(evutil_socket_t socket, short events, void *context)
{
        (void)socket, (void)events;
        struct redis_link *link = context;
        char why[80];
        snprintf(why, sizeof why, "nothing heard for %u ms with %u commands in flight",
                 link->settings.timeout_ms + link->pending[link->pending_first].block_ms, link->pending_count);
        fail(link, why);
}

/* Commands out */

static bool pending_grow(struct redis_link *link)
{
        unsigned size = link->pending_size ? link->pending_size * 2 : 64;
        struct pending *pending = calloc(size, sizeof *pending);
        if (pending == NULL)
                return false;
        for (unsigned i = 0; i < link->pending_count; i++)
                pending[i] = link->pending[(link->pending_first + i) & (link->pending_size - 1)];
        free(link->pending);
        link->pending = pending;
        link->pending_first = 0;
        link->pending_size = size;
        return true;
}

void redis_link_flush(struct redis_link *link)
{
        if (link->stream && evbuffer_get_length(link->gathered) > 0)
                bufferevent_write_buffer(link->stream, link->gathered);
}

static int send_command(struct redis_link *link, unsigned count, const char *const *words, const size_t *lengths,
                        redis_reply_fn reply, void *context)
{
        if (link->pending_count == link->pending_size && !pending_grow(link))
                return -ENOMEM;
        char *text = NULL;
        /* The formatter does not write to the words; its prototype only lacks a const. */
        long long length = redisFormatCommandArgv(&text, (int)count, (const char **)(uintptr_t)words, lengths);
        if (length < 0)
                return -ENOMEM;
        int result = evbuffer_add(link->gathered, text, (size_t)length);
        free(text);
        if (result != 0)
                return -ENOMEM;
        struct pending *pending = &link->pending[(link->pending_first + link->pending_count) & (link->pending_size - 1)];
        *pending = (struct pending){.reply = reply, .context = context};
        if (link->pending_count++ == 0)
                arm_watch(link);
        if (evbuffer_get_length(link->gathered) >= GATHER_BYTES)
                redis_link_flush(link);
        return 0;
}

int redis_link_command(struct redis_link *link, unsigned count, const char *const *words, const size_t *lengths,
                       redis_reply_fn reply, void *context)
{
        return link->stage == STAGE_READY ? send_command(link, count, words, lengths, reply, context) : -ENOTCONN;
}

void redis_link_expect_block(struct redis_link *link, unsigned ms)
{
        if (link->pending_count == 0)
                return;
        link->pending[(link->pending_first + link->pending_count - 1) & (link->pending_size - 1)].block_ms = ms;
        if (link->pending_count == 1)
                arm_watch(link);
}

/* Errors that concern the connection */

static bool begins_with(const redisReply *reply, const char *word)
{
        size_t length = strlen(word);
        return reply->len >= length && memcmp(reply->str, word, length) == 0 &&
               (reply->len == length || reply->str[length] == ' ');
}

static void fail_with(struct redis_link *link, const redisReply *reply)
{
        char why[WHY_SIZE];
        text_escape(reply->str, reply->len, why, sizeof why);
        fail(link, why);
}

/* True: the connection is no longer what the caller thinks, and has been dropped. */
static bool ends_connection(struct redis_link *link, const redisReply *reply)
{
        static const char *const words[] = {"LOADING", "MASTERDOWN", "READONLY",  "CLUSTERDOWN", "TRYAGAIN",
                                            "ASK",     "BUSY",       "UNBLOCKED", "NOAUTH"};
        if (begins_with(reply, "MOVED")) {
                struct redis_host host;
                char why[WHY_SIZE];
                text_escape(reply->str, reply->len, why, sizeof why);
                bool is_known = redis_moved_parse(&host, reply->str, reply->len, &link->target);
                fail(link, why);
                if (is_known) {
                        link->target = host;
                        link->is_moved = true;
                }
                return true;
        }
        for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
                if (begins_with(reply, words[i])) {
                        fail_with(link, reply);
                        return true;
                }
        return false;
}

/* Greeting */

static bool is_error(const redisReply *reply)
{
        return reply->type == REDIS_REPLY_ERROR;
}

static bool is_text(const redisReply *reply, const char *text)
{
        return (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) && reply->len == strlen(text) &&
               memcmp(reply->str, text, reply->len) == 0;
}

static int send_words(struct redis_link *link, redis_reply_fn reply, unsigned count, const char *const *words)
{
        size_t lengths[4];
        for (unsigned i = 0; i < count; i++)
                lengths[i] = strlen(words[i]);
        return send_command(link, count, words, lengths, reply, link);
}

/* Servers repeat the arguments of commands that they do not know: only the first word is told. */
static void on_auth(void *context, const redisReply *reply)
{
        struct redis_link *link = context;
        if (!is_error(reply))
                return;
        if (begins_with(reply, "WRONGPASS"))
                fail(link, "WRONGPASS: the user name or the password is wrong, or the user is disabled");
        else if (begins_with(reply, "LOADING"))
                fail(link, "LOADING: the server reads its data");
        else
                fail(link, "AUTH is refused: is there a password for this user, and does the server know user names?");
}

/* ACLs may forbid what is only for convenience. */
static void on_name(void *context, const redisReply *reply)
{
        if (is_error(reply))
                log_debug("Redis %s: CLIENT SETNAME is refused", redis_link_peer(context));
}

static void on_select(void *context, const redisReply *reply)
{
        if (is_error(reply))
                fail_with(context, reply);
}

static void on_role(void *context, const redisReply *reply)
{
        struct redis_link *link = context;
        if (is_error(reply))
                fail_with(link, reply);
        else if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 || !is_text(reply->element[0], "master"))
                fail(link, "the Sentinel said that this is the master, but ROLE says otherwise");
}

static void on_ping(void *context, const redisReply *reply)
{
        struct redis_link *link = context;
        if (is_error(reply) && !begins_with(reply, "NOPERM")) {
                fail_with(link, reply);
                return;
        }
        link->stage = STAGE_READY;
        if (link->settings.ready)
                link->settings.ready(link->settings.context);
}

/* The file's text without the newline at its end. Its length or negative errno. */
static ssize_t read_password(const char *path, char text[PASSWORD_LIMIT])
{
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return -errno;
        ssize_t length = read(file, text, PASSWORD_LIMIT);
        int result = length < 0 ? -errno : 0;
        close(file);
        if (length == PASSWORD_LIMIT)
                result = -EFBIG;
        if (result == 0 && length > 0 && text[length - 1] == '\n')
                length--;
        if (result == 0 && length > 0 && text[length - 1] == '\r')
                length--;
        if (result == 0 && length == 0)
                result = -ENODATA;
        if (result != 0)
                OPENSSL_cleanse(text, PASSWORD_LIMIT);
        return result ? result : length;
}

static const char *password_fault(ssize_t result)
{
        return result == -ENODATA ? "the file is empty" : result == -EFBIG ? "the file is too large" : strerror((int)-result);
}

static bool send_auth(struct redis_link *link)
{
        char password[PASSWORD_LIMIT];
        ssize_t length = read_password(link->settings.password_file, password);
        if (length < 0) {
                char why[WHY_SIZE];
                snprintf(why, sizeof why, "password_file %s: %s", link->settings.password_file, password_fault(length));
                fail(link, why);
                return false;
        }
        const char *user = link->settings.username;
        const char *words[3] = {"AUTH", user ? user : password, password};
        size_t lengths[3] = {4, user ? strlen(user) : (size_t)length, (size_t)length};
        int result = send_command(link, user ? 3 : 2, words, lengths, on_auth, link);
        OPENSSL_cleanse(password, sizeof password);
        return result == 0;
}

static void greet(struct redis_link *link)
{
        const struct redis_link_settings *settings = &link->settings;
        if (settings->password_file && !send_auth(link))
                return;
        if (settings->client_name)
                send_words(link, on_name, 3, (const char *[]){"CLIENT", "SETNAME", settings->client_name});
        if (settings->address.sentinel[0])
                send_words(link, on_role, 1, (const char *[]){"ROLE"});
        if (settings->address.database) {
                char number[12];
                snprintf(number, sizeof number, "%u", settings->address.database);
                send_words(link, on_select, 2, (const char *[]){"SELECT", number});
        }
        if (send_words(link, on_ping, 1, (const char *[]){"PING"}) != 0)
                fail(link, strerror(ENOMEM));
        else
                redis_link_flush(link);
}

/* Sentinels */

static void on_master(void *context, const redisReply *reply)
{
        struct redis_link *link = context;
        struct redis_host host;
        char text[300];
        if (is_error(reply)) {
                fail_with(link, reply);
                return;
        }
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
            reply->element[1]->type != REDIS_REPLY_STRING) {
                fail(link, "this Sentinel knows no master of this name");
                return;
        }
        const char *name = reply->element[0]->str;
        snprintf(text, sizeof text, strchr(name, ':') ? "[%s]:%s" : "%s:%s", name, reply->element[1]->str);
        if (!redis_host_parse(&host, text, strlen(text), 0)) {
                fail(link, "what this Sentinel says is no address");
                return;
        }
        tear_down(link);
        link->sentinels_asked = 0;
        link->target = host;
        link->stage = STAGE_GREETING;
        connect_next(link);
}

static void ask_sentinel(struct redis_link *link)
{
        const char *words[] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", link->settings.address.sentinel};
        if (send_words(link, on_master, 3, words) != 0)
                fail(link, strerror(ENOMEM));
        else
                redis_link_flush(link);
}

/* Bytes in */

static void take_reply(struct redis_link *link, const redisReply *reply)
{
        struct pending pending = link->pending[link->pending_first];
        link->pending_first = (link->pending_first + 1) & (link->pending_size - 1);
        link->pending_count--;
        bool is_auth = pending.reply == on_auth;
        if (is_error(reply) && !is_auth && ends_connection(link, reply))
                return;
        if (link->stage == STAGE_READY && !is_error(reply))
                link->pause_limit_ms = PAUSE_LEAST_MS;
        if (pending.reply)
                pending.reply(pending.context, reply);
}

/* False: the connection is gone. */
static bool take_replies(struct redis_link *link)
{
        uint64_t connection = link->connection;
        char why[WHY_SIZE];
        redisReply *reply;
        int result;
        while ((result = redis_replies_next(&link->replies, &reply, why, sizeof why)) == 1) {
                if (link->pending_count > 0)
                        take_reply(link, reply);
                else
                        fail(link, "a reply that nobody asked for");
                redis_reply_free(reply);
                if (link->connection != connection)
                        return false;
        }
        if (result < 0)
                fail(link, why);
        return result == 0;
}

static void on_read(struct bufferevent *stream, void *context)
{
        struct redis_link *link = context;
        struct evbuffer *input = bufferevent_get_input(stream);
        struct evbuffer_iovec piece;
        while (evbuffer_peek(input, -1, NULL, &piece, 1) > 0 && piece.iov_len > 0) {
                if (redis_replies_feed(&link->replies, piece.iov_base, piece.iov_len) != 0) {
                        fail(link, strerror(ENOMEM));
                        return;
                }
                evbuffer_drain(input, piece.iov_len);
                if (!take_replies(link))
                        return;
        }
        arm_watch(link);
}

static void on_event(struct bufferevent *stream, short events, void *context)
{
        if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
                fail(context, dialer_reason(stream, events));
}

/* Connecting */

static bool is_loopback(int socket)
{
        struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
        socklen_t length = sizeof address;
        if (getpeername(socket, (struct sockaddr *)&address, &length) != 0)
                return true; /* already gone: nothing will be sent */
        if (address.ss_family == AF_INET)
                return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
        const struct in6_addr *v6 = &((struct sockaddr_in6 *)&address)->sin6_addr;
        return address.ss_family == AF_INET6 &&
               (IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127));
}

static void warn_plaintext(struct redis_link *link)
{
        if (link->tls || link->has_warned || is_loopback(bufferevent_getfd(link->stream)))
                return;
        link->has_warned = true;
        log_warning("Redis %s: the connection leaves this host in clear, %salerts can be read on its way; use rediss://",
                    link->peer, link->settings.password_file ? "the password and " : "");
}

static void on_dialed(void *context, struct bufferevent *stream, const char *why)
{
        struct redis_link *link = context;
        if (stream == NULL) {
                fail(link, why);
                return;
        }
        link->stream = stream;
        if (redis_replies_open(&link->replies) != 0) {
                fail(link, strerror(ENOMEM));
                return;
        }
        bufferevent_setcb(stream, on_read, NULL, on_event, link);
        bufferevent_enable(stream, EV_READ | EV_WRITE);
        warn_plaintext(link);
        if (link->stage == STAGE_ASKING)
                ask_sentinel(link);
        else
                greet(link);
}

static void connect_next(struct redis_link *link)
{
        const struct redis_host *host = &link->target;
        if (link->stage == STAGE_ASKING)
                host = &link->settings.address.hosts[link->sentinel];
        snprintf(link->peer, sizeof link->peer, strchr(host->name, ':') ? "[%s]:%u" : "%s:%u", host->name, host->port);
        dialer_call(link->dialer, host->name, host->port, link->settings.timeout_ms, on_dialed, link);
}

static void on_pause(evutil_socket_t socket, short events, void *context)
{
        (void)socket, (void)events;
        struct redis_link *link = context;
        bool has_sentinels = link->settings.address.sentinel[0] != '\0';
        link->stage = has_sentinels && !link->is_moved ? STAGE_ASKING : STAGE_GREETING;
        if (!has_sentinels && !link->is_moved)
                link->target = link->settings.address.hosts[0];
        connect_next(link);
}

void redis_link_start(struct redis_link *link)
{
        start_timer(link->pause, 0);
}

void redis_link_drop(struct redis_link *link, const char *why)
{
        if (link->stream)
                fail(link, why);
}

bool redis_link_is_ready(const struct redis_link *link)
{
        return link->stage == STAGE_READY;
}

const char *redis_link_peer(const struct redis_link *link)
{
        return link->peer;
}

unsigned redis_link_in_flight(const struct redis_link *link)
{
        return link->pending_count;
}

static int check_password(const struct redis_link_settings *settings, char *error, size_t error_size)
{
        char password[PASSWORD_LIMIT];
        if (settings->password_file == NULL) {
                if (settings->username == NULL)
                        return 0;
                snprintf(error, error_size, "redis: a username needs a password_file");
                return -EINVAL;
        }
        ssize_t length = read_password(settings->password_file, password);
        OPENSSL_cleanse(password, sizeof password);
        if (length < 0)
                snprintf(error, error_size, "redis: password_file %s: %s", settings->password_file, password_fault(length));
        return length < 0 ? (int)length : 0;
}

int redis_link_create(struct redis_link **out, struct event_base *base, const struct redis_link_settings *settings,
                      char *error, size_t error_size)
{
        *out = NULL;
        int result = check_password(settings, error, error_size);
        if (result != 0)
                return result;
        struct redis_link *link = calloc(1, sizeof *link);
        if (link == NULL)
                return -ENOMEM;
        link->base = base;
        link->settings = *settings;
        link->settings.timeout_ms = settings->timeout_ms ? settings->timeout_ms : 5000;
        link->pause_limit_ms = PAUSE_LEAST_MS;
        struct tls_client_settings tls = {.ca = settings->ca, .cert = settings->cert, .key = settings->key};
        if (settings->address.tls)
                result = tls_client_create(&link->tls, &tls, error, error_size);
        if (result == 0) {
                link->dialer = dialer_create(base, link->tls);
                link->watch = evtimer_new(base, on_watch, link);
                link->pause = evtimer_new(base, on_pause, link);
                link->gathered = evbuffer_new();
        }
        if (result == 0 && (!link->dialer || !link->watch || !link->pause || !link->gathered)) {
                snprintf(error, error_size, "redis: %s", strerror(ENOMEM));
                result = -ENOMEM;
        }
        if (result != 0)
                redis_link_destroy(link);
        else
                *out = link;
        return result;
}

void redis_link_destroy(struct redis_link *link)
{
        if (link == NULL)
                return;
        if (link->gathered && link->watch && link->dialer)
                tear_down(link);
        dialer_destroy(link->dialer);
        tls_client_destroy(link->tls);
        if (link->watch)
                event_free(link->watch);
        if (link->pause)
                event_free(link->pause);
        if (link->gathered)
                evbuffer_free(link->gathered);
        free(link->pending);
        free(link);
}
