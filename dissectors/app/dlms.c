/* DLMS/COSEM (IEC 62056-46, -47, -5-3; DLMS UA 1000-2 "Green Book"): recognised, not read further.
 *
 * In HDLC the header check sequence makes it certain, with an APDU or the frame check sequence (which captures that were made
 * anonymous do not keep right). In the wrapper an association that names a DLMS context is certain on any port,
 * another APDU on port 4059 only. nDPI 4.2 does not know it. Left out: what a meter says, image transfer; M-Bus and PLC. */
#include "dissectors/app/dlms.h"

#include <netinet/in.h>

enum { PORT = 4059, FLAG = 0x7e, TAG_AARQ = 0x60, TAG_AARE = 0x61 };

/* CRC of ISO/IEC 13239, polynomial x16+x12+x5+1, reflected; over data and its check sequence it leaves 0xf0b8. */
static uint16_t check_sequence(const uint8_t *bytes, size_t length)
{
        uint16_t crc = 0xffff;
        for (size_t i = 0; i < length; i++) {
                crc ^= bytes[i];
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0x8408) : (uint16_t)(crc >> 1);
        }
        return crc;
}

static bool check_is_right(const uint8_t *bytes, size_t length)
{
        return check_sequence(bytes, length) == 0xf0b8;
}

/* xDLMS APDUs with logical names, plain, globally and individually ciphered, and ACSE's four. */
static bool tag_is_known(uint8_t tag)
{
        switch (tag) {
        case 0x01: /* initiate */
        case 0x08:
        case 0x0f: /* data notification */
        case 0x21: /* the same, ciphered */
        case 0x28:
        case TAG_AARQ:
        case TAG_AARE:
        case 0x62: /* release */
        case 0x63:
        case 0xc0: /* get, set, event notification, action */
        case 0xc1:
        case 0xc2:
        case 0xc3:
        case 0xc4:
        case 0xc5:
        case 0xc7:
        case 0xc8:
        case 0xc9:
        case 0xca:
        case 0xcb:
        case 0xcc:
        case 0xcd:
        case 0xcf:
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3:
        case 0xd4:
        case 0xd5:
        case 0xd7:
        case 0xd8: /* exception, access */
        case 0xd9:
        case 0xda:
        case 0xdb: /* general ciphering, signing, block transfer */
        case 0xdc:
        case 0xdd:
        case 0xdf:
        case 0xe0:
                return true;
        default:
                return false;
        }
}

/* Object identifier 2.16.756.5.8, joint-iso-ccitt country Switzerland ... DLMS UA, within the first bytes. */
static bool names_dlms(const struct cursor *apdu)
{
        static const uint8_t identifier[] = {0x60, 0x85, 0x74, 0x05, 0x08};
        size_t length = cursor_left(apdu) < 40 ? cursor_left(apdu) : 40;
        for (size_t i = 0; i + sizeof identifier <= length; i++)
                if (memcmp(apdu->at + i, identifier, sizeof identifier) == 0)
                        return true;
        return false;
}

static void read_apdu(const struct cursor *apdu, struct dlms_frame *out)
{
        out->tag = cursor_peek(apdu);
        out->associates = (out->tag == TAG_AARQ || out->tag == TAG_AARE) && names_dlms(apdu);
}

enum dissect_result dlms_parse_wrapper(struct cursor *cursor, struct dlms_frame *out)
{
        struct cursor at = *cursor;
        uint16_t version = cursor_be16(&at);
        *out = (struct dlms_frame){.wrapped = true, .source = cursor_be16(&at), .destination = cursor_be16(&at)};
        uint16_t length = cursor_be16(&at);
        if (cursor_left(cursor) > 1 && version != 1)
                return DISSECT_NO_MATCH;
        if (at.short_read)
                return DISSECT_TRUNCATED;
        if (length == 0 || cursor_left(&at) > length)
                return DISSECT_NO_MATCH;
        if (cursor_left(&at) > 0 && !tag_is_known(cursor_peek(&at)))
                return DISSECT_NO_MATCH;
        struct cursor apdu = cursor_take(&at, length);
        if (at.short_read)
                return DISSECT_TRUNCATED;
        read_apdu(&apdu, out);
        *cursor = at;
        return DISSECT_OK;
}

/* One, two or four octets; the last one is odd. */
static bool skip_address(struct cursor *at)
{
        for (unsigned i = 1; i <= 4; i++)
                if (cursor_u8(at) & 1)
                        return i != 3 && !at->short_read;
        return false;
}

/* What stands behind LLC's two addresses and quality octet (IEC 62056-46, 5). false: no APDU that is known. */
static bool read_information(struct cursor information, struct dlms_frame *out)
{
        if (!cursor_begins(&information, "\xe6\xe6") && !cursor_begins(&information, "\xe6\xe7"))
                return false;
        cursor_skip(&information, 2);
        if (cursor_u8(&information) != 0 || cursor_left(&information) < 4 || !tag_is_known(cursor_peek(&information)))
                return false;
        read_apdu(&information, out);
        return true;
}

enum dissect_result dlms_parse_hdlc(struct cursor *cursor, struct dlms_frame *out)
{
        struct cursor at = *cursor;
        *out = (struct dlms_frame){0};
        uint8_t flag = cursor_u8(&at);
        uint16_t format = cursor_be16(&at);
        if (cursor_left(cursor) > 0 && (flag != FLAG || (cursor_left(cursor) > 1 && cursor->at[1] >> 4 != 0x0a)))
                return DISSECT_NO_MATCH;
        size_t length = format & 0x7ff;
        if (!at.short_read && length < 7)
                return DISSECT_NO_MATCH;
        if (at.short_read || cursor_left(&at) < length - 1)
                return DISSECT_TRUNCATED;
        const uint8_t *from = cursor->at + 1;
        struct cursor frame = cursor_take(&at, length - 2);
        if (cursor_u8(&at) != FLAG || !skip_address(&frame) || !skip_address(&frame))
                return DISSECT_NO_MATCH;
        out->control = cursor_u8(&frame);
        cursor_skip(&frame, 2);
        if (frame.short_read || !check_is_right(from, (size_t)(frame.at - from)))
                return DISSECT_NO_MATCH;
        if (cursor_left(&frame) > 0 && !read_information(frame, out) && !check_is_right(from, length))
                return DISSECT_NO_MATCH;
        *cursor = at;
        return DISSECT_OK;
}

static enum recognition dlms_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct dlms_frame frame;
        struct cursor at = *payload;
        uint8_t first = cursor_peek(&at);
        if (cursor_left(&at) < 2 || (first != FLAG && (first != 0 || at.at[1] != 1)))
                return NOT_MINE;
        enum dissect_result result = first == FLAG ? dlms_parse_hdlc(&at, &frame) : dlms_parse_wrapper(&at, &frame);
        if (result == DISSECT_TRUNCATED)
                return d->protocol == IPPROTO_TCP && !d->cut ? PERHAPS : NOT_MINE;
        if (result != DISSECT_OK)
                return NOT_MINE;
        if (!frame.wrapped || frame.associates || d->source_port == PORT || d->destination_port == PORT)
                return MINE;
        return NOT_MINE;
}

static enum follow dlms_dissect(struct dissection *d, void *state, struct cursor payload)
{
        (void)d;
        (void)state;
        (void)payload;
        return FOLLOW_DONE;
}

const struct dissector dlms_dissector = {
        .name = "DLMS",
        .transports = DISSECT_ON_TCP | DISSECT_ON_UDP,
        .readable = true,
        .recognise = dlms_recognise,
        .dissect = dlms_dissect,
};
