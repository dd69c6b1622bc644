#include "tests/traffic/flow_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/traffic/session.h"
#include "tests/traffic/traffic.h"

/* as src/sense/flow_keeper.c has them */
static const int64_t linger_ns = 2 * SECOND_NS, handshake_ns = 60 * SECOND_NS;
static const int64_t tcp_ns = 3600 * SECOND_NS, udp_ns = 180 * SECOND_NS, other_ns = 600 * SECOND_NS;

static void label_by_protocol(struct flow_record *record)
{
        if (record->protocol != IP_ICMP && record->protocol != IP_ICMPV6)
                return;
        flow_record_label(record, &(struct label_fact){.label = record->protocol == IP_ICMP ? "ICMP" : "ICMPV6",
                                                       .visibility = FACT_READABLE});
}

static void set_tunnel(struct flow_record *record, const struct packet *packet)
{
        if (!packet->conversation->traffic->has_tunnels)
                return;
        struct tunnel tunnel = conversation_tunnel(packet->conversation);
        record->has_tunnel = true;
        record->tunnel_source = packet->direction == UP ? tunnel.station : tunnel.gateway;
        record->tunnel_destination = packet->direction == UP ? tunnel.gateway : tunnel.station;
}

struct flow_record *flow_record_create(const struct packet *packet, uint64_t id, uint64_t number, int64_t time_ns)
{
        const struct conversation *c = packet->conversation;
        struct flow_record *record = calloc(1, sizeof(*record));
        if (record == NULL)
                abort();
        record->id = id;
        record->device = c->device;
        record->peer = c->contact.peer;
        record->device_port = c->contact.device_port;
        record->peer_port = c->contact.peer_port;
        record->protocol = c->contact.protocol;
        record->icmp_type = packet->icmp_type;
        record->peer_is_device = c->contact.peer_device != 0;
        record->opener = c->contact.opener;
        record->opening_seen = !c->contact.midstream;
        record->start_ns = record->last_ns = record->told_ns = time_ns;
        record->first_packet = number;
        record->references = 1;
        set_tunnel(record, packet);
        label_by_protocol(record);
        return record;
}

void flow_record_release(struct flow_record *record)
{
        if (--record->references == 0)
                free(record);
}

static uint64_t packet_size(const struct flow_record *record, const struct packet *packet)
{
        uint64_t size = packet->length + (address_is_ipv4(&record->device) ? 20 : 40);
        if (record->protocol == IP_TCP)
                return size + (packet->tcp_flags & TCP_SYN ? 32 : 20);
        return size + 8;
}

void flow_record_count(struct flow_record *record, const struct packet *packet, int64_t time_ns)
{
        record->last_ns = time_ns;
        if (packet->direction == UP)
                record->up_second = (uint32_t)(time_ns / SECOND_NS);
        if (record->has_tunnel) {
                record->teid[packet->direction] = conversation_tunnel(packet->conversation).teid[packet->direction];
                record->has_teid[packet->direction] = true;
        }
        record->packets[packet->direction]++;
        record->bytes[packet->direction] += packet_size(record, packet);
        if (!packet->repeated)
                record->payload[packet->direction] += packet->length;
        if (packet->direction != record->opener && !(packet->tcp_flags & TCP_RST))
                record->answered = true;
        if (packet->tcp_flags & TCP_FIN)
                record->finished[packet->direction] = true;
        record->reset |= (packet->tcp_flags & TCP_RST) != 0;
        record->update_due = true;
}

void flow_record_label(struct flow_record *record, const struct label_fact *fact)
{
        snprintf(record->label, sizeof(record->label), "%s", fact->label);
        if (fact->name != NULL) {
                snprintf(record->name, sizeof(record->name), "%s", fact->name);
                record->name_source = fact->name_source;
        }
        record->visibility = fact->visibility;
        record->tls_version = fact->tls_version;
        record->label_final = true;
}

bool flow_record_is_closed(const struct flow_record *record)
{
        return record->reset || (record->finished[UP] && record->finished[DOWN]);
}

int64_t flow_record_timeout_ns(const struct flow_record *record)
{
        if (record->protocol == IP_UDP)
                return udp_ns;
        if (record->protocol != IP_TCP)
                return other_ns;
        if (flow_record_is_closed(record))
                return linger_ns;
        return !record->answered && record->payload[UP] + record->payload[DOWN] == 0 ? handshake_ns : tcp_ns;
}

Apnwatch__V1__FlowNews__Reason flow_record_end_reason(const struct flow_record *record)
{
        if (record->reset)
                return APNWATCH__V1__FLOW_NEWS__REASON__RESET;
        return flow_record_is_closed(record) ? APNWATCH__V1__FLOW_NEWS__REASON__CLOSED
                                             : APNWATCH__V1__FLOW_NEWS__REASON__TIMEOUT;
}

static ProtobufCBinaryData address_field(const struct address *address)
{
        size_t length;
        const uint8_t *bytes = address_wire(address, &length);
        return (ProtobufCBinaryData){.len = length, .data = (uint8_t *)(uintptr_t)bytes};
}

static void fill_counters(const struct flow_record *record, Apnwatch__V1__Flow *out)
{
        out->has_packets_up = out->has_packets_down = out->has_bytes_up = out->has_bytes_down = true;
        out->packets_up = record->packets[UP];
        out->packets_down = record->packets[DOWN];
        out->bytes_up = record->bytes[UP];
        out->bytes_down = record->bytes[DOWN];
        out->has_payload_up = record->payload[UP] != 0;
        out->payload_up = record->payload[UP];
        out->has_payload_down = record->payload[DOWN] != 0;
        out->payload_down = record->payload[DOWN];
}

static void fill_label(const struct flow_record *record, Apnwatch__V1__Flow *out)
{
        bool labelled = record->label[0] != '\0', named = record->name[0] != '\0';
        out->label = labelled ? (char *)(uintptr_t)record->label : NULL;
        out->has_label_source = labelled;
        out->label_source = APNWATCH__V1__FLOW__LABEL_SOURCE__DISSECTOR;
        out->name = named ? (char *)(uintptr_t)record->name : NULL;
        out->has_name_source = named;
        out->name_source = (Apnwatch__V1__Flow__NameSource)record->name_source;
        out->has_tls_version = record->tls_version != 0;
        out->tls_version = record->tls_version;
        out->has_visibility = true;
        out->visibility = (Apnwatch__V1__Flow__Visibility)record->visibility;
}

static Apnwatch__V1__Flow__Opener flow_opener(const struct flow_record *record)
{
        if (!record->opening_seen)
                return APNWATCH__V1__FLOW__OPENER__UNSEEN;
        return record->opener == UP ? APNWATCH__V1__FLOW__OPENER__DEVICE : APNWATCH__V1__FLOW__OPENER__PEER;
}

static void fill_tunnel(const struct flow_record *record, Apnwatch__V1__Flow *out)
{
        out->has_teid_up = record->has_teid[UP];
        out->teid_up = record->teid[UP];
        out->has_teid_down = record->has_teid[DOWN];
        out->teid_down = record->teid[DOWN];
        out->has_tunnel_source = out->has_tunnel_destination = record->has_tunnel;
        if (!record->has_tunnel)
                return;
        out->tunnel_source = address_field(&record->tunnel_source);
        out->tunnel_destination = address_field(&record->tunnel_destination);
}

void flow_record_fill(const struct flow_record *record, Apnwatch__V1__Flow *out)
{
        apnwatch__v1__flow__init(out);
        out->id = record->id;
        out->start = (uint64_t)record->start_ns;
        out->last = (uint64_t)record->last_ns;
        out->has_last_up_s = record->up_second != 0;
        out->last_up_s = record->up_second;
        out->device = address_field(&record->device);
        out->peer = address_field(&record->peer);
        out->has_device_port = record->device_port != 0;
        out->device_port = record->device_port;
        out->has_peer_port = record->peer_port != 0;
        out->peer_port = record->peer_port;
        out->protocol = record->protocol;
        out->opener = flow_opener(record);
        out->has_answered = true;
        out->answered = record->answered;
        out->has_peer_is_device = record->peer_is_device;
        out->peer_is_device = record->peer_is_device;
        fill_tunnel(record, out);
        fill_counters(record, out);
        fill_label(record, out);
        out->has_first_file = out->has_first_frame = out->has_first_order = true;
        out->first_frame = out->first_order = record->first_packet;
        out->has_icmp_type = out->has_icmp_code = record->protocol == IP_ICMP || record->protocol == IP_ICMPV6;
        out->icmp_type = record->icmp_type;
}
