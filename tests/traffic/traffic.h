/* All that a run has: its settings, the world, chance, the timeline, where packets go and where labels go. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/traffic/bytes.h"
#include "tests/traffic/conversation.h"
#include "tests/traffic/random_stream.h"
#include "tests/traffic/world.h"

struct timeline;
struct packet_output;
struct label_writer;
struct roster;
struct sessions;

#define SECOND_NS INT64_C(1000000000)
#define MS_NS INT64_C(1000000)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS (3600 * SECOND_NS)

struct policy_plan {              /* which sections the scenario's policy has */
        bool destinations, updates, location, identity;
        int64_t window_start_ns, window_end_ns; /* of the meters' updates; weekly */
};

struct traffic {
        uint64_t seed;
        int64_t start_ns, end_ns;
        struct world *world;
        struct random_stream random;
        struct timeline *timeline;
        struct packet_output *output;
        FILE *labels;
        struct sessions *sessions; /* NULL: nothing is signalled */
        struct roster *roster;
        bool has_tunnels;         /* packets of devices are inside GTP-U */
        struct policy_plan policy;
        bool seasoned;            /* retransmissions, late segments */
        uint32_t image_size;      /* the least; up to twice that */
        uint64_t packet_limit;    /* 0: none */
        uint64_t packets;         /* handed to the output */
        uint64_t queued;          /* put into the timeline */
        uint64_t flows;
        const uint8_t *noise;     /* NOISE_SIZE random bytes */
        struct bytes scratch;     /* for the message that is being written */
};

enum { NOISE_SIZE = 1 << 17 };

/* Random bytes that stay the same for a run; `length` at most NOISE_SIZE / 2. */
const uint8_t *traffic_noise(struct traffic *traffic, size_t length);
