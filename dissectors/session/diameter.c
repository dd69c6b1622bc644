/* TCP: messages stand behind each other, in segments as it comes; behind a gap the next plausible header goes on. SCTP
 * (RFC 9260): a DATA chunk has one message or a fragment of one, whose TSNs follow on each other; payload protocol 46, or 0 from some.
 * Left out: I-DATA, fragments out of order, and of a fragmented message what goes beyond what a flow may hold. */
#include "dissectors/session/diameter.h"

#include <netinet/in.h>
#include <string.h>

#include "dissectors/session/diameter_message.h"

enum { PORT_DIAMETER = 3868, PAYLOAD_DIAMETER = 46, CHUNK_DATA = 0, CHUNKS_MOST = 64, PENDING = 16, HELD = 3600, RECOGNISED = 28 };

/* A request whose answer may not say what it answers. */
struct pending {
        uint32_t hop_by_hop;
        uint8_t direction, procedure; /* procedure: one more; 0: none */
};

/* A message in fragments. */
struct fragments {
        bool is_open, is_cut;
        uint16_t length;
        uint32_t next_tsn;
        uint8_t bytes[HELD];
};

struct diameter_flow {
        bool has_protocol, lost[2];
        uint8_t protocol;
        uint8_t next;
        struct pending pending[PENDING];
        struct fragments fragments[2]; /* SCTP, by direction */
};

#define PHASE(name) APNWATCH__V1__SIGNALLING__PHASE__##name

static void note_request(struct diameter_flow *flow, const struct dissection *d, const struct signalling *s)
{
        flow->pending[flow->next++ % PENDING] = (struct pending){.hop_by_hop = (uint32_t)s->sequence, .direction = (uint8_t)d->direction,
                                                                 .procedure = (uint8_t)(s->procedure + 1)};
}

static void join_request(const struct diameter_flow *flow, const struct dissection *d, struct signalling *s)
{
        for (unsigned i = 0; i < PENDING; i++) {
                const struct pending *pending = &flow->pending[i];
                if (pending->procedure == 0 || pending->hop_by_hop != s->sequence || pending->direction == d->direction)
                        continue;
                s->procedure = (Apnwatch__V1__Signalling__Procedure)(pending->procedure - 1);
                return;
        }
}

/* What a peer says of itself concerns the application that its connection is known to carry. */
static void tell(struct dissection *d, struct diameter_flow *flow, struct signalling *s, const struct diameter_message *message)
{
        if (message->names_protocol) {
                flow->has_protocol = true;
                flow->protocol = (uint8_t)s->protocol;
        } else if (flow->has_protocol) {
                s->protocol = (Apnwatch__V1__Signalling__Protocol)flow->protocol;
        }
        if (!message->is_told)
                return;
        if (s->phase == PHASE(REQUEST))
                note_request(flow, d, s);
        else if (message->is_answer_of_unknown)
                join_request(flow, d, s);
        signalling_emit(d, s);
}

static bool is_port(const struct dissection *d)
{
        return d->source_port == PORT_DIAMETER || d->destination_port == PORT_DIAMETER;
}

/* To the next place where a message could begin. False: none in these bytes, `at` is at their end or where one may begin. */
static bool find_message(struct cursor *at)
{
        while (cursor_left(at) > 0 && !diameter_is_plausible(at))
                cursor_skip(at, 1);
        return cursor_left(at) >= RECOGNISED;
}

/* One message of a stream. False: it is not whole. */
static bool take_message(struct dissection *d, struct diameter_flow *flow, struct cursor *at)
{
        struct cursor message_at = *at;
        struct diameter_message message;
        struct signalling s;
        enum dissect_result result = diameter_parse(&message_at, &s, &message);
        if (result == DISSECT_TRUNCATED && !(d->cut && s.message != 0))
                return false;
        if (result == DISSECT_OK || result == DISSECT_TRUNCATED)
                tell(d, flow, &s, &message);
        *at = message_at;
        return true;
}

static size_t message_length(const struct cursor *payload)
{
        struct cursor at = *payload;
        cursor_skip(&at, 1);
        return cursor_be24(&at);
}

static enum follow dissect_stream(struct dissection *d, struct diameter_flow *flow, struct cursor payload)
{
        struct cursor at = payload;
        bool *lost = &flow->lost[d->direction];
        *lost |= d->gap;
        while (cursor_left(&at) > 0) {
                *lost |= !diameter_is_plausible(&at);
                bool found = !*lost || find_message(&at);
                size_t left = cursor_left(&at), length = message_length(&at);
                d->consumed = (size_t)(at.at - payload.at);
                if (left == 0)
                        break;
                if (left < 4 || !found)
                        return FOLLOW_MORE;
                *lost = false;
                if (take_message(d, flow, &at)) {
                        d->consumed = (size_t)(at.at - payload.at);
                        d->skip = length > left ? length - left : 0;
                        continue;
                }
                if (length <= DISSECT_HOLD)
                        return FOLLOW_MORE;
                d->consumed = cursor_left(&payload); /* more than is ever held */
                d->skip = length - left;
                return FOLLOW_ON;
        }
        return FOLLOW_ON;
}

struct data_chunk {
        bool begins, ends;
        uint32_t tsn, payload_protocol;
        struct cursor data;
};

/* The next DATA chunk. False: no more, or the chunks are broken (`at` short, unless the capture cut the packet). */
static bool next_data(struct cursor *at, struct data_chunk *chunk)
{
        enum { HEADER = 4, DATA_HEADER = 16, FLAG_BEGIN = 2, FLAG_END = 1 };
        for (unsigned i = 0; i < CHUNKS_MOST && cursor_left(at) > 0; i++) {
                uint8_t type = cursor_u8(at), flags = cursor_u8(at);
                size_t length = cursor_be16(at);
                if (at->short_read || length < HEADER || (type == CHUNK_DATA && length < DATA_HEADER)) {
                        cursor_fail(at);
                        return false;
                }
                size_t wanted = length - HEADER, there = wanted < cursor_left(at) ? wanted : cursor_left(at);
                struct cursor body = cursor_take(at, there);
                size_t padding = (4 - length % 4) % 4;
                cursor_skip(at, padding < cursor_left(at) ? padding : cursor_left(at));
                if (type != CHUNK_DATA)
                        continue;
                chunk->begins = flags & FLAG_BEGIN;
                chunk->ends = flags & FLAG_END;
                chunk->tsn = cursor_be32(&body);
                cursor_skip(&body, 4); /* stream, its sequence number */
                chunk->payload_protocol = cursor_be32(&body);
                chunk->data = body;
                return !body.short_read;
        }
        return false;
}

static void take_whole(struct dissection *d, struct diameter_flow *flow, struct cursor data, bool is_cut)
{
        struct diameter_message message;
        struct signalling s;
        for (unsigned i = 0; i < CHUNKS_MOST && cursor_left(&data) > 0; i++) {
                enum dissect_result result = diameter_parse(&data, &s, &message);
                if (s.message == 0 || !(result == DISSECT_OK || (result == DISSECT_TRUNCATED && is_cut)))
                        return;
                tell(d, flow, &s, &message);
        }
}

static void hold(struct fragments *fragments, const struct data_chunk *chunk)
{
        size_t length = cursor_left(&chunk->data), room = HELD - (size_t)fragments->length;
        fragments->is_cut |= length > room;
        length = length < room ? length : room;
        if (length > 0)
                memcpy(fragments->bytes + fragments->length, chunk->data.at, length);
        fragments->length = (uint16_t)(fragments->length + length);
        fragments->next_tsn = chunk->tsn + 1;
}

static void take_fragment(struct dissection *d, struct diameter_flow *flow, const struct data_chunk *chunk)
{
        struct fragments *fragments = &flow->fragments[d->direction];
        if (chunk->begins) {
                fragments->is_open = true;
                fragments->is_cut = false;
                fragments->length = 0;
        } else if (!fragments->is_open) {
                return;
        } else if (fragments->next_tsn != chunk->tsn) {
                fragments->is_open = fragments->next_tsn - chunk->tsn < 0x10000; /* an earlier one again */
                return;
        }
        hold(fragments, chunk);
        fragments->is_cut |= d->cut;
        if (!chunk->ends)
                return;
        fragments->is_open = false;
        take_whole(d, flow, cursor_of(fragments->bytes, fragments->length), fragments->is_cut);
}

static void dissect_chunks(struct dissection *d, struct diameter_flow *flow, struct cursor payload)
{
        struct data_chunk chunk;
        while (next_data(&payload, &chunk)) {
                if (chunk.payload_protocol != PAYLOAD_DIAMETER && chunk.payload_protocol != 0)
                        continue;
                if (chunk.begins && chunk.ends)
                        take_whole(d, flow, chunk.data, d->cut);
                else
                        take_fragment(d, flow, &chunk);
        }
}

static enum recognition recognise_chunks(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = *payload;
        struct data_chunk chunk;
        while (next_data(&at, &chunk)) {
                bool says_so = chunk.payload_protocol == PAYLOAD_DIAMETER;
                if (!says_so && chunk.payload_protocol != 0)
                        return NOT_MINE;
                if (chunk.begins && !diameter_is_plausible(&chunk.data))
                        return NOT_MINE;
                if ((chunk.begins && cursor_left(&chunk.data) >= RECOGNISED) || (says_so && is_port(d)))
                        return MINE;
        }
        return at.short_read && !d->cut ? NOT_MINE : PERHAPS;
}

static enum recognition diameter_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct cursor at = *payload;
        if (d->protocol == IPPROTO_SCTP)
                return recognise_chunks(d, payload);
        if (is_port(d)) /* also in the middle of a connection */
                return find_message(&at) ? MINE : PERHAPS;
        if (!diameter_is_plausible(payload))
                return NOT_MINE;
        return cursor_left(payload) >= RECOGNISED ? MINE : PERHAPS;
}

static enum follow diameter_dissect(struct dissection *d, void *state, struct cursor payload)
{
        if (d->tunnelled)
                return FOLLOW_DONE;
        if (d->protocol == IPPROTO_TCP)
                return dissect_stream(d, state, payload);
        dissect_chunks(d, state, payload);
        return FOLLOW_ON;
}

const struct dissector diameter_dissector = {
        .name = "Diameter",
        .transports = DISSECT_ON_TCP | DISSECT_ON_SCTP,
        .readable = true,
        .is_signalling = true,
        .state_size = sizeof(struct diameter_flow),
        .recognise = diameter_recognise,
        .dissect = diameter_dissect,
};
