#include "judge/uplink.h"

static bool look(struct bindings *bindings, uint16_t context, const ProtobufCBinaryData *gateway, uint32_t teid, struct uplink *out)
{
        const struct binding *binding;
        if (!address_from_bytes(gateway->data, gateway->len, &out->gateway))
                return false;
        out->knowledge = bindings_of_uplink(bindings, context, &out->gateway, teid, &binding);
        if (binding == NULL)
                return false;
        out->teid = teid;
        out->binding = *binding;
        return true;
}

bool uplink_of_flow(struct bindings *bindings, const Apnwatch__V1__Flow *flow, struct uplink *out)
{
        const ProtobufCBinaryData *gateways[2] = {&flow->tunnel_destination, &flow->tunnel_source};
        const struct {
                bool has;
                uint32_t teid;
                const ProtobufCBinaryData *source;
        } ways[2] = {{flow->has_teid_up, flow->teid_up, &flow->device}, {flow->has_teid_down, flow->teid_down, &flow->peer}};
        if (bindings == NULL || !flow->has_tunnel_destination || !flow->has_tunnel_source)
                return false;
        for (unsigned way = 0; way < 2; way++)
                for (unsigned end = 0; end < 2 && ways[way].has; end++)
                        if (look(bindings, (uint16_t)flow->context, gateways[end], ways[way].teid, out) &&
                            address_from_bytes(ways[way].source->data, ways[way].source->len, &out->source)) {
                                out->by_device = way == 0;
                                return true;
                        }
        return false;
}
