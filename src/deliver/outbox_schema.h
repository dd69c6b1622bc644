/* The shape of the outbox's file: made, recognised, brought up from older versions. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

enum { OUTBOX_APPLICATION_ID = 0x61706e6f, OUTBOX_SCHEMA_VERSION = 1 };

/* Nothing is written to a file that is not ours: -EINVAL; of a newer version: -ENOTSUP; damaged: -EBADMSG. `path` is
 * for messages, NULL: temporary. */
int outbox_schema_recognise(sqlite3 *db, const char *path, char *error, size_t error_size);
/* A new file, one of an older version or of this one: of this version afterwards, in one transaction. -EINVAL: of
 * another sensor. */
int outbox_schema_bring_up(sqlite3 *db, const char *path, const char *sensor, char *error, size_t error_size);
uint64_t outbox_schema_number(sqlite3 *db, const char *query);
