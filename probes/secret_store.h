/* Decryption secrets of pcapng captures (TLS key logs and the like), kept so that evidence written later can carry them.
 * Bounded; what does not fit any more is dropped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "probes/probe.h"

struct secret_store;

struct secret_store *secret_store_create(void); /* NULL: no memory */
void secret_store_destroy(struct secret_store *store);
/* false when there is no room for it. */
bool secret_store_add(struct secret_store *store, uint32_t file, uint32_t type, const uint8_t *bytes, uint32_t length);
const struct capture_secret *secret_store_get(const struct secret_store *store, uint32_t index);
