/* Captures through sense: opens the probe and the sensor, gives every batch, tells the inputs' verdicts at the end. */
#pragma once

#include "base/address.h"
#include "model/event.h"
#include "probes/probe.h"
#include "sense/sensor.h"

struct sense_job {
        struct file_probe_settings probe;
        struct sensor_settings sensor; /* names and sink are filled by sense_run */
        bool show_progress;
};

/* 0; EXIT_USAGE when nothing could begin (told on standard error); EXIT_FAILED when it broke on the way. What becomes of
 * single inputs stands in their Input events, not here. */
int sense_run(const struct sense_job *job, const struct event_sink *sink);
