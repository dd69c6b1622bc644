/* One run: events in; judged, delivered, summed up. What `read` and `judge` share. */
#pragma once

#include "cmd/settings.h"

struct run;
struct delivery;
struct event_base;

/* Sinks are opened and judge stands ready. `base`: the loop of `live`, NULL for `read` and `judge`. NULL: a sink cannot be
 * opened, or a server not be reached (told on standard error). */
struct run *run_open(struct settings *settings, const char *sensor, struct event_base *base);

/* Where events go. */
struct event_sink run_events(struct run *run);
struct judge *run_judge(struct run *run);
struct delivery *run_delivery(struct run *run);
/* The input has ended: what judge has to say at the end is said, and summed up. run_close does so too, when it was not done. */
void run_finish(struct run *run);
bool run_wants_digests(const struct run *run); /* a summary is asked for: SHA-256 of the inputs */

/* Everything is told and closed. `status` is what came before; the exit status of the program. Frees. */
int run_close(struct run *run, int status);
