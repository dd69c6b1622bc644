/* A detector reads events with what judge knows around them and reports findings to the alert book; it never keeps alerts.
 * One is its own file and one line in detectors.c. */
#pragma once

#include <stdint.h>

#include "judge/bindings.h"
#include "judge/sighting.h"
#include "judge/state.h"
#include "model/event.h"

struct judge;

enum { DETECTOR_LIMIT = 16 };

/* A set of event bodies: DETECTOR_WANTS(FLOW_NEWS) | DETECTOR_WANTS(POSITION). */
#define DETECTOR_WANTS(body) (UINT64_C(1) << APNWATCH__V1__EVENT__BODY_##body)

struct detector {
        const char *name;
        uint64_t wants;
        enum sighting_view view;
        void *(*create)(struct judge *judge);  /* NULL: keeps nothing */
        void (*destroy)(void *state);
        void (*on_event)(struct judge *judge, void *state, struct sighting *sighting);
        /* Of the bodies it wants, those that tell of the sensor itself and of no flow: Counters, Link, Incident. */
        void (*on_notice)(struct judge *judge, void *state, const event_t *event);
        /* Of the bodies it wants, what nodes of the network say to each other: Signalling (not a device's), TunnelNotice. on_event is not
         * called for these. */
        void (*on_network)(struct judge *judge, void *state, const event_t *event);
        /* A session began or changed (bindings.h); ends are not told. NULL: not wanted. */
        void (*on_binding)(struct judge *judge, void *state, const struct binding_change *change);
        void (*on_run)(void *state); /* a run of sense begins: numbers of flows begin anew. NULL: keeps none */
        void (*on_tick)(struct judge *judge, void *state, int64_t clock_ns);
        /* Tells what it had to leave out: `add` is called with the name and value of each counter. NULL: nothing. */
        void (*counters)(void *state, void (*add)(void *context, const char *name, uint64_t value), void *context);
        void (*on_finish)(struct judge *judge, void *state, const event_t *last); /* before the book is closed */
        /* What it keeps over a restart, as records; NULL: nothing. `load` is handed the records of no table one by one and
         * says whether that was its own. */
        int (*save)(const void *state, struct state_writer *writer);
        bool (*load)(void *state, const Apnwatch__V1__StateRecord *record);
};

extern const struct detector *const detectors[]; /* ends with NULL */
