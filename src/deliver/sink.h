/* Where findings go. A kind of sink is its own file and one line in sink.c's list. A sink never changes what it gets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/alert.pb-c.h"
#include "model/event.h"

/* Which alerts a sink wants; an empty list wants all. Patterns as in fnmatch(3): "update.*". */
struct sink_filter {
        int min_severity;         /* Apnwatch__V1__Alert__Severity; 0: all */
        const char **types, **fleets, **tenants;
        unsigned type_count, fleet_count, tenant_count;
};

struct sink_run { /* what every sink may put into its head */
        const char *sensor;
        const char *version;
        const char *configuration_digest; /* hex SHA-256 over configuration, policy, intel, inventory */
        bool append;              /* `live`: lines go behind those of the last run; else a file begins anew */
};

/* How to reach it: from the configuration, never from the command line. NULL: not given. Strings are the caller's. */
struct sink_options {
        const char *username, *password_file; /* redis */
        const char *token_file;               /* webhook: sent as a bearer token */
        const char *ca, *cert, *key;          /* TLS: PEM files; ca NULL: the system's */
        uint64_t maxlen;                      /* redis: 0: 100000 */
        bool json;                            /* redis: the field `json` too */
        uint32_t timeout_ms;                  /* for an answer; 0: webhook 15000, redis 5000 */
};

struct sink;
struct feed;

struct sink_kind {
        const char *scheme;       /* "jsonl" of "jsonl:PATH" */
        const char *what;         /* for --help */
        /* 0 or negative errno, with a message. `target` is what stands behind the colon; "-" is standard output. */
        int (*open)(struct sink *sink, const char *target, char *error, unsigned error_size);
        int (*alert)(struct sink *sink, const Apnwatch__V1__Alert *alert); /* NULL: does not take alerts */
        int (*event)(struct sink *sink, const event_t *event);             /* NULL: does not take events */
        /* What the summary says of the whole run, as one JSON object; NULL: not wanted. */
        int (*summary)(struct sink *sink, const char *json);
        int (*flush)(struct sink *sink); /* what waits in a buffer; NULL: nothing does */
        int (*reopen)(struct sink *sink); /* SIGUSR1: the file was moved away, begin a new one; NULL: nothing to do */
        /* The last alert that the file holds, to go on behind it after a crash: false: none, or it cannot be told. */
        bool (*last)(struct sink *sink, char id[33], uint32_t *revision);

        /* Kinds that deliver over the network, always from the outbox, have these instead of `alert`. `open` checks what was
         * given (address, files of credentials) and connects to nothing. */
        int (*start)(struct sink *sink, struct feed *feed); /* begins to connect and to carry; 0 or negative errno */
        void (*wake)(struct sink *sink);                    /* entries were committed */
        /* Frees what `open` made. */
        int (*close)(struct sink *sink); /* flush: 0 or negative errno (a full disk is found here at the latest) */
};

struct sink {
        const struct sink_kind *kind;
        char *name;               /* "jsonl:/var/log/x.jsonl" as given */
        struct sink_filter filter; /* its lists are the caller's */
        struct sink_options options;
        const struct sink_run *run;
        void *state;              /* the kind's */
        uint64_t delivered, filtered;
        uint64_t lost;            /* what came after the first failure, that one included */
        int failed;               /* negative errno of the first failure: told once, then nothing more is written */
        int told, told_reopen;    /* what was told last of writing and of opening anew; 0 when that is over */
};

/* Opens "kind:target". NULL with a message. `filter` may be NULL: all; `options` too. A file that another sink of this process, or another
 * apnwatch, is writing is refused. SIGPIPE must be ignored by the program, so that a closed pipe is an error like others. */
struct sink *sink_open(const char *given, const struct sink_filter *filter, const struct sink_options *options,
                       const struct sink_run *run, char *error, unsigned error_size);
bool sink_is_networked(const struct sink *sink);
bool sink_wants_alert(const struct sink *sink, const Apnwatch__V1__Alert *alert); /* what its filter says */
bool sink_wants_events(const struct sink *sink);
bool sink_wants_summary(const struct sink *sink);
bool sink_is_standard_output(const struct sink *sink);

/* Each counts, remembers and logs the first failure; what was written before stays. */
void sink_alert(struct sink *sink, const Apnwatch__V1__Alert *alert);
void sink_event(struct sink *sink, const event_t *event);
void sink_summary(struct sink *sink, const char *json);
void sink_flush(struct sink *sink); /* `live`: after each alert; `read` leaves it to the buffer */
/* The file was moved away, or could not be written: goes on with what has its path now; a failure is forgotten. 0 or negative errno,
 * logged: then everything is as before. */
int sink_reopen(struct sink *sink);
int sink_close(struct sink *sink); /* frees; negative errno when it failed at any time */

extern const struct sink_kind *const sink_kinds[]; /* ends with NULL; see kinds.h */
