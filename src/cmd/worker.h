/* Sense in a process of its own: it opens and reads the captures, and only events come back, framed, over a pipe. */
#pragma once

#include "cmd/sense_run.h"

/* As sense_run, in a forked worker. A worker that dies, or writes what is no event, is told; what came before counts. */
int worker_run(const struct sense_job *job, const struct event_sink *sink);
