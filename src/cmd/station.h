/* The parent of `live`: one event loop that reads the worker's events, judges them, delivers alerts, watches the worker and the
 * interfaces, saves what has to survive, and answers signals. */
#pragma once

#include "cmd/live_worker.h"
#include "cmd/settings.h"

struct station;

struct station_settings {
        struct settings *settings;
        struct live_job job;
        const char *sensor;
        uint64_t memory_ceiling;
        const char *metrics_listen; /* NULL: the default address, and it is no fault when that is taken; "off": none */
};

/* Sinks, outbox, listener and the first worker, in this order. NULL, each told on standard error: what cannot be opened. */
struct station *station_open(const struct station_settings *settings);

/* Until SIGTERM or SIGINT; then everything is told, delivered or kept. Frees. The exit status of the program. */
int station_run(struct station *station);
