/* Judge: events in, alerts out. It knows fleets, never packets. */
#pragma once

#include <stdint.h>

#include "judge/geo.h"
#include "judge/intel.h"
#include "judge/inventory.h"
#include "judge/policy.h"
#include "model/alert.pb-c.h"
#include "model/event.h"

struct judge;

struct alert_sink {
        void (*alert)(void *context, const Apnwatch__V1__Alert *alert); /* borrowed until it returns */
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

/* What the summary needs; see judge/report.h. */
struct judge_report;
const struct judge_report *judge_report(struct judge *judge);
