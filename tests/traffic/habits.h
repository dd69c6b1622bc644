/* What devices do all day and may do. Each habit is one conversation, or a few, that begin at `time_ns`. */
#pragma once

#include "tests/traffic/traffic.h"

/* Lets every device of the world follow its fleet's habits from traffic->start_ns to end_ns. */
void habits_start(struct traffic *traffic);

void habit_mqtt_over_tls(struct traffic *traffic, uint32_t device, int64_t time_ns);
void habit_mqtt(struct traffic *traffic, uint32_t device, int64_t time_ns);
void habit_coap(struct traffic *traffic, uint32_t device, int64_t time_ns);
void habit_api(struct traffic *traffic, uint32_t device, int64_t time_ns);
void habit_check_in(struct traffic *traffic, uint32_t device, int64_t time_ns);
void habit_telemetry(struct traffic *traffic, uint32_t device, int64_t time_ns);
void habit_time(struct traffic *traffic, uint32_t device, int64_t time_ns);
void habit_reading(struct traffic *traffic, uint32_t device, int64_t time_ns);
