/* What DNS told whom: the names that addresses had in answers which a device received, and in answers which any device of
 * its fleet received. Queried by the rules on names (INTERFACE: Policy) and for the names in alerts.
 *
 * An answer of a device is kept for the longer of its lifetime and 24 hours since it was last given; one of a fleet until
 * its place is needed, since "never held" asks for all that ever was. Both share one limit; the answer that was given
 * longest ago (to the minute) goes first, devices' before fleets', counted. 40 bytes an answer; a name is held once, however many answers
 * have it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "judge/device_table.h"
#include "judge/state.pb-c.h"

struct names;

struct names *names_create(uint32_t limit, uint32_t fleet_count);
void names_destroy(struct names *names);

/* `address` was in an answer for `name` (lower case) that `device`, of `fleet`, received. `is_alias`: the name is not what
 * was asked but what it was a CNAME for. */
void names_learn(struct names *names, const struct device_key *device, uint32_t fleet, const struct address *address,
                 const char *name, bool is_alias, uint32_t ttl_s, int64_t time_ns);

/* One that tells how far a name goes: `matches` is asked for each until it says true. */
struct names_query {
        bool (*matches)(const void *context, const char *name);
        const void *context;
};

/* The first name that fits among those under which the device (or, weaker, its fleet) had got the address before `start_ns`
 * and within its lifetime; NULL: none. What was told to the device's address before `since_s` (Unix seconds; 0: never) went to
 * another one that had it, and counts for flows of that time alone. */
const char *names_find_device(const struct names *names, const struct device_key *device, uint32_t since_s,
                              const struct address *address, int64_t start_ns, const struct names_query *query);
const char *names_find_fleet(const struct names *names, uint32_t fleet, const struct address *address, int64_t start_ns,
                             const struct names_query *query);

/* A hint for the cache: names_find_device will be asked this. First the place is fetched where answers begin; later, with what was
 * returned, the first answer. */
uint32_t names_soon(const struct names *names, const struct device_key *device, const struct address *address);
void names_sooner(const struct names *names, uint32_t place);

/* Whether any answer to a device of the fleet, however old, had this address under a name that fits. */
bool names_fleet_held(const struct names *names, uint32_t fleet, const struct address *address,
                      const struct names_query *query);

/* Whether a device of the fleet was seen, up to `time_ns`, getting an answer for a name that meets `pattern` ("*.x" is below
 * x). The pattern's address is its identity: a string of the policy, which outlives the table. */
bool names_fleet_resolved(struct names *names, uint32_t fleet, const char *pattern, int64_t time_ns);

/* False: no answer to a device of the fleet, however old, was for a name that meets `pattern` (as above), so that nothing needs to be looked
 * up. True: it is not known, or one was. */
bool names_fleet_may_have(struct names *names, uint32_t fleet, const char *pattern);

/* The best name for people: what was asked for before what that was a CNAME for, then the latest. NULL: none. */
const char *names_best_device(const struct names *names, const struct device_key *device, uint32_t since_s,
                              const struct address *address, int64_t start_ns);
const char *names_best_fleet(const struct names *names, uint32_t fleet, const struct address *address, int64_t start_ns);

/* Over a restart. Names come before what refers to them; fleets' answers are good where fleets have the same numbers. */
struct state_writer;
int names_save(const struct names *names, struct state_writer *writer);
struct names_load;
struct names_load *names_load_begin(struct names *names); /* NULL without memory */
void names_load_end(struct names_load *load);
void names_load_name(struct names_load *load, const Apnwatch__V1__SavedName *saved);
void names_load_answer(struct names_load *load, const Apnwatch__V1__SavedAnswer *saved);
void names_load_resolved(struct names_load *load, const Apnwatch__V1__SavedResolved *saved);

uint32_t names_count(const struct names *names);
uint64_t names_evictions(const struct names *names);
uint64_t names_bytes(const struct names *names);
