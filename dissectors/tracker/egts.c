#include "dissectors/tracker/egts.h"

#include "dissectors/tracker/checksum.h"
#include "dissectors/tracker/tracker.h"

enum { VERSION = 1, HEADER = 11, HEADER_ROUTED = 16, TYPE_APPDATA = 1, SERVICE_AUTH = 1, TERM_IDENTITY = 1 };

enum dissect_result egts_parse(struct cursor *cursor, struct egts_packet *out)
{
        struct cursor at = *cursor;
        struct cursor header = at;
        uint8_t version = cursor_u8(&at);
        cursor_skip(&at, 1);
        uint8_t flags = cursor_u8(&at), header_length = cursor_u8(&at);
        if (at.short_read)
                return cursor_left(cursor) == 0 || version == VERSION ? DISSECT_TRUNCATED : DISSECT_NO_MATCH;
        if (version != VERSION || (header_length != HEADER && header_length != HEADER_ROUTED))
                return DISSECT_NO_MATCH;
        cursor_skip(&at, 1);
        size_t length = cursor_le16(&at);
        cursor_skip(&at, 2);
        *out = (struct egts_packet){.type = cursor_u8(&at), .is_plain = (flags & 0x1c) == 0};
        cursor_skip(&at, header_length - HEADER);
        uint8_t header_sum = cursor_u8(&at);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        header.end = at.at - 1;
        if (header_sum != crc8_egts(header))
                return DISSECT_NO_MATCH;
        out->data = cursor_take(&at, length);
        uint16_t sum = length > 0 ? cursor_le16(&at) : 0;
        if (at.short_read)
                return DISSECT_TRUNCATED;
        if (length > 0 && sum != crc16_ccitt_false(out->data))
                return DISSECT_NO_MATCH;
        *cursor = at;
        return DISSECT_OK;
}

/* Record: length u16 LE | number u16 | flags u8 | [object u32] [event u32] [time u32] | source service u8 | recipient's u8 | data. */
static bool next_record(struct cursor *data, struct cursor *record, uint8_t *service)
{
        size_t length = cursor_le16(data);
        cursor_skip(data, 2);
        uint8_t flags = cursor_u8(data);
        cursor_skip(data, 4U * ((flags & 1U) + (flags >> 1 & 1U) + (flags >> 2 & 1U)));
        *service = cursor_u8(data);
        cursor_skip(data, 1);
        *record = cursor_take(data, length);
        return !data->short_read;
}

bool egts_next(struct cursor *data, struct cursor *record, struct egts_subrecord *out)
{
        while (cursor_left(record) < 3)
                if (cursor_left(data) == 0 || !next_record(data, record, &out->service))
                        return false;
        out->type = cursor_u8(record);
        out->data = cursor_take(record, cursor_le16(record));
        return !record->short_read;
}

/* Subrecord TERM_IDENTITY: terminal u32 | flags u8 | [home dispatcher u16] [IMEI 15] [IMSI 16] [language 3] [network 3] [buffer u16]
 * [MSISDN 15]. */
static void read_identity(struct cursor at, struct nameplate *plate)
{
        cursor_skip(&at, 4);
        uint8_t flags = cursor_u8(&at);
        struct cursor none = cursor_of("", 0);
        cursor_skip(&at, flags & 0x01 ? 2 : 0);
        struct cursor imei = flags & 0x02 ? cursor_take(&at, 15) : none, imsi = flags & 0x04 ? cursor_take(&at, 16) : none;
        cursor_skip(&at, (flags & 0x08 ? 3U : 0U) + (flags & 0x20 ? 3U : 0U) + (flags & 0x40 ? 2U : 0U));
        struct cursor msisdn = flags & 0x80 ? cursor_take(&at, 15) : none;
        if (at.short_read)
                return;
        if (cursor_left(&imei) > 0 && !nameplate_take_imei(plate, imei.at, 15))
                plate->id = imei;
        nameplate_take_digits(plate->imsi, imsi, 14, 15);
        nameplate_take_digits(plate->msisdn, msisdn, 8, 15);
}

static enum dissect_result egts_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct egts_packet packet;
        struct egts_subrecord subrecord = {.service = 0};
        struct cursor record = cursor_of("", 0);
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = egts_parse(at, &packet);
        if (result != DISSECT_OK || !packet.is_plain || packet.type != TYPE_APPDATA)
                return result;
        while (egts_next(&packet.data, &record, &subrecord))
                if (subrecord.service == SERVICE_AUTH && subrecord.type == TERM_IDENTITY)
                        read_identity(subrecord.data, plate);
        return DISSECT_OK;
}

const struct tracker_family egts_family = {
        .protocol = "EGTS", .first = "01", .transports = DISSECT_ON_TCP | DISSECT_ON_UDP, .read = egts_read};
