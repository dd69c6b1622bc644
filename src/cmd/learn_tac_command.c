/* apnwatch intel learn-tac: what captures or an event log tell of TACs that are not listed, proposed as vendor data. */
#include <argp.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "cmd/commands.h"
#include "cmd/sense_run.h"
#include "judge/binding_import.h"
#include "judge/tac_learner.h"
#include "model/privacy.h"

enum { KEY_INTEL = 0x400, KEY_TAC, KEY_INVENTORY, KEY_BINDINGS };

static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, "YAML configuration: taps, limits, timeouts, inputs", 0},
        {"intel", KEY_INTEL, "DIR", 0, "Vendor data; the installed set unless told; may be repeated", 0},
        {"tac", KEY_TAC, "FILE", 0, "TACs of your own, which are not proposed again; may be repeated", 0},
        {"inventory", KEY_INVENTORY, "FILE", 0, "Devices, CSV with header: IMEIs where no signalling is seen", 0},
        {"bindings", KEY_BINDINGS, "FILE", 0, "Who had which address where no signalling is seen, CSV with header", 0},
        {"quiet", 'q', NULL, 0, "Errors only", 0},
        {"verbose", 'v', NULL, 0, "More messages; twice: still more", 0},
        {0},
};

struct learn_options {
        struct settings settings;
        struct word_list files;
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct learn_options *learn = state->input;
        struct settings *settings = &learn->settings;
        switch (key) {
        case 'c': settings->configuration_path = argument; break;
        case KEY_INTEL: word_list_add(&settings->intel_folders, argument); break;
        case KEY_TAC: word_list_add(&settings->tac_paths, argument); break;
        case KEY_INVENTORY: settings->inventory_path = argument; break;
        case KEY_BINDINGS: settings->bindings_path = argument; break;
        case 'q': settings->quiet = true; break;
        case 'v': settings->verbose++; break;
        case ARGP_KEY_ARG:
                if (learn->files.count > 0 && (is_event_log(argument) || is_event_log(learn->files.items[0])))
                        argp_error(state, "%s: an event log is read alone", argument);
                word_list_add(&learn->files, argument);
                break;
        case ARGP_KEY_NO_ARGS: argp_error(state, "no capture is named"); break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp parser = {
        .options = options, .parser = parse_option, .args_doc = "FILE...|events:FILE",
        .doc = "Propose rows for a list of TACs (YAML on standard output): devices whose IMEI is known by signalling, the "
               "inventory or a message of their own, and whose user agent, LwM2M object 3 or tracker's login names a vendor. Nothing is "
               "applied."};

struct learn_run {
        struct judge *judge;
        struct tac_learner *learner;
        struct privacy *privacy; /* NULL: none asked for */
        bool bad_input, is_covered;
};

static void ignore_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        (void)context;
        (void)alert;
        (void)cause;
        (void)cause_length;
}

static void hear(void *context, const struct device_word *word)
{
        tac_learner_hear(context, word);
}

static void take_event(void *context, const event_t *event)
{
        struct learn_run *run = context;
        if (event->body_case == APNWATCH__V1__EVENT__BODY_INPUT)
                run->bad_input |= sense_input_is_bad(event->input);
        run->is_covered |= privacy_was_on(event);
        judge_event(run->judge, event);
}

static int read_files(struct learn_run *run, const struct learn_options *given)
{
        struct sense_job job = {.probe = {.merge = true}, .sensor = {.encap = {.duplicate_window_ns = 5000000}}};
        struct event_sink sink = {.event = take_event, .context = run};
        return sense_read(&job, &given->files, given->settings.configuration, &sink);
}

/* The evidence holds user agents, and names of files. */
static unsigned print_covered(struct learn_run *run)
{
        char *text = NULL;
        size_t length;
        FILE *lines = open_memstream(&text, &length);
        if (lines == NULL)
                return 0;
        unsigned proposed = tac_learner_print(run->learner, lines);
        const char *leaving = fclose(lines) == 0 ? privacy_text(run->privacy, text) : NULL;
        if (leaving != NULL)
                fputs(leaving, stdout);
        else
                log_error("no memory for pseudonyms");
        free(text);
        return proposed;
}

static int print_lessons(struct learn_run *run)
{
        unsigned proposed = run->privacy ? print_covered(run) : tac_learner_print(run->learner, stdout);
        if (tac_learner_left_out(run->learner) > 0)
                log_warning("%" PRIu64 " devices were left out: too many at once", tac_learner_left_out(run->learner));
        log_info("%u TACs are proposed", proposed);
        if (fflush(stdout) == 0)
                return run->bad_input ? EXIT_FAILED : EXIT_DONE;
        log_error("not all could be printed");
        return EXIT_FAILED;
}

static void import_bindings(struct judge *judge, const struct binding_import *import)
{
        struct binding_row row;
        for (uint32_t i = 0; import != NULL && i < binding_import_count(import); i++) {
                binding_import_row(import, i, &row);
                judge_import_binding(judge, &row);
        }
}

static int learn(const struct learn_options *given)
{
        const struct settings *settings = &given->settings;
        struct learn_run run = {.learner = tac_learner_create(settings->intel)};
        struct judge_settings judge = {.intel = settings->intel, .inventory = settings->inventory, .sensor = "learn-tac",
                                       .alerts = {.alert = ignore_alert}, .said = hear, .said_context = run.learner};
        char error[1024] = "";
        int status = EXIT_FAILED;
        if (privacy_create(&run.privacy, settings->configuration, error, sizeof error) != 0) {
                log_error("%s", error);
                tac_learner_destroy(run.learner);
                return EXIT_USAGE;
        }
        if (settings->configuration != NULL) {
                judge.taps = settings->configuration->taps;
                judge.session_limit = settings->configuration->limit_sessions;
        }
        if (run.learner == NULL || (run.judge = judge_create(&judge)) == NULL) {
                log_error("no memory for the devices");
                privacy_destroy(run.privacy);
                tac_learner_destroy(run.learner);
                return status;
        }
        import_bindings(run.judge, settings->bindings);
        status = read_files(&run, given);
        judge_finish(run.judge);
        if (run.is_covered)
                log_warning("%s: written with privacy on: its IMEIs are pseudonyms", given->files.items[0]);
        if (status == EXIT_DONE)
                status = print_lessons(&run);
        judge_destroy(run.judge);
        privacy_destroy(run.privacy);
        tac_learner_destroy(run.learner);
        return status;
}

int learn_tac_command(int argument_count, char **arguments)
{
        struct learn_options given = {.files = {NULL, 0}};
        settings_init(&given.settings);
        argp_parse(&parser, argument_count, arguments, 0, NULL, &given);
        int status = (int)settings_load(&given.settings);
        if (status == EXIT_DONE)
                status = learn(&given);
        settings_clear(&given.settings);
        free(given.files.items);
        return status;
}
