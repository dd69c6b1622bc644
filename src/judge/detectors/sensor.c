/* sensor.blind: a fleet some of whose flows could not be judged, because their opening or their names were not seen; told
 * once a fleet, with counts. In `live` fleets are looked at every ten minutes of packet time; else once, at the end.
 *
 * sensor.loss: what sense could not read or keep, when it is a hundredth of the frames or more: in `live` of each minute, else
 * of the whole. And what did not reach it, however little: per interface by the kernel's and the driver's counters, in windows
 * of ten seconds, and what the pipe of a worker lost.
 *
 * sensor.stall: an interface that is down, gone, or brought no packet for the stall timeout; closed by its next packet.
 * sensor.crash: a worker died, or said nothing for too long.
 *
 * Whether sense runs on interfaces is seen by Link events, so that the log of a run is judged as the run was. */
#include "judge/detectors/detectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge/draft.h"
#include "judge/judge_state.h"

enum { LOSS_LEAST = 100, LINK_LIMIT = 64, STALL_S = 60, NAME_SIZE = 64 };

static const int64_t second_ns = 1000000000, window_ns = INT64_C(10) * 1000000000;

enum drop_place { AT_KERNEL, AT_INTERFACE, DROP_PLACES };

struct drop {
        uint64_t total;    /* as the last Link said; since the worker began */
        uint64_t window;   /* of the window that runs */
        uint64_t received; /* packets since the drop before, as long as its alert stays open */
        int64_t told_ns;   /* 0: never */
};

struct link {
        char name[NAME_SIZE];
        uint64_t received, window_received;
        int64_t window_ns; /* when it began */
        int64_t grown_ns;  /* when packets came last, or when it was first heard of */
        struct drop drops[DROP_PLACES];
        bool is_up, is_stalled;
        bool may_be_open;  /* an alert of a stall, of this life or of the one before */
};

struct sensor_state {
        int64_t looked_ns;
        struct link *links;
        unsigned link_count;
        uint64_t lost, frames;  /* of the Counters before */
        uint64_t events;        /* judge's, when the pipe was last known to be whole */
};

static void *create(struct judge *judge)
{
        (void)judge;
        return calloc(1, sizeof(struct sensor_state));
}

static void destroy(void *context)
{
        struct sensor_state *state = context;
        if (state)
                free(state->links);
        free(state);
}

static void draft_clear(struct draft *draft, enum circumstance circumstance, int64_t time_ns)
{
        memset(draft, 0, sizeof *draft);
        apnwatch__v1__detail__init(&draft->detail);
        draft->finding.circumstance = circumstance;
        draft->finding.time_ns = draft->finding.last_ns = time_ns;
        draft->finding.counts = true;
        draft->finding.flow = FINDING_ONCE; /* one cause, counted once */
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

/* The sum of what sense lost, and the counters by name and value. */
static uint64_t describe_loss(const struct judge_report *report, char *reason, size_t size)
{
        uint64_t lost = 0;
        size_t length = 0;
        reason[0] = '\0';
        for (unsigned i = 0; i < report->counter_count; i++) {
                const struct report_counter *counter = &report->counters[i];
                if (strncmp(counter->name, "loss.", 5) != 0 || counter->value == 0)
                        continue;
                lost += counter->value;
                if (length < size)
                        length += (size_t)snprintf(reason + length, size - length, "%s%s %llu", length ? ", " : "",
                                                   counter->name, (unsigned long long)counter->value);
        }
        return lost;
}

static bool is_much(uint64_t lost, uint64_t frames)
{
        return lost >= LOSS_LEAST && lost >= frames / 100;
}

static void tell_loss(struct judge *judge, const event_t *event)
{
        char reason[512];
        struct draft draft;
        uint64_t lost = describe_loss(judge->report, reason, sizeof reason), frames = frames_read(judge->report);
        if (!is_much(lost, frames))
                return;
        draft_clear(&draft, lost >= frames / 10 ? LOSS_MUCH : LOSS_SOME, (int64_t)event->clock);
        draft.what = "Packets that the sensor could not read whole";
        draft.detail.reason = reason;
        draft_report_sensor(&draft, judge, event, NULL, NULL);
}

/* A total that is smaller than before is a new worker's. */
static uint64_t growth(uint64_t *total, uint64_t value)
{
        uint64_t grown = value >= *total ? value - *total : value;
        *total = value;
        return grown;
}

/* Counters of a sensor that goes on: what is new since the last. */
static void on_counters(struct judge *judge, struct sensor_state *state, const event_t *event)
{
        char reason[512];
        struct draft draft;
        if (state->link_count == 0)
                return;
        uint64_t all_lost = describe_loss(judge->report, reason, sizeof reason), all_frames = frames_read(judge->report);
        if (all_lost < state->lost || all_frames < state->frames)
                state->lost = state->frames = 0; /* a new worker's */
        uint64_t lost = growth(&state->lost, all_lost), frames = growth(&state->frames, all_frames);
        if (!is_much(lost, frames))
                return;
        draft_clear(&draft, lost >= frames / 10 ? LOSS_MUCH : LOSS_SOME, (int64_t)event->clock);
        draft.what = "Packets that the sensor could not read whole";
        draft.detail.reason = reason;
        draft.detail.where = (char *)"sense";
        draft.finding.every_time = true;
        draft.finding.numbers.dropped = lost;
        draft.finding.numbers.received = frames;
        draft_report_sensor(&draft, judge, event, NULL, NULL);
}

static enum circumstance dropped_circumstance(uint64_t dropped, uint64_t received)
{
        uint64_t all = dropped + received;
        return dropped * 100 >= all ? DROPPED_MUCH : dropped * 1000 >= all ? DROPPED_MORE : DROPPED_SOME;
}

static void tell_dropped(struct judge *judge, struct link *link, enum drop_place place, const event_t *event)
{
        static const char *const texts[DROP_PLACES] = {"kernel", "interface"};
        struct drop *drop = &link->drops[place];
        int64_t now_ns = (int64_t)event->clock;
        struct draft draft;
        char what[160], peer[NAME_SIZE + 16];
        draft_clear(&draft, dropped_circumstance(drop->window, link->window_received), link->window_ns);
        snprintf(what, sizeof what, "Packets on %s that the %s dropped", link->name, texts[place]);
        snprintf(peer, sizeof peer, "%s/%s", link->name, texts[place]);
        draft.what = what;
        draft.detail.interface = link->name;
        draft.detail.where = (char *)texts[place];
        draft.finding.peer = peer;
        draft.finding.last_ns = now_ns;
        draft.finding.every_time = true;
        draft.finding.numbers.dropped = drop->window;
        draft.finding.numbers.received = drop->received + link->window_received;
        draft_report_sensor(&draft, judge, event, NULL, NULL);
        if (draft.finding.circumstance != DROPPED_SOME)
                judge->loss_ns = now_ns;
        drop->told_ns = now_ns;
        drop->received = 0;
}

static void end_window(struct judge *judge, struct link *link, const event_t *event)
{
        int64_t now_ns = (int64_t)event->clock;
        for (int place = 0; place < DROP_PLACES; place++) {
                struct drop *drop = &link->drops[place];
                bool is_open = drop->told_ns != 0 && now_ns - drop->told_ns < quiet_ns(finding_quiet(SENSOR_LOSS));
                if (!is_open)
                        drop->received = 0;
                if (drop->window > 0)
                        tell_dropped(judge, link, (enum drop_place)place, event);
                else if (is_open)
                        drop->received += link->window_received;
                drop->window = 0;
        }
        link->window_received = 0;
        link->window_ns = now_ns;
}

static void draft_stall(struct draft *draft, struct link *link, char *what, size_t size, int64_t now_ns)
{
        draft_clear(draft, link->is_up ? STALL_SILENT : STALL_DOWN, link->grown_ns);
        snprintf(what, size, link->is_up ? "No packets on %s" : "Interface %s is down or gone", link->name);
        draft->what = what;
        draft->detail.interface = link->name;
        draft->finding.peer = link->name;
        draft->finding.flow = 0; /* each stall counts */
        draft->finding.last_ns = now_ns;
        int64_t silent_s = (now_ns - link->grown_ns) / second_ns;
        draft->finding.numbers.silent_s = silent_s > 0 ? (uint32_t)silent_s : 0;
        draft->finding.scope = APNWATCH__V1__ALERT__SCOPE__SENSOR;
}

static void watch_stall(struct judge *judge, struct link *link, const event_t *event)
{
        int64_t now_ns = (int64_t)event->clock;
        uint32_t stall_s = judge->settings.stall_s ? judge->settings.stall_s : STALL_S;
        bool is_silent = now_ns - link->grown_ns >= stall_s * second_ns;
        struct draft draft;
        char what[160];
        if (now_ns < link->grown_ns) /* the clock was set back */
                link->grown_ns = now_ns;
        if (link->is_up && !is_silent)
                return;
        draft_stall(&draft, link, what, sizeof what, now_ns);
        if (link->is_stalled)
                draft.finding.counts = false;
        draft_report_sensor(&draft, judge, event, NULL, NULL);
        link->is_stalled = link->may_be_open = true;
}

/* Packets come again. An alert of the life before may be open too. */
static void end_stall(struct judge *judge, struct link *link, const event_t *event)
{
        int64_t now_ns = (int64_t)event->clock;
        struct draft draft;
        char what[160];
        if (link->may_be_open) {
                draft_stall(&draft, link, what, sizeof what, now_ns);
                if (!link->is_stalled)
                        draft.finding.numbers.silent_s = 0; /* for how long is not known here */
                alert_book_settle(judge->book, &draft.finding, event);
        }
        link->is_stalled = link->may_be_open = false;
        link->grown_ns = now_ns;
}

static struct link *link_of(struct sensor_state *state, const char *name, int64_t now_ns)
{
        for (unsigned i = 0; i < state->link_count; i++)
                if (strncmp(state->links[i].name, name, NAME_SIZE - 1) == 0)
                        return &state->links[i];
        if (state->link_count == LINK_LIMIT)
                return NULL;
        if (state->links == NULL && (state->links = calloc(LINK_LIMIT, sizeof *state->links)) == NULL)
                return NULL;
        struct link *link = &state->links[state->link_count++];
        snprintf(link->name, sizeof link->name, "%s", name);
        link->window_ns = link->grown_ns = now_ns;
        link->may_be_open = true;
        return link;
}

static void on_link(struct judge *judge, struct sensor_state *state, const event_t *event)
{
        const Apnwatch__V1__Link *told = event->link;
        int64_t now_ns = (int64_t)event->clock;
        struct link *link = link_of(state, told->interface, now_ns);
        if (link == NULL)
                return;
        bool is_new_worker = told->received < link->received || told->dropped_kernel < link->drops[AT_KERNEL].total ||
                             told->dropped_interface < link->drops[AT_INTERFACE].total;
        if (is_new_worker)
                link->received = link->drops[AT_KERNEL].total = link->drops[AT_INTERFACE].total = 0;
        uint64_t received = growth(&link->received, told->received);
        link->window_received += received;
        link->drops[AT_KERNEL].window += growth(&link->drops[AT_KERNEL].total, told->dropped_kernel);
        link->drops[AT_INTERFACE].window += growth(&link->drops[AT_INTERFACE].total, told->dropped_interface);
        link->is_up = told->state == APNWATCH__V1__LINK__STATE__UP;
        if (received > 0)
                end_stall(judge, link, event);
        watch_stall(judge, link, event);
        if (now_ns - link->window_ns >= window_ns || now_ns < link->window_ns)
                end_window(judge, link, event);
}

static void tell_pipe_loss(struct judge *judge, struct sensor_state *state, const event_t *event)
{
        uint64_t lost = event->incident->has_count ? event->incident->count : 1;
        struct draft draft;
        uint64_t came = judge->events - state->events;
        state->events = judge->events;
        if (lost == 0)
                return;
        draft_clear(&draft, dropped_circumstance(lost, came), (int64_t)event->clock);
        draft.what = "Events that the pipe of a worker lost";
        draft.detail.where = (char *)"pipe";
        draft.finding.peer = "pipe";
        draft.finding.every_time = true;
        draft.finding.numbers.dropped = lost;
        draft_report_sensor(&draft, judge, event, NULL, NULL);
}

static void tell_crash(struct judge *judge, const event_t *event)
{
        const Apnwatch__V1__Incident *told = event->incident;
        bool died = told->kind == APNWATCH__V1__INCIDENT__KIND__WORKER_DIED;
        struct draft draft;
        char what[160], peer[32];
        draft_clear(&draft, died ? WORKER_DIED : WORKER_SILENT, (int64_t)event->clock);
        if (!died)
                snprintf(what, sizeof what, "Worker %u said nothing for %u seconds", told->worker, told->seconds);
        else if (told->has_signal)
                snprintf(what, sizeof what, "Worker %u was ended by signal %u", told->worker, told->signal);
        else
                snprintf(what, sizeof what, "Worker %u ended with status %u", told->worker, told->status);
        snprintf(peer, sizeof peer, "%s %u", died ? "worker" : "silent worker", told->worker);
        draft.what = what;
        draft.finding.peer = peer;
        draft.finding.every_time = true;
        draft.detail.has_signal = died && told->has_signal;
        draft.detail.signal = told->signal;
        draft_report_sensor(&draft, judge, event, NULL, NULL);
}

static void on_notice(struct judge *judge, void *context, const event_t *event)
{
        struct sensor_state *state = context;
        switch (event->body_case) {
        case APNWATCH__V1__EVENT__BODY_LINK:
                on_link(judge, state, event);
                break;
        case APNWATCH__V1__EVENT__BODY_COUNTERS:
                on_counters(judge, state, event);
                break;
        default:
                if (event->incident->kind == APNWATCH__V1__INCIDENT__KIND__PIPE_LOSS)
                        tell_pipe_loss(judge, state, event);
                else
                        tell_crash(judge, event);
                break;
        }
}

static void on_tick(struct judge *judge, void *context, int64_t clock_ns)
{
        struct sensor_state *state = context;
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.clock = (uint64_t)clock_ns;
        for (unsigned i = 0; i < state->link_count; i++)
                watch_stall(judge, &state->links[i], &event);
        if (clock_ns < state->looked_ns)
                state->looked_ns = clock_ns;
        if (!judge->settings.revisions || clock_ns - state->looked_ns < 600 * second_ns)
                return;
        if (state->looked_ns != 0)
                tell_all_blind(judge, &event);
        state->looked_ns = clock_ns;
}

static void on_finish(struct judge *judge, void *context, const event_t *last)
{
        const struct sensor_state *state = context;
        tell_all_blind(judge, last);
        for (unsigned i = 0; i < state->link_count; i++)
                end_window(judge, &state->links[i], last);
        if (state->link_count == 0)
                tell_loss(judge, last);
}

static int save(const void *context, struct state_writer *writer)
{
        const struct sensor_state *state = context;
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedSensor saved = APNWATCH__V1__SAVED_SENSOR__INIT;
        saved.has_looked = true;
        saved.looked = (uint64_t)state->looked_ns;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_SENSOR;
        record.sensor = &saved;
        return state_write(writer, &record);
}

static bool load(void *context, const Apnwatch__V1__StateRecord *record)
{
        struct sensor_state *state = context;
        if (record->body_case != APNWATCH__V1__STATE_RECORD__BODY_SENSOR)
                return false;
        if (record->sensor->looked < JUDGE_TIME_LIMIT)
                state->looked_ns = (int64_t)record->sensor->looked;
        return true;
}

const struct detector sensor_detector = {
        .name = "sensor",
        .wants = DETECTOR_WANTS(COUNTERS) | DETECTOR_WANTS(LINK) | DETECTOR_WANTS(INCIDENT),
        .create = create,
        .destroy = destroy,
        .on_notice = on_notice,
        .on_tick = on_tick,
        .on_finish = on_finish,
        .save = save,
        .load = load,
};
