#include "judge/judge.h"

#include <stdlib.h>
#include <string.h>

#include "base/apart.h"
#include "judge/attribution.h"
#include "judge/judge_state.h"
#include "judge/report_parts.h"

enum { DEVICE_LIMIT = 1000000, DEVICE_LIMIT_LEAST = 64, NAME_LIMIT = 2000000, ALERT_LIMIT = 200000, ROOM_BYTES = 16 << 20 };

static const int64_t patience_ns = INT64_C(5) * 1000000000;

static void deliver(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct judge *judge = context;
        report_add_alert(judge->report, alert);
        judge->settings.alerts.alert(judge->settings.alerts.context, alert, cause, cause_length);
}

static const char *input_name(void *context, uint32_t file)
{
        const struct judge *judge = context;
        return run_input(&judge->run, file);
}

static void device_is_done(void *context, struct device *device)
{
        struct judge *judge = context;
        bool is_bound = device->fleet != DEVICE_FLEET_UNKNOWN; /* else loaded, and not seen since */
        report_add_device(judge->report, device, is_bound ? fleets_at(judge->fleets, device->fleet)->name : NULL);
}

static void device_goes(void *context, struct device *device)
{
        struct judge *judge = context;
        device_is_done(judge, device);
        self_report_forget(judge->self_reports, device);
}

static bool create_detectors(struct judge *judge)
{
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->create && (judge->detector_states[i] = detectors[i]->create(judge)) == NULL)
                        return false;
                judge->on_event[i] = (struct listener){detectors[i]->on_event, judge->detector_states[i], detectors[i]->view};
                for (unsigned body = 0; body < 64 && detectors[i]->on_event; body++)
                        judge->listeners[body] |= (uint16_t)((detectors[i]->wants >> body & 1) << i);
                judge->network_listeners |= (uint16_t)((detectors[i]->on_network != NULL) << i);
                judge->binding_listeners |= (uint16_t)((detectors[i]->on_binding != NULL) << i);
        }
        return true;
}

static void take_change(void *context, const struct binding_change *change)
{
        struct judge *judge = context;
        waiting_room_call(judge->room, change->now);
        for (unsigned left = judge->binding_listeners; left != 0; left &= left - 1) {
                int i = __builtin_ctz(left);
                detectors[i]->on_binding(judge, judge->detector_states[i], change);
        }
}

static bool create_tables(struct judge *judge)
{
        const struct judge_settings *settings = &judge->settings;
        uint32_t device_limit = settings->device_limit ? settings->device_limit : DEVICE_LIMIT;
        struct alert_book_settings book = {
                .sensor = settings->sensor,
                .revisions = settings->revisions,
                .limit = settings->alert_limit ? settings->alert_limit : ALERT_LIMIT,
                .deliver = deliver,
                .input_name = input_name,
                .context = judge,
        };
        judge->self_reports = self_reports_create(settings->intel);
        if (judge->self_reports == NULL)
                return false;
        judge->fleets = fleets_create(settings->policy, settings->inventory, settings->intel, judge->self_reports);
        struct bindings_settings bindings = {.session_limit = settings->session_limit, .changed = take_change, .hears_no_ends = true, .context = judge};
        if (judge->fleets == NULL)
                return false;
        judge->bindings = bindings_create(&bindings);
        judge->room = waiting_room_create(ROOM_BYTES, patience_ns);
        judge->devices = device_table_create(device_limit < DEVICE_LIMIT_LEAST ? DEVICE_LIMIT_LEAST : device_limit,
                                             device_goes, judge);
        judge->names = names_create(settings->name_limit ? settings->name_limit : NAME_LIMIT, fleets_count(judge->fleets));
        judge->intel = intel_cache_create(settings->intel);
        judge->book = alert_book_create(&book);
        judge->report = report_create();
        return judge->bindings && judge->room && judge->devices && judge->names && judge->intel && judge->book && judge->report;
}

struct judge *judge_create(const struct judge_settings *settings)
{
        struct judge *judge = calloc(1, sizeof *judge);
        if (judge == NULL)
                return NULL;
        judge->settings = *settings;
        judge->policy = settings->policy;
        if (!create_tables(judge) || !create_detectors(judge)) {
                judge_destroy(judge);
                return NULL;
        }
        return judge;
}

void judge_destroy(struct judge *judge)
{
        if (judge == NULL)
                return;
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->destroy)
                        detectors[i]->destroy(judge->detector_states[i]);
        }
        alert_book_destroy(judge->book);
        intel_cache_destroy(judge->intel);
        names_destroy(judge->names);
        device_table_destroy(judge->devices);
        fleets_destroy(judge->fleets);
        self_reports_destroy(judge->self_reports);
        bindings_destroy(judge->bindings);
        waiting_room_destroy(judge->room);
        report_destroy(judge->report);
        run_names_clear(&judge->run);
        free(judge);
}

static bool is_end(const event_t *event)
{
        return event->body_case == APNWATCH__V1__EVENT__BODY_FLOW_NEWS &&
               event->flow_news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__END;
}

/* Detectors whose view of the ends is the same share one sighting. */
static SELDOM void tell_of_two_devices(struct judge *judge, const event_t *event, const struct flow_ends *ends)
{
        struct sighting made[2], *of[2] = {NULL, NULL};
        for (unsigned left = judge->listeners[event->body_case % 64]; left != 0; left &= left - 1) {
                const struct listener *listener = &judge->on_event[__builtin_ctz(left)];
                enum sighting_view view = listener->view;
                if (of[view] == NULL && sighting_of_event(judge, event, ends, view, &made[view]))
                        of[view] = &made[view];
                if (of[view] != NULL)
                        listener->tell(judge, listener->state, of[view]);
        }
        if (of[OPENER_FIRST] != NULL && is_end(event))
                fleet_add_coverage(fleets_at(judge->fleets, of[OPENER_FIRST]->fleet_index), event->flow);
}

/* Where the peer is no device both views of the ends are one. */
static void tell_detectors(struct judge *judge, const event_t *event, const struct flow_ends *ends)
{
        struct sighting sighting;
        unsigned left = judge->listeners[event->body_case % 64];
        if (left == 0)
                return;
        if (ends->peer_is_device) {
                tell_of_two_devices(judge, event, ends);
                return;
        }
        if (!sighting_of_event(judge, event, ends, AS_TOLD, &sighting))
                return;
        for (; left != 0; left &= left - 1) {
                const struct listener *listener = &judge->on_event[__builtin_ctz(left)];
                listener->tell(judge, listener->state, &sighting);
        }
        if (is_end(event))
                fleet_add_coverage(fleets_at(judge->fleets, sighting.fleet_index), event->flow);
}

/* An event of the sensor itself. */
static void notify_detectors(struct judge *judge, const event_t *event)
{
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->on_notice && (detectors[i]->wants >> event->body_case & 1))
                        detectors[i]->on_notice(judge, judge->detector_states[i], event);
        }
}

static void tell_network(struct judge *judge, const event_t *event)
{
        for (unsigned left = judge->network_listeners; left != 0; left &= left - 1) {
                int i = __builtin_ctz(left);
                if (detectors[i]->wants >> event->body_case & 1)
                        detectors[i]->on_network(judge, judge->detector_states[i], event);
        }
}

/* Rules will ask for the peer's names, which are far off; meanwhile the device is looked up. */
static uint32_t names_ahead(const struct judge *judge, const event_t *event, const struct device_key *owner, const struct address *peer)
{
        bool asks = event->body_case == APNWATCH__V1__EVENT__BODY_FLOW_NEWS && event->flow_news->label_final;
        return asks ? names_soon(judge->names, owner, peer) : 0;
}

/* Nobody is known who has it yet. */
static SELDOM bool add_waiting(struct judge *judge, const event_t *event, const struct device_key *owner,
                               struct device *device)
{
        if (device->unbound_ns == 0 || device->unbound_ns > judge->clock_ns)
                device->unbound_ns = judge->clock_ns;
        return judge->clock_ns - device->unbound_ns < patience_ns && waiting_room_add(judge->room, owner, device->unbound_ns, event);
}

/* Signalling may come behind the first packets of the session that it makes. While it is visible, what a device does within five
 * seconds of its first sight without a binding waits for one. Of two devices that is the opener, who comes first for most detectors. */
static bool has_to_wait(struct judge *judge, const event_t *event, const struct flow_ends *ends)
{
        bool is_swapped = ends->peer_is_device && event->flow->opener == APNWATCH__V1__FLOW__OPENER__PEER;
        struct device_key owner = {is_swapped ? ends->peer : ends->inside, ends->context};
        if (ends->is_hidden || !bindings_are_visible(judge->bindings))
                return false;
        uint32_t names = names_ahead(judge, event, &owner, &ends->peer);
        struct device *device = device_table_touch(judge->devices, &owner, (uint32_t)(judge->clock_ns / 1000000000));
        if (device == NULL)
                return false;
        bool is_waiting = device->unbound_ns != 0 && waiting_room_has(judge->room, &owner);
        if (is_waiting || !attribution_ask(judge, event->flow, &owner, ends->time_ns, device))
                return add_waiting(judge, event, &owner, device);
        device->unbound_ns = 0;
        names_sooner(judge->names, names);
        return false;
}

/* Told at its first packet only that a flow is there: nothing to judge yet. */
static bool is_mere_start(const Apnwatch__V1__FlowNews *news)
{
        return !news->label_final && (news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__START ||
                                      news->phase == APNWATCH__V1__FLOW_NEWS__PHASE__KNOWN);
}

static void take_names(struct judge *judge, const event_t *event, const struct flow_ends *ends)
{
        const Apnwatch__V1__Names *told = event->names;
        struct sighting s;
        if (!sighting_of_event(judge, event, ends, AS_TOLD, &s))
                return;
        int64_t time_ns = event->has_time ? (int64_t)event->time : judge->clock_ns;
        if (s.device->dns_since_s == 0 || s.device->dns_since_s < judge->hole_ns / 1000000000)
                s.device->dns_since_s = (uint32_t)(time_ns / 1000000000);
        for (size_t i = 0; i < told->n_answer; i++) {
                const Apnwatch__V1__Names__Answer *answer = told->answer[i];
                struct address address;
                if (!address_from_bytes(answer->address.data, answer->address.len, &address))
                        continue;
                address = policy_unwrap_nat64(judge->policy, &address);
                for (size_t a = told->n_alias; a-- > 0;) {
                        if (strcmp(told->alias[a], told->question) != 0)
                                names_learn(judge->names, &s.key, s.fleet_index, &address, told->alias[a], true, answer->ttl,
                                            time_ns);
                }
                names_learn(judge->names, &s.key, s.fleet_index, &address, told->question, false, answer->ttl, time_ns);
        }
}

static void judge_of_flow(struct judge *judge, const event_t *event, const struct flow_ends *ends)
{
        if (event->body_case == APNWATCH__V1__EVENT__BODY_NAMES)
                take_names(judge, event, ends);
        else
                tell_detectors(judge, event, ends);
}

/* Events that waited are judged by their own time, though later ones were judged before them. */
static APART void release_due(struct judge *judge, int64_t clock_ns)
{
        const event_t *event;
        struct flow_ends ends;
        while ((event = waiting_room_next(judge->room, clock_ns)) != NULL) {
                judge->owner.flow = NULL;
                alert_book_allow_late(judge->book, true);
                if (flow_ends_read(judge, event, &ends))
                        judge_of_flow(judge, event, &ends);
                alert_book_allow_late(judge->book, false);
        }
}

static void release_waiting(struct judge *judge, int64_t clock_ns)
{
        if (waiting_room_is_due(judge->room, clock_ns))
                release_due(judge, clock_ns);
}

static APART void take_tick(struct judge *judge)
{
        if (judge->has_identity) {
                bindings_tick(judge->bindings, judge->clock_ns);
                release_waiting(judge, judge->clock_ns);
        }
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->on_tick)
                        detectors[i]->on_tick(judge, judge->detector_states[i], judge->clock_ns);
        }
        alert_book_tick(judge->book, judge->clock_ns);
}

static void forget_names(void *context, struct device *device)
{
        (void)context;
        device->dns_since_s = 0;
}

static void forget_all_names(struct judge *judge)
{
        struct names *fresh = names_create(judge->settings.name_limit ? judge->settings.name_limit : NAME_LIMIT,
                                           fleets_count(judge->fleets));
        device_table_each(judge->devices, forget_names, NULL);
        if (fresh == NULL)
                return;
        names_destroy(judge->names);
        judge->names = fresh;
}

/* The clock goes back where the next input has its own (--no-merge), or where it was set in `live`: what was resolved, and what
 * was said to go on, belongs to another time. */
static SELDOM void begin_anew(struct judge *judge, int64_t clock_ns)
{
        release_waiting(judge, INT64_MAX);
        if (judge->has_identity && !judge->settings.revisions)
                bindings_finish(judge->bindings, judge->clock_ns);
        alert_book_begin_anew(judge->book, judge->clock_ns, clock_ns);
        forget_all_names(judge);
}

/* In `live` a clock that was set back by less than an hour, which only a new worker shows, is waited for. */
static void take_clock(struct judge *judge, int64_t clock_ns)
{
        int64_t tolerated = judge->settings.revisions ? INT64_C(3600) * 1000000000 : 0;
        if (clock_ns < judge->clock_ns - tolerated)
                begin_anew(judge, clock_ns);
        else if (clock_ns < judge->clock_ns)
                return;
        judge->clock_ns = clock_ns;
        release_waiting(judge, clock_ns);
        if (judge->had_hole)
                judge->hole_ns = clock_ns;
        judge->had_hole = false;
}

static bool has_other_contexts(const struct run_names *names, const Apnwatch__V1__Run *run)
{
        if (names->context_count != run->n_context)
                return true;
        for (size_t i = 0; i < run->n_context; i++)
                if (strcmp(run_context(names, (uint32_t)i), run->context[i]) != 0)
                        return true;
        return false;
}

static void forget_device(void *context, struct device *device)
{
        (void)context;
        device->context = UINT16_MAX; /* nobody's: its old key is not met again */
        device->dns_since_s = 0;
}

/* A run of sense begins: the first one, or a new worker's. Flows have new numbers. After a restart the taps may be configured
 * otherwise, and contexts mean other pools: then no key of before means what it meant. */
static SELDOM void take_run(struct judge *judge, const Apnwatch__V1__Run *run)
{
        release_waiting(judge, INT64_MAX);
        if (run->version != NULL || run->n_tap > 0) {
                judge->had_hole |= judge->has_run || judge->is_loaded;
                judge->has_run = true;
                bool other_contexts = judge->is_loaded && has_other_contexts(&judge->run, run);
                judge->is_loaded = false;
                alert_book_new_run(judge->book, other_contexts);
                for (unsigned i = 0; detectors[i]; i++) {
                        if (detectors[i]->on_run)
                                detectors[i]->on_run(judge->detector_states[i]);
                }
                if (other_contexts) {
                        forget_all_names(judge);
                        bindings_forget(judge->bindings);
                        device_table_each(judge->devices, forget_device, NULL);
                }
        }
        run_names_take(&judge->run, run);
}

static void take_of_flow(struct judge *judge, const event_t *event)
{
        struct flow_ends ends;
        if (!flow_ends_read(judge, event, &ends))
                return;
        if (judge->has_identity && has_to_wait(judge, event, &ends))
                release_waiting(judge, judge->clock_ns); /* for whom there is no room any more */
        else
                judge_of_flow(judge, event, &ends);
}

/* Control plane that is in a device's tunnel, or comes from the address of one, binds nobody. Pools may overlap with the core's own addresses:
 * who is known as a node of it is believed. */
static bool is_of_device(const struct judge *judge, const event_t *event)
{
        const Apnwatch__V1__Signalling *said = event->signalling;
        struct address source;
        struct holder holder;
        if (event->flow == NULL)
                return false;
        return event->flow->has_teid_up || event->flow->has_teid_down ||
               (address_from_bytes(said->source.data, said->source.len, &source) && !bindings_are_of_node(judge->bindings, &source) &&
                bindings_holder_of_address(judge->bindings, (uint16_t)event->flow->context, NULL, &source, (int64_t)event->clock, &holder));
}

static APART void take_signalling(struct judge *judge, const event_t *event)
{
        if (!is_of_device(judge, event)) {
                judge->has_identity = true;
                bindings_take(judge->bindings, event);
                release_waiting(judge, judge->clock_ns);
                tell_network(judge, event);
        }
}

static void take_event(struct judge *judge, const event_t *event)
{
        if (event->body_case != APNWATCH__V1__EVENT__BODY_RUN)
                take_clock(judge, (int64_t)event->clock);
        judge->events++;
        judge->owner.flow = NULL;
        switch (event->body_case) {
        case APNWATCH__V1__EVENT__BODY_TICK:
                take_tick(judge);
                break;
        case APNWATCH__V1__EVENT__BODY_RUN:
                take_run(judge, event->run);
                break;
        case APNWATCH__V1__EVENT__BODY_INPUT:
                report_add_input(judge->report, event->input);
                break;
        case APNWATCH__V1__EVENT__BODY_COUNTERS:
                report_set_counters(judge->report, event->counters);
                notify_detectors(judge, event);
                break;
        case APNWATCH__V1__EVENT__BODY_INCIDENT:
                if (event->incident->kind == APNWATCH__V1__INCIDENT__KIND__PIPE_LOSS)
                        judge->hole_ns = judge->clock_ns;
                notify_detectors(judge, event);
                break;
        case APNWATCH__V1__EVENT__BODY_LINK:
                notify_detectors(judge, event);
                break;
        case APNWATCH__V1__EVENT__BODY_SIGNALLING:
                take_signalling(judge, event);
                break;
        case APNWATCH__V1__EVENT__BODY_TUNNEL_NOTICE:
                tell_network(judge, event);
                break;
        case APNWATCH__V1__EVENT__BODY_FLOW_NEWS:
                if (!is_mere_start(event->flow_news))
                        take_of_flow(judge, event);
                break;
        default:
                take_of_flow(judge, event);
                break;
        }
}

/* Told by the parent before any worker said what time it is. */
static SELDOM void take_undated(struct judge *judge, const event_t *event)
{
        event_t dated = *event;
        dated.clock = (uint64_t)judge->clock_ns;
        take_event(judge, &dated);
}

void judge_event(struct judge *judge, const event_t *event)
{
        if (event->clock >= JUDGE_TIME_LIMIT)
                return;
        if (event->clock == 0 && judge->settings.revisions)
                take_undated(judge, event);
        else
                take_event(judge, event);
}

void judge_import_binding(struct judge *judge, const struct binding_row *row)
{
        judge->has_identity = true;
        bindings_import(judge->bindings, row);
}

void judge_soon(struct judge *judge, const struct address *device, uint16_t device_context)
{
        struct device_key key = {*device, device_context};
        const struct device *near = device_table_prefetch(judge->devices, &key);
        if (near != NULL && near->tunnel.record != 0)
                bindings_prefetch(judge->bindings, near->tunnel.record);
}

void judge_finish(struct judge *judge)
{
        event_t last = APNWATCH__V1__EVENT__INIT;
        if (judge->is_finished)
                return;
        judge->is_finished = true;
        release_waiting(judge, INT64_MAX);
        if (!judge->settings.revisions)
                bindings_finish(judge->bindings, judge->clock_ns);
        last.clock = (uint64_t)judge->clock_ns;
        last.has_frame = true;
        last.frame = UINT64_MAX; /* behind everything */
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->on_finish)
                        detectors[i]->on_finish(judge, judge->detector_states[i], &last);
        }
        alert_book_finish(judge->book);
        device_table_each(judge->devices, device_is_done, judge);
        report_complete(judge->report, judge);
}

const struct judge_report *judge_report(struct judge *judge)
{
        return judge->report;
}

void judge_count_alerts(const struct judge *judge, void (*each)(void *context, const char *type, const char *severity, uint64_t count),
                        void *context)
{
        for (int type = 0; type < FINDING_TYPES; type++)
                for (int severity = 0; severity < REPORT_SEVERITIES; severity++) {
                        uint64_t count = alert_book_count(judge->book, (enum finding_type)type, severity);
                        if (count > 0)
                                each(context, finding_type_text((enum finding_type)type), severity_text(severity), count);
                }
}

void judge_count_devices(const struct judge *judge, void (*each)(void *context, const char *fleet, uint64_t devices), void *context)
{
        for (unsigned i = 0; i < fleets_count(judge->fleets); i++)
                each(context, fleets_at(judge->fleets, i)->name, fleets_at(judge->fleets, i)->devices);
}
