#include "judge/attribution.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "judge/judge_state.h"
#include "judge/nat_log.h"

enum { SLACK_S = 5 }; /* a session's signalling and its first packets come from different taps */

static const struct tap *tap_of_context(const struct judge *judge, uint16_t context)
{
        const struct tap_list *taps = &judge->settings.taps;
        for (unsigned i = 0; context != 0 && i < taps->count; i++)
                if (taps->taps[i].context == context)
                        return &taps->taps[i];
        return NULL;
}

const char *attribution_apn(const struct judge *judge, uint16_t context)
{
        const struct tap *tap = tap_of_context(judge, context);
        return tap ? tap->apn : NULL;
}

const char *attribution_tenant(const struct judge *judge, uint16_t context)
{
        const struct tap *tap = tap_of_context(judge, context);
        return tap ? tap->tenant : NULL;
}

static bool is_behind_nat(const struct judge *judge, const Apnwatch__V1__Flow *flow)
{
        const struct tap_list *taps = &judge->settings.taps;
        return flow->tap > 0 && flow->tap <= taps->count && taps->taps[flow->tap - 1].role == TAP_SGI_NAT;
}

int64_t attribution_time(const event_t *event)
{
        if (event->body_case == APNWATCH__V1__EVENT__BODY_FLOW_NEWS || !event->has_time)
                return (int64_t)event->flow->start;
        return (int64_t)event->time;
}

bool attribution_unwrap_nat(const struct judge *judge, const event_t *event, struct device_key *key)
{
        const Apnwatch__V1__Flow *flow = event->flow;
        if (!is_behind_nat(judge, flow))
                return true;
        struct address outside = key->address;
        return nat_log_find(judge->settings.nat, &outside, (uint16_t)flow->device_port, (uint8_t)flow->protocol, attribution_time(event),
                            &key->address);
}

struct tunnel_search {
        struct judge *judge;
        uint16_t context;
        const struct address *inner;  /* the device's address */
        const struct address *device; /* the session must have this address; NULL: it need not */
        int64_t time_ns;
        enum tunnel_knowledge knowledge; /* of what was found */
        bool is_up;                   /* asked for is the end to which the device sent */
};

static bool find_tunnel(struct tunnel_search *search, const ProtobufCBinaryData *end, bool has_teid, uint32_t teid, struct holder *out)
{
        struct tunnel_question question = {.context = search->context, .side = TUNNEL_ANY, .teid = teid, .time_ns = search->time_ns,
                                           .inner = search->inner, .is_up = search->is_up};
        if (!has_teid || teid == 0 || !address_from_bytes(end->data, end->len, &question.node))
                return false;
        search->knowledge = bindings_of_tunnel(search->judge->bindings, &question, out);
        if (search->knowledge == TUNNEL_UNKNOWN)
                return false;
        if (out->first_ns > search->time_ns + SLACK_S * INT64_C(1000000000))
                return false; /* an earlier session had it, or it was learned late: the address tells */
        return search->device == NULL || bindings_holds(search->judge->bindings, out, search->device);
}

/* Packets from the device go to the network's end of its tunnel, packets to it to the radio's. `*is_first`: it was found by the network's
 * end of the way up, and is in use. A flow keeps the tunnel through which it began. */
static bool by_tunnel(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct address *device, struct holder *out, bool *is_first)
{
        struct tunnel_search search = {judge, (uint16_t)flow->context, device, NULL, (int64_t)flow->start, TUNNEL_UNKNOWN, true};
        const ProtobufCBinaryData *network = &flow->tunnel_destination, *radio = &flow->tunnel_source;
        if (flow->opener == APNWATCH__V1__FLOW__OPENER__PEER) {
                network = &flow->tunnel_source;
                radio = &flow->tunnel_destination;
        } else if (flow->opener == APNWATCH__V1__FLOW__OPENER__UNSEEN) {
                search.device = device;
                search.is_up = false;
        }
        bool is_found = find_tunnel(&search, network, flow->has_teid_up, flow->teid_up, out);
        *is_first = is_found && search.knowledge == TUNNEL_BOUND;
        search.is_up = false;
        if (!is_found)
                is_found = find_tunnel(&search, radio, flow->has_teid_down, flow->teid_down, out);
        if (!is_found && search.device != NULL)
                is_found = find_tunnel(&search, radio, flow->has_teid_up, flow->teid_up, out);
        if (!is_found && search.device != NULL)
                is_found = find_tunnel(&search, network, flow->has_teid_down, flow->teid_down, out);
        return is_found;
}

static bool is_device_of(const Apnwatch__V1__Flow *flow, const struct device_key *key)
{
        struct address device;
        return address_from_bytes(flow->device.data, flow->device.len, &device) && address_equal(&device, &key->address);
}

static bool has_tunnel_of(const Apnwatch__V1__Flow *flow, const struct device_key *key)
{
        return flow->has_tunnel_destination && flow->has_tunnel_source && is_device_of(flow, key);
}

static bool by_address(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns, struct holder *out)
{
        if (is_behind_nat(judge, flow) && is_device_of(flow, key))
                return false; /* not unwrapped */
        return bindings_holder_of_address(judge->bindings, key->context, attribution_apn(judge, key->context), &key->address, time_ns, out);
}

/* The one of the tunnel, unless there is none, or the address knows better. */
static void settle(struct judge *judge, bool is_of_tunnel, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns,
                   struct attributed *who)
{
        struct holder of_address;
        who->is_known = is_of_tunnel;
        who->is_shown = false;
        if (is_of_tunnel && !who->holder.is_partial)
                return;
        if (!by_address(judge, flow, key, time_ns, &of_address))
                return;
        who->is_known = true;
        who->holder = of_address;
        if (of_address.row != NULL)
                (void)attribution_show(judge, who); /* while it is there */
}

const struct binding *attribution_show(struct judge *judge, struct attributed *who)
{
        if (!who->is_shown)
                bindings_show(judge->bindings, &who->holder, who->time_ns, &who->binding);
        who->is_shown = true;
        return &who->binding;
}

struct attributed *attribution_of_flow(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns,
                                       struct attributed *room)
{
        struct attributed *owner = &judge->owner;
        bool is_first;
        if (!judge->has_identity)
                return NULL;
        if (owner->flow == flow && owner->time_ns == time_ns && owner->key.context == key->context &&
            address_equal(&owner->key.address, &key->address))
                return owner->is_known ? owner : NULL;
        room->flow = flow;
        room->key = *key;
        room->time_ns = time_ns;
        room->device = NULL;
        room->signature = 0;
        bool is_found = has_tunnel_of(flow, key) && by_tunnel(judge, flow, &key->address, &room->holder, &is_first);
        settle(judge, is_found, flow, key, time_ns, room);
        return room->is_known ? room : NULL;
}

/* The network's end of the way up, which decides first; 0: the device did not send. */
static uint32_t tunnel_signature(const Apnwatch__V1__Flow *flow)
{
        uint64_t is_unseen = flow->opener == APNWATCH__V1__FLOW__OPENER__UNSEEN;
        struct address network;
        const ProtobufCBinaryData *end = flow->opener == APNWATCH__V1__FLOW__OPENER__PEER ? &flow->tunnel_source : &flow->tunnel_destination;
        if (!flow->has_teid_up || !address_from_bytes(end->data, end->len, &network))
                return 0;
        return (uint32_t)XXH3_64bits_withSeed(&network, sizeof network, is_unseen << 32 | flow->teid_up) | 1;
}

static bool by_known_tunnel(struct judge *judge, const Apnwatch__V1__Flow *flow, struct device *device)
{
        struct tunnel_memory *memory = &device->tunnel;
        struct holder *holder = &judge->owner.holder;
        uint32_t signature = judge->owner.signature = tunnel_signature(flow);
        bool is_usual = signature != 0 && memory->signature == signature, is_first;
        if (is_usual && bindings_recall(judge->bindings, memory->record, memory->stamp, holder) &&
            holder->first_ns <= (int64_t)flow->start) /* else somebody else may have had both, address and tunnel */
                return true;
        bool is_found = by_tunnel(judge, flow, &device->address, holder, &is_first);
        if (is_first)
                *memory = (struct tunnel_memory){.signature = signature, .stamp = holder->stamp, .record = holder->record,
                                                 .leads = holder->of_network && flow->opener != APNWATCH__V1__FLOW__OPENER__PEER};
        return is_found;
}

bool attribution_is_usual(const struct attributed *who, const struct device *device)
{
        const struct tunnel_memory *memory = &device->tunnel;
        return who->signature != 0 && memory->signature == who->signature && memory->record == who->holder.record &&
               memory->stamp == who->holder.stamp;
}

bool attribution_ask(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns, struct device *device)
{
        struct attributed *owner = &judge->owner;
        owner->flow = flow;
        owner->key = *key;
        owner->time_ns = time_ns;
        owner->device = device;
        owner->signature = 0;
        settle(judge, has_tunnel_of(flow, key) && by_known_tunnel(judge, flow, device), flow, key, time_ns, owner);
        return owner->is_known;
}
