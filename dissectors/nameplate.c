#include "dissectors/nameplate.h"

#include <ctype.h>
#include <strings.h>

#include "base/text.h"
#include "model/pseudonym.h"

enum { IMEI_DIGITS = 15, SNIPPET_MOST = 512, PATH_MOST = 128, TEXT_SIZE = NAMEPLATE_TEXT * TEXT_ESCAPED_MOST + 1 };

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static size_t digits_at(const struct cursor *at)
{
        size_t length = 0;
        while (length < cursor_left(at) && is_digit(at->at[length]))
                length++;
        return length;
}

static bool is_imei(const uint8_t *digits)
{
        unsigned alike = 1;
        for (unsigned i = 0; i < IMEI_DIGITS; i++) {
                if (!is_digit(digits[i]))
                        return false;
                alike += i > 0 && digits[i] == digits[i - 1];
        }
        return text_luhn_fits(digits, IMEI_DIGITS) && alike < IMEI_DIGITS - 1;
}

bool nameplate_take_imei(struct nameplate *plate, const uint8_t *digits, size_t length)
{
        if (length != IMEI_DIGITS || !is_imei(digits))
                return false;
        memcpy(plate->imei, digits, IMEI_DIGITS);
        plate->imei[IMEI_DIGITS] = '\0';
        return true;
}

bool nameplate_take_bcd(struct nameplate *plate, const uint8_t octets[8], char digits[NAMEPLATE_DIGITS])
{
        for (unsigned i = 0; i < 8; i++) {
                unsigned high = octets[i] >> 4, low = octets[i] & 15;
                if (high > 9 || low > 9) {
                        digits[0] = '\0';
                        return false;
                }
                digits[2 * i] = (char)('0' + high);
                digits[2 * i + 1] = (char)('0' + low);
        }
        digits[16] = '\0';
        return digits[0] == '0' && nameplate_take_imei(plate, (const uint8_t *)digits + 1, IMEI_DIGITS);
}

void nameplate_take_iccid(struct nameplate *plate, const uint8_t octets[10])
{
        enum { MOST = 20, LEAST = 18 };
        unsigned length = 0, digit = 0;
        while (length < MOST && (digit = length % 2 == 0 ? octets[length / 2] >> 4 : octets[length / 2] & 15) <= 9)
                plate->iccid[length++] = (char)('0' + digit);
        plate->iccid[length >= LEAST && strncmp(plate->iccid, "89", 2) == 0 ? length : 0] = '\0';
}

static struct cursor trimmed(struct cursor text)
{
        while (cursor_left(&text) > 0 && (*text.at == ' ' || *text.at == '\0'))
                text.at++;
        while (cursor_left(&text) > 0 && (text.end[-1] == ' ' || text.end[-1] == '\0'))
                text.end--;
        return text;
}

void nameplate_take_digits(char out[NAMEPLATE_DIGITS], struct cursor text, size_t least, size_t most)
{
        text = trimmed(text);
        if (cursor_peek(&text) == '+')
                cursor_skip(&text, 1);
        size_t length = digits_at(&text);
        if (length != cursor_left(&text) || length < least || length > most || most >= NAMEPLATE_DIGITS)
                return;
        memcpy(out, text.at, length);
        out[length] = '\0';
}

enum kind { KIND_IMEI, KIND_IMSI, KIND_MSISDN, KIND_ICCID, KINDS };

static const struct {
        const char *word;
        uint8_t least, most;
} kinds[KINDS] = {{"imei", 14, 16}, {"imsi", 14, 15}, {"msisdn", 8, 15}, {"iccid", 18, 20}};

static enum kind kind_at(const struct cursor *at)
{
        unsigned kind = 0;
        while (kind < KINDS && (cursor_left(at) < strlen(kinds[kind].word) ||
                                strncasecmp((const char *)at->at, kinds[kind].word, strlen(kinds[kind].word)) != 0))
                kind++;
        return (enum kind)kind;
}

static bool take_run(struct nameplate *plate, enum kind kind, const uint8_t *digits, size_t length)
{
        char *const out[KINDS] = {plate->imei, plate->imsi, plate->msisdn, plate->iccid};
        if (length < kinds[kind].least || length > kinds[kind].most || out[kind][0] != '\0')
                return false;
        if (kind == KIND_IMEI && length == IMEI_DIGITS)
                return nameplate_take_imei(plate, digits, length);
        memcpy(out[kind], digits, length);
        out[kind][length] = '\0';
        return true;
}

/* Digits that no word names are an IMEI when they read like one (GSMA TS.06: who allocates) and nothing is joined to them. */
static bool take_alone(struct nameplate *plate, const struct cursor *name, const uint8_t *digits, size_t length)
{
        bool is_joined = (digits > name->at && isalnum(digits[-1])) || (digits + length < name->end && isalnum(digits[length]));
        return !is_joined && length == IMEI_DIGITS && plate->imei[0] == '\0' && digits_look_like_imei((const char *)digits, length) &&
               nameplate_take_imei(plate, digits, length);
}

bool nameplate_take_name(struct nameplate *plate, struct cursor name)
{
        enum kind named[2] = {KINDS, KINDS};
        unsigned named_count = 0;
        bool any = false;
        for (struct cursor at = name; cursor_left(&at) > 0;) {
                size_t digits = digits_at(&at);
                enum kind kind = digits == 0 && named_count < 2 ? kind_at(&at) : KINDS;
                if (kind < KINDS) {
                        named[named_count++] = kind;
                        cursor_skip(&at, strlen(kinds[kind].word));
                        continue;
                }
                if (digits > 0 && named_count > 0) { /* imei-imsi:A-B */
                        any |= take_run(plate, named[0], at.at, digits);
                        named[0] = named[1];
                        named_count--;
                } else if (digits > 0) {
                        any |= take_alone(plate, &name, at.at, digits);
                }
                cursor_skip(&at, digits > 0 ? digits : 1);
        }
        return any;
}

bool nameplate_is_empty(const struct nameplate *plate)
{
        return cursor_left(&plate->vendor) == 0 && cursor_left(&plate->model) == 0 && cursor_left(&plate->firmware) == 0 &&
               cursor_left(&plate->serial) == 0 && plate->imei[0] == '\0' && plate->imsi[0] == '\0' && plate->iccid[0] == '\0' &&
               plate->msisdn[0] == '\0';
}

/* NULL: nothing is left, or it is no text. */
static char *text_of(struct cursor text, char out[TEXT_SIZE])
{
        text = trimmed(text);
        size_t length = cursor_left(&text) < NAMEPLATE_TEXT ? cursor_left(&text) : NAMEPLATE_TEXT;
        for (size_t i = 0; i < length; i++)
                if (text.at[i] < 0x20 || text.at[i] == 0x7f)
                        return NULL;
        while (length > 0 && length < cursor_left(&text) && (text.at[length] & 0xc0) == 0x80)
                length--; /* no character is cut */
        if (length == 0 || !text_is_utf8((const char *)text.at, length))
                return NULL;
        text_escape(text.at, length, out, TEXT_SIZE);
        return out;
}

static char *known(const char *digits)
{
        return digits[0] != '\0' ? (char *)digits : NULL;
}

void nameplate_emit(struct dissection *d, const struct nameplate *plate, struct cursor payload)
{
        char vendor[TEXT_SIZE], model[TEXT_SIZE], firmware[TEXT_SIZE], serial[TEXT_SIZE], id[TEXT_SIZE], path[PATH_MOST + 1];
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__SelfReport told = APNWATCH__V1__SELF_REPORT__INIT;
        Apnwatch__V1__Snippet snippet = APNWATCH__V1__SNIPPET__INIT;
        told.protocol = (char *)plate->protocol;
        told.vendor = text_of(plate->vendor, vendor);
        told.model = text_of(plate->model, model);
        told.firmware = text_of(plate->firmware, firmware);
        told.serial = text_of(plate->serial, serial);
        told.imei = known(plate->imei);
        told.imsi = known(plate->imsi);
        told.iccid = known(plate->iccid);
        told.msisdn = known(plate->msisdn);
        bool is_known = told.imei != NULL || told.imsi != NULL || told.msisdn != NULL;
        told.device_id = is_known ? NULL : text_of(plate->id, id);
        if (told.vendor == NULL && told.model == NULL && told.firmware == NULL && told.serial == NULL && told.iccid == NULL && !is_known &&
            told.device_id == NULL)
                return;
        if (cursor_left(&plate->path) > 0) {
                text_escape(plate->path.at, cursor_left(&plate->path), path, sizeof path);
                told.path = path;
        }
        snippet.data.data = (uint8_t *)payload.at;
        snippet.data.len = cursor_left(&payload) < SNIPPET_MOST ? cursor_left(&payload) : SNIPPET_MOST;
        event.body_case = APNWATCH__V1__EVENT__BODY_SELF_REPORT;
        event.self_report = &told;
        event.snippet = &snippet;
        d->services->emit(d, &event);
}
