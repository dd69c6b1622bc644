/* What sense keeps of a flow, as far as its events show it (src/sense/flow.h): for event logs without packets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"
#include "tests/traffic/facts.h"
#include "tests/traffic/packet.h"

enum { RECORD_NAME_SIZE = 128, RECORD_LABEL_SIZE = 16 };

struct flow_record {
        uint64_t id;
        struct address device, peer;
        uint16_t device_port, peer_port;
        uint8_t protocol, icmp_type;
        bool has_tunnel, has_teid[2];
        uint32_t teid[2];
        struct address tunnel_source, tunnel_destination; /* of the first packet */
        bool peer_is_device, opening_seen, answered, reset, finished[2];
        enum direction opener;
        int64_t start_ns, last_ns, told_ns, due_s;
        uint32_t up_second;
        uint64_t first_packet;
        uint64_t packets[2], bytes[2], payload[2];
        char label[RECORD_LABEL_SIZE], name[RECORD_NAME_SIZE];
        enum fact_name_source name_source;
        enum fact_visibility visibility;
        uint32_t tls_version;
        bool label_final, final_told, start_told, update_due;
        uint32_t references;         /* its conversation's slot and the timers that name it */
        bool ended;
};

struct flow_record *flow_record_create(const struct packet *packet, uint64_t id, uint64_t number, int64_t time_ns);
void flow_record_release(struct flow_record *record);

void flow_record_count(struct flow_record *record, const struct packet *packet, int64_t time_ns);
void flow_record_label(struct flow_record *record, const struct label_fact *fact);

bool flow_record_is_closed(const struct flow_record *record);
int64_t flow_record_timeout_ns(const struct flow_record *record);
Apnwatch__V1__FlowNews__Reason flow_record_end_reason(const struct flow_record *record);

/* Borrows from the record. */
void flow_record_fill(const struct flow_record *record, Apnwatch__V1__Flow *out);
