/* Alerts by number: the producer raises them, the audit knows by the number what must have arrived. */
#pragma once

#include "tests/unit/deliver/sample_alert.h"

enum { SYNTHETIC_TEXT_SIZE = 4096 };

struct synthetic_alert {
        struct sample_alert sample;
        char id[33];
        char text[SYNTHETIC_TEXT_SIZE]; /* evidence, to make it as long as wanted */
};

/* About `bytes` when packed. Each number has an (id, revision) of its own, three revisions an id. */
void synthetic_alert_fill(struct synthetic_alert *alert, uint64_t number, unsigned bytes);
void synthetic_alert_name(uint64_t number, char id[33], uint32_t *revision);
