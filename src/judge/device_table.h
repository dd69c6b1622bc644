/* The devices that were seen: one record for each (context, address), in the order of last use. Records keep their place for
 * life, so a pointer is good until the record is evicted; `device_table_touch` may evict, hence take pointers after it.
 *
 * Bounded: at the limit the device that was silent longest (to the minute) goes, counted. No text is copied here: names of
 * fleets, vendors and sites live in the policy and the inventory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct device_key {
        struct address address;
        uint16_t context;
};

enum { DEVICE_FLEET_UNKNOWN = 0xffff };
#define DEVICE_NO_ROW UINT32_MAX

/* Whose the tunnel was through which it sent last, for as long as nothing changes about that session (see attribution.h). */
struct tunnel_memory {
        uint32_t signature, stamp;
        uint32_t record;          /* 0: nothing is remembered */
        uint32_t back;            /* TEID of the way back */
        bool leads;               /* towards the network, as signalling says */
        bool back_is_live;        /* as far as teid_sweep.c asks */
        bool is_own;              /* the device's address is its session's own */
};

struct device {
        struct address address;
        uint16_t context;
        uint16_t fleet; /* index into the policy's fleets, their count for `unassigned`; DEVICE_FLEET_UNKNOWN at first */
        uint32_t hash;
        uint32_t inventory_row;   /* DEVICE_NO_ROW: not listed */
        uint32_t binding_era;     /* the era of the inventory (see fleets.h) in which fleet and row were found */
        uint32_t identity;        /* hash of the IMSI, IMEI and APN by which they were; 0: it was not bound */
        uint32_t bound_stamp;     /* of the session then (struct binding); no other has it. 0: none */
        uint32_t older, newer;    /* in the order of last use */
        uint32_t used_s;          /* Unix seconds of the last change in that order */
        uint32_t names_since_s;   /* Unix seconds since when another SIM or module has the address; 0: not seen */
        uint32_t dns_since_s;     /* Unix seconds of the first DNS answer that reached it; 0: none was seen */
        uint32_t number;          /* its place in the table, for tables beside this one */
        uint16_t alerts;          /* opened about it; stands still at its highest */
        uint8_t worst;            /* 1 + highest severity of an alert about it; 0: none */
        /* From here on of use only where signalling is visible. */
        uint64_t session;         /* the latest one that it was bound by; 0: none */
        int64_t unbound_ns;       /* clock, when it was first seen without a binding; 0: not */
        struct tunnel_memory tunnel;
        uint32_t said_vendor, said_model, said_protocol; /* what it says of itself: self_report.h reads them */
        uint8_t said_strength;    /* enum said_strength; 0: nothing, or nothing that still holds */
        uint8_t vendor_counted;   /* enum vendor_counted of fleets.h */
};

struct device_table;

/* `evicted` is told before a record goes; may be NULL. */
struct device_table *device_table_create(uint32_t limit, void (*evicted)(void *context, struct device *device),
                                         void *context);
void device_table_destroy(struct device_table *table);

/* The record, made when it is new. Its place in the order of last use is renewed once a minute. NULL only without memory. */
struct device *device_table_touch(struct device_table *table, const struct device_key *key, uint32_t now_s);
struct device *device_table_find(const struct device_table *table, const struct device_key *key);

/* The key's slot is asked of memory, and the record that stands in the slot of the call before. The one that was asked for in that
 * call; NULL: none was. It may be another device's than the key's. */
const struct device *device_table_prefetch(struct device_table *table, const struct device_key *key);

uint32_t device_table_count(const struct device_table *table);
uint64_t device_table_evictions(const struct device_table *table);
uint64_t device_table_bytes(const struct device_table *table);

/* Every record, longest silent first. */
void device_table_each(const struct device_table *table, void (*each)(void *context, struct device *device), void *context);
