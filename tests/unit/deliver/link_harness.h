/* A link and what it called, for tests that wait for one thing after the other. */
#pragma once

#include <stdbool.h>

#include "deliver/redis_link.h"

struct event_base;

struct link_harness {
        struct event_base *base;
        struct redis_link *link;
        struct redis_link_settings settings;
        unsigned ready, lost, replies;
        char why[800];            /* of the last `lost` */
        char reply[400];          /* the last, as text: "+OK", "-ERR ...", ":3", "$text", "_" (nil), "*2" */
};

void link_harness_open(struct link_harness *harness, struct event_base *base,
                       const char *address); /* settings may still be changed */
void link_harness_start(struct link_harness *harness);
void link_harness_close(struct link_harness *harness);

/* Runs the loop until the counter has risen to `least`; false: not within 10 s. */
bool link_harness_wait(struct link_harness *harness, const unsigned *counter, unsigned least);
void link_harness_run(struct link_harness *harness, unsigned ms);

/* Words by blanks; flushes. */
int link_harness_send(struct link_harness *harness, const char *words);
/* Sends, waits for the reply, returns it as text. */
const char *link_harness_ask(struct link_harness *harness, const char *words);
