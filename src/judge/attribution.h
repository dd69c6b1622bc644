/* Whose a flow is: who holds the tunnel that carried it, else the device's address, at a moment. Private to src/judge.
 *
 * A flow's tunnel is that of its first packet, while its TEIDs are the latest: after a handover they do not belong together, and the
 * address decides. Where it is not known who sent the first packet, a tunnel is believed only of a session with that address. Behind a
 * tap of role sgi-nat an address is shared by many and says nothing, unless the NAT's log tells the one inside. */
#pragma once

#include "judge/bindings.h"
#include "judge/device_table.h"
#include "model/event.h"

struct judge;

/* Who one end of a flow was at a moment, once it was asked. */
struct attributed {
        const Apnwatch__V1__Flow *flow; /* NULL: it was not asked */
        struct device_key key;
        int64_t time_ns;
        struct device *device;          /* the record of `key`, until the next touch of another; NULL: not known here */
        uint32_t signature;             /* of the tunnel through which it sent; 0: none */
        bool is_known, is_shown;        /* is_shown: `binding` is filled */
        struct holder holder;
        struct binding binding;
};

/* `key` is one end of the flow. NULL: nobody is known. Where judge->owner does not know, the answer is put into `room`. */
struct attributed *attribution_of_flow(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns,
                                       struct attributed *room);

/* The same, kept in judge->owner for those who ask again of this event. False: nobody is known. `device` is the record of `key`: most
 * flows of a device come through one tunnel, and while nothing changes about its session that is whose they are. */
bool attribution_ask(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns, struct device *device);

/* All that is known of who it is, as it was then; most events ask nothing of it. */
const struct binding *attribution_show(struct judge *judge, struct attributed *who);

/* Is it remembered by the tunnel through which its device sends? */
bool attribution_is_usual(const struct attributed *who, const struct device *device);

/* The moment at which an event's device is asked for: a flow belongs to who held the address when it began. */
int64_t attribution_time(const event_t *event);

/* What taps say of a context; NULL: nothing. */
const char *attribution_apn(const struct judge *judge, uint16_t context);
const char *attribution_tenant(const struct judge *judge, uint16_t context);

/* `key` is the flow's device. Behind a NAT it becomes the address inside, by the NAT's log. False: it is shared by many, nobody knows whose
 * it is. */
bool attribution_unwrap_nat(const struct judge *judge, const event_t *event, struct device_key *key);
