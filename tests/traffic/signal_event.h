/* A Signalling event (src/model/event.proto) of a message, as dissectors/session/gtpv2c.c would tell it. */
#pragma once

#include "model/event.h"
#include "tests/traffic/signal.h"

struct signal_event {
        event_t event;
        Apnwatch__V1__Signalling signalling;
        Apnwatch__V1__Cell cell, area;
        Apnwatch__V1__Signalling__Endpoint endpoints[3], *endpoint_pointers[3];
        char plmn[8];
};

/* `out` points into itself and into `signal`. */
void signal_event_fill(const struct signal *signal, struct signal_event *out);
