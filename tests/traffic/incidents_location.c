#include <stdio.h>
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"
#include "tests/traffic/incident.h"

#define JUDGED "location.report location.lookup"

static struct place draw_place(struct traffic *traffic)
{
        double latitude = 50.0 + random_unit(&traffic->random) * 4;
        double longitude = 7.0 + random_unit(&traffic->random) * 6;
        return (struct place){latitude, longitude};
}

static struct conversation *open_stranger(struct traffic *traffic, uint32_t device, uint16_t port, uint8_t protocol,
                                          int64_t time_ns)
{
        struct contact contact = {
                .device = device, .peer = stranger_address(traffic->world, device), .peer_port = port, .protocol = protocol};
        return conversation_open(traffic, &contact, time_ns);
}

static void expect_report(const struct conversation *c, int64_t start_ns, const char *what)
{
        expect_alert(c, "location.report", start_ns, what);
        expect_unlisted(c, start_ns, what);
}

static void nmea_track(struct conversation *c, unsigned reports, bool has_fix)
{
        struct place place = draw_place(c->traffic);
        for (unsigned i = 0; i < reports; i++) {
                nmea_report(c, &place, has_fix);
                place.latitude += 0.0007;
                place.longitude += 0.0011;
                conversation_wait(c, 10 * SECOND_NS);
        }
}

static void nmea_over_tcp(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_stranger(traffic, device, 5000, IP_TCP, time_ns);
        nmea_track(c, 4, true);
        expect_report(c, time_ns, "NMEA with a fix over TCP");
        conversation_close(c, UP);
}

static void nmea_over_udp(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_stranger(traffic, device, 10110, IP_UDP, time_ns);
        nmea_track(c, 3, true);
        expect_report(c, time_ns, "NMEA with a fix over UDP");
        conversation_leave(c);
}

static void query(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char host[64];
        struct place place = draw_place(traffic);
        struct address peer = stranger_address(traffic->world, device);
        snprintf(host, sizeof(host), "osm%u.follow.example", traffic->world->strangers);
        int64_t known_ns = dns_lookup_name(traffic, device, host, &peer, time_ns);
        struct contact contact = {.device = device, .peer = peer, .peer_port = 80, .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, known_ns);
        http_query_report(c, host, &place);
        expect_report(c, time_ns, "a position in a query string");
        conversation_close(c, UP);
}

static void posted_json(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char host[64], body[160];
        struct place place = draw_place(traffic);
        struct address peer = stranger_address(traffic->world, device);
        snprintf(host, sizeof(host), "ingest%u.follow.example", traffic->world->strangers);
        int64_t known_ns = dns_lookup_name(traffic, device, host, &peer, time_ns);
        struct contact contact = {.device = device, .peer = peer, .peer_port = 80, .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, known_ns);
        struct http_exchange exchange = {.method = "POST",
                                         .host = host,
                                         .path = "/v1/points",
                                         .content_type = "application/json",
                                         .request_body = json_position(&place, device, body, sizeof(body)),
                                         .response_body = "ok"};
        http_send(c, &exchange);
        tell_position(c, &(struct position_fact){.latitude = place.latitude,
                                                 .longitude = place.longitude,
                                                 .family = "JSON",
                                                 .carrier = "HTTP",
                                                 .topic = "/v1/points",
                                                 .grade = 1,
                                                 .from_device = true});
        expect_report(c, time_ns, "a position as JSON in a POST");
        conversation_close(c, UP);
}

static void mqtt_json(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        unsigned version = device % 2 == 0 ? 5 : 4;
        struct conversation *c = open_stranger(traffic, device, 1883, IP_TCP, time_ns);
        mqtt_connect(c, version, "pos-unit");
        for (unsigned i = 0; i < 3; i++) {
                struct place place = draw_place(traffic);
                mqtt_report(c, version, &place);
                conversation_wait(c, 30 * SECOND_NS);
        }
        expect_report(c, time_ns, "a position as JSON over MQTT");
        mqtt_disconnect(c);
}

static void json_over_udp(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct place place = draw_place(traffic);
        struct conversation *c = open_stranger(traffic, device, 41000, IP_UDP, time_ns);
        for (unsigned i = 0; i < 3; i++) {
                json_report(c, UP, &place, device);
                conversation_wait(c, 15 * SECOND_NS);
        }
        expect_report(c, time_ns, "a position as JSON over UDP");
        conversation_leave(c);
}

/* One datagram larger than the link: it goes in fragments. */
static void json_in_fragments(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct place place = draw_place(traffic);
        struct conversation *c = open_stranger(traffic, device, 41001, IP_UDP, time_ns);
        struct bytes *b = &traffic->scratch;
        bytes_clear(b);
        bytes_print(b, "{\"latitude\":%.6f,\"longitude\":%.6f,\"log\":\"", place.latitude, place.longitude);
        for (unsigned i = 0; i < 40; i++)
                bytes_print(b, "%04u engine on, ignition on, door shut, line %u;", i, i);
        bytes_text(b, "\"}");
        conversation_send(c, UP, b->data, b->length);
        tell_position(c, &(struct position_fact){.latitude = place.latitude,
                                                 .longitude = place.longitude,
                                                 .family = "JSON",
                                                 .carrier = "UDP",
                                                 .grade = 1,
                                                 .from_device = true});
        expect_report(c, time_ns, "a position as JSON in a datagram of several fragments");
        conversation_leave(c);
}

static void expect_lookup(const struct conversation *c, int64_t start_ns, const char *what)
{
        expect_alert(c, "location.lookup", start_ns, what);
        expect_unlisted(c, start_ns, what);
}

static void supl(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_stranger(traffic, device, 7276, IP_TCP, time_ns);
        supl_start(c, device);
        conversation_wait(c, SECOND_NS);
        expect_lookup(c, time_ns, "SUPL START in clear");
        expect_alert(c, "identity.disclosed", time_ns, "the IMSI in a SUPL START in clear");
        conversation_close(c, UP);
}

static void assistance(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = vendor_name(VENDOR_XTRA), .version = 0x0304};
        struct address peer = vendor_address(traffic->world, VENDOR_XTRA, device);
        int64_t known_ns = dns_lookup_name(traffic, device, session.name, &peer, time_ns);
        struct contact contact = {.device = device, .peer = peer, .peer_port = 443, .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, known_ns);
        tls_handshake(c, &session);
        tls_data(c, &session, UP, 220);
        tls_data(c, &session, DOWN, 24000);
        expect_lookup(c, time_ns, "a GNSS assistance service is asked");
        tls_close(c, &session);
}

struct incident_list location_incidents(void)
{
        static const struct incident incidents[] = {
                {"nmea-over-tcp", FLEET_TRACKERS, ANY_TIME, nmea_over_tcp},
                {"nmea-over-tcp", FLEET_METERS, ANY_TIME, nmea_over_tcp},
                {"nmea-over-udp", FLEET_TRACKERS, ANY_TIME, nmea_over_udp},
                {"query", FLEET_TRACKERS, ANY_TIME, query},
                {"posted-json", FLEET_GATEWAYS, ANY_TIME, posted_json},
                {"mqtt-json", FLEET_METERS, ANY_TIME, mqtt_json},
                {"mqtt-json", FLEET_GATEWAYS, ANY_TIME, mqtt_json},
                {"json-over-udp", FLEET_TRACKERS, ANY_TIME, json_over_udp},
                {"json-in-fragments", FLEET_TRACKERS, ANY_TIME, json_in_fragments},
                {"supl", FLEET_TRACKERS, ANY_TIME, supl},
                {"supl", FLEET_METERS, ANY_TIME, supl},
                {"assistance", FLEET_GATEWAYS, ANY_TIME, assistance},
        };
        return (struct incident_list){incidents, sizeof(incidents) / sizeof(incidents[0])};
}

static void no_fix(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_stranger(traffic, device, 5000, IP_TCP, time_ns);
        nmea_track(c, 3, false);
        expect_nothing(c, JUDGED, time_ns, "NMEA without a fix");
        expect_unlisted(c, time_ns, "NMEA without a fix to a stranger");
        conversation_close(c, UP);
}

static void told_by_server(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        static const char body[] = "{\"station\":\"EDDF\",\"lat\":50.0333,\"lon\":8.5706,\"temperature\":14.5}";
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_API, time_ns);
        struct contact contact = {.device = device,
                                  .peer = service_address(traffic->world, SERVICE_API, device, 0),
                                  .peer_port = 80,
                                  .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, known_ns);
        struct http_exchange exchange = {.method = "GET",
                                         .host = traffic->world->services[SERVICE_API].name,
                                         .path = "/v2/weather",
                                         .user_agent = "gateway/4.2",
                                         .content_type = "application/json",
                                         .response_body = body};
        http_send(c, &exchange);
        expect_nothing(c, JUDGED, time_ns, "a server tells the device a position");
        conversation_close(c, UP);
}

static void no_coordinates(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        static const char *const reports[] = {"{\"x\":12.5,\"y\":48.125,\"z\":9.81}",
                                              "{\"latency\":48.2,\"longest\":11.5,\"lat_ms\":12}",
                                              "{\"t\":51.2,\"h\":7.4,\"p\":1013.2}"};
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_TELEMETRY, time_ns);
        struct contact contact = {.device = device,
                                  .peer = service_address(traffic->world, SERVICE_TELEMETRY, device, 0),
                                  .peer_port = 1883,
                                  .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, known_ns);
        mqtt_connect(c, 4, "axis-unit");
        for (unsigned i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
                mqtt_publish(c, 4, UP, "fleet/axis", reports[i], 0);
        expect_nothing(c, JUDGED, time_ns, "telemetry that looks like coordinates and is none");
        mqtt_disconnect(c);
}

static void allowed_receiver(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct place place = draw_place(traffic);
        int64_t known_ns = dns_lookup_service(traffic, device, SERVICE_TRACK, time_ns);
        struct contact contact = {.device = device,
                                  .peer = service_address(traffic->world, SERVICE_TRACK, device, 0),
                                  .peer_port = 80,
                                  .protocol = IP_TCP};
        struct conversation *c = conversation_open(traffic, &contact, known_ns);
        http_query_report(c, traffic->world->services[SERVICE_TRACK].name, &place);
        expect_nothing(c, JUDGED, time_ns, "a position to the receiver that the policy names");
        conversation_close(c, UP);
}

struct incident_list location_decoys(void)
{
        static const struct incident decoys[] = {
                {"told-by-server", FLEET_GATEWAYS, ANY_TIME, told_by_server},
                {"no-coordinates", FLEET_TRACKERS, ANY_TIME, no_coordinates},
                {"allowed-receiver", FLEET_TRACKERS, ANY_TIME, allowed_receiver},
                {"no-fix", FLEET_TRACKERS, ANY_TIME, no_fix},
        };
        return (struct incident_list){decoys, sizeof(decoys) / sizeof(decoys[0])};
}
