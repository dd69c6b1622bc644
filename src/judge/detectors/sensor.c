/* sensor.blind: a fleet some of whose flows could not be judged, because their opening or their names were not seen; told
 * once a fleet, with counts. sensor.loss: what sense could not read or keep, when it is a hundredth of the frames or more.
 *
 * In `live` fleets are looked at every ten minutes of packet time; in `read` once, at the end. */
#include "judge/detectors/detectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/draft.h"
#include "judge/judge_state.h"

enum { LOSS_LEAST = 100 };

struct sensor_state {
        int64_t looked_ns;
};

static void *create(struct judge *judge)
{
        (void)judge;
        return calloc(1, sizeof(struct sensor_state));
}

static void draft_clear(struct draft *draft, enum circumstance circumstance, int64_t time_ns)
{
        memset(draft, 0, sizeof *draft);
        apnwatch__v1__detail__init(&draft->detail);
        draft->finding.circumstance = circumstance;
        draft->finding.time_ns = draft->finding.last_ns = time_ns;
        draft->finding.counts = true;
        draft->finding.flow = 1; /* one cause, counted once */
}

static void tell_blind(struct judge *judge, unsigned index, const event_t *event)
{
        const struct fleet_state *fleet = fleets_at(judge->fleets, index);
        struct draft draft;
        char what[256];
        if (fleet->undetermined == 0)
                return;
        draft_clear(&draft, fleet->undetermined * 2 >= fleet->flows ? BLIND_MOSTLY : BLIND_PARTLY, fleet->blind_first_ns);
        draft.finding.last_ns = fleet->blind_last_ns;
        draft.finding.numbers.undetermined = fleet->undetermined;
        draft.finding.numbers.flows = fleet->flows;
        snprintf(what, sizeof what, "Flows of %.160s that could not be judged: opening or name not seen", fleet->name);
        draft.what = what;
        draft_report_sensor(&draft, judge, event, fleet->name, fleet->fleet);
}

static void tell_all_blind(struct judge *judge, const event_t *event)
{
        for (unsigned i = 0; i < fleets_count(judge->fleets); i++)
                tell_blind(judge, i, event);
}

/* Numbers of a whole, so that the share is one of frames; absent from a log that was written by hand. */
static uint64_t frames_read(const struct judge_report *report)
{
        for (unsigned i = 0; i < report->counter_count; i++) {
                if (strcmp(report->counters[i].name, "frames.read") == 0)
                        return report->counters[i].value;
        }
        return report->packets;
}

static void tell_loss(struct judge *judge, const event_t *event)
{
        const struct judge_report *report = judge->report;
        uint64_t lost = 0, frames = frames_read(report);
        char reason[512];
        size_t length = 0;
        struct draft draft;
        for (unsigned i = 0; i < report->counter_count; i++) {
                const struct report_counter *counter = &report->counters[i];
                if (strncmp(counter->name, "loss.", 5) != 0 || counter->value == 0)
                        continue;
                lost += counter->value;
                if (length < sizeof reason)
                        length += (size_t)snprintf(reason + length, sizeof reason - length, "%s%s %llu", length ? ", " : "",
                                                   counter->name, (unsigned long long)counter->value);
        }
        if (lost < LOSS_LEAST || lost < frames / 100)
                return;
        draft_clear(&draft, lost >= frames / 10 ? LOSS_MUCH : LOSS_SOME, (int64_t)event->clock);
        draft.what = "Packets that the sensor could not read whole";
        draft.detail.reason = reason;
        draft_report_sensor(&draft, judge, event, NULL, NULL);
}

static void on_tick(struct judge *judge, void *context, int64_t clock_ns)
{
        struct sensor_state *state = context;
        event_t event = APNWATCH__V1__EVENT__INIT;
        if (!judge->settings.revisions || clock_ns - state->looked_ns < INT64_C(600) * 1000000000)
                return;
        event.clock = (uint64_t)clock_ns;
        if (state->looked_ns != 0)
                tell_all_blind(judge, &event);
        state->looked_ns = clock_ns;
}

static void on_finish(struct judge *judge, void *context, const event_t *last)
{
        (void)context;
        tell_all_blind(judge, last);
        tell_loss(judge, last);
}

const struct detector sensor_detector = {
        .name = "sensor",
        .create = create,
        .destroy = free,
        .on_tick = on_tick,
        .on_finish = on_finish,
};
