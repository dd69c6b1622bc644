/* What a run must find, and what it must not: JSON lines (INTERFACE: Traffic generator). One line an alert that is expected
 * (`types`: any of them will do), or one decoy with the types that must not be raised for it. */
#pragma once

#include <stdbool.h>

#include "tests/traffic/traffic.h"

struct label {
        const char *types;              /* separated by blanks */
        const char *what;
        uint32_t device;
        const struct address *peer;     /* NULL: none in particular */
        const char *peer_name;          /* NULL: none */
        int64_t start_ns, end_ns;       /* of the traffic; the label leaves room for timers behind it */
        bool decoy;
        bool optional;                  /* may be raised, need not */
        bool is_anybody;                /* no device in particular */
        const struct address *address;  /* NULL: the device's */
        const struct address *others;   /* by which the alert may name the device as well; its SIM is not asked for then */
        unsigned other_count;
        const char *severity;           /* NULL: any */
};

void label_write(struct traffic *traffic, const struct label *label);
