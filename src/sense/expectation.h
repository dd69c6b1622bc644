/* Flows that a dissector announced: FTP's data connections. At most EXPECTATIONS; the oldest goes first; a minute each. */
#pragma once

#include <stdint.h>

#include "base/address.h"

enum { EXPECTATIONS = 256, EXPECTATION_STATE = 512 };

struct dissector;
struct expectations;

struct expectation {
        struct address address;
        uint16_t port, context;
        uint8_t protocol;
        int64_t until_ns; /* 0: free */
        const struct dissector *dissector;
        uint16_t state_size;
        _Alignas(8) uint8_t state[EXPECTATION_STATE];
};

struct expectations *expectations_create(void);
void expectations_destroy(struct expectations *expectations);
void expectations_add(struct expectations *expectations, const struct expectation *expectation);

/* What was announced for either end of a new flow; it is taken out, and the pointer lives until the next add. NULL: nothing. */
const struct expectation *expectations_take(struct expectations *expectations, const struct address ends[2], const uint16_t ports[2],
                                            uint8_t protocol, uint16_t context, int64_t now_ns);
