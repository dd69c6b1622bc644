#include "judge/uplink.h"

#include "judge/judge_state.h"
#include "judge/sighting.h"

/* A way through a tunnel: which of the flow's TEIDs, up or down, towards which of the two outer addresses. */
enum { WAYS = 4 };

static bool take_way(const Apnwatch__V1__Flow *flow, unsigned way, struct uplink *out, struct address *gateway)
{
        bool is_up = way < 2, is_forth = way == 0 || way == 3;
        const ProtobufCBinaryData *end = way % 2 == 0 ? &flow->tunnel_destination : &flow->tunnel_source;
        const ProtobufCBinaryData *source = is_up ? &flow->device : &flow->peer;
        out->by_device = is_up;
        if (flow->opener == (is_forth ? APNWATCH__V1__FLOW__OPENER__PEER : APNWATCH__V1__FLOW__OPENER__DEVICE))
                return false; /* that number is the other node's */
        return (is_up ? flow->has_teid_up : flow->has_teid_down) && address_from_bytes(end->data, end->len, gateway) &&
               address_from_bytes(source->data, source->len, &out->source);
}

/* What comes from the peer leads to the device: the end may have been given to the device's session unseen. */
static bool is_way_of_device(struct bindings *bindings, const Apnwatch__V1__Flow *flow, struct tunnel_question question)
{
        struct address device;
        struct holder holder;
        question.inner = &device;
        return address_from_bytes(flow->device.data, flow->device.len, &device) &&
               bindings_of_tunnel(bindings, &question, &holder) == TUNNEL_UNKNOWN;
}

/* The first way that leads there, from 1 on; 0: none. */
static unsigned find_way(struct bindings *bindings, const Apnwatch__V1__Flow *flow, struct uplink *out)
{
        struct tunnel_question question = {.context = (uint16_t)flow->context, .side = TUNNEL_UPLINK, .time_ns = (int64_t)flow->start,
                                           .inner = &out->source};
        out->is_usual = false;
        if (bindings == NULL || !flow->has_tunnel_destination || !flow->has_tunnel_source)
                return 0;
        for (unsigned way = 0; way < WAYS; way++) {
                if (!take_way(flow, way, out, &question.node))
                        continue;
                question.teid = out->by_device ? flow->teid_up : flow->teid_down;
                out->knowledge = bindings_of_tunnel(bindings, &question, &out->holder);
                if (out->knowledge != TUNNEL_UNKNOWN && (out->by_device || !is_way_of_device(bindings, flow, question)))
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
        if (s->is_usual && memory->leads) {
                *out = (struct uplink){.holder = s->owner->holder, .knowledge = TUNNEL_BOUND, .source = s->key.address, .by_device = true,
                                       .is_usual = true};
                return true;
        }
        unsigned found = find_way(s->judge->bindings, s->flow, out);
        unsigned way = s->flow->opener == APNWATCH__V1__FLOW__OPENER__PEER; /* the first or the second */
        memory->leads |= s->is_usual && found == way + 1 && out->knowledge == TUNNEL_BOUND && out->holder.record == memory->record;
        return found != 0;
}
