/* apnwatch read: captures in, findings out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/log.h"
#include "cmd/budget.h"
#include "cmd/commands.h"
#include "cmd/run.h"
#include "cmd/worker.h"
#include "config.h"

enum { KEY_NO_MERGE = 0x200, KEY_CLASSIFY, EDGE_BYTES = 65536 };

struct read_options {
        struct settings settings; /* first: the child parser gets it as its input */
        struct word_list files;
        const char *filter;
        int workers;
        bool no_merge, classify_always;
};

static const struct argp_option options[] = {
        {"filter", 'f', "BPF", 0, "Frames that this libpcap filter takes, on the outer frame", 4},
        {"no-merge", KEY_NO_MERGE, NULL, 0, "One file after another in the order given, each with its own clock", 4},
        {"workers", 'j', "N", 0, "Worker processes for sense, 0 (none, the default) or 1", 5},
        {"classify", KEY_CLASSIFY, "WHEN", 0, "needed (default): nDPI where our dissectors are not certain; always", 5},
        {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct read_options *read = state->input;
        char *end;
        switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &read->settings; break;
        case 'f': read->filter = argument; break;
        case KEY_NO_MERGE: read->no_merge = true; break;
        case KEY_CLASSIFY:
                if (strcmp(argument, "always") != 0 && strcmp(argument, "needed") != 0)
                        argp_error(state, "--classify %s: expected needed or always", argument);
                read->classify_always = argument[0] == 'a';
                break;
        case 'j':
                read->workers = (int)strtol(argument, &end, 10);
                if (*end != '\0' || end == argument || read->workers < 0)
                        argp_error(state, "--workers %s: expected a number", argument);
                if (read->workers > 1)
                        argp_error(state, "--workers %s: more than one worker is not built yet; 0 and 1 are", argument);
                break;
        case ARGP_KEY_ARG: word_list_add(&read->files, argument); break;
        case ARGP_KEY_NO_ARGS: argp_error(state, "no capture is named"); break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp_child children[] = {{&settings_argp, 0, NULL, 0}, {0}};
static const struct argp parser = {
        .options = options, .parser = parse_option, .children = children, .args_doc = "FILE...",
        .doc = "Analyse captures: pcap, pcapng, .gz .zst .xz of either, - for standard input, folders with all below them.\v"
               "Exit status: 0; 1 an input or a sink failed; 2 wrong usage, configuration, policy or intel; "
               "10 with --fail-on when such an alert was raised."};

/* What tells one input from another without reading all of it: name, size, first and last 64 KiB. */
static void digest_input(struct digest *digest, const char *path)
{
        struct stat about;
        const char *name = strrchr(path, '/');
        name = name ? name + 1 : path;
        digest_add(digest, name, strlen(name) + 1);
        FILE *file = strcmp(path, "-") != 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode) ? fopen(path, "rb") : NULL;
        if (file == NULL)
                return;
        uint8_t *edge = malloc(EDGE_BYTES);
        digest_add(digest, &about.st_size, sizeof about.st_size);
        if (edge != NULL) {
                digest_add(digest, edge, fread(edge, 1, EDGE_BYTES, file));
                if (about.st_size > EDGE_BYTES && fseeko(file, -EDGE_BYTES, SEEK_END) == 0)
                        digest_add(digest, edge, fread(edge, 1, EDGE_BYTES, file));
        }
        free(edge);
        fclose(file);
}

/* "read-" and 16 hex digits that follow from inputs and everything that decides: the same run has the same name. */
static void sensor_name(const struct read_options *read, char name[32])
{
        char text[DIGEST_TEXT_SIZE] = "";
        struct digest *digest = digest_create();
        if (digest == NULL)
                return;
        digest_add(digest, read->settings.digest, strlen(read->settings.digest));
        for (unsigned i = 0; i < read->files.count; i++)
                digest_input(digest, read->files.items[i]);
        digest_finish_text(digest, text);
        digest_destroy(digest);
        snprintf(name, 32, "read-%.16s", text);
}

/* The packets of --device are those of its address. Whose an IMSI's are is known only once signalling has been read: the judge's alerts
 * are chosen then. */
static bool device_address(const struct settings *settings, struct address *only, unsigned *count)
{
        const char *text = settings->device;
        size_t digits = strspn(text, "0123456789");
        *count = address_parse(text, only) ? 1 : 0;
        if (*count == 0 && (text[digits] != '\0' || digits < 6 || digits > 15))
                log_error("--device %s: expected an address, or an IMSI of 6 to 15 digits", text);
        return *count > 0 || (text[digits] == '\0' && digits >= 6 && digits <= 15);
}

static bool progress_wanted(const struct settings *settings)
{
        if (settings->progress == PROGRESS_AUTO)
                return !settings->quiet && isatty(STDERR_FILENO);
        return settings->progress == PROGRESS_ALWAYS;
}

static int read_files(struct read_options *read, const struct file_probe_input *inputs, const struct address *only, unsigned only_count)
{
        struct settings *settings = &read->settings;
        char sensor[32] = "";
        struct sense_job job = {
                .probe = {.inputs = inputs, .input_count = read->files.count, .merge = !read->no_merge, .filter = read->filter},
                .sensor = {.devices = settings->device_prefixes, .device_count = settings->device_prefix_count,
                           .classify_always = read->classify_always, .clock_per_file = read->no_merge,
                           .only = only, .only_count = only_count, .encap = {.duplicate_window_ns = 5000000}},
                .show_progress = progress_wanted(settings)};
        if (!sense_take_times(settings->from, settings->to, &job.sensor) || !sense_filter_is_good(read->filter))
                return EXIT_USAGE;
        settings_to_sensor(settings->configuration, &job.sensor);
        if (!budget_fits(settings, &job.sensor, NULL, NULL))
                return EXIT_USAGE;
        sensor_name(read, sensor);
        struct run *run = run_open(settings, sensor, NULL);
        if (run == NULL)
                return EXIT_USAGE;
        job.probe.digest = run_wants_digests(run);
        struct event_sink sink = run_events(run);
        int status = read->workers > 0 ? worker_run(&job, &sink) : sense_run(&job, &sink);
        return run_close(run, status);
}

int read_command(int argument_count, char **arguments)
{
        struct read_options read = {.workers = 0};
        struct address only;
        unsigned only_count = 0;
        settings_init(&read.settings);
        argp_parse(&parser, argument_count, arguments, 0, NULL, &read);
        int status = (int)settings_load(&read.settings);
        if (status == EXIT_DONE && read.settings.device != NULL && !device_address(&read.settings, &only, &only_count))
                status = EXIT_USAGE;
        struct file_probe_input *inputs = sense_inputs(&read.files, read.settings.configuration);
        if (status == EXIT_DONE)
                status = inputs ? read_files(&read, inputs, &only, only_count) : EXIT_FAILED;
        free(inputs);
        free(read.files.items);
        settings_clear(&read.settings);
        return status;
}
