#include "config.h"

#include "cmd/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "judge/tac_list.h"
#include "sense/sensor.h"

enum { KEY_INTEL = 0x100, KEY_INVENTORY, KEY_DEVICES, KEY_GEOIP, KEY_PROGRESS, KEY_FAIL_ON, KEY_DEVICE, KEY_FROM, KEY_TO,
       KEY_BINDINGS, KEY_NAT, KEY_TAC };

static const struct argp_option options[] = {
        {"config", 'c', "FILE", 0, "YAML configuration; the command line wins", 1},
        {"policy", 'p', "FILE", 0, "Fleets and what each may do: apnwatch-policy(5)", 1},
        {"intel", KEY_INTEL, "DIR", 0, "Vendor data instead of the installed set; may be repeated, later ones add", 1},
        {"tac", KEY_TAC, "FILE", 0, "TACs of your own, CSV, plain or as the GSMA has it; they win; may be repeated", 1},
        {"inventory", KEY_INVENTORY, "FILE", 0, "Devices, CSV with header", 1},
        {"bindings", KEY_BINDINGS, "FILE", 0, "Who had which address where no signalling is seen, CSV with header", 1},
        {"nat", KEY_NAT, "FILE", 0, "Log of the NAT before a tap of role sgi-nat, CSV with header", 1},
        {"devices", KEY_DEVICES, "PREFIX", 0, "The device side; may be repeated", 1},
        {"geoip", KEY_GEOIP, "FILE", 0, "A .mmdb with countries or AS numbers; may be repeated", 1},
        {"output", 'o', "SINK", 0, "jsonl: eve: events: summary: with a path (- is standard output), redis:// rediss:// syslog:// "
         "syslog+tls:// webhook:URL; may be repeated", 2},
        {"fail-on", KEY_FAIL_ON, "SEVERITY", 0, "Exit with 10 when an alert of it or above was raised", 2},
        {"quiet", 'q', NULL, 0, "Errors only", 3},
        {"verbose", 'v', NULL, 0, "More messages; twice: still more", 3},
        {"progress", KEY_PROGRESS, "WHEN", 0, "auto (on a terminal), always, never", 3},
        {"device", KEY_DEVICE, "ADDRESS|IMSI", 0, "This device only", 4},
        {"from", KEY_FROM, "TIME", 0, "Packets from this time on", 4},
        {"to", KEY_TO, "TIME", 0, "Packets before this time", 4},
        {0},
};

void word_list_add(struct word_list *list, const char *word)
{
        const char **items = realloc(list->items, (list->count + 1) * sizeof *items);
        if (items == NULL)
                abort(); /* a few words of the command line */
        items[list->count++] = word;
        list->items = items;
}

int severity_parse(const char *text)
{
        static const char *const names[] = {"info", "low", "medium", "high", "critical"};
        for (int i = 0; i < 5; i++)
                if (strcmp(text, names[i]) == 0)
                        return i;
        return -1;
}

bool time_parse(const char *text, int64_t *time_ns)
{
        static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
        for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
                struct tm parts = {0};
                const char *end = strptime(text, forms[i], &parts);
                if (end == NULL)
                        continue;
                long fraction = 0, unit = 100000000;
                if (*end == '.')
                        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
                                fraction += (*end - '0') * unit;
                if (*end != '\0' && strcmp(end, "Z") != 0)
                        continue;
                *time_ns = (int64_t)timegm(&parts) * 1000000000 + fraction;
                return true;
        }
        char *end;
        errno = 0;
        double seconds = strtod(text, &end);
        if (end == text || *end != '\0' || errno != 0 || !(seconds >= 0 && seconds < 9e9))
                return false;
        *time_ns = (int64_t)(seconds * 1e9);
        return true;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct settings *settings = state->input;
        switch (key) {
        case 'c': settings->configuration_path = argument; break;
        case 'p': settings->policy_path = argument; break;
        case 'o': word_list_add(&settings->outputs, argument); break;
        case 'q': settings->quiet = true; break;
        case 'v': settings->verbose++; break;
        case KEY_INTEL: word_list_add(&settings->intel_folders, argument); break;
        case KEY_TAC: word_list_add(&settings->tac_paths, argument); break;
        case KEY_INVENTORY: settings->inventory_path = argument; break;
        case KEY_BINDINGS: settings->bindings_path = argument; break;
        case KEY_NAT: settings->nat_path = argument; break;
        case KEY_DEVICES: word_list_add(&settings->devices, argument); break;
        case KEY_GEOIP: word_list_add(&settings->geoip_paths, argument); break;
        case KEY_DEVICE: settings->device = argument; break;
        case KEY_FROM: settings->from = argument; break;
        case KEY_TO: settings->to = argument; break;
        case KEY_FAIL_ON:
                settings->fail_on = severity_parse(argument);
                if (settings->fail_on < 0)
                        argp_error(state, "--fail-on %s: expected info, low, medium, high or critical", argument);
                break;
        case KEY_PROGRESS:
                if (strcmp(argument, "always") == 0)
                        settings->progress = PROGRESS_ALWAYS;
                else if (strcmp(argument, "never") == 0)
                        settings->progress = PROGRESS_NEVER;
                else if (strcmp(argument, "auto") != 0)
                        argp_error(state, "--progress %s: expected auto, always or never", argument);
                break;
        default:
                return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

const struct argp settings_argp = {.options = options, .parser = parse_option};

void settings_init(struct settings *settings)
{
        memset(settings, 0, sizeof *settings);
        settings->fail_on = -1;
}

void settings_clear(struct settings *settings)
{
        configuration_destroy(settings->configuration);
        policy_destroy(settings->policy);
        intel_destroy(settings->intel);
        tac_list_destroy(settings->tacs);
        inventory_destroy(settings->inventory);
        geo_close(settings->geo);
        binding_import_destroy(settings->bindings);
        nat_log_destroy(settings->nat_log);
        free(settings->device_prefixes);
        free(settings->intel_folders.items);
        free(settings->tac_paths.items);
        free(settings->geoip_paths.items);
        free(settings->devices.items);
        free(settings->outputs.items);
}

/* Without vendor data there is still what the user says of TACs. */
static bool load_intel(struct settings *settings)
{
        char folder[4096];
        struct word_list folders = settings->intel_folders;
        const char *installed = folder;
        if (folders.count == 0 && intel_default_folder(folder, sizeof folder))
                folders = (struct word_list){.items = &installed, .count = 1};
        else if (folders.count == 0)
                log_warning("no vendor data found (--intel DIR): updates and locators of vendors stay unknown");
        if (folders.count == 0 && settings->tac_paths.count == 0)
                return true;
        settings->intel = intel_load(folders.items, folders.count, stderr);
        return settings->intel != NULL;
}

static bool load_tacs(struct settings *settings)
{
        if (settings->tac_paths.count == 0)
                return true;
        settings->tacs = tac_list_load(settings->tac_paths.items, settings->tac_paths.count, stderr);
        if (settings->tacs != NULL && settings->intel != NULL)
                intel_prefer_tacs(settings->intel, settings->tacs);
        return settings->tacs != NULL;
}

static bool load_geo(struct settings *settings)
{
        const struct configuration *configuration = settings->configuration;
        if (settings->geoip_paths.count == 0 && configuration != NULL)
                for (unsigned i = 0; i < configuration->geoip_count; i++)
                        word_list_add(&settings->geoip_paths, configuration->geoip[i]);
        if (settings->geoip_paths.count > 0) {
                settings->geo = geo_open(settings->geoip_paths.items, settings->geoip_paths.count, stderr);
                return settings->geo != NULL;
        }
        return true;
}

static bool load_devices(struct settings *settings)
{
        const struct policy *policy = settings->policy;
        unsigned count = settings->devices.count ? settings->devices.count : policy ? policy->devices.count : 0;
        bool good = true;
        if (count == 0)
                return true;
        settings->device_prefixes = calloc(count, sizeof *settings->device_prefixes);
        if (settings->device_prefixes == NULL)
                return false;
        settings->device_prefix_count = count;
        for (unsigned i = 0; i < count; i++) {
                if (settings->devices.count == 0) {
                        settings->device_prefixes[i] = policy->devices.items[i];
                } else if (!prefix_parse(settings->devices.items[i], &settings->device_prefixes[i])) {
                        fprintf(stderr, "--devices %s: expected an address prefix such as 10.20.0.0/16\n", settings->devices.items[i]);
                        good = false;
                }
        }
        return good;
}

static bool load_tables(struct settings *settings)
{
        bool good = true;
        if (settings->bindings_path != NULL) {
                settings->bindings = binding_import_load(settings->bindings_path, stderr);
                good &= settings->bindings != NULL;
        }
        if (settings->nat_path != NULL) {
                settings->nat_log = nat_log_load(settings->nat_path, stderr);
                good &= settings->nat_log != NULL;
        }
        return good;
}

static void digest_all(struct settings *settings)
{
        char text[1024];
        int length = snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n%s\n%s%s\n%s", settings->configuration ? settings->configuration->digest : "",
                              settings->policy ? settings->policy->digest : "", settings->intel ? intel_digest(settings->intel) : "",
                              settings->inventory ? inventory_digest(settings->inventory) : "", PACKAGE_VERSION,
                              binding_import_digest(settings->bindings), nat_log_digest(settings->nat_log),
                              tac_list_digest(settings->tacs));
        uint8_t digest[DIGEST_SIZE];
        digest_sha256(text, (size_t)length, digest);
        text_hex(digest, sizeof digest, settings->digest);
}

enum exit_status settings_load(struct settings *settings)
{
        bool good = true;
        log_set_level(settings->quiet ? LOG_LEVEL_ERROR : settings->verbose > 1 ? LOG_LEVEL_DEBUG
                      : settings->verbose == 1 ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING);
        if (settings->configuration_path != NULL) {
                settings->configuration = configuration_load(settings->configuration_path, stderr);
                good &= settings->configuration != NULL;
        }
        good &= load_geo(settings);
        if (settings->policy_path != NULL) {
                settings->policy = policy_load(settings->policy_path, settings->geoip_paths.count > 0, stderr,
                                               settings->verbose > 0 ? stderr : NULL);
                good &= settings->policy != NULL;
        }
        if (settings->inventory_path != NULL) {
                settings->inventory = inventory_load(settings->inventory_path, stderr);
                good &= settings->inventory != NULL;
        }
        good &= load_tables(settings);
        good &= load_intel(settings);
        good &= load_tacs(settings);
        good &= load_devices(settings);
        if (!good)
                return EXIT_USAGE;
        digest_all(settings);
        return EXIT_DONE;
}

/* Sense counts whole seconds; 0: not given. */
static uint32_t seconds_of(uint32_t milliseconds)
{
        return milliseconds / 1000 + (milliseconds % 1000 != 0);
}

void settings_to_sensor(const struct configuration *configuration, struct sensor_settings *sensor)
{
        if (configuration == NULL)
                return;
        sensor->encap.taps = configuration->taps;
        sensor->context_names = (const char *const *)configuration->context_names;
        sensor->context_count = configuration->context_count;
        sensor->flow_limit = configuration->limit_flows;
        sensor->timeouts = (struct sensor_timeouts){.tcp = seconds_of(configuration->timeout_tcp_ms),
                                                    .udp = seconds_of(configuration->timeout_udp_ms),
                                                    .other = seconds_of(configuration->timeout_other_ms)};
}
