#include <stdio.h>

#include "judge/judge_state.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

#define SIM_A "262011234567890"
#define MODULE_A "8612340512345601"

static struct court *open_with_session(const char *ip)
{
        struct court *court = court_open(NULL, NULL, NULL);
        court_attach(court, &(struct court_session){.imsi = SIM_A, .imei = MODULE_A, .ip = ip, .teid = 17, .at_s = 1});
        return court;
}

/* A flow through the session's tunnel, from 10.66.0.1 to 10.66.0.2. */
static struct court_flow tunnelled(const char *device, const char *peer)
{
        return (struct court_flow){.device = device, .peer = peer, .protocol = 17, .peer_port = 5683, .opener = OUT, .unanswered = true,
                                   .start_s = 60, .teid_up = 17, .tunnel_source = "10.66.0.1", .tunnel_destination = "10.66.0.2"};
}

static void a_source_that_is_not_the_sessions_is_told(void **state)
{
        (void)state;
        struct court *court = open_with_session("10.20.0.7");
        struct court_flow first = tunnelled("192.0.2.66", "203.0.113.9"), second = tunnelled("192.0.2.67", "203.0.113.9");
        court_flow(court, &first);
        court_flow(court, &second);
        assert_string_equal(court_types(court), "gtp.spoofed_source");
        const Apnwatch__V1__Alert *alert = court->alerts[0];
        assert_int_equal(alert->count, 2);
        assert_string_equal(alert->device->imsi, SIM_A);
        assert_string_equal(alert->device->ip, "10.20.0.7");
        assert_string_equal(alert->detail->inner_source, "192.0.2.66");
        assert_string_equal(alert->peer->ip, "203.0.113.9");
        assert_int_equal(alert->flow->teid_up, 17);
        court_close(court);
}

/* Public towards private reads like a packet from the Internet; the tunnel tells that it is none. */
static void the_tunnel_says_who_sent_it(void **state)
{
        (void)state;
        struct court *court = open_with_session("10.20.0.7");
        struct court_flow flow = tunnelled("10.30.0.1", "8.8.8.8");
        flow.opener = IN;
        flow.teid_up = 0;
        flow.teid_down = 17;
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "gtp.spoofed_source");
        assert_string_equal(court->alerts[0]->detail->inner_source, "8.8.8.8");
        court_close(court);
}

static void its_own_link_local_and_unspecified_addresses_are_not_spoofed(void **state)
{
        (void)state;
        static const char *const sources[][2] = {{"10.20.0.7", "203.0.113.9"}, {"fe80::1", "ff02::2"}, {"::", "ff02::1:ff00:1"},
                                                 {"2001:db8:20:7::1", "2001:db8::9"}};
        struct court *court = open_with_session("10.20.0.7");
        for (unsigned i = 0; i < sizeof sources / sizeof *sources; i++) {
                struct court_flow flow = tunnelled(sources[i][0], sources[i][1]);
                court_flow(court, &flow);
        }
        assert_string_equal(court_types(court), "");
        court_close(court);
}

/* What applications still send from the address of the session before, for two minutes; another SIM's address is spoofed at once. */
static void what_the_sim_had_a_moment_ago_is_not_spoofed(void **state)
{
        (void)state;
        static const struct {
                const char *source, *types;
                double at_s;
        } rows[] = {{"10.20.0.7", "", 130}, {"10.20.0.9", "gtp.spoofed_source", 130}, {"10.20.0.7", "gtp.spoofed_source", 400}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session("10.20.0.7");
                struct court_flow flow = tunnelled(rows[i].source, "203.0.113.9");
                court_detach(court, &(struct court_session){.teid = 17, .at_s = 90});
                court_attach(court, &(struct court_session){.imsi = SIM_A, .imei = MODULE_A, .ip = "10.20.0.8", .teid = 18, .at_s = 100});
                flow.teid_up = 18;
                flow.start_s = rows[i].at_s;
                court_attach(court, &(struct court_session){.imsi = "262011234567899", .ip = "10.20.1.1", .teid = 19,
                                                            .at_s = rows[i].at_s - 10}); /* time goes on */
                court_flow(court, &flow);
                assert_string_equal(court_types(court), rows[i].types);
                court_close(court);
        }
}

/* Another's address: forged where its own way is known; else the tunnel was given to that session unseen. */
static void an_address_whose_way_is_not_known_is_not_forged(void **state)
{
        (void)state;
        for (unsigned has_tunnel = 0; has_tunnel < 2; has_tunnel++) {
                struct court *court = open_with_session("10.20.0.7");
                struct court_session other = {.imsi = "262011234567899", .ip = "10.20.0.8", .teid = 18, .at_s = 10};
                if (has_tunnel)
                        court_attach(court, &other);
                else
                        court_account(court, &other);
                struct court_flow flow = tunnelled("10.20.0.8", "203.0.113.9");
                court_flow(court, &flow);
                assert_string_equal(court_types(court), has_tunnel ? "gtp.spoofed_source" : "");
                if (has_tunnel)
                        assert_string_equal(court->alerts[0]->device->imsi, SIM_A);
                court_close(court);
        }
}

/* Nor is what comes to that address through it. */
static void what_comes_to_an_address_whose_way_is_not_known_is_not_forged(void **state)
{
        (void)state;
        for (unsigned is_known = 0; is_known < 2; is_known++) {
                struct court *court = open_with_session("10.20.0.7");
                struct court_flow flow = tunnelled("10.20.0.8", "203.0.113.9");
                if (is_known)
                        court_account(court, &(struct court_session){.imsi = "262011234567899", .ip = "10.20.0.8", .at_s = 10});
                flow.opener = IN;
                flow.teid_up = 0;
                flow.teid_down = 17;
                court_flow(court, &flow);
                assert_string_equal(court_types(court), is_known ? "" : "gtp.spoofed_source");
                court_close(court);
        }
}

/* A number is that of the node it is sent to: the other node may have given it to somebody. */
static void the_other_nodes_number_says_nothing(void **state)
{
        (void)state;
        struct court *court = open_with_session("10.20.0.7");
        struct court_flow flow = tunnelled("192.0.2.66", "203.0.113.9");
        flow.tunnel_source = "10.66.0.2";
        flow.tunnel_destination = "10.66.0.5";
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

/* Downlink packets come from anywhere; an unknown tunnel says nothing; one that was released may carry what was on its way. */
static void other_tunnels_say_nothing(void **state)
{
        (void)state;
        struct court *court = open_with_session("10.20.0.7");
        struct court_flow down = tunnelled("10.20.0.7", "203.0.113.9"), unknown = tunnelled("192.0.2.66", "203.0.113.9");
        down.opener = IN;
        down.teid_up = 0;
        down.teid_down = 0x10011;
        down.tunnel_source = "10.66.0.2";
        down.tunnel_destination = "10.66.0.1";
        court_flow(court, &down);
        unknown.teid_up = 99;
        court_flow(court, &unknown);
        court_detach(court, &(struct court_session){.teid = 17, .at_s = 100});
        struct court_flow stale = tunnelled("192.0.2.66", "203.0.113.9");
        stale.start_s = 101;
        court_flow(court, &stale);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

/* The innermost flow is carried by a tunnel that begins at the session's address. */
static void a_tunnel_inside_the_devices_own_is_told(void **state)
{
        (void)state;
        static const struct {
                const char *far;
                int severity;
                const char *node;
        } rows[] = {{"10.66.0.2", 3, "core"}, {"10.66.0.77", 3, "private"}, {"198.51.100.9", 1, "internet"}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session("10.20.0.7");
                struct court_flow flow = tunnelled("10.20.0.99", "203.0.113.9");
                flow.teid_up = 0x9999;
                flow.tunnel_source = "10.20.0.7";
                flow.tunnel_destination = rows[i].far;
                court_flow(court, &flow);
                assert_string_equal(court_types(court), "gtp.nested");
                assert_int_equal(court->alerts[0]->severity, rows[i].severity);
                assert_string_equal(court->alerts[0]->detail->node, rows[i].node);
                assert_string_equal(court->alerts[0]->device->ip, "10.20.0.7");
                assert_string_equal(court->alerts[0]->peer->ip, rows[i].far);
                court_close(court);
        }
}

/* GRE inside the session: the TEID is that of the session's own tunnel. */
static void another_kind_of_tunnel_inside_is_none(void **state)
{
        (void)state;
        struct court *court = open_with_session("10.20.0.7");
        struct court_flow flow = tunnelled("192.168.7.1", "192.168.8.1");
        flow.tunnel_source = "10.20.0.7";
        flow.tunnel_destination = "198.51.100.9";
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

static void control_plane_from_a_device_is_told(void **state)
{
        (void)state;
        static const struct {
                uint32_t protocol, port;
                const char *peer, *types;
                int severity;
        } rows[] = {{17, 2123, "10.66.0.2", "gtp.signalling", 3},   {17, 8805, "10.66.0.3", "gtp.signalling", 3},
                    {132, 36412, "10.66.0.5", "gtp.signalling", 3}, {6, 3868, "10.66.0.2", "gtp.signalling", 3},
                    {17, 1812, "10.66.0.2", "gtp.signalling", 3},   {17, 1812, "192.168.1.5", "gtp.signalling", 1},
                    {17, 2123, "198.51.100.9", "gtp.signalling", 1}, {17, 2152, "10.66.0.2", "gtp.nested", 3},
                    {17, 2152, "198.51.100.9", "gtp.nested", 1},    {17, 53, "10.66.0.2", "", 0},
                    {6, 2123, "10.66.0.2", "", 0}};
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_with_session("10.20.0.7");
                struct court_flow flow = tunnelled("10.20.0.7", rows[i].peer);
                flow.protocol = rows[i].protocol;
                flow.peer_port = rows[i].port;
                court_flow(court, &flow);
                assert_string_equal(court_types(court), rows[i].types);
                if (court->count > 0)
                        assert_int_equal(court->alerts[0]->severity, rows[i].severity);
                court_close(court);
        }
}

/* Nodes talk to each other; nobody says that one of them is a device. What policy allows is no finding. */
static void signalling_between_nodes_and_what_policy_allows_is_none(void **state)
{
        (void)state;
        struct court *court = open_with_session("10.20.0.7");
        struct court_flow flow = {.device = "10.66.0.1", .peer = "10.66.0.2", .protocol = 17, .device_port = 2123, .peer_port = 2123,
                                  .opener = OUT, .start_s = 1};
        court_flow(court, &flow);
        assert_string_equal(court_types(court), "");
        court_close(court);
        court = court_open("version: 1\ndevices: [10.20.0.0/16]\nfleets:\n  - name: routers\n    members:\n      - {prefix: 10.20.0.0/16}\n"
                           "    destinations:\n      allow:\n        - {name: aaa, prefix: 10.9.0.1/32, protocol: udp, port: 1812}\n",
                           NULL, NULL);
        struct court_flow radius = {.device = "10.20.0.9", .peer = "10.9.0.1", .protocol = 17, .peer_port = 1812, .opener = OUT};
        court_flow(court, &radius);
        assert_string_equal(court_types(court), "");
        court_close(court);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_source_that_is_not_the_sessions_is_told),
                cmocka_unit_test(the_tunnel_says_who_sent_it),
                cmocka_unit_test(what_the_sim_had_a_moment_ago_is_not_spoofed),
                cmocka_unit_test(an_address_whose_way_is_not_known_is_not_forged),
                cmocka_unit_test(what_comes_to_an_address_whose_way_is_not_known_is_not_forged),
                cmocka_unit_test(the_other_nodes_number_says_nothing),
                cmocka_unit_test(its_own_link_local_and_unspecified_addresses_are_not_spoofed),
                cmocka_unit_test(other_tunnels_say_nothing),
                cmocka_unit_test(a_tunnel_inside_the_devices_own_is_told),
                cmocka_unit_test(another_kind_of_tunnel_inside_is_none),
                cmocka_unit_test(control_plane_from_a_device_is_told),
                cmocka_unit_test(signalling_between_nodes_and_what_policy_allows_is_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
