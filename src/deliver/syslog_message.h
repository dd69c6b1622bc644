/* An outbox entry as a syslog message (RFC 5424), framed by octet counting (RFC 6587, 3.4.1; RFC 5425, 4.3):
 *
 *     LENGTH SP <PRI>1 TIMESTAMP HOSTNAME apnwatch PROCID MSGID [apnwatch@32473 id="" revision="" ...] BOM JSON
 *
 * Facility local0. Info is 6, low 5, medium 4, high 3, critical 2; a gap is 4. TIMESTAMP is the alert's `time`, of a gap that of
 * its last entry's ID. HOSTNAME is the sensor, MSGID the alert's type. 32473 is the number that RFC 5612 keeps for documentation.
 *
 * An alert that names 1000 devices has some 20 KiB. RFC 5424 (6.1) lets a receiver cut above 2048 bytes; apnwatch cuts nothing but
 * values of structured data, at 512 bytes. */
#pragma once

#include "deliver/outbox.h"
#include "model/json.h"

struct evbuffer;

/* Appends the framed message. `sensor` may be NULL; `scratch` is used for the JSON. 0 or -ENOMEM: then `out` is as before, or
 * (a cut message) of no more use. */
int syslog_message_add(struct evbuffer *out, const struct outbox_entry *entry, const char *sensor, struct json_buffer *scratch);
