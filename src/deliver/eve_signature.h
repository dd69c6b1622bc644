/* What EVE, and those who key on numbers, call our types of alerts. A number stands for a type for ever: it is never used
 * again. */
#pragma once

#include <stdint.h>

enum { EVE_GENERATOR = 4711 }; /* gid: not Suricata's own, which is 1 */

struct eve_signature {
        const char *type;
        uint32_t id, revision;
        const char *text, *category;
};

/* Never NULL: a type that has no row yet has the row "apnwatch alert". */
const struct eve_signature *eve_signature_of(const char *type);
