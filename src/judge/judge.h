/* Judge: events in, alerts out. It knows fleets, never packets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge/geo.h"
#include "judge/intel.h"
#include "judge/inventory.h"
#include "judge/policy.h"
#include "model/alert.pb-c.h"
#include "model/event.h"
#include "model/tap.h"

struct binding_row;
struct judge;
struct nat_log;

struct alert_sink {
        /* Borrowed until it returns. `cause` is opaque: what judge_adopt needs to know the alert again. */
        void (*alert)(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);
        void *context;
};

/* What a device says of itself in one message. Borrowed until the call returns. */
struct device_word {
        struct address address;
        uint16_t context;
        uint64_t session;                  /* number of its binding; 0: none */
        int64_t time_ns;                   /* clock */
        const char *imei, *imei_source;    /* who it is by signalling, imported bindings or the inventory; NULL: not known */
        const char *vendor;                /* as intel calls it, else as the device does; NULL: it says none */
        const char *model;                 /* NULL: it says none */
        const char *text, *protocol;       /* by which it says so: user agent, LwM2M's text; "HTTP", "LwM2M". NULL without vendor */
        const char *said_imei;             /* in a message of its own; NULL: none */
        const char *file;                  /* NULL: not told */
        uint64_t frame;
};

struct judge_settings {
        const struct policy *policy;       /* NULL: none */
        const struct intel *intel;         /* NULL: none */
        const struct inventory *inventory; /* NULL: none */
        const struct geo *geo;             /* NULL: none */
        const char *sensor;
        struct alert_sink alerts;
        void (*said)(void *context, const struct device_word *word); /* NULL: nobody learns from it */
        void *said_context;
        bool revisions;                    /* `live`: deliver each revision; else each alert once, at judge_finish */
        uint32_t stall_s;                  /* `live`: an interface without packets for so long is told; 0: 60 */
        uint32_t device_limit, name_limit, alert_limit, session_limit; /* 0: the defaults */
        const struct nat_log *nat;         /* NULL: none */
        struct tap_list taps;              /* what is known of taps and contexts: APN, tenant, role */
};

struct judge *judge_create(const struct judge_settings *settings);
void judge_destroy(struct judge *judge);

/* Events in the order of their keys. */
void judge_event(struct judge *judge, const event_t *event);

/* A row of --bindings, before the first event: who has an address where no signalling says so. Copied. */
void judge_import_binding(struct judge *judge, const struct binding_row *row);

/* An event about this device comes soon: its record is brought near. Nothing else follows from it. */
void judge_soon(struct judge *judge, const struct address *device, uint16_t device_context);

/* The end of the input: what is open is told. With `revisions` it stays open all the same, for judge_save and the next run. */
void judge_finish(struct judge *judge);

/* What has to survive a restart (`live`: each minute, in a forked child, and after judge_finish): open alerts, names that devices
 * resolved, device records, counts of fleets, what detectors keep. Records with a CRC each (judge/state.h), so that half a file
 * is found out. `number` is kept with it: that of the last alert committed before. The judge is not changed. 0 or negative
 * errno. */
int judge_save(const struct judge *judge, uint64_t number, int descriptor);

/* Into a judge that has seen no event, from a file (it is read twice: first whether it is whole). What was saved by a newer
 * version, under another sensor's name or is damaged is left out with a warning; under another policy or inventory alerts and
 * names are taken and what follows from policy is not. 0, or negative errno: nothing was taken. */
int judge_load(struct judge *judge, int descriptor, uint64_t *number);

/* After judge_load (or without a save): alerts that were delivered after it, in their order, as they were handed to
 * alert_sink.alert, so that no revision is made twice. A closed one ends it. False: this cause is of no use; the alert is left
 * as it is. */
bool judge_adopt(struct judge *judge, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);

/* For metrics, at any time: alerts raised (each at its highest severity), pairs that are 0 left out; devices seen, by fleet. */
void judge_count_alerts(const struct judge *judge, void (*each)(void *context, const char *type, const char *severity, uint64_t count),
                        void *context);
void judge_count_devices(const struct judge *judge, void (*each)(void *context, const char *fleet, uint64_t devices), void *context);

/* What the summary needs; see judge/report.h. */
struct judge_report;
const struct judge_report *judge_report(struct judge *judge);
