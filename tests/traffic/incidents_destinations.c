#include <stdio.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"
#include "tests/traffic/incident.h"

#define JUDGED "destination.unlisted destination.blocked destination.lateral access.inbound"

static struct conversation *open_to(struct traffic *traffic, uint32_t device, struct address peer, uint16_t port,
                                    uint8_t protocol, int64_t time_ns)
{
        struct contact contact = {.device = device, .peer = peer, .peer_port = port, .protocol = protocol};
        return conversation_open(traffic, &contact, time_ns);
}

static struct conversation *open_from(struct traffic *traffic, uint32_t device, struct address peer, uint16_t port,
                                      uint8_t protocol, int64_t time_ns)
{
        struct contact contact = {.device = device,
                                  .peer = peer,
                                  .device_port = port,
                                  .protocol = protocol,
                                  .opener = DOWN,
                                  .peer_port = (uint16_t)(20000 + random_below(&traffic->random, 40000))};
        return conversation_open(traffic, &contact, time_ns);
}

static void talk_tls(struct conversation *c, const char *name, size_t down)
{
        struct tls_session session = {.name = name, .version = 0x0304};
        tls_handshake(c, &session);
        tls_data(c, &session, UP, 300);
        tls_data(c, &session, DOWN, down);
        tls_close(c, &session);
}

/* Bytes of no known protocol: a hello of 24 and an answer of 8. */
static void talk_binary(struct conversation *c, enum direction first)
{
        static const uint8_t hello[24] = {0xa7, 0x1c, 1, 1}, answer[8] = {0xa7, 0x1c, 1, 0x80};
        conversation_send(c, first, hello, sizeof(hello));
        conversation_send(c, first == UP ? DOWN : UP, answer, sizeof(answer));
}

static void bare_address(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_to(traffic, device, stranger_address(traffic->world, device), 7001, IP_TCP, time_ns);
        talk_binary(c, UP);
        expect_alert(c, "destination.unlisted", time_ns, "TCP to a bare address");
        conversation_close(c, UP);
}

static void bare_address_udp(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_to(traffic, device, stranger_address(traffic->world, device), 30303, IP_UDP, time_ns);
        talk_binary(c, UP);
        expect_alert(c, "destination.unlisted", time_ns, "UDP to a bare address");
        conversation_leave(c);
}

static void unlisted_name(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char name[64];
        struct address peer = stranger_address(traffic->world, device);
        snprintf(name, sizeof(name), "collect%u.elsewhere.example", traffic->world->strangers);
        int64_t known_ns = dns_lookup_name(traffic, device, name, &peer, time_ns);
        struct conversation *c = open_to(traffic, device, peer, 443, IP_TCP, known_ns);
        talk_tls(c, name, 2000);
        expect_alert(c, "destination.unlisted", time_ns, "TLS to a name that is not listed");
}

static void name_mismatch(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_BROKER, time_ns);
        struct conversation *c = open_to(traffic, device, stranger_address(traffic->world, device), 8883, IP_TCP, known_ns);
        talk_tls(c, traffic->world->services[SERVICE_BROKER].name, 900);
        expect_alert(c, "destination.unlisted", time_ns,
                     "an allowed name at an address that no answer held (name_mismatch)");
}

static void no_name(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_BROKER, time_ns);
        struct conversation *c = open_to(traffic, device, stranger_address(traffic->world, device), 8883, IP_TCP, known_ns);
        talk_tls(c, NULL, 900);
        expect_alert(c, "destination.unlisted", time_ns, "TLS without a server name at an address that no answer held");
}

static void wrong_port(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = host_address(traffic->world, traffic->world->collector, device);
        struct conversation *c = open_to(traffic, device, peer, 2222, IP_TCP, time_ns);
        talk_binary(c, UP);
        expect_alert(c, "destination.unlisted", time_ns, "a known host on a port that is not listed");
        conversation_close(c, UP);
}

static void unanswered(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct contact contact = {.device = device,
                                  .peer = stranger_address(traffic->world, device),
                                  .peer_port = 443,
                                  .protocol = IP_TCP,
                                  .unanswered = true};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        expect_alert(c, "destination.unlisted", time_ns, "a SYN that nobody answers");
        conversation_leave(c);
}

static void ping_out(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = stranger_address(traffic->world, device);
        struct conversation *c = open_to(traffic, device, peer, 0,
                                         device_is_ipv6(traffic->world, device) ? IP_ICMPV6 : IP_ICMP, time_ns);
        for (uint16_t i = 1; i <= 3; i++) {
                conversation_echo(c, UP, ECHO_REQUEST, i);
                conversation_echo(c, DOWN, ECHO_REPLY, i);
                conversation_wait(c, SECOND_NS);
        }
        expect_alert(c, "destination.unlisted", time_ns, "echo requests to a stranger");
        conversation_leave(c);
}

static void blocked_prefix(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer;
        char text[ADDRESS_TEXT_SIZE];
        unsigned host = 1 + random_below(&traffic->random, 120);
        snprintf(text, sizeof(text), device_is_ipv6(traffic->world, device) ? "2001:db8:dead::%u" : "203.0.113.%u",
                 128 + host);
        if (!address_parse(text, &peer))
                return;
        struct conversation *c = open_to(traffic, device, peer, 443, IP_TCP, time_ns);
        talk_tls(c, NULL, 500);
        expect_alert(c, "destination.blocked", time_ns, "a denied prefix");
}

static void blocked_by_name(struct traffic *traffic, uint32_t device, int64_t time_ns, const char *name, struct address peer,
                            uint16_t port, const char *what)
{
        int64_t known_ns = dns_lookup_name(traffic, device, name, &peer, time_ns);
        struct conversation *c = open_to(traffic, device, peer, port, IP_TCP, known_ns);
        talk_tls(c, name, 700);
        expect_alert(c, "destination.blocked", time_ns, what);
}

static void blocked_name(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char name[64];
        struct address peer = stranger_address(traffic->world, device);
        snprintf(name, sizeof(name), "n%u.tracker-ads.example", traffic->world->strangers);
        blocked_by_name(traffic, device, time_ns, name, peer, 443, "a denied name");
}

static void blocked_vendor(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = vendor_address(traffic->world, VENDOR_QUECTEL, device);
        blocked_by_name(traffic, device, time_ns, vendor_name(VENDOR_QUECTEL), peer, 8883, "a denied vendor's platform");
}

/* Another device of the same family, of the meters for those and of the gateways for others. */
static uint32_t neighbour(struct traffic *traffic, uint32_t device, enum fleet_number fleet)
{
        uint32_t first = traffic->world->first[fleet], size = fleet_size(traffic->world, fleet);
        for (uint32_t i = 1; i <= size; i++) {
                uint32_t other = first + (device + i * 3) % size;
                if (other != device && device_is_ipv6(traffic->world, other) == device_is_ipv6(traffic->world, device))
                        return other;
        }
        return device;
}

static struct conversation *open_neighbour(struct traffic *traffic, uint32_t device, uint32_t other, uint16_t port,
                                           uint8_t protocol, bool silent, int64_t time_ns)
{
        struct contact contact = {.device = device,
                                  .peer = device_address(traffic->world, other),
                                  .peer_device = other + 1,
                                  .peer_port = port,
                                  .protocol = protocol,
                                  .unanswered = silent};
        return conversation_open(traffic, &contact, time_ns);
}

static void lateral(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        uint32_t other = neighbour(traffic, device, FLEET_METERS);
        if (other == device)
                return;
        struct conversation *c = open_neighbour(traffic, device, other, 23, IP_TCP, false, time_ns);
        conversation_send(c, DOWN, "login: ", 7);
        conversation_send(c, UP, "root\r\n", 6);
        conversation_send(c, DOWN, "Password: ", 10);
        expect_alert(c, "destination.lateral", time_ns, "a device opens a login on another device");
        conversation_close(c, UP);
}

static void lateral_unanswered(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        uint32_t other = neighbour(traffic, device, FLEET_TRACKERS);
        if (other == device)
                return;
        struct conversation *c = open_neighbour(traffic, device, other, 8080, IP_TCP, true, time_ns);
        expect_alert(c, "destination.lateral", time_ns, "a device tries a port of another device");
        conversation_leave(c);
}

static void inbound(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_from(traffic, device, stranger_address(traffic->world, device), 80, IP_TCP, time_ns);
        conversation_send(c, DOWN, "GET /admin HTTP/1.0\r\n\r\n", 23);
        conversation_send(c, UP, "HTTP/1.0 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 48);
        tell_label(c, &(struct label_fact){.label = "HTTP", .visibility = FACT_READABLE});
        expect_alert(c, "access.inbound", time_ns, "a stranger opens a web page of the device");
        conversation_close(c, UP);
}

static void inbound_udp(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_from(traffic, device, stranger_address(traffic->world, device), 20000, IP_UDP,
                                           time_ns);
        talk_binary(c, DOWN);
        expect_alert(c, "access.inbound", time_ns, "a stranger asks a UDP port and is answered");
        conversation_leave(c);
}

struct incident_list destination_incidents(void)
{
        static const struct incident incidents[] = {
                {"bare-address", FLEET_METERS, ANY_TIME, bare_address},
                {"bare-address", FLEET_TRACKERS, ANY_TIME, bare_address},
                {"bare-address-udp", FLEET_TRACKERS, ANY_TIME, bare_address_udp},
                {"unlisted-name", FLEET_GATEWAYS, ANY_TIME, unlisted_name},
                {"unlisted-name", FLEET_METERS, ANY_TIME, unlisted_name},
                {"name-mismatch", FLEET_METERS, ANY_TIME, name_mismatch},
                {"no-name", FLEET_METERS, ANY_TIME, no_name},
                {"wrong-port", FLEET_TRACKERS, ANY_TIME, wrong_port},
                {"unanswered", FLEET_GATEWAYS, ANY_TIME, unanswered},
                {"ping-out", FLEET_METERS, ANY_TIME, ping_out},
                {"blocked-prefix", FLEET_METERS, ANY_TIME, blocked_prefix},
                {"blocked-name", FLEET_GATEWAYS, ANY_TIME, blocked_name},
                {"blocked-vendor", FLEET_TRACKERS, ANY_TIME, blocked_vendor},
                {"lateral", FLEET_METERS, ANY_TIME, lateral},
                {"lateral-unanswered", FLEET_TRACKERS, ANY_TIME, lateral_unanswered},
                {"inbound", FLEET_GATEWAYS, ANY_TIME, inbound},
                {"inbound-udp", FLEET_METERS, ANY_TIME, inbound_udp},
        };
        return (struct incident_list){incidents, sizeof(incidents) / sizeof(incidents[0])};
}

static void allowed_by_alias(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_BROKER, time_ns);
        struct conversation *c = open_to(traffic, device, service_address(traffic->world, SERVICE_BROKER, device, 0), 8883,
                                         IP_TCP, known_ns);
        talk_tls(c, NULL, 600);
        expect_nothing(c, JUDGED, time_ns,
                       "TLS without a server name to an address that DNS gave for an allowed name by CNAME");
}

static void allowed_long_after(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_API, time_ns);
        int64_t later_ns = known_ns + (traffic->end_ns - known_ns) / 2;
        struct conversation *c = open_to(traffic, device, service_address(traffic->world, SERVICE_API, device, 1), 443,
                                         IP_TCP, later_ns);
        talk_tls(c, traffic->world->services[SERVICE_API].name, 600);
        expect_nothing(c, JUDGED, later_ns, "an allowed name long after its answer's lifetime, within a day");
}

static void allowed_unanswered(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_TELEMETRY, time_ns);
        struct contact contact = {.device = device,
                                  .peer = service_address(traffic->world, SERVICE_TELEMETRY, device, 0),
                                  .peer_port = 1883,
                                  .protocol = IP_TCP,
                                  .unanswered = true};
        struct conversation *c = conversation_open(traffic, &contact, known_ns);
        expect_nothing(c, JUDGED, time_ns, "an allowed server that does not answer");
        conversation_leave(c);
}

static void probe(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = host_address(traffic->world, traffic->world->probe, device);
        struct conversation *c = open_from(traffic, device, peer, 443, IP_TCP, time_ns);
        expect_nothing(c, JUDGED, time_ns, "the operator's own monitoring opens a port");
        conversation_reset(c, UP);
        struct contact ping = {.device = device,
                               .peer = peer,
                               .opener = DOWN,
                               .protocol = device_is_ipv6(traffic->world, device) ? IP_ICMPV6 : IP_ICMP};
        c = conversation_open(traffic, &ping, time_ns + 5 * SECOND_NS);
        conversation_echo(c, DOWN, ECHO_REQUEST, 1);
        conversation_echo(c, UP, ECHO_REPLY, 1);
        conversation_leave(c);
}

static void inbound_unanswered(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct contact contact = {.device = device,
                                  .peer = stranger_address(traffic->world, device),
                                  .device_port = 22,
                                  .peer_port = (uint16_t)(20000 + random_below(&traffic->random, 40000)),
                                  .protocol = IP_TCP,
                                  .opener = DOWN,
                                  .unanswered = true};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        expect_nothing(c, JUDGED, time_ns, "a stranger knocks and the device stays silent");
        conversation_leave(c);
}

static void already_running(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct contact contact = {.device = device,
                                  .peer = stranger_address(traffic->world, device),
                                  .peer_port = 8883,
                                  .protocol = IP_TCP,
                                  .midstream = true};
        struct conversation *c = conversation_open(traffic, &contact, time_ns);
        struct tls_session session = {.version = 0x0303};
        for (unsigned i = 0; i < 5; i++) {
                tls_data(c, &session, UP, 120);
                tls_data(c, &session, DOWN, 4);
                conversation_wait(c, 20 * SECOND_NS);
        }
        expect_nothing(c, JUDGED, time_ns, "a flow that had begun before the capture");
        conversation_close(c, UP);
}

static void names_not_seen(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_to(traffic, device, stranger_address(traffic->world, device), 1883, IP_TCP, time_ns);
        mqtt_connect(c, 4, "unit-early");
        mqtt_publish(c, 4, UP, "fleet/early/status", "{\"t\":20.5}", 0);
        expect_nothing(c, JUDGED, time_ns, "a flow that fits a rule but for its name, before any DNS of the device");
        mqtt_disconnect(c);
}

static void allowed_neighbour(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        static const uint8_t body[] = {0xa1, 0x61, 'p', 0x01};
        uint32_t other = neighbour(traffic, device, FLEET_GATEWAYS);
        if (other == device)
                return;
        struct conversation *c = open_neighbour(traffic, device, other, 5683, IP_UDP, false, time_ns);
        coap_post(c, "v1/peer", 60, body, sizeof(body));
        expect_nothing(c, JUDGED, time_ns, "a neighbour that the policy allows");
        conversation_leave(c);
}

static void time_service(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = host_address(traffic->world, traffic->world->time_server, device);
        ntp_ask(traffic, device, time_ns);
        label_write(traffic, &(struct label){.types = JUDGED,
                                             .what = "NTP with the allowed server",
                                             .device = device,
                                             .peer = &peer,
                                             .start_ns = time_ns,
                                             .end_ns = time_ns + SECOND_NS,
                                             .decoy = true});
}

static void head_end_reads(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = host_address(traffic->world, traffic->world->head_end, device);
        dlms_read(traffic, device, 4, time_ns);
        label_write(traffic, &(struct label){.types = JUDGED,
                                             .what = "the head end reads the meter",
                                             .device = device,
                                             .peer = &peer,
                                             .start_ns = time_ns,
                                             .end_ns = time_ns + 10 * SECOND_NS,
                                             .decoy = true});
}

struct incident_list destination_decoys(void)
{
        static const struct incident decoys[] = {
                {"allowed-by-alias", FLEET_METERS, ANY_TIME, allowed_by_alias},
                {"allowed-long-after", FLEET_GATEWAYS, ANY_TIME, allowed_long_after},
                {"allowed-unanswered", FLEET_TRACKERS, ANY_TIME, allowed_unanswered},
                {"probe", FLEET_GATEWAYS, ANY_TIME, probe},
                {"probe", FLEET_METERS, ANY_TIME, probe},
                {"inbound-unanswered", FLEET_METERS, ANY_TIME, inbound_unanswered},
                {"already-running", FLEET_METERS, AT_START, already_running},
                {"names-not-seen", FLEET_TRACKERS, AT_START, names_not_seen},
                {"allowed-neighbour", FLEET_TRACKERS, ANY_TIME, allowed_neighbour},
                {"time-service", FLEET_GATEWAYS, ANY_TIME, time_service},
                {"head-end-reads", FLEET_METERS, ANY_TIME, head_end_reads},
        };
        return (struct incident_list){decoys, sizeof(decoys) / sizeof(decoys[0])};
}
