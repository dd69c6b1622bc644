/* INTERFACE: "`summary:` is one JSON object". Times are RFC 3339 in UTC with nanoseconds cut to microseconds, as in alerts.
 */
#include "judge/report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* NULL: the field is left out. Text that is no UTF-8 is shown with '?' in the place of its bytes beyond ASCII. */
static void put_text(json_t *object, const char *key, const char *text)
{
        if (text == NULL)
                return;
        json_t *value = json_string(text);
        if (value == NULL) {
                char ascii[1024];
                size_t length = 0;
                for (; text[length] && length + 1 < sizeof ascii; length++)
                        ascii[length] = (unsigned char)text[length] < 128 ? text[length] : '?';
                ascii[length] = '\0';
                value = json_string(ascii);
        }
        json_object_set_new(object, key, value);
}

static void put_number(json_t *object, const char *key, uint64_t value)
{
        json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_time(json_t *object, const char *key, int64_t time_ns)
{
        char text[64];
        struct tm parts;
        time_t seconds = (time_t)(time_ns / 1000000000);
        int micros = (int)(time_ns % 1000000000 / 1000);
        if (gmtime_r(&seconds, &parts) == NULL)
                return;
        size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
        snprintf(text + length, sizeof text - length, ".%06dZ", micros);
        put_text(object, key, text);
}

static json_t *inputs_json(const struct judge_report *report)
{
        json_t *list = json_array();
        for (unsigned i = 0; i < report->input_count; i++) {
                const struct report_input *input = &report->inputs[i];
                json_t *object = json_object();
                put_text(object, "file", input->path);
                put_text(object, "verdict", input->verdict);
                put_text(object, "state", input->state);
                if (input->has_packets)
                        put_number(object, "packets", input->packets);
                if (input->has_times) {
                        put_time(object, "first", input->first_ns);
                        put_time(object, "last", input->last_ns);
                }
                put_text(object, "link_types", input->link_types);
                put_text(object, "sha256", input->sha256);
                json_array_append_new(list, object);
        }
        return list;
}

static json_t *coverage_json(const struct fleet_state *fleet)
{
        uint64_t total = 0;
        for (int i = 0; i < COVERAGES; i++)
                total += fleet->bytes[i];
        if (total == 0)
                return NULL;
        json_t *object = json_object();
        for (int i = 0; i < COVERAGES; i++) {
                double share = (double)fleet->bytes[i] / (double)total;
                json_object_set_new(object, coverage_text((enum coverage)i), json_real(share));
        }
        return object;
}

static json_t *fleet_json(const struct fleet_state *fleet)
{
        json_t *object = json_object(), *vendors = json_object(), *coverage = coverage_json(fleet);
        put_text(object, "name", fleet->name);
        put_text(object, "tenant", fleet->fleet ? fleet->fleet->tenant : NULL);
        put_number(object, "devices", fleet->devices);
        for (unsigned i = 0; i < fleet->vendor_count; i++)
                put_number(vendors, fleet->vendors[i].name, fleet->vendors[i].devices);
        json_object_set_new(object, "vendors", vendors);
        if (coverage)
                json_object_set_new(object, "coverage", coverage);
        put_number(object, "flows", fleet->flows);
        put_number(object, "undetermined", fleet->undetermined);
        return object;
}

static json_t *fleets_json(const struct judge_report *report)
{
        json_t *list = json_array();
        for (unsigned i = 0; i < report->fleet_count; i++) {
                bool is_unassigned = report->fleets[i]->fleet == NULL;
                if (!is_unassigned || report->fleets[i]->devices > 0)
                        json_array_append_new(list, fleet_json(report->fleets[i]));
        }
        return list;
}

/* {"total": n, "by_type": {"update.pull": {"low": 2}}, "by_severity": {"low": 2}} */
static json_t *alerts_json(const struct judge_report *report)
{
        json_t *object = json_object(), *types = json_object(), *severities = json_object();
        uint64_t total = 0, by_severity[REPORT_SEVERITIES] = {0};
        for (int type = 0; type < FINDING_TYPES; type++) {
                json_t *counts = json_object();
                for (int severity = 0; severity < REPORT_SEVERITIES; severity++) {
                        uint64_t count = report->alerts[type][severity];
                        if (count > 0)
                                put_number(counts, severity_text(severity), count);
                        by_severity[severity] += count;
                        total += count;
                }
                if (json_object_size(counts) > 0)
                        json_object_set(types, finding_type_text((enum finding_type)type), counts);
                json_decref(counts);
        }
        for (int severity = 0; severity < REPORT_SEVERITIES; severity++) {
                if (by_severity[severity] > 0)
                        put_number(severities, severity_text(severity), by_severity[severity]);
        }
        put_number(object, "total", total);
        json_object_set_new(object, "by_type", types);
        json_object_set_new(object, "by_severity", severities);
        return object;
}

static json_t *devices_json(const struct judge_report *report)
{
        json_t *object = json_object(), *severities = json_object();
        for (int severity = 0; severity < REPORT_SEVERITIES; severity++) {
                if (report->devices_by_severity[severity] > 0)
                        put_number(severities, severity_text(severity), report->devices_by_severity[severity]);
        }
        put_number(object, "seen", report->devices);
        json_object_set_new(object, "by_severity", severities);
        return object;
}

static json_t *top_json(const struct judge_report *report)
{
        json_t *list = json_array();
        for (unsigned i = 0; i < report->top_count; i++) {
                const struct report_finding *finding = &report->top[i];
                json_t *object = json_object();
                put_text(object, "id", finding->id);
                put_text(object, "type", finding->type);
                put_text(object, "severity", severity_text(finding->severity));
                put_number(object, "score", finding->score);
                put_text(object, "title", finding->title);
                put_text(object, "fleet", finding->fleet);
                put_text(object, "device", finding->device);
                put_time(object, "time", finding->time_ns);
                put_number(object, "count", finding->count);
                put_text(object, "file", finding->file);
                if (finding->has_frame)
                        put_number(object, "frame", finding->frame);
                json_array_append_new(list, object);
        }
        return list;
}

static json_t *losses_json(const struct judge_report *report)
{
        json_t *object = json_object();
        for (unsigned i = 0; i < report->counter_count; i++) {
                const char *name = report->counters[i].name;
                if (strncmp(name, "loss.", 5) == 0 || strstr(name, "evict") || strstr(name, "refused"))
                        put_number(object, name, report->counters[i].value);
        }
        return object;
}

static json_t *versions_json(const struct judge_report *report)
{
        json_t *object = json_object();
        put_text(object, "apnwatch", report->version);
        put_text(object, "ndpi", report->ndpi);
        put_text(object, "policy", report->policy_digest);
        put_text(object, "intel", report->intel_digest);
        put_text(object, "inventory", report->inventory_digest);
        return object;
}

char *judge_report_json(const struct judge_report *report)
{
        json_t *object = json_object();
        if (object == NULL)
                return NULL;
        json_object_set_new(object, "inputs", inputs_json(report));
        json_object_set_new(object, "fleets", fleets_json(report));
        json_object_set_new(object, "alerts", alerts_json(report));
        json_object_set_new(object, "devices", devices_json(report));
        json_object_set_new(object, "top", top_json(report));
        json_object_set_new(object, "losses", losses_json(report));
        json_object_set_new(object, "versions", versions_json(report));
        char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
        json_decref(object);
        return text;
}
