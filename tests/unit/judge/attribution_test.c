/* Whose an alert is: sessions are signalled, flows come before, within and behind them. */
#include <stdio.h>

#include "judge/judge_state.h"
#include "judge/nat_log.h"
#include "judge/self_report.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

#define SIM_A "262011234567890"
#define SIM_B "262011234567891"
#define SIM_C "262021234567892"
#define MODULE_A "8612340512345601"
#define MODULE_B "3588930012345601"
#define METER "10.20.0.7"

/* Nothing is allowed but a resolver and a name. */
static const char by_apn[] =
        "version: 1\n"
        "fleets:\n"
        "  - name: meters\n"
        "    members: [{apn: meters.example}]\n"
        "    destinations: {allow: [{prefix: 10.0.0.53/32}, {name: own, domain: \"*.utility.example\", protocol: tcp, port: 8883}]}\n"
        "  - name: others\n"
        "    members: [{prefix: 10.0.0.0/8}]\n"
        "    destinations: {allow: [{prefix: 10.0.0.53/32}]}\n";

static void attach(struct court *court, const char *imsi, const char *imei, const char *ip, uint32_t teid, double at_s)
{
        court_attach(court, &(struct court_session){.imsi = imsi, .imei = imei, .ip = ip, .teid = teid, .at_s = at_s,
                                                    .plmn = "262-01", .cell = 168496129});
}

static void detach(struct court *court, uint32_t teid, double at_s)
{
        court_detach(court, &(struct court_session){.teid = teid, .at_s = at_s});
}

/* Told a second after its last packet. */
static void connect(struct court *court, const char *device, const char *peer, double start_s, double last_s)
{
        court_flow(court, &(struct court_flow){.device = device, .peer = peer, .peer_port = 443, .opener = OUT, .start_s = start_s,
                                               .last_s = last_s});
}

static const Apnwatch__V1__Alert *alert_to(const struct court *court, const char *peer)
{
        const Apnwatch__V1__Alert *found = NULL;
        for (unsigned i = 0; i < court->count; i++) {
                const Apnwatch__V1__Alert *alert = court->alerts[i];
                if (strcmp(alert->type, "destination.unlisted") != 0 || strcmp(alert->peer->ip, peer) != 0)
                        continue;
                assert_null(found);
                found = alert;
        }
        assert_non_null(found);
        return found;
}

static void tick(struct court *court, double at_s)
{
        Apnwatch__V1__Tick body = APNWATCH__V1__TICK__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.clock = (uint64_t)(COURT_NS(0) + (int64_t)(at_s * 1e9));
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &body;
        judge_event(court->judge, &event);
}

static void an_alert_names_the_session_that_held_the_address(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 10);
        connect(court, METER, "198.51.100.9", 20, 21);
        court_types(court);
        const Apnwatch__V1__Alert *alert = alert_to(court, "198.51.100.9");
        assert_string_equal(alert->fleet, "meters");
        assert_string_equal(alert->device->imsi, SIM_A);
        assert_string_equal(alert->device->imei, MODULE_A);
        assert_string_equal(alert->device->apn, "meters.example");
        assert_string_equal(alert->device->plmn, "262-01");
        assert_string_equal(alert->device->cell, "ecgi:262-01-168496129");
        assert_null(alert->device->msisdn);
        assert_null(alert->device->rat);
        assert_null(alert->device->vendor);
        assert_null(alert->device->vendor_source);
        court_close(court);
}

static void what_comes_before_its_signalling_waits_for_it(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_B, MODULE_B, "10.20.0.8", 16, 1);
        court_dns(court, METER, "head.utility.example", NULL, "192.0.2.10", 60, 20);
        court_flow(court, &(struct court_flow){.device = METER, .peer = "192.0.2.10", .peer_port = 8883, .opener = OUT, .start_s = 20.2});
        connect(court, METER, "198.51.100.9", 20.5, 21);
        assert_int_equal(waiting_room_events(court->judge->room), 3);
        tick(court, 24);
        assert_false(waiting_room_is_empty(court->judge->room));
        attach(court, SIM_A, MODULE_A, METER, 17, 24.8);
        assert_true(waiting_room_is_empty(court->judge->room));
        assert_string_equal(court_types(court), "destination.unlisted"); /* the name was learned, and for the right fleet */
        const Apnwatch__V1__Alert *alert = alert_to(court, "198.51.100.9");
        assert_string_equal(alert->fleet, "meters");
        assert_string_equal(alert->device->imsi, SIM_A);
        court_close(court);
}

static void nobody_waits_longer_than_five_seconds(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_B, MODULE_B, "10.20.0.8", 16, 1);
        connect(court, METER, "198.51.100.9", 20, 21); /* told at 22 */
        tick(court, 26);
        assert_false(waiting_room_is_empty(court->judge->room));
        tick(court, 27);
        assert_true(waiting_room_is_empty(court->judge->room));
        connect(court, METER, "198.51.100.10", 27, 27.5); /* nor does it wait again */
        assert_true(waiting_room_is_empty(court->judge->room));
        attach(court, SIM_A, MODULE_A, METER, 17, 40);
        connect(court, METER, "198.51.100.11", 41, 42);
        court_types(court);
        assert_null(alert_to(court, "198.51.100.9")->device->imsi);
        assert_string_equal(alert_to(court, "198.51.100.9")->fleet, "others");
        assert_null(alert_to(court, "198.51.100.10")->device->imsi);
        assert_string_equal(alert_to(court, "198.51.100.11")->device->imsi, SIM_A);
        assert_string_equal(alert_to(court, "198.51.100.11")->fleet, "meters");
        court_close(court);
}

static void without_signalling_nobody_waits(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        connect(court, METER, "198.51.100.9", 20, 21);
        assert_int_equal(waiting_room_events(court->judge->room), 0);
        attach(court, SIM_A, MODULE_A, METER, 17, 23);
        court_types(court);
        assert_null(alert_to(court, "198.51.100.9")->device->imsi);
        court_close(court);
}

static void what_waits_at_the_end_is_judged(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_B, MODULE_B, "10.20.0.8", 16, 1);
        connect(court, METER, "198.51.100.9", 20, 21);
        assert_int_equal(court->count, 0);
        court_types(court);
        assert_null(alert_to(court, "198.51.100.9")->device->imsi);
        court_close(court);
}

/* The same peer twice, and the end of the first flow is told when the address is another's. */
static void an_address_that_goes_to_another_sim_makes_two_alerts(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 10);
        detach(court, 17, 20);
        attach(court, SIM_B, MODULE_B, METER, 18, 21);
        connect(court, METER, "198.51.100.9", 22, 22.5);
        connect(court, METER, "198.51.100.9", 18, 23);
        connect(court, METER, "198.51.100.9", 24, 24.5);
        assert_string_equal(court_types(court), "destination.unlisted destination.unlisted");
        assert_string_equal(court->alerts[0]->device->imsi, SIM_B);
        assert_int_equal(court->alerts[0]->count, 2);
        assert_string_equal(court->alerts[1]->device->imsi, SIM_A);
        assert_string_equal(court->alerts[1]->device->imei, MODULE_A);
        assert_string_not_equal(court->alerts[0]->id, court->alerts[1]->id);
        court_close(court);
}

/* A name at an address that was an answer to the SIM before, in another fleet. */
static void what_was_resolved_before_is_the_predecessors(void **state)
{
        (void)state;
        struct court *court = court_open("version: 1\n"
                                         "fleets:\n"
                                         "  - {name: a, members: [{imsi_prefix: \"" SIM_A "\"}], destinations: {allow: [{domain: \"*.utility.example\"}]}}\n"
                                         "  - {name: b, members: [{imsi_prefix: \"" SIM_B "\"}], destinations: {allow: [{domain: \"*.utility.example\"}]}}\n",
                                         NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 10);
        court_dns(court, METER, "head.utility.example", NULL, "192.0.2.10", 60, 12);
        connect(court, METER, "192.0.2.10", 14, 15);
        assert_int_equal(court->count, 0);
        detach(court, 17, 20);
        attach(court, SIM_B, MODULE_B, METER, 18, 21);
        court_dns(court, METER, "other.example", NULL, "192.0.2.99", 60, 22);
        connect(court, METER, "192.0.2.10", 30, 31);
        court_types(court);
        assert_int_equal(court->count, 1);
        assert_string_equal(court->alerts[0]->type, "destination.unlisted");
        assert_string_equal(court->alerts[0]->fleet, "b");
        assert_null(court->alerts[0]->peer->name);
        court_close(court);
}

static void an_alert_names_the_cell_at_its_time(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 10);
        connect(court, METER, "198.51.100.9", 20, 21);
        court_move(court, &(struct court_session){.teid = 17, .at_s = 30, .plmn = "262-01", .cell = 168496130});
        connect(court, METER, "198.51.100.10", 40, 41);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->cell, "ecgi:262-01-168496129");
        assert_string_equal(alert_to(court, "198.51.100.10")->device->cell, "ecgi:262-01-168496130");
        assert_string_equal(alert_to(court, "198.51.100.10")->device->imsi, SIM_A);
        court_close(court);
}

static void after_its_end_a_session_holds_nothing(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 10);
        detach(court, 17, 50);
        connect(court, METER, "198.51.100.9", 40, 70); /* begun within */
        connect(court, METER, "198.51.100.10", 120, 121);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_A);
        assert_string_equal(alert_to(court, "198.51.100.9")->fleet, "meters");
        assert_null(alert_to(court, "198.51.100.10")->device->imsi);
        assert_string_equal(alert_to(court, "198.51.100.10")->fleet, "others");
        court_close(court);
}

static const struct tap taps[] = {
        {.name = "sgi-1", .vlan = -1, .vni = -1, .gre_key = -1, .role = TAP_SGI, .apn = "a.example", .tenant = "north", .context = 1},
        {.name = "sgi-2", .vlan = -1, .vni = -1, .gre_key = -1, .role = TAP_SGI, .apn = "b.example", .tenant = "south", .context = 2},
        {.name = "nat", .vlan = -1, .vni = -1, .gre_key = -1, .role = TAP_SGI_NAT, .context = 0},
};

static struct court *open_with_taps(const char *policy)
{
        struct court *court = court_open(policy, NULL, NULL);
        judge_destroy(court->judge);
        court->settings.taps = (struct tap_list){taps, 3};
        court->judge = judge_create(&court->settings);
        assert_non_null(court->judge);
        return court;
}

/* Signalling comes from a tap that both pools share; their flows from taps whose APNs are known. */
static void two_pools_with_the_same_addresses_stay_apart(void **state)
{
        (void)state;
        struct court *court = open_with_taps(by_apn);
        court_attach(court, &(struct court_session){.imsi = SIM_A, .imei = MODULE_A, .ip = METER, .apn = "a.example", .teid = 17, .at_s = 1});
        court_attach(court, &(struct court_session){.imsi = SIM_C, .imei = MODULE_B, .ip = METER, .apn = "b.example", .teid = 18, .at_s = 2});
        struct court_flow flow = {.device = METER, .peer = "198.51.100.9", .peer_port = 443, .opener = OUT, .start_s = 20, .context = 1,
                                  .tap = 1};
        court_flow(court, &flow);
        flow.context = flow.tap = 2;
        flow.peer = "198.51.100.10";
        court_flow(court, &flow);
        flow.context = flow.tap = 0; /* nobody can say whose this is */
        flow.peer = "198.51.100.11";
        court_flow(court, &flow);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_A);
        assert_string_equal(alert_to(court, "198.51.100.9")->tenant, "north");
        assert_string_equal(alert_to(court, "198.51.100.10")->device->imsi, SIM_C);
        assert_string_equal(alert_to(court, "198.51.100.10")->tenant, "south");
        assert_null(alert_to(court, "198.51.100.11")->device->imsi);
        court_close(court);
}

static void behind_a_nat_nothing_is_attributed(void **state)
{
        (void)state;
        struct court *court = open_with_taps(by_apn);
        attach(court, SIM_A, MODULE_A, METER, 17, 1);
        court_flow(court, &(struct court_flow){.device = METER, .peer = "198.51.100.9", .peer_port = 443, .opener = OUT, .start_s = 20,
                                               .tap = 3});
        court_types(court);
        assert_null(alert_to(court, "198.51.100.9")->device->imsi);
        court_close(court);
}

static void a_nat_log_tells_who_is_inside(void **state)
{
        (void)state;
        static const char rows[] = "from,until,inside,outside,port_first,port_last,protocol\n"
                                   "2026-03-01,2026-03-02,10.20.0.7,203.0.113.5,40000,40999,tcp\n";
        struct nat_log *log = nat_log_parse("nat.csv", rows, sizeof rows - 1, stderr);
        struct court *court = open_with_taps(by_apn);
        assert_non_null(log);
        judge_destroy(court->judge);
        court->settings.nat = log;
        court->judge = judge_create(&court->settings);
        attach(court, SIM_A, MODULE_A, METER, 17, 1);
        struct court_flow flow = {.device = "203.0.113.5", .device_port = 40001, .peer = "198.51.100.9", .peer_port = 443, .opener = OUT,
                                  .start_s = 20, .tap = 3};
        court_flow(court, &flow);
        assert_true(waiting_room_is_empty(court->judge->room));
        flow.device_port = 50000;
        flow.peer = "198.51.100.10";
        court_flow(court, &flow);
        assert_true(waiting_room_is_empty(court->judge->room)); /* no binding will come for it */
        assert_string_equal(court_types(court), "destination.unlisted");
        assert_string_equal(alert_to(court, "198.51.100.9")->device->ip, METER);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_A);
        court_close(court);
        nat_log_destroy(log);
}

/* Its address says somebody else, or nobody. */
static void a_tunnel_tells_better_than_the_address(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 1);
        attach(court, SIM_B, MODULE_B, "10.20.0.8", 18, 2);
        struct court_flow flow = {.device = "10.20.0.8", .peer = "198.51.100.9", .peer_port = 443, .opener = OUT, .start_s = 20, .teid_up = 17,
                                  .tunnel_source = "10.66.0.1", .tunnel_destination = "10.66.0.2"};
        court_flow(court, &flow);
        flow.teid_up = 99; /* not known: the address */
        flow.peer = "198.51.100.10";
        court_flow(court, &flow);
        flow.opener = IN; /* the first packet went down the tunnel */
        flow.teid_up = 0;
        flow.teid_down = 17 + 0x10000;
        flow.tunnel_source = "10.66.0.2";
        flow.tunnel_destination = "10.66.0.1";
        flow.peer = "198.51.100.11";
        court_flow(court, &flow);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_A);
        assert_string_equal(alert_to(court, "198.51.100.10")->device->imsi, SIM_B);
        for (unsigned i = 0; i < court->count; i++)
                if (strcmp(court->alerts[i]->type, "access.inbound") == 0)
                        assert_string_equal(court->alerts[i]->device->imsi, SIM_A);
        court_close(court);
}

/* Where devices move over an interface that is not seen a TEID is given to another without a word. */
static void a_tunnel_that_was_given_on_unseen_tells_less_than_the_address(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 1);
        court_account(court, &(struct court_session){.imsi = SIM_B, .ip = "10.20.0.8", .at_s = 2});
        struct court_flow flow = {.device = "10.20.0.8", .peer = "198.51.100.9", .peer_port = 443, .opener = OUT, .start_s = 20, .teid_up = 17,
                                  .tunnel_source = "10.66.0.1", .tunnel_destination = "10.66.0.2"};
        court_flow(court, &flow);
        flow.device = METER;
        flow.peer = "198.51.100.10";
        court_flow(court, &flow);
        detach(court, 17, 30);
        court_account(court, &(struct court_session){.imsi = SIM_B, .ip = "10.20.0.7", .at_s = 31}); /* and what was on its way is not his */
        flow.start_s = 40;
        flow.peer = "198.51.100.11";
        court_flow(court, &flow);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_B);
        assert_string_equal(alert_to(court, "198.51.100.10")->device->imsi, SIM_A);
        assert_string_equal(alert_to(court, "198.51.100.11")->device->imsi, SIM_B);
        court_close(court);
}

/* What a device sends goes to no radio's end: the number is the serving gateway's other one by now. */
static void an_end_of_the_way_down_carries_nothing_up(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, METER, 17, 1);
        attach(court, SIM_B, MODULE_B, "10.20.0.8", 18, 2);
        struct court_flow flow = {.device = "10.20.0.8", .peer = "198.51.100.9", .peer_port = 443, .opener = OUT, .start_s = 20,
                                  .teid_up = 17 + 0x10000, .tunnel_source = "10.66.0.3", .tunnel_destination = "10.66.0.1"};
        court_flow(court, &flow);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_B);
        court_close(court);
}

static void control_plane_from_a_device_binds_nobody(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        attach(court, SIM_A, MODULE_A, "10.66.0.9", 17, 1); /* the device has the address from which the next one comes */
        Apnwatch__V1__Signalling said = APNWATCH__V1__SIGNALLING__INIT;
        Apnwatch__V1__Flow flow = APNWATCH__V1__FLOW__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        struct bindings_numbers numbers;
        uint8_t source[4] = {10, 66, 0, 9}, gateway[4] = {10, 66, 0, 2}, ue[4] = {10, 20, 0, 9};
        said.protocol = APNWATCH__V1__SIGNALLING__PROTOCOL__RADIUS; /* believed without an answer */
        said.procedure = APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE;
        said.message = 4;
        said.source = (ProtobufCBinaryData){4, source};
        said.destination = (ProtobufCBinaryData){4, gateway};
        said.imsi = (char *)SIM_B;
        said.has_ipv4 = true;
        said.ipv4 = (ProtobufCBinaryData){4, ue};
        flow.device = said.source;
        flow.peer = said.destination;
        event.flow = &flow;
        event.clock = (uint64_t)COURT_NS(5);
        event.body_case = APNWATCH__V1__EVENT__BODY_SIGNALLING;
        event.signalling = &said;
        judge_event(court->judge, &event);
        bindings_numbers(court->judge->bindings, &numbers);
        assert_int_equal(numbers.opened, 1);
        source[3] = 5; /* nobody's address, but in a tunnel of the user plane */
        flow.has_teid_up = true;
        judge_event(court->judge, &event);
        bindings_numbers(court->judge->bindings, &numbers);
        assert_int_equal(numbers.opened, 1);
        flow.has_teid_up = false;
        judge_event(court->judge, &event);
        bindings_numbers(court->judge->bindings, &numbers);
        assert_int_equal(numbers.opened, 2);
        attach(court, SIM_C, MODULE_B, "10.66.0.1", 18, 6); /* a pool that overlaps with the core's addresses stops nothing */
        attach(court, "262021234567893", MODULE_B, "10.20.0.10", 19, 7);
        bindings_numbers(court->judge->bindings, &numbers);
        assert_int_equal(numbers.opened, 4);
        court_close(court);
}

static void fleets_take_members_by_sim_module_and_row(void **state)
{
        (void)state;
        struct court *court = court_open("version: 1\n"
                                         "fleets:\n"
                                         "  - {name: by-row, members: [{inventory: listed}], destinations: {}}\n"
                                         "  - {name: by-tac, members: [{imei_tac: [\"35889300\"]}], destinations: {}}\n"
                                         "  - {name: by-sim, members: [{imsi_prefix: \"26202\"}], destinations: {}}\n"
                                         "  - {name: rest, members: [{prefix: 0.0.0.0/0}], destinations: {}}\n",
                                         NULL, "ip,imsi,imei,fleet,vendor,site\n,262011234567899,,listed,Acme,Plant 7\n");
        attach(court, "262011234567899", MODULE_A, "10.20.0.1", 17, 1);
        attach(court, SIM_B, MODULE_B, "10.20.0.2", 18, 2);
        attach(court, SIM_C, MODULE_A, "10.20.0.3", 19, 3);
        attach(court, SIM_A, MODULE_A, "10.20.0.4", 20, 4);
        connect(court, "10.20.0.1", "198.51.100.1", 20, 21);
        connect(court, "10.20.0.2", "198.51.100.2", 20, 21);
        connect(court, "10.20.0.3", "198.51.100.3", 20, 21);
        connect(court, "10.20.0.4", "198.51.100.4", 20, 21);
        detach(court, 20, 30);
        attach(court, SIM_C, MODULE_A, "10.20.0.4", 21, 40); /* the address is in another fleet from now on */
        connect(court, "10.20.0.4", "198.51.100.5", 50, 51);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.1")->fleet, "by-row");
        assert_string_equal(alert_to(court, "198.51.100.1")->device->site, "Plant 7");
        assert_string_equal(alert_to(court, "198.51.100.1")->device->vendor, "Acme");
        assert_string_equal(alert_to(court, "198.51.100.1")->device->vendor_source, "inventory");
        assert_string_equal(alert_to(court, "198.51.100.2")->fleet, "by-tac");
        assert_string_equal(alert_to(court, "198.51.100.3")->fleet, "by-sim");
        assert_string_equal(alert_to(court, "198.51.100.4")->fleet, "rest");
        assert_string_equal(alert_to(court, "198.51.100.5")->fleet, "by-sim");
        court_close(court);
}

static void imported_rows_bind_where_nothing_is_signalled(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        struct binding_row row = {.from_ns = COURT_NS(0), .until_ns = COURT_NS(100), .imsi = SIM_A, .apn = "meters.example"};
        assert_true(address_parse(METER, &row.ip));
        judge_import_binding(court->judge, &row);
        connect(court, METER, "198.51.100.9", 20, 21);
        connect(court, METER, "198.51.100.10", 120, 121);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_A);
        assert_string_equal(alert_to(court, "198.51.100.9")->fleet, "meters");
        assert_null(alert_to(court, "198.51.100.10")->device->imsi);
        court_close(court);
}

static const char intel_text[] =
        "vendor: Quectel\n"
        "controller: module_vendor\n"
        "rows:\n"
        "  - {purpose: update, user_agent: QUECTEL_MODULE, mode: direct, confidence: reported, source: test}\n";

static void fetch(struct court *court, const char *device, const char *user_agent, double at_s)
{
        struct court_flow flow = {.device = device, .peer = "198.51.100.9", .peer_port = 80, .opener = OUT, .start_s = at_s};
        Apnwatch__V1__Transfer transfer = APNWATCH__V1__TRANSFER__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        transfer.phase = APNWATCH__V1__TRANSFER__PHASE__ENDED;
        transfer.protocol = (char *)"HTTP";
        transfer.start = (uint64_t)COURT_NS(at_s);
        transfer.method = (char *)"GET";
        transfer.path = (char *)"/index.html";
        transfer.user_agent = (char *)user_agent;
        event.body_case = APNWATCH__V1__EVENT__BODY_TRANSFER;
        event.transfer = &transfer;
        court_event(court, &flow, &event, at_s, true);
}

static void what_a_device_says_of_its_make_is_the_last_resort(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, intel_text, "ip,vendor\n10.20.0.3,Acme\n");
        fetch(court, "10.20.0.1", "curl/8", 10);
        fetch(court, "10.20.0.2", "QUECTEL_MODULE", 11);
        fetch(court, "10.20.0.3", "QUECTEL_MODULE", 12);
        connect(court, "10.20.0.1", "198.51.100.1", 20, 21);
        connect(court, "10.20.0.2", "198.51.100.2", 20, 21);
        connect(court, "10.20.0.3", "198.51.100.3", 20, 21);
        court_types(court);
        assert_null(alert_to(court, "198.51.100.1")->device->vendor);
        assert_string_equal(alert_to(court, "198.51.100.2")->device->vendor, "Quectel");
        assert_string_equal(alert_to(court, "198.51.100.2")->device->vendor_source, "device");
        assert_string_equal(alert_to(court, "198.51.100.3")->device->vendor, "Acme");
        assert_string_equal(alert_to(court, "198.51.100.3")->device->vendor_source, "inventory");
        assert_true(self_report_is_imei("490154203237518"));
        assert_false(self_report_is_imei("490154203237519"));
        assert_true(self_report_is_imei("4901542032375101"));
        assert_false(self_report_is_imei("49015420323751a"));
        assert_false(self_report_is_imei("4901542032375"));
        court_close(court);
}

/* Of a log that somebody made: a moment in 2262 that belongs to no session. */
static void a_moment_that_cannot_be_reckoned_with_is_nobodys(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        Apnwatch__V1__Flow flow = APNWATCH__V1__FLOW__INIT;
        Apnwatch__V1__Position position = APNWATCH__V1__POSITION__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        struct bindings_numbers numbers;
        uint8_t device[4] = {10, 20, 0, 1}, peer[4] = {198, 51, 100, 9};
        court_attach(court, &(struct court_session){.imsi = "262011234567890", .ip = "10.20.0.1", .teid = 17, .at_s = 10});
        flow.device = (ProtobufCBinaryData){sizeof device, device};
        flow.peer = (ProtobufCBinaryData){sizeof peer, peer};
        flow.start = flow.last = event.clock = (uint64_t)COURT_NS(20);
        position.family = (char *)"NMEA";
        event.body_case = APNWATCH__V1__EVENT__BODY_POSITION;
        event.position = &position;
        event.flow = &flow;
        event.has_time = true;
        event.time = INT64_MAX - 1;
        judge_event(court->judge, &event);
        court_wait(court, 3 * 86400.0); /* it is not kept alive until then */
        bindings_numbers(court->judge->bindings, &numbers);
        assert_int_equal(numbers.sessions, 0);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void begin_run(struct court *court, const char *context)
{
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        char *contexts[] = {(char *)"default", (char *)context}, *names[] = {(char *)"default"};
        run.context = contexts;
        run.n_context = 2;
        run.tap = names;
        run.n_tap = 1;
        run.version = (char *)"0.1.0";
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = &run;
        judge_event(court->judge, &event);
}

static void restart(struct court *court, const char *context)
{
        FILE *file = tmpfile();
        uint64_t number;
        assert_non_null(file);
        assert_int_equal(judge_save(court->judge, 1, fileno(file)), 0);
        rewind(file);
        judge_destroy(court->judge);
        court->judge = judge_create(&court->settings);
        assert_int_equal(judge_load(court->judge, fileno(file), &number), 0);
        fclose(file);
        begin_run(court, context);
}

static void sessions_live_on_over_a_restart(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        struct binding before, after;
        attach(court, SIM_B, MODULE_B, "10.20.0.8", 16, 1);
        detach(court, 16, 2);
        attach(court, SIM_A, MODULE_A, METER, 17, 10);
        assert_int_equal(bindings_of_imsi(court->judge->bindings, SIM_A, &before, 1), 1);
        restart(court, "water");
        assert_int_equal(bindings_of_imsi(court->judge->bindings, SIM_B, &after, 1), 0);
        assert_int_equal(bindings_of_imsi(court->judge->bindings, SIM_A, &after, 1), 1);
        assert_int_equal(bindings_of_imei(court->judge->bindings, MODULE_A, &after, 1), 1);
        assert_string_equal(after.imei, before.imei);
        assert_string_equal(after.apn, "meters.example");
        assert_memory_equal(&after.plmn, &before.plmn, sizeof after.plmn);
        assert_int_equal(after.cell.kind, PLACE_ECGI);
        assert_int_equal(after.cell.id, before.cell.id);
        assert_memory_equal(after.sources, before.sources, sizeof after.sources);
        assert_int_equal(after.first_ns, before.first_ns);
        assert_true(bindings_are_visible(court->judge->bindings));
        connect(court, METER, "198.51.100.9", 20, 21);
        court_flow(court, &(struct court_flow){.device = "10.20.0.99", .peer = "198.51.100.10", .peer_port = 443, .opener = OUT, .start_s = 22,
                                               .teid_up = 17, .tunnel_source = "10.66.0.1", .tunnel_destination = "10.66.0.2"});
        detach(court, 17, 50); /* by its control tunnel */
        connect(court, METER, "198.51.100.11", 120, 121);
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.9")->device->imsi, SIM_A);
        assert_string_equal(alert_to(court, "198.51.100.10")->device->imsi, SIM_A);
        assert_null(alert_to(court, "198.51.100.11")->device->imsi);
        court_close(court);
}

static void a_row_is_for_flows_that_began_in_its_time(void **state)
{
        (void)state;
        struct court *court = court_open("version: 1\n"
                                         "fleets: [{name: all, members: [{prefix: 10.0.0.0/8}], destinations: {}}]\n",
                                         NULL,
                                         "ip,site,from,until\n"
                                         "10.20.0.7,former,,2026-03-01T00:00:10Z\n"
                                         "10.20.0.7,later,2026-03-01T00:00:10Z,\n");
        connect(court, METER, "198.51.100.2", 12, 12.5);
        connect(court, METER, "198.51.100.1", 3, 15); /* told of when the other row holds */
        court_types(court);
        assert_string_equal(alert_to(court, "198.51.100.1")->device->site, "former");
        assert_string_equal(alert_to(court, "198.51.100.2")->device->site, "later");
        court_close(court);
}

static void where_contexts_mean_other_pools_no_session_lives_on(void **state)
{
        (void)state;
        struct court *court = court_open(by_apn, NULL, NULL);
        struct binding after;
        attach(court, SIM_A, MODULE_A, METER, 17, 10);
        restart(court, "gas");
        assert_int_equal(bindings_of_imsi(court->judge->bindings, SIM_A, &after, 1), 0);
        court_close(court);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_alert_names_the_session_that_held_the_address),
                cmocka_unit_test(what_comes_before_its_signalling_waits_for_it),
                cmocka_unit_test(nobody_waits_longer_than_five_seconds),
                cmocka_unit_test(without_signalling_nobody_waits),
                cmocka_unit_test(what_waits_at_the_end_is_judged),
                cmocka_unit_test(an_address_that_goes_to_another_sim_makes_two_alerts),
                cmocka_unit_test(what_was_resolved_before_is_the_predecessors),
                cmocka_unit_test(an_alert_names_the_cell_at_its_time),
                cmocka_unit_test(after_its_end_a_session_holds_nothing),
                cmocka_unit_test(two_pools_with_the_same_addresses_stay_apart),
                cmocka_unit_test(behind_a_nat_nothing_is_attributed),
                cmocka_unit_test(a_nat_log_tells_who_is_inside),
                cmocka_unit_test(a_tunnel_tells_better_than_the_address),
                cmocka_unit_test(a_tunnel_that_was_given_on_unseen_tells_less_than_the_address),
                cmocka_unit_test(an_end_of_the_way_down_carries_nothing_up),
                cmocka_unit_test(control_plane_from_a_device_binds_nobody),
                cmocka_unit_test(fleets_take_members_by_sim_module_and_row),
                cmocka_unit_test(what_a_device_says_of_its_make_is_the_last_resort),
                cmocka_unit_test(sessions_live_on_over_a_restart),
                cmocka_unit_test(a_row_is_for_flows_that_began_in_its_time),
                cmocka_unit_test(where_contexts_mean_other_pools_no_session_lives_on),
                cmocka_unit_test(a_moment_that_cannot_be_reckoned_with_is_nobodys),
                cmocka_unit_test(imported_rows_bind_where_nothing_is_signalled),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
