#include "tests/traffic/plot.h"

#include <stdlib.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/habits.h"
#include "tests/traffic/roster.h"
#include "tests/traffic/timeline.h"

enum { TIMES_LIMIT = 16 };

struct performance {
        struct traffic *traffic;
        const struct plot *plot;
        struct plot_cast cast;
};

static void perform(void *subject, int64_t time_ns)
{
        struct performance *p = subject;
        p->plot->act(p->traffic, &p->cast, time_ns);
        free(p);
}

/* Within the run as far as it is long enough; a plot takes up to ten minutes. */
static int64_t draw_time(struct traffic *traffic)
{
        int64_t from_ns = traffic->start_ns + 20 * SECOND_NS, to_ns = traffic->end_ns - 10 * MINUTE_NS;
        return to_ns > from_ns ? random_between(&traffic->sessions->random, from_ns, to_ns) : from_ns;
}

void plots_schedule(struct traffic *traffic, struct plot_list list, unsigned times)
{
        for (unsigned i = 0; i < list.count; i++)
                for (unsigned turn = 0; turn < times && turn < TIMES_LIMIT; turn++) {
                        struct performance *p = calloc(1, sizeof(*p));
                        if (p == NULL)
                                abort();
                        p->traffic = traffic;
                        p->plot = &list.items[i];
                        p->plot->cast(traffic, &p->cast);
                        timeline_add(traffic->timeline, draw_time(traffic), perform, p);
                }
}

void cast_meter(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_METERS);
        roster_add(traffic->roster, &(struct roster_row){.device = cast->first->device, .has_address = true});
}

int64_t plot_chat(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        switch (device_fleet(traffic->world, session->device)) {
        case FLEET_METERS: habit_mqtt_over_tls(traffic, session->device, time_ns); break;
        case FLEET_TRACKERS: habit_mqtt(traffic, session->device, time_ns); break;
        case FLEET_GATEWAYS: habit_api(traffic, session->device, time_ns); break;
        default: habit_time(traffic, session->device, time_ns); break;
        }
        return time_ns + MINUTE_NS;
}

int64_t plot_begin(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        return plot_chat(traffic, session, session_attach(traffic, session, time_ns));
}

static void expect(struct traffic *traffic, const struct session *session, const char *types, int64_t from_ns, int64_t to_ns,
                   const char *what, bool decoy)
{
        struct address address = session_address(session);
        label_write(traffic, &(struct label){.types = types,
                                             .what = what,
                                             .device = session->device,
                                             .address = &address,
                                             .start_ns = from_ns,
                                             .end_ns = to_ns,
                                             .decoy = decoy});
}

void plot_expect(struct traffic *traffic, const struct session *session, const char *types, int64_t from_ns, int64_t to_ns,
                 const char *what)
{
        expect(traffic, session, types, from_ns, to_ns, what, false);
}

void plot_expect_nothing(struct traffic *traffic, const struct session *session, const char *types, int64_t from_ns,
                         int64_t to_ns, const char *what)
{
        expect(traffic, session, types, from_ns, to_ns, what, true);
}
