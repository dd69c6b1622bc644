/* One event with what judge knows around it: the device's record, fleet and facts, the peer, and the policy's verdict. Made
 * on the stack for each event of a flow and shared by the detectors; it dies with the event. */
#pragma once

#include "judge/attribution.h"
#include "judge/bindings.h"
#include "judge/fleets.h"
#include "judge/intel_cache.h"
#include "judge/verdict.h"
#include "model/event.h"

struct judge;

enum { SIGHTING_VENDORS = 8, SIGHTING_NAMES = 8 };

/* The peer's names by the answers of one owner, looked up once for all rules. */
struct sighting_names {
        bool is_known;
        unsigned count;
        const char *items[SIGHTING_NAMES];
};

/* The ends of an event's flow, read once for all who ask. */
struct flow_ends {
        struct address device, peer; /* as told; the peer unwrapped of NAT64 */
        struct address inside;       /* the device's address behind a NAT, by the NAT's log; else `device` */
        uint16_t context;
        bool peer_is_device;
        bool is_hidden;              /* many share the device's address, and nobody knows whose it was */
        int64_t time_ns;             /* attribution_time */
};

struct sighting {
        struct judge *judge;
        const event_t *event;
        const Apnwatch__V1__Flow *flow;
        struct device *device;
        struct device_key key;
        unsigned fleet_index;
        const struct fleet *fleet;   /* NULL: unassigned */
        struct attributed *owner;    /* who the device was; sighting_binding tells. NULL: nobody is known */
        struct attributed other;     /* that, where judge->owner is another's */
        bool is_usual;               /* it came through the tunnel of its device, as before (attribution_is_usual) */
        bool peer_is_device;
        bool is_swapped;             /* `device` is the flow's peer: of two devices the opener comes first */
        struct contact contact;
        char country[3];
        const struct intel_vendor *vendors[SIGHTING_VENDORS];
        bool has_no_address_row;     /* intel was asked of the peer's address, and says nothing */
        const char *asked_name;      /* of what intel was asked last, and its answer; NULL: of none */
        struct name_intel asked_facts;
        bool has_verdict;
        struct verdict verdict;
        struct sighting_names device_names, fleet_names, held_names; /* what the device got, its fleet, its fleet ever */
};

/* How the ends of a flow between two devices are taken. */
enum sighting_view { AS_TOLD, OPENER_FIRST };

/* false: the event has no flow, addresses that are none, or times beyond those that can be reckoned with; a pipe or a log may say any. */
bool flow_ends_read(const struct judge *judge, const event_t *event, struct flow_ends *out);

/* false: no memory for the device's record. `ends` are those of the event. */
bool sighting_of_event(struct judge *judge, const event_t *event, const struct flow_ends *ends, enum sighting_view view,
                       struct sighting *out);

/* Who the device is, as it was at this event; NULL: nobody is known. */
const struct binding *sighting_binding(const struct sighting *sighting);

/* What policy says of the contact; worked out once. */
const struct verdict *sighting_verdict(struct sighting *sighting);

/* The same contact under another server name (an HTTP request's own host). */
void sighting_set_name(struct sighting *sighting, const char *name);

/* The name of the peer that fits best, and where it comes from ("dns", "sni", "host", "claimed"); NULL: none is known. */
const char *sighting_peer_name(const struct sighting *sighting, const char **source);

/* What intel says of the peer by the flow's name, else by the names that the device got for the address, else by the
 * address: the row. Rows that tell nothing alone, or that others share, are left out. */
const struct intel_row *sighting_intel(const struct sighting *sighting, unsigned purposes);

bool sighting_from_infrastructure(const struct sighting *sighting); /* the operator's own monitoring opened the flow */

/* Its address is one of a device, as far as can be told: policy says so, or it is in a tunnel, or private and talks to the outside. */
bool sighting_is_device_side(const struct sighting *sighting);
