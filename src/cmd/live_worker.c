#include "config.h"

#include "cmd/live_worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/event_pipe.h"
#include "cmd/privilege.h"
#include "cmd/settings.h"

enum { PIPE_BYTES = 1 << 20, OPEN_LIMIT = 1024, COUNTERS_EVERY_S = 60 };

static const int64_t SECOND = 1000000000;

struct live_sense {
        struct probe *probe;
        struct sensor *sensor;
        struct pipe_writer *writer;
        int leash;
        int64_t told_s, counted_s;
        uint64_t lost_told;
};

static const char *interface_name(void *context, uint16_t interface)
{
        return probe_interface_name(context, interface);
}

static void tell_links(struct live_sense *sense)
{
        static const Apnwatch__V1__Link__State states[] = {
                [LIVE_UP] = APNWATCH__V1__LINK__STATE__UP,
                [LIVE_DOWN] = APNWATCH__V1__LINK__STATE__DOWN,
                [LIVE_GONE] = APNWATCH__V1__LINK__STATE__GONE,
        };
        struct live_interface interfaces[LIVE_INTERFACES];
        unsigned count = live_probe_interfaces(sense->probe, interfaces);
        for (unsigned i = 0; i < count; i++) {
                event_t event = APNWATCH__V1__EVENT__INIT;
                Apnwatch__V1__Link link = APNWATCH__V1__LINK__INIT;
                link.interface = (char *)(uintptr_t)interfaces[i].name;
                link.state = states[interfaces[i].state];
                link.received = interfaces[i].received;
                link.dropped_kernel = interfaces[i].dropped_kernel;
                link.dropped_interface = interfaces[i].dropped_interface;
                link.has_bytes = true;
                link.bytes = interfaces[i].bytes;
                event.body_case = APNWATCH__V1__EVENT__BODY_LINK;
                event.link = &link;
                sensor_tell(sense->sensor, &event);
        }
}

static void tell_pipe_loss(struct live_sense *sense)
{
        uint64_t lost = pipe_writer_lost(sense->writer);
        if (lost == sense->lost_told)
                return;
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Incident incident = APNWATCH__V1__INCIDENT__INIT;
        incident.kind = APNWATCH__V1__INCIDENT__KIND__PIPE_LOSS;
        incident.has_count = true;
        incident.count = lost - sense->lost_told;
        event.body_case = APNWATCH__V1__EVENT__BODY_INCIDENT;
        event.incident = &incident;
        sense->lost_told = lost;
        sensor_tell(sense->sensor, &event);
}

/* Once a second of the probe's time. */
static void tell_state(struct live_sense *sense, int64_t now_ns)
{
        int64_t second = now_ns / SECOND;
        if (second == sense->told_s)
                return;
        sense->told_s = second;
        tell_links(sense);
        tell_pipe_loss(sense);
        if (second - sense->counted_s < COUNTERS_EVERY_S)
                return;
        sense->counted_s = second;
        sensor_tell_counters(sense->sensor);
}

static bool is_released(const struct live_sense *sense)
{
        struct pollfd leash = {.fd = sense->leash, .events = POLLIN};
        return poll(&leash, 1, 0) > 0;
}

/* 0: released, all read; else the exit status. */
static int run_sense(struct live_sense *sense)
{
        struct frame_batch batch;
        bool released = false;
        int64_t until_ns = INT64_MAX;
        while (probe_next(sense->probe, &batch) > 0) {
                int64_t now_ns = live_probe_now(sense->probe);
                if (batch.count > 0)
                        sensor_batch(sense->sensor, &batch);
                sensor_advance(sense->sensor, now_ns);
                tell_state(sense, now_ns);
                if (!pipe_writer_flush(sense->writer))
                        return EXIT_FAILED; /* the parent is gone */
                if (!released && is_released(sense)) {
                        released = true;
                        until_ns = now_ns + SECOND;
                }
                /* What came before is read; what still comes is not waited for longer than a second. */
                if (released && (batch.count == 0 || now_ns > until_ns))
                        break;
        }
        tell_links(sense);
        sensor_finish(sense->sensor);
        tell_pipe_loss(sense);
        return pipe_writer_flush(sense->writer) ? EXIT_DONE : EXIT_FAILED;
}

static _Noreturn void worker_main(const struct live_job *job, struct probe *probe, int events, int leash)
{
        struct live_sense sense = {.probe = probe, .leash = leash};
        struct sensor_settings settings = job->sensor;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "apnwatch-sense");
        signal(SIGINT, SIG_IGN); /* the parent says when to end */
        signal(SIGTERM, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signal(SIGUSR1, SIG_IGN);
        int dropped = privilege_keep_nothing();
        if (dropped < 0) {
                log_error("the worker cannot give up its privileges: %s", strerror(-dropped));
                _exit(EXIT_FAILED);
        }
        sense.writer = pipe_writer_create(events);
        settings.encap.interface_name = interface_name;
        settings.encap.interface_context = probe;
        settings.version = PACKAGE_VERSION;
        if (sense.writer != NULL) {
                settings.sink = pipe_writer_sink(sense.writer);
                sense.sensor = sensor_create(&settings);
        }
        if (sense.sensor == NULL) {
                log_error("no memory for the flow tables, or nDPI does not start");
                _exit(EXIT_FAILED);
        }
        _exit(run_sense(&sense));
}

/* The descriptors that are open now, but for the first three: what is none of a child's business. */
static unsigned list_descriptors(int *out, unsigned limit)
{
        unsigned count = 0;
        DIR *folder = opendir("/proc/self/fd");
        if (folder == NULL)
                return 0;
        for (struct dirent *entry; count < limit && (entry = readdir(folder)) != NULL;) {
                int number = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
                if (number > STDERR_FILENO && number != dirfd(folder))
                        out[count++] = number;
        }
        closedir(folder);
        return count;
}

static void close_pair(int pair[2])
{
        close(pair[0]);
        close(pair[1]);
}

/* `others` are the descriptors that were open before the probe's. */
static int fork_worker(struct live_worker *out, const struct live_job *job, struct probe *probe, const int *others,
                       unsigned other_count, char *error, unsigned error_size)
{
        int events[2], leash[2];
        if (pipe2(events, O_CLOEXEC) != 0) {
                snprintf(error, error_size, "no pipe for the worker: %s", strerror(errno));
                return -errno;
        }
        if (pipe2(leash, O_CLOEXEC) != 0) {
                snprintf(error, error_size, "no pipe for the worker: %s", strerror(errno));
                close_pair(events);
                return -errno;
        }
        (void)fcntl(events[1], F_SETPIPE_SZ, PIPE_BYTES);
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
                for (unsigned i = 0; i < other_count; i++)
                        close(others[i]);
                close(events[0]);
                close(leash[1]);
                worker_main(job, probe, events[1], leash[0]);
        }
        int failed = pid < 0 ? -errno : 0;
        close(events[1]);
        close(leash[0]);
        if (failed != 0) {
                snprintf(error, error_size, "no process for the worker: %s", strerror(-failed));
                close(events[0]);
                close(leash[1]);
                return failed;
        }
        (void)fcntl(events[0], F_SETFL, O_NONBLOCK);
        *out = (struct live_worker){.pid = pid, .events = events[0], .leash = leash[1]};
        return 0;
}

int live_worker_start(struct live_worker *out, const struct live_job *job, char *error, unsigned error_size)
{
        int others[OPEN_LIMIT];
        unsigned other_count = list_descriptors(others, OPEN_LIMIT);
        struct probe *probe = live_probe_open(&job->probe, error, error_size);
        if (probe == NULL)
                return -EIO;
        int result = fork_worker(out, job, probe, others, other_count, error, error_size);
        probe_destroy(probe);
        return result;
}
