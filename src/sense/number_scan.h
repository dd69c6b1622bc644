/* Numbers in payload that a device sends readable and that are long enough to be an IMEI, IMSI, ICCID or telephone number; whose they
 * are, and whether they are any, is judge's to say. Digits of ASCII alone; left out: BCD, hexadecimal, UTF-16, and numbers that two
 * packets share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cursor.h"

struct number_found {
        size_t offset, length; /* of its digits, with what separates them */
        bool is_likely;        /* behind the name of an identity, a plus sign, or with a check digit that fits */
};

/* The next number at or behind `*from`, which moves behind it. False: none. */
bool number_scan(const struct cursor *payload, size_t *from, struct number_found *out);
