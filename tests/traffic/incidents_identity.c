#include <stdio.h>
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/incident.h"
#include "tests/traffic/plot.h"
#include "tests/traffic/roster.h"

#define JUDGED "identity.imei_change identity.imei_clone identity.unknown_device identity.retired_active identity.relocated"

enum { DAY_S = 86400 };

static const char other_tac[] = "35870905";

static void cast_nobody(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_NONE);
}

static void cast_retired(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_METERS);
        roster_add(traffic->roster,
                   &(struct roster_row){.device = cast->first->device, .has_address = true, .state = "retired"});
}

static void cast_tracker(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_TRACKERS);
        roster_add(traffic->roster, &(struct roster_row){.device = cast->first->device, .has_address = true});
}

static void cast_gateway(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_GATEWAYS);
        roster_add(traffic->roster, &(struct roster_row){.device = cast->first->device, .has_address = true});
}

static void cast_ticketed(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_METERS);
        roster_add(traffic->roster, &(struct roster_row){.device = cast->first->device,
                                                         .has_address = true,
                                                         .from_s = traffic->start_ns / SECOND_NS - DAY_S,
                                                         .until_s = traffic->end_ns / SECOND_NS + DAY_S,
                                                         .ticket = "CHG-77"});
}

/* Two SIMs of which the inventory does not say the modules. */
static void cast_pair(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_METERS);
        cast->second = session_claim(traffic, FLEET_METERS);
        roster_add(traffic->roster, &(struct roster_row){.device = cast->first->device, .has_address = true, .imei = ""});
        roster_add(traffic->roster, &(struct roster_row){.device = cast->second->device, .has_address = true, .imei = ""});
}

/* The SIM leaves its module for another; returns when it is there. */
static int64_t change_module(struct traffic *traffic, struct session *s, int64_t time_ns)
{
        int64_t gone_ns = session_detach(traffic, s, plot_begin(traffic, s, time_ns));
        imei_of_tac(other_tac, 700000 + s->device, s->imei);
        return session_attach(traffic, s, gone_ns + 30 * SECOND_NS);
}

static void swap(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t swapped_ns = change_module(traffic, cast->first, time_ns);
        int64_t end_ns = plot_chat(traffic, cast->first, swapped_ns);
        plot_expect(traffic, cast->first, "identity.imei_change", swapped_ns - SECOND_NS, end_ns,
                    "a SIM in another module than before");
}

static void swap_before(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        imei_of_tac(other_tac, 700000 + cast->first->device, cast->first->imei);
        int64_t end_ns = plot_begin(traffic, cast->first, time_ns);
        plot_expect(traffic, cast->first, "identity.imei_change", time_ns, end_ns,
                    "a SIM in another module than the inventory says");
}

static void swap_with_ticket(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t swapped_ns = change_module(traffic, cast->first, time_ns);
        int64_t end_ns = plot_chat(traffic, cast->first, swapped_ns);
        label_write(traffic, &(struct label){.types = "identity.imei_change",
                                             .what = "a SIM in another module, with a ticket",
                                             .device = cast->first->device,
                                             .start_ns = swapped_ns - SECOND_NS,
                                             .end_ns = end_ns,
                                             .severity = "info"});
}

static void other_software(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct session *s = cast->first;
        memcpy(s->imei + 14, "04", 3);
        int64_t gone_ns = session_detach(traffic, s, plot_begin(traffic, s, time_ns));
        memcpy(s->imei + 14, "05", 3);
        int64_t end_ns = plot_begin(traffic, s, gone_ns + 30 * SECOND_NS);
        plot_expect_nothing(traffic, s, JUDGED, time_ns, end_ns, "an IMEISV with another software version");
}

static void clone(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct address addresses[1] = {session_address(cast->second)};
        memcpy(cast->second->imei, cast->first->imei, 14); /* whatever stands behind them */
        int64_t next_ns = plot_begin(traffic, cast->first, time_ns);
        next_ns = plot_begin(traffic, cast->second, next_ns);
        next_ns = plot_chat(traffic, cast->first, next_ns);
        next_ns = plot_chat(traffic, cast->second, next_ns);
        label_write(traffic, &(struct label){.types = "identity.imei_clone",
                                             .what = "two SIMs with one IMEI talk at once",
                                             .device = cast->first->device,
                                             .others = addresses,
                                             .other_count = 1,
                                             .start_ns = time_ns,
                                             .end_ns = next_ns});
}

/* One module with two profiles: the session of the first lingers, and its server still asks. */
static void profile_switch(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        memcpy(cast->second->imei, cast->first->imei, sizeof(cast->second->imei));
        int64_t switched_ns = plot_begin(traffic, cast->first, time_ns) + MINUTE_NS;
        int64_t end_ns = plot_begin(traffic, cast->second, switched_ns);
        struct contact contact = {.device = cast->first->device,
                                  .peer = host_address(traffic->world, traffic->world->head_end, cast->first->device),
                                  .device_port = 4059,
                                  .peer_port = (uint16_t)(40000 + cast->first->device % 20000),
                                  .protocol = IP_TCP,
                                  .opener = DOWN,
                                  .unanswered = true};
        conversation_leave(conversation_open(traffic, &contact, switched_ns + 5 * SECOND_NS));
        session_detach(traffic, cast->first, switched_ns + 40 * SECOND_NS);
        plot_expect_nothing(traffic, cast->first, JUDGED, time_ns, end_ns, "a module changes to its other profile");
        plot_expect_nothing(traffic, cast->second, JUDGED, time_ns, end_ns, "a module changes to its other profile");
}

static void no_number(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        static const char zeros[] = "000000000000000";
        memcpy(cast->first->imei, zeros, sizeof(zeros));
        memcpy(cast->second->imei, zeros, sizeof(zeros));
        int64_t next_ns = plot_begin(traffic, cast->first, time_ns);
        next_ns = plot_begin(traffic, cast->second, next_ns);
        next_ns = plot_chat(traffic, cast->first, next_ns);
        plot_expect_nothing(traffic, cast->first, JUDGED, time_ns, next_ns, "modules that report zeros for their IMEI");
        plot_expect_nothing(traffic, cast->second, JUDGED, time_ns, next_ns, "modules that report zeros for their IMEI");
}

static void unknown(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t end_ns = plot_begin(traffic, cast->first, time_ns);
        plot_expect(traffic, cast->first, "identity.unknown_device", time_ns, end_ns,
                    "a SIM and a module that nobody listed");
}

static void retired(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t end_ns = plot_begin(traffic, cast->first, time_ns);
        plot_expect(traffic, cast->first, "identity.retired_active", time_ns, end_ns, "the inventory retired it");
}

/* Returns when it is there. */
static int64_t go_to(struct traffic *traffic, struct session *s, const struct serving_cell *cell, int64_t time_ns)
{
        int64_t gone_ns = session_detach(traffic, s, plot_begin(traffic, s, time_ns));
        s->cell = *cell;
        s->serving++;
        return session_attach(traffic, s, gone_ns + MINUTE_NS);
}

static void other_country(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t there_ns = go_to(traffic, cast->first, &(struct serving_cell){262, 2, 7010, 51234 << 8 | 1}, time_ns);
        int64_t end_ns = plot_chat(traffic, cast->first, there_ns);
        plot_expect(traffic, cast->first, "identity.relocated", there_ns - SECOND_NS, end_ns,
                    "a meter in a network of another country");
}

static void other_network(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t there_ns = go_to(traffic, cast->first, &(struct serving_cell){1, 2, 4800, 6001 << 8 | 2}, time_ns);
        int64_t end_ns = plot_chat(traffic, cast->first, there_ns);
        plot_expect(traffic, cast->first, "identity.relocated", there_ns - SECOND_NS, end_ns,
                    "a meter in another network of its country");
}

/* After more than a day where it belongs; only a run of days has the time. */
static void other_area(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        static const int64_t rest_ns = 26 * HOUR_NS;
        struct session *s = cast->first;
        struct serving_cell there = s->cell;
        int64_t end_ns = plot_begin(traffic, s, time_ns);
        if (time_ns + rest_ns > traffic->end_ns)
                return;
        for (int64_t at_ns = HOUR_NS; at_ns < rest_ns; at_ns += HOUR_NS)
                plot_chat(traffic, s, end_ns + at_ns);
        there.tracking_area = 4711;
        there.cell = 7001 << 8 | 1;
        int64_t moved_ns = session_move(traffic, s, &there, s->serving, end_ns + rest_ns);
        end_ns = plot_chat(traffic, s, moved_ns);
        plot_expect(traffic, s, "identity.relocated", moved_ns - SECOND_NS, end_ns,
                    "a meter in a tracking area where it never was");
}

static void tracker_abroad(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t there_ns = go_to(traffic, cast->first, &(struct serving_cell){262, 2, 7010, 51234 << 8 | 1}, time_ns);
        int64_t end_ns = plot_chat(traffic, cast->first, there_ns);
        plot_expect_nothing(traffic, cast->first, JUDGED, time_ns, end_ns, "a tracker in another country");
}

static struct conversation *browse(struct traffic *traffic, const struct session *s, const char *host, struct address peer,
                                   const char *path, const char *agent, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_name(traffic, s->device, host, &peer, time_ns);
        struct contact contact = {.device = s->device, .peer = peer, .peer_port = 80, .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, known_ns + 20 * MS_NS);
        http_send(c, &(struct http_exchange){.method = "GET",
                                             .host = host,
                                             .path = path,
                                             .user_agent = agent,
                                             .content_type = "text/plain",
                                             .response_body = "ok"});
        return c;
}

static struct conversation *report_home(struct traffic *traffic, const struct session *s, const char *host,
                                        struct address peer, int64_t time_ns)
{
        char path[64];
        snprintf(path, sizeof(path), "/v1/hello?imei=%.15s&fw=1.0.7", s->imei);
        return browse(traffic, s, host, peer, path, "agent/1.0", time_ns);
}

static void stolen_for_a_phone(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct session *s = cast->first;
        int64_t swapped_ns = change_module(traffic, s, time_ns);
        struct address peer = stranger_address(traffic->world, s->device);
        struct conversation *c = browse(traffic, s, "captive.apple.com", peer, "/hotspot-detect.html", "CaptiveNetworkSupport-500 wispr",
                                        swapped_ns + MINUTE_NS);
        expect_unlisted(c, swapped_ns, "a meter's SIM in a phone");
        conversation_close(c, UP);
        plot_expect(traffic, s, "identity.imei_change", swapped_ns - SECOND_NS, c->time_ns, "a meter's SIM in a phone");
        plot_expect(traffic, s, "identity.relocated", swapped_ns - SECOND_NS, c->time_ns, "a meter's SIM in a phone");
}

/* To the workbench and back: one cause. */
static void there_and_back(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        char own[sizeof(cast->first->imei)];
        memcpy(own, cast->first->imei, sizeof(own));
        int64_t swapped_ns = change_module(traffic, cast->first, time_ns);
        int64_t gone_ns = session_detach(traffic, cast->first, plot_chat(traffic, cast->first, swapped_ns));
        memcpy(cast->first->imei, own, sizeof(own));
        int64_t end_ns = plot_begin(traffic, cast->first, gone_ns + 30 * SECOND_NS);
        plot_expect(traffic, cast->first, "identity.imei_change", swapped_ns - SECOND_NS, end_ns,
                    "a SIM in another module, and back");
}

static void disclosed(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        char host[64];
        int64_t ready_ns = session_attach(traffic, cast->first, time_ns);
        struct address peer = stranger_address(traffic->world, cast->first->device);
        snprintf(host, sizeof(host), "hello%u.elsewhere.example", traffic->world->strangers);
        struct conversation *c = report_home(traffic, cast->first, host, peer, ready_ns);
        expect_alert(c, "identity.disclosed", time_ns, "the IMEI in clear to a stranger");
        expect_unlisted(c, time_ns, "the IMEI in clear to a stranger");
        conversation_close(c, UP);
}

static void disclosed_to_own(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        int64_t ready_ns = session_attach(traffic, cast->first, time_ns);
        struct address peer = service_address(traffic->world, SERVICE_API, cast->first->device, 0);
        struct conversation *c =
                report_home(traffic, cast->first, traffic->world->services[SERVICE_API].name, peer, ready_ns);
        label_write(traffic, &(struct label){.types = "identity.disclosed",
                                             .what = "the IMEI in clear to the fleet's own server",
                                             .device = cast->first->device,
                                             .peer = &peer,
                                             .start_ns = time_ns,
                                             .end_ns = c->time_ns,
                                             .severity = "info"});
        conversation_close(c, UP);
}

struct plot_list identity_plots(void)
{
        static const struct plot plots[] = {
                {"swap", cast_meter, swap},
                {"swap-before", cast_meter, swap_before},
                {"swap-with-ticket", cast_ticketed, swap_with_ticket},
                {"there-and-back", cast_meter, there_and_back},
                {"phone", cast_meter, stolen_for_a_phone},
                {"other-software", cast_meter, other_software},
                {"clone", cast_pair, clone},
                {"profile-switch", cast_pair, profile_switch},
                {"no-number", cast_pair, no_number},
                {"unknown", cast_nobody, unknown},
                {"retired", cast_retired, retired},
                {"other-country", cast_meter, other_country},
                {"other-network", cast_meter, other_network},
                {"other-area", cast_meter, other_area},
                {"tracker-abroad", cast_tracker, tracker_abroad},
                {"disclosed", cast_meter, disclosed},
                {"disclosed-to-own", cast_gateway, disclosed_to_own},
        };
        return (struct plot_list){plots, sizeof(plots) / sizeof(plots[0])};
}
