/* What a device says of itself in its own messages, whatever protocol carries it: maker, model, versions, identities; and how it is
 * told. */
#pragma once

#include "dissectors/dissector.h"

enum { NAMEPLATE_DIGITS = 24, NAMEPLATE_TEXT = 64 };

/* Texts are borrowed; an empty one is not said. */
struct nameplate {
        const char *protocol;                          /* static */
        struct cursor vendor, model, firmware, serial; /* as on the wire */
        char imei[NAMEPLATE_DIGITS], imsi[NAMEPLATE_DIGITS], iccid[NAMEPLATE_DIGITS], msisdn[NAMEPLATE_DIGITS];
        struct cursor id;                              /* what the protocol calls the device, told where none of these is known */
        struct cursor path;
};

/* 15 digits of which the last is the check digit (TS 23.003, 6.2), not all alike: kept. False: no IMEI. */
bool nameplate_take_imei(struct nameplate *plate, const uint8_t *digits, size_t length);

/* Eight octets of packed digits, the high half first, with a 0 in front of 15. False, with the 16 digits in `digits`: no IMEI;
 * a half above 9: none, and `digits` is empty. */
bool nameplate_take_bcd(struct nameplate *plate, const uint8_t octets[8], char digits[NAMEPLATE_DIGITS]);

/* Ten octets likewise, of 18 to 20 digits that begin with 89 (ITU-T E.118), what is left filled up. Else none is kept. */
void nameplate_take_iccid(struct nameplate *plate, const uint8_t octets[10]);

/* A field of digits, with blanks, NULs or a plus in front or behind; of so many. Else `out` stays as it is. */
void nameplate_take_digits(char out[NAMEPLATE_DIGITS], struct cursor text, size_t least, size_t most);

/* A name in which identities may stand: "urn:imei:...", "IMEI...", "nrf-...", 15 digits, "urn:imei-imsi:...-...", "urn:msisdn:...".
 * Takes what is there; true: something was. */
bool nameplate_take_name(struct nameplate *plate, struct cursor name);

/* Is there anything to tell but a name that the protocol gives? */
bool nameplate_is_empty(const struct nameplate *plate);

/* Emits it with the first bytes of `payload`. Blanks and NULs around texts are left out, and texts that are none. Nothing at all to
 * tell: nothing is emitted. */
void nameplate_emit(struct dissection *d, const struct nameplate *plate, struct cursor payload);
