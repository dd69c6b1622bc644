/* Identities and coordinates inside text that people or devices wrote: titles, paths, names, topics.
 *
 * A run of 14 and more digits becomes a pseudonym: IMEI, IMEISV, IMSI, ICCID, or several in a row. Only a check digit could tell
 * some of them from other numbers, and IMSI and IMEISV have none, so all are taken, except what reads as a time (YYYYMMDDhhmmss
 * with or without milliseconds, Unix time in micro- or nanoseconds). With `phones` so do 10 to 13 digits, and 8 and more behind
 * a plus sign, that read as no time and stand in no hexadecimal number, and 6 and more that are called msisdn, imsi or phone.
 * Shorter runs are taken where they hold an identity that the same message names. Digits may be percent-encoded. In groups
 * (35-349006-987331-9, +49 151 12345678) they are taken where together they are an identity that is named, an IMEI in its usual
 * groups, or a phone number behind a plus sign. Cells (ncgi:262-01-12345678901) stay.
 *
 * A number such as 52.52037 (0 to 180, three decimals or more) is rounded when coordinates are, and so is NMEA's 5231.2222,N. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pseudonym_key;

enum { KNOWN_IDENTITIES = 8, IDENTITY_DIGITS_LEAST = 7 };

struct identity_text {
        struct pseudonym_key *key;
        int decimals;               /* -1: not rounded */
        bool phones;                /* what may be a phone number is taken, though nothing names it */
        bool only_known;            /* only what the message names is taken */
        struct known_identity {
                const char *digits; /* borrowed, without + */
                size_t length;
                bool is_imei;
        } known[KNOWN_IDENTITIES];
        unsigned known_count;
};

/* What is too short, is no number or a pseudonym already is left alone. */
void identity_text_know(struct identity_text *text, const char *value, bool is_imei);

/* So many bytes hold what identity_text_cover makes of `length`. */
static inline size_t identity_text_room(size_t length)
{
        return 3 * length + 32;
}

/* Writes `from` with pseudonyms in it and a NUL; the length. `*changed`: it is not what it was. What is covered already stays.
 * When OpenSSL fails the identity is left out. */
size_t identity_text_cover(const struct identity_text *text, const char *from, char *out, bool *changed);
