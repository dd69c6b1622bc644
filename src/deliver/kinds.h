/* The kinds of sinks, one file each. A new one is its file, a line here and a line in sink.c's list. */
#pragma once

#include "deliver/sink.h"

extern const struct sink_kind jsonl_sink_kind;   /* alerts as INTERFACE has them, a line each */
extern const struct sink_kind eve_sink_kind;     /* alerts as Suricata writes them */
extern const struct sink_kind events_sink_kind;  /* the event log, see model/event_log.h */
extern const struct sink_kind summary_sink_kind; /* one JSON object for the run */
extern const struct sink_kind redis_sink_kind;   /* redis://, a stream: redis_sink.c */
extern const struct sink_kind rediss_sink_kind;  /* the same over TLS */
extern const struct sink_kind syslog_sink_kind;  /* RFC 5424 over TCP */
extern const struct sink_kind syslog_tls_sink_kind, syslogs_sink_kind; /* the same over TLS: two names */
extern const struct sink_kind webhook_sink_kind; /* HTTP POST */
