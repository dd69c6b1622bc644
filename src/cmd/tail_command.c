/* apnwatch tail: alerts as sensors put them into Redis, as JSON lines. */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "cmd/commands.h"
#include "cmd/settings.h"
#include "deliver/redis_tail.h"
#include "model/configuration.h"

enum { OPTION_USERNAME = 256, OPTION_PASSWORD_FILE, OPTION_SENSOR, OPTION_GROUP, OPTION_CONSUMER, OPTION_POSITION, OPTION_NEW,
       OPTION_NO_FOLLOW };

struct tail_options {
        const char *configuration_path, *username, *password_file, *sensor, *group, *consumer, *position, *source;
        bool only_new, no_follow, quiet;
        int verbose;
};

struct tail_run {
        struct event_base *base;
        struct redis_tail *tail;
        int signals;             /* signalfd: what asks us to end */
        int result;
};

static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, "YAML configuration: its redis section says username, password_file, ca, cert, key", 0},
        {"username", OPTION_USERNAME, "USER", 0, "of an ACL", 0},
        {"password-file", OPTION_PASSWORD_FILE, "FILE", 0, "read at each connect", 0},
        {"sensor", OPTION_SENSOR, "NAME", 0, "this sensor's stream only; else all that there are, looked for every 10 s", 0},
        {"group", OPTION_GROUP, "NAME", 0, "read as a consumer group, which is made when it is not there", 0},
        {"consumer", OPTION_CONSUMER, "NAME", 0, "who we are in the group; the host's name unless told", 0},
        {"position", OPTION_POSITION, "FILE", 0, "keep what was printed last, and go on behind it", 0},
        {"new", OPTION_NEW, NULL, 0, "only what comes from now on", 0},
        {"no-follow", OPTION_NO_FOLLOW, NULL, 0, "end at the end of what is there", 0},
        {"quiet", 'q', NULL, 0, "errors only", 0},
        {"verbose", 'v', NULL, 0, "more messages; twice: still more", 0},
        {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct tail_options *tail = state->input;
        switch (key) {
        case 'c': tail->configuration_path = argument; break;
        case OPTION_USERNAME: tail->username = argument; break;
        case OPTION_PASSWORD_FILE: tail->password_file = argument; break;
        case OPTION_SENSOR: tail->sensor = argument; break;
        case OPTION_GROUP: tail->group = argument; break;
        case OPTION_CONSUMER: tail->consumer = argument; break;
        case OPTION_POSITION: tail->position = argument; break;
        case OPTION_NEW: tail->only_new = true; break;
        case OPTION_NO_FOLLOW: tail->no_follow = true; break;
        case 'q': tail->quiet = true; break;
        case 'v': tail->verbose++; break;
        case ARGP_KEY_ARG:
                if (tail->source != NULL)
                        argp_error(state, "one source only");
                tail->source = argument;
                break;
        case ARGP_KEY_NO_ARGS: argp_error(state, "no source is named"); break;
        case ARGP_KEY_END:
                if (tail->group && tail->position)
                        argp_error(state, "--position and --group: the server keeps the position of a group");
                if (tail->consumer && !tail->group)
                        argp_error(state, "--consumer is for --group");
                if ((tail->group && !tail->group[0]) || (tail->consumer && !tail->consumer[0]))
                        argp_error(state, "a name is empty");
                break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "redis://HOST[:PORT][/DB]|rediss://...",
        .doc = "Print the alerts that sensors deliver to Redis, one JSON line each, from the start of what it holds."};

/* Asked to end, the line that is being written is all that is still written. */
static size_t line_end(const char *text, size_t written, size_t length)
{
        if (written == 0 || text[written - 1] == '\n')
                return written;
        const char *newline = memchr(text + written, '\n', length - written);
        return newline ? (size_t)(newline - text) + 1 : length;
}

/* A reader may be slow or stand still: what can be written at once is, and a signal ends the waiting. A pipe takes PIPE_BUF
 * bytes without blocking when poll says that it takes any. */
static ssize_t print(void *context, const char *text, size_t length)
{
        struct tail_run *run = context;
        size_t written = 0, end = length;
        struct pollfd waits[2] = {{.fd = STDOUT_FILENO, .events = POLLOUT}, {.fd = run->signals, .events = POLLIN}};
        while (written < end) {
                if (poll(waits, 2, -1) < 0 && errno != EINTR)
                        return -errno;
                if (waits[1].revents) {
                        end = line_end(text, written, length);
                        if (waits[0].revents == 0)
                                return (ssize_t)written;
                }
                size_t piece = end - written < 4096 ? end - written : 4096;
                ssize_t result = waits[0].revents && piece > 0 ? write(STDOUT_FILENO, text + written, piece) : 0;
                if (result < 0 && errno != EINTR && errno != EAGAIN)
                        return -errno;
                written += result > 0 ? (size_t)result : 0;
        }
        return (ssize_t)written;
}

static void on_finished(void *context, int result)
{
        struct tail_run *run = context;
        run->result = result;
        event_base_loopbreak(run->base);
}

static void on_signal(evutil_socket_t descriptor, short events, void *context)
{
        (void)descriptor, (void)events;
        struct tail_run *run = context;
        redis_tail_stop(run->tail);
}

/* `tail | head`: whoever read has gone, which a write would find out only with the next alert. */
static void on_second(evutil_socket_t descriptor, short events, void *context)
{
        (void)descriptor, (void)events;
        struct tail_run *run = context;
        struct pollfd out = {.fd = STDOUT_FILENO};
        if (poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLHUP | POLLNVAL)))
                redis_tail_stop(run->tail);
}

static int tell_end(struct tail_run *run)
{
        struct redis_tail_numbers numbers;
        redis_tail_numbers(run->tail, &numbers);
        if (numbers.foreign > 1)
                log_warning("%llu entries were passed over: no alerts that this version can read",
                            (unsigned long long)numbers.foreign);
        log_info("%llu alerts, %llu gap records, %llu entries missed", (unsigned long long)numbers.alerts,
                 (unsigned long long)numbers.gaps, (unsigned long long)numbers.missed);
        if (run->result == 0 || run->result == -EPIPE)
                return EXIT_DONE;
        if (run->result != -ENOTCONN)
                log_error("standard output: %s", strerror(-run->result));
        return EXIT_FAILED;
}

static int run_tail(struct tail_run *run, const struct redis_tail_settings *settings)
{
        static const struct timeval second = {.tv_sec = 1};
        char error[600] = "";
        int status = EXIT_FAILED;
        struct event *signals = event_new(run->base, run->signals, EV_READ, on_signal, run);
        struct event *seconds = event_new(run->base, -1, EV_PERSIST, on_second, run);
        if (signals == NULL || seconds == NULL || event_add(signals, NULL) != 0 || event_add(seconds, &second) != 0) {
                log_error("%s", strerror(ENOMEM));
        } else if (redis_tail_open(&run->tail, run->base, settings, error, sizeof error) != 0) {
                log_error("%s", error);
                status = EXIT_USAGE;
        } else {
                event_base_dispatch(run->base);
                status = tell_end(run);
        }
        int result = redis_tail_close(run->tail);
        if (result != 0) {
                log_error("%s: %s", settings->position, strerror(-result));
                status = EXIT_FAILED;
        }
        if (signals)
                event_free(signals);
        if (seconds)
                event_free(seconds);
        return status;
}

static int with_loop(struct redis_tail_settings *settings)
{
        struct tail_run run = {.base = event_base_new()};
        sigset_t ends;
        sigemptyset(&ends);
        sigaddset(&ends, SIGINT);
        sigaddset(&ends, SIGTERM);
        sigprocmask(SIG_BLOCK, &ends, NULL);
        run.signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
        if (run.base == NULL || run.signals < 0) {
                log_error("%s", strerror(errno));
                return EXIT_FAILED;
        }
        settings->print = print;
        settings->finished = on_finished;
        settings->context = &run;
        int status = run_tail(&run, settings);
        settings->context = NULL;
        close(run.signals);
        event_base_free(run.base);
        return status;
}

/* The command line wins over the configuration. */
static void fill_link(struct redis_link_settings *link, const struct tail_options *given,
                      const struct configuration *configuration)
{
        link->client_name = "apnwatch-tail";
        if (configuration != NULL) {
                link->username = configuration->redis_username;
                link->password_file = configuration->redis_password_file;
                link->ca = configuration->redis_ca;
                link->cert = configuration->redis_cert;
                link->key = configuration->redis_key;
        }
        if (given->username)
                link->username = given->username;
        if (given->password_file)
                link->password_file = given->password_file;
}

static int tail_source(const struct tail_options *given, const struct configuration *configuration)
{
        char error[300] = "", host[256] = "apnwatch";
        struct redis_tail_settings settings = {.sensor = given->sensor,
                                               .group = given->group,
                                               .consumer = given->consumer,
                                               .position = given->position,
                                               .only_new = given->only_new,
                                               .ends = given->no_follow};
        if (strncmp(given->source, "case:", 5) == 0) {
                log_error("tail of a case file is not built yet in this version; expected redis://... or rediss://...");
                return EXIT_USAGE;
        }
        if (redis_address_parse(&settings.link.address, given->source, error, sizeof error) != 0) {
                log_error("%s", error);
                return EXIT_USAGE;
        }
        if (settings.group && settings.consumer == NULL && gethostname(host, sizeof host - 1) == 0 && host[0])
                settings.consumer = host;
        else if (settings.group && settings.consumer == NULL)
                settings.consumer = "apnwatch";
        fill_link(&settings.link, given, configuration);
        return with_loop(&settings);
}

int tail_command(int argument_count, char **arguments)
{
        struct tail_options given = {.source = NULL};
        argp_parse(&parser, argument_count, arguments, 0, NULL, &given);
        log_set_level(given.quiet ? LOG_LEVEL_ERROR : given.verbose > 1 ? LOG_LEVEL_DEBUG : given.verbose ? LOG_LEVEL_INFO
                                                                                                         : LOG_LEVEL_WARNING);
        struct configuration *configuration = NULL;
        if (given.configuration_path && (configuration = configuration_load(given.configuration_path, stderr)) == NULL)
                return EXIT_USAGE;
        int status = tail_source(&given, configuration);
        configuration_destroy(configuration);
        return status;
}
