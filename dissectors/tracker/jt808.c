#include "dissectors/tracker/jt808.h"

#include "dissectors/tracker/checksum.h"
#include "dissectors/tracker/tracker.h"

enum { FLAG = 0x7e, ESCAPE = 0x7d, PHONE = 6, PHONE_2019 = 10, LEAST = 13 };
enum { ID_REGISTER = 0x0100, ID_AUTHENTICATE = 0x0102, ID_ATTRIBUTES = 0x0107 };

/* 0: it does not end here; the number of bytes of input otherwise. */
static size_t unescape(const struct cursor *cursor, uint8_t bytes[JT808_MOST], size_t *length, bool *is_bad)
{
        *length = 0;
        for (const uint8_t *at = cursor->at + 1; at < cursor->end; at++) {
                uint8_t byte = *at;
                if (byte == FLAG)
                        return (size_t)(at + 1 - cursor->at);
                if (byte == ESCAPE && at + 1 < cursor->end) {
                        at++;
                        *is_bad |= *at != 1 && *at != 2;
                        byte = *at == 2 ? FLAG : ESCAPE;
                }
                if (*length == JT808_MOST)
                        *is_bad = true;
                else
                        bytes[(*length)++] = byte;
                if (*is_bad)
                        return 1;
        }
        return 0;
}

static bool read_phone(struct cursor packed, char *out)
{
        size_t used = 0;
        for (const uint8_t *at = packed.at; at < packed.end; at++) {
                for (unsigned half = 0; half < 2; half++) {
                        unsigned digit = half == 0 ? *at >> 4 : *at & 15;
                        if (digit > 9)
                                return false;
                        if (used > 0 || digit > 0)
                                out[used++] = (char)('0' + digit);
                }
        }
        out[used] = '\0';
        return true;
}

static enum dissect_result parse_unescaped(struct cursor at, struct jt808_message *out)
{
        at.end--; /* the sum */
        *out = (struct jt808_message){.id = cursor_be16(&at)};
        uint16_t properties = cursor_be16(&at);
        out->is_2019 = properties & 0x4000;
        out->is_part = properties & 0x2000;
        out->is_encrypted = properties & 0x1c00;
        if (out->is_2019)
                cursor_skip(&at, 1);
        struct cursor phone = cursor_take(&at, out->is_2019 ? PHONE_2019 : PHONE);
        cursor_skip(&at, out->is_part ? 6 : 2);
        out->body = at;
        if (at.short_read || properties & 0x8000 || cursor_left(&at) != (properties & 0x3ff) || !read_phone(phone, out->phone))
                return DISSECT_NO_MATCH;
        return DISSECT_OK;
}

enum dissect_result jt808_parse(struct cursor *cursor, uint8_t bytes[JT808_MOST], struct jt808_message *out)
{
        size_t length;
        bool is_bad = false;
        if (cursor_peek(cursor) != FLAG)
                return cursor_left(cursor) > 0 ? DISSECT_NO_MATCH : DISSECT_TRUNCATED;
        size_t used = unescape(cursor, bytes, &length, &is_bad);
        if (is_bad)
                return DISSECT_NO_MATCH;
        if (used == 0)
                return DISSECT_TRUNCATED;
        if (length < LEAST || xor_of(cursor_of(bytes, length)) != 0)
                return DISSECT_NO_MATCH;
        enum dissect_result result = parse_unescaped(cursor_of(bytes, length), out);
        if (result == DISSECT_OK)
                cursor_skip(cursor, used);
        return result;
}

/* 0x0100: province u16 | city u16 | maker | model | id | colour u8 | plate. Maker, model and id: 5, 8 and 7 octets in 2011, 5, 20 and 7
 * in 2013, 11, 30 and 30 in 2019. */
static void read_registration(const struct jt808_message *m, struct nameplate *plate)
{
        struct cursor body = m->body;
        bool is_2011 = cursor_left(&body) < 2 + 2 + 5 + 20 + 7 + 1;
        cursor_skip(&body, 4);
        plate->vendor = cursor_take(&body, m->is_2019 ? 11 : 5);
        plate->model = cursor_take(&body, m->is_2019 ? 30 : is_2011 ? 8 : 20);
        struct cursor id = cursor_take(&body, m->is_2019 ? 30 : 7);
        if (!body.short_read)
                plate->serial = id;
}

/* 0x0102 of 2019: length u8 | code | IMEI, 15 digits | version of the software, 20 octets. */
static void read_authentication(const struct jt808_message *m, struct nameplate *plate)
{
        struct cursor body = m->body;
        cursor_skip(&body, cursor_u8(&body));
        const uint8_t *imei = cursor_bytes(&body, 15);
        if (!m->is_2019 || imei == NULL)
                return;
        (void)nameplate_take_imei(plate, imei, 15);
        plate->firmware = cursor_of(body.at, cursor_left(&body) < 20 ? cursor_left(&body) : 20);
}

/* 0x0107: type u16 | maker | model | id | ICCID, packed, 10 octets | length u8, hardware | length u8, firmware | ... */
static void read_attributes(const struct jt808_message *m, struct nameplate *plate)
{
        struct cursor body = m->body;
        cursor_skip(&body, 2);
        plate->vendor = cursor_take(&body, m->is_2019 ? 11 : 5);
        plate->model = cursor_take(&body, m->is_2019 ? 30 : 20);
        cursor_skip(&body, m->is_2019 ? 30 : 7);
        const uint8_t *iccid = cursor_bytes(&body, 10);
        if (iccid != NULL)
                nameplate_take_iccid(plate, iccid);
        cursor_skip(&body, cursor_u8(&body));
        struct cursor firmware = cursor_take(&body, cursor_u8(&body));
        if (!firmware.short_read)
                plate->firmware = firmware;
}

static enum dissect_result jt808_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct jt808_message m;
        (void)is_datagram;
        enum dissect_result result = jt808_parse(at, scratch->bytes, &m);
        if (result != DISSECT_OK)
                return result;
        if (!m.is_encrypted && !m.is_part && m.id == ID_REGISTER)
                read_registration(&m, plate);
        else if (!m.is_encrypted && !m.is_part && m.id == ID_AUTHENTICATE)
                read_authentication(&m, plate);
        else if (!m.is_encrypted && !m.is_part && m.id == ID_ATTRIBUTES)
                read_attributes(&m, plate);
        memcpy(scratch->digits, m.phone, sizeof scratch->digits);
        plate->id = cursor_of(scratch->digits, strlen(scratch->digits));
        return DISSECT_OK;
}

const struct tracker_family jt808_family = {
        .protocol = "JT/T 808", .first = "7e", .transports = DISSECT_ON_TCP | DISSECT_ON_UDP, .read = jt808_read};
