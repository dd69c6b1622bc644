#include "dissectors/app/ntp.h"

enum {
        PORT_NTP = 123,
        MODE_SYMMETRIC_ACTIVE = 1,
        MODE_BROADCAST = 5,
        MODE_CONTROL = 6,
        MODE_PRIVATE = 7,
        STRATUM_UNSYNCHRONISED = 16,
        TRAILER_MAX = 1024 /* extension fields and message digest */
};

/* RFC 9327, 2: flags, opcode, sequence, status, association, offset, count; then the data, padded to 32 bits and perhaps
 * a digest. */
static enum dissect_result check_control(struct cursor *payload)
{
        cursor_skip(payload, 9);
        uint16_t count = cursor_be16(payload);
        cursor_skip(payload, count);
        if (payload->short_read)
                return DISSECT_TRUNCATED;
        return cursor_left(payload) <= TRAILER_MAX ? DISSECT_OK : DISSECT_MALFORMED;
}

/* ntpd's ntp_request.h: flags, sequence, implementation, request, then four bits of error and count, item size. */
static enum dissect_result check_private(struct cursor *payload)
{
        cursor_skip(payload, 1);
        uint8_t implementation = cursor_u8(payload);
        cursor_skip(payload, 1);
        uint16_t error_count = cursor_be16(payload);
        uint16_t item_size = cursor_be16(payload);
        if (payload->short_read)
                return DISSECT_TRUNCATED;
        if (implementation > 3 || error_count >> 12 > 7 || item_size > 500)
                return DISSECT_MALFORMED;
        return DISSECT_OK;
}

enum dissect_result ntp_parse(struct cursor *payload, struct ntp_message *message)
{
        uint8_t first = cursor_u8(payload);
        *message = (struct ntp_message){.leap = first >> 6, .version = first >> 3 & 7, .mode = first & 7};
        if (payload->short_read)
                return DISSECT_TRUNCATED;
        if (message->version < 1 || message->version > 4)
                return DISSECT_NO_MATCH;
        if (message->mode == MODE_CONTROL)
                return check_control(payload);
        if (message->mode == MODE_PRIVATE)
                return check_private(payload);
        message->stratum = cursor_u8(payload);
        message->poll = (int8_t)cursor_u8(payload);
        message->precision = (int8_t)cursor_u8(payload);
        message->root_delay = cursor_be32(payload);
        message->root_dispersion = cursor_be32(payload);
        message->reference_id = cursor_be32(payload);
        message->reference = cursor_be64(payload);
        message->origin = cursor_be64(payload);
        message->receive = cursor_be64(payload);
        message->transmit = cursor_be64(payload);
        if (payload->short_read)
                return DISSECT_TRUNCATED;
        bool version_1 = message->version == 1 && message->mode == 0; /* RFC 1059 had no modes */
        if ((message->mode < MODE_SYMMETRIC_ACTIVE || message->mode > MODE_BROADCAST) && !version_1)
                return DISSECT_MALFORMED;
        if (message->stratum > STRATUM_UNSYNCHRONISED || cursor_left(payload) > TRAILER_MAX || cursor_left(payload) % 4 != 0)
                return DISSECT_MALFORMED;
        return DISSECT_OK;
}

static enum recognition ntp_recognise(const struct dissection *d, const struct cursor *payload)
{
        if (d->source_port != PORT_NTP && d->destination_port != PORT_NTP)
                return NOT_MINE;
        struct cursor at = *payload;
        struct ntp_message message;
        return ntp_parse(&at, &message) == DISSECT_OK ? MINE : NOT_MINE;
}

static enum follow ntp_dissect(struct dissection *d, void *state, struct cursor payload)
{
        (void)d;
        (void)state;
        (void)payload;
        return FOLLOW_DONE;
}

const struct dissector ntp_dissector = {
        .name = "NTP",
        .transports = DISSECT_ON_UDP,
        .readable = true,
        .recognise = ntp_recognise,
        .dissect = ntp_dissect,
};
