/* apnwatch sessions: which SIM and which module had which address, when, from the signalling in captures. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/commands.h"
#include "cmd/sense_run.h"
#include "cmd/session_list.h"
#include "judge/bindings.h"
#include "model/configuration.h"
#include "model/privacy.h"

enum { KEY_JSON = 0x200, KEY_FROM, KEY_TO, KEY_NO_MERGE };

struct sessions_options {
        const char *configuration_path, *filter, *from, *to;
        struct word_list files;
        bool json, no_merge, quiet;
        int verbose;
};

static const struct argp_option options[] = {
        {"json", KEY_JSON, NULL, 0, "JSON lines, one a session", 0},
        {"config", 'c', "FILE", 0, "YAML configuration: taps, limits, timeouts, inputs", 0},
        {"filter", 'f', "BPF", 0, "Frames that this libpcap filter takes, on the outer frame", 0},
        {"from", KEY_FROM, "TIME", 0, "Packets from this time on", 0},
        {"to", KEY_TO, "TIME", 0, "Packets before this time", 0},
        {"no-merge", KEY_NO_MERGE, NULL, 0, "One file after another in the order given, each with its own clock", 0},
        {"quiet", 'q', NULL, 0, "Errors only", 0},
        {"verbose", 'v', NULL, 0, "More messages; twice: still more", 0},
        {0},
};

static void check_files(const struct sessions_options *sessions, struct argp_state *state)
{
        for (unsigned i = 0; i < sessions->files.count; i++)
                if (is_event_log(sessions->files.items[i]) && sessions->files.count > 1)
                        argp_error(state, "%s: an event log is read alone", sessions->files.items[i]);
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct sessions_options *sessions = state->input;
        switch (key) {
        case KEY_JSON: sessions->json = true; break;
        case 'c': sessions->configuration_path = argument; break;
        case 'f': sessions->filter = argument; break;
        case KEY_FROM: sessions->from = argument; break;
        case KEY_TO: sessions->to = argument; break;
        case KEY_NO_MERGE: sessions->no_merge = true; break;
        case 'q': sessions->quiet = true; break;
        case 'v': sessions->verbose++; break;
        case ARGP_KEY_ARG: word_list_add(&sessions->files, argument); break;
        case ARGP_KEY_NO_ARGS: argp_error(state, "no capture is named"); break;
        case ARGP_KEY_END: check_files(sessions, state); break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "FILE...|events:FILE",
        .doc = "Print which SIM and which module had which address, from the signalling in captures (files, folders, - for standard "
               "input) or in an event log, in the order in which the sessions began. With privacy in the configuration: pseudonyms."};

struct sessions_run {
        struct bindings *bindings;
        struct session_list *list;
        int64_t clock_ns;
        bool bad_input, has_signalling, is_covered;
};

static void note_input(struct sessions_run *run, const Apnwatch__V1__Input *input)
{
        bool bad = sense_input_is_bad(input);
        run->bad_input |= bad;
        if (!bad && input->state != APNWATCH__V1__INPUT__STATE__OK)
                log_info("%s: %s", input->path, input->verdict);
}

static void take_event(void *context, const event_t *event)
{
        struct sessions_run *run = context;
        if ((int64_t)event->clock > run->clock_ns)
                run->clock_ns = (int64_t)event->clock;
        switch (event->body_case) {
        case APNWATCH__V1__EVENT__BODY_SIGNALLING:
                run->has_signalling = true;
                run->is_covered |= privacy_was_on(event);
                bindings_take(run->bindings, event);
                break;
        case APNWATCH__V1__EVENT__BODY_TICK: bindings_tick(run->bindings, (int64_t)event->clock); break;
        case APNWATCH__V1__EVENT__BODY_INPUT: note_input(run, event->input); break;
        case APNWATCH__V1__EVENT__BODY_RUN: session_list_run(run->list, event->run); break;
        default: break;
        }
}

static int read_files(struct sessions_run *run, const struct sessions_options *given, const struct configuration *configuration)
{
        struct sense_job job = {.probe = {.merge = !given->no_merge, .filter = given->filter},
                                .sensor = {.clock_per_file = given->no_merge, .encap = {.duplicate_window_ns = 5000000}}};
        struct event_sink sink = {.event = take_event, .context = run};
        if (!sense_take_times(given->from, given->to, &job.sensor) || !sense_filter_is_good(given->filter))
                return EXIT_USAGE;
        return sense_read(&job, &given->files, configuration, &sink);
}

/* An empty table says nothing of why it is. */
static void tell_nothing_seen(const struct sessions_run *run)
{
        if (!run->has_signalling)
                log_warning("no signalling was seen (GTP-C, PFCP, RADIUS accounting, Diameter): there are no sessions to list");
        else
                log_warning("signalling was seen, but of no session that was accepted");
}

static int print_sessions(const struct sessions_options *given, const struct configuration *configuration, struct privacy *privacy)
{
        struct sessions_run run = {.list = session_list_create(stdout, given->json)};
        struct bindings_settings settings = {.changed = session_list_changed, .context = run.list};
        int status = EXIT_FAILED;
        if (configuration != NULL)
                settings.session_limit = configuration->limit_sessions;
        if (run.list == NULL || (run.bindings = bindings_create(&settings)) == NULL) {
                log_error("no memory for the sessions");
                goto fail;
        }
        session_list_cover(run.list, privacy);
        status = read_files(&run, given, configuration);
        bindings_finish(run.bindings, run.clock_ns);
        if (run.is_covered)
                log_warning("%s: written with privacy on: who had a session is not told", given->files.items[0]);
        if (session_list_is_empty(run.list) && status == EXIT_DONE)
                tell_nothing_seen(&run);
        bool failed = fflush(stdout) != 0 || session_list_failed(run.list);
        if (failed)
                log_error("not all sessions could be printed");
        if (status == EXIT_DONE && (failed || run.bad_input))
                status = EXIT_FAILED;
fail:
        bindings_destroy(run.bindings);
        session_list_destroy(run.list);
        return status;
}

int sessions_command(int argument_count, char **arguments)
{
        struct sessions_options given = {.json = false};
        struct configuration *configuration = NULL;
        struct privacy *privacy = NULL;
        char error[1024] = "";
        int status = EXIT_DONE;
        argp_parse(&parser, argument_count, arguments, 0, NULL, &given);
        log_set_level(given.quiet ? LOG_LEVEL_ERROR : given.verbose > 1 ? LOG_LEVEL_DEBUG : given.verbose ? LOG_LEVEL_INFO
                                                                                                         : LOG_LEVEL_WARNING);
        if (given.configuration_path && (configuration = configuration_load(given.configuration_path, stderr)) == NULL)
                status = EXIT_USAGE;
        if (status == EXIT_DONE && privacy_create(&privacy, configuration, error, sizeof error) != 0) {
                log_error("%s", error);
                status = EXIT_USAGE;
        }
        if (status == EXIT_DONE)
                status = print_sessions(&given, configuration, privacy);
        privacy_destroy(privacy);
        configuration_destroy(configuration);
        free(given.files.items);
        return status;
}
