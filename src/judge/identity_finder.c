#include "judge/identity_finder.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { MODULE_DIGITS = 14, NAME_REACH = 9, DIGITS_LEAST = 7, DIGITS_MOST = 20, OWN_NUMBER_LEAST = 8, TAC_DIGITS = 8 };

static const struct {
        const char *text;
        size_t least, most; /* digits */
} kinds[IDENTITY_KINDS] = {
        [IDENTITY_IMEI] = {"imei", 14, 16},
        [IDENTITY_IMSI] = {"imsi", 14, 15},
        [IDENTITY_ICCID] = {"iccid", 18, 20},
        [IDENTITY_MSISDN] = {"msisdn", 7, 15},
};

/* How else they are called; `is_sure`: and nothing else is called so. */
static const struct {
        const char *text;
        enum identity_kind kind;
        bool is_sure;
} names[] = {
        {"imei", IDENTITY_IMEI, true},     {"imeisv", IDENTITY_IMEI, true},   {"imsi", IDENTITY_IMSI, true},
        {"iccid", IDENTITY_ICCID, true},   {"ccid", IDENTITY_ICCID, true},    {"msisdn", IDENTITY_MSISDN, true},
        {"phone", IDENTITY_MSISDN, false}, {"phonenumber", IDENTITY_MSISDN, false}, {"mobile", IDENTITY_MSISDN, false}};

const char *identity_kind_text(enum identity_kind kind)
{
        return kinds[kind].text;
}

/* Digits, and where they stand in the text. */
struct number {
        char digits[DIGITS_MOST + 1];
        size_t length, at;
        bool is_word; /* neither letters nor digits touch it */
};

static bool is_known(const struct number *n, const char *known, size_t compared)
{
        return known && strlen(known) >= compared && n->length >= compared && strncmp(n->digits, known, compared) == 0;
}

static void find_own(const struct number *n, const struct known_identities *own, struct found_identities *out)
{
        if (n->length >= kinds[IDENTITY_IMEI].least && n->length <= kinds[IDENTITY_IMEI].most && is_known(n, own->imei, MODULE_DIGITS))
                out->sure |= 1U << IDENTITY_IMEI;
        else if (own->imsi && own->imsi[0] && n->length == strlen(own->imsi) && is_known(n, own->imsi, n->length))
                out->sure |= 1U << IDENTITY_IMSI;
        else if (n->is_word && own->msisdn && n->length >= OWN_NUMBER_LEAST && n->length == strlen(own->msisdn) &&
                 is_known(n, own->msisdn, n->length))
                out->sure |= 1U << IDENTITY_MSISDN;
}

/* Eight bytes of BCD, written in hexadecimal: a zero stands in front of 15 digits. */
static void find_own_behind_zero(const struct number *n, const struct known_identities *own, struct found_identities *out)
{
        struct number rest = {.length = n->length - 1, .is_word = n->is_word};
        if (n->length != 16 || n->digits[0] != '0')
                return;
        memcpy(rest.digits, n->digits + 1, rest.length);
        find_own(&rest, own, out);
}

static void find_alone(const struct number *n, struct found_identities *out)
{
        static const char *const beginnings[] = {"35", "86", "01", "99"};
        if ((n->length == 19 || n->length == 20) && strncmp(n->digits, "89", 2) == 0 && text_luhn_fits(n->digits, n->length))
                out->maybe |= 1U << IDENTITY_ICCID;
        for (unsigned i = 0; n->length == 15 && i < sizeof beginnings / sizeof *beginnings; i++)
                if (strncmp(n->digits, beginnings[i], 2) == 0 && text_luhn_fits(n->digits, n->length))
                        out->maybe |= 1U << IDENTITY_IMEI;
}

/* "imei=", "\"IMSI\": \"", "iccid/", "msisdn%3D+", "IMEI": the name ends at most so many bytes in front. */
static bool find_named(const char *text, const struct number *n, struct found_identities *out)
{
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
                size_t name = strlen(names[i].text);
                enum identity_kind kind = names[i].kind;
                if (n->length < kinds[kind].least || n->length > kinds[kind].most)
                        continue;
                for (size_t gap = 0; gap <= NAME_REACH && gap + name <= n->at; gap++)
                        if (strncasecmp(text + n->at - gap - name, names[i].text, name) == 0) {
                                *(names[i].is_sure ? &out->sure : &out->maybe) |= 1U << kind;
                                return true;
                        }
        }
        return false;
}

static bool is_digit(const char *text, size_t length, size_t at)
{
        return at < length && text[at] >= '0' && text[at] <= '9';
}

/* The run that begins at `at`; returns where it ends. What is longer than any identity has no length. */
static size_t take_run(const char *text, size_t length, size_t at, struct number *n)
{
        size_t end = at, begin = at;
        n->length = 0;
        if (at > 0 && text[at - 1] == '%' && is_digit(text, length, at + 1))
                begin = end = at + 2; /* the escape's own digits: %22 */
        n->at = begin;
        while (is_digit(text, length, end)) {
                if (end - begin < DIGITS_MOST)
                        n->digits[n->length++] = text[end];
                end++;
        }
        if (end - begin > DIGITS_MOST)
                n->length = 0;
        bool is_escape = begin >= 3 && text[begin - 3] == '%'; /* behind %3D stands no word */
        n->is_word = (begin == 0 || is_escape || !isalnum((unsigned char)text[begin - 1])) &&
                     (end == length || !isalnum((unsigned char)text[end]));
        return end;
}

/* The groups behind a TAC, "-004011-0"; returns where they end. */
static size_t take_groups(const char *text, size_t length, size_t end, struct number *n)
{
        struct number whole = *n;
        size_t at = end;
        while (whole.length < 16 && at < length && text[at] == '-' && is_digit(text, length, at + 1)) {
                for (at++; is_digit(text, length, at) && whole.length < DIGITS_MOST; at++)
                        whole.digits[whole.length++] = text[at];
        }
        if (n->length != TAC_DIGITS || whole.length < MODULE_DIGITS || whole.length > 16 || is_digit(text, length, at))
                return end;
        whole.is_word = n->is_word && (at == length || !isalnum((unsigned char)text[at]));
        *n = whole;
        return at;
}

static void judge_number(const char *text, const struct number *n, const struct known_identities *own, struct found_identities *out)
{
        struct found_identities found = {0, 0};
        if (n->length < DIGITS_LEAST)
                return;
        find_own(n, own, &found);
        if (found.sure == 0)
                find_own_behind_zero(n, own, &found);
        if (found.sure == 0 && !find_named(text, n, &found) && n->is_word)
                find_alone(n, &found);
        out->sure |= found.sure;
        out->maybe |= found.maybe;
}

void identity_find(const char *text, size_t length, const struct known_identities *own, struct found_identities *out)
{
        struct number number;
        for (size_t at = 0; at < length; at++) {
                if (!is_digit(text, length, at))
                        continue;
                size_t end = take_run(text, length, at, &number);
                end = take_groups(text, length, end, &number);
                judge_number(text, &number, own, out);
                at = end - 1;
        }
}

void identity_find_at(const char *text, size_t length, size_t at, const struct known_identities *own, struct found_identities *out)
{
        struct number number;
        if (!is_digit(text, length, at))
                return;
        take_groups(text, length, take_run(text, length, at, &number), &number);
        judge_number(text, &number, own, out);
}

void identity_of_field(const char *digits, const struct known_identities *own, struct found_identities *out)
{
        struct number number = {.length = strlen(digits), .is_word = true};
        if (number.length == 16 && digits[0] == '0') { /* BCD of 15 digits in eight bytes */
                digits++;
                number.length--;
        }
        if (number.length < DIGITS_LEAST || number.length > DIGITS_MOST || strspn(digits, "0123456789") != number.length)
                return;
        memcpy(number.digits, digits, number.length);
        judge_number(digits, &number, own, out);
}

void identity_of_packed(const uint8_t packed[8], const struct known_identities *own, struct found_identities *out)
{
        struct number number = {.length = TEXT_PACKED_DIGITS, .is_word = true};
        if (text_unpack_digits(packed, number.digits))
                find_own(&number, own, out);
}
