/* The subcommands: arguments[0] is "apnwatch NAME" for messages. Each returns an exit status (cmd/settings.h). */
#pragma once

int read_command(int argument_count, char **arguments);
int live_command(int argument_count, char **arguments);
int judge_command(int argument_count, char **arguments);
int tail_command(int argument_count, char **arguments);
int sessions_command(int argument_count, char **arguments);
int policy_command(int argument_count, char **arguments);
int intel_command(int argument_count, char **arguments);
int learn_tac_command(int argument_count, char **arguments); /* of `intel` */

/* "apnwatch 0.1.0" and what is in it. */
void version_print(void);
