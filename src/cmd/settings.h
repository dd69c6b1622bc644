/* What the commands that judge share: options, and the files that they name, loaded. */
#pragma once

#include <argp.h>
#include <stdbool.h>

#include "deliver/sink.h"
#include "judge/binding_import.h"
#include "judge/judge.h"
#include "judge/nat_log.h"
#include "model/configuration.h"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_RAISED = 10 };

struct word_list {
        const char **items;
        unsigned count;
};

struct settings {
        /* as given */
        const char *configuration_path, *policy_path, *inventory_path, *bindings_path, *nat_path;
        struct word_list intel_folders, tac_paths, geoip_paths, devices, outputs;
        int fail_on;               /* severity, or -1 */
        bool quiet;
        int verbose;
        enum progress_choice { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER } progress;
        const char *device;        /* --device */
        const char *from, *to;

        /* loaded; NULL: not given */
        struct configuration *configuration;
        struct policy *policy;
        struct intel *intel;
        struct tac_list *tacs;
        struct inventory *inventory;
        struct geo *geo;
        struct binding_import *bindings;
        struct nat_log *nat_log;
        struct prefix *device_prefixes; /* --devices, else the policy's */
        unsigned device_prefix_count;
        char digest[65];           /* hex SHA-256 over configuration, policy, intel, TACs, inventory, imported tables and version */
};

/* To be a child of a command's parser; its input is struct settings. */
extern const struct argp settings_argp;

void settings_init(struct settings *settings);
void settings_clear(struct settings *settings);

/* Loads all that is named. Every message is on standard error; EXIT_DONE or EXIT_USAGE. */
enum exit_status settings_load(struct settings *settings);

/* What the configuration says for sense: taps, limits, timeouts. `configuration` may be NULL. */
struct sensor_settings;
void settings_to_sensor(const struct configuration *configuration, struct sensor_settings *sensor);

void word_list_add(struct word_list *list, const char *word);

/* "info" ... "critical" as 0 ... 4, or -1. */
int severity_parse(const char *text);

/* RFC 3339, "2026-03-01[ 02:03[:04]]" in UTC, or Unix seconds. false: neither. */
bool time_parse(const char *text, int64_t *time_ns);
