/* Text that came from the wire or from a file, made fit to be shown: always valid UTF-8, without control characters. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_ESCAPED_MOST = 4 }; /* one byte of input becomes at most so many of output */

/* How many bytes the UTF-8 character at `at` takes; 0 when what stands there is none (RFC 3629: no overlong form, no
 * surrogate, nothing above U+10FFFF), or is cut. `length` >= 1. */
unsigned text_character(const uint8_t *at, size_t length);
bool text_is_utf8(const char *text, size_t length);

/* `length` bytes as text: a backslash as \\, control characters (C0, DEL, C1) and whatever is not UTF-8 as \xNN, NUL too.
 * At most size - 1 bytes and a NUL; an escape or a character is never cut. Returns the length of the text. `size` >= 1. */
size_t text_escape(const void *bytes, size_t length, char *out, size_t size);

/* Lower-case hex, 2 * length + 1 bytes with the NUL. */
void text_hex(const void *bytes, size_t length, char *out);

/* Digits whose last is the check digit of those before it (Luhn's, ISO/IEC 7812-1, annex B): of an IMEI, of an ICCID. */
bool text_luhn_fits(const void *digits, size_t length);

/* Fifteen digits in eight bytes, two in each: behind a zero (03 53 46 ...), in front of a filler (35 34 ... 1f), or as telephony packs
 * them, the lower half first and the filler last (53 43 ... f1: TBCD, 3GPP TS 29.002, 17.7.8). False: it is none of these. */
enum { TEXT_PACKED_BYTES = 8, TEXT_PACKED_DIGITS = 15 };
bool text_unpack_digits(const uint8_t packed[TEXT_PACKED_BYTES], char digits[TEXT_PACKED_DIGITS + 1]);

/* RFC 4648, 4, with padding: 4 * ((length + 2) / 3) + 1 bytes with the NUL. */
void text_base64(const void *bytes, size_t length, char *out);
