#include "tests/faults/synthetic_alert.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { REVISIONS = 3 };

void synthetic_alert_name(uint64_t number, char id[33], uint32_t *revision)
{
        snprintf(id, 33, "%032" PRIx64, (number - 1) / REVISIONS);
        *revision = (uint32_t)((number - 1) % REVISIONS) + 1;
}

void synthetic_alert_fill(struct synthetic_alert *alert, uint64_t number, unsigned bytes)
{
        sample_alert_fill(&alert->sample);
        Apnwatch__V1__Alert *out = &alert->sample.alert;
        synthetic_alert_name(number, alert->id, &out->revision);
        out->id = alert->id;
        out->time->ns += number * 1000000;
        alert->sample.evidence.text = alert->text;
        alert->text[0] = '\0';
        size_t length = apnwatch__v1__alert__get_packed_size(out);
        size_t missing = bytes > length ? bytes - length : 0;
        if (missing >= sizeof alert->text)
                missing = sizeof alert->text - 1;
        memset(alert->text, 'x', missing);
        alert->text[missing] = '\0';
}
