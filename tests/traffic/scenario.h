/* The scenarios by name: which habits, incidents and decoys a run has. */
#pragma once

#include <stdio.h>

#include "tests/traffic/traffic.h"

struct scenario {
        const char *name, *summary;
        struct policy_plan policy;
        void (*prepare)(struct traffic *traffic, unsigned times);
};

/* NULL when there is none of that name. */
const struct scenario *scenario_find(const char *name);
void scenario_list(FILE *out);

/* Fills the timeline. The policy plan is set before, since incidents keep to its windows. */
void scenario_prepare(const struct scenario *scenario, struct traffic *traffic);
