#include "judge/uplink.h"

#include "judge/judge_state.h"
#include "judge/sighting.h"

/* A way through a tunnel: which of the flow's TEIDs, up or down, towards which of the two outer addresses. */
enum { WAYS = 4 };

static bool take_way(const Apnwatch__V1__Flow *flow, unsigned way, struct uplink *out)
{
        bool is_up = way < 2;
        const ProtobufCBinaryData *gateway = way % 2 == 0 ? &flow->tunnel_destination : &flow->tunnel_source;
        const ProtobufCBinaryData *source = is_up ? &flow->device : &flow->peer;
        out->by_device = is_up;
        out->teid = is_up ? flow->teid_up : flow->teid_down;
        return (is_up ? flow->has_teid_up : flow->has_teid_down) && address_from_bytes(gateway->data, gateway->len, &out->gateway) &&
               address_from_bytes(source->data, source->len, &out->source);
}

/* The first way that leads there, from 1 on; 0: none. */
static unsigned find_way(struct bindings *bindings, const Apnwatch__V1__Flow *flow, struct uplink *out)
{
        const struct binding *binding;
        if (bindings == NULL || !flow->has_tunnel_destination || !flow->has_tunnel_source)
                return 0;
        for (unsigned way = 0; way < WAYS; way++) {
                if (!take_way(flow, way, out))
                        continue;
                out->knowledge = bindings_of_uplink(bindings, (uint16_t)flow->context, &out->gateway, out->teid, &binding);
                if (binding == NULL)
                        continue;
                out->binding = *binding;
                return way + 1;
        }
        return 0;
}

bool uplink_of_flow(struct bindings *bindings, const Apnwatch__V1__Flow *flow, struct uplink *out)
{
        return find_way(bindings, flow, out) != 0;
}

bool uplink_of_sighting(const struct sighting *s, struct uplink *out)
{
        struct tunnel_memory *memory = &s->device->tunnel;
        bool is_usual = s->has_binding && attribution_by_usual_tunnel(s->judge, s->flow, s->device, &s->binding);
        unsigned way = s->flow->opener == APNWATCH__V1__FLOW__OPENER__PEER; /* the first or the second */
        if (is_usual && memory->leads && take_way(s->flow, way, out)) {
                out->knowledge = TUNNEL_BOUND;
                out->binding = s->binding;
                return true;
        }
        unsigned found = find_way(s->judge->bindings, s->flow, out);
        memory->leads |= is_usual && found == way + 1 && out->knowledge == TUNNEL_BOUND && out->binding.record == memory->record;
        return found != 0;
}
