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
        const struct address *device; /* the session must have this address; NULL: it need not */
        int64_t time_ns;
        enum tunnel_knowledge knowledge; /* of what was found */
};

struct tunnel_found {
        enum tunnel_knowledge knowledge;
        bool is_first;               /* by the network's end of the way up */
};

static bool has_address(const struct binding *binding, const struct address *address)
{
        return address_equal(&binding->ipv4, address) || (binding->ipv6.length > 0 && prefix_contains(&binding->ipv6, address));
}

static const struct binding *find_tunnel(struct tunnel_search *search, const ProtobufCBinaryData *end, bool has_teid, uint32_t teid)
{
        const struct binding *found;
        struct address address;
        if (!has_teid || teid == 0 || !address_from_bytes(end->data, end->len, &address))
                return NULL;
        search->knowledge = bindings_of_tunnel(search->judge->bindings, search->context, &address, teid, &found);
        if (search->knowledge == TUNNEL_UNKNOWN || found == NULL)
                return NULL;
        if (found->first_ns > search->time_ns + SLACK_S * INT64_C(1000000000))
                return NULL; /* an earlier session had it, or it was learned late: the address tells */
        return search->device == NULL || has_address(found, search->device) ? found : NULL;
}

/* Packets from the device go to the network's end of its tunnel, packets to it to the radio's. */
static const struct binding *by_tunnel(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct address *device, int64_t time_ns,
                                       struct tunnel_found *how)
{
        struct tunnel_search search = {judge, (uint16_t)flow->context, NULL, time_ns, TUNNEL_UNKNOWN};
        const ProtobufCBinaryData *network = &flow->tunnel_destination, *radio = &flow->tunnel_source;
        const struct binding *found = NULL;
        if (flow->opener == APNWATCH__V1__FLOW__OPENER__PEER) {
                network = &flow->tunnel_source;
                radio = &flow->tunnel_destination;
        } else if (flow->opener == APNWATCH__V1__FLOW__OPENER__UNSEEN) {
                search.device = device;
        }
        found = find_tunnel(&search, network, flow->has_teid_up, flow->teid_up);
        how->is_first = found != NULL;
        if (found == NULL)
                found = find_tunnel(&search, radio, flow->has_teid_down, flow->teid_down);
        if (found == NULL && search.device != NULL)
                found = find_tunnel(&search, radio, flow->has_teid_up, flow->teid_up);
        if (found == NULL && search.device != NULL)
                found = find_tunnel(&search, network, flow->has_teid_down, flow->teid_down);
        how->knowledge = search.knowledge;
        return found;
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

static const struct binding *by_address(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns)
{
        if (is_behind_nat(judge, flow) && is_device_of(flow, key))
                return NULL; /* not unwrapped */
        return bindings_of_address(judge->bindings, key->context, attribution_apn(judge, key->context), &key->address, time_ns);
}

/* A session that was first heard of when it changed: it has tunnels, but neither SIM nor address. */
static bool is_partial(const struct binding *binding)
{
        return binding->imsi[0] == '\0' && address_is_unspecified(&binding->ipv4) && binding->ipv6.length == 0;
}

/* The one of the tunnel, unless there is none, or the address knows better. As it was at that time. */
static const struct binding *settle(struct judge *judge, const struct binding *of_tunnel, const Apnwatch__V1__Flow *flow,
                                    const struct device_key *key, int64_t time_ns)
{
        const struct binding *found = of_tunnel;
        struct binding *partial = &judge->partial;
        if (found == NULL) {
                found = by_address(judge, flow, key, time_ns);
        } else if (is_partial(found)) {
                *partial = *found;
                found = by_address(judge, flow, key, time_ns);
                if (found == NULL)
                        return partial;
        }
        return found ? bindings_as_of(judge->bindings, found, time_ns) : NULL;
}

const struct binding *attribution_of_flow(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns)
{
        const struct attributed *owner = &judge->owner;
        if (!judge->has_identity)
                return NULL;
        if (owner->flow == flow && owner->time_ns == time_ns && owner->key.context == key->context &&
            address_equal(&owner->key.address, &key->address))
                return owner->is_known ? &owner->binding : NULL;
        struct tunnel_found how;
        const struct binding *found = has_tunnel_of(flow, key) ? by_tunnel(judge, flow, &key->address, time_ns, &how) : NULL;
        return settle(judge, found, flow, key, time_ns);
}

/* The network's end of the way up, which decides first; 0: the device did not send. */
static uint32_t tunnel_signature(const Apnwatch__V1__Flow *flow)
{
        struct {
                struct address network;
                uint32_t teid, is_unseen;
        } of = {.teid = flow->teid_up, .is_unseen = flow->opener == APNWATCH__V1__FLOW__OPENER__UNSEEN};
        const ProtobufCBinaryData *end = flow->opener == APNWATCH__V1__FLOW__OPENER__PEER ? &flow->tunnel_source : &flow->tunnel_destination;
        if (!flow->has_teid_up || !address_from_bytes(end->data, end->len, &of.network))
                return 0;
        return (uint32_t)XXH3_64bits(&of, sizeof of) | 1;
}

static const struct binding *by_known_tunnel(struct judge *judge, const Apnwatch__V1__Flow *flow, struct device *device, int64_t time_ns)
{
        struct tunnel_memory *memory = &device->tunnel;
        uint32_t signature = judge->owner.signature = tunnel_signature(flow);
        bool is_usual = signature != 0 && memory->signature == signature;
        const struct binding *found = is_usual ? bindings_recall(judge->bindings, memory->record, memory->stamp) : NULL;
        if (found != NULL && found->first_ns <= time_ns + SLACK_S * INT64_C(1000000000))
                return found;
        struct tunnel_found how;
        found = by_tunnel(judge, flow, &device->address, time_ns, &how);
        if (found != NULL && how.is_first && how.knowledge == TUNNEL_BOUND)
                *memory = (struct tunnel_memory){.signature = signature, .stamp = found->stamp, .record = found->record};
        return found;
}

bool attribution_by_usual_tunnel(const struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device *device,
                                 const struct binding *binding)
{
        const struct tunnel_memory *memory = &device->tunnel;
        const struct attributed *owner = &judge->owner;
        return owner->flow == flow && owner->signature != 0 && memory->signature == owner->signature && memory->record == binding->record &&
               memory->stamp == binding->stamp;
}

bool attribution_ask(struct judge *judge, const Apnwatch__V1__Flow *flow, const struct device_key *key, int64_t time_ns, struct device *device)
{
        struct attributed *owner = &judge->owner;
        owner->signature = 0;
        const struct binding *found = has_tunnel_of(flow, key) ? by_known_tunnel(judge, flow, device, time_ns) : NULL;
        found = settle(judge, found, flow, key, time_ns);
        owner->flow = flow;
        owner->key = *key;
        owner->time_ns = time_ns;
        if ((owner->is_known = found != NULL))
                owner->binding = *found;
        return owner->is_known;
}
