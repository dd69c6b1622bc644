#include "tests/traffic/habits.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"
#include "tests/traffic/timeline.h"

enum { MQTTS_PORT = 8883, MQTT_PORT = 1883, COAP_PORT = 5683, HTTPS_PORT = 443, HTTP_PORT = 80, TELEMETRY_PORT = 40123 };

static struct conversation *contact_service(struct traffic *traffic, uint32_t device, enum service_number service,
                                            uint16_t port, uint8_t protocol, int64_t time_ns)
{
        int64_t known_ns = dns_lookup_service(traffic, device, service, time_ns);
        struct contact contact = {
                .device = device,
                .peer_port = port,
                .protocol = protocol,
                .peer = service_address(traffic->world, service, device, random_below(&traffic->random, 2))};
        return conversation_open(traffic, &contact, known_ns + 20 * MS_NS);
}

void habit_mqtt_over_tls(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = traffic->world->services[SERVICE_BROKER].name,
                                      .alpn = device % 3 == 0 ? "mqtt" : NULL,
                                      .version = device % 5 == 0 ? 0x0303 : 0x0304};
        struct conversation *c = contact_service(traffic, device, SERVICE_BROKER, MQTTS_PORT, IP_TCP, time_ns);
        tls_handshake(c, &session);
        tls_data(c, &session, UP, 60);
        tls_data(c, &session, DOWN, 4);
        for (unsigned i = 2 + random_below(&traffic->random, 4); i > 0; i--) {
                tls_data(c, &session, UP, (size_t)random_between(&traffic->random, 60, 400));
                tls_data(c, &session, DOWN, 4);
                conversation_wait(c, random_between(&traffic->random, SECOND_NS, 10 * SECOND_NS));
        }
        tls_close(c, &session);
}

void habit_mqtt(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char client[32], topic[48], payload[96];
        unsigned version = device % 2 == 0 ? 4 : 5;
        struct conversation *c = contact_service(traffic, device, SERVICE_TELEMETRY, MQTT_PORT, IP_TCP, time_ns);
        snprintf(client, sizeof(client), "unit-%08u", device);
        snprintf(topic, sizeof(topic), "fleet/%u/status", device);
        mqtt_connect(c, version, client);
        for (unsigned i = 1 + random_below(&traffic->random, 5); i > 0; i--) {
                uint32_t chance = random_u32(&traffic->random);
                snprintf(payload, sizeof(payload), "{\"t\":%u.%u,\"v\":%u,\"rssi\":-%u}", 15 + chance % 16,
                         (chance >> 4) % 10, 3300 + (chance >> 8) % 900, 60 + (chance >> 20) % 50);
                mqtt_publish(c, version, UP, topic, payload, random_below(&traffic->random, 2));
                conversation_wait(c, random_between(&traffic->random, SECOND_NS, 15 * SECOND_NS));
        }
        mqtt_ping(c);
        mqtt_disconnect(c);
}

void habit_coap(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        static const uint8_t reading[] = {0xa2, 0x61, 't',  0x19, 0x08, 0x34,
                                          0x61, 'v',  0x19, 0x0e, 0x10}; /* CBOR {"t": 2100, "v": 3600} */
        struct conversation *c = contact_service(traffic, device, SERVICE_COAP, COAP_PORT, IP_UDP, time_ns);
        for (unsigned i = 1 + random_below(&traffic->random, 2); i > 0; i--)
                coap_post(c, "v1/readings", 60, reading, sizeof(reading));
        conversation_leave(c);
}

void habit_api(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = traffic->world->services[SERVICE_API].name,
                                      .alpn = device % 2 == 0 ? "h2" : "http/1.1",
                                      .version = device % 7 == 0 ? 0x0303 : 0x0304};
        struct conversation *c = contact_service(traffic, device, SERVICE_API, HTTPS_PORT, IP_TCP, time_ns);
        tls_handshake(c, &session);
        tls_data(c, &session, UP, (size_t)random_between(&traffic->random, 200, 900));
        tls_data(c, &session, DOWN, (size_t)random_between(&traffic->random, 150, 6000));
        tls_close(c, &session);
}

void habit_check_in(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        char body[96];
        struct conversation *c = contact_service(traffic, device, SERVICE_API, HTTP_PORT, IP_TCP, time_ns);
        uint32_t chance = random_u32(&traffic->random);
        snprintf(body, sizeof(body), "{\"unit\":%u,\"uptime\":%u,\"signal\":%u}", device, chance % 900000,
                 (chance >> 20) % 32);
        struct http_exchange exchange = {.method = "POST",
                                         .host = traffic->world->services[SERVICE_API].name,
                                         .path = "/v2/status",
                                         .user_agent = "gateway/4.2",
                                         .content_type = "application/json",
                                         .request_body = body,
                                         .response_body = "{\"ok\":true}"};
        http_send(c, &exchange);
        conversation_close(c, UP);
}

void habit_telemetry(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = host_address(traffic->world, traffic->world->collector, device);
        telemetry_send(traffic, device, &peer, TELEMETRY_PORT, 1 + random_below(&traffic->random, 3), time_ns);
}

static void habit_dump(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        struct address peer = host_address(traffic->world, traffic->world->collector, device);
        telemetry_dump(traffic, device, &peer, TELEMETRY_PORT, time_ns);
}

void habit_time(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        ntp_ask(traffic, device, time_ns);
}

void habit_reading(struct traffic *traffic, uint32_t device, int64_t time_ns)
{
        dlms_read(traffic, device, 2 + random_below(&traffic->random, 5), time_ns);
}

struct habit {
        struct traffic *traffic;
        uint32_t device;
        int64_t period_ns;
        void (*act)(struct traffic *traffic, uint32_t device, int64_t time_ns);
};

static void habit_wake(void *subject, int64_t time_ns)
{
        struct habit *habit = subject;
        int64_t next_ns = time_ns + habit->period_ns +
                          random_between(&habit->traffic->random, -habit->period_ns / 8, habit->period_ns / 8);
        habit->act(habit->traffic, habit->device, time_ns);
        if (next_ns < habit->traffic->end_ns)
                timeline_add(habit->traffic->timeline, next_ns, habit_wake, habit);
        else
                free(habit);
}

static const struct habit_plan {
        enum fleet_number fleet;
        int64_t period_ns;
        void (*act)(struct traffic *traffic, uint32_t device, int64_t time_ns);
} plans[] = {
        {FLEET_METERS, 15 * MINUTE_NS, habit_mqtt_over_tls}, {FLEET_METERS, 30 * MINUTE_NS, habit_coap},
        {FLEET_METERS, 60 * MINUTE_NS, habit_reading},       {FLEET_METERS, 360 * MINUTE_NS, habit_time},
        {FLEET_TRACKERS, 20 * MINUTE_NS, habit_mqtt},        {FLEET_TRACKERS, 10 * MINUTE_NS, habit_telemetry},
        {FLEET_TRACKERS, 120 * MINUTE_NS, habit_dump},
        {FLEET_TRACKERS, 360 * MINUTE_NS, habit_time},       {FLEET_GATEWAYS, 10 * MINUTE_NS, habit_api},
        {FLEET_GATEWAYS, 30 * MINUTE_NS, habit_check_in},    {FLEET_GATEWAYS, 180 * MINUTE_NS, habit_time},
};

static void start_habit(struct traffic *traffic, uint32_t device, const struct habit_plan *plan)
{
        struct habit *habit = malloc(sizeof(*habit));
        if (habit == NULL)
                abort();
        *habit = (struct habit){traffic, device, plan->period_ns, plan->act};
        int64_t first_ns = traffic->start_ns + 2 * SECOND_NS + random_between(&traffic->random, 0, plan->period_ns);
        if (first_ns < traffic->end_ns)
                timeline_add(traffic->timeline, first_ns, habit_wake, habit);
        else
                free(habit);
}

void habits_start(struct traffic *traffic)
{
        for (unsigned i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
                uint32_t first = traffic->world->first[plans[i].fleet], last = traffic->world->first[plans[i].fleet + 1];
                for (uint32_t device = first; device < last; device++)
                        start_habit(traffic, device, &plans[i]);
        }
}
