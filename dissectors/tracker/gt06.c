#include "dissectors/tracker/gt06.h"

#include "dissectors/tracker/checksum.h"
#include "dissectors/tracker/tracker.h"

enum { TYPE_LOGIN = 0x01, TYPE_INFORMATION = 0x94, INFORMATION_CARD = 0x0a, BEHIND_BODY = 4, BCD = 8, ICCID_BCD = 10 };

enum dissect_result gt06_parse(struct cursor *cursor, struct gt06_message *out)
{
        struct cursor at = *cursor;
        uint16_t magic = cursor_be16(&at);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        if (magic != 0x7878 && magic != 0x7979)
                return DISSECT_NO_MATCH;
        struct cursor summed = at;
        size_t length = magic == 0x7878 ? cursor_u8(&at) : cursor_be16(&at);
        if (!at.short_read && length < 1 + BEHIND_BODY)
                return DISSECT_NO_MATCH;
        struct cursor rest = cursor_take(&at, length);
        uint16_t end = cursor_be16(&at);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        summed.end = rest.end - 2;
        *out = (struct gt06_message){.type = cursor_u8(&rest)};
        out->body = cursor_take(&rest, length - 1 - BEHIND_BODY);
        out->serial = cursor_be16(&rest);
        if (end != 0x0d0a || cursor_be16(&rest) != crc16_x25(summed))
                return DISSECT_NO_MATCH;
        *cursor = at;
        return DISSECT_OK;
}

/* Information 0x0a: IMEI, IMSI and ICCID as packed digits. */
static void read_card(struct cursor body, struct tracker_scratch *scratch, struct nameplate *plate)
{
        char digits[NAMEPLATE_DIGITS];
        cursor_skip(&body, 1);
        const uint8_t *imei = cursor_bytes(&body, BCD), *imsi = cursor_bytes(&body, BCD), *iccid = cursor_bytes(&body, ICCID_BCD);
        if (iccid == NULL || !nameplate_take_bcd(plate, imei, scratch->digits))
                return;
        struct nameplate other = {.protocol = plate->protocol};
        (void)nameplate_take_bcd(&other, imsi, digits);
        if (digits[0] == '0' && digits[1] != '0')
                memcpy(plate->imsi, digits + 1, 16);
        nameplate_take_iccid(plate, iccid);
}

static enum dissect_result gt06_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct gt06_message message;
        (void)is_datagram;
        enum dissect_result result = gt06_parse(at, &message);
        if (result != DISSECT_OK)
                return result;
        if (message.type == TYPE_LOGIN && cursor_left(&message.body) >= BCD) {
                if (!nameplate_take_bcd(plate, message.body.at, scratch->digits))
                        plate->id = cursor_of(scratch->digits, strlen(scratch->digits));
        } else if (message.type == TYPE_INFORMATION && cursor_peek(&message.body) == INFORMATION_CARD) {
                read_card(message.body, scratch, plate);
        }
        return DISSECT_OK;
}

const struct tracker_family gt06_family = {
        .protocol = "GT06", .first = "7879", .transports = DISSECT_ON_TCP | DISSECT_ON_UDP, .read = gt06_read};
