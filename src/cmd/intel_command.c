/* apnwatch intel check|list|match|learn-tac: vendor data, checked, listed, asked; the last is learn_tac_command.c. */
#include <argp.h>
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/commands.h"
#include "cmd/settings.h"
#include "judge/intel_check.h"

enum { KEY_INTEL = 0x400, KEY_VENDOR, KEY_PURPOSE, KEY_JSON };

struct intel_options {
        struct word_list folders, words;
        const char *vendor;
        int purpose; /* -1: all */
        bool json;
};

static int parse_purpose(const char *text)
{
        for (int i = 0; i < INTEL_PURPOSES; i++)
                if (strcmp(intel_purpose_text((enum intel_purpose)i), text) == 0)
                        return i;
        return -1;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
        struct intel_options *options = state->input;
        switch (key) {
        case KEY_INTEL: word_list_add(&options->folders, argument); break;
        case KEY_VENDOR: options->vendor = argument; break;
        case KEY_PURPOSE:
                options->purpose = parse_purpose(argument);
                if (options->purpose < 0)
                        argp_error(state, "--purpose %s: expected update, agnss, location, management or telemetry",
                                   argument);
                break;
        case KEY_JSON: options->json = true; break;
        case ARGP_KEY_ARG: word_list_add(&options->words, argument); break;
        default: return ARGP_ERR_UNKNOWN;
        }
        return 0;
}

static const struct argp_option list_options[] = {
        {"intel", KEY_INTEL, "DIR", 0, "Vendor data; the installed set unless told; may be repeated", 0},
        {"vendor", KEY_VENDOR, "NAME", 0, "Rows of this vendor alone", 0},
        {"purpose", KEY_PURPOSE, "WORD", 0, "update, agnss, location, management or telemetry", 0},
        {"json", KEY_JSON, NULL, 0, "One JSON object a line", 0},
        {0},
};
static const struct argp_option match_options[] = {
        {"intel", KEY_INTEL, "DIR", 0, "Vendor data; the installed set unless told; may be repeated", 0},
        {0},
};
static const struct argp_option check_options[] = {{0}};

static struct intel *load(const struct word_list *folders)
{
        char folder[4096];
        const char *installed = folder;
        if (folders->count > 0)
                return intel_load(folders->items, folders->count, stderr);
        if (intel_default_folder(folder, sizeof folder))
                return intel_load(&installed, 1, stderr);
        fprintf(stderr, "no vendor data is installed; expected a folder\n");
        return NULL;
}

static void finish(struct intel *intel, struct intel_options *options)
{
        intel_destroy(intel);
        free(options->folders.items);
        free(options->words.items);
}

static void print_counts(const struct intel *intel)
{
        printf("%-45s %6s", "vendor", "rows");
        for (int p = 0; p < INTEL_PURPOSES; p++)
                printf(" %10s", intel_purpose_text((enum intel_purpose)p));
        putchar('\n');
        for (unsigned v = 0; v < intel_vendor_count(intel); v++) {
                const struct intel_vendor *vendor = intel_vendor_at(intel, v);
                unsigned counts[INTEL_PURPOSES] = {0}, rows = 0;
                for (unsigned i = 0; i < intel_row_count(intel); i++) {
                        const struct intel_row *row = intel_row_at(intel, i);
                        if (row->vendor != vendor)
                                continue;
                        rows++;
                        counts[row->purpose]++;
                }
                printf("%-45s %6u", vendor->name, rows);
                for (int p = 0; p < INTEL_PURPOSES; p++)
                        printf(" %10u", counts[p]);
                putchar('\n');
        }
}

static int check(int argument_count, char **arguments)
{
        static const struct argp argp = {
                .options = check_options,
                .parser = parse_option,
                .args_doc = "[DIR...]",
                .doc = "Check vendor data: every fault with file, line and column on standard error. Exit "
                       "status 2 when there is one.",
        };
        struct intel_options options = {.purpose = -1};
        argp_parse(&argp, argument_count, arguments, 0, NULL, &options);
        struct intel *intel = load(&options.words);
        if (intel == NULL) {
                finish(NULL, &options);
                return EXIT_USAGE;
        }
        print_counts(intel);
        unsigned warnings = intel_check(intel, stderr);
        printf("ok, %u vendors, %u rows, %u warning%s, %s\n", intel_vendor_count(intel), intel_row_count(intel), warnings,
               warnings == 1 ? "" : "s", intel_digest(intel));
        finish(intel, &options);
        return EXIT_DONE;
}

static bool is_wanted(const struct intel_options *options, const struct intel_row *row)
{
        return (options->purpose < 0 || (int)row->purpose == options->purpose) &&
               (options->vendor == NULL || intel_vendor_is(row->vendor, options->vendor));
}

static void print_json(const struct intel_row *row)
{
        json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*, s:s*}", "vendor", row->vendor->name, "purpose",
                                   intel_purpose_text(row->purpose), "mode", intel_mode_text(row->mode), "match",
                                   intel_kind_text(row->kind), "value", row->value, "confidence",
                                   intel_confidence_text(row->confidence), "protocol", row->protocol, "source", row->source);
        if (row->port != 0)
                json_object_set_new(object, "port", json_integer(row->port));
        if (row->shared)
                json_object_set_new(object, "shared", json_true());
        if (row->weak)
                json_object_set_new(object, "weak", json_true());
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
}

static int list(int argument_count, char **arguments)
{
        static const struct argp argp = {
                .options = list_options,
                .parser = parse_option,
                .args_doc = "",
                .doc = "List vendor data.",
        };
        struct intel_options options = {.purpose = -1};
        argp_parse(&argp, argument_count, arguments, 0, NULL, &options);
        struct intel *intel = load(&options.folders);
        if (intel == NULL) {
                finish(NULL, &options);
                return EXIT_USAGE;
        }
        int vendor_width = 6;
        for (unsigned i = 0; i < intel_row_count(intel); i++) {
                const struct intel_row *row = intel_row_at(intel, i);
                int width = (int)strlen(row->vendor->name);
                vendor_width = is_wanted(&options, row) && width > vendor_width ? width : vendor_width;
        }
        if (!options.json)
                printf("%-*s  %-10s  %-8s  %-13s  %-10s  %s\n", vendor_width, "VENDOR", "PURPOSE", "MODE", "MATCH",
                       "CONFIDENCE", "VALUE");
        for (unsigned i = 0; i < intel_row_count(intel); i++) {
                const struct intel_row *row = intel_row_at(intel, i);
                if (!is_wanted(&options, row))
                        continue;
                if (options.json)
                        print_json(row);
                else
                        printf("%-*s  %-10s  %-8s  %-13s  %-10s  %s%s%s\n", vendor_width, row->vendor->name,
                               intel_purpose_text(row->purpose), intel_mode_text(row->mode), intel_kind_text(row->kind),
                               intel_confidence_text(row->confidence), row->value, row->shared ? " (shared)" : "",
                               row->weak ? " (weak)" : "");
        }
        finish(intel, &options);
        return EXIT_DONE;
}

static unsigned print_match(const char *word, const struct intel_row *row)
{
        if (row == NULL)
                return 0;
        printf("%s: %s, %s, %s%s%s\n    %s %s, %s, %s (%s:%u)\n", word, row->vendor->name, intel_purpose_text(row->purpose),
               intel_mode_text(row->mode), row->shared ? ", shared with others" : "", row->weak ? ", weak alone" : "",
               intel_kind_text(row->kind), row->value, intel_confidence_text(row->confidence), row->source, row->file,
               row->line);
        return 1;
}

/* "http://host:port/path" in its parts, lower case but for the path. */
static unsigned match_url(const struct intel *intel, const char *word, unsigned purposes)
{
        char scheme[16] = "http", host[256] = "";
        const char *rest = strstr(word, "://"), *path;
        if (rest != NULL) {
                snprintf(scheme, sizeof scheme, "%.*s", (int)(rest - word), word);
                rest += 3;
        } else {
                rest = word;
        }
        path = strchr(rest, '/');
        snprintf(host, sizeof host, "%.*s", path ? (int)(path - rest) : (int)strlen(rest), rest);
        for (char *c = host; *c != '\0'; c++)
                *c = (char)tolower((unsigned char)*c);
        unsigned found = print_match(word, intel_match_url(intel, scheme, *host ? host : NULL, path, purposes));
        host[strcspn(host, ":")] = '\0';
        return found + print_match(word, *host ? intel_match_name(intel, host, purposes) : NULL);
}

static unsigned match_name(const struct intel *intel, const char *word, unsigned purposes)
{
        char name[256];
        size_t length = 0;
        for (; word[length] != '\0' && length < sizeof name - 1; length++)
                name[length] = (char)tolower((unsigned char)word[length]);
        while (length > 0 && name[length - 1] == '.')
                length--;
        name[length] = '\0';
        return print_match(word, intel_match_name(intel, name, purposes));
}

static unsigned match_tac(const struct intel *intel, const char *word)
{
        const struct intel_tac *tac = strspn(word, "0123456789") >= 8 ? intel_tac(intel, word) : NULL;
        if (tac == NULL)
                return 0;
        printf("%s: TAC %s, %s%s%s (a hint: makers of devices may put TACs of their own on modules)\n", word, tac->tac,
               tac->vendor, tac->model ? ", " : "", tac->model ? tac->model : "");
        return 1;
}

static unsigned match_word(const struct intel *intel, const char *word, unsigned purposes)
{
        struct address address;
        if (address_parse(word, &address))
                return print_match(word, intel_match_address(intel, &address, purposes));
        if (strstr(word, "://") != NULL || word[0] == '/')
                return match_url(intel, word, purposes);
        unsigned found = match_name(intel, word, purposes);
        found += print_match(word, intel_match_user_agent(intel, word, purposes));
        found += print_match(word, intel_match_content_type(intel, word, purposes));
        found += print_match(word, intel_match_topic(intel, word, purposes));
        if (found == 0 && strchr(word, '/') != NULL)
                found = match_url(intel, word, purposes);
        return found;
}

static int match(int argument_count, char **arguments)
{
        static const struct argp argp = {
                .options = match_options,
                .parser = parse_option,
                .args_doc = "NAME|ADDRESS|URL|TAC...",
                .doc = "Tell what vendor data says of a name, an address, a URL, a user agent, a content "
                       "type, a topic or a TAC, and why.",
        };
        struct intel_options options = {.purpose = -1};
        argp_parse(&argp, argument_count, arguments, 0, NULL, &options);
        if (options.words.count == 0) {
                fprintf(stderr, "%s: expected something to match\n", arguments[0]);
                return EXIT_USAGE;
        }
        struct intel *intel = load(&options.folders);
        if (intel == NULL) {
                finish(NULL, &options);
                return EXIT_USAGE;
        }
        for (unsigned i = 0; i < options.words.count; i++) {
                unsigned found = match_tac(intel, options.words.items[i]);
                for (int purpose = 0; purpose < INTEL_PURPOSES; purpose++)
                        found += match_word(intel, options.words.items[i], INTEL_ONLY(purpose));
                if (found == 0)
                        printf("%s: nothing is known\n", options.words.items[i]);
        }
        finish(intel, &options);
        return EXIT_DONE;
}

static bool asks_for_help(const char *word)
{
        return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int intel_command(int argument_count, char **arguments)
{
        static const struct {
                const char *name;
                int (*run)(int argument_count, char **arguments);
        } commands[] = {{"check", check}, {"list", list}, {"match", match}, {"learn-tac", learn_tac_command}};
        for (unsigned i = 0; argument_count > 1 && i < sizeof commands / sizeof *commands; i++) {
                if (strcmp(arguments[1], commands[i].name) != 0)
                        continue;
                char title[64];
                snprintf(title, sizeof title, "%s %s", arguments[0], commands[i].name);
                arguments[1] = title;
                return commands[i].run(argument_count - 1, arguments + 1);
        }
        bool help = argument_count > 1 && asks_for_help(arguments[1]);
        fprintf(help ? stdout : stderr, "usage: %s check [DIR...]\n       %s list [--vendor NAME] [--purpose WORD] [--json]\n"
                        "       %s match NAME|ADDRESS|URL|TAC...\n       %s learn-tac [--inventory FILE] [--tac FILE] FILE...|events:FILE\n",
                arguments[0], arguments[0], arguments[0], arguments[0]);
        return help ? EXIT_DONE : EXIT_USAGE;
}
