#include "config.h"

#include "model/identity_text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/pseudonym.h"

enum { RUN_LEAST = 14, MODULE_DIGITS = 14, DECIMALS_LEAST = 3, WHOLE_MOST = 3, PHONE_LEAST = 10, PHONE_MOST = 13,
       PLUS_LEAST = 8, NAMED_LEAST = 6, PLUS_MOST = 15, NAI_DIGITS = 16, HEX_LEAST = 16, CHAIN_DIGITS = 20, CHAIN_GROUPS = 7,
       ENCODED_MOST = 256, CELL_MOST = 40 };

struct covering {
        const struct identity_text *text;
        const char *from;
        char *out;
        bool changed;
};

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The bytes that write one digit here, as it is or percent-encoded (RFC 3986); 0: none does. */
static size_t digit_length(const char *at)
{
        if (is_digit(*at))
                return 1;
        return at[0] == '%' && at[1] == '3' && is_digit(at[2]) ? 3 : 0;
}

void identity_text_know(struct identity_text *text, const char *value, bool is_imei)
{
        if (value == NULL)
                return;
        value += *value == '+';
        size_t length = strspn(value, "0123456789");
        if (value[length] != '\0' || length < IDENTITY_DIGITS_LEAST || text->known_count == KNOWN_IDENTITIES)
                return;
        text->known[text->known_count++] = (struct known_identity){value, length, is_imei && length >= MODULE_DIGITS};
}

static void put(struct covering *covering, const char *bytes, size_t length)
{
        memcpy(covering->out, bytes, length);
        covering->out += length;
}

static void put_pseudonym(struct covering *covering, const char *digits, size_t length, bool keep_tac)
{
        char pseudonym[PSEUDONYM_SIZE];
        put(covering, pseudonym, pseudonym_write(covering->text->key, digits, length, keep_tac, pseudonym));
        covering->changed = true;
}

static unsigned number_of(const char *digits, unsigned length)
{
        unsigned number = 0;
        for (unsigned i = 0; i < length; i++)
                number = number * 10 + (unsigned)(digits[i] - '0');
        return number;
}

static bool is_between(unsigned number, unsigned least, unsigned most)
{
        return number >= least && number <= most;
}

static bool is_day(const char *month)
{
        return is_between(number_of(month, 2), 1, 12) && is_between(number_of(month + 2, 2), 1, 31);
}

/* hh, hhmm or hhmmss. */
static bool is_hour(const char *hour, size_t length)
{
        return number_of(hour, 2) < 24 && (length < 4 || number_of(hour + 2, 2) < 60) && (length < 6 || number_of(hour + 4, 2) <= 60);
}

/* No IMEI, IMSI or ICCID begins like these; but one with a 1 glued to its front may. */
static bool is_time(const char *run, size_t length)
{
        if (length == 16 || length == 19)
                return is_between(number_of(run, 2), 15, 19) && !digits_look_like_imei(run + 1, length - 1) &&
                       memcmp(run + 1, "89", 2) != 0;
        return (length == 14 || length == 17) && is_between(number_of(run, 4), 1980, 2099) && is_day(run + 4) && is_hour(run + 8, 6);
}

/* Unix seconds or milliseconds, [YY]YYMMDD, [YY]YYMMDDhhmm, YYMMDDhhmmss, YYYYMMDDhh. */
static bool is_short_time(const char *run, size_t length)
{
        bool full_year = is_between(number_of(run, 4), 1980, 2099) && is_day(run + 4);
        bool short_year = is_between(number_of(run, 2), 10, 49) && is_day(run + 2);
        if (length == 8)
                return full_year;
        if (length == 10 || length == 12)
                return (length == 10 && *run == '1') || (full_year && is_hour(run + 8, length - 8)) ||
                       (short_year && is_hour(run + 6, length - 6));
        return length == 13 && *run == '1';
}

/* Behind "ncgi:262-01-" and its like. */
static bool is_of_cell(const char *from, const char *at)
{
        const char *end = at;
        while (at > from && end - at < CELL_MOST && (is_digit(at[-1]) || at[-1] == '-'))
                at--;
        return at - from >= 4 && at[-1] == ':' && (memcmp(at - 4, "cgi", 3) == 0 || memcmp(at - 3, "ai", 2) == 0);
}

/* A digest, or the last group of a UUID. */
static bool is_in_hex(const char *from, const char *at, size_t length)
{
        const char *begin = at, *end = at + length;
        bool has_letter = false;
        for (; begin > from && at - begin < HEX_LEAST && isxdigit((unsigned char)begin[-1]); begin--)
                has_letter = true;
        for (; end < at + length + HEX_LEAST && isxdigit((unsigned char)*end); end++)
                has_letter = true;
        if (has_letter && end - begin >= HEX_LEAST)
                return true;
        return begin - from >= 6 && begin[-1] == '-' && begin[-6] == '-' && isxdigit((unsigned char)begin[-5]) &&
               isxdigit((unsigned char)begin[-2]) && end - begin == 12;
}

static bool is_behind_plus(const char *from, const char *at)
{
        return (at > from && at[-1] == '+') || (at - from >= 3 && strncasecmp(at - 3, "%2B", 3) == 0);
}

/* "msisdn=", "tel": "... */
static bool is_behind_name(const char *from, const char *at)
{
        static const char *const names[] = {"msisdn", "imsi", "phone", "tel", "mobile", "mdn"};
        const char *end = at;
        while (end > from && at - end < 4 && memchr("=:\"' ", end[-1], 5) != NULL)
                end--;
        for (size_t i = 0; end < at && i < sizeof names / sizeof *names; i++) {
                size_t length = strlen(names[i]);
                if ((size_t)(end - from) >= length && strncasecmp(end - length, names[i], length) == 0)
                        return true;
        }
        return false;
}

/* `digits` are written at `at`; in `written` bytes. */
static bool is_phone(const struct covering *covering, const char *at, size_t written, const char *digits, size_t length)
{
        unsigned least = is_behind_plus(covering->from, at) ? PLUS_LEAST : PHONE_LEAST;
        if (covering->text->phones && length >= NAMED_LEAST && is_behind_name(covering->from, at))
                return true;
        return covering->text->phones && is_between((unsigned)length, least, PHONE_MOST) && !is_short_time(digits, length) &&
               !is_in_hex(covering->from, at, written) && !is_of_cell(covering->from, at);
}

/* Where a known identity stands in a run. */
struct place {
        const struct known_identity *known; /* NULL: none does */
        size_t at, length;
};

static void take_better(struct place *best, const struct place *place)
{
        if (best->known == NULL || place->at < best->at || (place->at == best->at && place->length > best->length))
                *best = *place;
}

/* The first, of several there the longest. An IMEI is known by its 14 digits, whatever follows them. */
static struct place find_known(const struct identity_text *text, const char *run, size_t length)
{
        struct place best = {.known = NULL};
        for (unsigned i = 0; i < text->known_count; i++) {
                const struct known_identity *known = &text->known[i];
                const char *found = memmem(run, length, known->digits, known->length);
                if (found != NULL)
                        take_better(&best, &(struct place){known, (size_t)(found - run), known->length});
                if (known->is_imei && length >= MODULE_DIGITS && length <= 16 && memcmp(run, known->digits, MODULE_DIGITS) == 0)
                        take_better(&best, &(struct place){known, 0, length});
        }
        return best;
}

/* A run: its digits, and where they are written. */
struct run {
        const char *digits, *at;
        size_t length, written;
        bool before_nai;        /* "@" follows */
};

/* What of a run is no known identity. */
static void cover_rest(struct covering *covering, const struct run *run, const char *digits, size_t length, bool is_whole)
{
        bool is_long = length >= RUN_LEAST && !is_time(digits, length);
        if (covering->text->only_known || !(is_long || (is_whole && is_phone(covering, run->at, run->written, digits, length)))) {
                put(covering, digits, length);
        } else if (is_whole && run->before_nai && length == NAI_DIGITS && strchr("01267", *digits) != NULL) {
                put(covering, digits, 1); /* TS 23.003 14 and 19: how the IMSI is to be authenticated */
                put_pseudonym(covering, digits + 1, length - 1, false);
        } else {
                bool keep_tac = is_long && digits == run->digits && digits_look_like_imei(digits, length);
                put_pseudonym(covering, digits, length, keep_tac);
        }
}

static void cover_run(struct covering *covering, const struct run *run)
{
        const char *digits = run->digits;
        size_t length = run->length;
        while (length > 0) {
                struct place place = find_known(covering->text, digits, length);
                size_t before = place.known ? place.at : length;
                if (before > 0)
                        cover_rest(covering, run, digits, before, before == run->length);
                if (place.known == NULL)
                        return;
                bool keep_tac = digits == run->digits && before == 0 && place.known->is_imei; /* a TAC behind digits would be none */
                put_pseudonym(covering, place.known->digits, place.known->length, keep_tac);
                digits += before + place.length;
                length -= before + place.length;
        }
}

/* Digits with some that are percent-encoded: what is covered is written as plain digits. */
static void cover_encoded(struct covering *covering, const char *at, size_t written)
{
        char digits[ENCODED_MOST];
        size_t count = 0;
        for (const char *digit = at; digit < at + written; digit += digit_length(digit))
                digits[count++] = is_digit(*digit) ? *digit : digit[2];
        struct covering inside = *covering;
        inside.changed = false;
        bool before_nai = at[written] == '@' || strncmp(at + written, "%40", 3) == 0;
        cover_run(&inside, &(struct run){digits, at, count, written, before_nai});
        if (inside.changed)
                *covering = inside;
        else
                put(covering, at, written);
}

/* Digits in groups with one separator between two. */
struct chain {
        char digits[CHAIN_DIGITS];
        size_t ends[CHAIN_GROUPS];    /* digits up to the end of each group */
        size_t written[CHAIN_GROUPS]; /* likewise, bytes */
        unsigned groups;
};

static size_t separator_length(const char *at)
{
        if (*at == '-' || *at == ' ')
                return 1;
        return strncmp(at, "%20", 3) == 0 || strncasecmp(at, "%2d", 3) == 0 ? 3 : 0;
}

static void read_chain(const char *at, struct chain *chain)
{
        size_t count = 0;
        const char *begin = at;
        chain->groups = 0;
        while (chain->groups < CHAIN_GROUPS) {
                size_t digits = strspn(at, "0123456789");
                if (digits == 0 || count + digits > CHAIN_DIGITS)
                        return;
                memcpy(chain->digits + count, at, digits);
                count += digits;
                at += digits;
                chain->ends[chain->groups] = count;
                chain->written[chain->groups++] = (size_t)(at - begin);
                at += separator_length(at);
        }
}

/* 35-349006-987331-9, 353490-06-987331-9, 35349006-987331-9 (RFC 7254), with one or two digits behind or none. */
static bool has_groups_of_imei(const struct chain *chain, unsigned groups)
{
        static const size_t usual[][4] = {{2, 8, 14, 0}, {6, 8, 14, 0}, {8, 14, 0, 0}};
        size_t last = chain->ends[groups - 1];
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
                unsigned at = 0;
                while (at < groups && chain->ends[at] == usual[i][at] && usual[i][at] != 0)
                        at++;
                if (at > 0 && usual[i][at] == 0 && (at == groups || (at + 1 == groups && last <= 16)))
                        return true;
        }
        return false;
}

static const struct known_identity *known_whole(const struct identity_text *text, const char *digits, size_t length)
{
        for (unsigned i = 0; i < text->known_count; i++) {
                const struct known_identity *known = &text->known[i];
                if ((known->length == length && memcmp(known->digits, digits, length) == 0) ||
                    (known->is_imei && length >= MODULE_DIGITS && length <= 16 && memcmp(known->digits, digits, MODULE_DIGITS) == 0))
                        return known;
        }
        return NULL;
}

/* How many bytes of a chain were covered; 0: it is none that tells. */
static size_t cover_chain(struct covering *covering, const char *at)
{
        struct chain chain;
        const struct identity_text *text = covering->text;
        read_chain(at, &chain);
        for (unsigned groups = chain.groups; groups > 1; groups--) {
                size_t length = chain.ends[groups - 1], written = chain.written[groups - 1];
                const struct known_identity *known = is_digit(at[written]) ? NULL : known_whole(text, chain.digits, length);
                bool is_imei = !text->only_known && has_groups_of_imei(&chain, groups) && digits_look_like_imei(chain.digits, length);
                bool is_plus = text->phones && !text->only_known && is_between((unsigned)length, PLUS_LEAST, PLUS_MOST) &&
                               is_behind_plus(covering->from, at) && !is_short_time(chain.digits, length);
                if (known == NULL && !is_imei && !is_plus)
                        continue;
                put_pseudonym(covering, chain.digits, length, known ? known->is_imei : is_imei);
                return written;
        }
        return 0;
}

/* The length of a number here that may be a coordinate with more decimals than are wanted; 0: none is. */
static size_t coordinate_length(const struct identity_text *text, const char *from, const char *at, size_t whole)
{
        if (text->decimals < 0 || whole > WHOLE_MOST || at[whole] != '.' || number_of(at, (unsigned)whole) > 180 ||
            (at > from && at[-1] == '.'))
                return 0;
        size_t decimals = strspn(at + whole + 1, "0123456789"), length = whole + 1 + decimals;
        if (decimals < DECIMALS_LEAST || decimals <= (size_t)text->decimals || (at[length] == '.' && is_word(at[length + 1])))
                return 0;
        return length;
}

static void put_rounded(struct covering *covering, const char *at, size_t length)
{
        char number[64], rounded[64];
        size_t most = length < sizeof number - 1 ? length : sizeof number - 1;
        memcpy(number, at, most);
        number[most] = '\0';
        put(covering, rounded, (size_t)snprintf(rounded, sizeof rounded, "%.*f", covering->text->decimals, strtod(number, NULL)));
        covering->changed = true;
}

/* ddmm.mmmm or dddmm.mmmm with its hemisphere behind, as NMEA-0183 writes; its length, 0: none is here. */
static size_t minutes_length(const struct identity_text *text, const char *at, size_t whole)
{
        if (text->decimals < 0 || (whole != 4 && whole != 5) || at[whole] != '.' || number_of(at, (unsigned)whole - 2) > 180 ||
            number_of(at + whole - 2, 2) > 59)
                return 0;
        size_t length = whole + 1 + strspn(at + whole + 1, "0123456789");
        const char *behind = at + length + (at[length] == ',' ? 1 : strncasecmp(at + length, "%2c", 3) == 0 ? 3 : 0);
        return length > whole + 1 && strchr("NSEW", *behind) != NULL && *behind != '\0' && !is_word(behind[1]) ? length : 0;
}

/* A degree to so many decimals is so many minutes: 60, 6, whole ones, tenths, ... */
static void put_minutes(struct covering *covering, const char *at, size_t whole)
{
        static const unsigned steps[] = {60, 6, 1};
        int decimals = covering->text->decimals;
        unsigned minutes = number_of(at + whole - 2, 2), step = decimals < 3 ? steps[decimals] : 1;
        size_t kept = decimals < 3 ? 0 : (size_t)decimals - 2, there = strspn(at + whole + 1, "0123456789");
        char rounded[4];
        put(covering, at, whole - 2);
        put(covering, rounded, (size_t)snprintf(rounded, sizeof rounded, "%02u", minutes / step * step));
        put(covering, ".0", kept > 0 ? 1 : 2);
        put(covering, at + whole + 1, kept < there ? kept : there);
        covering->changed = true;
}

/* What begins with a digit; how many bytes were read. */
static size_t cover_number(struct covering *covering, const char *at)
{
        size_t run = strspn(at, "0123456789"), written = 0, units = 0, length;
        if ((length = coordinate_length(covering->text, covering->from, at, run)) > 0) {
                put_rounded(covering, at, length);
                return length;
        }
        if ((length = minutes_length(covering->text, at, run)) > 0) {
                put_minutes(covering, at, run);
                return length;
        }
        if (run > 0 && !is_of_cell(covering->from, at) && (length = cover_chain(covering, at)) > 0)
                return length;
        for (size_t digit; units < ENCODED_MOST && (digit = digit_length(at + written)) > 0; units++)
                written += digit;
        if (written > units) {
                cover_encoded(covering, at, written);
                return written;
        }
        cover_run(covering, &(struct run){at, at, run, run, at[run] == '@' || strncmp(at + run, "%40", 3) == 0});
        return run;
}

size_t identity_text_cover(const struct identity_text *text, const char *from, char *out, bool *changed)
{
        struct covering covering = {.text = text, .from = from, .out = out};
        for (const char *at = from; *at != '\0';) {
                size_t length = *at == 'h' || is_digit(*at) ? pseudonym_length(at) : 0;
                if (length == 0 && digit_length(at) > 0) {
                        at += cover_number(&covering, at);
                        continue;
                }
                if (length == 0)
                        length = *at == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]) ? 3 : 1;
                put(&covering, at, length);
                at += length;
        }
        *covering.out = '\0';
        *changed = covering.changed;
        return (size_t)(covering.out - out);
}
