#include "sense/number_scan.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

/* An identity has 14 to 20 digits, a telephone number (ITU-T E.164) up to 15; of those that nothing marks only 11 to 13 are taken. */
enum { SHORTEST = 7, PHONE_LEAST = 11, PHONE_MOST = 13, LONG_LEAST = 14, LONG_MOST = 20, NAME_REACH = 9, IMEI_DIGITS = 15,
       IMEI_MOST = 16 };

struct text {
        const uint8_t *bytes;
        size_t length;
};

static bool is_digit(const struct text *text, size_t at)
{
        return at < text->length && text->bytes[at] >= '0' && text->bytes[at] <= '9';
}

/* The name of an identity ends at most so many bytes in front. */
static bool is_named(const struct text *text, size_t at)
{
        static const char *const names[] = {"imei", "imsi", "ccid", "msisdn", "phone", "mobile"};
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
                size_t length = strlen(names[i]);
                for (size_t gap = 0; gap <= NAME_REACH && gap + length <= at; gap++) {
                        const uint8_t *name = text->bytes + at - gap - length;
                        if ((*name | 0x20) == names[i][0] && strncasecmp((const char *)name, names[i], length) == 0)
                                return true;
                }
        }
        return false;
}

static bool is_behind_plus(const struct text *text, size_t at)
{
        return (at > 0 && text->bytes[at - 1] == '+') ||
               (at >= 3 && strncasecmp((const char *)text->bytes + at - 3, "%2B", 3) == 0) ||
               (at >= 4 && strncasecmp((const char *)text->bytes + at - 4, "tel:", 4) == 0);
}

static bool has_check_digit(const uint8_t *digits, size_t length)
{
        bool is_iccid = length >= LONG_LEAST + 4 && digits[0] == '8' && digits[1] == '9';
        return (is_iccid || length == IMEI_DIGITS) && text_luhn_fits(digits, length);
}

/* Unix seconds, milliseconds and the like begin with 1 until 2033. */
static bool may_be_phone(const uint8_t *digits, size_t length)
{
        bool is_time = (length == 13 && digits[0] == '1') || (length == 12 && digits[0] == '2' && digits[1] == '0');
        return length >= PHONE_LEAST && length <= PHONE_MOST && digits[0] != '0' && !is_time;
}

/* "urn:gsma:imei:35346009-004011-0" (RFC 7254): where the groups behind the TAC end; `end`: there are none. "20260301-020304" is a time. */
static size_t groups_end(const struct text *text, size_t at, size_t end)
{
        size_t digits = end - at, last = end;
        if (digits != 8 || (text->bytes[at] == '2' && text->bytes[at + 1] == '0' && !is_named(text, at)))
                return end;
        while (end < text->length && text->bytes[end] == '-' && is_digit(text, end + 1)) {
                size_t group = end + 1;
                for (end = group; is_digit(text, end);)
                        end++;
                digits += end - group;
                last = end;
                if (digits > IMEI_MOST)
                        return at;
        }
        return digits >= LONG_LEAST ? last : at;
}

static bool judge_run(const struct text *text, size_t at, size_t end, struct number_found *out)
{
        const uint8_t *digits = text->bytes + at;
        size_t length = end - at;
        *out = (struct number_found){at, length, false};
        if (length > LONG_MOST)
                return false;
        out->is_likely = length >= SHORTEST && (is_named(text, at) || is_behind_plus(text, at));
        if (length >= LONG_LEAST)
                out->is_likely |= has_check_digit(digits, length);
        else if (!out->is_likely && !may_be_phone(digits, length))
                return false;
        return true;
}

bool number_scan(const struct cursor *payload, size_t *from, struct number_found *out)
{
        const struct text text = {payload->at, cursor_left(payload)};
        /* Seven digits in a row have one of these. */
        for (size_t at = *from; at < text.length; at += SHORTEST) {
                if (!is_digit(&text, at))
                        continue;
                size_t begin = at, end = at + 1;
                while (begin > *from && is_digit(&text, begin - 1))
                        begin--;
                while (is_digit(&text, end))
                        end++;
                if (begin > 0 && text.bytes[begin - 1] == '%')
                        begin += 2; /* the escape's own */
                size_t whole = end > begin ? groups_end(&text, begin, end) : end;
                if (whole > end) {
                        *out = (struct number_found){begin, whole - begin, is_named(&text, begin)};
                        *from = whole;
                        return true;
                }
                if (end >= begin + SHORTEST && judge_run(&text, begin, end, out)) {
                        *from = end;
                        return true;
                }
                if (end > at + 1)
                        at = end - 1;
        }
        *from = text.length;
        return false;
}

static bool is_text(const uint8_t *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (bytes[i] < 0x20 || bytes[i] > 0x7e)
                        return false;
        return true;
}

/* IMEIs of modules begin with 01, 35, 86 or 99. The first byte of one, by each form; behind a zero the next byte's upper half goes on. */
static bool may_begin(const uint8_t bytes[TEXT_PACKED_BYTES])
{
        enum { WHOLE = 16 };
        static const uint8_t first[256] = {[0x00] = 1, [0x03] = 5, [0x08] = 6, [0x09] = 9, [0x01] = WHOLE, [0x35] = WHOLE,
                                           [0x86] = WHOLE, [0x99] = WHOLE, [0x10] = WHOLE, [0x53] = WHOLE, [0x68] = WHOLE};
        uint8_t wanted = first[bytes[0]];
        return wanted != 0 && (wanted == WHOLE || bytes[1] >> 4 == wanted);
}

static bool is_imei(const char digits[TEXT_PACKED_DIGITS + 1])
{
        static const char *const beginnings[] = {"01", "35", "86", "99"};
        bool begins_so = false;
        for (unsigned i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
                begins_so |= strncmp(digits, beginnings[i], 2) == 0;
        return begins_so && text_luhn_fits(digits, TEXT_PACKED_DIGITS);
}

bool number_scan_packed(const struct cursor *payload, size_t *from, struct number_found *out)
{
        enum { FRONT = 32 };
        size_t length = cursor_left(payload) < FRONT ? cursor_left(payload) : FRONT;
        for (size_t at = *from; at + TEXT_PACKED_BYTES <= length; at++) {
                const uint8_t *bytes = payload->at + at;
                char digits[TEXT_PACKED_DIGITS + 1];
                if (may_begin(bytes) && text_unpack_digits(bytes, digits) && is_imei(digits) && !is_text(bytes, TEXT_PACKED_BYTES)) {
                        *out = (struct number_found){at, TEXT_PACKED_BYTES, false};
                        *from = at + 1;
                        return true;
                }
        }
        *from = length;
        return false;
}
