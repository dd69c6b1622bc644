/* Which alert a file of JSON lines ends with, to go on behind it after a crash. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The last whole line that has an `id` of 32 characters and a `revision`: at the top, or in the object `member` when that is not NULL.
 * Other lines are passed over, up to LAST_ALERT_REACH bytes from the end. False: none, or the file cannot be read. */
enum { LAST_ALERT_REACH = 16 * 1024 * 1024 };
bool last_alert_find(const char *path, const char *member, char id[33], uint32_t *revision);
