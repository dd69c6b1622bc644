#include "dissectors/session/identity_encoding.h"

#include <string.h>

#include "base/text.h"

enum { FILLER = 0xf, IMSI_LEAST = 6, IMSI_MOST = 16, IMEI_LEAST = 14, IMEI_MOST = 16, MSISDN_MOST = 20, IMEI_OCTETS = 8 };

static bool digits_of_tbcd(const uint8_t *restrict bytes, size_t length, size_t least, size_t most, char *restrict out)
{
        size_t octets = length;
        while (octets > 0 && bytes[octets - 1] == (FILLER << 4 | FILLER))
                octets--;
        bool is_odd = octets > 0 && bytes[octets - 1] >> 4 == FILLER;
        size_t count = 2 * octets - is_odd;
        unsigned above = is_odd ? (bytes[octets - 1] & 0x0fU) + 6 : 0; /* a digit above 9 sets the bit of 16 */
        out[0] = '\0';
        if (length > DIGITS_SIZE || count < least || count > most)
                return false;
        for (size_t i = 0; i < count / 2; i++) {
                unsigned low = bytes[i] & 0x0f, high = bytes[i] >> 4;
                above |= (low + 6) | (high + 6);
                out[2 * i] = (char)('0' + low);
                out[2 * i + 1] = (char)('0' + high);
        }
        if (is_odd)
                out[count - 1] = (char)('0' + (bytes[octets - 1] & 0x0f));
        out[above & 16 ? 0 : count] = '\0';
        return (above & 16) == 0;
}

bool imsi_of_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE])
{
        return digits_of_tbcd(bytes, length, IMSI_LEAST, IMSI_MOST, out);
}

bool imei_of_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE])
{
        return digits_of_tbcd(bytes, length, IMEI_LEAST, IMEI_MOST, out);
}

bool msisdn_of_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE])
{
        return digits_of_tbcd(bytes, length, 1, MSISDN_MOST, out);
}

static bool digits_of_text(const uint8_t *bytes, size_t length, size_t least, size_t most, char out[DIGITS_SIZE])
{
        out[0] = '\0';
        while (length > 0 && bytes[length - 1] == '\0')
                length--;
        if (length < least || length > most)
                return false;
        for (size_t i = 0; i < length; i++)
                if (bytes[i] < '0' || bytes[i] > '9')
                        return false;
        memcpy(out, bytes, length);
        out[length] = '\0';
        return true;
}

bool imsi_of_text(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE])
{
        return digits_of_text(bytes, length, IMSI_LEAST, IMSI_MOST, out);
}

bool imei_of_text(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE])
{
        return digits_of_text(bytes, length, IMEI_LEAST, IMEI_MOST, out);
}

bool msisdn_of_text(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE])
{
        bool plus = length > 0 && bytes[0] == '+';
        return digits_of_text(bytes + plus, length - plus, 1, MSISDN_MOST, out);
}

bool imei_of_text_or_tbcd(const uint8_t *bytes, size_t length, char out[DIGITS_SIZE])
{
        return length == IMEI_OCTETS ? imei_of_tbcd(bytes, length, out) : imei_of_text(bytes, length, out);
}

bool plmn_of_octets(const uint8_t octets[3], struct plmn *out)
{
        unsigned mcc[3] = {octets[0] & 0x0f, octets[0] >> 4, octets[1] & 0x0f};
        unsigned mnc[3] = {octets[2] & 0x0f, octets[2] >> 4, octets[1] >> 4};
        *out = (struct plmn){.mnc_digits = 0};
        bool two = mnc[2] == FILLER;
        if (mcc[0] > 9 || mcc[1] > 9 || mcc[2] > 9 || mnc[0] > 9 || mnc[1] > 9 || (mnc[2] > 9 && !two))
                return false;
        out->mcc = (uint16_t)(mcc[0] * 100 + mcc[1] * 10 + mcc[2]);
        out->mnc = (uint16_t)(two ? mnc[0] * 10 + mnc[1] : mnc[0] * 100 + mnc[1] * 10 + mnc[2]);
        out->mnc_digits = two ? 2 : 3;
        return true;
}

bool plmn_of_text(const uint8_t *bytes, size_t length, struct plmn *out)
{
        char digits[DIGITS_SIZE];
        *out = (struct plmn){.mnc_digits = 0};
        if (!digits_of_text(bytes, length, 5, 6, digits))
                return false;
        size_t count = strlen(digits);
        unsigned value = 0;
        for (size_t i = 3; i < count; i++)
                value = value * 10 + (unsigned)(digits[i] - '0');
        out->mcc = (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0');
        out->mnc = (uint16_t)value;
        out->mnc_digits = (uint8_t)(count - 3);
        return true;
}

static char *put_number(char *at, unsigned number, unsigned digits)
{
        for (unsigned i = digits; i-- > 0; number /= 10)
                at[i] = (char)('0' + number % 10);
        return at + digits;
}

const char *plmn_text(const struct plmn *plmn, char text[PLMN_TEXT_SIZE])
{
        char *at = text;
        if (plmn->mnc_digits == 2 || plmn->mnc_digits == 3) {
                at = put_number(at, plmn->mcc, 3);
                *at++ = '-';
                at = put_number(at, plmn->mnc, plmn->mnc_digits);
        }
        *at = '\0';
        return text;
}

static char lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool ends_like(const char *text, const char *pattern)
{
        for (; *pattern != '\0'; text++, pattern++)
                if (*pattern == '#' ? *text < '0' || *text > '9' : *text != *pattern)
                        return false;
        return *text == '\0';
}

/* The operator identifier (TS 23.003, 9.1.2) is the last three labels. */
static void apn_split(char *text, size_t length, struct apn *out)
{
        static const char *const patterns[] = {"mnc###.mcc###.gprs", "mnc##.mcc###.gprs"};
        for (unsigned i = 0; i < 2; i++) {
                size_t operator_length = strlen(patterns[i]);
                if (length <= operator_length || text[length - operator_length - 1] != '.')
                        continue;
                char *operator_part = text + length - operator_length;
                if (!ends_like(operator_part, patterns[i]))
                        continue;
                memcpy(out->operator_part, operator_part, operator_length + 1);
                operator_part[-1] = '\0';
                break;
        }
}

static bool apn_take(const uint8_t *bytes, size_t length, struct apn *out)
{
        if (length == 0)
                return false;
        size_t written = text_escape(bytes, length, out->network, sizeof out->network);
        for (size_t i = 0; i < written; i++)
                out->network[i] = lower(out->network[i]);
        apn_split(out->network, written, out);
        return true;
}

bool apn_of_text(const uint8_t *bytes, size_t length, struct apn *out)
{
        out->network[0] = out->operator_part[0] = '\0';
        while (length > 0 && bytes[length - 1] == '\0')
                length--;
        return length < APN_SIZE && apn_take(bytes, length, out);
}

bool apn_of_labels(const uint8_t *bytes, size_t length, struct apn *out)
{
        uint8_t dotted[APN_SIZE];
        size_t at = 0, written = 0;
        out->network[0] = out->operator_part[0] = '\0';
        if (length == 0 || length > APN_SIZE)
                return false;
        while (at < length) {
                size_t label = bytes[at++];
                if (label == 0 && at == length)
                        break; /* a root label that does not belong there */
                if (label == 0 || label > length - at) {
                        bool text = at == 1 && bytes[0] >= 0x21 && bytes[0] < 0x7f;
                        return text && apn_of_text(bytes, length, out);
                }
                if (written > 0)
                        dotted[written++] = '.';
                memcpy(dotted + written, bytes + at, label);
                written += label;
                at += label;
        }
        return apn_take(dotted, written, out);
}

/* TS 29.274, 8.17; TS 29.060, 7.7.50; from 51 on TS 29.061, 16.4.7.2 (21). */
const char *rat_of_gtp(uint32_t value)
{
        static const char *const names[] = {NULL, "UTRAN", "GERAN", "WLAN", "GAN", "HSPA+", "EUTRAN", "Virtual", "NB-IoT", "LTE-M", "NR"};
        if (value < sizeof names / sizeof *names)
                return names[value];
        return value >= 51 && value <= 56 ? "NR" : NULL;
}

/* TS 29.212, 5.3.31. */
const char *rat_of_diameter(uint32_t value)
{
        switch (value) {
        case 0: return "WLAN";
        case 1: return "Virtual";
        case 1000: return "UTRAN";
        case 1001: return "GERAN";
        case 1002: return "GAN";
        case 1003: return "HSPA+";
        case 1004: return "EUTRAN";
        case 1005: return "NB-IoT";
        case 1006: return "NR";
        case 1007: return "LTE-M";
        case 1008: case 1009: case 1010: case 1011: return "NR";
        default: return NULL;
        }
}

static void take_plmn(struct cursor *at, struct place *place)
{
        const uint8_t *octets = cursor_bytes(at, 3);
        if (octets != NULL)
                plmn_of_octets(octets, &place->plmn);
}

/* CGI, SAI, and LAI without what is behind it. */
static struct place take_local(struct cursor *at, const char *kind, bool with_id)
{
        struct place place = {.kind = kind, .has_area = true, .has_id = with_id};
        take_plmn(at, &place);
        place.area = cursor_be16(at);
        if (with_id)
                place.id = cursor_be16(at);
        return place;
}

static struct place take_rai(struct cursor *at, bool padded)
{
        struct place place = {.kind = "rai", .has_area = true, .has_id = true};
        take_plmn(at, &place);
        place.area = cursor_be16(at);
        place.id = cursor_u8(at);
        if (padded)
                cursor_skip(at, 1);
        return place;
}

static struct place take_ecgi(struct cursor *at)
{
        struct place place = {.kind = "ecgi", .has_id = true};
        take_plmn(at, &place);
        place.id = cursor_be32(at) & 0x0fffffff; /* spare above */
        return place;
}

static struct place take_ncgi(struct cursor *at)
{
        struct place place = {.kind = "ncgi", .has_id = true};
        take_plmn(at, &place);
        uint64_t high = cursor_be32(at);
        place.id = high << 4 | cursor_u8(at) >> 4; /* a bit string of 36, TS 38.413, 9.3.1.7: spare below */
        return place;
}

static struct place take_tai(struct cursor *at, bool of_5gs)
{
        struct place place = {.kind = "tai", .has_area = true};
        take_plmn(at, &place);
        place.area = of_5gs ? cursor_be24(at) : cursor_be16(at);
        return place;
}

/* Kept when it was all there and its PLMN is one. */
static void keep(struct place *kept, const struct cursor *at, struct place place)
{
        if (!at->short_read && place.plmn.mnc_digits != 0)
                *kept = place;
}

static bool is_there(const struct user_location *location)
{
        return location->cell.kind != NULL || location->area.kind != NULL;
}

/* Coarse before fine, so that what is finer replaces. Behind LAI stand eNodeB identities, which are no cells. */
bool location_of_gtpv2(const uint8_t *bytes, size_t length, struct user_location *out)
{
        enum { HAS_CGI = 0x01, HAS_SAI = 0x02, HAS_RAI = 0x04, HAS_TAI = 0x08, HAS_ECGI = 0x10, HAS_LAI = 0x20 };
        struct cursor at = cursor_of(bytes, length);
        struct user_location lai = {.cell = {.kind = NULL}};
        *out = (struct user_location){.cell = {.kind = NULL}};
        uint8_t flags = cursor_u8(&at);
        if (flags & HAS_CGI)
                keep(&out->cell, &at, take_local(&at, "cgi", true));
        if (flags & HAS_SAI) {
                struct place sai = {.kind = NULL};
                keep(&sai, &at, take_local(&at, "sai", true));
                if (out->cell.kind == NULL)
                        out->cell = sai;
        }
        if (flags & HAS_RAI)
                keep(&out->area, &at, take_rai(&at, true));
        if (flags & HAS_TAI)
                keep(&out->area, &at, take_tai(&at, false));
        if (flags & HAS_ECGI)
                keep(&out->cell, &at, take_ecgi(&at));
        if (flags & HAS_LAI)
                keep(&lai.area, &at, take_local(&at, "lai", false));
        if (out->area.kind == NULL)
                out->area = lai.area;
        return is_there(out);
}

enum {
        TYPE_CGI = 0, TYPE_SAI = 1, TYPE_RAI = 2, TYPE_TAI = 128, TYPE_ECGI = 129, TYPE_TAI_ECGI = 130, TYPE_TAI_ENODEB = 132,
        TYPE_TAI_EXTENDED_ENODEB = 134, TYPE_NCGI = 135, TYPE_5GS_TAI = 136, TYPE_5GS_TAI_NCGI = 137, TYPE_5GS_TAI_NODE = 139
};

static void location_of_octets(struct cursor *at, struct user_location *out)
{
        switch (cursor_u8(at)) {
        case TYPE_CGI: keep(&out->cell, at, take_local(at, "cgi", true)); break;
        case TYPE_SAI: keep(&out->cell, at, take_local(at, "sai", true)); break;
        case TYPE_RAI: keep(&out->area, at, take_rai(at, false)); break;
        case TYPE_TAI: case TYPE_TAI_ENODEB: case TYPE_TAI_EXTENDED_ENODEB: keep(&out->area, at, take_tai(at, false)); break;
        case TYPE_ECGI: keep(&out->cell, at, take_ecgi(at)); break;
        case TYPE_TAI_ECGI:
                keep(&out->area, at, take_tai(at, false));
                keep(&out->cell, at, take_ecgi(at));
                break;
        case TYPE_NCGI: keep(&out->cell, at, take_ncgi(at)); break;
        case TYPE_5GS_TAI: case TYPE_5GS_TAI_NODE: keep(&out->area, at, take_tai(at, true)); break;
        case TYPE_5GS_TAI_NCGI:
                keep(&out->area, at, take_tai(at, true));
                keep(&out->cell, at, take_ncgi(at));
                break;
        default: break;
        }
}

static int hex_value(uint8_t c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        uint8_t small = c | 0x20;
        return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* As hex text the first octet is '0' or '8', which is no type. */
static size_t unhex(const uint8_t *bytes, size_t length, uint8_t *out, size_t room)
{
        if (length < 12 || length % 2 != 0 || length / 2 > room || (bytes[0] != '0' && bytes[0] != '8'))
                return 0;
        for (size_t i = 0; i < length / 2; i++) {
                int high = hex_value(bytes[2 * i]), low = hex_value(bytes[2 * i + 1]);
                if (high < 0 || low < 0)
                        return 0;
                out[i] = (uint8_t)(high << 4 | low);
        }
        return length / 2;
}

bool location_of_type(const uint8_t *bytes, size_t length, struct user_location *out)
{
        uint8_t octets[32];
        size_t count = unhex(bytes, length, octets, sizeof octets);
        struct cursor at = count > 0 ? cursor_of(octets, count) : cursor_of(bytes, length);
        *out = (struct user_location){.cell = {.kind = NULL}};
        location_of_octets(&at, out);
        return is_there(out);
}

bool location_of_rai(const uint8_t *bytes, size_t length, struct user_location *out)
{
        struct cursor at = cursor_of(bytes, length);
        *out = (struct user_location){.cell = {.kind = NULL}};
        keep(&out->area, &at, take_rai(&at, false));
        return is_there(out);
}
