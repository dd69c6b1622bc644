#include "sense/flow_keeper.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/apart.h"
#include "sense/flow_events.h"

enum { TUNNELS_A_SECOND = 64 }; /* of a shard */
enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

static const int64_t SECOND = 1000000000;
static const int64_t LINGER_NS = 2 * SECOND;      /* after both FINs or a reset */
static const int64_t HANDSHAKE_NS = 60 * SECOND;  /* TCP that was never answered, or never carried data */
static const int64_t DECIDE_NS = 10 * SECOND;     /* a label is waited for so long */
static const int64_t UPDATE_NS = 300 * SECOND;
static const int64_t ACTIVITY_NS = 60 * SECOND;   /* a silence so long makes the next packet news */

struct order { /* of the events that are being told now */
        int64_t clock_ns;
        uint64_t frame; /* 0: timers */
        int shard;      /* -1: none */
        uint32_t index;
};

struct flow_keeper {
        struct flow_table *table;
        const struct prefix_trie *devices;
        struct inspector inspector;
        struct flow_timeouts timeouts;
        struct event_sink sink;
        struct order order;
        struct flow_keeper_counters counters;
        uint64_t next_id;
        Apnwatch__V1__Flow message; /* of the event that is being told */
        struct { /* Tunnel events of a shard in the current second */
                int64_t second;
                uint32_t told;
        } tunnels[SHARDS];
};

static void emit(struct flow_keeper *keeper, event_t *event)
{
        struct order *order = &keeper->order;
        event->clock = (uint64_t)order->clock_ns;
        event->has_frame = order->frame != 0;
        event->frame = order->frame;
        event->has_shard = order->shard >= 0;
        event->shard = order->shard >= 0 ? (uint32_t)order->shard : 0;
        event->index = order->index++;
        event_sink_emit(&keeper->sink, event);
}

/* What a dissector tells. */
static void emit_fact(void *context, struct flow *flow, event_t *event, uint32_t file, uint64_t file_frame, int64_t time_ns)
{
        struct flow_keeper *keeper = context;
        flow_fill(flow, &keeper->message);
        event->flow = &keeper->message;
        event->has_time = true;
        event->time = (uint64_t)time_ns;
        event->has_file = event->has_file_frame = file_frame != 0;
        event->file = file;
        event->file_frame = file_frame;
        emit(keeper, event);
}

/* Like what else is seldom and large on the stack, not in the way of every packet. */
static APART void emit_news(struct flow_keeper *keeper, struct flow *flow,
                            Apnwatch__V1__FlowNews__Phase phase, int64_t time_ns, int reason)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__FlowNews news = APNWATCH__V1__FLOW_NEWS__INIT;
        flow_fill(flow, &keeper->message);
        news.phase = phase;
        news.has_reason = reason >= 0;
        news.reason = reason >= 0 ? (Apnwatch__V1__FlowNews__Reason)reason : 0;
        news.has_first = news.first = phase == APNWATCH__V1__FLOW_NEWS__PHASE__END && !flow->start_told;
        bool final = (flow->label_final || phase == APNWATCH__V1__FLOW_NEWS__PHASE__END) && !flow->final_told;
        news.has_label_final = news.label_final = final;
        event.flow = &keeper->message;
        event.has_time = true;
        event.time = (uint64_t)time_ns;
        event.has_file = event.has_file_frame = true;
        event.file = flow->first_file;
        event.file_frame = flow->first_frame;
        event.body_case = APNWATCH__V1__EVENT__BODY_FLOW_NEWS;
        event.flow_news = &news;
        flow->final_told |= final;
        flow->start_told = true;
        flow->update_due = false;
        flow->told_ns = keeper->order.clock_ns;
        emit(keeper, &event);
}

struct flow_keeper *flow_keeper_create(uint32_t flow_limit, const struct prefix_trie *devices, const struct flow_timeouts *timeouts,
                                       bool classify_always, const struct event_sink *sink)
{
        struct flow_keeper *keeper = calloc(1, sizeof *keeper);
        if (keeper == NULL)
                return NULL;
        keeper->table = flow_table_create(flow_limit);
        keeper->devices = devices;
        keeper->timeouts = *timeouts;
        keeper->sink = *sink;
        flow_message_init(&keeper->message);
        keeper->inspector.classifier = classifier_create();
        keeper->inspector.expectations = expectations_create();
        keeper->inspector.verdicts = verdict_cache_create();
        keeper->inspector.classify_always = classify_always;
        keeper->inspector.emit = emit_fact;
        keeper->inspector.context = keeper;
        if (keeper->table == NULL || keeper->inspector.classifier == NULL || keeper->inspector.expectations == NULL ||
            keeper->inspector.verdicts == NULL) {
                flow_keeper_destroy(keeper);
                return NULL;
        }
        return keeper;
}

static void ignore_event(void *context, const event_t *event)
{
        (void)context;
        (void)event;
}

void flow_keeper_destroy(struct flow_keeper *keeper)
{
        if (keeper == NULL)
                return;
        keeper->sink.event = ignore_event;
        struct flow *flow;
        while (keeper->table != NULL && (flow = flow_table_any(keeper->table)) != NULL) {
                inspection_finish(&keeper->inspector, flow);
                interned_name_release(&keeper->inspector.names, flow->name);
                flow_table_remove(keeper->table, flow);
        }
        inspector_clear(&keeper->inspector);
        flow_table_destroy(keeper->table);
        classifier_destroy(keeper->inspector.classifier);
        expectations_destroy(keeper->inspector.expectations);
        verdict_cache_destroy(keeper->inspector.verdicts);
        interned_names_clear(&keeper->inspector.names);
        free(keeper);
}

void flow_keeper_start(struct flow_keeper *keeper, int64_t second)
{
        flow_table_start(keeper->table, second);
}

void flow_keeper_prefetch(const struct flow_keeper *keeper, const struct pending *pending)
{
        flow_table_prefetch(keeper->table, pending->hash);
}

void flow_keeper_prefetch_flow(const struct flow_keeper *keeper, const struct pending *pending)
{
        flow_table_prefetch_flow(keeper->table, pending->hash);
}

static bool flow_is_closed(const struct flow *flow)
{
        return flow->reset || flow->fin == 3;
}

static int64_t flow_timeout(const struct flow_keeper *keeper, const struct flow *flow)
{
        switch (flow->protocol) {
        case IPPROTO_TCP:
                if (flow_is_closed(flow))
                        return LINGER_NS;
                if (!flow->answered && flow->payload[0] + flow->payload[1] == 0)
                        return HANDSHAKE_NS < keeper->timeouts.tcp_ns ? HANDSHAKE_NS : keeper->timeouts.tcp_ns;
                return keeper->timeouts.tcp_ns;
        case IPPROTO_UDP:
                return keeper->timeouts.udp_ns;
        default:
                return keeper->timeouts.other_ns;
        }
}

static void flow_end(struct flow_keeper *keeper, struct flow *flow, Apnwatch__V1__FlowNews__Reason reason, int64_t time_ns)
{
        inspection_finish(&keeper->inspector, flow);
        emit_news(keeper, flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, time_ns, (int)reason);
        interned_name_release(&keeper->inspector.names, flow->name);
        flow_table_remove(keeper->table, flow);
}

static Apnwatch__V1__FlowNews__Reason end_reason(const struct flow *flow)
{
        if (flow->reset)
                return APNWATCH__V1__FLOW_NEWS__REASON__RESET;
        return flow_is_closed(flow) ? APNWATCH__V1__FLOW_NEWS__REASON__CLOSED : APNWATCH__V1__FLOW_NEWS__REASON__TIMEOUT;
}

static void set_sides(struct flow *flow, const struct pending *pending, const struct side *side)
{
        unsigned source = pending->source_end;
        bool source_opened;
        flow->opening_seen = side_opening(&pending->packet, &source_opened);
        flow->opener = (uint8_t)(source_opened ? source : !source);
        flow->device = (uint8_t)(side->source_is_device ? source : !source);
        if (!side->certain)
                flow->device = flow->opener;
        flow->peer_is_device = side->both;
}

static void set_tunnel(struct flow *flow, const struct pending *pending)
{
        bool is_way_back = pending->source_end != flow->opener;
        flow->tunnel_source = packet_outer_address(&pending->packet, is_way_back);
        flow->tunnel_destination = packet_outer_address(&pending->packet, !is_way_back);
}

/* Labels that the IP protocol alone decides, as nDPI has them. Other protocols go to nDPI. */
static const char *label_of_protocol(uint8_t protocol)
{
        switch (protocol) {
        case IPPROTO_ICMP: return "ICMP";
        case IPPROTO_ICMPV6: return "ICMPV6";
        case IPPROTO_IGMP: return "IGMP";
        case IPPROTO_ESP: case IPPROTO_AH: return "IPsec";
        case IPPROTO_SCTP: return "SCTP";
        default: return NULL;
        }
}

static void set_protocol_label(struct flow *flow)
{
        flow->label = label_of_protocol(flow->protocol);
        if (flow->label == NULL)
                return;
        flow->label_source = APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR;
        flow->classified = true;
        if (flow->protocol != IPPROTO_SCTP) { /* what it carries is for dissectors to say */
                flow->label_final = true;
                flow->phase = FLOW_SETTLED;
        }
        bool opaque = flow->protocol == IPPROTO_ESP;
        flow->visibility = opaque ? APNWATCH__V1__FLOW__VISIBILITY__OPAQUE : APNWATCH__V1__FLOW__VISIBILITY__READABLE;
}

static APART struct flow *flow_open(struct flow_keeper *keeper, struct pending *pending)
{
        const struct side side = side_of(keeper->devices, &pending->packet);
        unsigned shard = side_shard(&side, &pending->packet);
        if (flow_table_is_full(keeper->table, shard)) {
                struct flow *victim = flow_table_victim(keeper->table, shard);
                if (victim != NULL) {
                        keeper->counters.evicted++;
                        flow_end(keeper, victim, APNWATCH__V1__FLOW_NEWS__REASON__EVICTED, victim->last_ns);
                }
        }
        struct flow *flow = flow_table_add(keeper->table, shard, &pending->packet, pending->hash);
        if (flow == NULL) {
                keeper->counters.no_memory++;
                return NULL;
        }
        const struct packet *packet = &pending->packet;
        pending->source_end = 0;
        keeper->counters.opened++;
        flow->id = ++keeper->next_id;
        flow->start_ns = flow->last_ns = pending->stamp_ns;
        flow->told_ns = pending->clock_ns;
        flow->first_file = pending->frame->file;
        flow->first_frame = pending->frame->number;
        flow->first_order = pending->frame->order;
        flow->tap = packet->tap;
        flow->icmp_type = packet->icmp_type;
        flow->icmp_code = packet->icmp_code;
        set_sides(flow, pending, &side);
        set_tunnel(flow, pending);
        set_protocol_label(flow);
        flow_table_schedule(keeper->table, flow, pending->clock_ns / SECOND + 1);
        return flow;
}

/* A SYN on the ports of a connection that is over, or with another sequence number, begins a new flow. */
static bool begins_anew(const struct flow *flow, const struct pending *pending)
{
        if ((pending->packet.tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
                return false;
        unsigned source = pending->source_end;
        bool known = (flow->sequence_known & 1U << source) != 0;
        bool again = known && flow->next_sequence[source] == pending->packet.sequence + 1;
        return flow_is_closed(flow) || (flow->answered && known && !again);
}

/* TCP payload by sequence numbers: retransmissions do not count, holes of less than a window do. */
static void count_sequence(struct flow *flow, const struct packet *packet, unsigned source)
{
        uint32_t behind = packet->sequence + packet->payload_length + ((packet->tcp_flags & (TCP_SYN | TCP_FIN)) != 0);
        const unsigned bit = 1U << source;
        bool known = (flow->sequence_known & bit) != 0;
        int32_t advance = known ? (int32_t)(behind - flow->next_sequence[source]) : (int32_t)packet->payload_length;
        if (advance > (1 << 24) || advance < -(1 << 24))
                advance = (int32_t)packet->payload_length; /* lost track */
        else if (known && advance <= 0)
                return;
        if (!known)
                flow->sequence_known |= bit;
        flow->next_sequence[source] = behind;
        if (packet->payload_length > 0)
                flow->payload[source] += (uint64_t)advance - ((packet->tcp_flags & TCP_FIN) != 0 && advance > 0);
}

static void count_tcp(struct flow_keeper *keeper, struct flow *flow, const struct pending *pending)
{
        const struct packet *packet = &pending->packet;
        unsigned source = pending->source_end;
        count_sequence(flow, packet, source);
        if (source != flow->opener && !(packet->tcp_flags & TCP_RST))
                flow->answered = true;
        if (!(packet->tcp_flags & (TCP_FIN | TCP_RST)))
                return;
        bool was_closed = flow_is_closed(flow);
        if (packet->tcp_flags & TCP_FIN)
                flow->fin |= 1U << source;
        flow->reset |= (packet->tcp_flags & TCP_RST) != 0;
        if (!was_closed && flow_is_closed(flow)) {
                keeper->counters.closed++;
                if (flow->start_told)
                        flow_table_schedule(keeper->table, flow, (pending->clock_ns + LINGER_NS) / SECOND + 1);
        }
}

static APART void emit_tunnel(struct flow_keeper *keeper, struct flow *flow, const struct pending *pending)
{
        const struct packet *packet = &pending->packet;
        int64_t second = pending->clock_ns / SECOND;
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Tunnel tunnel = APNWATCH__V1__TUNNEL__INIT;
        struct address outer[] = {packet_outer_address(packet, false), packet_outer_address(packet, true)};
        if (keeper->tunnels[flow->shard].second != second) {
                keeper->tunnels[flow->shard].second = second;
                keeper->tunnels[flow->shard].told = 0;
        }
        if (keeper->tunnels[flow->shard].told == TUNNELS_A_SECOND) {
                keeper->counters.tunnels_untold++;
                return;
        }
        keeper->tunnels[flow->shard].told++;
        tunnel.teid = packet->teid;
        tunnel.source.data = (uint8_t *)(uintptr_t)address_wire(&outer[0], &tunnel.source.len);
        tunnel.destination.data = (uint8_t *)(uintptr_t)address_wire(&outer[1], &tunnel.destination.len);
        event.body_case = APNWATCH__V1__EVENT__BODY_TUNNEL;
        event.tunnel = &tunnel;
        event.has_from_device = true;
        event.from_device = pending->source_end == flow->device;
        emit_fact(keeper, flow, &event, pending->frame->file, pending->frame->number, pending->stamp_ns);
}

/* A number belongs to the node that is sent to: of the flow's tunnel are those alone that lead to its two nodes, the first of each. */
static void take_tunnel(struct flow *flow, const struct pending *pending)
{
        unsigned source = pending->source_end;
        struct address node = packet_outer_address(&pending->packet, true);
        if (flow->tunnel_teid[source] == 0 && address_equal(&node, source == flow->opener ? &flow->tunnel_destination : &flow->tunnel_source))
                flow->tunnel_teid[source] = pending->packet.teid;
}

/* TEIDs change on handover; whoever tries many does it, too. */
static void take_teid(struct flow_keeper *keeper, struct flow *flow, const struct pending *pending)
{
        unsigned source = pending->source_end;
        bool is_known = (flow->has_teid & 1U << source) != 0;
        if (is_known && flow->teid[source] == pending->packet.teid)
                return;
        take_tunnel(flow, pending);
        flow->teid[source] = pending->packet.teid;
        flow->has_teid |= 1U << source;
        if (is_known)
                emit_tunnel(keeper, flow, pending);
}

static void count_packet(struct flow_keeper *keeper, struct flow *flow, const struct pending *pending)
{
        const struct packet *packet = &pending->packet;
        unsigned source = pending->source_end;
        flow->packets[source]++;
        flow->bytes[source] += packet->ip_length;
        if (source == flow->device)
                flow->up_second = (uint32_t)(pending->stamp_ns / SECOND);
        if (packet->has_teid)
                take_teid(keeper, flow, pending);
        if (flow->protocol == IPPROTO_TCP) {
                count_tcp(keeper, flow, pending);
                return;
        }
        flow->payload[source] += packet->payload_length;
        flow->answered |= source != flow->opener;
}

static void inspect(struct flow_keeper *keeper, struct flow *flow, const struct pending *pending)
{
        keeper->inspector.clock_ns = pending->clock_ns;
        if (flow->protocol == IPPROTO_TCP && flow->inspection != NULL)
                inspection_acknowledgement(&keeper->inspector, flow, &pending->packet, pending->source_end);
        if (flow->phase != FLOW_SETTLED && pending->packet.payload_captured > 0)
                inspection_packet(&keeper->inspector, flow, &pending->packet, pending->frame, pending->source_end);
}

/* Several packets may stand behind one frame (a datagram that stayed incomplete): their events go on counting. */
static void order_packet(struct flow_keeper *keeper, int64_t clock_ns, uint64_t frame)
{
        struct order *order = &keeper->order;
        bool same = order->clock_ns == clock_ns && order->frame == frame && order->shard < 0;
        *order = (struct order){.clock_ns = clock_ns, .frame = frame, .shard = -1, .index = same ? order->index : 0};
}

void flow_keeper_packet(struct flow_keeper *keeper, struct pending *pending)
{
        order_packet(keeper, pending->clock_ns, pending->frame->order);
        struct flow *flow = flow_table_find(keeper->table, &pending->packet, pending->hash, &pending->source_end);
        if (flow != NULL && flow->protocol == IPPROTO_TCP && begins_anew(flow, pending)) {
                flow_end(keeper, flow, end_reason(flow), flow->last_ns);
                flow = NULL;
        }
        if (flow == NULL && (flow = flow_open(keeper, pending)) == NULL)
                return;
        if (flow->phase != FLOW_SETTLED)
                inspect(keeper, flow, pending);
        bool silent = pending->stamp_ns - flow->last_ns >= ACTIVITY_NS;
        if (pending->stamp_ns > flow->last_ns)
                flow->last_ns = pending->stamp_ns;
        count_packet(keeper, flow, pending);
        flow->update_due = true;
        if (!flow->start_told)
                return;
        if (flow->label_final && !flow->final_told)
                flow_table_schedule(keeper->table, flow, pending->clock_ns / SECOND + 1);
        if (silent)
                emit_news(keeper, flow, APNWATCH__V1__FLOW_NEWS__PHASE__ACTIVITY, pending->stamp_ns, -1);
}

static int64_t earlier(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* When the flow wants attention next. */
static int64_t next_due(const struct flow_keeper *keeper, const struct flow *flow)
{
        int64_t due = flow->last_ns + flow_timeout(keeper, flow);
        if (flow->update_due)
                due = earlier(due, flow->told_ns + UPDATE_NS);
        if (!flow->label_final && (keeper->timeouts.prompt || flow->payload[0] + flow->payload[1] > 0))
                due = earlier(due, flow->start_ns + DECIDE_NS);
        return due;
}

static void flow_due(struct flow_keeper *keeper, struct flow *flow, int64_t tick_ns)
{
        int64_t ends = flow->last_ns + flow_timeout(keeper, flow);
        if (ends <= tick_ns) {
                keeper->counters.timed_out++;
                flow_end(keeper, flow, end_reason(flow), ends);
                return;
        }
        if (!flow->start_told) {
                emit_news(keeper, flow, APNWATCH__V1__FLOW_NEWS__PHASE__START, flow->start_ns, -1);
        } else {
                /* A datagram that nothing followed is judged when it ends, where nobody waits: one event less. */
                bool waited = tick_ns - flow->start_ns >= DECIDE_NS;
                if (!flow->label_final && waited && (flow->protocol == IPPROTO_TCP || flow->update_due || keeper->timeouts.prompt))
                        flow->label_final = true; /* told as it stands; what nDPI still learns comes with the END */
                if (flow->label_final && !flow->final_told)
                        emit_news(keeper, flow, APNWATCH__V1__FLOW_NEWS__PHASE__KNOWN, tick_ns, -1);
                else if (flow->update_due && tick_ns - flow->told_ns >= UPDATE_NS)
                        emit_news(keeper, flow, APNWATCH__V1__FLOW_NEWS__PHASE__UPDATE, flow->last_ns, -1);
        }
        int64_t due = next_due(keeper, flow);
        if (due <= tick_ns)
                due = flow->last_ns + flow_timeout(keeper, flow);
        flow_table_schedule(keeper->table, flow, (due + SECOND - 1) / SECOND);
}

/* The events of a shard's timers are counted from 0 at each tick. */
static void order_timer(struct flow_keeper *keeper, int64_t clock_ns, uint64_t frame, unsigned shard)
{
        struct order *order = &keeper->order;
        bool same = order->clock_ns == clock_ns && order->frame == frame && order->shard == (int)shard;
        *order = (struct order){.clock_ns = clock_ns, .frame = frame, .shard = (int)shard, .index = same ? order->index : 0};
}

void flow_keeper_tick(struct flow_keeper *keeper, int64_t tick_ns)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &tick;
        keeper->inspector.clock_ns = tick_ns;
        keeper->order = (struct order){.clock_ns = tick_ns, .shard = -1};
        emit(keeper, &event);
        struct flow *flow;
        while ((flow = flow_table_due(keeper->table, tick_ns / SECOND)) != NULL) {
                const struct flow *ahead;
                while (keeper->sink.soon && (ahead = flow_table_ahead(keeper->table)) != NULL)
                        keeper->sink.soon(keeper->sink.context, &ahead->address[ahead->device], ahead->context);
                order_timer(keeper, tick_ns, 0, flow->shard);
                flow_due(keeper, flow, tick_ns);
        }
        flow_table_prefetch_due(keeper->table);
}

void flow_keeper_end_all(struct flow_keeper *keeper, int64_t clock_ns)
{
        keeper->inspector.clock_ns = clock_ns;
        struct flow *flow;
        while ((flow = flow_table_any(keeper->table)) != NULL) {
                order_timer(keeper, clock_ns, UINT64_MAX, flow->shard);
                flow_end(keeper, flow, flow_is_closed(flow) ? end_reason(flow) : APNWATCH__V1__FLOW_NEWS__REASON__INPUT_END,
                         flow->last_ns);
        }
}

void flow_keeper_tell(struct flow_keeper *keeper, event_t *event, int64_t clock_ns)
{
        keeper->order.clock_ns = clock_ns;
        keeper->order.shard = -1;
        emit(keeper, event);
}

const struct flow_keeper_counters *flow_keeper_counters(const struct flow_keeper *keeper)
{
        return &keeper->counters;
}

const struct inspector *flow_keeper_inspector(const struct flow_keeper *keeper)
{
        return &keeper->inspector;
}

uint32_t flow_keeper_count(const struct flow_keeper *keeper)
{
        return flow_table_count(keeper->table);
}

uint32_t flow_keeper_peak(const struct flow_keeper *keeper)
{
        return flow_table_peak(keeper->table);
}
