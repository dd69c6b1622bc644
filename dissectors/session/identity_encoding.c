#include "dissectors/session/identity_encoding.h"

#include <endian.h>
#include <string.h>

#include "base/apart.h"
#include "base/text.h"

enum { FILLER = 0xf, IMSI_LEAST = 6, IMSI_MOST = 16, IMEI_LEAST = 14, IMEI_MOST = 16, MSISDN_MOST = 20, IMEI_OCTETS = 8 };

/* Four octets make eight characters, the low half of each first; the number of a character above '9' is set in `above`. */
static APART uint64_t characters_of(const uint8_t octets[4], uint64_t *above)
{
        uint32_t four;
        memcpy(&four, octets, sizeof four);
        uint64_t x = le32toh(four);
        x = (x | x << 16) & 0x0000ffff0000ffff;
        x = (x | x << 8) & 0x00ff00ff00ff00ff;
        x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
        *above |= (x + 0x0606060606060606) & 0x1010101010101010;
        return htole64(x | 0x3030303030303030);
}

static bool digits_of_tbcd(const uint8_t *bytes, size_t length, size_t least, size_t most, char out[DIGITS_SIZE])
{
        uint8_t octets[DIGITS_SIZE / 2] = {0};
        uint64_t above = 0;
        size_t count = length;
        while (count > 0 && bytes[count - 1] == (FILLER << 4 | FILLER))
                count--;
        bool is_odd = count > 0 && bytes[count - 1] >> 4 == FILLER;
        size_t digits = 2 * count - is_odd;
        out[0] = '\0';
        if (length > DIGITS_SIZE || digits < least || digits > most)
                return false;
        memcpy(octets, bytes, count);
        if (is_odd)
                octets[count - 1] &= 0x0f;
        for (size_t i = 0; i < count; i += 4) {
                uint64_t characters = characters_of(octets + i, &above);
                memcpy(out + 2 * i, &characters, sizeof characters);
        }
        out[above != 0 ? 0 : digits] = '\0';
        return above == 0;
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

/* How a place is written: PLMN, area, number, as many octets as are said; what stands behind them is spare. */
struct layout {
        char kind[5];
        uint8_t behind, area, id; /* octets: all behind the PLMN, and of them these */
};

enum { CGI, SAI, RAI_PADDED, TAI, ECGI, LAI, RAI, TAI_OF_5GS, NCGI };
static const struct layout layouts[] = {
        [CGI] = {"cgi", 4, 2, 2}, [SAI] = {"sai", 4, 2, 2}, [RAI_PADDED] = {"rai", 4, 2, 1}, [TAI] = {"tai", 2, 2, 0},
        [ECGI] = {"ecgi", 4, 0, 4}, [LAI] = {"lai", 2, 2, 0}, [RAI] = {"rai", 3, 2, 1}, [TAI_OF_5GS] = {"tai", 3, 3, 0},
        [NCGI] = {"ncgi", 5, 0, 5},
};

static uint64_t number_at(const uint8_t *bytes, unsigned octets)
{
        uint64_t number = 0;
        for (unsigned i = 0; i < octets; i++)
                number = number << 8 | bytes[i];
        return number;
}

/* Kept when it is all there and its PLMN is one. */
static APART void take_place(struct cursor *at, unsigned which, struct place *kept)
{
        enum { PLMN_OCTETS = 3 };
        const struct layout *layout = &layouts[which];
        const uint8_t *bytes = cursor_bytes(at, PLMN_OCTETS + (size_t)layout->behind);
        struct plmn plmn;
        if (bytes == NULL || !plmn_of_octets(bytes, &plmn))
                return;
        kept->kind = layout->kind;
        kept->plmn = plmn;
        kept->has_area = layout->area > 0;
        kept->area = (uint32_t)number_at(bytes + PLMN_OCTETS, layout->area);
        kept->has_id = layout->id > 0;
        kept->id = number_at(bytes + PLMN_OCTETS + layout->area, layout->id);
        if (which == ECGI)
                kept->id &= 0x0fffffff; /* spare above */
        if (which == NCGI)
                kept->id >>= 4;         /* a bit string of 36, TS 38.413, 9.3.1.7: spare below */
}

static bool is_there(const struct user_location *location)
{
        return location->cell.kind != NULL || location->area.kind != NULL;
}

/* Coarse before fine, so that what is finer replaces; SAI and LAI do not. Behind LAI stand eNodeB identities, which are no cells. */
bool location_of_gtpv2(const uint8_t *bytes, size_t length, struct user_location *out)
{
        enum { CELLS = 1 << CGI | 1 << SAI | 1 << ECGI, WEAK = 1 << SAI | 1 << LAI, ALL = (1 << (LAI + 1)) - 1 };
        struct cursor at = cursor_of(bytes, length);
        *out = (struct user_location){.cell = {.kind = NULL}};
        unsigned flags = cursor_u8(&at) & ALL; /* a bit for each of the layouts from the first on */
        for (; flags != 0; flags &= flags - 1) {
                unsigned which = (unsigned)__builtin_ctz(flags), bit = 1U << which;
                struct place *kept = bit & CELLS ? &out->cell : &out->area;
                struct place unused;
                take_place(&at, which, bit & WEAK && kept->kind != NULL ? &unused : kept);
        }
        return is_there(out);
}

enum {
        TYPE_CGI = 0, TYPE_SAI = 1, TYPE_RAI = 2, TYPE_TAI = 128, TYPE_ECGI = 129, TYPE_TAI_ECGI = 130, TYPE_TAI_ENODEB = 132,
        TYPE_TAI_EXTENDED_ENODEB = 134, TYPE_NCGI = 135, TYPE_5GS_TAI = 136, TYPE_5GS_TAI_NCGI = 137, TYPE_5GS_TAI_NODE = 139
};

static void location_of_octets(struct cursor *at, struct user_location *out)
{
        switch (cursor_u8(at)) {
        case TYPE_CGI: take_place(at, CGI, &out->cell); break;
        case TYPE_SAI: take_place(at, SAI, &out->cell); break;
        case TYPE_RAI: take_place(at, RAI, &out->area); break;
        case TYPE_TAI: case TYPE_TAI_ENODEB: case TYPE_TAI_EXTENDED_ENODEB: take_place(at, TAI, &out->area); break;
        case TYPE_ECGI: take_place(at, ECGI, &out->cell); break;
        case TYPE_TAI_ECGI:
                take_place(at, TAI, &out->area);
                take_place(at, ECGI, &out->cell);
                break;
        case TYPE_NCGI: take_place(at, NCGI, &out->cell); break;
        case TYPE_5GS_TAI: case TYPE_5GS_TAI_NODE: take_place(at, TAI_OF_5GS, &out->area); break;
        case TYPE_5GS_TAI_NCGI:
                take_place(at, TAI_OF_5GS, &out->area);
                take_place(at, NCGI, &out->cell);
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
        take_place(&at, RAI, &out->area);
        return is_there(out);
}
