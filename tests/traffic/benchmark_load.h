/* Traffic for measurements: conversations of a fixed mix begin evenly until enough packets are on their way. Shapes as
 * tests/bench/run.sh names them. */
#pragma once

#include "tests/traffic/traffic.h"
#include "tests/traffic/wire.h"

struct benchmark_shape {
        const char *name, *summary;
        uint64_t packets;
        uint32_t devices;
        double hours;
        enum encapsulation encapsulation;
        const struct load_kind *kinds;
        unsigned kind_count;
        double lookup_share;    /* of conversations with a name that ask for it before */
        double mean_packets;    /* of a conversation with its lookup: sets the pace only */
        unsigned calm;          /* sessions are signalled, their changes so many times rarer than in scenarios; 0: they are not */
};

const struct benchmark_shape *benchmark_find(const char *name);
void benchmark_list(FILE *out);
void benchmark_start(const struct benchmark_shape *shape, struct traffic *traffic);
