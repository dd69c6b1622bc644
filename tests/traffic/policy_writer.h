/* The policy and the inventory that fit the world and the scenario. 0, or a negative errno. */
#pragma once

#include "tests/traffic/traffic.h"

int policy_write(const struct traffic *traffic, const char *path);
int inventory_write(const struct traffic *traffic, const char *path);

enum { WINDOW_TEXT_SIZE = 32 };
/* "Sun 01:00-05:00", UTC. */
const char *window_text(int64_t start_ns, int64_t end_ns, char text[WINDOW_TEXT_SIZE]);
