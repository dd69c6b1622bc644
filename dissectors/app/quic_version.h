/* What tells the versions of QUIC apart: salt, names of labels, numbers of packet types. */
#pragma once

#include <stdint.h>

struct quic_version {
        uint32_t first, last; /* version numbers, both included */
        const uint8_t *salt;  /* 20 bytes */
        const char *key_label, *iv_label, *header_label;
        uint8_t initial_type; /* of the two bits in the first byte; the others follow in a circle */
};

/* NULL: not known. */
const struct quic_version *quic_version_find(uint32_t number);
