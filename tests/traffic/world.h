/* Who there is: devices in three fleets, their addresses and identities, and the services that they use by name. Everything
 * follows from a device's number, so that half a million devices need no table but their ports.
 *
 *     meters    10.64.0.0/12   2001:db8:20::/48     static, read by a head end, MQTT over TLS, CoAP
 *     trackers  10.80.0.0/12   2001:db8:21::/48     mobile, MQTT in clear, UDP telemetry
 *     gateways  10.96.0.0/12   2001:db8:22::/48     HTTPS, HTTP
 *
 * Every eighth device has IPv6 alone. Peers that nobody planned come from 198.18.0.0/15 and 2001:db8:bad::/48, one each. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum fleet_number { FLEET_METERS, FLEET_TRACKERS, FLEET_GATEWAYS, FLEET_COUNT, FLEET_NONE = FLEET_COUNT };

enum service_number {
        SERVICE_BROKER, SERVICE_API, SERVICE_TELEMETRY, SERVICE_TRACK,
        SERVICE_COAP, SERVICE_FOTA, SERVICE_TILES, SERVICE_VIDEO, SERVICE_COUNT
};

struct service {
        const char *name;
        const char *alias;          /* CNAME in between; NULL: none */
        struct address ipv4[2], ipv6;
        uint32_t ttl;
};

/* Devices of incidents, behind the last of the fleets: of a fleet or of none, with an address and a SIM of their own. */
enum { WORLD_EXTRAS = 512 };

/* Names of others that several devices ask; each keeps its address. */
enum vendor_number { VENDOR_NORDIC, VENDOR_ADUPS, VENDOR_MEIG, VENDOR_QUECTEL, VENDOR_XTRA, VENDOR_REDSTONE, VENDOR_COUNT };

struct world {
        uint32_t devices;
        uint32_t first[FLEET_COUNT + 1]; /* number of a fleet's first device */
        struct service services[SERVICE_COUNT];
        struct address resolver[2], time_server[2], head_end[2], collector[2], probe[2]; /* IPv4, IPv6 */
        struct address vendors[VENDOR_COUNT][2];
        uint16_t *next_port;        /* by device */
        uint8_t extra_fleets[WORLD_EXTRAS];
        uint32_t extras;            /* handed out */
        uint32_t strangers;         /* unplanned peers handed out */
        bool ipv4_only;
};

struct world *world_create(uint32_t devices, bool ipv4_only);
void world_destroy(struct world *world);

enum { IMSI_SIZE = 16, IMEI_SIZE = 16 };

/* The number of one more device. */
uint32_t world_add_extra(struct world *world, enum fleet_number fleet);
bool device_is_extra(const struct world *world, uint32_t device);

enum fleet_number device_fleet(const struct world *world, uint32_t device);
bool device_is_ipv6(const struct world *world, uint32_t device);
struct address device_address(const struct world *world, uint32_t device);
const char *device_imsi(uint32_t device, char text[IMSI_SIZE]);
const char *device_imei(const struct world *world, uint32_t device, char text[IMEI_SIZE]);
uint16_t device_next_port(struct world *world, uint32_t device);
uint32_t device_teid(uint32_t device, bool up);
const char *imei_of_tac(const char *tac, uint32_t serial, char text[IMEI_SIZE]);
const char *fleet_name(enum fleet_number fleet);
const char *fleet_apn(enum fleet_number fleet);
uint32_t fleet_size(const struct world *world, enum fleet_number fleet);

/* The address of the device's family. */
struct address service_address(const struct world *world, enum service_number service, uint32_t device, unsigned turn);
struct address host_address(const struct world *world, const struct address host[2], uint32_t device);

const char *vendor_name(enum vendor_number vendor);
struct address vendor_address(const struct world *world, enum vendor_number vendor, uint32_t device);

/* A peer that nobody used before, of the device's family. */
struct address stranger_address(struct world *world, uint32_t device);
