#include "dissectors/app/quic.h"
#include "dissectors/app/quic_version.h"

enum {
        FRAME_PADDING = 0,
        FRAME_PING = 1,
        FRAME_ACK = 2,
        FRAME_ACK_ECN = 3,
        FRAME_CRYPTO = 6,
        FRAME_CLOSE = 0x1c,
        RETRY_TAG_LENGTH = 16
};

/* RFC 9000, 16: the two top bits say how long it is. */
static uint64_t read_varint(struct cursor *cursor)
{
        uint8_t first = cursor_u8(cursor);
        uint64_t value = first & 0x3f;
        for (unsigned i = 1; i < 1U << (first >> 6); i++)
                value = value << 8 | cursor_u8(cursor);
        return value;
}

enum dissect_result quic_parse_packet(struct cursor *datagram, struct quic_packet *packet)
{
        const uint8_t *bytes = datagram->at;
        uint8_t first = cursor_u8(datagram);
        packet->version = cursor_be32(datagram);
        if (datagram->short_read)
                return DISSECT_TRUNCATED;
        const struct quic_version *version = quic_version_find(packet->version);
        if ((first & 0xc0) != 0xc0 || version == NULL)
                return DISSECT_NO_MATCH;
        packet->type = (enum quic_type)(((first >> 4 & 3) - version->initial_type) & 3);
        packet->destination_length = cursor_u8(datagram);
        packet->destination = cursor_bytes(datagram, packet->destination_length);
        packet->source_length = cursor_u8(datagram);
        packet->source = cursor_bytes(datagram, packet->source_length);
        if (packet->destination_length > QUIC_ID_MAX || packet->source_length > QUIC_ID_MAX)
                return DISSECT_MALFORMED;
        uint64_t length = packet->type == QUIC_INITIAL ? read_varint(datagram) : 0; /* of the token */
        if (datagram->short_read || length > cursor_left(datagram))
                return DISSECT_TRUNCATED;
        cursor_skip(datagram, (size_t)length);
        length = packet->type == QUIC_RETRY ? cursor_left(datagram) : read_varint(datagram);
        if (datagram->short_read || length > cursor_left(datagram))
                return DISSECT_TRUNCATED;
        if (length < (packet->type == QUIC_RETRY ? RETRY_TAG_LENGTH : 4 + QUIC_TAG_LENGTH))
                return DISSECT_MALFORMED;
        packet->bytes = bytes;
        packet->number_offset = (size_t)(datagram->at - bytes);
        cursor_skip(datagram, (size_t)length);
        packet->length = (size_t)(datagram->at - bytes);
        return DISSECT_OK;
}

/* RFC 9000, 19.3: largest, delay, count of ranges, first range, ranges, and three counts with ECN. */
static void skip_ack(struct cursor *frames, bool with_ecn)
{
        read_varint(frames);
        read_varint(frames);
        uint64_t ranges = read_varint(frames);
        read_varint(frames);
        for (uint64_t i = 0; i < ranges && cursor_left(frames) > 0; i++) {
                read_varint(frames);
                read_varint(frames);
        }
        for (unsigned i = 0; with_ecn && i < 3; i++)
                read_varint(frames);
}

enum dissect_result quic_parse_frames(struct cursor *frames, struct hello_buffer *hello)
{
        while (cursor_left(frames) > 0) {
                uint8_t type = cursor_u8(frames);
                if (type == FRAME_CRYPTO) {
                        uint64_t offset = read_varint(frames);
                        uint64_t length = read_varint(frames);
                        struct cursor data = cursor_take(frames, length < SIZE_MAX ? (size_t)length : SIZE_MAX);
                        if (!data.short_read)
                                hello_buffer_put(hello, offset, data.at, cursor_left(&data));
                } else if (type == FRAME_ACK || type == FRAME_ACK_ECN) {
                        skip_ack(frames, type == FRAME_ACK_ECN);
                } else if (type == FRAME_CLOSE) {
                        return DISSECT_OK;
                } else if (type != FRAME_PADDING && type != FRAME_PING) {
                        return DISSECT_MALFORMED;
                }
        }
        return frames->short_read ? DISSECT_TRUNCATED : DISSECT_OK;
}
