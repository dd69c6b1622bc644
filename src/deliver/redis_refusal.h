/* What a Redis that refuses a command means, in words for whoever runs the sensor. What ends a connection by itself (LOADING,
 * READONLY, MOVED...) never comes here: redis_link.h knows it. */
#pragma once

#include <stddef.h>

/* `reply` is the text of the error reply, `key` the stream. Returns `text`. */
const char *redis_refusal_text(const char *reply, const char *key, char *text, size_t size);
