#include "judge/report.h"

#include <stdlib.h>
#include <string.h>

#include "judge/judge_state.h"
#include "judge/report_parts.h"

struct judge_report *report_create(void)
{
        return calloc(1, sizeof(struct judge_report));
}

static void free_input(struct report_input *input)
{
        free(input->path);
        free(input->verdict);
        free(input->state);
        free(input->link_types);
        free(input->sha256);
}

static void free_finding(struct report_finding *finding)
{
        free(finding->id);
        free(finding->type);
        free(finding->title);
        free(finding->fleet);
        free(finding->device);
        free(finding->peer);
        free(finding->file);
}

static void clear_counters(struct judge_report *report)
{
        for (unsigned i = 0; i < report->counter_count; i++)
                free(report->counters[i].name);
        free(report->counters);
        report->counters = NULL;
        report->counter_count = 0;
}

void report_destroy(struct judge_report *report)
{
        if (report == NULL)
                return;
        for (unsigned i = 0; i < report->input_count; i++)
                free_input(&report->inputs[i]);
        for (unsigned i = 0; i < report->top_count; i++)
                free_finding(&report->top[i]);
        for (unsigned i = 0; i < report->worst_count; i++) {
                free(report->worst[i].address);
                free(report->worst[i].fleet);
        }
        clear_counters(report);
        free(report->inputs);
        free((void *)report->fleets);
        free(report);
}

static char *copy_or_null(const char *text)
{
        return text ? strdup(text) : NULL;
}

static const char *state_text(Apnwatch__V1__Input__State state)
{
        switch (state) {
        case APNWATCH__V1__INPUT__STATE__OK: return "ok";
        case APNWATCH__V1__INPUT__STATE__EMPTY: return "empty";
        case APNWATCH__V1__INPUT__STATE__DAMAGED: return "damaged";
        case APNWATCH__V1__INPUT__STATE__NOT_CAPTURE: return "not_capture";
        default: return "unreadable";
        }
}

void report_add_input(struct judge_report *report, const Apnwatch__V1__Input *input)
{
        struct report_input *inputs = realloc(report->inputs, (report->input_count + 1) * sizeof *inputs);
        if (inputs == NULL)
                return;
        report->inputs = inputs;
        inputs[report->input_count++] = (struct report_input){
                .file = input->file,
                .path = copy_or_null(input->path),
                .verdict = copy_or_null(input->verdict),
                .state = strdup(state_text(input->state)),
                .has_packets = input->has_packets,
                .packets = input->packets,
                .has_times = input->has_first && input->has_last,
                .first_ns = (int64_t)input->first,
                .last_ns = (int64_t)input->last,
                .link_types = copy_or_null(input->link_types),
                .sha256 = copy_or_null(input->sha256),
                .named = input->named,
        };
        report->packets += input->packets;
        if (!input->has_first || !input->has_last)
                return;
        if (report->first_ns == 0 || (int64_t)input->first < report->first_ns)
                report->first_ns = (int64_t)input->first;
        if ((int64_t)input->last > report->last_ns)
                report->last_ns = (int64_t)input->last;
}

static void add_counter(struct judge_report *report, const char *name, uint64_t value)
{
        struct report_counter *counters = realloc(report->counters, (report->counter_count + 1) * sizeof *counters);
        if (counters == NULL)
                return;
        report->counters = counters;
        counters[report->counter_count++] = (struct report_counter){strdup(name), value};
}

void report_set_counters(struct judge_report *report, const Apnwatch__V1__Counters *counters)
{
        clear_counters(report);
        for (size_t i = 0; i < counters->n_counter; i++)
                add_counter(report, counters->counter[i]->name, counters->counter[i]->value);
}

/* Worse: severity, score, then how often. */
static bool is_worse(const Apnwatch__V1__Alert *alert, const struct report_finding *than)
{
        if ((int)alert->severity != than->severity)
                return (int)alert->severity > than->severity;
        if (alert->score != than->score)
                return alert->score > than->score;
        return alert->count > than->count;
}

static void add_top(struct judge_report *report, const Apnwatch__V1__Alert *alert)
{
        unsigned at = report->top_count;
        while (at > 0 && is_worse(alert, &report->top[at - 1]))
                at--;
        if (at >= REPORT_TOP)
                return;
        if (report->top_count == REPORT_TOP)
                free_finding(&report->top[--report->top_count]);
        memmove(&report->top[at + 1], &report->top[at], (report->top_count - at) * sizeof *report->top);
        report->top_count++;
        const Apnwatch__V1__Evidence *evidence = alert->n_evidence ? alert->evidence[0] : NULL;
        report->top[at] = (struct report_finding){
                .id = copy_or_null(alert->id),
                .type = copy_or_null(alert->type),
                .title = copy_or_null(alert->title),
                .fleet = copy_or_null(alert->fleet),
                .device = copy_or_null(alert->device ? alert->device->ip : NULL),
                .peer = copy_or_null(alert->peer ? alert->peer->ip : NULL),
                .file = copy_or_null(evidence ? evidence->file : NULL),
                .has_frame = evidence && evidence->has_frame,
                .frame = evidence ? evidence->frame : 0,
                .count = alert->count,
                .time_ns = (int64_t)alert->time->ns,
                .severity = (int)alert->severity,
                .score = alert->score,
        };
}

void report_add_alert(struct judge_report *report, const Apnwatch__V1__Alert *alert)
{
        add_top(report, alert);
}

static void replace(char **text, const char *with)
{
        char *copy = copy_or_null(with);
        free(*text);
        *text = copy;
}

void judge_report_rename(struct judge *judge, const char *id, const char *new_id, const char *new_title)
{
        struct judge_report *report = judge->report;
        for (unsigned i = 0; i < report->top_count; i++) {
                struct report_finding *finding = &report->top[i];
                if (finding->id == NULL || strcmp(finding->id, id) != 0)
                        continue;
                replace(&finding->id, new_id);
                replace(&finding->title, new_title);
        }
}

static bool is_device_worse(const struct device *device, const struct report_device *than)
{
        if (device->worst - 1 != than->severity)
                return device->worst - 1 > than->severity;
        return device->alerts > than->alerts;
}

static void add_worst(struct judge_report *report, const struct device *device, const char *fleet_name)
{
        char address[ADDRESS_TEXT_SIZE];
        unsigned at = report->worst_count;
        while (at > 0 && is_device_worse(device, &report->worst[at - 1]))
                at--;
        if (at >= REPORT_TOP)
                return;
        if (report->worst_count == REPORT_TOP) {
                report->worst_count--;
                free(report->worst[report->worst_count].address);
                free(report->worst[report->worst_count].fleet);
        }
        memmove(&report->worst[at + 1], &report->worst[at], (report->worst_count - at) * sizeof *report->worst);
        report->worst_count++;
        report->worst[at] = (struct report_device){strdup(address_text(&device->address, address)), copy_or_null(fleet_name),
                                                   device->worst - 1, device->alerts};
}

void report_add_device(struct judge_report *report, const struct device *device, const char *fleet_name)
{
        report->devices++;
        if (device->worst == 0)
                return;
        report->devices_by_severity[device->worst - 1]++;
        add_worst(report, device, fleet_name);
}

static void add_detector_counter(void *context, const char *name, uint64_t value)
{
        add_counter(context, name, value);
}

static void add_binding_counters(struct judge_report *report, const struct judge *judge)
{
        struct bindings_numbers numbers;
        bindings_numbers(judge->bindings, &numbers);
        add_counter(report, "judge.sessions_opened", numbers.opened);
        add_counter(report, "judge.session_peak", numbers.peak);
        add_counter(report, "judge.session_evictions", numbers.evicted);
        add_counter(report, "judge.session_conflicts", numbers.conflicts);
        add_counter(report, "judge.signalling_dropped", numbers.pending_dropped);
        add_counter(report, "judge.nodes_freed", numbers.nodes_freed);
        add_counter(report, "judge.nodes_refused", numbers.nodes_refused);
        add_counter(report, "judge.peers_forgotten", numbers.peers_forgotten);
        add_counter(report, "judge.sets_refused", numbers.sets_refused);
        add_counter(report, "judge.waited_events", waiting_room_events(judge->room));
        add_counter(report, "judge.waiting_overflows", waiting_room_overflows(judge->room));
        add_counter(report, "judge.bytes.sessions", numbers.bytes);
}

static void add_judge_counters(struct judge_report *report, const struct judge *judge)
{
        add_counter(report, "judge.device_evictions", device_table_evictions(judge->devices));
        add_counter(report, "judge.self_reports_refused", self_reports_refused(judge->self_reports));
        add_counter(report, "judge.name_evictions", names_evictions(judge->names));
        add_counter(report, "judge.alert_evictions", alert_book_evictions(judge->book));
        if (judge->has_identity)
                add_binding_counters(report, judge);
        for (unsigned i = 0; detectors[i]; i++) {
                if (detectors[i]->counters)
                        detectors[i]->counters(judge->detector_states[i], add_detector_counter, report);
        }
        add_counter(report, "judge.bytes.devices", device_table_bytes(judge->devices) + self_reports_bytes(judge->self_reports));
        add_counter(report, "judge.bytes.names", names_bytes(judge->names));
}

void report_complete(struct judge_report *report, struct judge *judge)
{
        unsigned count = fleets_count(judge->fleets);
        struct fleet_state **fleets = calloc(count, sizeof *fleets);
        for (unsigned i = 0; fleets && i < count; i++)
                fleets[i] = fleets_at(judge->fleets, i);
        report->fleets = fleets;
        report->fleet_count = fleets ? count : 0;
        for (int type = 0; type < FINDING_TYPES; type++) {
                for (int severity = 0; severity < REPORT_SEVERITIES; severity++)
                        report->alerts[type][severity] = alert_book_count(judge->book, (enum finding_type)type, severity);
        }
        add_judge_counters(report, judge);
        report->version = judge->run.version;
        report->ndpi = judge->run.ndpi;
        report->policy_digest = judge->policy ? judge->policy->digest : NULL;
        report->intel_digest = judge->settings.intel ? intel_digest(judge->settings.intel) : NULL;
        report->inventory_digest = judge->settings.inventory ? inventory_digest(judge->settings.inventory) : NULL;
}
