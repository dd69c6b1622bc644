/* What a device does to the tunnel that carries it: gtp.spoofed_source, gtp.nested, gtp.signalling.
 *
 * spoofed_source: what comes out of a session's tunnel towards the network has a source address that is not the session's, nor of a
 * network behind it, nor link-local or unspecified. Not asked of an address that was changed a moment ago, nor of a tunnel that
 * was released, nor of the address of a session whose own tunnels nobody told. One alert for a SIM; it counts flows.
 *
 * nested: GTP-U or GTP' out of a device: a tunnel that begins at the address of a session and is not the one that carries the session;
 * or a datagram to their ports. High towards nodes of the core and private addresses, low towards the Internet, where a VPN may use
 * such a port. GRE and IP in IP inside a session are no finding: devices have VPNs.
 *
 * signalling: GTP-C, PFCP, Diameter, RADIUS, S1AP, NGAP, X2AP, XnAP from the device side, known by port. RADIUS of a router to a
 * server that is no node of the core is low, as is everything towards the Internet; what a rule of policy allows is no finding. */
#include "base/apart.h"
#include "judge/detectors/detectors.h"

#include <stdio.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "judge/draft.h"
#include "judge/flow_set.h"
#include "judge/judge_state.h"
#include "judge/session_draft.h"
#include "judge/uplink.h"

enum { READDRESSED_KEPT = 1024, READDRESSED_S = 30, SLACK_S = 5, NODE_LIMIT = 1 << 16, NODES_NEAR = 16, TCP = 6, UDP = 17, SCTP = 132 };

static const int64_t SECOND = 1000000000;

struct gtp_state {
        struct readdressed {
                uint64_t session;
                int64_t time_ns;
        } readdressed[READDRESSED_KEPT]; /* sessions whose addresses changed, a ring */
        unsigned readdressed_next;
        struct flow_set *nodes; /* hashes of addresses that signalling names */
        struct near {
                struct address address;
                uint16_t context;
        } near[NODES_NEAR];     /* of them, the last of each kind of last bytes: sessions name the same few */
};

static void *create(struct judge *judge)
{
        (void)judge;
        struct gtp_state *state = calloc(1, sizeof *state);
        if (state && (state->nodes = flow_set_create(NODE_LIMIT)) == NULL) {
                free(state);
                return NULL;
        }
        return state;
}

static void destroy(void *context)
{
        struct gtp_state *state = context;
        if (state == NULL)
                return;
        flow_set_destroy(state->nodes);
        free(state);
}

static uint64_t address_hash(const struct address *address, uint16_t context)
{
        return XXH3_64bits_withSeed(address, sizeof *address, context);
}

static void add_node(struct gtp_state *state, const struct address *address, uint16_t context)
{
        struct near *near = &state->near[(address->bytes[15] ^ address->bytes[14]) % NODES_NEAR];
        if (near->context == context && address_equal(&near->address, address))
                return;
        *near = (struct near){*address, context};
        uint64_t hash = address_hash(address, context);
        if (!flow_set_has(state->nodes, hash))
                flow_set_add(state->nodes, hash);
}

static void add_nodes(struct gtp_state *state, const struct binding_endpoints *endpoints, uint16_t context)
{
        for (unsigned i = 0; i < endpoints->control_count; i++)
                add_node(state, &endpoints->control[i].address, context);
        for (unsigned i = 0; i < endpoints->user_count; i++)
                add_node(state, &endpoints->user[i].address, context);
}

static void on_binding(struct judge *judge, void *context, const struct binding_change *change)
{
        struct gtp_state *state = context;
        (void)judge;
        if (change->endpoints != NULL)
                add_nodes(state, change->endpoints, change->now->context);
        if (change->news != BINDING_CHANGED || (change->facts & (1U << FACT_IPV4 | 1U << FACT_IPV6)) == 0)
                return;
        state->readdressed[state->readdressed_next] = (struct readdressed){change->now->number, change->time_ns};
        state->readdressed_next = (state->readdressed_next + 1) % READDRESSED_KEPT;
}

static bool was_readdressed(const struct gtp_state *state, uint64_t session, int64_t time_ns)
{
        for (unsigned i = 0; i < READDRESSED_KEPT; i++)
                if (state->readdressed[i].session == session && state->readdressed[i].time_ns != 0 &&
                    time_ns - state->readdressed[i].time_ns < READDRESSED_S * SECOND)
                        return true;
        return false;
}

/* Who is meant, in a cause: the SIM, else the session. */
static const char *name_of(const struct binding *binding, char text[32])
{
        if (binding->imsi[0])
                return binding->imsi;
        snprintf(text, 32, "session %llu", (unsigned long long)binding->number);
        return text;
}

static void begin(struct session_draft *draft, const struct sighting *s, const struct binding *binding, enum circumstance circumstance,
                  const char *what)
{
        const Apnwatch__V1__Flow *flow = s->flow;
        session_draft_begin(draft, s->judge, binding, s->event, circumstance, what);
        draft->sighting = s;
        struct finding *finding = &draft->finding;
        finding->flow = flow->id + 1;
        finding->time_ns = (int64_t)flow->start;
        finding->last_ns = (int64_t)flow->last;
        finding->has_frame = flow->has_first_frame;
        finding->file = flow->first_file;
        finding->frame = flow->first_frame;
}

static void judge_source(struct judge *judge, const struct gtp_state *state, const struct sighting *s, const struct uplink *uplink)
{
        struct tunnel_memory *memory = &s->device->tunnel;
        char name[32], source[ADDRESS_TEXT_SIZE];
        struct session_draft draft;
        struct binding found;
        if (uplink->knowledge != TUNNEL_BOUND || (int64_t)s->flow->start < uplink->holder.first_ns - SLACK_S * SECOND)
                return;
        if (uplink->is_usual && !memory->is_own)
                memory->is_own = bindings_holds(judge->bindings, &uplink->holder, &uplink->source);
        if (uplink->is_usual && memory->is_own)
                return;
        if (!uplink->is_usual)
                bindings_show(judge->bindings, &uplink->holder, INT64_MAX, &found);
        const struct binding *binding = uplink->is_usual ? sighting_binding(s) : &found;
        if (binding_may_send(judge->bindings, binding, &uplink->source, (int64_t)s->flow->start) ||
            was_readdressed(state, binding->number, (int64_t)s->flow->last))
                return;
        begin(&draft, s, binding, SPOOFED_SOURCE, "Source address that is not the session's");
        draft.finding.peer = name_of(binding, name);
        draft.detail.inner_source = (char *)address_text(&uplink->source, source);
        session_draft_report(&draft);
}

enum node_kind { NODE_CORE, NODE_PRIVATE, NODE_INTERNET };

static enum node_kind node_kind_of(const struct judge *judge, const struct gtp_state *state, const struct address *address, uint16_t context)
{
        if (flow_set_has(state->nodes, address_hash(address, context)))
                return NODE_CORE;
        bool is_own = address_is_private(address) || (judge->policy && policy_is_infrastructure(judge->policy, address));
        return is_own ? NODE_PRIVATE : NODE_INTERNET;
}

static char *node_text(enum node_kind kind)
{
        static const char *const texts[] = {"core", "private", "internet"};
        return (char *)texts[kind];
}

static bool carries(struct judge *judge, const struct binding *binding, const Apnwatch__V1__Flow *flow)
{
        struct binding_endpoints endpoints;
        if (!bindings_endpoints(judge->bindings, binding, &endpoints))
                return false;
        for (unsigned i = 0; i < endpoints.user_count; i++)
                if ((flow->has_teid_up && endpoints.user[i].key == flow->teid_up) ||
                    (flow->has_teid_down && endpoints.user[i].key == flow->teid_down))
                        return true;
        return false;
}

/* The session at whose address the flow's innermost GTP-U tunnel begins or ends; `*far` is the tunnel's other end. */
static bool carrier_of(struct judge *judge, const Apnwatch__V1__Flow *flow, struct binding *carrier, struct address *far)
{
        struct address ends[2];
        if (!(flow->has_teid_up || flow->has_teid_down) ||
            !address_from_bytes(flow->tunnel_source.data, flow->tunnel_source.len, &ends[0]) ||
            !address_from_bytes(flow->tunnel_destination.data, flow->tunnel_destination.len, &ends[1]))
                return false;
        for (unsigned i = 0; i < 2; i++) {
                const struct binding *found = bindings_of_address(judge->bindings, (uint16_t)flow->context, NULL, &ends[i],
                                                                  (int64_t)flow->start);
                if (found == NULL || carries(judge, found, flow))
                        continue;
                *carrier = *found;
                *far = ends[1 - i];
                return true;
        }
        return false;
}

static void tell_nested(struct judge *judge, const struct gtp_state *state, const struct sighting *s, const struct binding *carrier,
                        const struct address *far)
{
        enum node_kind kind = node_kind_of(judge, state, far, s->key.context);
        char name[32], peer[ADDRESS_TEXT_SIZE];
        struct session_draft draft;
        begin(&draft, s, carrier, kind == NODE_INTERNET ? NESTED_ELSEWHERE : NESTED_TO_CORE, "GTP inside the device's tunnel");
        draft.peer = far;
        draft.finding.peer = name_of(carrier, name);
        draft.finding.object = address_text(far, peer);
        draft.detail.node = node_text(kind);
        session_draft_report(&draft);
}

static bool has_label(const struct sighting *s, const char *label)
{
        return s->contact.label && strncmp(s->contact.label, label, strlen(label)) == 0;
}

enum plane { PLANE_NONE, PLANE_USER, PLANE_CONTROL, PLANE_RADIUS };
enum sender { SENT_BY_UNKNOWN, SENT_BY_DEVICE, SENT_BY_PEER }; /* by the tunnel */

static enum plane plane_of(const struct sighting *s)
{
        uint16_t port = s->contact.peer_port;
        switch (s->flow->protocol) {
        case UDP:
                if (port == 2123 || port == 8805)
                        return PLANE_CONTROL;
                if (port == 2152 || port == 3386)
                        return PLANE_USER;
                return port == 1812 || port == 1813 || port == 1645 || port == 1646 || port == 3799 ? PLANE_RADIUS : PLANE_NONE;
        case TCP:
                return port == 3868 && (s->contact.label == NULL || has_label(s, "Diameter")) ? PLANE_CONTROL : PLANE_NONE;
        case SCTP: /* Diameter, S1AP, X2AP, NGAP, XnAP */
                return port == 3868 || port == 36412 || port == 36422 || port == 38412 || port == 38422 ? PLANE_CONTROL : PLANE_NONE;
        default:
                return PLANE_NONE;
        }
}

/* As far as can be told: it has a session, it came out of a session's tunnel, or policy says so. */
static bool is_from_device(const struct sighting *s, enum sender sender)
{
        if (s->contact.opener == OPENER_PEER || s->flow->packets_up == 0)
                return false;
        if (sender != SENT_BY_UNKNOWN)
                return sender == SENT_BY_DEVICE;
        return s->owner || (s->judge->policy && policy_is_device(s->judge->policy, &s->key.address));
}

static void judge_plane(struct judge *judge, const struct gtp_state *state, struct sighting *s, enum plane plane, enum sender sender)
{
        struct draft draft;
        if (!is_from_device(s, sender))
                return;
        const struct verdict *verdict = sighting_verdict(s);
        if (verdict->kind == VERDICT_ALLOWED && verdict->reason == REASON_RULE)
                return;
        enum node_kind kind = node_kind_of(judge, state, &s->contact.peer, s->key.context);
        bool is_near = kind == NODE_CORE || (kind == NODE_PRIVATE && plane != PLANE_RADIUS);
        if (plane == PLANE_USER)
                draft_of_flow(&draft, s, is_near ? NESTED_TO_CORE : NESTED_ELSEWHERE, "GTP inside the device's tunnel");
        else
                draft_of_flow(&draft, s, is_near ? SIGNALLING_TO_CORE : SIGNALLING_ELSEWHERE, "Control plane from the device side");
        draft.detail.node = node_text(kind);
        draft_report(&draft);
}

static APART enum sender judge_tunnel(struct judge *judge, const struct gtp_state *state, const struct sighting *s)
{
        struct uplink uplink;
        struct binding carrier;
        struct address far;
        if (uplink_of_sighting(s, &uplink)) {
                judge_source(judge, state, s, &uplink);
                return uplink.by_device ? SENT_BY_DEVICE : SENT_BY_PEER;
        }
        if (carrier_of(judge, s->flow, &carrier, &far))
                tell_nested(judge, state, s, &carrier, &far);
        return SENT_BY_UNKNOWN;
}

/* Nearly every flow comes out of its device's own tunnel, with the address that is its session's. */
static void on_event(struct judge *judge, void *context, struct sighting *s)
{
        const struct tunnel_memory *memory = &s->device->tunnel;
        enum sender sender = SENT_BY_UNKNOWN;
        if (s->is_usual && memory->leads && memory->is_own)
                sender = SENT_BY_DEVICE;
        else if (bindings_hold_any(judge->bindings)) /* else there is nothing to look up */
                sender = judge_tunnel(judge, context, s);
        enum plane plane = s->event->flow_news->label_final ? plane_of(s) : PLANE_NONE;
        if (plane != PLANE_NONE)
                judge_plane(judge, context, s, plane, sender);
}

static void counters(void *context, void (*add)(void *context, const char *name, uint64_t value), void *to)
{
        const struct gtp_state *state = context;
        add(to, "judge.gtp.nodes_refused", flow_set_refused(state->nodes));
}

const struct detector gtp_detector = {
        .name = "gtp",
        .wants = DETECTOR_WANTS(FLOW_NEWS),
        .view = AS_TOLD,
        .create = create,
        .destroy = destroy,
        .on_event = on_event,
        .on_binding = on_binding,
        .counters = counters,
};
