/* Community ID 1.0 (https://github.com/corelight/community-id-spec), seed 0: one name for a flow in every tool, whichever
 * end is seen first. Link with $(CRYPTO_LIBS). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

enum { COMMUNITY_ID_SIZE = 31, COMMUNITY_ID_DIGEST_SIZE = 20 };

/* Ports in host order. ICMP and ICMPv6: `sport` is the type, `dport` the code of a message from `source`; protocols without
 * ports ignore them. "1:" and base64 in `out`, with a NUL; returns `out`. */
const char *community_id_text(const struct address *source, const struct address *destination, uint16_t sport,
                              uint16_t dport, uint8_t protocol, char out[COMMUNITY_ID_SIZE]);

/* The SHA-1 within it, as events carry it. */
void community_id_digest(const struct address *source, const struct address *destination, uint16_t sport, uint16_t dport,
                         uint8_t protocol, uint8_t out[COMMUNITY_ID_DIGEST_SIZE]);
