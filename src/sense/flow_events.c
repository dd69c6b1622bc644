#include "sense/flow_events.h"

#include "sense/interned_name.h"

/* As address_wire says it. */
static inline ProtobufCBinaryData address_field(const struct address *address)
{
        size_t skipped = address_is_ipv4(address) ? 12 : 0;
        return (ProtobufCBinaryData){.len = 16 - skipped, .data = (uint8_t *)(uintptr_t)address->bytes + skipped};
}

void flow_message_init(Apnwatch__V1__Flow *out)
{
        apnwatch__v1__flow__init(out);
        out->has_answered = out->has_visibility = true;
        out->has_packets_up = out->has_packets_down = out->has_bytes_up = out->has_bytes_down = true;
        out->has_first_file = out->has_first_frame = out->has_first_order = true;
}

static void fill_counters(const struct flow *flow, Apnwatch__V1__Flow *out)
{
        unsigned up = flow->device, down = !flow->device;
        out->packets_up = flow->packets[up];
        out->packets_down = flow->packets[down];
        out->bytes_up = flow->bytes[up];
        out->has_last_up_s = flow->up_second != 0;
        out->last_up_s = flow->up_second;
        out->bytes_down = flow->bytes[down];
        out->has_payload_up = flow->payload[up] != 0;
        out->payload_up = flow->payload[up];
        out->has_payload_down = flow->payload[down] != 0;
        out->payload_down = flow->payload[down];
}

static void fill_tunnel(const struct flow *flow, Apnwatch__V1__Flow *out)
{
        out->teid_up = flow->tunnel_teid[flow->device];
        out->has_teid_up = out->teid_up != 0;
        out->teid_down = flow->tunnel_teid[!flow->device];
        out->has_teid_down = out->teid_down != 0;
        bool tunnelled = !address_is_unspecified(&flow->tunnel_source) || !address_is_unspecified(&flow->tunnel_destination);
        out->has_tunnel_source = out->has_tunnel_destination = tunnelled;
        if (!tunnelled)
                return;
        out->tunnel_source = address_field(&flow->tunnel_source);
        out->tunnel_destination = address_field(&flow->tunnel_destination);
}

static void fill_label(const struct flow *flow, Apnwatch__V1__Flow *out)
{
        out->label = (char *)(uintptr_t)flow->label;
        out->application = (char *)(uintptr_t)flow->application;
        out->has_label_source = flow->label_source != 0;
        out->label_source = flow->label_source;
        out->name = flow->name ? flow->name->text : NULL;
        out->has_name_source = flow->name != NULL;
        out->name_source = flow->name_source;
        out->has_tls_version = flow->tls_version != 0;
        out->tls_version = flow->tls_version;
        out->visibility = flow->visibility;
}

void flow_fill(const struct flow *flow, Apnwatch__V1__Flow *out)
{
        unsigned device = flow->device, peer = !flow->device;
        out->id = flow->id;
        out->start = (uint64_t)flow->start_ns;
        out->last = (uint64_t)flow->last_ns;
        out->device = address_field(&flow->address[device]);
        out->peer = address_field(&flow->address[peer]);
        out->has_device_port = flow->port[device] != 0;
        out->device_port = flow->port[device];
        out->has_peer_port = flow->port[peer] != 0;
        out->peer_port = flow->port[peer];
        out->protocol = flow->protocol;
        out->has_context = flow->context != 0;
        out->context = flow->context;
        out->has_tap = flow->tap != 0;
        out->tap = flow->tap;
        out->opener = !flow->opening_seen ? APNWATCH__V1__FLOW__OPENER__UNSEEN
                      : flow->opener == device ? APNWATCH__V1__FLOW__OPENER__DEVICE : APNWATCH__V1__FLOW__OPENER__PEER;
        out->answered = flow->answered;
        out->has_peer_is_device = flow->peer_is_device;
        out->peer_is_device = flow->peer_is_device;
        fill_counters(flow, out);
        fill_label(flow, out);
        fill_tunnel(flow, out);
        out->first_file = flow->first_file;
        out->first_frame = flow->first_frame;
        out->first_order = flow->first_order;
        bool icmp = flow->protocol == 1 || flow->protocol == 58;
        out->has_icmp_type = out->has_icmp_code = icmp;
        out->icmp_type = flow->icmp_type;
        out->icmp_code = flow->icmp_code;
}
