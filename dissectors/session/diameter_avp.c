#include "dissectors/session/diameter_avp.h"

bool diameter_avp_next(struct cursor *at, struct diameter_avp *avp, bool *malformed)
{
        enum { HAS_VENDOR = 0x80, HEADER = 8, HEADER_OF_VENDOR = 12 };
        if (cursor_left(at) == 0)
                return false;
        avp->code = cursor_be32(at);
        uint8_t flags = cursor_u8(at);
        size_t length = cursor_be24(at), header = flags & HAS_VENDOR ? HEADER_OF_VENDOR : HEADER;
        avp->vendor = flags & HAS_VENDOR ? cursor_be32(at) : 0;
        if (at->short_read)
                return false;
        if (length < header) {
                *malformed = true;
                return false;
        }
        avp->length = length - header;
        avp->bytes = cursor_bytes(at, avp->length);
        size_t padding = (4 - length % 4) % 4;
        cursor_skip(at, padding < cursor_left(at) ? padding : cursor_left(at));
        return !at->short_read;
}

bool diameter_avp_u32(const struct diameter_avp *avp, uint32_t *out)
{
        struct cursor at = cursor_of(avp->bytes, avp->length);
        if (avp->length != 4)
                return false;
        *out = cursor_be32(&at);
        return true;
}
