/* A flow that is not settled: which dissector owns it, what nDPI says, and its bytes in order until both have answered. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/frame.h"
#include "dissectors/dissector.h"
#include "dissectors/encap/encap.h"
#include "sense/classifier.h"
#include "sense/expectation.h"
#include "sense/flow.h"
#include "sense/interned_name.h"
#include "sense/verdict_cache.h"

/* What inspection needs of the sensor. */
struct inspector {
        struct classifier *classifier;
        struct interned_names names;
        struct expectations *expectations;
        struct verdict_cache *verdicts;
        bool classify_always;     /* ask nDPI about every flow */
        /* Emits `event` for the flow, with the packet's frame as its evidence (file_frame 0: none). */
        void (*emit)(void *context, struct flow *flow, event_t *event, uint32_t file, uint64_t file_frame, int64_t time_ns);
        void *context;
        int64_t clock_ns;
        struct inspection *spare; /* records to be used again */
        unsigned spare_count;
        uint64_t streams_gapped, streams_full, malformed_holds;
};

/* One packet with payload of a flow that is not settled; `source_end` sent it. Afterwards the flow may be settled. */
void inspection_packet(struct inspector *inspector, struct flow *flow, const struct packet *packet, const struct frame *frame,
                       unsigned source_end);

/* A packet without payload of such a flow: an acknowledgement tells what was lost. */
void inspection_acknowledgement(struct inspector *inspector, struct flow *flow, const struct packet *packet, unsigned source_end);

/* No more will be learnt: nDPI gives up, the dissector tells what is unfinished, the flow is settled. */
void inspection_finish(struct inspector *inspector, struct flow *flow);

/* Frees what is spare; at the end of its life. */
void inspector_clear(struct inspector *inspector);
