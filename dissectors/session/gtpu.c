/* TS 29.281 (release 17): header in 5.1, extension headers in 5.2, messages in 7, information elements in 8. Left out: what packets
 * carry, which is encap's, when it is IP; else nobody's. */
#include "dissectors/session/gtpu.h"

#include <string.h>

#include "dissectors/session/gtpv1c.h"

enum { PORT_GTPU = 2152, ELEMENTS_MOST = 32, TOLD = 64, REPEATED_S = 10, TOLD_A_SECOND = 256 };
enum { FLAG_EXTENSION = 0x04, FLAGS_OPTIONAL = 0x07 };
enum message_type { ECHO_REQUEST = 1, ECHO_RESPONSE = 2, ERROR_INDICATION = 26, EXTENSIONS_SUPPORTED = 31, TUNNEL_STATUS = 253, END_MARKER = 254, G_PDU = 255 };
enum element { IE_RECOVERY = 14, IE_TEID_DATA = 16, IE_PEER_ADDRESS = 133, IE_EXTENSION_TYPES = 141 };

static bool is_read(uint8_t type)
{
        return type == ECHO_REQUEST || type == ECHO_RESPONSE || type == ERROR_INDICATION || type == EXTENSIONS_SUPPORTED ||
               type == TUNNEL_STATUS || type == END_MARKER;
}

/* False: one leads beyond the end. Below 128 the type says the length; one of them tells it in an octet. */
static bool read_elements(struct cursor *at, struct gtpu_message *out)
{
        for (unsigned i = 0; cursor_left(at) > 0 && i < ELEMENTS_MOST; i++) {
                uint8_t type = cursor_u8(at);
                if (type == IE_RECOVERY) {
                        cursor_skip(at, 1);
                } else if (type == IE_TEID_DATA) {
                        out->teid = cursor_be32(at);
                        out->has_tunnel = !at->short_read;
                } else if (type < 128) {
                        return true; /* of unknown length */
                } else {
                        size_t length = type == IE_EXTENSION_TYPES ? cursor_u8(at) : cursor_be16(at);
                        const uint8_t *bytes = cursor_bytes(at, length);
                        if (bytes == NULL || type != IE_PEER_ADDRESS || (length != 4 && length != 16))
                                continue;
                        memcpy(out->node, bytes, length);
                        out->node_length = (uint8_t)length;
                }
        }
        return !at->short_read;
}

enum dissect_result gtpu_parse(struct cursor *at, struct gtpu_message *out)
{
        uint8_t flags = cursor_u8(at);
        *out = (struct gtpu_message){.type = cursor_u8(at)};
        uint16_t length = cursor_be16(at);
        uint32_t teid = cursor_be32(at);
        if (at->short_read)
                return DISSECT_TRUNCATED;
        if ((flags & 0xf0) != 0x30 || !is_read(out->type))
                return DISSECT_NO_MATCH;
        bool cut = length > cursor_left(at);
        struct cursor body = cursor_take(at, cut ? cursor_left(at) : length);
        if (flags & FLAGS_OPTIONAL) {
                cursor_skip(&body, 3);
                uint8_t next = cursor_u8(&body);
                if (flags & FLAG_EXTENSION && !gtpv1_skip_extensions(&body, next))
                        return DISSECT_MALFORMED;
        }
        if (body.short_read)
                return cut ? DISSECT_TRUNCATED : DISSECT_MALFORMED;
        if (out->type == ERROR_INDICATION && !read_elements(&body, out) && !cut)
                return DISSECT_MALFORMED;
        if (out->type == END_MARKER) {
                out->teid = teid;
                out->has_tunnel = true;
        }
        return cut ? DISSECT_TRUNCATED : DISSECT_OK;
}

static enum recognition gtpu_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = *payload;
        struct gtpu_message message;
        if (d->source_port != PORT_GTPU && d->destination_port != PORT_GTPU)
                return NOT_MINE;
        enum dissect_result result = gtpu_parse(&at, &message);
        if ((result == DISSECT_OK && cursor_left(&at) == 0) || (result == DISSECT_TRUNCATED && d->cut))
                return MINE;
        return message.type == G_PDU && cursor_peek(payload) >> 4 == 3 ? PERHAPS : NOT_MINE; /* one that carries no IP */
}

/* Every packet of a tunnel that is not known is answered: of each tunnel one answer is told in a while, and not more of all than that. */
struct gtpu_flow {
        struct told {
                uint32_t teid, second;
        } told[TOLD];
        uint32_t second, count;
};

static bool may_tell(struct gtpu_flow *flow, const struct dissection *d, uint32_t teid)
{
        uint32_t second = (uint32_t)(d->time_ns / 1000000000);
        struct told *told = &flow->told[(teid * UINT32_C(0x9e3779b1)) >> 26];
        if (told->teid == teid && second - told->second < REPEATED_S)
                return false;
        if (flow->second != second)
                flow->count = 0;
        flow->second = second;
        if (flow->count == TOLD_A_SECOND)
                return false;
        flow->count++;
        *told = (struct told){teid, second};
        return true;
}

static void tell(struct dissection *d, const struct gtpu_message *message)
{
        Apnwatch__V1__TunnelNotice notice = APNWATCH__V1__TUNNEL_NOTICE__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        bool is_end = message->type == END_MARKER;
        notice.kind = is_end ? APNWATCH__V1__TUNNEL_NOTICE__KIND__END_MARKER : APNWATCH__V1__TUNNEL_NOTICE__KIND__ERROR_INDICATION;
        notice.source.data = (uint8_t *)address_wire(&d->source, &notice.source.len);
        notice.destination.data = (uint8_t *)address_wire(&d->destination, &notice.destination.len);
        notice.node = is_end ? notice.destination : notice.source;
        if (message->node_length > 0)
                notice.node = (ProtobufCBinaryData){.data = (uint8_t *)message->node, .len = message->node_length};
        notice.teid = message->teid;
        event.body_case = APNWATCH__V1__EVENT__BODY_TUNNEL_NOTICE;
        event.tunnel_notice = &notice;
        d->services->emit(d, &event);
}

static enum follow gtpu_dissect(struct dissection *d, void *state, struct cursor payload)
{
        struct gtpu_message message;
        d->application = "GTP_U";
        if (d->tunnelled)
                return FOLLOW_DONE;
        enum dissect_result result = gtpu_parse(&payload, &message);
        bool is_whole = result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut);
        if (is_whole && message.has_tunnel && message.teid != 0 && may_tell(state, d, message.teid))
                tell(d, &message);
        return FOLLOW_ON;
}

const struct dissector gtpu_dissector = {
        .name = "GTP",
        .transports = DISSECT_ON_UDP,
        .readable = true,
        .state_size = sizeof(struct gtpu_flow),
        .recognise = gtpu_recognise,
        .dissect = gtpu_dissect,
};
