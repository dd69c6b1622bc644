#include "dissectors/tracker/teltonika.h"

#include "dissectors/tracker/tracker.h"

enum { IMEI_DIGITS = 15 };

static bool are_digits(const struct cursor *text)
{
        for (const uint8_t *at = text->at; at < text->end; at++)
                if (*at < '0' || *at > '9')
                        return false;
        return cursor_left(text) > 0;
}

enum dissect_result teltonika_login_parse(struct cursor *cursor, struct cursor *imei)
{
        struct cursor at = *cursor;
        uint16_t length = cursor_be16(&at);
        if (!at.short_read && length != IMEI_DIGITS)
                return DISSECT_NO_MATCH;
        size_t there = cursor_left(&at) < IMEI_DIGITS ? cursor_left(&at) : IMEI_DIGITS;
        struct cursor seen = cursor_of(at.at, there);
        if (there > 0 && !are_digits(&seen))
                return DISSECT_NO_MATCH;
        *imei = cursor_take(&at, IMEI_DIGITS);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        *cursor = at;
        return DISSECT_OK;
}

static bool is_codec(uint8_t codec)
{
        return codec == 0x07 || codec == 0x08 || (codec >= 0x0c && codec <= 0x10) || codec == 0x8e;
}

enum dissect_result teltonika_datagram_parse(struct cursor *cursor, struct teltonika_packet *out)
{
        struct cursor at = *cursor, whole = cursor_take(&at, cursor_left(&at));
        uint16_t length = cursor_be16(&whole);
        if (length != cursor_left(&whole))
                return DISSECT_NO_MATCH;
        cursor_skip(&whole, 2);
        uint8_t usable = cursor_u8(&whole);
        cursor_skip(&whole, 1);
        uint16_t digits = cursor_be16(&whole);
        out->imei = cursor_take(&whole, IMEI_DIGITS);
        out->codec = cursor_u8(&whole);
        out->records = cursor_u8(&whole);
        if (whole.short_read || usable != 1 || digits != IMEI_DIGITS || !are_digits(&out->imei) || !is_codec(out->codec) ||
            cursor_left(&whole) == 0 || whole.end[-1] != out->records)
                return DISSECT_NO_MATCH;
        out->data = cursor_of(whole.at, cursor_left(&whole) - 1);
        *cursor = at;
        return DISSECT_OK;
}

/* The device says nothing more before it is answered. */
static enum dissect_result login_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct cursor imei;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = teltonika_login_parse(at, &imei);
        if (result == DISSECT_OK && cursor_left(at) > 0)
                return DISSECT_NO_MATCH;
        if (result == DISSECT_OK && !nameplate_take_imei(plate, imei.at, IMEI_DIGITS))
                plate->id = imei;
        return result;
}

static enum dissect_result datagram_read(struct cursor *at, bool is_datagram, struct tracker_scratch *scratch, struct nameplate *plate)
{
        struct teltonika_packet packet;
        (void)is_datagram;
        (void)scratch;
        enum dissect_result result = teltonika_datagram_parse(at, &packet);
        if (result == DISSECT_OK && !nameplate_take_imei(plate, packet.imei.at, IMEI_DIGITS))
                plate->id = packet.imei;
        return result;
}

const struct tracker_family teltonika_family = {.protocol = "Teltonika", .first = "00", .transports = DISSECT_ON_TCP, .read = login_read};
const struct tracker_family teltonika_udp_family = {
        .protocol = "Teltonika", .first = "0001020304050607", .transports = DISSECT_ON_UDP, .read = datagram_read};
