/* Stands for a sensor in the tests of faults: raises alerts by number at a rate into an outbox and delivers them to Redis, as `live`
 * does. A later run goes on behind what is committed. At the end the account, as JSON, on standard output.
 *
 *     producer --outbox FILE --redis URL --count N [--rate N] [--patience S] [--commit-log FILE] ...
 *
 * --count is the number of the last alert, over all runs. --commit-log: the number of the last committed alert, written after each
 * commit, so that it can be told after kill -9 what must not be lost. --clock-back S: the clock goes back so far in the middle;
 * --clock-ago S: it is so far back from the start. */
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "deliver/delivery.h"
#include "tests/faults/synthetic_alert.h"

struct producer {
        struct delivery *delivery;
        struct event_base *base;
        struct event *tick;
        uint64_t first, count, raised, rate;
        unsigned bytes;
        uint64_t started_ms, logged;
        int64_t clock_back_s;
        int commit_log;
};

static volatile sig_atomic_t is_stopped;
static int64_t clock_offset_s;

/* The program's own clock: linked with --wrap, so that it can be set back without touching the machine's. */
int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __real_gettimeofday(struct timeval *out, void *zone);
int __wrap_gettimeofday(struct timeval *out, void *zone);
time_t __real_time(time_t *out);
time_t __wrap_time(time_t *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
        int result = __real_clock_gettime(clock, out);
        if (clock == CLOCK_REALTIME)
                out->tv_sec += clock_offset_s;
        return result;
}

int __wrap_gettimeofday(struct timeval *out, void *zone)
{
        int result = __real_gettimeofday(out, zone);
        out->tv_sec += clock_offset_s;
        return result;
}

time_t __wrap_time(time_t *out)
{
        time_t now = __real_time(NULL) + clock_offset_s;
        if (out)
                *out = now;
        return now;
}

static uint64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_signal(int number)
{
        (void)number;
        is_stopped = 1;
}

static uint64_t committed(const struct producer *producer)
{
        struct outbox_numbers numbers;
        outbox_numbers(delivery_outbox(producer->delivery), &numbers);
        return numbers.committed;
}

static void log_commit(struct producer *producer)
{
        char text[24];
        uint64_t number = committed(producer);
        if (producer->commit_log < 0 || number == producer->logged)
                return;
        snprintf(text, sizeof text, "%020" PRIu64 "\n", number);
        if (pwrite(producer->commit_log, text, strlen(text), 0) != (ssize_t)strlen(text))
                perror("commit log");
        producer->logged = number;
}

static void raise_alert(struct producer *producer)
{
        static struct synthetic_alert alert;
        synthetic_alert_fill(&alert, ++producer->raised, producer->bytes);
        delivery_alert(producer->delivery, &alert.sample.alert, NULL, 0);
        if (producer->clock_back_s != 0 && producer->raised == producer->count / 2)
                clock_offset_s = -producer->clock_back_s;
}

static void on_tick(evutil_socket_t file, short what, void *context)
{
        struct producer *producer = context;
        (void)file;
        (void)what;
        uint64_t due = producer->count;
        if (producer->rate > 0)
                due = producer->first + (now_ms() - producer->started_ms) * producer->rate / 1000;
        while (producer->raised < producer->count && producer->raised < due && !is_stopped)
                raise_alert(producer);
        log_commit(producer);
        if (producer->raised >= producer->count || is_stopped)
                event_base_loopbreak(producer->base);
}

static uint64_t drain(struct producer *producer, unsigned patience_s)
{
        uint64_t until_ms = now_ms() + patience_s * UINT64_C(1000);
        delivery_commit(producer->delivery);
        log_commit(producer);
        uint64_t waiting;
        while ((waiting = delivery_drain(producer->delivery, 1)) > 0 && now_ms() < until_ms && !is_stopped)
                ;
        return waiting;
}

static void print_account(const struct producer *producer, uint64_t began_ms, uint64_t began_waiting)
{
        struct delivery_sink sink;
        if (delivery_sinks(producer->delivery, &sink, 1) != 1)
                return;
        const struct feed_numbers *numbers = &sink.numbers;
        printf("{\"committed\":%" PRIu64 ",\"delivered\":%" PRIu64 ",\"filtered\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"waiting\":%" PRIu64
               ",\"raised\":%" PRIu64 ",\"rewinds\":%" PRIu64 ",\"reconnects\":%" PRIu64 ",\"waited\":%" PRIu64 ",\"ms\":%" PRIu64 "}\n",
               committed(producer), numbers->delivered, numbers->filtered, numbers->gaps, numbers->waiting, producer->raised,
               numbers->rewinds, numbers->reconnects, began_waiting, now_ms() - began_ms);
}

enum { OPTION_OUTBOX = 1, OPTION_REDIS, OPTION_COUNT, OPTION_RATE, OPTION_PATIENCE, OPTION_COMMIT_LOG, OPTION_SIZE, OPTION_MEMORY,
       OPTION_BYTES, OPTION_CLOCK_BACK, OPTION_CLOCK_AGO, OPTION_USERNAME, OPTION_PASSWORD, OPTION_CA, OPTION_CERT, OPTION_KEY, OPTION_MAXLEN,
       OPTION_RETENTION };

static const struct option options[] = {
        {"outbox", 1, NULL, OPTION_OUTBOX}, {"redis", 1, NULL, OPTION_REDIS}, {"count", 1, NULL, OPTION_COUNT},
        {"rate", 1, NULL, OPTION_RATE}, {"patience", 1, NULL, OPTION_PATIENCE}, {"commit-log", 1, NULL, OPTION_COMMIT_LOG},
        {"size", 1, NULL, OPTION_SIZE}, {"memory", 1, NULL, OPTION_MEMORY}, {"bytes", 1, NULL, OPTION_BYTES},
        {"clock-back", 1, NULL, OPTION_CLOCK_BACK}, {"clock-ago", 1, NULL, OPTION_CLOCK_AGO}, {"username", 1, NULL, OPTION_USERNAME},
        {"password-file", 1, NULL, OPTION_PASSWORD}, {"ca", 1, NULL, OPTION_CA}, {"cert", 1, NULL, OPTION_CERT},
        {"key", 1, NULL, OPTION_KEY}, {"maxlen", 1, NULL, OPTION_MAXLEN}, {"retention", 1, NULL, OPTION_RETENTION},
        {NULL, 0, NULL, 0},
};

struct arguments {
        struct delivery_output output;
        struct outbox_settings outbox;
        uint64_t count, rate;
        unsigned patience_s, bytes;
        int64_t clock_back_s;
        const char *commit_log;
};

static bool take_option(struct arguments *out, int option, const char *value)
{
        uint64_t number = strtoull(value, NULL, 10);
        switch (option) {
        case OPTION_OUTBOX: out->outbox.path = value; break;
        case OPTION_REDIS: out->output.given = value; break;
        case OPTION_COUNT: out->count = number; break;
        case OPTION_RATE: out->rate = number; break;
        case OPTION_PATIENCE: out->patience_s = (unsigned)number; break;
        case OPTION_COMMIT_LOG: out->commit_log = value; break;
        case OPTION_SIZE: out->outbox.size_limit = number; break;
        case OPTION_MEMORY: out->outbox.memory_limit = number; break;
        case OPTION_RETENTION: out->outbox.retention_s = (uint32_t)number; break;
        case OPTION_BYTES: out->bytes = (unsigned)number; break;
        case OPTION_CLOCK_BACK: out->clock_back_s = (int64_t)number; break;
        case OPTION_CLOCK_AGO: clock_offset_s = -(int64_t)number; break;
        case OPTION_USERNAME: out->output.options.username = value; break;
        case OPTION_PASSWORD: out->output.options.password_file = value; break;
        case OPTION_CA: out->output.options.ca = value; break;
        case OPTION_CERT: out->output.options.cert = value; break;
        case OPTION_KEY: out->output.options.key = value; break;
        case OPTION_MAXLEN: out->output.options.maxlen = number; break;
        default: return false;
        }
        return true;
}

static bool read_arguments(struct arguments *out, int argc, char **argv)
{
        *out = (struct arguments){.bytes = 600, .patience_s = 20, .output.options.maxlen = 10000000};
        out->outbox.sensor = "fault";
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
                if (!take_option(out, option, optarg))
                        return false;
        return out->outbox.path != NULL && out->output.given != NULL && optind == argc;
}

static void raise_all(struct producer *producer)
{
        static const struct timeval pause = {0, 5000};
        producer->first = producer->raised = committed(producer);
        producer->started_ms = now_ms();
        producer->tick = event_new(producer->base, -1, EV_PERSIST, on_tick, producer);
        event_add(producer->tick, &pause);
        while (producer->raised < producer->count && !is_stopped)
                event_base_dispatch(producer->base);
        event_free(producer->tick);
}

int main(int argc, char **argv)
{
        struct arguments arguments;
        if (!read_arguments(&arguments, argc, argv)) {
                fprintf(stderr, "producer: see the head of producer.c\n");
                return 2;
        }
        signal(SIGPIPE, SIG_IGN);
        signal(SIGTERM, on_signal);
        log_set_level(LOG_LEVEL_INFO);
        struct producer producer = {.base = event_base_new(), .count = arguments.count, .rate = arguments.rate,
                                    .bytes = arguments.bytes, .clock_back_s = arguments.clock_back_s, .commit_log = -1};
        if (arguments.commit_log != NULL)
                producer.commit_log = open(arguments.commit_log, O_WRONLY | O_CREAT, 0600);
        struct delivery_settings settings = {.run = {.sensor = "fault", .version = "test", .append = true}, .outbox = arguments.outbox,
                                             .outputs = &arguments.output, .output_count = 1, .base = producer.base};
        producer.delivery = delivery_open(&settings);
        if (producer.delivery == NULL) {
                event_base_free(producer.base);
                return 1;
        }
        struct delivery_sink sink;
        delivery_sinks(producer.delivery, &sink, 1);
        uint64_t began_ms = now_ms(), began_waiting = sink.numbers.waiting;
        raise_all(&producer);
        uint64_t waiting = drain(&producer, arguments.patience_s);
        print_account(&producer, began_ms, began_waiting);
        int result = delivery_close(producer.delivery);
        event_base_free(producer.base);
        if (producer.commit_log >= 0)
                close(producer.commit_log);
        return result < 0 || waiting > 0;
}
