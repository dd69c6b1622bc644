/* What the parts of judge share. Private to src/judge. */
#pragma once

#include "judge/alert_book.h"
#include "judge/attribution.h"
#include "judge/bindings.h"
#include "judge/detectors/detector.h"
#include "judge/device_table.h"
#include "judge/fleets.h"
#include "judge/intel_cache.h"
#include "judge/judge.h"
#include "judge/names.h"
#include "judge/report.h"
#include "judge/run_names.h"
#include "judge/self_report.h"
#include "judge/waiting_room.h"

/* Later than the year 2100: no packet's time. Events come through a pipe that is not trusted, and times are subtracted. */
#define JUDGE_TIME_LIMIT UINT64_C(4102444800000000000)

/* A detector that is told of flows. */
struct listener {
        void (*tell)(struct judge *judge, void *state, struct sighting *sighting);
        void *state;
        enum sighting_view view;
};

struct judge {
        struct judge_settings settings;
        const struct policy *policy;
        struct device_table *devices;
        struct names *names;
        struct fleets *fleets;
        struct self_reports *self_reports;
        struct intel_cache *intel;
        struct alert_book *book;
        struct bindings *bindings; /* who is behind addresses and tunnels */
        struct waiting_room *room; /* events of devices that signalling may still name */
        bool has_identity;         /* somebody was ever bound, or signalling was seen: else none of it costs anything */
        struct attributed owner;   /* of the event that is being taken; nobody, where it waited */
        struct run_names run;
        struct judge_report *report;
        int64_t clock_ns;
        uint64_t events;  /* taken */
        bool is_finished;
        bool is_loaded;   /* `run` is that of the save, until a run begins */
        bool has_run, had_hole; /* had_hole: events were lost up to the next one */
        int64_t hole_ns;  /* when the last such time ended; 0: there was none. DNS answers may have been missed in it */
        int64_t loss_ns;  /* when an interface last dropped a thousandth of its packets or more; 0: never */
        void *detector_states[DETECTOR_LIMIT];
        struct listener on_event[DETECTOR_LIMIT];
        uint16_t listeners[64]; /* by body of an event: bits of those that want to be told of its flow */
        uint16_t network_listeners, binding_listeners; /* likewise: who has on_network, on_binding */
};
