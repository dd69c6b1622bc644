/* How judge fills its report. Private to src/judge. */
#pragma once

#include "judge/report.h"
#include "model/alert.pb-c.h"
#include "model/event.h"

struct judge;

struct judge_report *report_create(void);
void report_destroy(struct judge_report *report);

void report_add_input(struct judge_report *report, const Apnwatch__V1__Input *input);
void report_set_counters(struct judge_report *report, const Apnwatch__V1__Counters *counters);
void report_add_alert(struct judge_report *report, const Apnwatch__V1__Alert *alert);
void report_add_device(struct judge_report *report, const struct device *device, const char *fleet_name);
void report_complete(struct judge_report *report, struct judge *judge);
