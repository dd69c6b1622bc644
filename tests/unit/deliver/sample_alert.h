/* An alert that has every field, as judge would fill it, and one that has only what is required. */
#pragma once

#include "model/alert.pb-c.h"

struct sample_alert {
        Apnwatch__V1__Alert alert;
        Apnwatch__V1__Time time, first, last, start;
        Apnwatch__V1__Device device;
        Apnwatch__V1__Peer peer;
        Apnwatch__V1__AlertFlow flow;
        Apnwatch__V1__Detail detail;
        Apnwatch__V1__Object object;
        Apnwatch__V1__Evidence evidence;
        Apnwatch__V1__Evidence *evidence_list[1];
        char *attack[2], *devices[2];
};

void sample_alert_fill(struct sample_alert *sample);
void sample_alert_fill_least(struct sample_alert *sample);
