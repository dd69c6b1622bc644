#include <stdio.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"
#include "tests/traffic/incident.h"
#include "tests/traffic/packet.h"
#include "tests/traffic/plot.h"
#include "tests/traffic/roster.h"

#define JUDGED "gtp.spoofed_source gtp.nested gtp.unknown_teid gtp.signalling"

enum { GTPU_PORT = 2152, GTPC_PORT = 2123, PFCP_PORT = 8805, NTP_PORT = 123, SWEEP = 48, GUESSES = 24 };

static const uint8_t question[48] = {0x23, 0, 6, 0xe9}; /* NTP, of a client */

static void cast_nobody(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_NONE);
}

/* Another meter's address, which has no session. */
static void cast_with_address(struct traffic *traffic, struct plot_cast *cast)
{
        cast_meter(traffic, cast);
        cast->second = session_claim(traffic, FLEET_METERS);
        roster_add(traffic->roster, &(struct roster_row){.device = cast->second->device, .has_address = true});
}

static struct conversation *ask_time(struct traffic *traffic, const struct session *s, int64_t time_ns)
{
        struct contact contact = {.device = s->device,
                                  .peer = traffic->world->time_server[0],
                                  .peer_port = NTP_PORT,
                                  .protocol = IP_UDP};
        return conversation_open(traffic, &contact, time_ns);
}

static void ask(struct conversation *c, unsigned times)
{
        for (unsigned i = 0; i < times; i++) {
                conversation_send(c, UP, question, sizeof(question));
                tell_label(c, &(struct label_fact){.label = "NTP", .visibility = FACT_READABLE});
                conversation_wait(c, SECOND_NS);
        }
}

static void spoof_as(struct traffic *traffic, struct session *s, struct address source, int64_t time_ns,
                     const char *what)
{
        int64_t ready_ns = session_attach(traffic, s, time_ns);
        struct conversation *c = ask_time(traffic, s, ready_ns + 20 * SECOND_NS);
        c->device = source;
        ask(c, 3);
        label_write(traffic, &(struct label){.types = "gtp.spoofed_source",
                                             .what = what,
                                             .device = s->device,
                                             .others = &source,
                                             .other_count = 1,
                                             .start_ns = time_ns,
                                             .end_ns = c->time_ns});
        conversation_leave(c);
}

static void spoof_neighbour(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        spoof_as(traffic, cast->first, session_address(cast->second), time_ns, "packets with a neighbour's address");
}

static void spoof_outside(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        static const uint8_t source[4] = {198, 51, 100, 222};
        spoof_as(traffic, cast->first, address_of_ipv4(source), time_ns, "packets with an address of the Internet");
}

static void link_local(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        static const uint8_t own[16] = {0xfe, 0x80, [15] = 1}, routers[16] = {0xff, 0x02, [15] = 2};
        struct session *s = cast->first;
        s->has_ipv6 = true;
        if (s->ipv6.bytes[0] == 0) {
                const uint8_t prefix[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0x23, 0xff, (uint8_t)s->device, [15] = 1};
                s->ipv6 = address_of_ipv6(prefix);
        }
        struct contact contact = {.device = s->device, .peer = address_of_ipv6(routers), .protocol = IP_ICMPV6};
        struct conversation *c = conversation_open(traffic, &contact, session_attach(traffic, s, time_ns));
        c->device = address_of_ipv6(own);
        conversation_queue(c, c->time_ns, UP, NULL, 0);
        c->latest->icmp_type = ROUTER_SOLICITATION;
        plot_expect_nothing(traffic, s, JUDGED, time_ns, c->time_ns, "a router solicitation from a link-local address");
        conversation_leave(c);
        plot_chat(traffic, s, c->time_ns + SECOND_NS);
}

static void new_address(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct session *s = cast->first;
        int64_t gone_ns = session_detach(traffic, s, plot_begin(traffic, s, time_ns));
        s->ipv4 = cast->second->ipv4;
        int64_t end_ns = plot_begin(traffic, s, gone_ns + 2 * SECOND_NS);
        plot_expect_nothing(traffic, s, JUDGED, time_ns, end_ns, "another address after a new session");
}

/* A neighbour of the core tries one tunnel after the other. */
static void sweep(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        static const uint8_t station[4] = {10, 255, 7, 9}, gateway[4] = {10, 255, 0, 1};
        struct address sender = address_of_ipv4(station);
        uint32_t first = random_u32(&traffic->sessions->random);
        int64_t end_ns = time_ns;
        for (uint32_t i = 0; i < SWEEP; i++) {
                struct conversation *c = ask_time(traffic, cast->first, time_ns + i * 150 * MS_NS);
                c->has_tunnel = true;
                c->tunnel =
                        (struct tunnel){address_of_ipv4(station), address_of_ipv4(gateway), {[UP] = first + i, [DOWN] = 0}};
                ask(c, 1);
                end_ns = c->time_ns;
                conversation_leave(c);
        }
        label_write(traffic, &(struct label){.types = "gtp.unknown_teid",
                                             .what = "tunnels tried that nobody set up",
                                             .is_anybody = true,
                                             .peer = &sender,
                                             .start_ns = time_ns,
                                             .end_ns = end_ns});
        label_write(traffic, &(struct label){.types = "identity.unknown_device",
                                             .what = "the address in those tunnels",
                                             .device = cast->first->device,
                                             .start_ns = time_ns,
                                             .end_ns = end_ns,
                                             .optional = true});
}

/* Delete Session Requests for TEIDs that nobody has: "context not found". */
static int64_t delete_strangers(struct traffic *traffic, const struct address *from, const struct address *to, int64_t time_ns)
{
        enum { CONTEXT_NOT_FOUND = 64 };
        uint32_t first = random_u32(&traffic->sessions->random);
        for (uint32_t i = 0; i < GUESSES; i++, time_ns += 700 * MS_NS) {
                struct signal request = {.message = DELETE_SESSION_REQUEST, .sequence = 0x1000 + i, .teid = first + 17 * i, .linked_bearer = 5,
                                         .source = *from, .destination = *to};
                struct signal answer = {.message = DELETE_SESSION_RESPONSE, .sequence = 0x1000 + i, .cause = CONTEXT_NOT_FOUND,
                                        .source = *to, .destination = *from};
                signal_queue(traffic, &request, time_ns);
                signal_queue(traffic, &answer, time_ns + 10 * MS_NS);
        }
        return time_ns;
}

static void cast_none(struct traffic *traffic, struct plot_cast *cast)
{
        (void)traffic;
        (void)cast;
}

static void guess(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        static const uint8_t station[4] = {10, 255, 7, 10}, gateway[4] = {10, 255, 0, 1};
        struct address from = address_of_ipv4(station), to = address_of_ipv4(gateway);
        (void)cast;
        int64_t end_ns = delete_strangers(traffic, &from, &to, time_ns);
        label_write(traffic, &(struct label){.types = "gtp.unknown_teid",
                                             .what = "sessions guessed on the control plane",
                                             .is_anybody = true,
                                             .peer = &from,
                                             .start_ns = time_ns,
                                             .end_ns = end_ns});
}

/* A gateway elsewhere comes back with another recovery counter, and does not know what it is asked to delete. */
static void restart(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        static const uint8_t serving[4] = {10, 255, 9, 1}, gateway[4] = {10, 255, 9, 2};
        struct address from = address_of_ipv4(serving), to = address_of_ipv4(gateway);
        (void)cast;
        for (uint8_t i = 0; i < 2; i++) {
                int64_t said_ns = time_ns + i * 30 * SECOND_NS;
                struct signal echo = {.message = ECHO_ANSWERED, .sequence = 0x800u + i, .recovery = (uint8_t)(1 + said_ns / SECOND_NS % 250),
                                      .source = to, .destination = from};
                signal_queue(traffic, &echo, said_ns);
        }
        int64_t end_ns = delete_strangers(traffic, &from, &to, time_ns + 40 * SECOND_NS);
        label_write(traffic, &(struct label){.types = JUDGED,
                                             .what = "deletions of what a restarted gateway has lost",
                                             .is_anybody = true,
                                             .peer = &from,
                                             .start_ns = time_ns,
                                             .end_ns = end_ns,
                                             .decoy = true});
}

/* Both ends go on for a while after the session was deleted. */
static void stale(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct session *s = cast->first;
        struct conversation *c = ask_time(traffic, s, session_attach(traffic, s, time_ns) + 10 * SECOND_NS);
        ask(c, 4);
        session_detach(traffic, s, c->time_ns - SECOND_NS);
        for (unsigned i = 0; i < 8; i++) {
                conversation_send(c, i % 2 == 0 ? DOWN : UP, question, sizeof(question));
                conversation_wait(c, 2 * SECOND_NS);
        }
        plot_expect_nothing(traffic, s, JUDGED, time_ns, c->time_ns, "packets after the session was deleted");
        conversation_leave(c);
}

/* A tunnel within the tunnel, towards the packet gateway, as if from a neighbour. */
static void nested(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct session *s = cast->first;
        struct address victim = session_address(cast->second);
        int64_t ready_ns = session_attach(traffic, s, time_ns);
        struct conversation *c = ask_time(traffic, s, ready_ns + 20 * SECOND_NS);
        c->device = victim;
        c->has_tunnel = c->is_nested = true;
        c->tunnel = (struct tunnel){session_address(s), s->tunnel.gateway, {[UP] = cast->second->tunnel.teid[UP]}};
        ask(c, 4);
        label_write(traffic, &(struct label){.types = "gtp.nested",
                                             .what = "GTP-U within the session towards the gateway",
                                             .device = s->device,
                                             .others = &victim,
                                             .other_count = 1,
                                             .start_ns = time_ns,
                                             .end_ns = c->time_ns});
        conversation_leave(c);
}

static void send_to_core(struct traffic *traffic, struct session *s, uint16_t port, const void *bytes, size_t length,
                         int64_t time_ns, const char *what)
{
        struct contact contact = {.device = s->device,
                                  .peer = s->tunnel.gateway,
                                  .device_port = port,
                                  .peer_port = port,
                                  .protocol = IP_UDP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        for (unsigned i = 0; i < 3; i++) {
                conversation_send(c, UP, bytes, length);
                conversation_wait(c, 3 * SECOND_NS);
        }
        expect_alert(c, "gtp.signalling", time_ns, what);
        label_write(traffic, &(struct label){.types = "destination.unlisted",
                                             .what = what,
                                             .device = s->device,
                                             .peer = &c->contact.peer,
                                             .start_ns = time_ns,
                                             .end_ns = c->time_ns,
                                             .optional = true});
        conversation_leave(c);
}

/* A Create Session Request that would bind another SIM, were it believed. */
static void speaks_gtpc(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct session *s = cast->first;
        struct bytes *b = &traffic->scratch;
        int64_t ready_ns = session_attach(traffic, s, time_ns);
        struct signal forged = {.message = CREATE_SESSION_REQUEST,
                                .sequence = 1,
                                .imsi = "001019999999999",
                                .imei = "353470000000006",
                                .apn = s->apn,
                                .bearer = 5,
                                .radio = RADIO_EUTRAN,
                                .cell = s->cell,
                                .has_ipv4 = true,
                                .control = {7, session_address(s), S5_SGW_CONTROL, 0},
                                .user = {{8, session_address(s), S5_SGW_USER, 2}}};
        bytes_clear(b);
        signal_encode(&forged, b);
        send_to_core(traffic, s, GTPC_PORT, b->data, b->length, ready_ns + 10 * SECOND_NS,
                     "a device asks the gateway for a session");
}

static void speaks_pfcp(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        /* Heartbeat Request with its Recovery Time Stamp: TS 29.244, 7.4.2 */
        static const uint8_t heartbeat[] = {0x20, 1, 0, 12, 0, 0, 1, 0, 0, 96, 0, 4, 0xed, 0x50, 0, 1};
        int64_t ready_ns = session_attach(traffic, cast->first, time_ns);
        send_to_core(traffic, cast->first, PFCP_PORT, heartbeat, sizeof(heartbeat), ready_ns + 10 * SECOND_NS,
                     "a device speaks PFCP with the gateway");
}

struct plot_list tunnel_plots(void)
{
        static const struct plot plots[] = {
                {"spoof-neighbour", cast_with_address, spoof_neighbour},
                {"spoof-outside", cast_meter, spoof_outside},
                {"link-local", cast_meter, link_local},
                {"new-address", cast_with_address, new_address},
                {"sweep", cast_nobody, sweep},
                {"guess", cast_none, guess},
                {"restart", cast_none, restart},
                {"stale", cast_meter, stale},
                {"nested", cast_with_address, nested},
                {"speaks-gtpc", cast_meter, speaks_gtpc},
                {"speaks-pfcp", cast_meter, speaks_pfcp},
        };
        return (struct plot_list){plots, sizeof(plots) / sizeof(plots[0])};
}

/* A bare address of nobody's, on a port of no rule. */
static int64_t go_astray(struct traffic *traffic, struct session *s, int64_t time_ns, const char *what)
{
        static const uint8_t hello[24] = {0xa7, 0x1c, 1, 1}, answer[8] = {0xa7, 0x1c, 1, 0x80};
        struct contact contact = {.device = s->device,
                                  .peer = stranger_address(traffic->world, s->device),
                                  .peer_port = 7001,
                                  .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        conversation_send(c, UP, hello, sizeof(hello));
        conversation_send(c, DOWN, answer, sizeof(answer));
        struct address address = session_address(s);
        label_write(traffic, &(struct label){.types = "destination.unlisted",
                                             .what = what,
                                             .device = s->device,
                                             .address = &address,
                                             .peer = &c->contact.peer,
                                             .start_ns = time_ns,
                                             .end_ns = c->time_ns});
        int64_t end_ns = c->time_ns + SECOND_NS;
        conversation_close(c, UP);
        return end_ns;
}

/* One SIM after the other has the same address, with seconds in between, or less. */
static void reuse(struct traffic *traffic, const struct plot_cast *cast, int64_t time_ns)
{
        struct session *first = cast->first, *second = cast->second;
        second->ipv4 = first->ipv4;
        for (unsigned i = 0; i < 2; i++) {
                int64_t ready_ns = session_attach(traffic, first, time_ns);
                int64_t done_ns = go_astray(traffic, first, ready_ns + SECOND_NS,
                                            "a stranger, asked by the first SIM with this address");
                ready_ns = session_attach(traffic, second,
                                          session_detach(traffic, first, done_ns) + (i == 0 ? 2 * SECOND_NS : 300 * MS_NS));
                done_ns = go_astray(traffic, second, ready_ns, "a stranger, asked by the second SIM with this address");
                time_ns = session_detach(traffic, second, done_ns) + 3 * SECOND_NS;
        }
}

/* The inventory knows the SIMs, not their addresses. */
static void cast_reuse(struct traffic *traffic, struct plot_cast *cast)
{
        cast->first = session_claim(traffic, FLEET_METERS);
        cast->second = session_claim(traffic, FLEET_METERS);
        roster_add(traffic->roster, &(struct roster_row){.device = cast->first->device});
        roster_add(traffic->roster, &(struct roster_row){.device = cast->second->device});
}

struct plot_list reuse_plots(void)
{
        static const struct plot plots[] = {{"reuse", cast_reuse, reuse}};
        return (struct plot_list){plots, sizeof(plots) / sizeof(plots[0])};
}
