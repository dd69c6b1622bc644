/* apnwatch: which command? */
#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/settings.h"

static const struct command {
        const char *name;
        int (*run)(int argument_count, char **arguments);
        const char *arguments, *what;
} commands[] = {
        {"read", read_command, "[options] FILE...", "analyse captures and raise alerts"},
        {"live", live_command, "[options] -i IFACE", "the sensor: judge what passes, deliver alerts as they come"},
        {"judge", judge_command, "[options] events:FILE", "judge a recorded event log"},
        {"tail", tail_command, "[options] redis://...", "print alerts from Redis as they come"},
        {"sessions", sessions_command, "[options] FILE...", "which SIM and module had which address, from signalling"},
        {"policy", policy_command, "check|explain ...", "check a policy, explain what it says of a contact"},
        {"intel", intel_command, "check|list|match ...", "vendor data: check it, list it, ask it"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_usage(FILE *out)
{
        fputs("usage: apnwatch COMMAND ...\n\n", out);
        for (unsigned i = 0; i < COMMANDS; i++)
                fprintf(out, "  %-8s %-24s %s\n", commands[i].name, commands[i].arguments, commands[i].what);
        fputs("\napnwatch COMMAND --help tells the options, apnwatch --version what is built in; see also apnwatch(1).\n", out);
}

int main(int argument_count, char **arguments)
{
        signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed sink, with a message */
        argp_err_exit_status = EXIT_USAGE;
        if (argument_count < 2) {
                print_usage(stderr);
                return EXIT_USAGE;
        }
        const char *name = arguments[1];
        if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
                version_print();
                return EXIT_DONE;
        }
        if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
                print_usage(stdout);
                return EXIT_DONE;
        }
        for (unsigned i = 0; i < COMMANDS; i++) {
                if (strcmp(commands[i].name, name) != 0)
                        continue;
                char title[64];
                snprintf(title, sizeof title, "apnwatch %s", name);
                arguments[1] = title;
                return commands[i].run(argument_count - 1, arguments + 1);
        }
        fprintf(stderr, "apnwatch: %s is no command\n", name);
        print_usage(stderr);
        return EXIT_USAGE;
}
