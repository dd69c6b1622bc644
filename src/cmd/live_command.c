/* apnwatch live: the sensor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/budget.h"
#include "cmd/commands.h"
#include "cmd/station.h"
#include "probes/frame_filter.h"

enum { KEY_BUFFER = 0x300, KEY_SNAPLEN, KEY_NO_PROMISCUOUS, KEY_CLASSIFY, BUFFER_LEAST = 64 << 10, SNAPLEN_LEAST = 64, SNAPLEN_MOST = 262144 };

struct live_options {
        struct settings settings; /* first: the child parser gets it as its input */
        struct live_settings probe;
        bool classify_always;
};

static const struct argp_option options[] = {
        {"interface", 'i', "IFACE", 0, "Where the traffic is; may be repeated (up- and downlink on different ones)", 4},
        {"filter", 'f', "BPF", 0, "Frames that this libpcap filter takes, on the outer frame", 4},
        {"buffer", KEY_BUFFER, "SIZE", 0, "Kernel ring of each interface: 64MiB unless told", 4},
        {"snaplen", KEY_SNAPLEN, "BYTES", 0, "Of each frame so much (262144: all)", 4},
        {"no-promiscuous", KEY_NO_PROMISCUOUS, NULL, 0, "Leave the interface as it is", 4},
        {"workers", 'j', "N", 0, "Worker processes for sense: 1", 5},
        {"classify", KEY_CLASSIFY, "WHEN", 0, "needed (default): nDPI where our dissectors are not certain; always", 5},
        {0},
};

static uint32_t size_option(struct argp_state *state, const char *argument)
{
        char *end;
        unsigned long long bytes = strtoull(argument, &end, 10);
        if (strcmp(end, "MiB") == 0 || strcmp(end, "M") == 0)
                bytes <<= 20;
        else if (strcmp(end, "KiB") == 0 || strcmp(end, "K") == 0)
                bytes <<= 10;
        else if (*end != '\0' || end == argument)
                argp_error(state, "--buffer %s: expected a size such as 64MiB", argument);
        if (bytes < BUFFER_LEAST || bytes > UINT32_MAX / 2)
                argp_error(state, "--buffer %s: expected 64KiB to 2047MiB", argument);
        return (uint32_t)bytes;
}

static uint32_t number_option(struct argp_state *state, const char *name, const char *argument, unsigned long least, unsigned long most)
{
        char *end;
        unsigned long number = strtoul(argument, &end, 10);
        if (*end != '\0' || end == argument || number < least || number > most)
                argp_error(state, "%s %s: expected %lu to %lu", name, argument, least, most);
        return (uint32_t)number;
}

static void add_interface(struct live_options *live, const char *name, struct argp_state *state)
{
        if (live->probe.count == LIVE_INTERFACES)
                argp_error(state, "more than %d interfaces", LIVE_INTERFACES);
        for (unsigned i = 0; i < live->probe.count; i++)
                if (strcmp(live->probe.interfaces[i], name) == 0)
                        argp_error(state, "interface %s is named twice", name);
        live->probe.interfaces[live->probe.count++] = name;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct live_options *live = state->input;
        switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &live->settings; break;
        case 'i': add_interface(live, argument, state); break;
        case 'f': live->probe.filter = argument; break;
        case KEY_BUFFER: live->probe.buffer_bytes = size_option(state, argument); break;
        case KEY_SNAPLEN: live->probe.snap_length = number_option(state, "--snaplen", argument, SNAPLEN_LEAST, SNAPLEN_MOST); break;
        case KEY_NO_PROMISCUOUS: live->probe.no_promiscuous = true; break;
        case KEY_CLASSIFY:
                if (strcmp(argument, "always") != 0 && strcmp(argument, "needed") != 0)
                        argp_error(state, "--classify %s: expected needed or always", argument);
                live->classify_always = argument[0] == 'a';
                break;
        case 'j':
                if (strcmp(argument, "1") != 0)
                        argp_error(state, "--workers %s: live has one worker; more are not built yet", argument);
                break;
        case ARGP_KEY_ARG: argp_error(state, "%s: live takes interfaces (-i), no files", argument); break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp_child children[] = {{&settings_argp, 0, NULL, 0}, {0}};
static const struct argp parser = {
        .options = options, .parser = parse_option, .children = children, .args_doc = "-i IFACE",
        .doc = "The sensor: judges what passes on interfaces, and delivers alerts and their revisions as they come. Without -i the "
               "interfaces of the configuration's taps.\v"
               "SIGTERM and SIGINT end it cleanly; SIGUSR1 opens the output files anew. CAP_NET_RAW is all it needs.\n"
               "Exit status: 0; 1 a sink failed; 2 wrong usage, configuration, policy or intel, or an interface or sink that "
               "cannot be opened; 10 with --fail-on when such an alert was raised."};

/* The interfaces of the taps, where the command line names none. */
static void interfaces_of_taps(struct live_options *live)
{
        const struct configuration *configuration = live->settings.configuration;
        if (live->probe.count > 0 || configuration == NULL)
                return;
        for (unsigned i = 0; i < configuration->taps.count && live->probe.count < LIVE_INTERFACES; i++) {
                const char *name = configuration->taps.taps[i].interface;
                bool known = name == NULL;
                for (unsigned k = 0; !known && k < live->probe.count; k++)
                        known = strcmp(live->probe.interfaces[k], name) == 0;
                if (!known)
                        live->probe.interfaces[live->probe.count++] = name;
        }
}

static bool options_are_good(const struct live_options *live)
{
        const struct settings *settings = &live->settings;
        char error[512] = "";
        bool good = true;
        if (live->probe.count == 0) {
                log_error("no interface: name one with -i, or in the configuration's taps");
                good = false;
        }
        if (settings->device != NULL || settings->from != NULL || settings->to != NULL) {
                log_error("--device, --from and --to are for captures, not for live");
                good = false;
        }
        if (settings->outputs.count == 0 && (settings->configuration == NULL || settings->configuration->output_count == 0)) {
                log_error("no output: name one with -o, or in the configuration's outputs");
                good = false;
        }
        if (settings->configuration == NULL || !(settings->configuration->has_privacy || settings->configuration->privacy_off)) {
                log_error("whether identities leave as they are is not said; expected in the configuration either "
                          "`privacy: {key_file: FILE}` for pseudonyms, or `privacy: off`");
                good = false;
        }
        struct frame_filter *filter = live->probe.filter ? frame_filter_create(live->probe.filter, error, sizeof error) : NULL;
        if (live->probe.filter != NULL && filter == NULL) {
                log_error("--filter: %s", error);
                good = false;
        }
        frame_filter_destroy(filter);
        return good;
}

static int live_run(struct live_options *live)
{
        struct settings *settings = &live->settings;
        const struct configuration *configuration = settings->configuration;
        char host[65] = "sensor";
        (void)gethostname(host, sizeof host - 1);
        interfaces_of_taps(live);
        if (!options_are_good(live))
                return EXIT_USAGE;
        struct station_settings station = {
                .settings = settings,
                .job = {.probe = live->probe,
                        .sensor = {.devices = settings->device_prefixes, .device_count = settings->device_prefix_count,
                                   .classify_always = live->classify_always, .prompt = true,
                                   .encap = {.duplicate_window_ns = 5000000}}},
                .sensor = configuration && configuration->sensor ? configuration->sensor : host,
                .metrics_listen = configuration ? configuration->metrics_listen : NULL};
        settings_to_sensor(configuration, &station.job.sensor);
        if (!budget_fits(settings, &station.job.sensor, &station.job.probe, &station.memory_ceiling))
                return EXIT_USAGE;
        struct station *running = station_open(&station);
        return running ? station_run(running) : EXIT_USAGE;
}

int live_command(int argument_count, char **arguments)
{
        struct live_options live = {.classify_always = false};
        settings_init(&live.settings);
        argp_parse(&parser, argument_count, arguments, 0, NULL, &live);
        int status = (int)settings_load(&live.settings);
        if (status == EXIT_DONE)
                status = live_run(&live);
        settings_clear(&live.settings);
        return status;
}
