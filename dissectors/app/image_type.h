/* What an object is, by its first bytes: containers and images in which firmware travels. Names are words of Transfer.image. */
#pragma once

#include "base/cursor.h"

/* A static string, or NULL when the bytes are none of those known. `size`: the object's declared length, 0 when it is not
 * known; some formats state theirs and are only believed when both agree. */
const char *image_type(struct cursor bytes, uint64_t size);
