/* Prometheus text exposition (format 0.0.4): whoever has numbers writes them at each scrape; nothing is kept here. Names have the
 * prefix apnwatch_ and base units; label sets are bounded: no label ever holds a device, a peer or an identity. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct metrics_writer;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

/* HELP and TYPE of a family; its samples follow before the next family begins. */
void metrics_family(struct metrics_writer *writer, const char *name, enum metric_type type, const char *help);
/* Pairs of label and value, ended by NULL: metrics_count(w, n, "interface", "eth1", NULL). Values are escaped. */
void metrics_count(struct metrics_writer *writer, uint64_t value, ...) __attribute__((sentinel));
void metrics_measure(struct metrics_writer *writer, double value, ...) __attribute__((sentinel));

typedef void (*metrics_collect_fn)(void *context, struct metrics_writer *writer);

/* The whole text into memory that the caller frees; NULL: no memory. */
char *metrics_text(metrics_collect_fn collect, void *context, size_t *length);

/* GET and HEAD of /metrics and /healthz on "ADDRESS:PORT" or "[V6]:PORT" (port 0: any), nothing else. At most 16 connections (one more: the
 * oldest goes), heads of 8 KiB, no bodies, and times that no client can stretch. 0 or negative errno with a message. */
struct metrics_listener;
int metrics_listen(struct metrics_listener **out, struct event_base *base, const char *address, metrics_collect_fn collect,
                   void *context, char *error, size_t error_size);
/* How long a request may take to come (5 s unless told) and an answer to be taken (10 s); for connections from now on. */
void metrics_listener_set_patience(struct metrics_listener *listener, unsigned request_ms, unsigned answer_ms);
uint16_t metrics_listener_port(const struct metrics_listener *listener);
void metrics_listener_close(struct metrics_listener *listener);
