#include "tests/traffic/scenario.h"

#include <string.h>

#include "tests/traffic/habits.h"
#include "tests/traffic/incident.h"
#include "tests/traffic/plot.h"
#include "tests/traffic/session.h"

enum { DEVICES_AN_INCIDENT = 100 };

static void prepare_destinations(struct traffic *traffic, unsigned times)
{
        incidents_schedule(traffic, destination_incidents(), times);
        incidents_schedule(traffic, destination_decoys(), times);
        if (traffic->sessions != NULL)
                plots_schedule(traffic, reuse_plots(), times);
}

static void prepare_updates(struct traffic *traffic, unsigned times)
{
        incidents_schedule(traffic, update_incidents(), times);
        incidents_schedule(traffic, update_decoys(), times);
}

static void prepare_location(struct traffic *traffic, unsigned times)
{
        incidents_schedule(traffic, location_incidents(), times);
        incidents_schedule(traffic, location_decoys(), times);
}

static void prepare_identity(struct traffic *traffic, unsigned times)
{
        plots_schedule(traffic, identity_plots(), times);
        plots_schedule(traffic, reuse_plots(), times);
        if (traffic->has_tunnels)
                plots_schedule(traffic, tunnel_plots(), times);
}

static void prepare_mixed(struct traffic *traffic, unsigned times)
{
        prepare_destinations(traffic, times);
        prepare_updates(traffic, times);
        prepare_location(traffic, times);
}

/* The last of these lists goes to a stranger, which a policy of destinations finds. */
static struct incident_list without_last(struct incident_list list)
{
        list.count--;
        return list;
}

static void prepare_quiet(struct traffic *traffic, unsigned times)
{
        incidents_schedule(traffic, destination_decoys(), times);
        incidents_schedule(traffic, without_last(update_decoys()), times);
        incidents_schedule(traffic, without_last(location_decoys()), times);
}

/* One or two of each family, small enough to ship. */
static void prepare_sample(struct traffic *traffic, unsigned times)
{
        static const char *const destinations[] = {"unlisted-name", "blocked-vendor", "inbound"};
        static const char *const updates[] = {"module-delta", "out-of-window"};
        static const char *const location[] = {"query", "nmea-over-udp"};
        traffic->image_size = 34 * 1024;
        for (unsigned i = 0; i < sizeof(destinations) / sizeof(destinations[0]); i++)
                incidents_schedule_named(traffic, destination_incidents(), destinations[i], times);
        for (unsigned i = 0; i < sizeof(updates) / sizeof(updates[0]); i++)
                incidents_schedule_named(traffic, update_incidents(), updates[i], times);
        for (unsigned i = 0; i < sizeof(location) / sizeof(location[0]); i++)
                incidents_schedule_named(traffic, location_incidents(), location[i], times);
}

static const struct scenario scenarios[] = {
        {"destinations",
         "who devices talk to: unlisted, blocked, lateral, inbound; and what is allowed",
         {.destinations = true},
         prepare_destinations},
        {"updates",
         "images fetched: by vendor, by name, by FTP, in clear, in and out of windows; and large things that are none",
         {.updates = true},
         prepare_updates},
        {"location",
         "positions and lookups that leave a device; and what only looks like one",
         {.location = true},
         prepare_location},
        {"mixed", "all of these under one policy", {.destinations = true, .updates = true, .location = true}, prepare_mixed},
        {"identity",
         "SIMs, modules and tunnels that are not whose they should be, and what only looks like it",
         {.destinations = true, .identity = true},
         prepare_identity},
        {"quiet",
         "habits and decoys alone: nothing to find",
         {.destinations = true, .updates = true, .location = true},
         prepare_quiet},
        {"sample",
         "the capture that the project ships",
         {.destinations = true, .updates = true, .location = true},
         prepare_sample},
};

enum { SCENARIO_COUNT = sizeof(scenarios) / sizeof(scenarios[0]) };

const struct scenario *scenario_find(const char *name)
{
        for (unsigned i = 0; i < SCENARIO_COUNT; i++)
                if (strcmp(scenarios[i].name, name) == 0)
                        return &scenarios[i];
        return NULL;
}

void scenario_list(FILE *out)
{
        for (unsigned i = 0; i < SCENARIO_COUNT; i++)
                fprintf(out, "%-14s%s\n", scenarios[i].name, scenarios[i].summary);
}

/* The meters' window: the second third of the run, on whole minutes, four hours at most, within one day. */
static void plan_window(struct traffic *traffic)
{
        int64_t third_ns = (traffic->end_ns - traffic->start_ns) / 3;
        if (third_ns < 3 * MINUTE_NS) /* a run of minutes: its window may lie behind it */
                third_ns = 3 * MINUTE_NS;
        int64_t length_ns = third_ns < 4 * HOUR_NS ? third_ns : 4 * HOUR_NS;
        traffic->policy.window_start_ns = (traffic->start_ns + third_ns) / MINUTE_NS * MINUTE_NS;
        traffic->policy.window_end_ns = (traffic->policy.window_start_ns + length_ns) / MINUTE_NS * MINUTE_NS;
}

void scenario_prepare(const struct scenario *scenario, struct traffic *traffic)
{
        traffic->policy = scenario->policy;
        plan_window(traffic);
        habits_start(traffic);
        sessions_start(traffic, 1);
        scenario->prepare(traffic, 1 + traffic->world->devices / DEVICES_AN_INCIDENT);
}
