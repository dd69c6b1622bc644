#include "config.h"

#include "model/identity_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/pseudonym.h"

enum { RUN_LEAST = 14, MODULE_DIGITS = 14, DECIMALS_LEAST = 3, WHOLE_MOST = 3 };

struct covering {
        const struct identity_text *text;
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

/* No IMEI, IMSI or ICCID begins like these; but one with a 1 glued to its front may. */
static bool is_time(const char *run, size_t length)
{
        if (length == 16 || length == 19)
                return is_between(number_of(run, 2), 15, 19) && !digits_look_like_imei(run + 1, length - 1) &&
                       memcmp(run + 1, "89", 2) != 0;
        return (length == 14 || length == 17) && is_between(number_of(run, 4), 1980, 2099) &&
               is_between(number_of(run + 4, 2), 1, 12) && is_between(number_of(run + 6, 2), 1, 31) &&
               number_of(run + 8, 2) < 24 && number_of(run + 10, 2) < 60 && number_of(run + 12, 2) <= 60;
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

static void cover_run(struct covering *covering, const char *run, size_t length)
{
        bool at_start = true; /* a TAC behind other digits would be none */
        while (length > 0) {
                struct place place = find_known(covering->text, run, length);
                size_t before = place.known ? place.at : length;
                if (before >= RUN_LEAST && !is_time(run, before))
                        put_pseudonym(covering, run, before, at_start && digits_look_like_imei(run, before));
                else
                        put(covering, run, before);
                if (place.known == NULL)
                        return;
                put_pseudonym(covering, place.known->digits, place.known->length, at_start && before == 0 && place.known->is_imei);
                at_start = false;
                run += before + place.length;
                length -= before + place.length;
        }
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

size_t identity_text_cover(const struct identity_text *text, const char *from, char *out, bool *changed)
{
        struct covering covering = {.text = text, .out = out};
        for (const char *at = from; *at != '\0';) {
                size_t length = *at == 'h' || is_digit(*at) ? pseudonym_length(at) : 0;
                if (length > 0 || !is_digit(*at)) {
                        length = length > 0 ? length : 1;
                        put(&covering, at, length);
                        at += length;
                        continue;
                }
                size_t run = strspn(at, "0123456789");
                length = coordinate_length(text, from, at, run);
                if (length > 0)
                        put_rounded(&covering, at, length);
                else
                        cover_run(&covering, at, run);
                at += length > 0 ? length : run;
        }
        *covering.out = '\0';
        *changed = covering.changed;
        return (size_t)(covering.out - out);
}
