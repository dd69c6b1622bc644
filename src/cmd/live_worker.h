/* The worker of `live`: sense on interfaces in a process of its own that holds no privilege, events over a pipe. */
#pragma once

#include <sys/types.h>

#include "probes/live.h"
#include "sense/sensor.h"

struct live_job {
        struct live_settings probe;
        struct sensor_settings sensor; /* sink and version are the worker's */
};

struct live_worker {
        pid_t pid;
        int events; /* read end of the pipe, non-blocking */
        int leash;  /* closing it asks the worker to end: what the rings hold is read, flows end, counters are told */
};

/* Opens the interfaces (CAP_NET_RAW) and forks. 0 or negative errno with a message. */
int live_worker_start(struct live_worker *out, const struct live_job *job, char *error, unsigned error_size);
