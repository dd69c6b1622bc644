#include "dissectors/session/gtpc.h"

#include "dissectors/session/gtpv1c.h"
#include "dissectors/session/gtpv2c.h"

enum { PORT_GTPC = 2123, PORT_GTPV0 = 3386, MESSAGES_MOST = 4, PDNS_MOST = 11 };

/* What a message says of itself when it is looked at for recognition. */
static enum dissect_result parse_first(struct cursor *at, struct signalling *s)
{
        struct gtpv2c_message second_version;
        struct gtpv1c_message first_version;
        switch (cursor_peek(at) >> 5) {
        case 1:
                return gtpv1c_parse(at, 0, s, &first_version);
        case 2: {
                enum dissect_result result = gtpv2c_parse(at, 0, s, &second_version);
                return result == DISSECT_OK && second_version.piggybacked ? gtpv2c_parse(at, 0, s, &second_version) : result;
        }
        default:
                return DISSECT_NO_MATCH;
        }
}

/* GTPv0, 3GPP TS 09.60, clause 6: flags, type, length, sequence, flow label, N-PDU number, three octets of ones, tunnel id. */
static bool is_gtpv0(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = *payload;
        bool flags_fit = (cursor_u8(&at) & 0xfe) == 0x1e;
        cursor_skip(&at, 1);
        uint16_t length = cursor_be16(&at);
        cursor_skip(&at, 5);
        bool spare_fits = cursor_be24(&at) == 0xffffff;
        cursor_skip(&at, 8);
        bool whole = length == cursor_left(&at) || (d->cut && length > cursor_left(&at));
        return !at.short_read && flags_fit && spare_fits && whole;
}

static bool is_session_procedure(const struct signalling *s)
{
        return s->procedure == APNWATCH__V1__SIGNALLING__PROCEDURE__CREATE || s->procedure == APNWATCH__V1__SIGNALLING__PROCEDURE__MODIFY;
}

/* Whether the message's own length is the datagram's: most of what is not GTP goes no further. */
static bool fills_datagram(const struct cursor *payload)
{
        struct cursor at = *payload;
        uint8_t version = cursor_u8(&at) >> 5;
        cursor_skip(&at, 1);
        size_t length = cursor_be16(&at);
        return cursor_left(payload) == length + (version == 1 ? 8 : 4);
}

static enum recognition gtpc_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = *payload;
        struct signalling s;
        bool known_port = d->source_port == PORT_GTPC || d->destination_port == PORT_GTPC;
        if (d->source_port == PORT_GTPV0 || d->destination_port == PORT_GTPV0)
                return is_gtpv0(d, payload) ? MINE : NOT_MINE;
        if (!known_port && !fills_datagram(payload))
                return NOT_MINE;
        enum dissect_result result = parse_first(&at, &s);
        if (known_port && (result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut)))
                return MINE;
        if (known_port)
                return cursor_peek(payload) >> 5 == 1 || cursor_peek(payload) >> 5 == 2 ? PERHAPS : NOT_MINE;
        if (result != DISSECT_OK)
                return NOT_MINE;
        bool named = s.imsi[0] != '\0' || s.endpoint_count > 0;
        return cursor_left(&at) == 0 && is_session_procedure(&s) && named ? MINE : NOT_MINE;
}

static bool may_tell(const struct dissection *d, enum dissect_result result)
{
        return result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut);
}

/* Of further PDN connections: they have no answer of their own, which would be taken for the first's. */
static void emit_further(struct dissection *d, struct signalling *s)
{
        if (s->has_accepted && !s->accepted)
                return;
        s->phase = APNWATCH__V1__SIGNALLING__PHASE__COMMAND;
        s->has_accepted = false;
        signalling_emit(d, s);
}

/* One event a message; one a PDN connection where it lists several. */
static void dissect_gtpv2(struct dissection *d, struct cursor *payload, bool *more)
{
        struct signalling s;
        struct gtpv2c_message message;
        struct cursor start = *payload;
        enum dissect_result result = gtpv2c_parse(payload, 0, &s, &message);
        *more = message.piggybacked;
        if (!may_tell(d, result) || s.message == 0)
                return;
        signalling_emit(d, &s);
        unsigned pdns = message.pdn_count < PDNS_MOST ? message.pdn_count : PDNS_MOST;
        for (unsigned pdn = 1; pdn < pdns; pdn++) {
                struct cursor again = start;
                gtpv2c_parse(&again, pdn, &s, &message);
                emit_further(d, &s);
        }
}

static void dissect_gtpv1(struct dissection *d, struct cursor *payload)
{
        struct signalling s;
        struct gtpv1c_message message;
        struct cursor start = *payload;
        if (!may_tell(d, gtpv1c_parse(payload, 0, &s, &message)) || s.message == 0)
                return;
        signalling_emit(d, &s);
        unsigned pdps = message.pdp_count < PDNS_MOST ? message.pdp_count : PDNS_MOST;
        for (unsigned pdp = 1; pdp < pdps; pdp++) {
                struct cursor again = start;
                gtpv1c_parse(&again, pdp, &s, &message);
                emit_further(d, &s);
        }
}

static enum follow gtpc_dissect(struct dissection *d, void *state, struct cursor payload)
{
        (void)state;
        if (cursor_peek(&payload) >> 5 == 0 && is_gtpv0(d, &payload))
                return FOLLOW_DONE; /* labelled, and so counted; of no network that a cellular device of today uses */
        d->application = "GTP_C";
        if (d->tunnelled)
                return FOLLOW_DONE;
        if (cursor_peek(&payload) >> 5 == 1) {
                dissect_gtpv1(d, &payload);
                return FOLLOW_ON;
        }
        bool more = true;
        for (unsigned i = 0; more && i < MESSAGES_MOST && cursor_left(&payload) > 0; i++)
                dissect_gtpv2(d, &payload, &more);
        return FOLLOW_ON;
}

const struct dissector gtpc_dissector = {
        .name = "GTP",
        .transports = DISSECT_ON_UDP,
        .readable = true,
        .is_signalling = true,
        .recognise = gtpc_recognise,
        .dissect = gtpc_dissect,
};
