/* All sinks of a run, and the outbox between judge and those that must not miss anything.
 *
 * `read` and `judge`: sinks that write files get each alert at once; network sinks get theirs from a private, temporary outbox
 * when the run is over. `live`: every sink that takes alerts gets them from the outbox, after they were committed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "deliver/feed.h"
#include "deliver/outbox.h"
#include "deliver/sink.h"

struct delivery;

struct delivery_output {
        const char *given;          /* "jsonl:alerts.jsonl" */
        char *place;                /* "file:line:column" that names it, for messages; NULL: the command line */
        struct sink_filter filter;  /* its lists are the caller's */
        struct sink_options options;
};

struct delivery_settings {
        struct sink_run run;        /* `append` says whether this is `live` */
        struct outbox_settings outbox;
        const struct delivery_output *outputs; /* borrowed for as long as the delivery lives */
        unsigned output_count;
        struct event_base *base;    /* `live`: the loop, else NULL */
};

/* NULL when a sink or the outbox cannot be opened, or in `read` a server not be reached: each told on standard error. */
struct delivery *delivery_open(const struct delivery_settings *settings);
bool delivery_uses_standard_output(const struct delivery *delivery);
bool delivery_wants_summary(const struct delivery *delivery);
bool delivery_wants_events(const struct delivery *delivery);

void delivery_alert(struct delivery *delivery, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);
void delivery_event(struct delivery *delivery, const event_t *event);
void delivery_summary(struct delivery *delivery, const char *json);

/* `live`: commits what was added (also done by itself 50 ms after the first) and wakes the sinks. */
void delivery_commit(struct delivery *delivery);
struct outbox *delivery_outbox(struct delivery *delivery); /* NULL in `read` without network sinks */
void delivery_reopen(struct delivery *delivery);           /* SIGUSR1: files were moved away */

struct delivery_sink {
        const char *name;
        struct feed_numbers numbers;
};
/* The sinks that deliver from the outbox, at most `limit`; how many there are. */
unsigned delivery_sinks(const struct delivery *delivery, struct delivery_sink *out, unsigned limit);

/* Commits and waits until every sink has everything, or nothing moves any more for `patience_s`. How many alerts still wait. */
uint64_t delivery_drain(struct delivery *delivery, unsigned patience_s);

/* Frees. 0 or negative errno when a sink failed at any time. */
int delivery_close(struct delivery *delivery);
