/* One run: events in; judged, delivered, summed up. What `read` and `judge` share. */
#pragma once

#include "cmd/settings.h"

struct run;

/* Sinks are opened and judge stands ready. NULL: a sink cannot be opened (told on standard error). */
struct run *run_open(struct settings *settings, const char *sensor);

/* Where events go. */
struct event_sink run_events(struct run *run);
bool run_wants_digests(const struct run *run); /* a summary is asked for: SHA-256 of the inputs */

/* Everything is told and closed. `status` is what came before; the exit status of the program. Frees. */
int run_close(struct run *run, int status);
