/* `webhook:URL`: one POST an alert, its JSON line as the body; a gap record is posted as its JSON object.
 *
 *     Content-Type: application/json
 *     Idempotency-Key: ID-REVISION          (of a gap: gap-FROM-TO) the same in every try: who keeps them takes nothing twice
 *     Authorization: Bearer ...             with a token file; it is read at each connect, so that a new token is taken
 *
 * Up to WINDOW posts are under way at once, each on a connection of its own that is kept alive; revisions of one alert go one after
 * the other. What an answer means stands in webhook_answer.h. What was taken from the feed stays here until it was answered.
 *
 * Which of a name's addresses answers is found out with a connection that carries nothing, at the start and after each failure; so a
 * failure to connect is told in words before anything was lost.
 *
 * Left out: redirects (not followed), proxies, HTTP/2, signatures over the body. */
#include "deliver/kinds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "deliver/dialer.h"
#include "deliver/feed.h"
#include "deliver/gap_record.h"
#include "deliver/tls_client.h"
#include "deliver/url.h"
#include "deliver/webhook_answer.h"
#include "model/json.h"

enum {
        WINDOW = 4,
        CONNECT_MS = 10000,
        ANSWER_MS = 15000,
        ANSWER_HEAD_MOST = 16 * 1024,
        ANSWER_BODY_MOST = 64 * 1024, /* read and thrown away */
        TOKEN_MOST = 4096,
        TELL_EVERY_S = 60,
};

struct webhook;

struct post {
        enum post_state { POST_WAITS, POST_UNDER_WAY, POST_ANSWERED, POST_DELIVERED, POST_REFUSED } state;
        struct webhook *webhook;
        struct evhttp_connection *connection; /* NULL: none; kept from post to post of this slot */
        bool is_stale;                        /* the connection is of no more use */

        uint64_t number;
        bool is_gap;
        char id[40], key[2 * ENTRY_ID_SIZE + 8];
        struct json_buffer body;
        unsigned refusals;

        int status; /* of the answer; 0: none came, then `why` */
        uint32_t retry_after_s;
        const char *why;
};

struct webhook {
        struct sink *sink;
        struct feed *feed;
        struct url url;
        char authority[300];
        struct tls_client *tls;
        struct dialer *dialer;
        struct event *resume; /* after a pause; what is under way goes on meanwhile */
        struct event *work;   /* answers are digested outside of evhttp's callbacks */

        char address[INET6_ADDRSTRLEN + 32]; /* that answered last; "": to be found out */
        bool is_calling;      /* finding out */
        bool is_starved;      /* memory ended: what was taken is taken again when nothing is under way */
        char token[TOKEN_MOST + 1], wrong[300];

        struct post posts[WINDOW]; /* ring, in the feed's order */
        unsigned first, count;
        uint64_t refused_untold;
        time_t refused_told_s;
};

static struct post *post_at(struct webhook *webhook, unsigned index)
{
        return &webhook->posts[(webhook->first + index) % WINDOW];
}

/* Pauses. One at a time; a longer one replaces a shorter. */

static void pause_for(struct webhook *webhook, unsigned ms)
{
        struct timeval pending, now, pause = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000}, until;
        event_base_gettimeofday_cached(feed_base(webhook->feed), &now);
        evutil_timeradd(&now, &pause, &until);
        if (!event_pending(webhook->resume, EV_TIMEOUT, &pending) || evutil_timercmp(&pending, &until, <))
                event_add(webhook->resume, &pause);
}

static bool is_paused(const struct webhook *webhook)
{
        return event_pending(webhook->resume, EV_TIMEOUT, NULL);
}

static void back_off(struct webhook *webhook, const char *why)
{
        if (why != NULL)
                feed_trouble(webhook->feed, why);
        if (!is_paused(webhook)) /* several posts that fail together are one failure */
                pause_for(webhook, feed_next_pause_ms(webhook->feed));
}

/* The token */

/* Its value goes into a header: visible characters only. */
static bool token_is_sound(const char *token)
{
        if (token[0] == '\0')
                return false;
        for (; *token; token++)
                if (*token <= ' ' || *token >= 0x7f)
                        return false;
        return true;
}

/* The file's first line. NULL: taken; else what is wrong, and the last good one stays. */
static const char *read_token(struct webhook *webhook, const char *path)
{
        char token[TOKEN_MOST + 1];
        FILE *file = fopen(path, "re");
        if (file == NULL)
                return strerror(errno);
        size_t length = fread(token, 1, TOKEN_MOST, file);
        const char *wrong = ferror(file) ? strerror(EIO) : NULL;
        fclose(file);
        token[length] = '\0';
        token[strcspn(token, "\r\n")] = '\0';
        if (wrong == NULL && !token_is_sound(token))
                wrong = "holds no token (one line of visible characters)";
        if (wrong == NULL)
                memcpy(webhook->token, token, sizeof token);
        explicit_bzero(token, sizeof token);
        return wrong;
}

/* One post */

static void note_answer(struct post *post)
{
        post->state = POST_ANSWERED;
        event_active(post->webhook->work, EV_TIMEOUT, 0);
}

/* The status is known before the body is there: a body that is cut or endless changes nothing. */
static int on_head(struct evhttp_request *request, void *context)
{
        struct post *post = context;
        post->status = evhttp_request_get_response_code(request);
        post->retry_after_s = webhook_retry_after_s(evhttp_find_header(evhttp_request_get_input_headers(request), "Retry-After"),
                                                    (int64_t)time(NULL));
        return 0;
}

static void on_error(enum evhttp_request_error error, void *context)
{
        struct post *post = context;
        post->is_stale = true;
        switch (error) {
        case EVREQ_HTTP_TIMEOUT:
                post->why = "no answer in time";
                break;
        case EVREQ_HTTP_INVALID_HEADER:
                post->why = "the answer is no HTTP";
                break;
        case EVREQ_HTTP_DATA_TOO_LONG:
                post->why = "the answer is too long";
                break;
        default:
                post->why = "the connection was closed before the answer";
        }
}

static void on_answer(struct evhttp_request *request, void *context)
{
        struct post *post = context;
        if (request == NULL || evhttp_request_get_response_code(request) == 0)
                post->is_stale = true;
        note_answer(post);
}

static void on_closed(struct evhttp_connection *connection, void *context)
{
        struct post *post = context;
        (void)connection;
        post->is_stale = true;
}

static void close_connection(struct post *post)
{
        if (post->connection != NULL) {
                evhttp_connection_set_closecb(post->connection, NULL, NULL);
                evhttp_connection_free(post->connection);
        }
        post->connection = NULL;
        post->is_stale = false;
}

/* NULL: there is a connection; else what is wrong. */
static const char *ready_connection(struct post *post)
{
        struct webhook *webhook = post->webhook;
        const struct sink_options *options = &webhook->sink->options;
        if (post->connection != NULL && !post->is_stale)
                return NULL;
        close_connection(post);
        const char *wrong = options->token_file ? read_token(webhook, options->token_file) : NULL;
        if (wrong != NULL) {
                snprintf(webhook->wrong, sizeof webhook->wrong, "token_file %s: %s", options->token_file, wrong);
                return webhook->wrong;
        }
        struct event_base *base = feed_base(webhook->feed);
        struct bufferevent *stream = tls_client_bufferevent(webhook->tls, base, webhook->url.host);
        if (stream == NULL)
                return strerror(ENOMEM);
        post->connection = evhttp_connection_base_bufferevent_new(base, NULL, stream, webhook->address, webhook->url.port);
        if (post->connection == NULL) {
                bufferevent_free(stream);
                return strerror(ENOMEM);
        }
        unsigned ms = options->timeout_ms ? options->timeout_ms : ANSWER_MS;
        struct timeval patience = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        evhttp_connection_set_timeout_tv(post->connection, &patience);
        evhttp_connection_set_max_headers_size(post->connection, ANSWER_HEAD_MOST);
        evhttp_connection_set_max_body_size(post->connection, ANSWER_BODY_MOST);
        evhttp_connection_set_closecb(post->connection, on_closed, post);
        return NULL;
}

static bool add_headers(const struct post *post, struct evkeyvalq *headers)
{
        const struct webhook *webhook = post->webhook;
        char agent[80], authorization[TOKEN_MOST + 16];
        snprintf(agent, sizeof agent, "apnwatch/%s", webhook->sink->run ? webhook->sink->run->version : "");
        snprintf(authorization, sizeof authorization, "Bearer %s", webhook->token);
        return evhttp_add_header(headers, "Host", webhook->authority) == 0 &&
               evhttp_add_header(headers, "User-Agent", agent) == 0 &&
               evhttp_add_header(headers, "Content-Type", "application/json") == 0 &&
               evhttp_add_header(headers, "Idempotency-Key", post->key) == 0 &&
               (webhook->token[0] == '\0' || evhttp_add_header(headers, "Authorization", authorization) == 0);
}

/* The answer may come before this returns (a connection that is refused at once). */
static void send_post(struct post *post)
{
        struct webhook *webhook = post->webhook;
        const char *wrong = ready_connection(post);
        if (wrong != NULL) {
                back_off(webhook, wrong);
                return;
        }
        struct evhttp_request *request = evhttp_request_new(on_answer, post);
        if (request == NULL || !add_headers(post, evhttp_request_get_output_headers(request)) ||
            evbuffer_add(evhttp_request_get_output_buffer(request), post->body.text, post->body.length) != 0) {
                if (request != NULL)
                        evhttp_request_free(request);
                back_off(webhook, strerror(ENOMEM));
                return;
        }
        evhttp_request_set_header_cb(request, on_head);
        evhttp_request_set_error_cb(request, on_error);
        post->status = 0;
        post->retry_after_s = 0;
        post->why = "the connection failed";
        post->state = POST_UNDER_WAY;
        if (evhttp_make_request(post->connection, request, EVHTTP_REQ_POST, webhook->url.path) != 0) {
                post->is_stale = true;
                note_answer(post);
        }
}

/* What the answers say */

static void tell_refusal(struct webhook *webhook, const struct post *post)
{
        time_t now_s = time(NULL);
        webhook->refused_untold++;
        if (webhook->refused_told_s != 0 && now_s - webhook->refused_told_s < TELL_EVERY_S)
                return;
        log_warning("output %s: refused with status %d for good: %s; %" PRIu64 " alerts since this was last told", webhook->sink->name,
                    post->status, post->key, webhook->refused_untold);
        webhook->refused_told_s = now_s;
        webhook->refused_untold = 0;
}

static void digest_refusal(struct webhook *webhook, struct post *post)
{
        if (++post->refusals < REFUSED_TRIES) {
                post->state = POST_WAITS;
                back_off(webhook, NULL);
                return;
        }
        post->state = POST_REFUSED;
        tell_refusal(webhook, post);
}

static void digest_status(struct webhook *webhook, struct post *post)
{
        char why[64];
        snprintf(why, sizeof why, "the receiver answers with status %d", post->status);
        switch (webhook_answer_of(post->status)) {
        case WEBHOOK_DELIVERED:
                post->state = POST_DELIVERED;
                feed_connected(webhook->feed);
                return;
        case WEBHOOK_REFUSED:
                digest_refusal(webhook, post);
                return;
        case WEBHOOK_NOT_NOW:
                back_off(webhook, why);
                if (post->retry_after_s != 0)
                        pause_for(webhook, post->retry_after_s * 1000);
                break;
        case WEBHOOK_TROUBLE:
                back_off(webhook, why);
                post->is_stale = true; /* the token is read again */
        }
        post->state = POST_WAITS;
}

static void digest(struct webhook *webhook, struct post *post)
{
        if (post->status != 0) {
                digest_status(webhook, post);
                return;
        }
        webhook->address[0] = '\0';
        post->state = POST_WAITS;
        back_off(webhook, post->why);
}

/* In order: what is done ahead of one that is not waits for it. */
static void settle(struct webhook *webhook)
{
        uint64_t delivered = 0;
        for (; webhook->count > 0; webhook->count--, webhook->first = (webhook->first + 1) % WINDOW) {
                const struct post *post = post_at(webhook, 0);
                if (post->state == POST_DELIVERED || (post->state == POST_REFUSED && post->is_gap))
                        delivered = post->number;
                else if (post->state == POST_REFUSED)
                        feed_refused(webhook->feed, post->number); /* and what is before it is delivered */
                else
                        break;
        }
        if (delivered != 0)
                feed_delivered(webhook->feed, delivered);
}

/* Carrying */

static bool fill_post(struct webhook *webhook, struct post *post, const struct outbox_entry *entry)
{
        char from[ENTRY_ID_SIZE], to[ENTRY_ID_SIZE];
        post->number = entry->number;
        post->is_gap = entry->is_gap;
        post->refusals = 0;
        post->state = POST_WAITS;
        json_buffer_reset(&post->body);
        if (entry->is_gap) {
                post->id[0] = '\0';
                snprintf(post->key, sizeof post->key, "gap-%s-%s", entry_id_text(entry->gap_from, from),
                         entry_id_text(entry->id, to));
                gap_record_write(entry, webhook->sink->run ? webhook->sink->run->sensor : NULL, &post->body);
        } else {
                snprintf(post->id, sizeof post->id, "%s", entry->alert->id);
                snprintf(post->key, sizeof post->key, "%s-%" PRIu32, entry->alert->id, entry->alert->revision);
                model_json_write(&entry->alert->base, &post->body);
        }
        json_put_newline(&post->body);
        return !post->body.failed;
}

/* An earlier revision of the same alert is not done yet. */
static bool has_to_wait(struct webhook *webhook, unsigned index)
{
        const struct post *post = post_at(webhook, index);
        for (unsigned i = 0; i < index; i++) {
                const struct post *earlier = post_at(webhook, i);
                if (earlier->state <= POST_ANSWERED && strcmp(earlier->id, post->id) == 0)
                        return true;
        }
        return false;
}

static void carry(struct webhook *webhook)
{
        struct outbox_entry entry;
        if (webhook->address[0] == '\0')
                return;
        if (webhook->is_starved && webhook->count == 0) {
                webhook->is_starved = false;
                feed_rewind(webhook->feed);
        }
        while (webhook->count < WINDOW && !webhook->is_starved && !is_paused(webhook) && feed_take(webhook->feed, &entry)) {
                if (fill_post(webhook, post_at(webhook, webhook->count), &entry)) {
                        webhook->count++;
                } else {
                        webhook->is_starved = true;
                        back_off(webhook, strerror(ENOMEM));
                }
        }
        for (unsigned i = 0; i < webhook->count && !is_paused(webhook); i++)
                if (post_at(webhook, i)->state == POST_WAITS && !has_to_wait(webhook, i))
                        send_post(post_at(webhook, i));
}

static void on_work(evutil_socket_t socket, short events, void *context)
{
        struct webhook *webhook = context;
        (void)socket, (void)events;
        for (unsigned i = 0; i < webhook->count; i++)
                if (post_at(webhook, i)->state == POST_ANSWERED)
                        digest(webhook, post_at(webhook, i));
        settle(webhook);
        carry(webhook);
}

/* The address at the other end of the stream. */
static bool take_address(struct webhook *webhook, struct bufferevent *stream)
{
        struct sockaddr_storage address;
        socklen_t length = sizeof address;
        return getpeername(bufferevent_getfd(stream), (struct sockaddr *)&address, &length) == 0 &&
               getnameinfo((struct sockaddr *)&address, length, webhook->address, sizeof webhook->address, NULL, 0,
                           NI_NUMERICHOST) == 0;
}

static void on_reached(void *context, struct bufferevent *stream, const char *why)
{
        struct webhook *webhook = context;
        webhook->is_calling = false;
        bool is_known = stream != NULL && take_address(webhook, stream);
        if (stream != NULL)
                bufferevent_free(stream);
        if (!is_known) {
                webhook->address[0] = '\0';
                feed_trouble(webhook->feed, why ? why : "the receiver's address cannot be told");
                pause_for(webhook, feed_next_pause_ms(webhook->feed));
                return;
        }
        feed_connected(webhook->feed);
        carry(webhook);
}

static void on_resume(evutil_socket_t socket, short events, void *context)
{
        struct webhook *webhook = context;
        (void)socket, (void)events;
        if (webhook->address[0] != '\0') {
                carry(webhook);
        } else if (!webhook->is_calling) {
                webhook->is_calling = true;
                dialer_call(webhook->dialer, webhook->url.host, webhook->url.port, CONNECT_MS, on_reached, webhook);
        }
}

/* The kind */

static int webhook_close(struct sink *sink)
{
        struct webhook *webhook = sink->state;
        for (unsigned i = 0; i < WINDOW; i++) {
                close_connection(&webhook->posts[i]);
                json_buffer_clear(&webhook->posts[i].body);
        }
        dialer_destroy(webhook->dialer);
        tls_client_destroy(webhook->tls);
        if (webhook->resume != NULL)
                event_free(webhook->resume);
        if (webhook->work != NULL)
                event_free(webhook->work);
        explicit_bzero(webhook->token, sizeof webhook->token);
        free(webhook);
        return 0;
}

static int check_token(struct webhook *webhook, const char *path, char *error, unsigned error_size)
{
        const char *wrong = path ? read_token(webhook, path) : NULL;
        if (wrong == NULL)
                return 0;
        snprintf(error, error_size, "token_file %s: %s", path, wrong);
        return -EINVAL;
}

static int webhook_open(struct sink *sink, const char *target, char *error, unsigned error_size)
{
        const struct sink_options *options = &sink->options;
        struct webhook *webhook = calloc(1, sizeof *webhook);
        if (webhook == NULL)
                return -ENOMEM;
        sink->state = webhook;
        webhook->sink = sink;
        for (unsigned i = 0; i < WINDOW; i++)
                webhook->posts[i].webhook = webhook;
        int result = url_parse(&webhook->url, target, error, error_size);
        if (result == 0 && webhook->url.path[0] == '\0') {
                snprintf(error, error_size, "expected http:// or https://");
                result = -EINVAL;
        }
        if (result == 0 && webhook->url.tls) {
                struct tls_client_settings settings = {.ca = options->ca, .cert = options->cert, .key = options->key};
                result = tls_client_create(&webhook->tls, &settings, error, error_size);
        }
        if (result == 0)
                result = check_token(webhook, options->token_file, error, error_size);
        url_authority(&webhook->url, webhook->authority, sizeof webhook->authority);
        if (result != 0)
                webhook_close(sink);
        return result;
}

static int webhook_start(struct sink *sink, struct feed *feed)
{
        struct webhook *webhook = sink->state;
        struct event_base *base = feed_base(feed);
        webhook->feed = feed;
        webhook->dialer = dialer_create(base, webhook->tls);
        webhook->resume = evtimer_new(base, on_resume, webhook);
        webhook->work = event_new(base, -1, 0, on_work, webhook);
        if (webhook->dialer == NULL || webhook->resume == NULL || webhook->work == NULL)
                return -ENOMEM;
        pause_for(webhook, 0);
        return 0;
}

static void webhook_wake(struct sink *sink)
{
        carry(sink->state);
}

const struct sink_kind webhook_sink_kind = {
        .scheme = "webhook",
        .what = "each alert posted as JSON: http(s)://...",
        .open = webhook_open,
        .start = webhook_start,
        .wake = webhook_wake,
        .close = webhook_close,
};
