#include "cmd/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/summary_text.h"
#include "config.h"
#include "judge/report.h"

struct run {
        struct settings *settings;
        struct sink **sinks;
        struct sink_filter *filters;
        unsigned sink_count;
        bool standard_output, summary_wanted, events_wanted;
        struct sink_run about;
        struct judge *judge;
        int worst;                /* severity of an alert that was raised; -1: none */
        bool bad_input;
};

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct run *run = context;
        (void)cause;
        (void)cause_length;
        if ((int)alert->severity > run->worst)
                run->worst = (int)alert->severity;
        for (unsigned i = 0; i < run->sink_count; i++)
                sink_alert(run->sinks[i], alert);
}

/* A named file that is no capture or is empty, any damaged capture: exit status 1, and a line for each. */
static void note_input(struct run *run, const Apnwatch__V1__Input *input)
{
        bool bad = input->state == APNWATCH__V1__INPUT__STATE__DAMAGED ||
                   (input->named && input->state != APNWATCH__V1__INPUT__STATE__OK);
        run->bad_input |= bad;
        if (bad)
                log_error("%s: %s", input->path, input->verdict);
        else if (input->state != APNWATCH__V1__INPUT__STATE__OK)
                log_info("%s: %s", input->path, input->verdict);
}

static void take_event(void *context, const event_t *event)
{
        struct run *run = context;
        if (run->events_wanted)
                for (unsigned i = 0; i < run->sink_count; i++)
                        if (sink_wants_events(run->sinks[i]))
                                sink_event(run->sinks[i], event);
        if (event->body_case == APNWATCH__V1__EVENT__BODY_INPUT)
                note_input(run, event->input);
        judge_event(run->judge, event);
}

static void take_hint(void *context, const struct address *device, uint16_t device_context)
{
        struct run *run = context;
        judge_soon(run->judge, device, device_context);
}

static bool open_sink(struct run *run, const char *given, const struct sink_filter *filter)
{
        char error[512] = "";
        struct sink *sink = sink_open(given, filter, NULL, &run->about, error, sizeof error);
        if (sink == NULL) {
                log_error("%s", error);
                return false;
        }
        run->sinks[run->sink_count++] = sink;
        run->standard_output |= sink_is_standard_output(sink);
        run->summary_wanted |= sink_wants_summary(sink);
        run->events_wanted |= sink_wants_events(sink);
        return true;
}

static bool open_sinks(struct run *run)
{
        const struct settings *settings = run->settings;
        const struct configuration *configuration = settings->configuration;
        /* The command line wins: with -o the configuration's outputs are left alone. */
        unsigned configured = settings->outputs.count == 0 && configuration ? configuration->output_count : 0;
        bool good = true;
        run->sinks = calloc(settings->outputs.count + configured + 1, sizeof *run->sinks);
        run->filters = calloc(configured + 1, sizeof *run->filters);
        if (run->sinks == NULL || run->filters == NULL)
                return false;
        for (unsigned i = 0; i < settings->outputs.count; i++)
                good &= open_sink(run, settings->outputs.items[i], NULL);
        for (unsigned i = 0; i < configured; i++) {
                const struct output_setting *output = &configuration->outputs[i];
                run->filters[i] = (struct sink_filter){
                        .min_severity = output->min_severity > 0 ? output->min_severity : 0,
                        .types = (const char **)output->types, .type_count = output->type_count,
                        .fleets = (const char **)output->fleets, .fleet_count = output->fleet_count,
                        .tenants = (const char **)output->tenants, .tenant_count = output->tenant_count};
                good &= open_sink(run, output->sink, &run->filters[i]);
        }
        return good;
}

static void close_sinks(struct run *run, bool *failed)
{
        for (unsigned i = 0; i < run->sink_count; i++)
                if (sink_close(run->sinks[i]) != 0)
                        *failed = true;
        run->sink_count = 0;
}

static void run_free(struct run *run)
{
        bool failed;
        close_sinks(run, &failed);
        judge_destroy(run->judge);
        free(run->sinks);
        free(run->filters);
        free(run);
}

struct run *run_open(struct settings *settings, const char *sensor)
{
        struct run *run = calloc(1, sizeof *run);
        if (run == NULL)
                return NULL;
        run->settings = settings;
        run->worst = -1;
        run->about = (struct sink_run){.sensor = sensor, .version = PACKAGE_VERSION, .configuration_digest = settings->digest};
        struct judge_settings judge = {.policy = settings->policy, .intel = settings->intel, .inventory = settings->inventory,
                                       .geo = settings->geo, .sensor = sensor, .alerts = {.alert = take_alert, .context = run}};
        if (settings->configuration != NULL)
                judge.device_limit = settings->configuration->limit_devices;
        if (!open_sinks(run) || (run->judge = judge_create(&judge)) == NULL) {
                run_free(run);
                return NULL;
        }
        return run;
}

struct event_sink run_events(struct run *run)
{
        return (struct event_sink){.event = take_event, .soon = take_hint, .context = run};
}

bool run_wants_digests(const struct run *run)
{
        return run->summary_wanted;
}

static void tell_summary(struct run *run)
{
        const struct judge_report *report = judge_report(run->judge);
        if (run->summary_wanted) {
                char *json = judge_report_json(report);
                for (unsigned i = 0; json != NULL && i < run->sink_count; i++)
                        sink_summary(run->sinks[i], json);
                free(json);
        }
        if (!run->settings->quiet)
                summary_text_print(report, run->standard_output ? stderr : stdout);
}

int run_close(struct run *run, int status)
{
        bool failed = false;
        int fail_on = run->settings->fail_on;
        if (status != EXIT_USAGE) { /* else nothing has run */
                judge_finish(run->judge);
                tell_summary(run);
        }
        if (fflush(stdout) != 0 && status == EXIT_DONE)
                failed = true;
        close_sinks(run, &failed);
        if (status == EXIT_DONE && (failed || run->bad_input))
                status = EXIT_FAILED;
        if (status == EXIT_DONE && fail_on >= 0 && run->worst >= fail_on)
                status = EXIT_RAISED;
        run_free(run);
        return status;
}
