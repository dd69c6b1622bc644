/* A network sink on an outbox of its own, for tests: alerts go in, the loop runs, and the account is looked at. */
#pragma once

#include <stdbool.h>

#include "deliver/feed.h"
#include "deliver/outbox.h"
#include "deliver/sink.h"

struct network_case {
        struct event_base *base;
        struct outbox *outbox;
        struct sink *sink;
        struct feed *feed;
        struct feed_numbers numbers; /* as of the last network_case_run or _wait */
        unsigned added;
};

void network_case_open(struct network_case *test); /* loop and outbox; the sink comes with: */
void network_case_start(struct network_case *test, const char *given, const struct sink_options *options);
void network_case_close_sink(struct network_case *test);
void network_case_close(struct network_case *test);

/* Alert N has the ID of 32 digits that is N (from 1), revision 1. */
void network_case_add(struct network_case *test, unsigned count);
void network_case_add_revision(struct network_case *test, unsigned number, unsigned revision);
void network_case_add_gap(struct network_case *test); /* an alert that no outbox holds */
void network_case_commit(struct network_case *test);  /* and wakes the sink */

void network_case_run(struct network_case *test, unsigned ms);
/* Until nothing waits; false: not within 10 s. The account is right at every look. */
bool network_case_wait(struct network_case *test);
bool network_case_wait_for(struct network_case *test, const unsigned *counter, unsigned least);
bool network_case_wait_trouble(struct network_case *test, const char *part);
