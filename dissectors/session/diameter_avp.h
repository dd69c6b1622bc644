/* Attribute-value pairs of Diameter, RFC 6733, clause 4: code, flags, length without padding, vendor where the flag says so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

enum { DIAMETER_VENDOR_3GPP = 10415 };

struct diameter_avp {
        uint32_t code, vendor; /* vendor 0: of the base protocol and its relatives, those of RADIUS among them */
        const uint8_t *bytes;
        size_t length;
};

/* The next one, with its padding, which the last may lack. False: no more; one that cannot be sets `malformed`, one that ends
 * behind the bytes makes `at` short. */
bool diameter_avp_next(struct cursor *at, struct diameter_avp *avp, bool *malformed);

bool diameter_avp_u32(const struct diameter_avp *avp, uint32_t *out); /* of exactly four octets */
