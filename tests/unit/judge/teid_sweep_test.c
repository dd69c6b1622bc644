#include <stdio.h>

#include "judge/judge_state.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

#define SIM_A "262011234567890"
#define STRANGER "10.66.0.200" /* no signalling names it */
#define SERVING "10.66.0.1"    /* the serving gateway of sessions that are known; their packet gateway is 10.66.0.2 */
#define GATEWAY "10.66.0.2"
#define LATER (13 * 3600.0)    /* the sensor has seen enough to know every session */

static struct court *open_with_session(void)
{
        struct court *court = court_open(NULL, NULL, NULL);
        court_attach(court, &(struct court_session){.imsi = SIM_A, .ip = "10.20.0.7", .teid = 17, .at_s = 1});
        return court;
}

/* Signalling goes on, so that it is visible. */
static void keep_seeing(struct court *court, double at_s)
{
        static uint32_t teid = 0x500000;
        court_attach(court, &(struct court_session){.imsi = "262011234567891", .ip = "10.20.0.8", .teid = ++teid, .at_s = at_s});
}

static ProtobufCBinaryData wire(const char *text, struct address *room)
{
        assert_true(address_parse(text, room));
        return (ProtobufCBinaryData){4, room->bytes + 12};
}

/* The next packet of a flow comes from `source` through another tunnel. */
static void send_into(struct court *court, const char *source, const char *inner, uint32_t teid, double at_s)
{
        struct court_flow flow = {.device = inner, .peer = "203.0.113.9", .protocol = 17, .peer_port = 5683, .opener = OUT, .start_s = at_s,
                                  .teid_up = teid, .tunnel_source = source, .tunnel_destination = GATEWAY};
        Apnwatch__V1__Tunnel tunnel = APNWATCH__V1__TUNNEL__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        struct address from, to;
        tunnel.teid = teid;
        tunnel.source = wire(source, &from);
        tunnel.destination = wire(GATEWAY, &to);
        event.body_case = APNWATCH__V1__EVENT__BODY_TUNNEL;
        event.tunnel = &tunnel;
        court_event(court, &flow, &event, at_s, true);
}

/* A flow of its own in each tunnel. */
static void open_flow(struct court *court, const char *source, const char *inner, uint32_t teid, double at_s, bool answered)
{
        struct court_flow flow = {.device = inner, .peer = "203.0.113.9", .protocol = 17, .peer_port = 5683, .opener = OUT, .start_s = at_s,
                                  .unanswered = !answered, .teid_up = teid, .teid_down = answered ? 0x40000000 + teid : 0,
                                  .tunnel_source = source, .tunnel_destination = GATEWAY};
        court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, true);
}

static const char *inner_of(unsigned k)
{
        static char text[32];
        snprintf(text, sizeof text, "10.20.%u.%u", 1 + k / 200, 1 + k % 200);
        return text;
}

static void notice(struct court *court, int kind, const char *from, const char *to, uint32_t teid, double at_s)
{
        struct court_flow flow = {.device = SERVING, .peer = GATEWAY, .protocol = 17, .device_port = 2152, .peer_port = 2152, .opener = OUT,
                                  .start_s = at_s};
        Apnwatch__V1__TunnelNotice told = APNWATCH__V1__TUNNEL_NOTICE__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        struct address source, destination;
        told.kind = kind;
        told.source = wire(from, &source);
        told.destination = wire(to, &destination);
        told.node = kind == APNWATCH__V1__TUNNEL_NOTICE__KIND__END_MARKER ? told.destination : told.source;
        told.teid = teid;
        event.body_case = APNWATCH__V1__EVENT__BODY_TUNNEL_NOTICE;
        event.tunnel_notice = &told;
        court_event(court, &flow, &event, at_s, true);
}

/* The gateway does not know the tunnel. */
static void refuse(struct court *court, const char *sender, uint32_t teid, double at_s)
{
        notice(court, APNWATCH__V1__TUNNEL_NOTICE__KIND__ERROR_INDICATION, GATEWAY, sender, teid, at_s);
}

static void expect_types(struct court *court, const char *types)
{
        assert_string_equal(court_types(court), types);
        court_close(court);
}

/* One inner address and many tunnels: 1 + 20 within a minute. It is about a node, which is no device. */
static void a_sweep_of_tunnels_is_told(void **state)
{
        (void)state;
        static const struct {
                unsigned tunnels;
                double pause_s;
                const char *types;
        } rows[] = {{21, 1, "gtp.unknown_teid"}, {32, 0.1, "gtp.unknown_teid"}, {20, 1, ""}, {40, 5, ""}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session();
                for (unsigned k = 0; k < rows[i].tunnels; k++)
                        send_into(court, STRANGER, "10.20.0.77", 0x7000 + 1000 * k, 100 + k * rows[i].pause_s);
                assert_string_equal(court_types(court), rows[i].types);
                if (court->count > 0) {
                        const Apnwatch__V1__Alert *alert = court->alerts[0];
                        assert_null(alert->device);
                        assert_null(alert->fleet);
                        assert_int_equal(alert->n_devices, 0);
                        assert_string_equal(alert->peer->ip, STRANGER);
                        assert_string_equal(alert->detail->plane, "user");
                        assert_string_equal(alert->detail->gateway, GATEWAY);
                        assert_int_equal(alert->detail->teids, 21);
                        assert_int_equal(alert->count, rows[i].tunnels);
                        assert_int_equal(alert->first->ns, COURT_NS(100));
                        assert_int_equal(alert->confidence, APNWATCH__V1__ALERT__CONFIDENCE__LIKELY);
                        assert_false(alert->detail->has_refused);
                }
                court_close(court);
        }
}

/* TEIDs one behind the other are nobody's by chance. */
static void dense_numbers_make_it_certain(void **state)
{
        (void)state;
        struct court *court = open_with_session();
        for (unsigned k = 0; k < 30; k++)
                send_into(court, STRANGER, "10.20.0.77", 0x7000 + k, 100 + k);
        court_types(court);
        assert_int_equal(court_alert(court, "gtp.unknown_teid")->confidence, APNWATCH__V1__ALERT__CONFIDENCE__CONFIRMED);
        court_close(court);
}

/* A flow's end tells the same attempt again: it is one. */
static void an_attempt_counts_once(void **state)
{
        (void)state;
        struct court *court = open_with_session();
        for (unsigned turn = 0; turn < 2; turn++)
                for (unsigned k = 0; k < 200; k++) {
                        struct court_flow flow = {.device = "10.20.0.77", .peer = "203.0.113.9", .protocol = 17, .peer_port = 5683, .opener = OUT,
                                                  .start_s = 100 + 0.1 * k, .unanswered = true, .teid_up = 0x7000 + 50 * k, .id = 7000 + k,
                                                  .tunnel_source = STRANGER, .tunnel_destination = GATEWAY};
                        court_news(court, &flow, turn ? APNWATCH__V1__FLOW_NEWS__PHASE__END : APNWATCH__V1__FLOW_NEWS__PHASE__KNOWN, true);
                }
        court_types(court);
        assert_int_equal(court_alert(court, "gtp.unknown_teid")->count, 200);
        court_close(court);
}

/* A sensor that started late: many devices, each with a tunnel that was set up before. Later the same is a sweep. */
static void late_start_is_no_sweep(void **state)
{
        (void)state;
        for (unsigned later = 0; later < 2; later++) {
                struct court *court = open_with_session();
                double at_s = later ? LATER : 100;
                keep_seeing(court, at_s - 60);
                for (unsigned k = 0; k < 40; k++)
                        open_flow(court, SERVING, inner_of(k), 0x7000 + 977 * k, at_s + k, false);
                assert_string_equal(court_types(court), later ? "gtp.unknown_teid" : "");
                if (later)
                        assert_int_equal(court->alerts[0]->confidence, APNWATCH__V1__ALERT__CONFIDENCE__POSSIBLE);
                court_close(court);
        }
}

/* Devices that sleep for days have sessions older than the sensor. Some are answered, which tells that their gateway has such. */
static void a_gateway_whose_tunnels_live_unseen_is_not_accused(void **state)
{
        (void)state;
        for (unsigned answered = 0; answered < 4; answered++) {
                struct court *court = open_with_session();
                keep_seeing(court, LATER - 60);
                for (unsigned k = 0; k < answered; k++)
                        open_flow(court, SERVING, inner_of(100 + k), 0x9000 + 977 * k, LATER - 50, true);
                for (unsigned k = 0; k < 40; k++)
                        open_flow(court, SERVING, inner_of(k), 0x7000 + 977 * k, LATER + k, false);
                expect_types(court, answered < 3 ? "gtp.unknown_teid" : "");
        }
}

/* Used for ten minutes, and nobody objected. */
static void steady_tunnels_are_live(void **state)
{
        (void)state;
        struct court *court = open_with_session();
        for (unsigned round = 0; round < 3; round++)
                for (unsigned k = 0; k < 24; k++) { /* seven a minute, then all at once */
                        double at_s = LATER + round * 900 + k * (round < 2 ? 9 : 0.1);
                        keep_seeing(court, at_s - 0.01);
                        open_flow(court, SERVING, inner_of(k), 0x7000 + 977 * k, at_s, false);
                }
        expect_types(court, "");
}

/* Router solicitations have the same source in many tunnels. */
static void addresses_that_many_have_say_nothing(void **state)
{
        (void)state;
        static const char *const shared[] = {"fe80::1", "::"};
        for (unsigned i = 0; i < 2; i++) {
                struct court *court = open_with_session();
                for (unsigned k = 0; k < 40; k++)
                        send_into(court, SERVING, shared[i], 0x7000 + 977 * k, 100 + k);
                expect_types(court, "");
        }
}

/* A head-end asks its meters, whose sessions are older than the sensor: one sender outside, many devices. */
static void a_poll_is_no_sweep(void **state)
{
        (void)state;
        struct court *court = open_with_session();
        for (unsigned k = 0; k < 40; k++) {
                struct court_flow flow = {.device = inner_of(k), .peer = "203.0.113.9", .protocol = 17, .peer_port = 4059, .opener = IN,
                                          .start_s = 100 + k, .unanswered = true, .teid_down = 0x7000 + 977 * k,
                                          .tunnel_source = GATEWAY, .tunnel_destination = SERVING};
                court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, true);
        }
        expect_types(court, "");
}

static void no_sweep_without_signalling_nor_of_tunnels_that_were_there(void **state)
{
        (void)state;
        struct court *court = court_open(NULL, NULL, NULL);
        for (unsigned k = 0; k < 40; k++)
                send_into(court, STRANGER, "10.20.0.77", 0x7000 + k, 100 + k);
        expect_types(court, "");
        court = court_open(NULL, NULL, NULL);
        for (unsigned k = 0; k < 40; k++) {
                char imsi[20], ip[32];
                snprintf(imsi, sizeof imsi, "2620112345678%02u", k);
                snprintf(ip, sizeof ip, "10.20.0.%u", k + 1);
                court_attach(court, &(struct court_session){.imsi = imsi, .ip = ip, .teid = 0x7000 + k, .at_s = 1 + k});
                if (k % 2) /* released a while ago */
                        court_detach(court, &(struct court_session){.teid = 0x7000 + k, .at_s = 1.5 + k});
        }
        for (unsigned k = 0; k < 40; k++)
                send_into(court, SERVING, "10.20.9.9", 0x7000 + k, 600 + 0.1 * k);
        expect_types(court, "");
}

static void tell_echo(struct court *court, const char *node, uint32_t sequence, uint64_t recovery, double at_s)
{
        Apnwatch__V1__Signalling echo = APNWATCH__V1__SIGNALLING__INIT;
        struct address from, to;
        echo.protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__GTPV2C;
        echo.procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__PATH;
        echo.phase = APNWATCH__V1__SIGNALLING__PHASE__RESPONSE;
        echo.message = 2;
        echo.source = wire(node, &from);
        echo.destination = wire("10.66.0.9", &to);
        echo.has_sequence = echo.has_recovery = true;
        echo.sequence = sequence;
        echo.recovery = recovery;
        court_signalling(court, &echo, at_s);
}

/* The gateway came back with another counter: all that goes to its old tunnels is unknown. */
static void a_restarted_node_is_not_swept(void **state)
{
        (void)state;
        for (unsigned which = 0; which < 2; which++) {
                struct court *court = open_with_session();
                for (unsigned i = 0; i < 2; i++)
                        tell_echo(court, which ? SERVING : GATEWAY, 100 + i, 7 + i, 50 + i);
                for (unsigned k = 0; k < 40; k++) {
                        send_into(court, SERVING, "10.20.0.77", 0x7000 + k, 100 + k);
                        refuse(court, SERVING, 0x7000 + k, 100.1 + k);
                }
                expect_types(court, "");
        }
}

/* An Error Indication counts in the first hours too, whatever the inner addresses; the same without them does not. */
static void what_the_node_refuses_was_never_set_up(void **state)
{
        (void)state;
        for (unsigned refused = 0; refused < 2; refused++) {
                struct court *court = open_with_session();
                for (unsigned k = 0; k < 30; k++) {
                        if (refused)
                                refuse(court, SERVING, 0x7000 + 977 * k, 100 + k); /* before the flow is told */
                        open_flow(court, SERVING, inner_of(k), 0x7000 + 977 * k, 100 + k, false);
                }
                assert_string_equal(court_types(court), refused ? "gtp.unknown_teid" : "");
                if (refused) {
                        assert_int_equal(court->alerts[0]->confidence, APNWATCH__V1__ALERT__CONFIDENCE__CONFIRMED);
                        assert_int_equal(court->alerts[0]->count, 30);
                        assert_int_equal(court->alerts[0]->detail->refused, 20);
                        assert_string_equal(court->alerts[0]->peer->ip, SERVING);
                }
                court_close(court);
        }
}

/* Refusals behind the alert make it certain. */
static void a_refusal_makes_it_certain(void **state)
{
        (void)state;
        struct court *court = open_with_session();
        for (unsigned k = 0; k < 30; k++)
                send_into(court, STRANGER, "10.20.0.77", 0x7000 + 977 * k, 100 + k);
        for (unsigned k = 5; k < 30; k++)
                refuse(court, STRANGER, 0x7000 + 977 * k, 131);
        court_types(court);
        const Apnwatch__V1__Alert *alert = court_alert(court, "gtp.unknown_teid");
        assert_int_equal(alert->confidence, APNWATCH__V1__ALERT__CONFIDENCE__CONFIRMED);
        assert_int_equal(alert->count, 30);
        court_close(court);
}

/* Its own tunnel is stale, the session goes on: its address is still its. */
static void a_session_outlives_the_refusal_of_its_tunnel(void **state)
{
        (void)state;
        static const struct {
                const char *from, *to;
                double at_s;
                enum tunnel_knowledge knowledge;
        } rows[] = {{GATEWAY, SERVING, 60, TUNNEL_RELEASED}, {GATEWAY, "10.66.0.99", 60, TUNNEL_BOUND}, /* told to somebody else */
                    {GATEWAY, SERVING, 3, TUNNEL_BOUND}};                                               /* it is being set up */
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session();
                struct address gateway, device;
                struct holder holder;
                notice(court, APNWATCH__V1__TUNNEL_NOTICE__KIND__ERROR_INDICATION, rows[i].from, rows[i].to, 17, rows[i].at_s);
                assert_true(address_parse(GATEWAY, &gateway) && address_parse("10.20.0.7", &device));
                struct tunnel_question question = {.side = TUNNEL_ANY, .teid = 17, .node = gateway, .time_ns = COURT_NS(rows[i].at_s)};
                assert_int_equal(bindings_of_tunnel(court->judge->bindings, &question, &holder), rows[i].knowledge);
                const struct binding *binding = bindings_of_address(court->judge->bindings, 0, NULL, &device, COURT_NS(rows[i].at_s));
                assert_non_null(binding);
                expect_types(court, "");
        }
}

static void attach_three(struct court *court)
{
        for (unsigned k = 0; k < 3; k++) {
                char imsi[20], ip[32];
                snprintf(imsi, sizeof imsi, "2620112345678%02u", k);
                snprintf(ip, sizeof ip, "10.20.0.%u", k + 1);
                court_attach(court, &(struct court_session){.imsi = imsi, .ip = ip, .teid = 0x17 + k, .at_s = 1 + k});
        }
}

/* It denies tunnels that were in use, a few: it has lost all, and its counter was not seen. */
static void a_node_that_lost_its_tunnels_is_not_swept(void **state)
{
        (void)state;
        for (unsigned lost = 2; lost < 4; lost++) {
                struct court *court = court_open(NULL, NULL, NULL);
                attach_three(court);
                for (unsigned k = 0; k < lost; k++)
                        refuse(court, SERVING, 0x17 + k, 90 + k);
                for (unsigned k = 0; k < 30; k++)
                        refuse(court, SERVING, 0x7000 + 977 * k, 100 + k);
                expect_types(court, lost == 3 ? "" : "gtp.unknown_teid");
        }
}

/* Denials that somebody forged: the gateway goes on to serve what it had. Only that speaks against them; then others do not count either. */
static void a_node_that_goes_on_to_serve_what_it_had_has_lost_nothing(void **state)
{
        (void)state;
        static const struct {
                uint32_t teid;
                bool is_answered, is_renewed, is_denied_again;
                double at_s;
                const char *types;
        } rows[] = {{0x17, true, false, false, 95, "gtp.unknown_teid"}, {0x17, true, false, true, 95, "gtp.unknown_teid"},
                    {0x17, false, false, false, 95, ""},                 {0x17, true, false, false, 80, ""}, /* before */
                    {0x99, true, true, false, 95, ""}};                     /* set up anew */
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = court_open(NULL, NULL, NULL);
                attach_three(court);
                for (unsigned k = 0; k < 3; k++)
                        refuse(court, SERVING, 0x17 + k, 90 + k);
                if (rows[i].is_renewed)
                        court_attach(court, &(struct court_session){.imsi = "262011234567800", .ip = "10.20.0.1", .teid = 0x99, .at_s = 94});
                open_flow(court, SERVING, "10.20.0.1", rows[i].teid, rows[i].at_s, rows[i].is_answered);
                for (unsigned k = 0; k < 3 && rows[i].is_denied_again; k++)
                        refuse(court, SERVING, 0x17 + k, 97 + k);
                for (unsigned k = 0; k < 30; k++)
                        refuse(court, SERVING, 0x7000 + 977 * k, 100 + k);
                expect_types(court, rows[i].types);
        }
}

/* After a handover the last packets come by the old tunnel. */
static void ended_tunnels_were_there(void **state)
{
        (void)state;
        for (unsigned ended = 0; ended < 2; ended++) {
                struct court *court = open_with_session();
                for (unsigned k = 0; k < 40; k++) {
                        if (ended)
                                notice(court, APNWATCH__V1__TUNNEL_NOTICE__KIND__END_MARKER, SERVING, GATEWAY, 0x7000 + 977 * k, 100 + k);
                        send_into(court, SERVING, "10.20.0.77", 0x7000 + 977 * k, 100.5 + k);
                }
                expect_types(court, ended ? "" : "gtp.unknown_teid");
        }
}

/* The interface drops a tenth of its packets for ten seconds. */
static void drop_packets(struct court *court, double at_s)
{
        for (unsigned i = 0; i < 12; i++) {
                Apnwatch__V1__Link link = APNWATCH__V1__LINK__INIT;
                event_t event = APNWATCH__V1__EVENT__INIT;
                link.interface = (char *)"eth1";
                link.received = 9000 * i;
                link.dropped_kernel = 1000 * i;
                event.body_case = APNWATCH__V1__EVENT__BODY_LINK;
                event.link = &link;
                event.clock = (uint64_t)COURT_NS(at_s + i);
                judge_event(court->judge, &event);
        }
}

/* What was set up while events were lost is as unknown as what was before the sensor began. */
static void a_hole_is_a_late_start(void **state)
{
        (void)state;
        for (unsigned way = 0; way < 4; way++) {
                bool refused = way % 2;
                struct court *court = open_with_session();
                Apnwatch__V1__Incident incident = APNWATCH__V1__INCIDENT__INIT;
                event_t event = APNWATCH__V1__EVENT__INIT;
                keep_seeing(court, LATER - 60);
                incident.kind = APNWATCH__V1__INCIDENT__KIND__PIPE_LOSS;
                event.body_case = APNWATCH__V1__EVENT__BODY_INCIDENT;
                event.incident = &incident;
                event.clock = (uint64_t)COURT_NS(LATER - 30);
                if (way < 2)
                        judge_event(court->judge, &event);
                else
                        drop_packets(court, LATER - 30);
                for (unsigned k = 0; k < 40; k++) {
                        open_flow(court, SERVING, inner_of(k), 0x7000 + 977 * k, LATER + k, false);
                        if (refused)
                                refuse(court, SERVING, 0x7000 + 977 * k, LATER + k);
                }
                assert_null(strstr(court_types(court), "gtp."));
                court_close(court);
        }
}

/* Nobody named the sender, and it counts upwards: after ten minutes of signalling that is enough. */
static void a_stranger_that_counts_is_told_early(void **state)
{
        (void)state;
        static const struct {
                const char *source, *types;
                uint32_t step;
                double at_s;
        } rows[] = {{STRANGER, "gtp.unknown_teid", 1, 900}, {STRANGER, "", 1, 100}, {STRANGER, "", 977, 900}, {SERVING, "", 1, 900}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session();
                for (unsigned k = 0; k < 30; k++)
                        open_flow(court, rows[i].source, inner_of(k), 0x7000 + rows[i].step * k, rows[i].at_s + k, false);
                expect_types(court, rows[i].types);
        }
}

struct guess {
        int protocol, procedure;
        uint32_t cause; /* of the answer; 0: accepted */
        const char *source;
        uint64_t key;
        uint32_t sequence;
};

static void say(struct court *court, const struct guess *guess, bool is_answer, double at_s)
{
        Apnwatch__V1__Signalling said = APNWATCH__V1__SIGNALLING__INIT;
        struct address from, to;
        said.protocol = guess->protocol;
        said.procedure = guess->procedure;
        said.phase = is_answer ? APNWATCH__V1__SIGNALLING__PHASE__RESPONSE : APNWATCH__V1__SIGNALLING__PHASE__REQUEST;
        said.source = wire(is_answer ? GATEWAY : guess->source, &from);
        said.destination = wire(is_answer ? guess->source : GATEWAY, &to);
        said.has_sequence = true;
        said.sequence = guess->sequence;
        said.has_key = true;
        said.key = is_answer ? 0 : guess->key;
        said.has_accepted = is_answer;
        said.accepted = guess->cause == 0;
        said.has_cause = is_answer && guess->cause != 0;
        said.cause = guess->cause;
        court_signalling(court, &said, at_s);
}

static void ask(struct court *court, const struct guess *guess, double at_s)
{
        say(court, guess, false, at_s);
        say(court, guess, true, at_s + 0.01);
}

#define PROTOCOL(name) APNWATCH__V1__SIGNALLING__PROTOCOL__##name
#define PROCEDURE(name) APNWATCH__V1__SIGNALLING__PROCEDURE__##name

static void guessed_sessions_are_told(void **state)
{
        (void)state;
        static const struct {
                int protocol, procedure;
                uint32_t cause;
                unsigned guesses;
                double pause_s;
                const char *types;
        } rows[] = {{PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, 12, 1, "gtp.unknown_teid"},
                    {PROTOCOL(GTPV2C), PROCEDURE(MODIFY), 64, 10, 5, "gtp.unknown_teid"},
                    {PROTOCOL(GTPV1C), PROCEDURE(DELETE), 192, 12, 1, "gtp.unknown_teid"},
                    {PROTOCOL(PFCP), PROCEDURE(MODIFY), 65, 12, 1, "gtp.unknown_teid"},
                    {PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, 9, 1, ""},   /* too few */
                    {PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, 40, 10, ""}, /* too slow */
                    {PROTOCOL(GTPV2C), PROCEDURE(DELETE), 72, 40, 1, ""},  /* refused for another reason */
                    {PROTOCOL(GTPV2C), PROCEDURE(DELETE), 0, 40, 1, ""},   /* sessions from before the sensor */
                    {PROTOCOL(GTPV1C), PROCEDURE(DELETE), 64, 40, 1, ""},
                    {PROTOCOL(GTPV2C), PROCEDURE(RELOCATE), 64, 40, 1, ""}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session();
                for (unsigned k = 0; k < rows[i].guesses; k++)
                        ask(court, &(struct guess){rows[i].protocol, rows[i].procedure, rows[i].cause, STRANGER, 0x7000 + 31 * k, 100 + k},
                            100 + k * rows[i].pause_s);
                assert_string_equal(court_types(court), rows[i].types);
                if (court->count > 0) {
                        const Apnwatch__V1__Alert *alert = court->alerts[0];
                        assert_null(alert->device);
                        assert_string_equal(alert->peer->ip, STRANGER);
                        assert_string_equal(alert->detail->plane, "control");
                        assert_string_equal(alert->detail->gateway, GATEWAY);
                        assert_int_equal(alert->detail->refused, 10);
                        assert_int_equal(alert->count, rows[i].guesses);
                }
                court_close(court);
        }
}

/* One session that is gone, asked for again and again; and each answer twice. */
static void a_repeated_request_is_one_guess(void **state)
{
        (void)state;
        struct court *court = open_with_session();
        for (unsigned k = 0; k < 40; k++) {
                struct guess guess = {PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, STRANGER, 0x7000 + k % 9, 100 + k};
                ask(court, &guess, 100 + k);
                ask(court, &guess, 100.1 + k);
        }
        expect_types(court, "");
}

static void guesses_at_a_restarted_node_are_none(void **state)
{
        (void)state;
        struct court *court = open_with_session();
        for (unsigned i = 0; i < 2; i++)
                tell_echo(court, GATEWAY, 100 + i, 7 + i, 50 + i);
        for (unsigned k = 0; k < 40; k++)
                ask(court, &(struct guess){PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, SERVING, 0x7000 + 31 * k, 200 + k}, 100 + k);
        expect_types(court, "");
}

/* Sessions that live are not found: the node has lost them, and those from before the sensor too. */
static void a_node_that_lost_its_sessions_is_not_guessed_at(void **state)
{
        (void)state;
        for (unsigned lost = 2; lost < 4; lost++) {
                struct court *court = court_open(NULL, NULL, NULL);
                attach_three(court);
                for (unsigned k = 0; k < lost; k++)
                        ask(court, &(struct guess){PROTOCOL(GTPV2C), PROCEDURE(MODIFY), 64, SERVING, 0x17 + k, 900 + k}, 90 + k);
                for (unsigned k = 0; k < 20; k++)
                        ask(court, &(struct guess){PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, SERVING, 0x7000 + 31 * k, 200 + k}, 100 + k);
                expect_types(court, lost == 3 ? "" : "gtp.unknown_teid");
        }
}

static void a_node_that_knows_a_session_from_before_has_lost_nothing(void **state)
{
        (void)state;
        for (unsigned known = 0; known < 2; known++) {
                struct court *court = court_open(NULL, NULL, NULL);
                attach_three(court);
                for (unsigned k = 0; k < 3; k++)
                        ask(court, &(struct guess){PROTOCOL(GTPV2C), PROCEDURE(MODIFY), 64, SERVING, 0x17 + k, 900 + k}, 90 + k);
                if (known)
                        ask(court, &(struct guess){PROTOCOL(GTPV2C), PROCEDURE(MODIFY), 16, SERVING, 0x17, 950}, 95);
                for (unsigned k = 0; k < 20; k++)
                        ask(court, &(struct guess){PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, SERVING, 0x7000 + 31 * k, 200 + k}, 100 + k);
                expect_types(court, known ? "gtp.unknown_teid" : "");
        }
}

/* Many more senders than are kept, each of which is met once, while one goes on. It goes on too where the clock went back. */
static void a_sweep_among_many_senders_is_told(void **state)
{
        (void)state;
        static const struct {
                bool is_user;
                unsigned attempts, others; /* others: between two attempts */
                double pause_s, before_s;  /* between two senders; when it was met before, 0: it was not */
        } rows[] = {{true, 24, 200, 0.0005, 0}, {true, 24, 120, 0.02, 1000}, {false, 12, 200, 0.001, 0}, {false, 12, 600, 0.0005, 0},
                    {false, 12, 150, 0.03, 1000}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session();
                if (rows[i].before_s > 0 && rows[i].is_user)
                        refuse(court, STRANGER, 0x6000, rows[i].before_s);
                else if (rows[i].before_s > 0)
                        ask(court, &(struct guess){PROTOCOL(GTPV2C), PROCEDURE(DELETE), 64, STRANGER, 0x6000, 1}, rows[i].before_s);
                for (unsigned k = 0; k < rows[i].attempts * rows[i].others; k++) {
                        char other[32];
                        bool is_other = k % rows[i].others != 0;
                        double at_s = 100 + k * rows[i].pause_s;
                        snprintf(other, sizeof other, "10.70.%u.%u", k / 200, k % 200);
                        struct guess guess = {PROTOCOL(GTPV2C), PROCEDURE(DELETE), is_other ? 0 : 64, is_other ? other : STRANGER,
                                              0x7000 + 31 * k, 100 + k};
                        if (rows[i].is_user) {
                                refuse(court, guess.source, (uint32_t)guess.key, at_s);
                                continue;
                        }
                        say(court, &guess, false, at_s);
                        say(court, &guess, true, at_s + 0.0002);
                }
                expect_types(court, "gtp.unknown_teid");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_sweep_of_tunnels_is_told),
                cmocka_unit_test(dense_numbers_make_it_certain),
                cmocka_unit_test(an_attempt_counts_once),
                cmocka_unit_test(late_start_is_no_sweep),
                cmocka_unit_test(a_gateway_whose_tunnels_live_unseen_is_not_accused),
                cmocka_unit_test(steady_tunnels_are_live),
                cmocka_unit_test(addresses_that_many_have_say_nothing),
                cmocka_unit_test(a_poll_is_no_sweep),
                cmocka_unit_test(no_sweep_without_signalling_nor_of_tunnels_that_were_there),
                cmocka_unit_test(a_restarted_node_is_not_swept),
                cmocka_unit_test(what_the_node_refuses_was_never_set_up),
                cmocka_unit_test(a_refusal_makes_it_certain),
                cmocka_unit_test(a_session_outlives_the_refusal_of_its_tunnel),
                cmocka_unit_test(a_node_that_lost_its_tunnels_is_not_swept),
                cmocka_unit_test(ended_tunnels_were_there),
                cmocka_unit_test(a_hole_is_a_late_start),
                cmocka_unit_test(a_stranger_that_counts_is_told_early),
                cmocka_unit_test(guessed_sessions_are_told),
                cmocka_unit_test(a_repeated_request_is_one_guess),
                cmocka_unit_test(a_sweep_among_many_senders_is_told),
                cmocka_unit_test(guesses_at_a_restarted_node_are_none),
                cmocka_unit_test(a_node_that_lost_its_sessions_is_not_guessed_at),
                cmocka_unit_test(a_node_that_goes_on_to_serve_what_it_had_has_lost_nothing),
                cmocka_unit_test(a_node_that_knows_a_session_from_before_has_lost_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
