#include "base/text.h"

#include <string.h>

static bool is_continuation(uint8_t byte)
{
        return (byte & 0xc0) == 0x80;
}

unsigned text_character(const uint8_t *at, size_t length)
{
        uint8_t first = at[0];
        if (first < 0x80)
                return 1;
        if (first < 0xc2 || first > 0xf4 || length < 2)
                return 0;
        /* The second byte rules out overlong forms, surrogates and what is above U+10FFFF. */
        uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (at[1] < least || at[1] > most)
                return 0;
        unsigned wanted = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
        if (length < wanted)
                return 0;
        for (unsigned i = 2; i < wanted; i++)
                if (!is_continuation(at[i]))
                        return 0;
        return wanted;
}

bool text_is_utf8(const char *text, size_t length)
{
        const uint8_t *at = (const uint8_t *)text;
        for (size_t i = 0; i < length;) {
                unsigned taken = text_character(at + i, length - i);
                if (taken == 0)
                        return false;
                i += taken;
        }
        return true;
}

static bool is_control(const uint8_t *at, unsigned taken)
{
        return (taken == 1 && (at[0] < 0x20 || at[0] == 0x7f)) || (taken == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

/* Whether eight bytes are all printable ASCII, and none is a backslash. */
static bool are_plain(const uint8_t *at)
{
        const uint64_t each = UINT64_C(0x0101010101010101), tops = each * 0x80;
        uint64_t x;
        memcpy(&x, at, sizeof x);
        uint64_t slash = x ^ each * '\\';
        uint64_t below_space = (x - each * 0x20) & ~x, is_slash = (slash - each) & ~slash, is_delete = x + each;
        return ((x | below_space | is_slash | is_delete) & tops) == 0;
}

/* How many bytes from here on stand for themselves. */
static size_t plain_run(const uint8_t *at, size_t length)
{
        size_t run = 0;
        while (length - run >= 8 && are_plain(at + run))
                run += 8;
        while (run < length && at[run] >= 0x20 && at[run] < 0x7f && at[run] != '\\')
                run++;
        return run;
}

size_t text_escape(const void *bytes, size_t length, char *out, size_t size)
{
        static const char digits[] = "0123456789abcdef";
        const uint8_t *at = bytes;
        size_t used = 0;
        for (size_t i = 0; i < length;) {
                size_t room = size - used - 1, run = plain_run(at + i, room < length - i ? room : length - i);
                if (run > 0) {
                        memcpy(out + used, at + i, run);
                        used += run;
                        i += run;
                        continue;
                }
                unsigned taken = text_character(at + i, length - i);
                char escaped[TEXT_ESCAPED_MOST] = {'\\', 'x', digits[at[i] >> 4], digits[at[i] & 15]};
                const char *piece = escaped;
                unsigned piece_length = sizeof escaped;
                if (taken == 1 && at[i] == '\\') {
                        escaped[1] = '\\';
                        piece_length = 2;
                } else if (taken > 0 && !is_control(at + i, taken)) {
                        piece = (const char *)at + i;
                        piece_length = taken;
                } else {
                        taken = 1;
                }
                if (used + piece_length >= size)
                        break;
                memcpy(out + used, piece, piece_length);
                used += piece_length;
                i += taken;
        }
        out[used] = '\0';
        return used;
}

void text_hex(const void *bytes, size_t length, char *out)
{
        static const char digits[] = "0123456789abcdef";
        const uint8_t *at = bytes;
        for (size_t i = 0; i < length; i++) {
                *out++ = digits[at[i] >> 4];
                *out++ = digits[at[i] & 15];
        }
        *out = '\0';
}

/* Every second digit from the right is doubled. */
bool text_luhn_fits(const void *digits, size_t length)
{
        const uint8_t *at = digits;
        unsigned sum = 0;
        for (size_t i = 0; i < length; i++) {
                unsigned digit = at[length - 1 - i] - (unsigned)'0';
                if (i % 2 == 1)
                        digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
                sum += digit;
        }
        return sum % 10 == 0;
}

bool text_unpack_digits(const uint8_t packed[TEXT_PACKED_BYTES], char digits[TEXT_PACKED_DIGITS + 1])
{
        enum { FILLER = 15 };
        uint8_t last = packed[TEXT_PACKED_BYTES - 1];
        bool is_swapped = last >> 4 == FILLER;
        unsigned begin = !is_swapped && (last & 15) != FILLER;
        if (begin == 1 && packed[0] >> 4 != 0)
                return false;
        for (unsigned i = 0; i < TEXT_PACKED_DIGITS; i++) {
                unsigned at = i + begin, digit = (at % 2 == 1) != is_swapped ? packed[at / 2] & 15 : packed[at / 2] >> 4;
                if (digit > 9)
                        return false;
                digits[i] = (char)('0' + digit);
        }
        digits[TEXT_PACKED_DIGITS] = '\0';
        return true;
}

void text_base64(const void *bytes, size_t length, char *out)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const uint8_t *at = bytes;
        for (size_t i = 0; i < length; i += 3) {
                size_t left = length - i;
                uint32_t group =
                        (uint32_t)at[i] << 16 | (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) | (left > 2 ? at[i + 2] : 0U);
                *out++ = digits[group >> 18];
                *out++ = digits[group >> 12 & 63];
                *out++ = left > 1 ? digits[group >> 6 & 63] : '=';
                *out++ = left > 2 ? digits[group & 63] : '=';
        }
        *out = '\0';
}
