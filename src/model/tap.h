/* Where a frame was seen. The configuration lists taps; the first that matches gives the frame its tap and context, so that
 * overlapping private pools stay apart. Tap 0 and context 0 are "default" and match what no other does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum tap_role { TAP_ROLE_NONE, TAP_S5, TAP_S8, TAP_S11, TAP_S1U, TAP_N3, TAP_N4, TAP_SGI, TAP_SGI_NAT, TAP_N6, TAP_EDGE, TAP_LAN };

struct tap {
        const char *name;
        const char *interface;     /* NULL: any; as the capture file or the kernel names it */
        int vlan;                  /* -1: any; the innermost VLAN id */
        int64_t vni;               /* -1: any */
        int64_t gre_key;           /* -1: any */
        bool has_prefix;           /* outer source or destination within */
        struct prefix prefix;
        enum tap_role role;
        const char *tenant, *apn;  /* NULL: not said */
        uint16_t context;          /* number of the context: taps that share a tenant and APN may share one */
        uint32_t sampled;          /* 1: every packet */
};

struct tap_list {
        const struct tap *taps;    /* without the default */
        unsigned count;
};
