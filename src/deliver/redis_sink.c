/* `redis://` and `rediss://`: alerts as entries of one Redis stream, none lost and none doubled (doc: apnwatch(1), Redis).
 *
 * An entry has its ID from the outbox, for good. After every connect the stream's last ID is read back, and the feed goes on
 * behind it: what the server has though its reply was lost is not sent again; what it lost though it had acknowledged it is.
 *
 * That needs a stream without holes: the last ID must say that everything before it is there. So alerts go in transactions (MULTI
 * ... EXEC), which the server takes as a whole or not at all; while one runs the next is laid ready, and gets its EXEC only once
 * the first is confirmed. An error (OOM, READONLY, NOREPLICAS...) in one that was laid ready ends the connection, and with it
 * what was laid ready. A server or an ACL without transactions gets one alert at a time.
 *
 * Entries are added with NOMKSTREAM: a server that lost everything behind our back answers nil instead of beginning a new stream
 * in the middle. Needs Redis 6.2 or Valkey. */
#include "config.h"

#include "deliver/kinds.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "deliver/feed.h"
#include "deliver/redis_address.h"
#include "deliver/redis_entry.h"
#include "deliver/redis_link.h"
#include "deliver/redis_refusal.h"
#include "deliver/tls_client.h"

enum { WINDOW = 512, BATCH = WINDOW / 2, ENOUGH_SINGLE = 16, STATUS_S = 10, DEFAULT_MAXLEN = 100000, REASONS = 6 };

enum phase {
        PHASE_APART,        /* no connection */
        PHASE_READING_BACK, /* the last ID was asked for */
        PHASE_CARRYING,
};

struct batch {
        unsigned count;          /* entries; 0: none */
        uint64_t last;           /* number of the last of them */
};

struct redis_sink {
        struct sink *sink;
        struct feed *feed;
        struct redis_link *link;
        struct event *status_timer;
        struct redis_address address;
        struct redis_entry_settings entry_settings;
        struct redis_entry entry;
        char *key, *status_key, *client_name;

        enum phase phase;
        struct batch running;    /* its EXEC was sent */
        struct batch ready;      /* laid ready: MULTI and XADDs were sent, EXEC was not */
        uint64_t carried;        /* entries since the trouble began, over all connections since */
        bool stream_is_there, status_is_due;
        bool is_told_well;       /* feed_connected was called on this connection */
        char *reasons[REASONS];  /* why it did not go well, told since it last did */
        unsigned reason_count;
        bool knows_transactions, has_transactions, multi_is_refused;
        bool policy_is_checked, status_is_refused; /* told once */
};

static void carry(struct redis_sink *redis);

/* --- what went wrong --- */

static void drop(struct redis_sink *redis, const char *why)
{
        redis->phase = PHASE_APART;
        redis_link_drop(redis->link, why);
}

static void drop_for_reply(struct redis_sink *redis, const redisReply *reply)
{
        char text[256];
        if (reply->type == REDIS_REPLY_ERROR)
                drop(redis, redis_refusal_text(reply->str, redis->key, text, sizeof text));
        else
                drop(redis, "the server answered something else than Redis does");
}

/* --- sending commands --- */

static void send_words(struct redis_sink *redis, unsigned count, const char *const *words, redis_reply_fn reply)
{
        size_t lengths[REDIS_ENTRY_WORDS];
        assert(count <= REDIS_ENTRY_WORDS);
        for (unsigned i = 0; i < count; i++)
                lengths[i] = strlen(words[i]);
        (void)redis_link_command(redis->link, count, words, lengths, reply, redis); /* not connected: `lost` tells */
}

static void send_word(struct redis_sink *redis, const char *word, redis_reply_fn reply)
{
        send_words(redis, 1, &word, reply);
}

/* --- the hash with the sensor's own state --- */

static void on_status(void *context, const redisReply *reply)
{
        struct redis_sink *redis = context;
        if (reply->type != REDIS_REPLY_ERROR || redis->status_is_refused)
                return;
        redis->status_is_refused = true;
        log_warning("output %s: %s is not written: %s", redis->sink->name, redis->status_key, reply->str);
}

static void send_status(struct redis_sink *redis)
{
        redis->status_is_due = false;
        if (redis->status_is_refused || redis->sink->run == NULL || !redis->sink->run->append)
                return; /* `read` is no sensor that has a state */
        struct feed_numbers numbers;
        feed_numbers(redis->feed, &numbers);
        char committed[24], waiting[24], delivered[24], gaps[24], host[256] = "", time_text[JSON_TIME_SIZE];
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        json_time_text((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, "Z", time_text);
        snprintf(committed, sizeof committed, "%" PRIu64,
                 numbers.delivered + numbers.filtered + numbers.gaps + numbers.waiting);
        snprintf(waiting, sizeof waiting, "%" PRIu64, numbers.waiting);
        snprintf(delivered, sizeof delivered, "%" PRIu64, numbers.delivered);
        snprintf(gaps, sizeof gaps, "%" PRIu64, numbers.gaps);
        gethostname(host, sizeof host - 1);
        const char *version = redis->sink->run->version ? redis->sink->run->version : "";
        const char *const words[] = {"HSET", redis->status_key, "version", version, "time", time_text, "host", host, "committed",
                                     committed, "waiting", waiting, "delivered", delivered, "gaps", gaps};
        send_words(redis, sizeof words / sizeof *words, words, on_status);
}

/* --- after a connect --- */

static void on_policy(void *context, const redisReply *reply)
{
        struct redis_sink *redis = context;
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[1]->type != REDIS_REPLY_STRING)
                return; /* the ACL may forbid it */
        const char *policy = reply->element[1]->str;
        if (redis->policy_is_checked || strncmp(policy, "allkeys-", 8) != 0)
                return;
        redis->policy_is_checked = true;
        log_warning("output %s: the server's maxmemory-policy is %s: when its memory is full it throws away the WHOLE alert stream; "
                    "set it to noeviction or to a volatile one", redis->sink->name, policy);
}

static void on_multi_tried(void *context, const redisReply *reply)
{
        struct redis_sink *redis = context;
        redis->multi_is_refused = reply->type == REDIS_REPLY_ERROR;
}

static void on_exec_tried(void *context, const redisReply *reply)
{
        struct redis_sink *redis = context;
        redis->knows_transactions = true;
        redis->has_transactions = reply->type == REDIS_REPLY_ARRAY;
        if (redis->has_transactions)
                return;
        log_warning("output %s: the server does not let us use MULTI and EXEC; alerts go one at a time, which is slow",
                    redis->sink->name);
        if (!redis->multi_is_refused)
                drop(redis, "the server takes MULTI and refuses EXEC");
}

/* XINFO STREAM is a list of names and values. Not there: {0, 0}. */
static bool read_last_id(const redisReply *reply, struct entry_id *out)
{
        *out = (struct entry_id){0, 0};
        if (reply->type == REDIS_REPLY_ERROR)
                return strncmp(reply->str, "ERR no such key", 15) == 0;
        for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
                const redisReply *name = reply->element[i], *value = reply->element[i + 1];
                if (name->type == REDIS_REPLY_STRING && strcmp(name->str, "last-generated-id") == 0)
                        return value->type == REDIS_REPLY_STRING && redis_id_parse(out, value->str);
        }
        return false;
}

static void forget_reasons(struct redis_sink *redis)
{
        while (redis->reason_count > 0)
                free(redis->reasons[--redis->reason_count]);
}

/* Not before something went through, so that a server that takes the connection and then refuses is told once, and pauses grow. */
static void tell_well(struct redis_sink *redis)
{
        if (redis->is_told_well)
                return;
        redis->is_told_well = true;
        forget_reasons(redis);
        feed_connected(redis->feed);
}

static void on_last_id(void *context, const redisReply *reply)
{
        struct redis_sink *redis = context;
        struct entry_id last;
        if (!read_last_id(reply, &last)) {
                drop_for_reply(redis, reply);
                return;
        }
        redis->stream_is_there = reply->type != REDIS_REPLY_ERROR;
        redis->phase = PHASE_CARRYING;
        feed_resume_behind(redis->feed, last);
        carry(redis);
}

static void read_back(struct redis_sink *redis)
{
        const char *const words[] = {"XINFO", "STREAM", redis->key};
        redis->phase = PHASE_READING_BACK;
        send_words(redis, 3, words, on_last_id);
}

static void on_ready(void *context)
{
        struct redis_sink *redis = context;
        const char *const policy[] = {"CONFIG", "GET", "maxmemory-policy"};
        if (!redis->policy_is_checked)
                send_words(redis, 3, policy, on_policy);
        if (!redis->knows_transactions) {
                send_word(redis, "MULTI", on_multi_tried);
                send_word(redis, "EXEC", on_exec_tried);
        }
        send_status(redis);
        read_back(redis);
        redis_link_flush(redis->link);
}

/* The name of the output says where, unless a Sentinel or MOVED did. */
static const char *without_host(const struct redis_sink *redis, const char *why)
{
        const struct redis_host *host = &redis->address.hosts[0];
        char text[sizeof host->name + 16];
        int length = snprintf(text, sizeof text, strchr(host->name, ':') ? "[%s]:%u: " : "%s:%u: ", host->name, host->port);
        bool is_known = redis->address.sentinel[0] == '\0' && strncmp(why, text, (size_t)length) == 0;
        return is_known ? why + length : why;
}

/* Each reason once until it goes well again, also when they take turns, as those of several Sentinels do. */
static void tell_trouble(struct redis_sink *redis, const char *why)
{
        unsigned i = 0;
        while (i < redis->reason_count && strcmp(redis->reasons[i], why) != 0)
                i++;
        if (i == redis->reason_count && i < REASONS && (redis->reasons[i] = strdup(why)) != NULL)
                redis->reason_count++;
        feed_trouble(redis->feed, redis->reason_count > 0 ? redis->reasons[redis->reason_count - 1] : why);
}

static void on_lost(void *context, const char *why)
{
        struct redis_sink *redis = context;
        redis->phase = PHASE_APART;
        redis->running = redis->ready = (struct batch){0};
        if (redis->is_told_well)
                redis->carried = 0;
        redis->is_told_well = false;
        tell_trouble(redis, without_host(redis, why));
        feed_rewind(redis->feed);
}

/* --- carrying --- */

/* A reply to XADD: its ID; nil when there is no stream any more. */
static bool is_added(struct redis_sink *redis, const redisReply *reply)
{
        if (reply->type == REDIS_REPLY_STRING)
                return true;
        if (reply->type == REDIS_REPLY_NIL)
                drop(redis, "the server has lost the stream");
        else
                drop_for_reply(redis, reply);
        return false;
}

static void confirm(struct redis_sink *redis)
{
        redis->stream_is_there = true;
        redis->carried += redis->running.count;
        feed_delivered(redis->feed, redis->running.last);
        redis->running = (struct batch){0};
        if (redis->carried >= (redis->has_transactions ? WINDOW : ENOUGH_SINGLE))
                tell_well(redis);
        carry(redis);
}

static void on_added(void *context, const redisReply *reply)
{
        struct redis_sink *redis = context;
        if (is_added(redis, reply))
                confirm(redis);
}

static void on_executed(void *context, const redisReply *reply)
{
        struct redis_sink *redis = context;
        if (reply->type != REDIS_REPLY_ARRAY || reply->elements != redis->running.count) {
                drop_for_reply(redis, reply);
                return;
        }
        for (size_t i = 0; i < reply->elements; i++)
                if (!is_added(redis, reply->element[i]))
                        return;
        confirm(redis);
}

/* "OK" to MULTI, "QUEUED" to what follows. */
static void on_queued(void *context, const redisReply *reply)
{
        if (reply->type != REDIS_REPLY_STATUS)
                drop_for_reply(context, reply);
}

/* False: nothing waits, or the connection was given up. */
static bool lay_ready(struct redis_sink *redis)
{
        struct outbox_entry entry;
        if (!feed_take(redis->feed, &entry))
                return false;
        bool is_first_ever = !redis->stream_is_there && redis->ready.count == 0;
        if (redis_entry_build(&redis->entry, &redis->entry_settings, &entry, is_first_ever) != 0) {
                drop(redis, strerror(ENOMEM));
                return false;
        }
        if (redis->has_transactions && redis->ready.count == 0)
                send_word(redis, "MULTI", on_queued);
        (void)redis_link_command(redis->link, redis->entry.count, redis->entry.words, redis->entry.lengths,
                                 redis->has_transactions ? on_queued : on_added, redis);
        redis->ready.count++;
        redis->ready.last = entry.number;
        return true;
}

static void run_what_is_ready(struct redis_sink *redis)
{
        if (redis->has_transactions)
                send_word(redis, "EXEC", on_executed);
        redis->running = redis->ready;
        redis->ready = (struct batch){0};
        if (redis->status_is_due)
                send_status(redis);
}

/* One batch runs, one is laid ready. The first of a new stream runs alone: until it is there the next cannot count on it. */
static void carry(struct redis_sink *redis)
{
        unsigned limit = redis->has_transactions ? BATCH : 1;
        do {
                bool may_add = redis->running.count == 0 || (redis->has_transactions && redis->stream_is_there);
                while (may_add && redis->phase == PHASE_CARRYING && redis->ready.count < limit && lay_ready(redis))
                        ;
                if (redis->phase != PHASE_CARRYING)
                        return;
                if (redis->running.count > 0 || redis->ready.count == 0)
                        break;
                run_what_is_ready(redis);
        } while (true);
        if (redis->running.count == 0) {
                tell_well(redis);
                if (redis->status_is_due)
                        send_status(redis);
        }
        redis_link_flush(redis->link);
}

static void redis_sink_wake(struct sink *sink)
{
        struct redis_sink *redis = sink->state;
        if (redis->phase == PHASE_CARRYING)
                carry(redis);
}

/* While nothing is on its way, also asks whether the server still has what it had. */
static void on_status_timer(evutil_socket_t file, short what, void *context)
{
        struct redis_sink *redis = context;
        (void)file;
        (void)what;
        redis->status_is_due = true;
        if (redis->phase != PHASE_CARRYING || redis->running.count > 0)
                return; /* goes along with the next batch */
        send_status(redis);
        read_back(redis);
        redis_link_flush(redis->link);
}

static unsigned pause_ms(void *context)
{
        struct redis_sink *redis = context;
        return feed_next_pause_ms(redis->feed);
}

/* --- life --- */

static int check_readable(const char *path, const char *what, char *error, unsigned error_size)
{
        if (path == NULL || access(path, R_OK) == 0)
                return 0;
        int result = -errno;
        snprintf(error, error_size, "%s %s: %s", what, path, strerror(-result));
        return result;
}

static int check_options(const struct sink_options *options, bool tls, char *error, unsigned error_size)
{
        int result = check_readable(options->password_file, "password_file", error, error_size);
        if (result != 0 || !tls)
                return result;
        struct tls_client_settings settings = {.ca = options->ca, .cert = options->cert, .key = options->key};
        struct tls_client *client;
        result = tls_client_create(&client, &settings, error, error_size);
        if (result == 0)
                tls_client_destroy(client);
        return result;
}

static char *make_key(const char *sensor, const char *what)
{
        char *key;
        return asprintf(&key, "apnwatch:{%s}:%s", sensor, what) < 0 ? NULL : key;
}

/* CLIENT SETNAME takes no spaces and nothing beyond printable ASCII. */
static char *make_client_name(const char *sensor)
{
        char *name;
        if (asprintf(&name, "apnwatch-%s", sensor) < 0)
                return NULL;
        for (char *c = name; *c != '\0'; c++)
                if (*c <= ' ' || *c > '~')
                        *c = '_';
        return name;
}

static void redis_sink_free(struct redis_sink *redis)
{
        redis_link_destroy(redis->link);
        if (redis->status_timer)
                event_free(redis->status_timer);
        forget_reasons(redis);
        redis_entry_clear(&redis->entry);
        free(redis->key);
        free(redis->status_key);
        free(redis->client_name);
        free(redis);
}

static int redis_sink_open(struct sink *sink, const char *target, char *error, unsigned error_size)
{
        (void)target;
        struct redis_sink *redis = calloc(1, sizeof *redis);
        if (redis == NULL)
                return -ENOMEM;
        redis->sink = sink;
        int result = redis_address_parse(&redis->address, sink->name, error, error_size);
        if (result == 0)
                result = check_options(&sink->options, redis->address.tls, error, error_size);
        const char *sensor = sink->run && sink->run->sensor ? sink->run->sensor : "";
        redis->key = make_key(sensor, "alerts");
        redis->status_key = make_key(sensor, "status");
        redis->client_name = make_client_name(sensor);
        if (result == 0 && (redis->key == NULL || redis->status_key == NULL || redis->client_name == NULL))
                result = -ENOMEM;
        if (result != 0) {
                redis_sink_free(redis);
                return result;
        }
        redis->entry_settings = (struct redis_entry_settings){
                .key = redis->key,
                .maxlen = sink->options.maxlen ? sink->options.maxlen : DEFAULT_MAXLEN,
                .json = sink->options.json,
        };
        sink->state = redis;
        return 0;
}

static int redis_sink_start(struct sink *sink, struct feed *feed)
{
        struct redis_sink *redis = sink->state;
        struct redis_link_settings settings = {
                .address = redis->address,
                .username = sink->options.username,
                .password_file = sink->options.password_file,
                .ca = sink->options.ca,
                .cert = sink->options.cert,
                .key = sink->options.key,
                .timeout_ms = sink->options.timeout_ms,
                .client_name = redis->client_name,
                .ready = on_ready,
                .lost = on_lost,
                .pause_ms = pause_ms,
                .context = redis,
        };
        const struct timeval status_pause = {STATUS_S, 0};
        char error[512] = "";
        redis->feed = feed;
        redis->status_timer = event_new(feed_base(feed), -1, EV_PERSIST, on_status_timer, redis);
        if (redis->status_timer == NULL || event_add(redis->status_timer, &status_pause) != 0)
                return -ENOMEM;
        int result = redis_link_create(&redis->link, feed_base(feed), &settings, error, sizeof error);
        if (result != 0) {
                log_error("output %s: %s", sink->name, error);
                return result;
        }
        redis_link_start(redis->link);
        return 0;
}

static int redis_sink_close(struct sink *sink)
{
        redis_sink_free(sink->state);
        return 0;
}

const struct sink_kind redis_sink_kind = {
        .scheme = "redis",
        .what = "alerts into a stream of Redis or Valkey",
        .open = redis_sink_open,
        .start = redis_sink_start,
        .wake = redis_sink_wake,
        .close = redis_sink_close,
};

const struct sink_kind rediss_sink_kind = {
        .scheme = "rediss",
        .what = "the same over TLS",
        .open = redis_sink_open,
        .start = redis_sink_start,
        .wake = redis_sink_wake,
        .close = redis_sink_close,
};
