/* The devices of one alert that is told once for many: the first 1000 addresses by name, all of them by count (exact up to a
 * million, then the count stands still). */
#pragma once

#include "judge/device_table.h"

struct device_set;

/* Adds to `set` (NULL: a new one) and returns it. Without memory the set stays as it is. */
struct device_set *device_set_add(struct device_set *set, const struct device_key *device);
void device_set_destroy(struct device_set *set);

uint64_t device_set_count(const struct device_set *set);

/* The addresses in the order in which they came, as one allocation that the caller frees; NULL and 0 without memory. */
char **device_set_texts(const struct device_set *set, size_t *count);
