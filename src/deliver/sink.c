#include "deliver/sink.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "deliver/kinds.h"

const struct sink_kind *const sink_kinds[] = {
        &jsonl_sink_kind, &eve_sink_kind, &events_sink_kind, &summary_sink_kind, &redis_sink_kind, &rediss_sink_kind,
        &syslog_sink_kind, &syslog_tls_sink_kind, &syslogs_sink_kind, &webhook_sink_kind, NULL,
};

/* Named by the manual, not in this version. */
static const char *const kinds_to_come[] = {
        "case", "ecs", "html", "objects", "ocsf", "pcap", NULL,
};

static void write_kinds(char *text, size_t size)
{
        size_t used = 0;
        text[0] = '\0';
        for (unsigned i = 0; sink_kinds[i] && used < size; i++)
                used += (size_t)snprintf(text + used, size - used, "%s%s:", i ? ", " : "", sink_kinds[i]->scheme);
}

static const struct sink_kind *find_kind(const char *given, char *error, unsigned error_size)
{
        size_t length = strcspn(given, ":");
        char known[256];
        write_kinds(known, sizeof known);
        if (given[length] == '\0') {
                snprintf(error, error_size, "output %s: expected KIND:TARGET with one of %s", given, known);
                return NULL;
        }
        for (unsigned i = 0; sink_kinds[i]; i++)
                if (strlen(sink_kinds[i]->scheme) == length && strncmp(sink_kinds[i]->scheme, given, length) == 0)
                        return sink_kinds[i];
        for (unsigned i = 0; kinds_to_come[i]; i++)
                if (strlen(kinds_to_come[i]) == length && strncmp(kinds_to_come[i], given, length) == 0) {
                        snprintf(error, error_size, "output %.*s: is not built yet in this version (there are %s)",
                                 (int)length, given, known);
                        return NULL;
                }
        snprintf(error, error_size, "output %.*s: there is no such kind (there are %s)", (int)length, given, known);
        return NULL;
}

/* How much of what was given may be shown: of KIND://USER:PASSWORD@HOST only the kind. */
static int shown_length(const char *given)
{
        const char *authority = strstr(given, "://");
        return authority != NULL && strchr(authority, '@') != NULL ? (int)(authority - given) : (int)strlen(given);
}

struct sink *sink_open(const char *given, const struct sink_filter *filter, const struct sink_options *options,
                       const struct sink_run *run, char *error, unsigned error_size)
{
        const struct sink_kind *kind = find_kind(given, error, error_size);
        if (kind == NULL)
                return NULL;
        const char *target = given + strlen(kind->scheme) + 1;
        if (target[0] == '\0') {
                snprintf(error, error_size, "output %s: %s behind the colon", given,
                         kind->start ? "an address is missing" : "a path is missing (- is standard output)");
                return NULL;
        }
        struct sink *sink = calloc(1, sizeof *sink);
        if (sink == NULL || (sink->name = strdup(given)) == NULL) {
                snprintf(error, error_size, "output %s: %s", given, strerror(ENOMEM));
                free(sink);
                return NULL;
        }
        sink->kind = kind;
        sink->run = run;
        if (filter)
                sink->filter = *filter;
        if (options)
                sink->options = *options;
        char reason[512] = "";
        int result = kind->open(sink, target, reason, sizeof reason);
        if (result != 0) {
                snprintf(error, error_size, "output %.*s: %s", shown_length(given), given,
                         reason[0] ? reason : strerror(-result));
                free(sink->name);
                free(sink);
                return NULL;
        }
        return sink;
}

bool sink_wants_events(const struct sink *sink)
{
        return sink->kind->event != NULL;
}

bool sink_is_networked(const struct sink *sink)
{
        return sink->kind->start != NULL;
}

bool sink_wants_summary(const struct sink *sink)
{
        return sink->kind->summary != NULL;
}

bool sink_is_standard_output(const struct sink *sink)
{
        return strcmp(sink->name + strlen(sink->kind->scheme), ":-") == 0;
}

/* A text that is not known is met only by no list at all. */
static bool meets_list(const char *text, const char **patterns, unsigned count)
{
        if (count == 0)
                return true;
        for (unsigned i = 0; text && i < count; i++)
                if (fnmatch(patterns[i], text, 0) == 0)
                        return true;
        return false;
}

static bool filter_wants(const struct sink_filter *filter, const Apnwatch__V1__Alert *alert)
{
        return (int)alert->severity >= filter->min_severity && meets_list(alert->type, filter->types, filter->type_count) &&
               meets_list(alert->fleet, filter->fleets, filter->fleet_count) &&
               meets_list(alert->tenant, filter->tenants, filter->tenant_count);
}

bool sink_wants_alert(const struct sink *sink, const Apnwatch__V1__Alert *alert)
{
        return filter_wants(&sink->filter, alert);
}

/* In `live` a failing file is opened anew each second: one failure is told once, until something was written again. */
static void tell(struct sink *sink, int *told, int result, const char *consequence)
{
        if (*told != result)
                log_error("output %s: %s; %s", sink->name, strerror(-result), consequence);
        *told = result;
}

static void note_result(struct sink *sink, int result)
{
        if (result >= 0)
                return;
        sink->lost++;
        if (sink->failed)
                return;
        sink->failed = result;
        bool is_tried_again = sink->kind->reopen && sink->run && sink->run->append;
        tell(sink, &sink->told, result, is_tried_again ? "alerts wait until it can be written" : "nothing more is written to it");
}

void sink_alert(struct sink *sink, const Apnwatch__V1__Alert *alert)
{
        if (sink->kind->alert == NULL)
                return;
        if (!filter_wants(&sink->filter, alert)) {
                sink->filtered++;
                return;
        }
        int result = sink->failed ? sink->failed : sink->kind->alert(sink, alert);
        note_result(sink, result);
        sink->delivered += result >= 0;
}

void sink_event(struct sink *sink, const event_t *event)
{
        if (sink->kind->event == NULL)
                return;
        int result = sink->failed ? sink->failed : sink->kind->event(sink, event);
        note_result(sink, result);
        sink->delivered += result >= 0;
}

void sink_summary(struct sink *sink, const char *json)
{
        if (sink->kind->summary)
                note_result(sink, sink->failed ? sink->failed : sink->kind->summary(sink, json));
}

void sink_flush(struct sink *sink)
{
        if (sink->kind->flush == NULL || sink->failed)
                return;
        int result = sink->kind->flush(sink);
        if (result == 0)
                sink->told = 0;
        note_result(sink, result);
}

int sink_reopen(struct sink *sink)
{
        if (sink->kind->reopen == NULL)
                return sink->failed;
        int result = sink->kind->reopen(sink);
        if (result == 0)
                sink->failed = 0, sink->lost = 0, sink->told_reopen = 0; /* whoever reopens still has what was not written */
        else if (!sink->failed)
                tell(sink, &sink->told_reopen, result, "it cannot be opened anew, what was open is written on");
        return result;
}

int sink_close(struct sink *sink)
{
        if (sink == NULL)
                return 0;
        int result = sink->kind->close(sink);
        if (!sink->failed)
                note_result(sink, result);
        result = sink->failed;
        if (sink->lost > 1)
                log_error("output %s: %llu alerts or events were not written", sink->name, (unsigned long long)sink->lost);
        free(sink->name);
        free(sink);
        return result;
}
