/* Sense: frames in, events out. It knows bytes; whether something is bad it never says. */
#pragma once

#include <stdint.h>

#include "base/address.h"
#include "base/frame.h"
#include "dissectors/encap/encap.h"
#include "model/event.h"

struct sensor_timeouts { /* seconds; 0: the default */
        uint32_t tcp, udp, other;
};

struct sensor_settings {
        struct encap_settings encap;
        const struct prefix *devices;        /* the device side */
        unsigned device_count;
        uint32_t flow_limit;                 /* 0: 2 000 000 */
        struct sensor_timeouts timeouts;     /* 3600, 180, 600 */
        bool classify_always;
        bool prompt;                         /* `live`: a flow that stays without a label is told after ten seconds, not at its end */
        bool clock_per_file;                 /* --no-merge: each file its own clock, its flows end with it */
        int64_t from_ns, to_ns;              /* frames outside are passed over; 0: no bound */
        const struct address *only;          /* flows of these addresses only, and signalling */
        unsigned only_count;
        const char *const *context_names;    /* for the Run event: by number, [0] "default"; may be NULL */
        unsigned context_count;
        const char *const *input_names;
        unsigned input_count;
        const char *version;
        struct event_sink sink;
};

struct sensor;

struct sensor *sensor_create(const struct sensor_settings *settings); /* NULL: no memory, or nDPI does not start */
void sensor_destroy(struct sensor *sensor);

void sensor_batch(struct sensor *sensor, const struct frame_batch *batch);

/* `live`: no frame before this moment will come any more: the clock goes on to it, ticks are told, timers fire. */
void sensor_advance(struct sensor *sensor, int64_t now_ns);

/* The counters as they stand are told (Counters); sensor_finish does so too. */
void sensor_tell_counters(struct sensor *sensor);

/* The input has ended: all flows end, counters are told. What follows (Input events) is the caller's. */
void sensor_finish(struct sensor *sensor);

/* Emits an event of the caller's behind all others, with an order key of its own. */
void sensor_tell(struct sensor *sensor, event_t *event);

uint64_t sensor_packets(const struct sensor *sensor);

/* Bytes that this configuration may take at most; for the budget at start. */
uint64_t sensor_memory_ceiling(const struct sensor_settings *settings);
