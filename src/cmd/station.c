#include "cmd/station.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/event_pipe.h"
#include "cmd/live_account.h"
#include "cmd/notify.h"
#include "cmd/privilege.h"
#include "cmd/run.h"
#include "cmd/state_file.h"
#include "deliver/delivery.h"
#include "deliver/metrics.h"

enum {
        SAVE_EVERY_S = 60,
        SILENT_S = 10,          /* without a tick: the worker is told to be silent */
        HUNG_S = 60,            /* and so long: the service manager is no longer told that all is well */
        END_PATIENCE_S = 15,    /* for the worker to read what is left */
        PAUSE_MOST_S = 30,
        LONG_LIFE_S = 300,      /* a worker that lived so long is restarted without a pause */
        INCARNATION_SHIFT = 44, /* of flow ids: those of one worker are not those of another */
};

static const char default_listen[] = "127.0.0.1:9477";

struct station {
        struct station_settings settings;
        struct event_base *base;
        struct event *on_term, *on_int, *on_usr1, *on_hup, *on_child, *on_second, *on_events;
        struct run *run;
        struct event_sink events; /* of the run */
        struct state_file *state;
        struct metrics_listener *listener;
        struct live_account *account;
        struct live_worker worker;
        struct pipe_reader *reader;
        bool worker_runs, pipe_open, stopping, silence_told, link_gone;
        int status;
        int64_t started_s, tick_s, saved_s, restart_s, stopping_s; /* monotonic */
        unsigned pause_s, watchdog_ms;
        uint64_t incarnation;
        uint64_t clock_ns;        /* of the last event */
};

static int64_t now_s(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec;
}

/* What the parent itself has to say: at the clock of the last event. */
static void tell_incident(struct station *station, Apnwatch__V1__Incident *incident)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (station->clock_ns == 0) /* nothing was heard yet */
                station->clock_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        event.clock = station->clock_ns;
        event.has_time = true;
        event.time = station->clock_ns;
        event.body_case = APNWATCH__V1__EVENT__BODY_INCIDENT;
        event.incident = incident;
        live_account_event(station->account, &event);
        event_sink_emit(&station->events, &event);
}

static void take_event(void *context, const event_t *event)
{
        struct station *station = context;
        station->clock_ns = event->clock;
        if (event->body_case == APNWATCH__V1__EVENT__BODY_TICK) {
                station->tick_s = now_s();
                if (station->silence_told)
                        log_warning("the worker speaks again");
                station->silence_told = false;
        }
        if (event->body_case == APNWATCH__V1__EVENT__BODY_LINK)
                station->link_gone |= event->link->state == APNWATCH__V1__LINK__STATE__GONE;
        if (event->flow != NULL) /* lives in the reader's arena, which is ours */
                event->flow->id += station->incarnation << INCARNATION_SHIFT;
        live_account_event(station->account, event);
        event_sink_emit(&station->events, event);
}

/* Nobody holds the pipe's other end any more, or what came out of it is no event. */
static void close_pipe(struct station *station)
{
        event_free(station->on_events);
        station->on_events = NULL;
        pipe_reader_destroy(station->reader);
        station->reader = NULL;
        close(station->worker.events);
        station->pipe_open = false;
        if (!station->worker_runs && station->stopping)
                event_base_loopbreak(station->base);
}

static void on_events(evutil_socket_t file, short what, void *context)
{
        struct station *station = context;
        const struct event_sink sink = {.event = take_event, .context = station};
        (void)file;
        (void)what;
        enum pipe_state state = pipe_reader_step(station->reader, &sink);
        if (state == PIPE_OPEN)
                return;
        if (state == PIPE_BROKEN)
                kill(station->worker.pid, SIGKILL);
        close_pipe(station);
}

static void release_worker(struct station *station)
{
        if (station->worker.leash >= 0)
                close(station->worker.leash);
        station->worker.leash = -1;
}

static bool start_worker(struct station *station, char *error, unsigned error_size)
{
        if (live_worker_start(&station->worker, &station->settings.job, error, error_size) < 0)
                return false;
        station->incarnation++;
        station->link_gone = false;
        station->started_s = station->tick_s = now_s();
        station->worker_runs = station->pipe_open = true;
        station->reader = pipe_reader_create(station->worker.events);
        station->on_events = event_new(station->base, station->worker.events, EV_READ | EV_PERSIST, on_events, station);
        if (station->reader != NULL && station->on_events != NULL && event_add(station->on_events, NULL) == 0)
                return true;
        snprintf(error, error_size, "no memory to hear the worker");
        return false;
}

static bool interfaces_are_there(const struct station *station)
{
        const struct live_settings *probe = &station->settings.job.probe;
        for (unsigned i = 0; i < probe->count; i++)
                if (strcmp(probe->interfaces[i], "any") != 0 && if_nametoindex(probe->interfaces[i]) == 0)
                        return false;
        return true;
}

static void restart_worker(struct station *station)
{
        char error[512] = "";
        if (station->worker_runs || station->pipe_open || now_s() < station->restart_s)
                return;
        if (!interfaces_are_there(station))
                return;
        live_account_restart(station->account);
        if (start_worker(station, error, sizeof error)) {
                log_warning("a new worker runs (process %d)", (int)station->worker.pid);
                return;
        }
        log_error("%s", error);
        station->pause_s = station->pause_s ? station->pause_s * 2 : 1;
        if (station->pause_s > PAUSE_MOST_S)
                station->pause_s = PAUSE_MOST_S;
        station->restart_s = now_s() + station->pause_s;
}

static void worker_ended(struct station *station, int status)
{
        station->worker_runs = false;
        release_worker(station);
        if (station->pipe_open) /* what it had told stands */
                on_events(station->worker.events, EV_READ, station);
        if (station->stopping) {
                if (!station->pipe_open)
                        event_base_loopbreak(station->base);
                return;
        }
        bool asked = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE;
        if (now_s() - station->started_s >= LONG_LIFE_S)
                station->pause_s = 0;
        if (!asked) {
                Apnwatch__V1__Incident incident = APNWATCH__V1__INCIDENT__INIT;
                incident.kind = APNWATCH__V1__INCIDENT__KIND__WORKER_DIED;
                incident.has_signal = WIFSIGNALED(status);
                incident.signal = incident.has_signal ? (uint32_t)WTERMSIG(status) : 0;
                incident.has_status = WIFEXITED(status);
                incident.status = incident.has_status ? (uint32_t)WEXITSTATUS(status) : 0;
                log_error("the worker died (%s %d); what it had told stands", incident.has_signal ? "signal" : "exit status",
                          incident.has_signal ? (int)incident.signal : (int)incident.status);
                tell_incident(station, &incident);
                station->pause_s = station->pause_s ? station->pause_s * 2 : 1;
        }
        if (station->pause_s > PAUSE_MOST_S)
                station->pause_s = PAUSE_MOST_S;
        station->restart_s = now_s() + (asked ? 0 : station->pause_s);
}

static void on_child(evutil_socket_t file, short what, void *context)
{
        struct station *station = context;
        int status;
        pid_t child;
        (void)file;
        (void)what;
        while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
                if (station->worker_runs && child == station->worker.pid)
                        worker_ended(station, status);
                else
                        (void)state_file_reaped(station->state, child, status);
        }
}

static void watch_worker(struct station *station)
{
        int64_t silent_s = now_s() - station->tick_s;
        if (station->worker_runs && station->link_gone && interfaces_are_there(station))
                release_worker(station); /* it ends by itself, and a new one opens what is back */
        if (!station->worker_runs || silent_s < SILENT_S || station->silence_told)
                return;
        station->silence_told = true;
        log_error("the worker has said nothing for %d seconds", SILENT_S);
        Apnwatch__V1__Incident incident = APNWATCH__V1__INCIDENT__INIT;
        incident.kind = APNWATCH__V1__INCIDENT__KIND__WORKER_SILENT;
        incident.has_seconds = true;
        incident.seconds = (uint32_t)silent_s;
        tell_incident(station, &incident);
}

static void on_second(evutil_socket_t file, short what, void *context)
{
        struct station *station = context;
        int64_t second = now_s();
        (void)file;
        (void)what;
        if (station->stopping) {
                if (second - station->stopping_s > END_PATIENCE_S && station->worker_runs) {
                        log_error("the worker does not end; it is killed");
                        kill(station->worker.pid, SIGKILL);
                }
                return;
        }
        watch_worker(station);
        restart_worker(station);
        delivery_commit(run_delivery(station->run)); /* positions and retention, also when no alert comes */
        if (second - station->saved_s >= SAVE_EVERY_S || state_file_is_far(station->state, delivery_outbox(run_delivery(station->run)))) {
                station->saved_s = second;
                state_file_save(station->state, run_judge(station->run), delivery_outbox(run_delivery(station->run)));
        }
        if (station->watchdog_ms > 0 && second - station->tick_s < HUNG_S)
                notify_service("WATCHDOG=1");
}

static void on_stop(evutil_socket_t signal_number, short what, void *context)
{
        struct station *station = context;
        (void)what;
        if (station->stopping)
                return;
        log_info("signal %d: ending", (int)signal_number);
        notify_service("STOPPING=1");
        station->stopping = true;
        station->stopping_s = now_s();
        release_worker(station);
        if (!station->worker_runs && !station->pipe_open)
                event_base_loopbreak(station->base);
}

static void on_reopen(evutil_socket_t signal_number, short what, void *context)
{
        struct station *station = context;
        (void)what;
        (void)signal_number;
        delivery_reopen(run_delivery(station->run));
}

static void collect(void *context, struct metrics_writer *writer)
{
        struct station *station = context;
        live_account_write(station->account, station->run, writer);
}

static bool add_signal(struct station *station, struct event **out, int number, event_callback_fn on_signal)
{
        *out = evsignal_new(station->base, number, on_signal, station);
        return *out != NULL && event_add(*out, NULL) == 0;
}

static bool add_events(struct station *station)
{
        static const struct timeval second = {1, 0};
        station->on_second = event_new(station->base, -1, EV_PERSIST, on_second, station);
        return station->on_second != NULL && event_add(station->on_second, &second) == 0 &&
               add_signal(station, &station->on_term, SIGTERM, on_stop) && add_signal(station, &station->on_int, SIGINT, on_stop) &&
               add_signal(station, &station->on_usr1, SIGUSR1, on_reopen) && add_signal(station, &station->on_hup, SIGHUP, on_reopen) &&
               add_signal(station, &station->on_child, SIGCHLD, on_child);
}

static bool open_listener(struct station *station)
{
        char error[512] = "", place[CONFIGURATION_PLACE_SIZE];
        const char *given = station->settings.metrics_listen;
        if (given != NULL && strcmp(given, "off") == 0)
                return true;
        if (metrics_listen(&station->listener, station->base, given ? given : default_listen, collect, station, error, sizeof error) == 0)
                return true;
        if (given == NULL)
                log_warning("no metrics: %s", error);
        else
                log_error("%s: metrics.listen: %s", configuration_place(station->settings.settings->configuration, given, place), error);
        return given == NULL;
}

static void free_event(struct event *event)
{
        if (event != NULL)
                event_free(event);
}

static void station_free(struct station *station)
{
        struct event *const events[] = {station->on_term, station->on_int, station->on_usr1, station->on_hup, station->on_child,
                                        station->on_second, station->on_events};
        metrics_listener_close(station->listener);
        for (unsigned i = 0; i < sizeof events / sizeof *events; i++)
                free_event(events[i]);
        pipe_reader_destroy(station->reader);
        live_account_destroy(station->account);
        state_file_close(station->state);
        if (station->base != NULL)
                event_base_free(station->base);
        free(station);
}

static bool open_parts(struct station *station)
{
        const struct configuration *configuration = station->settings.settings->configuration;
        char error[512] = "";
        station->base = event_base_new();
        if (station->base == NULL || !add_events(station))
                return false;
        station->run = run_open(station->settings.settings, station->settings.sensor, station->base);
        if (station->run == NULL)
                return false;
        station->events = run_events(station->run);
        station->state = state_file_open(configuration ? configuration->outbox_path : NULL, configuration ? configuration->outbox_size : 0);
        if (station->state == NULL || !open_listener(station))
                return false;
        state_file_restore(station->state, run_judge(station->run), delivery_outbox(run_delivery(station->run)));
        if (start_worker(station, error, sizeof error))
                return true;
        log_error("%s", error);
        return false;
}

struct station *station_open(const struct station_settings *settings)
{
        struct station *station = calloc(1, sizeof *station);
        if (station == NULL)
                return NULL;
        station->settings = *settings;
        station->worker.leash = -1;
        station->saved_s = now_s();
        const struct configuration *configuration = settings->settings->configuration;
        station->account = live_account_create(settings->memory_ceiling, configuration ? configuration->outbox_size : 0);
        if (station->account != NULL && open_parts(station)) {
                int dropped = privilege_keep_capture();
                if (dropped == 0)
                        return station;
                log_error("privileges cannot be given up: %s", strerror(-dropped));
        }
        release_worker(station);
        if (station->run != NULL)
                (void)run_close(station->run, EXIT_USAGE);
        station_free(station);
        return NULL;
}

/* As tcpdump says it: from now on packets count. */
static void tell_start(const struct station *station)
{
        const struct live_settings *probe = &station->settings.job.probe;
        if (station->settings.settings->quiet)
                return;
        fprintf(stderr, "apnwatch: listening on");
        for (unsigned i = 0; i < probe->count; i++)
                fprintf(stderr, "%s %s", i ? "," : "", probe->interfaces[i]);
        fprintf(stderr, " as %s\n", station->settings.sensor);
}

int station_run(struct station *station)
{
        tell_start(station);
        station->watchdog_ms = notify_watchdog_ms();
        notify_service("READY=1");
        event_base_dispatch(station->base);
        run_finish(station->run);
        state_file_save_now(station->state, run_judge(station->run), delivery_outbox(run_delivery(station->run)));
        int status = run_close(station->run, station->status);
        station_free(station);
        return status;
}
