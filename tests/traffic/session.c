#include "tests/traffic/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traffic/timeline.h"
#include "tests/traffic/traffic.h"

#define SETTLED_NS (3 * SECOND_NS) /* repeated messages, too */

enum { BEARER = 5, SECOND_BEARER = 6, SERVING_GATEWAYS = 16, GATEWAY_RECOVERY = 7 };

struct session *session_of(const struct traffic *traffic, uint32_t device)
{
        return traffic->sessions != NULL ? &traffic->sessions->items[device] : NULL;
}

static struct address serving_address(uint32_t serving)
{
        uint8_t bytes[4] = {10, 255, 1, (uint8_t)(1 + serving % SERVING_GATEWAYS)};
        return address_of_ipv4(bytes);
}

static struct address gateway_address(void)
{
        static const uint8_t bytes[4] = {10, 255, 0, 1};
        return address_of_ipv4(bytes);
}

/* A tunnel that never meets another's: the n-th of a device is the first of one that is not there. */
static uint32_t draw_teid(const struct session *session, bool up)
{
        return device_teid(session->device + (session->generation << 20), up);
}

static void plan_tunnels(struct session *session)
{
        session->control[UP] = draw_teid(session, true) ^ 0x00330000;
        session->control[DOWN] = draw_teid(session, false) ^ 0x00330000;
        session->tunnel = (struct tunnel){serving_address(session->serving), gateway_address(),
                                          {[UP] = draw_teid(session, true), [DOWN] = draw_teid(session, false)}};
}

/* Meters by NB-IoT, trackers by LTE-M; every fourth device of IPv4 has both families. */
static void session_init(struct session *session, const struct world *world, uint32_t device)
{
        static const uint8_t radios[FLEET_COUNT + 1] = {RADIO_NB_IOT, RADIO_LTE_M, RADIO_EUTRAN, RADIO_LTE_M};
        enum fleet_number fleet = device_fleet(world, device);
        bool is_ipv6 = device_is_ipv6(world, device);
        session->device = device;
        session->serving = device;
        session->apn = fleet_apn(fleet);
        session->radio = radios[fleet];
        session->cell =
                (struct serving_cell){1, 1, (uint16_t)(4660 + device % 16), (4096 + device % 16) << 8 | (1 + device % 3)};
        device_imsi(device, session->imsi);
        device_imei(world, device, session->imei);
        if (device % 4 == 2) /* IMEISV: the check digit makes room for the version of the software */
                memcpy(session->imei + 14, "03", 3);
        session->has_ipv6 = is_ipv6 || device % 4 == 3;
        session->has_ipv4 = !is_ipv6;
        if (is_ipv6)
                session->ipv6 = device_address(world, device);
        else
                session->ipv4 = device_address(world, device);
        if (session->has_ipv6 && !is_ipv6) {
                uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0x23, (uint8_t)(device >> 8), (uint8_t)device, 0, 0,
                                     0,    0,    0,    0,    0, 1};
                bytes[4] = (uint8_t)(device >> 16);
                session->ipv6 = address_of_ipv6(bytes);
        }
        plan_tunnels(session);
        session->now = session->tunnel;
}

struct sessions *sessions_create(const struct world *world, uint64_t seed)
{
        struct sessions *sessions = calloc(1, sizeof(*sessions));
        if (sessions == NULL)
                return NULL;
        sessions->count = world->devices + WORLD_EXTRAS;
        sessions->items = calloc(sessions->count, sizeof(struct session));
        if (sessions->items == NULL) {
                free(sessions);
                return NULL;
        }
        for (uint32_t device = 0; device < sessions->count; device++)
                session_init(&sessions->items[device], world, device);
        sessions->random.state = seed ^ UINT64_C(0x53355338);
        sessions->sequence = 0x1000;
        return sessions;
}

void sessions_destroy(struct sessions *sessions)
{
        if (sessions == NULL)
                return;
        free(sessions->items);
        free(sessions);
}

struct address session_address(const struct session *session)
{
        return session->has_ipv4 ? session->ipv4 : session->ipv6;
}

struct session *session_claim(struct traffic *traffic, enum fleet_number fleet)
{
        uint32_t device = world_add_extra(traffic->world, fleet);
        struct session *session = session_of(traffic, device);
        session_init(session, traffic->world, device);
        session->is_own = true;
        return session;
}

struct tunnel_change {
        struct session *session;
        struct tunnel tunnel;
};

static void apply_tunnel(void *subject, int64_t time_ns)
{
        struct tunnel_change *change = subject;
        (void)time_ns;
        change->session->now = change->tunnel;
        free(change);
}

static void plan_change(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        struct tunnel_change *change = malloc(sizeof(*change));
        if (change == NULL)
                abort();
        *change = (struct tunnel_change){session, session->tunnel};
        timeline_add(traffic->timeline, time_ns, apply_tunnel, change);
}

static uint32_t next_sequence(struct traffic *traffic)
{
        return traffic->sessions->sequence++ & 0x7fffff; /* the top bit is of commands and their answers */
}

/* Request and answer; now and then the request is repeated, or the mirror port turns them round or is late with the answer.
 * Returns when the answer was there, whenever we saw it. */
static int64_t send_pair(struct traffic *traffic, const struct signal *request, const struct signal *response,
                         int64_t time_ns)
{
        struct random_stream *random = &traffic->sessions->random;
        int64_t answered_ns = time_ns + random_between(random, 8 * MS_NS, 70 * MS_NS);
        uint32_t chance = random_below(random, 16);
        signal_queue(traffic, request, chance == 1 ? answered_ns + random_between(random, 20000, 900000) : time_ns);
        if (chance == 2) {
                answered_ns += SECOND_NS;
                signal_queue(traffic, request, time_ns + SECOND_NS);
        }
        signal_queue(traffic, response,
                     chance == 4 ? answered_ns + random_between(random, 50 * MS_NS, 900 * MS_NS) : answered_ns);
        if (chance == 3) /* the answer was lost behind us */
                signal_queue(traffic, request, answered_ns + 2 * SECOND_NS);
        if (chance == 3)
                signal_queue(traffic, response, answered_ns + 2 * SECOND_NS + 3 * MS_NS);
        return answered_ns + 2 * MS_NS;
}

static struct signal begin_request(struct traffic *traffic, const struct session *session, uint8_t message)
{
        return (struct signal){.message = message,
                               .source = session->tunnel.station,
                               .destination = session->tunnel.gateway,
                               .sequence = next_sequence(traffic),
                               .teid = session->control[UP]};
}

static struct signal begin_response(const struct session *session, const struct signal *request)
{
        return (struct signal){.message = (uint8_t)(request->message + 1),
                               .source = request->destination,
                               .destination = request->source,
                               .sequence = request->sequence,
                               .cause = SIGNAL_ACCEPTED,
                               .teid = session->control[DOWN]};
}

/* Some mobility managers ask for the IMEI after the session was set up. */
static bool tells_module_late(const struct session *session)
{
        return session->device % 16 == 4 && !session->is_own;
}

static struct signal create_request(struct traffic *traffic, const struct session *session)
{
        struct signal s = begin_request(traffic, session, CREATE_SESSION_REQUEST);
        s.teid = 0;
        s.bearer = BEARER;
        s.radio = session->radio;
        s.cell = session->cell;
        s.apn = session->apn;
        s.apn_operator = session->device % 2 == 1 ? "mnc001.mcc001.gprs" : NULL;
        s.has_ipv4 = session->has_ipv4;
        s.has_ipv6 = session->has_ipv6;
        s.recovery = (uint8_t)(1 + session->serving % SERVING_GATEWAYS);
        memcpy(s.imsi, session->imsi, sizeof(s.imsi));
        if (!tells_module_late(session))
                memcpy(s.imei, session->imei, sizeof(s.imei));
        snprintf(s.msisdn, sizeof(s.msisdn), "4999%08u", session->device + 1);
        s.control = (struct tunnel_endpoint){session->control[DOWN], s.source, S5_SGW_CONTROL, 0};
        s.user[0] = (struct tunnel_endpoint){session->tunnel.teid[DOWN], s.source, S5_SGW_USER, 2};
        return s;
}

static struct signal create_response(const struct session *session, const struct signal *request)
{
        struct signal s = begin_response(session, request);
        s.bearer = BEARER;
        s.has_ipv4 = session->has_ipv4;
        s.has_ipv6 = session->has_ipv6;
        s.is_given = true;
        s.ipv4 = session->ipv4;
        s.ipv6 = session->ipv6;
        s.recovery = GATEWAY_RECOVERY;
        s.control = (struct tunnel_endpoint){session->control[UP], s.source, S5_PGW_CONTROL, 1};
        s.user[0] = (struct tunnel_endpoint){session->tunnel.teid[UP], s.source, S5_PGW_USER, 2};
        return s;
}

/* A second bearer, asked for in the datagram of the answer; no packet needs it. */
static struct signal bearer_request(struct traffic *traffic, const struct session *session)
{
        return (struct signal){.message = CREATE_BEARER_REQUEST,
                               .source = session->tunnel.gateway,
                               .destination = session->tunnel.station,
                               .sequence = next_sequence(traffic),
                               .teid = session->control[DOWN],
                               .linked_bearer = BEARER,
                               .user = {{session->tunnel.teid[UP] ^ 0x10000000, session->tunnel.gateway, S5_PGW_USER, 1}}};
}

static struct signal bearer_response(const struct session *session, const struct signal *request)
{
        struct signal s = begin_response(session, request);
        s.teid = session->control[UP];
        s.bearer = SECOND_BEARER;
        s.user[0] = (struct tunnel_endpoint){session->tunnel.teid[DOWN] ^ 0x10000000, s.source, S5_SGW_USER, 2};
        s.user[1] = request->user[0];
        s.user[1].instance = 3;
        return s;
}

static void tell_module(struct traffic *traffic, const struct session *session, int64_t time_ns)
{
        struct signal request = begin_request(traffic, session, MODIFY_BEARER_REQUEST);
        request.bearer = BEARER;
        memcpy(request.imei, session->imei, sizeof(request.imei));
        struct signal response = begin_response(session, &request);
        response.bearer = BEARER;
        send_pair(traffic, &request, &response, time_ns);
}

int64_t session_attach(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        session->generation++;
        plan_tunnels(session);
        struct signal request = create_request(traffic, session), response = create_response(session, &request), bearer;
        bool has_bearer = session->radio == RADIO_EUTRAN;
        if (has_bearer) {
                bearer = bearer_request(traffic, session);
                response.piggyback = &bearer;
        }
        int64_t done_ns = send_pair(traffic, &request, &response, time_ns);
        if (has_bearer) {
                struct signal answer = bearer_response(session, &bearer);
                signal_queue(traffic, &answer, done_ns + 15 * MS_NS);
        }
        if (tells_module_late(session))
                tell_module(traffic, session, done_ns + 200 * MS_NS);
        plan_change(traffic, session, done_ns);
        session->is_live = true;
        session->is_silent = false;
        session->ready_ns = done_ns + 5 * MS_NS;
        session->settled_ns = done_ns + SETTLED_NS;
        return session->ready_ns;
}

int64_t session_detach(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        struct signal request = begin_request(traffic, session, DELETE_SESSION_REQUEST);
        request.linked_bearer = BEARER;
        request.radio = session->radio;
        request.cell = session->cell;
        struct signal response = begin_response(session, &request);
        session->is_live = false;
        return send_pair(traffic, &request, &response, time_ns);
}

int64_t session_move(struct traffic *traffic, struct session *session, const struct serving_cell *cell, uint32_t serving,
                     int64_t time_ns)
{
        bool is_relocated = serving % SERVING_GATEWAYS != session->serving % SERVING_GATEWAYS;
        uint32_t anchor[2] = {session->control[UP], session->tunnel.teid[UP]}; /* the packet gateway keeps its own */
        session->cell = *cell;
        session->serving = serving;
        if (is_relocated) {
                session->generation++;
                plan_tunnels(session);
                session->control[UP] = anchor[0];
                session->tunnel.teid[UP] = anchor[1];
        }
        struct signal request = begin_request(traffic, session, MODIFY_BEARER_REQUEST);
        request.radio = session->radio;
        request.cell = *cell;
        request.bearer = BEARER;
        if (is_relocated) {
                request.control = (struct tunnel_endpoint){session->control[DOWN], request.source, S5_SGW_CONTROL, 0};
                request.user[0] = (struct tunnel_endpoint){session->tunnel.teid[DOWN], request.source, S5_SGW_USER, 1};
        }
        struct signal response = begin_response(session, &request);
        response.bearer = BEARER;
        snprintf(response.msisdn, sizeof(response.msisdn), "4999%08u", session->device + 1);
        int64_t done_ns = send_pair(traffic, &request, &response, time_ns);
        session->settled_ns = done_ns + SETTLED_NS;
        if (is_relocated)
                plan_change(traffic, session, done_ns);
        return done_ns;
}

int64_t session_require(struct traffic *traffic, uint32_t device, int64_t time_ns, bool began_before)
{
        struct session *session = session_of(traffic, device);
        if (session == NULL)
                return time_ns;
        if (!session->is_live && !session->is_own) {
                bool is_first = session->generation == 0 && session->ready_ns == 0;
                if (is_first && (began_before || device % 16 == 9)) {
                        session->is_live = session->is_silent = true;
                        session->ready_ns = time_ns;
                } else {
                        session_attach(traffic, session, time_ns);
                }
        }
        return session->ready_ns > time_ns ? session->ready_ns : time_ns;
}

struct tunnel conversation_tunnel(const struct conversation *c)
{
        const struct session *session = session_of(c->traffic, c->contact.device);
        if (c->has_tunnel)
                return c->tunnel;
        if (session != NULL)
                return session->now;
        uint32_t device = c->contact.device;
        return (struct tunnel){serving_address(device),
                               gateway_address(),
                               {[UP] = device_teid(device, true), [DOWN] = device_teid(device, false)}};
}

struct life { /* what happens to a session by itself */
        struct traffic *traffic;
        struct session *session;
        int64_t period_ns;
        void (*act)(struct traffic *traffic, struct session *session, int64_t time_ns);
};

static void life_wake(void *subject, int64_t time_ns)
{
        struct life *life = subject;
        int64_t next_ns =
                time_ns + random_between(&life->traffic->sessions->random, life->period_ns / 2, life->period_ns * 3 / 2);
        life->act(life->traffic, life->session, time_ns);
        if (next_ns < life->traffic->end_ns)
                timeline_add(life->traffic->timeline, next_ns, life_wake, life);
        else
                free(life);
}

/* Another cell each time, another serving gateway every third. */
static void move_on(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        struct random_stream *random = &traffic->sessions->random;
        struct serving_cell cell = session->cell;
        uint32_t serving = session->serving + (random_below(random, 3) == 0 ? 1 : 0);
        cell.cell = (4096 + random_below(random, 64)) << 8 | (1 + random_below(random, 3));
        cell.tracking_area = (uint16_t)(4660 + (cell.cell >> 8) % 16);
        if (session->is_live && !session->is_silent && !session->is_own && session->settled_ns <= time_ns)
                session_move(traffic, session, &cell, serving, time_ns);
}

static void set_up_anew(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        if (!session->is_live || session->is_own || session->settled_ns > time_ns)
                return;
        int64_t gone_ns = session->is_silent ? time_ns : session_detach(traffic, session, time_ns);
        session_attach(traffic, session, gone_ns + random_between(&traffic->sessions->random, 300 * MS_NS, 2500 * MS_NS));
}

/* Between the gateways: an echo a minute, of one serving gateway after the other. */
static void echo_path(struct traffic *traffic, struct session *session, int64_t time_ns)
{
        uint32_t serving = (uint32_t)(time_ns / MINUTE_NS);
        struct signal request = {.message = ECHO_REQUESTED,
                                 .source = serving_address(serving),
                                 .destination = gateway_address(),
                                 .sequence = next_sequence(traffic),
                                 .recovery = (uint8_t)(1 + serving % SERVING_GATEWAYS)};
        struct signal response = {.message = ECHO_ANSWERED,
                                  .source = request.destination,
                                  .destination = request.source,
                                  .sequence = request.sequence,
                                  .recovery = GATEWAY_RECOVERY};
        (void)session;
        signal_queue(traffic, &request, time_ns);
        signal_queue(traffic, &response, time_ns + 4 * MS_NS);
}

static void start_life(struct traffic *traffic, struct session *session, int64_t period_ns,
                       void (*act)(struct traffic *traffic, struct session *session, int64_t time_ns))
{
        struct life *life = malloc(sizeof(*life));
        if (life == NULL)
                abort();
        *life = (struct life){traffic, session, period_ns, act};
        int64_t first_ns = traffic->start_ns + 5 * SECOND_NS + random_between(&traffic->sessions->random, 0, period_ns);
        if (first_ns < traffic->end_ns)
                timeline_add(traffic->timeline, first_ns, life_wake, life);
        else
                free(life);
}

void sessions_start(struct traffic *traffic, unsigned calm)
{
        const struct world *world = traffic->world;
        if (traffic->sessions == NULL)
                return;
        start_life(traffic, NULL, MINUTE_NS, echo_path);
        for (uint32_t device = 0; device < world->devices; device++) {
                struct session *session = session_of(traffic, device);
                start_life(traffic, session, calm * 150 * MINUTE_NS, set_up_anew);
                if (device_fleet(world, device) == FLEET_TRACKERS)
                        start_life(traffic, session, calm * 12 * MINUTE_NS, move_on);
        }
}
