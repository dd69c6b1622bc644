/* Alerts that the outbox could not hold until they were delivered, as a record of their own: INTERFACE, Redis. */
#pragma once

#include "deliver/outbox.h"
#include "model/json.h"

enum { ENTRY_ID_SIZE = 48 };

/* "MS-SEQUENCE". Returns `text`. */
const char *entry_id_text(struct entry_id id, char text[ENTRY_ID_SIZE]);

/* {"gap_from":"...","gap_to":"...","count":N,"sensor":"..."}; `sensor` may be NULL. */
void gap_record_write(const struct outbox_entry *entry, const char *sensor, struct json_buffer *out);
