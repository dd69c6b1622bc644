/* Families whose message holds the IMEI at a fixed place, drawn beside each; what they say else is for whoever reads their positions.
 * Where a protocol has no check sum, length, fixed octets and the IMEI's check digit must all fit. */
#include "dissectors/tracker/checksum.h"
#include "dissectors/tracker/tracker.h"

enum { BCD = 8, IMEI_DIGITS = 15 };

/* Of binary numbers: 15 digits and a check digit that fits. */
static bool take_number(struct nameplate *plate, uint64_t number)
{
        uint8_t digits[IMEI_DIGITS];
        for (unsigned i = IMEI_DIGITS; i-- > 0; number /= 10)
                digits[i] = (uint8_t)('0' + number % 10);
        return number == 0 && nameplate_take_imei(plate, digits, IMEI_DIGITS);
}

static bool take_bcd(struct nameplate *plate, struct cursor *at)
{
        char digits[NAMEPLATE_DIGITS];
        const uint8_t *octets = cursor_bytes(at, BCD);
        return octets != NULL && nameplate_take_bcd(plate, octets, digits);
}

/* Behind a message there is nothing, in a datagram. */
static enum dissect_result done(struct cursor *cursor, const struct cursor *at, bool is_datagram, bool fits)
{
        if (!fits || (is_datagram && cursor_left(at) > 0))
                return DISSECT_NO_MATCH;
        *cursor = *at;
        return DISSECT_OK;
}

/* Galileosky:   01 | length u16 LE, bit 15: more archived | tags | CRC-16/MODBUS LE   The first packet: 01 hardware u8, 02 firmware
 * u8, 03 IMEI, 04 number u16. */
static enum dissect_result galileosky_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch,
                                           struct nameplate *plate)
{
        struct cursor at = *cursor, summed = at;
        (void)scratch;
        cursor_skip(&at, 1);
        size_t length = cursor_le16(&at) & 0x7fff;
        if (cursor_left(&at) > 0 && (cursor_peek(&at) < 1 || cursor_peek(&at) > 4)) /* not the first packet */
                return DISSECT_NO_MATCH;
        struct cursor tags = cursor_take(&at, length);
        summed.end = at.at;
        uint16_t sum = cursor_le16(&at);
        if (at.short_read)
                return length <= 1024 ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
        if (sum != crc16_modbus(summed))
                return DISSECT_NO_MATCH;
        while (cursor_left(&tags) > 0) {
                uint8_t tag = cursor_u8(&tags);
                if (tag == 3 && cursor_left(&tags) >= IMEI_DIGITS)
                        (void)nameplate_take_imei(plate, cursor_bytes(&tags, IMEI_DIGITS), IMEI_DIGITS);
                else if (tag == 1 || tag == 2 || tag == 4)
                        cursor_skip(&tags, tag == 4 ? 2 : 1);
                else
                        break;
        }
        return done(cursor, &at, is_datagram, true);
}

/* Ruptela:   length u16 | IMEI u64 | command u8 | ... | CRC-16/KERMIT   The length is of IMEI to data. */
static enum dissect_result ruptela_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor at = *cursor;
        (void)scratch;
        size_t length = cursor_be16(&at);
        struct cursor front = at;
        uint64_t number = cursor_be64(&front);
        if (front.short_read)
                return DISSECT_TRUNCATED;
        if (length < 9 || !take_number(plate, number))
                return DISSECT_NO_MATCH;
        struct cursor body = cursor_take(&at, length);
        uint16_t sum = cursor_be16(&at);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        return done(cursor, &at, is_datagram, sum == crc16_kermit(body));
}

/* Eelink:   67 67 | type u8 | length u16 | sequence u16 | body   Type 1: IMEI, packed; language u8, time zone u8, ... */
static enum dissect_result eelink_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor at = *cursor;
        (void)scratch;
        uint16_t magic = cursor_be16(&at);
        uint8_t type = cursor_u8(&at);
        if (!at.short_read && (magic != 0x6767 || type != 1))
                return DISSECT_NO_MATCH;
        struct cursor body = cursor_take(&at, cursor_be16(&at));
        if (at.short_read)
                return cursor_left(cursor) < 2 || magic == 0x6767 ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
        cursor_skip(&body, 2);
        return done(cursor, &at, is_datagram, take_bcd(plate, &body));
}

/* Eelink over UDP:   45 4c | length u16, of what follows | check sum u16 | IMEI, packed | 67 67 ... */
static enum dissect_result eelink_udp_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch,
                                           struct nameplate *plate)
{
        struct cursor at = *cursor;
        (void)scratch;
        uint16_t magic = cursor_be16(&at);
        struct cursor body = cursor_take(&at, cursor_be16(&at));
        cursor_skip(&body, 2);
        bool fits = magic == 0x454c && take_bcd(plate, &body) && cursor_be16(&body) == 0x6767;
        return done(cursor, &at, is_datagram, fits);
}

/* Ulbotech:   f8 | 01 | type u8 | IMEI, packed | time u32 | items | CRC-16/XMODEM of version to items | f8   f7 00 stands for f7, f7 0f
 * for f8. */
static enum dissect_result ulbotech_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        enum { FLAG = 0xf8, ESCAPE = 0xf7, LEAST = 2 + BCD + 4 + 2 };
        struct cursor at = *cursor;
        size_t length = 0;
        uint8_t byte = cursor_u8(&at);
        if (byte != FLAG)
                return DISSECT_NO_MATCH;
        while ((byte = cursor_u8(&at)) != FLAG && !at.short_read && length < sizeof scratch->bytes) {
                if (byte == ESCAPE) {
                        uint8_t code = cursor_u8(&at);
                        if (code != 0x00 && code != 0x0f)
                                return at.short_read ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
                        byte = code == 0 ? ESCAPE : FLAG;
                }
                scratch->bytes[length++] = byte;
        }
        if (length > 0 && scratch->bytes[0] != 1)
                return DISSECT_NO_MATCH;
        if (at.short_read)
                return DISSECT_TRUNCATED;
        if (length < LEAST || length == sizeof scratch->bytes)
                return DISSECT_NO_MATCH;
        struct cursor sum = cursor_of(scratch->bytes + length - 2, 2), imei = cursor_of(scratch->bytes + 2, BCD);
        bool fits = cursor_be16(&sum) == crc16_xmodem(cursor_of(scratch->bytes, length - 2)) && take_bcd(plate, &imei);
        return done(cursor, &at, is_datagram, fits);
}

/* TopFlytech:   23 23 (or 25, 26, 27) | type u8 | length u16 of all | sequence u16 | IMEI, packed | ... */
static enum dissect_result topflytech_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch,
                                           struct nameplate *plate)
{
        enum { HEAD = 7 + BCD };
        struct cursor at = *cursor, whole;
        (void)scratch;
        uint8_t magic = cursor_u8(&at), again = cursor_u8(&at);
        if (!at.short_read && again != magic)
                return DISSECT_NO_MATCH;
        cursor_skip(&at, 1);
        size_t length = cursor_be16(&at);
        if (!at.short_read && (length < HEAD || length > 2048))
                return DISSECT_NO_MATCH;
        cursor_skip(&at, 2);
        bool fits = take_bcd(plate, &at);
        if (!at.short_read && !fits)
                return DISSECT_NO_MATCH;
        whole = *cursor;
        cursor_skip(&whole, length);
        if (at.short_read || whole.short_read)
                return DISSECT_TRUNCATED;
        return done(cursor, &whole, is_datagram, fits);
}

/* Eview:   ab | properties u8 | length u16 LE | CRC-16/XMODEM LE | sequence u16 LE | command u8, 1: data | { length u8 | key u8 | value }
 * Length and sum are of the command and all behind it. Key 1: IMEI as digits. */
static enum dissect_result eview_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor at = *cursor;
        (void)scratch;
        cursor_skip(&at, 2);
        size_t length = cursor_le16(&at);
        uint16_t sum = cursor_le16(&at);
        cursor_skip(&at, 2);
        struct cursor body = cursor_take(&at, length);
        if (at.short_read)
                return length <= 1024 ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
        if (sum != crc16_xmodem(body) || length < 3)
                return DISSECT_NO_MATCH;
        cursor_skip(&body, 1);
        while (cursor_left(&body) > 2) {
                struct cursor item = cursor_take(&body, cursor_u8(&body));
                if (cursor_u8(&item) == 1 && cursor_left(&item) == IMEI_DIGITS)
                        (void)nameplate_take_imei(plate, item.at, IMEI_DIGITS);
        }
        return done(cursor, &at, is_datagram, true);
}

/* Arnavi:   ff | 22 or 23 | IMEI u64 LE   and nothing more before the answer. */
static enum dissect_result arnavi_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor at = *cursor;
        (void)scratch;
        (void)is_datagram;
        cursor_skip(&at, 1);
        uint8_t version = cursor_u8(&at);
        if (!at.short_read && version != 0x22 && version != 0x23)
                return DISSECT_NO_MATCH;
        uint64_t number = cursor_le64(&at);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        return done(cursor, &at, true, take_number(plate, number));
}

/* Atrack:   '@' 'P' | CRC u16 | length u16, of what follows | sequence u16 | IMEI u64 | ...   Keep-alive: fe 02 | IMEI u64 | sequence. */
static enum dissect_result atrack_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor at = *cursor;
        (void)scratch;
        uint16_t magic = cursor_be16(&at);
        if (!at.short_read && magic == 0xfe02) {
                uint64_t number = cursor_be64(&at);
                cursor_skip(&at, 2);
                return at.short_read ? DISSECT_TRUNCATED : done(cursor, &at, true, take_number(plate, number));
        }
        if (!at.short_read && magic != 0x4050)
                return DISSECT_NO_MATCH;
        cursor_skip(&at, 2);
        size_t length = cursor_be16(&at);
        if (!at.short_read && (length < 10 + 12 || length > 2048))
                return DISSECT_NO_MATCH;
        struct cursor body = cursor_take(&at, length);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        cursor_skip(&body, 2);
        return done(cursor, &at, is_datagram, take_number(plate, cursor_be64(&body)));
}

/* Navis (NTCB):   "@NTC" | to u32 | from u32 | length u16 LE | xor of data | xor of what is before | "*>S:" IMEI */
static enum dissect_result navis_read(struct cursor *cursor, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor at = *cursor, head = at;
        (void)scratch;
        struct cursor magic = cursor_take(&at, 4);
        if (!magic.short_read && !cursor_begins(&magic, "@NTC"))
                return DISSECT_NO_MATCH;
        cursor_skip(&at, 8);
        size_t length = cursor_le16(&at);
        uint8_t data_sum = cursor_u8(&at);
        head.end = at.at;
        uint8_t head_sum = cursor_u8(&at);
        if (!at.short_read && head_sum != xor_of(head))
                return DISSECT_NO_MATCH;
        struct cursor data = cursor_take(&at, length);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        if (data_sum != xor_of(data))
                return DISSECT_NO_MATCH;
        if (cursor_begins(&data, "*>S:")) {
                cursor_skip(&data, 4);
                if (cursor_left(&data) < IMEI_DIGITS || !nameplate_take_imei(plate, data.at, IMEI_DIGITS))
                        plate->id = data;
        }
        return done(cursor, &at, is_datagram, true);
}

enum { BOTH = DISSECT_ON_TCP | DISSECT_ON_UDP };

const struct tracker_family galileosky_family = {.protocol = "Galileosky", .first = "01", .transports = BOTH, .read = galileosky_read};
const struct tracker_family ruptela_family = {.protocol = "Ruptela", .first = "0001020304050607", .transports = BOTH, .read = ruptela_read};
const struct tracker_family eelink_family = {.protocol = "Eelink", .first = "67", .transports = BOTH, .read = eelink_read};
const struct tracker_family eelink_udp_family = {
        .protocol = "Eelink", .first = "45", .transports = DISSECT_ON_UDP, .read = eelink_udp_read};
const struct tracker_family ulbotech_family = {.protocol = "Ulbotech", .first = "f8", .transports = BOTH, .read = ulbotech_read};
const struct tracker_family topflytech_family = {
        .protocol = "TopFlytech", .first = "23252627", .transports = BOTH, .read = topflytech_read};
const struct tracker_family eview_family = {.protocol = "Eview", .first = "ab", .transports = BOTH, .read = eview_read};
const struct tracker_family arnavi_family = {.protocol = "Arnavi", .first = "ff", .transports = BOTH, .read = arnavi_read};
const struct tracker_family atrack_family = {.protocol = "Atrack", .first = "40fe", .transports = BOTH, .read = atrack_read};
const struct tracker_family navis_family = {.protocol = "Navis", .first = "40", .transports = BOTH, .read = navis_read};
