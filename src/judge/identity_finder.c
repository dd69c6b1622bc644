#include "judge/identity_finder.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { MODULE_DIGITS = 14, NAME_REACH = 6, DIGITS_LEAST = 7, DIGITS_MOST = 20, OWN_NUMBER_LEAST = 8 };

static const struct {
        const char *text;
        size_t least, most; /* digits */
} kinds[IDENTITY_KINDS] = {
        [IDENTITY_IMEI] = {"imei", 14, 16},
        [IDENTITY_IMSI] = {"imsi", 14, 15},
        [IDENTITY_ICCID] = {"iccid", 18, 20},
        [IDENTITY_MSISDN] = {"msisdn", 7, 15},
};

const char *identity_kind_text(enum identity_kind kind)
{
        return kinds[kind].text;
}

/* Luhn's: every second digit from the right is doubled. */
static bool check_digit_fits(const char *digits, size_t length)
{
        unsigned sum = 0;
        for (size_t i = 0; i < length; i++) {
                unsigned digit = (unsigned)(digits[length - 1 - i] - '0');
                if (i % 2 == 1)
                        digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
                sum += digit;
        }
        return sum % 10 == 0;
}

static bool is_known(const char *digits, size_t length, const char *known, size_t compared)
{
        return known && known[0] && strlen(known) >= compared && length >= compared && strncmp(digits, known, compared) == 0;
}

static bool find_own(const char *digits, size_t length, const struct known_identities *own, struct found_identity *out)
{
        out->is_sure = true;
        if (length >= kinds[IDENTITY_IMEI].least && length <= kinds[IDENTITY_IMEI].most && is_known(digits, length, own->imei, MODULE_DIGITS)) {
                out->kind = IDENTITY_IMEI;
                return true;
        }
        if (own->imsi && own->imsi[0] && length == strlen(own->imsi) && is_known(digits, length, own->imsi, length)) {
                out->kind = IDENTITY_IMSI;
                return true;
        }
        out->kind = IDENTITY_MSISDN;
        return own->msisdn && length >= OWN_NUMBER_LEAST && length == strlen(own->msisdn) && is_known(digits, length, own->msisdn, length);
}

static bool find_alone(const char *digits, size_t length, struct found_identity *out)
{
        static const char *const beginnings[] = {"35", "86", "01", "99"};
        out->is_sure = false;
        if ((length == 19 || length == 20) && strncmp(digits, "89", 2) == 0 && check_digit_fits(digits, length)) {
                out->kind = IDENTITY_ICCID;
                return true;
        }
        out->kind = IDENTITY_IMEI;
        for (unsigned i = 0; length == 15 && i < sizeof beginnings / sizeof *beginnings; i++)
                if (strncmp(digits, beginnings[i], 2) == 0)
                        return check_digit_fits(digits, length);
        return false;
}

/* "imei=", "\"IMSI\": \"", "iccid/", "msisdn%3D+": the name ends at most so many bytes in front. */
static bool find_named(const char *text, size_t at, size_t length, struct found_identity *out)
{
        out->is_sure = true;
        for (unsigned kind = 0; kind < IDENTITY_KINDS; kind++) {
                size_t name = strlen(kinds[kind].text);
                if (length < kinds[kind].least || length > kinds[kind].most)
                        continue;
                for (size_t gap = 1; gap <= NAME_REACH && gap + name <= at; gap++)
                        if (strncasecmp(text + at - gap - name, kinds[kind].text, name) == 0) {
                                out->kind = (enum identity_kind)kind;
                                return true;
                        }
        }
        return false;
}

static bool is_word(char c)
{
        return isalnum((unsigned char)c);
}

/* Behind %3D and the like stands no word. */
static bool begins_run(const char *text, size_t at)
{
        return at == 0 || !is_word(text[at - 1]) || (at >= 3 && text[at - 3] == '%');
}

bool identity_find(const char *text, size_t length, const struct known_identities *own, struct found_identity *out)
{
        struct found_identity first = {IDENTITY_IMEI, false};
        bool has_any = false;
        for (size_t at = 0; at < length; at++) {
                struct found_identity found;
                size_t end = at;
                if (!isdigit((unsigned char)text[at]) || !begins_run(text, at))
                        continue;
                while (end < length && isdigit((unsigned char)text[end]))
                        end++;
                size_t digits = end - at;
                bool is_part = end < length && is_word(text[end]);
                if (digits >= DIGITS_LEAST && digits <= DIGITS_MOST && !is_part) {
                        if (find_own(text + at, digits, own, out) || find_named(text, at, digits, out))
                                return true;
                        if (!has_any && find_alone(text + at, digits, &found)) {
                                has_any = true;
                                first = found;
                        }
                }
                at = end - 1;
        }
        *out = first;
        return has_any;
}

bool identity_of_field(const char *digits, const struct known_identities *own, struct found_identity *out)
{
        size_t length = strlen(digits);
        if (length == 16 && digits[0] == '0') { /* BCD of 15 digits in eight bytes */
                digits++;
                length--;
        }
        if (length < DIGITS_LEAST || length > DIGITS_MOST || strspn(digits, "0123456789") != length)
                return false;
        return find_own(digits, length, own, out) || find_alone(digits, length, out);
}
