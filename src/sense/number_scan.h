/* Numbers in payload that a device sends readable and that are long enough to be an IMEI, IMSI, ICCID or telephone number; whose they
 * are, and whether they are any, is judge's to say. Digits of ASCII, and binary ones in the first bytes of a message; left out: UTF-16,
 * and digits that are written as the hexadecimal numbers of their characters, as is done towards a modem but not behind it. */
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

/* Likewise an IMEI in eight bytes (text_unpack_digits), among the first 32 of a message: no text, and with a check digit that fits. */
bool number_scan_packed(const struct cursor *payload, size_t *from, struct number_found *out);
