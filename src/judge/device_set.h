/* The devices of one alert that is told once for many: the first 1000 addresses by name, all of them by count (exact up to a
 * million, then the count stands still). */
#pragma once

#include "judge/device_table.h"

struct device_set;

/* Adds to `set` (NULL: a new one) and returns it. Without memory the set stays as it is. */
struct device_set *device_set_add(struct device_set *set, const struct device_key *device);
void device_set_destroy(struct device_set *set);

uint64_t device_set_count(const struct device_set *set);

/* For a restart: what is named, all hashes (some more with each call, from `at` 0 on, until it gives 0), how many are counted
 * without being known. */
const struct device_key *device_set_named(const struct device_set *set, uint32_t *count);
uint32_t device_set_hashes(const struct device_set *set, uint32_t *at, uint64_t *hashes, uint32_t room);
uint64_t device_set_missing(const struct device_set *set);

/* One that has no name here; how many there are in all, known or not. As device_set_add otherwise. */
struct device_set *device_set_add_hash(struct device_set *set, uint64_t hash);
struct device_set *device_set_expect(struct device_set *set, uint64_t count);

/* The addresses in the order in which they came, as one allocation that the caller frees; NULL and 0 without memory. */
char **device_set_texts(const struct device_set *set, size_t *count);
