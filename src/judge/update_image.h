/* Whether an object looks like a firmware image, from what its transfer says of itself: first bytes, file name, type, user
 * agent. An unnamed .zip or .bin is not enough, since PCs fetch those all day. */
#pragma once

#include <stdbool.h>

#include "model/event.h"

/* How sure: NO below POSSIBLE below LIKELY (a firmware's own first bytes or suffix, or a name that says so). */
enum image_guess { IMAGE_NO, IMAGE_POSSIBLE, IMAGE_LIKELY };

enum image_guess update_image_guess(const Apnwatch__V1__Transfer *transfer);

/* The object's own name: Content-Disposition's, else the last part of the path without the query; at most `size` bytes with
 * the NUL. */
const char *update_image_name(const Apnwatch__V1__Transfer *transfer, char *name, unsigned size);
