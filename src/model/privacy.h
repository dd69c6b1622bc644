/* The stage between judge and deliver: what leaves has pseudonyms where identities stood, and rounded coordinates. Which field
 * is which follows from its name in the .proto files; every other string is searched (identity_text.h), so that a field that is
 * added later is not forgotten. Raw bytes of packets are left out.
 *
 * A pseudonym is passed on as it is: alerts that come back from the outbox over a restart hold pseudonyms, and their next
 * revision says the same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/alert.pb-c.h"
#include "model/configuration.h"
#include "model/event.h"

struct privacy;

/* Reads the keys. 0 with NULL in `out` where the configuration (which may be NULL) asks for no privacy; negative errno with a
 * message. */
int privacy_create(struct privacy **out, const struct configuration *configuration, char *error, size_t size)
        __attribute__((warn_unused_result));
void privacy_destroy(struct privacy *privacy);

/* What may leave instead: the message itself when nothing in it has to change, else a copy that shares what did not, which lives
 * until the next call, as long as the message does. The key is that of the alert's tenant, else the one for all. NULL without
 * memory. `privacy` NULL: all may leave. */
const Apnwatch__V1__Alert *privacy_alert(struct privacy *privacy, const Apnwatch__V1__Alert *alert);
const event_t *privacy_event(struct privacy *privacy, const event_t *event);

/* An IMSI, an IMEI or a phone number by itself, with the key of all. "" stays. */
enum { PRIVACY_IDENTITY_SIZE = 32 };
const char *privacy_identity(struct privacy *privacy, const char *value, bool is_imei, char out[PRIVACY_IDENTITY_SIZE]);

/* The same for text of ours: every string in JSON, or all of what is no JSON. Lives until the next call. */
const char *privacy_json(struct privacy *privacy, const char *json);
const char *privacy_text(struct privacy *privacy, const char *text);

/* Whether an event of a log says that it was written with privacy on: then it tells who by pseudonyms, which judge's bindings cannot
 * hold. */
bool privacy_was_on(const event_t *event);

/* Whether a sink of this scheme ("pcap") may be opened: one for raw bytes has to be named while privacy is on. */
bool privacy_allows(const struct configuration *configuration, const char *sink_scheme);
