#include "tests/traffic/benchmark_load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"
#include "tests/traffic/session.h"
#include "tests/traffic/timeline.h"

struct load {
        struct traffic *traffic;
        const struct benchmark_shape *shape;
        unsigned weights; /* of all kinds together */
        double pause_ns;  /* between the starts of conversations, mean */
};

struct load_kind {
        unsigned weight;
        int fleet; /* FLEET_COUNT: any */
        void (*act)(struct load *load, uint32_t device, int64_t time_ns);
};

static bool chance(struct load *load, double probability)
{
        return random_chance(&load->traffic->random, probability);
}

static size_t size_between(struct load *load, int64_t least, int64_t most)
{
        return (size_t)random_between(&load->traffic->random, least, most);
}

static struct conversation *open_service(struct load *load, uint32_t device, enum service_number service, uint16_t port,
                                         uint8_t protocol, int64_t time_ns)
{
        struct traffic *traffic = load->traffic;
        if (chance(load, load->shape->lookup_share))
                time_ns = dns_lookup_service(traffic, device, service, time_ns);
        struct contact contact = {
                .device = device,
                .peer_port = port,
                .protocol = protocol,
                .peer = service_address(traffic->world, service, device, random_below(&traffic->random, 2))};
        return conversation_open(traffic, &contact, time_ns + MS_NS);
}

static struct conversation *open_stranger(struct load *load, uint32_t device, uint16_t port, bool silent, int64_t time_ns)
{
        struct contact contact = {.device = device,
                                  .peer = stranger_address(load->traffic->world, device),
                                  .peer_port = port,
                                  .protocol = IP_TCP,
                                  .unanswered = silent};
        return conversation_open(load->traffic, &contact, time_ns);
}

static void load_https(struct load *load, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = load->traffic->world->services[SERVICE_API].name,
                                      .alpn = "http/1.1",
                                      .version = device % 4 == 0 ? 0x0303 : 0x0304};
        bool strange = chance(load, 0.03);
        struct conversation *c = strange ? open_stranger(load, device, 443, false, time_ns)
                                         : open_service(load, device, SERVICE_API, 443, IP_TCP, time_ns);
        tls_handshake(c, &session);
        for (size_t i = size_between(load, 2, 6); i > 0; i--) {
                tls_data(c, &session, UP, size_between(load, 80, 500));
                tls_data(c, &session, DOWN, size_between(load, 100, 1200));
        }
        tls_close(c, &session);
}

static void load_mqtts(struct load *load, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = load->traffic->world->services[SERVICE_BROKER].name, .version = 0x0304};
        struct conversation *c = open_service(load, device, SERVICE_BROKER, 8883, IP_TCP, time_ns);
        tls_handshake(c, &session);
        for (size_t i = size_between(load, 8, 26); i > 0; i--) {
                tls_data(c, &session, UP, size_between(load, 40, 200));
                tls_data(c, &session, DOWN, 4);
                conversation_wait(c, (int64_t)size_between(load, 1, 30) * SECOND_NS);
        }
        tls_close(c, &session);
}

static void load_mqtt(struct load *load, uint32_t device, int64_t time_ns)
{
        static const char status[] =
                "{\"t\":21.5,\"v\":3605,\"rssi\":-87,\"uptime\":86400,\"firmware\":\"2.4.1\",\"state\":\"ok\"}";
        struct conversation *c = open_service(load, device, SERVICE_TELEMETRY, 1883, IP_TCP, time_ns);
        mqtt_connect(c, 4, "unit-00001");
        for (size_t i = size_between(load, 4, 17); i > 0; i--) {
                mqtt_publish(c, 4, UP, "fleet/unit/status", status, 1);
                conversation_wait(c, (int64_t)size_between(load, 1, 30) * SECOND_NS);
        }
        mqtt_disconnect(c);
}

static void load_http(struct load *load, uint32_t device, int64_t time_ns)
{
        bool large = chance(load, 0.055);
        struct http_exchange exchange = {.method = "GET",
                                         .host = load->traffic->world->services[SERVICE_API].name,
                                         .user_agent = "gateway/4.2",
                                         .path = large ? "/pool/package-2.4.1.bin" : "/v2/config",
                                         .content_type = "application/octet-stream",
                                         .download = large ? size_between(load, 200000, 1100000)
                                                           : size_between(load, 60, 1600)};
        struct conversation *c = open_service(load, device, SERVICE_API, 80, IP_TCP, time_ns);
        http_send(c, &exchange);
        conversation_close(c, UP);
}

static void load_short_http(struct load *load, uint32_t device, int64_t time_ns)
{
        struct http_exchange exchange = {.method = "GET",
                                         .host = load->traffic->world->services[SERVICE_API].name,
                                         .user_agent = "gateway/4.2",
                                         .path = "/v2/config",
                                         .content_type = "application/json",
                                         .response_body = "{\"interval\":900}"};
        struct conversation *c = open_service(load, device, SERVICE_API, 80, IP_TCP, time_ns);
        http_send(c, &exchange);
        conversation_close(c, UP);
}

static void load_short_https(struct load *load, uint32_t device, int64_t time_ns)
{
        struct tls_session session = {.name = load->traffic->world->services[SERVICE_API].name, .version = 0x0304};
        bool strange = chance(load, 0.10);
        struct conversation *c = strange ? open_stranger(load, device, 443, false, time_ns)
                                         : open_service(load, device, SERVICE_API, 443, IP_TCP, time_ns);
        tls_handshake(c, &session);
        tls_data(c, &session, UP, 120);
        tls_data(c, &session, DOWN, 200);
        tls_close(c, &session);
}

static void load_coap(struct load *load, uint32_t device, int64_t time_ns)
{
        static const uint8_t reading[] = {0xa2, 0x61, 't', 0x19, 0x08, 0x34, 0x61, 'v', 0x19, 0x0e, 0x10};
        struct conversation *c = open_service(load, device, SERVICE_COAP, 5683, IP_UDP, time_ns);
        for (size_t i = size_between(load, 1, 3); i > 0; i--)
                coap_post(c, "v1/readings", 60, reading, sizeof(reading));
        conversation_leave(c);
}

static void load_telemetry(struct load *load, uint32_t device, int64_t time_ns)
{
        struct world *world = load->traffic->world;
        bool strange = chance(load, 0.05);
        struct address peer = strange ? stranger_address(world, device) : host_address(world, world->collector, device);
        telemetry_send(load->traffic, device, &peer, 40123, (unsigned)size_between(load, 2, 8), time_ns);
}

static void load_time(struct load *load, uint32_t device, int64_t time_ns)
{
        ntp_ask(load->traffic, device, time_ns);
}

static void load_reading(struct load *load, uint32_t device, int64_t time_ns)
{
        dlms_read(load->traffic, device, (unsigned)size_between(load, 4, 12), time_ns);
}

static void load_silence(struct load *load, uint32_t device, int64_t time_ns)
{
        conversation_leave(open_stranger(load, device, 443, true, time_ns));
}

static void load_short_mqtt(struct load *load, uint32_t device, int64_t time_ns)
{
        char payload[320];
        size_t length = size_between(load, 120, 300);
        struct conversation *c = open_service(load, device, SERVICE_TELEMETRY, 1883, IP_TCP, time_ns);
        memset(payload, '7', length);
        payload[length] = '\0';
        mqtt_connect(c, 4, "unit-00001");
        for (size_t i = size_between(load, 1, 4); i > 0; i--)
                mqtt_publish(c, 4, UP, "fleet/unit/status", payload, 1);
        mqtt_disconnect(c);
}

static void load_short_coap(struct load *load, uint32_t device, int64_t time_ns)
{
        struct conversation *c = open_service(load, device, SERVICE_COAP, 5683, IP_UDP, time_ns);
        for (size_t i = size_between(load, 3, 6); i > 0; i--) {
                size_t length = size_between(load, 80, 400);
                coap_post(c, "v1/batch", 42, traffic_noise(load->traffic, length), length);
        }
        conversation_leave(c);
}

static const struct load_kind usual_kinds[] = {
        {29072, FLEET_GATEWAYS, load_https}, {10300, FLEET_METERS, load_mqtts},  {9988, FLEET_TRACKERS, load_mqtt},
        {11827, FLEET_GATEWAYS, load_http},  {13625, FLEET_METERS, load_coap},   {28140, FLEET_TRACKERS, load_telemetry},
        {14049, FLEET_COUNT, load_time},     {9794, FLEET_METERS, load_reading}, {1968, FLEET_GATEWAYS, load_silence},
};

static const struct load_kind short_kinds[] = {
        {52778, FLEET_GATEWAYS, load_short_https}, {19867, FLEET_GATEWAYS, load_short_http},
        {90000, FLEET_TRACKERS, load_short_mqtt},  {120000, FLEET_METERS, load_short_coap},
        {60000, FLEET_TRACKERS, load_telemetry},   {72000, FLEET_COUNT, load_time},
};

#define KINDS(list) list, sizeof(list) / sizeof(list[0])

static const struct benchmark_shape shapes[] = {
        {"A", "3 million packets of 10 000 devices, the usual mix", 3000000, 10000, 4, ENCAPSULATION_PLAIN,
         KINDS(usual_kinds), 0.46, 23.3, 0},
        {"B", "A inside GTP-U", 3000000, 10000, 4, ENCAPSULATION_GTPU, KINDS(usual_kinds), 0.46, 23.3, 0},
        {"S", "B with its signalling", 3000000, 10000, 4, ENCAPSULATION_GTPU, KINDS(usual_kinds), 0.46, 23.3, 4},
        {"C", "5 million packets of 500 000 devices, short exchanges", 5000000, 500000, 1, ENCAPSULATION_PLAIN,
         KINDS(short_kinds), 0.82, 12.0, 0},
        {"scale", "C's mix for any number of devices", 5000000, 10000, 1, ENCAPSULATION_PLAIN, KINDS(short_kinds), 0.82,
         12.0, 0},
};

enum { SHAPE_COUNT = sizeof(shapes) / sizeof(shapes[0]) };

const struct benchmark_shape *benchmark_find(const char *name)
{
        for (unsigned i = 0; i < SHAPE_COUNT; i++)
                if (strcmp(shapes[i].name, name) == 0)
                        return &shapes[i];
        return NULL;
}

void benchmark_list(FILE *out)
{
        for (unsigned i = 0; i < SHAPE_COUNT; i++)
                fprintf(out, "%-14s%s\n", shapes[i].name, shapes[i].summary);
}

static const struct load_kind *draw_kind(struct load *load)
{
        uint32_t turn = random_below(&load->traffic->random, load->weights);
        const struct load_kind *kind = load->shape->kinds;
        while (turn >= kind->weight)
                turn -= (kind++)->weight;
        return kind;
}

static void load_wake(void *subject, int64_t time_ns)
{
        struct load *load = subject;
        struct traffic *traffic = load->traffic;
        const struct load_kind *kind = draw_kind(load);
        uint32_t first = kind->fleet == FLEET_COUNT ? 0 : traffic->world->first[kind->fleet];
        uint32_t size = kind->fleet == FLEET_COUNT ? traffic->world->devices : fleet_size(traffic->world, kind->fleet);
        if (size > 0)
                kind->act(load, first + random_below(&traffic->random, size), time_ns);
        if (traffic->queued < traffic->packet_limit)
                timeline_add(traffic->timeline,
                             time_ns + (int64_t)(-log(1 - random_unit(&traffic->random)) * load->pause_ns), load_wake, load);
        else
                free(load);
}

void benchmark_start(const struct benchmark_shape *shape, struct traffic *traffic)
{
        struct load *load = calloc(1, sizeof(*load));
        if (load == NULL)
                abort();
        load->traffic = traffic;
        load->shape = shape;
        for (unsigned i = 0; i < shape->kind_count; i++)
                load->weights += shape->kinds[i].weight;
        load->pause_ns = (double)(traffic->end_ns - traffic->start_ns) /
                         ((double)traffic->packet_limit / shape->mean_packets);
        traffic->policy = (struct policy_plan){.destinations = true};
        if (shape->calm > 0)
                sessions_start(traffic, shape->calm);
        timeline_add(traffic->timeline, traffic->start_ns + SECOND_NS, load_wake, load);
}
