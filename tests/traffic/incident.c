#include "tests/traffic/incident.h"

#include <stdlib.h>
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/timeline.h"

struct appointment {
        struct traffic *traffic;
        const struct incident *incident;
        uint32_t device;
};

/* A device whose DNS was never seen is not accused for want of a name (INTERFACE: undetermined), so it asks before. */
static void keep_appointment(void *subject, int64_t time_ns)
{
        static const enum service_number services[FLEET_COUNT] = {SERVICE_BROKER, SERVICE_TELEMETRY, SERVICE_API};
        struct appointment *a = subject;
        if (a->incident->when != AT_START)
                time_ns = SECOND_NS + dns_lookup_service(a->traffic, a->device, services[a->incident->fleet], time_ns);
        a->incident->act(a->traffic, a->device, time_ns);
        free(a);
}

static int64_t draw_time(struct traffic *traffic, enum incident_time when)
{
        struct random_stream *random = &traffic->random;
        const struct policy_plan *policy = &traffic->policy;
        int64_t length_ns = traffic->end_ns - traffic->start_ns;
        int64_t from_ns = traffic->start_ns + length_ns / 20, to_ns = traffic->end_ns - length_ns / 10;
        switch (when) {
        case AT_START: return traffic->start_ns + random_between(random, 10 * MS_NS, 900 * MS_NS);
        case IN_WINDOW:
                from_ns = policy->window_start_ns + MINUTE_NS;
                to_ns = policy->window_end_ns - MINUTE_NS;
                break;
        case OUT_OF_WINDOW:
                to_ns = policy->window_start_ns - MINUTE_NS;
                if (from_ns < to_ns - 6 * 24 * HOUR_NS) /* the week before has a window, too */
                        from_ns = to_ns - 6 * 24 * HOUR_NS;
                break;
        case ANY_TIME: break;
        }
        return to_ns > from_ns ? random_between(random, from_ns, to_ns) : from_ns;
}

/* Devices in turn from a random one, so that few share an incident of the same kind. */
static void schedule_one(struct traffic *traffic, const struct incident *incident, unsigned times)
{
        uint32_t size = fleet_size(traffic->world, incident->fleet);
        if (size == 0)
                return;
        uint32_t turn = random_below(&traffic->random, size);
        for (unsigned i = 0; i < times; i++) {
                struct appointment *a = malloc(sizeof(*a));
                if (a == NULL)
                        abort();
                *a = (struct appointment){traffic, incident, traffic->world->first[incident->fleet] + (turn + i) % size};
                timeline_add(traffic->timeline, draw_time(traffic, incident->when), keep_appointment, a);
        }
}

void incidents_schedule(struct traffic *traffic, struct incident_list list, unsigned times)
{
        for (unsigned i = 0; i < list.count; i++)
                schedule_one(traffic, &list.items[i], times);
}

void incidents_schedule_named(struct traffic *traffic, struct incident_list list, const char *name, unsigned times)
{
        for (unsigned i = 0; i < list.count; i++)
                if (strcmp(list.items[i].name, name) == 0)
                        schedule_one(traffic, &list.items[i], times);
}

static void write_label(const struct conversation *c, const char *types, int64_t start_ns, const char *what, bool decoy)
{
        struct label label = {.types = types,
                              .what = what,
                              .device = c->contact.device,
                              .peer = &c->contact.peer,
                              .start_ns = start_ns,
                              .end_ns = c->time_ns,
                              .decoy = decoy};
        label_write(c->traffic, &label);
}

void expect_alert(const struct conversation *c, const char *types, int64_t start_ns, const char *what)
{
        write_label(c, types, start_ns, what, false);
}

void expect_nothing(const struct conversation *c, const char *types, int64_t start_ns, const char *what)
{
        write_label(c, types, start_ns, what, true);
}

void expect_unlisted(const struct conversation *c, int64_t start_ns, const char *what)
{
        if (c->traffic->policy.destinations)
                write_label(c, "destination.unlisted", start_ns, what, false);
}
