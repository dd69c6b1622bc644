/* Where events come from: captures through sense (opens the probe and the sensor, gives every batch, tells the inputs' verdicts at the
 * end), or the log of a run of before. */
#pragma once

#include "base/address.h"
#include "cmd/settings.h"
#include "model/event.h"
#include "model/event_log.h"
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

/* The same for the captures that were named, or the one event log. */
int sense_read(struct sense_job *job, const struct word_list *files, const struct configuration *configuration, const struct event_sink *sink);

bool is_event_log(const char *name); /* events:FILE */
int event_log_status(struct event_log *log, enum event_log_result result); /* what the reading of a log came to, for exit; tells why */

/* One for each of the captures that were named; to be freed. NULL: no memory. */
struct file_probe_input *sense_inputs(const struct word_list *files, const struct configuration *configuration);

/* What the command line says of packets. False: it cannot be meant; told on standard error. */
bool sense_take_times(const char *from, const char *to, struct sensor_settings *sensor);
bool sense_filter_is_good(const char *filter); /* NULL: none */

/* A named file that is no capture or is empty, any damaged capture: told, and true. */
bool sense_input_is_bad(const Apnwatch__V1__Input *input);
