#include "tests/traffic/world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct service_plan {
        const char *name, *alias, *ipv4[2], *ipv6;
        uint32_t ttl;
} service_plans[SERVICE_COUNT] = {
        [SERVICE_BROKER] = {"broker.iot.utility.example",
                            "edge-7.cdn.example",
                            {"198.51.100.10", "198.51.100.11"},
                            "2001:db8:ff::10",
                            300},
        [SERVICE_API] = {"api.fleet.example", "lb.fleet.example", {"198.51.100.20", "198.51.100.21"}, "2001:db8:ff::20", 60},
        [SERVICE_TELEMETRY] = {"telemetry.fleet.example", NULL, {"198.51.100.30", "198.51.100.31"}, "2001:db8:ff::30", 600},
        [SERVICE_TRACK] = {"track.fleet.example", NULL, {"198.51.100.40", "198.51.100.41"}, "2001:db8:ff::40", 300},
        [SERVICE_COAP] = {"coap.iot.utility.example", NULL, {"198.51.100.50", "198.51.100.51"}, "2001:db8:ff::50", 3600},
        [SERVICE_FOTA] =
                {"fota.utility.example", "fota.edge.example", {"198.51.100.60", "198.51.100.61"}, "2001:db8:ff::60", 300},
        [SERVICE_TILES] = {"tiles.maps.example", NULL, {"198.51.100.70", "198.51.100.71"}, "2001:db8:ff::70", 300},
        [SERVICE_VIDEO] =
                {"video.media.example", "pop3.media.example", {"198.51.100.80", "198.51.100.81"}, "2001:db8:ff::80", 120},
};

static struct address parse(const char *text)
{
        struct address address;
        bool ok = address_parse(text, &address);
        assert(ok);
        return ok ? address : (struct address){{0}};
}

static void parse_pair(struct address pair[2], const char *ipv4, const char *ipv6)
{
        pair[0] = parse(ipv4);
        pair[1] = parse(ipv6);
}

static void divide_fleets(struct world *world)
{
        uint32_t meters = world->devices * 3 / 5, trackers = world->devices / 4;
        if (meters == 0)
                meters = 1;
        if (trackers == 0 && world->devices > meters)
                trackers = 1;
        world->first[FLEET_METERS] = 0;
        world->first[FLEET_TRACKERS] = meters;
        world->first[FLEET_GATEWAYS] = meters + trackers;
        world->first[FLEET_COUNT] = world->devices;
}

struct world *world_create(uint32_t devices, bool ipv4_only)
{
        struct world *world = calloc(1, sizeof(*world));
        if (world == NULL)
                return NULL;
        world->devices = devices;
        world->ipv4_only = ipv4_only;
        divide_fleets(world);
        for (unsigned i = 0; i < SERVICE_COUNT; i++) {
                const struct service_plan *plan = &service_plans[i];
                world->services[i] = (struct service){
                        plan->name, plan->alias, {parse(plan->ipv4[0]), parse(plan->ipv4[1])}, parse(plan->ipv6), plan->ttl};
        }
        parse_pair(world->resolver, "10.0.0.53", "2001:db8:0:1::53");
        parse_pair(world->time_server, "10.0.0.123", "2001:db8:0:1::123");
        parse_pair(world->probe, "10.0.0.7", "2001:db8:0:1::7");
        parse_pair(world->head_end, "192.0.2.10", "2001:db8:fe::10");
        parse_pair(world->collector, "192.0.2.48", "2001:db8:fe::48");
        for (unsigned i = 0; i < VENDOR_COUNT; i++) {
                char ipv4[ADDRESS_TEXT_SIZE], ipv6[ADDRESS_TEXT_SIZE];
                snprintf(ipv4, sizeof(ipv4), "203.0.113.%u", 20 + i);
                snprintf(ipv6, sizeof(ipv6), "2001:db8:feed::%u", 20 + i);
                parse_pair(world->vendors[i], ipv4, ipv6);
        }
        world->next_port = calloc(devices + WORLD_EXTRAS, sizeof(uint16_t));
        if (world->next_port == NULL) {
                free(world);
                return NULL;
        }
        return world;
}

void world_destroy(struct world *world)
{
        if (world == NULL)
                return;
        free(world->next_port);
        free(world);
}

bool device_is_extra(const struct world *world, uint32_t device)
{
        return device >= world->devices;
}

uint32_t world_add_extra(struct world *world, enum fleet_number fleet)
{
        assert(world->extras < WORLD_EXTRAS);
        world->extra_fleets[world->extras] = (uint8_t)fleet;
        return world->devices + world->extras++;
}

enum fleet_number device_fleet(const struct world *world, uint32_t device)
{
        if (device_is_extra(world, device))
                return (enum fleet_number)world->extra_fleets[device - world->devices];
        if (device >= world->first[FLEET_GATEWAYS])
                return FLEET_GATEWAYS;
        return device >= world->first[FLEET_TRACKERS] ? FLEET_TRACKERS : FLEET_METERS;
}

uint32_t fleet_size(const struct world *world, enum fleet_number fleet)
{
        return world->first[fleet + 1] - world->first[fleet];
}

bool device_is_ipv6(const struct world *world, uint32_t device)
{
        uint32_t index = device - world->first[device_fleet(world, device)];
        if (device_is_extra(world, device))
                return false;
        return !world->ipv4_only && index % 8 == 5 && index < 65535;
}

struct address device_address(const struct world *world, uint32_t device)
{
        enum fleet_number fleet = device_fleet(world, device);
        uint32_t index =
                device_is_extra(world, device) ? 0xf0000 + device - world->devices + 1 : device - world->first[fleet] + 1;
        if (device_is_ipv6(world, device)) {
                uint8_t bytes[16] = {
                        0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)(0x20 + fleet), (uint8_t)(index >> 8), (uint8_t)index, 0, 0, 0,
                        0,    0,    0,    0,    1};
                return address_of_ipv6(bytes);
        }
        uint32_t value = UINT32_C(0x0a400000) + ((uint32_t)fleet << 20) + index;
        uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        return address_of_ipv4(bytes);
}

const char *device_imsi(uint32_t device, char text[IMSI_SIZE])
{
        snprintf(text, IMSI_SIZE, "00101%010u", device + 1);
        return text;
}

/* TAC, serial, Luhn digit (3GPP TS 23.003, annex B) */
const char *imei_of_tac(const char *tac, uint32_t serial, char text[IMEI_SIZE])
{
        snprintf(text, IMEI_SIZE, "%s%06u", tac, serial % 1000000);
        unsigned sum = 0;
        for (unsigned i = 0; i < 14; i++) {
                unsigned digit = (unsigned)(text[i] - '0') * (i % 2 == 1 ? 2 : 1);
                sum += digit / 10 + digit % 10;
        }
        text[14] = (char)('0' + (10 - sum % 10) % 10);
        text[15] = '\0';
        return text;
}

const char *device_imei(const struct world *world, uint32_t device, char text[IMEI_SIZE])
{
        static const char *const tacs[FLEET_COUNT + 1] = {"86012345", "35649504", "86888803", "35870905"};
        enum fleet_number fleet = device_fleet(world, device);
        if (device_is_extra(world, device))
                return imei_of_tac(tacs[fleet], 900000 + device - world->devices, text);
        return imei_of_tac(tacs[fleet], device - world->first[fleet] + 1, text);
}

uint16_t device_next_port(struct world *world, uint32_t device)
{
        uint16_t turn = world->next_port[device]++;
        return (uint16_t)(49152 + (turn + device * 7) % 16384);
}

uint32_t device_teid(uint32_t device, bool up)
{
        return (device + 1) * UINT32_C(2654435761) ^ (up ? UINT32_C(0x5a5a0000) : UINT32_C(0x00a5a5a5));
}

const char *fleet_name(enum fleet_number fleet)
{
        static const char *const names[FLEET_COUNT] = {"meters", "trackers", "gateways"};
        return names[fleet];
}

const char *fleet_apn(enum fleet_number fleet)
{
        static const char *const names[FLEET_COUNT + 1] = {"meters.utility.example", "trackers.fleet.example",
                                                           "gateways.fleet.example", "internet.operator.example"};
        return names[fleet];
}

struct address service_address(const struct world *world, enum service_number service, uint32_t device, unsigned turn)
{
        const struct service *s = &world->services[service];
        return device_is_ipv6(world, device) ? s->ipv6 : s->ipv4[turn % 2];
}

struct address host_address(const struct world *world, const struct address host[2], uint32_t device)
{
        return host[device_is_ipv6(world, device) ? 1 : 0];
}

struct address stranger_address(struct world *world, uint32_t device)
{
        uint32_t number = ++world->strangers;
        if (device_is_ipv6(world, device)) {
                uint8_t bytes[16] = {0x20,
                                     0x01,
                                     0x0d,
                                     0xb8,
                                     0x0b,
                                     0xad,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     0,
                                     (uint8_t)(number >> 24),
                                     (uint8_t)(number >> 16),
                                     (uint8_t)(number >> 8),
                                     (uint8_t)number};
                return address_of_ipv6(bytes);
        }
        /* scattered over 198.18.0.0/15 by an odd factor, so that neighbours in time are no neighbours in space */
        uint32_t value = UINT32_C(0xc6120000) + (number * UINT32_C(40503)) % UINT32_C(0x20000);
        uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        return address_of_ipv4(bytes);
}

const char *vendor_name(enum vendor_number vendor)
{
        static const char *const names[VENDOR_COUNT] = {"firmware.nrfcloud.com",   "fota5p.adups.com",
                                                        "iotsvr.meigsmart.com",    "iot-south.quecteleu.com",
                                                        "xtrapath1.izatcloud.net", "fota.redstone.net.cn"};
        return names[vendor];
}

struct address vendor_address(const struct world *world, enum vendor_number vendor, uint32_t device)
{
        return host_address(world, world->vendors[vendor], device);
}
