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

struct judge;

struct alert_sink {
        /* Borrowed until it returns. `cause` is opaque: what judge_adopt needs to know the alert again. */
        void (*alert)(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);
        void *context;
};

struct judge_settings {
        const struct policy *policy;       /* NULL: none */
        const struct intel *intel;         /* NULL: none */
        const struct inventory *inventory; /* NULL: none */
        const struct geo *geo;             /* NULL: none */
        const char *sensor;
        struct alert_sink alerts;
        bool revisions;                    /* `live`: deliver each revision; else each alert once, at judge_finish */
        uint32_t device_limit, name_limit, alert_limit; /* 0: the defaults */
};

struct judge *judge_create(const struct judge_settings *settings);
void judge_destroy(struct judge *judge);

/* Events in the order of their keys. */
void judge_event(struct judge *judge, const event_t *event);

/* An event about this device comes soon: its record is brought near. Nothing else follows from it. */
void judge_soon(struct judge *judge, const struct address *device, uint16_t device_context);

/* The end of the input: what is open is told. */
void judge_finish(struct judge *judge);

/* What has to survive a restart (`live`, each minute, in a forked child): open alerts, names that devices resolved, device records, what
 * detectors keep. Records with a CRC each, so that half a file is found out. `number` is kept with it: that of the last alert committed
 * before. 0 or negative errno. */
int judge_save(const struct judge *judge, uint64_t number, int descriptor);

/* Into a judge that has seen no event. What was saved by a newer version, under another sensor's name or is damaged is left out with a
 * warning; under another policy alerts and names are taken and what follows from policy is not. 0, or negative errno: nothing was taken. */
int judge_load(struct judge *judge, int descriptor, uint64_t *number);

/* After judge_load: alerts that were delivered after the save, in their order, so that no revision is made twice. A closed one ends it. */
bool judge_adopt(struct judge *judge, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length);

/* What the summary needs; see judge/report.h. */
struct judge_report;
const struct judge_report *judge_report(struct judge *judge);
