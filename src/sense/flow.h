/* One flow: a 5-tuple, either way round, in a context. Four cache lines, of which the first two are what a settled packet touches. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

struct inspection;
struct interned_name;

#define FLOW_UNSCHEDULED UINT16_MAX

enum flow_phase { FLOW_INSPECTING, FLOW_FOLLOWED, FLOW_SETTLED };

struct flow {
        /* the key; end 0 sent the first packet that was seen */
        struct address address[2];
        uint16_t port[2];
        uint16_t context;
        uint8_t protocol;
        uint8_t phase;              /* enum flow_phase */
        uint32_t hash;
        /* by end */
        uint32_t next_sequence[2];  /* TCP: behind the last byte seen */
        uint32_t up_second;         /* Unix time of the last packet from the device; 0: none */
        int64_t last_ns;
        uint64_t packets[2], bytes[2], payload[2];
        uint32_t teid[2];           /* of the last packet */
        /* flags, all of them small */
        uint8_t opener;             /* end that opened it; end 0 is who sent the first packet that was seen */
        uint8_t device;             /* end that is the device */
        bool opening_seen : 1;
        bool peer_is_device : 1;
        uint8_t has_teid : 2;       /* a bit an end, as in the two like it */
        uint8_t sequence_known : 2;
        bool start_told : 1;
        bool label_final : 1;       /* will not change */
        bool final_told : 1;
        uint8_t fin : 2;
        bool reset : 1, answered : 1;
        bool classified : 1;        /* nDPI has answered or need not be asked */
        bool update_due : 1;        /* packets since the last event */
        bool encrypted : 1;
        uint8_t visibility, label_source, name_source;
        uint8_t shard;
        struct inspection *inspection; /* NULL: settled */

        int64_t start_ns;
        int64_t told_ns;            /* clock of the last event about it */
        uint32_t self;              /* its index in the pool; of a free record: the next free one's */
        uint32_t first_file;
        uint64_t id;
        uint64_t first_frame, first_order;
        const char *label, *application; /* static strings */
        struct interned_name *name;
        struct address tunnel_source, tunnel_destination; /* of the first packet; the opener's way */
        uint32_t tunnel_teid[2];    /* by end that sent: the first that led to these; 0: none */
        uint16_t tap;
        uint16_t tls_version;
        uint16_t due;               /* the second at which it stands in the wheel, as the wheel counts; FLOW_UNSCHEDULED: nowhere */
        uint8_t icmp_type, icmp_code;
};
