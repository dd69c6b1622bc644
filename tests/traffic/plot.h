/* Incidents and decoys of SIMs, modules and tunnels: each has devices of its own, which are cast before the inventory is
 * written. */
#pragma once

#include "tests/traffic/labels.h"
#include "tests/traffic/session.h"
#include "tests/traffic/traffic.h"

struct plot_cast {
        struct session *first, *second; /* NULL: there is none */
};

struct plot {
        const char *name;
        void (*cast)(struct traffic *traffic, struct plot_cast *cast);
        void (*act)(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns);
};

struct plot_list {
        const struct plot *items;
        unsigned count;
};

struct plot_list identity_plots(void);
struct plot_list tunnel_plots(void);  /* where there are tunnels */
struct plot_list reuse_plots(void);   /* one address, two SIMs; findings of other kinds */

void plots_schedule(struct traffic *traffic, struct plot_list list, unsigned times);

/* A meter that the inventory lists. */
void cast_meter(struct traffic *traffic, struct plot_cast *cast);
/* The device sets up its session, does what its fleet does, and has a minute for it; returns when that is over. */
int64_t plot_begin(struct traffic *traffic, struct session *session, int64_t time_ns);
int64_t plot_chat(struct traffic *traffic, struct session *session, int64_t time_ns);

void plot_expect(struct traffic *traffic, const struct session *session, const char *types, int64_t from_ns, int64_t to_ns,
                 const char *what);
void plot_expect_nothing(struct traffic *traffic, const struct session *session, const char *types, int64_t from_ns,
                         int64_t to_ns, const char *what);
