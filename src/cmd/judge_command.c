/* apnwatch judge: a recorded event log, judged again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/commands.h"
#include "cmd/run.h"
#include "cmd/sense_run.h"
#include "model/privacy.h"

struct judge_options {
        struct settings settings;
        const char *source;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct judge_options *judge = state->input;
        switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &judge->settings; break;
        case ARGP_KEY_ARG:
                if (judge->source != NULL)
                        argp_error(state, "one source only");
                judge->source = argument;
                break;
        case ARGP_KEY_NO_ARGS: argp_error(state, "no source is named"); break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp_child children[] = {{&settings_argp, 0, NULL, 0}, {0}};
static const struct argp parser = {
        .parser = parse_option, .children = children, .args_doc = "events:FILE",
        .doc = "Judge the event log that `apnwatch read -o events:FILE` wrote, under the same or another policy."};

static int judge_log(struct settings *settings, struct event_log *log, const char *path)
{
        /* The run's own name, so that judging its log gives the same alerts, unless the configuration says another. */
        const struct configuration *configuration = settings->configuration;
        const char *sensor = configuration && configuration->sensor ? configuration->sensor : event_log_head(log)->sensor;
        struct run *run = run_open(settings, sensor, NULL);
        if (run == NULL)
                return EXIT_USAGE;
        struct event_sink sink = run_events(run);
        enum event_log_result result;
        const event_t *event;
        bool is_told = false;
        while ((result = event_log_next(log, &event)) == EVENT_LOG_EVENT) {
                if (!is_told && privacy_was_on(event)) {
                        log_warning("%s: written with privacy on: IMSI, IMEI and phone numbers are pseudonyms in it, so that alerts of "
                                    "identity are not found, nor fleets by them", path);
                        is_told = true;
                }
                event_sink_emit(&sink, event);
        }
        return run_close(run, event_log_status(log, result));
}

int judge_command(int argument_count, char **arguments)
{
        struct judge_options judge = {.source = NULL};
        char error[512] = "";
        settings_init(&judge.settings);
        argp_parse(&parser, argument_count, arguments, 0, NULL, &judge);
        int status = (int)settings_load(&judge.settings);
        struct event_log *log = NULL;
        if (status == EXIT_DONE && !is_event_log(judge.source)) {
                log_error("%s: expected events:FILE; redis:// is not built yet", judge.source);
                status = EXIT_USAGE;
        }
        if (status == EXIT_DONE && (log = event_log_open(judge.source + 7, error, sizeof error)) == NULL) {
                log_error("%s", error);
                status = EXIT_FAILED;
        }
        if (log != NULL)
                status = judge_log(&judge.settings, log, judge.source + 7);
        event_log_close(log);
        settings_clear(&judge.settings);
        return status;
}
