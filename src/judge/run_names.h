/* What the numbers in events stand for, as the Run event said. */
#pragma once

#include "model/event.h"

struct run_names {
        char **taps, **contexts, **inputs;
        size_t tap_count, context_count, input_count;
        char *version, *ndpi; /* NULL: not said */
};

void run_names_take(struct run_names *names, const Apnwatch__V1__Run *run);
void run_names_clear(struct run_names *names);

/* NULL: no such number was told. */
const char *run_tap(const struct run_names *names, uint32_t tap);
const char *run_context(const struct run_names *names, uint32_t context);
const char *run_input(const struct run_names *names, uint32_t file);
