#include "sense/tcp_stream.h"

#include <stdlib.h>
#include <string.h>

static int32_t distance(uint32_t from, uint32_t to)
{
        return (int32_t)(to - from); /* RFC 9293, 3.4: sequence numbers wrap */
}

void tcp_stream_clear(struct tcp_stream *stream)
{
        while (stream->held != NULL) {
                struct tcp_segment *segment = stream->held;
                stream->held = segment->next;
                free(segment);
        }
        stream->held_segments = 0;
        stream->held_bytes = 0;
}

/* Cuts off the first `bytes` of a segment's payload. */
static void trim_front(struct tcp_segment *segment, uint32_t bytes)
{
        uint32_t captured = bytes < segment->captured ? bytes : segment->captured;
        segment->payload += captured;
        segment->captured -= captured;
        segment->length -= bytes;
        segment->sequence += bytes;
}

/* True when something of it is new and it begins at `next` now. */
static bool take_now(struct tcp_stream *stream, struct tcp_segment *segment)
{
        int32_t old = distance(segment->sequence, stream->next);
        if (old > 0) {
                if ((uint32_t)old >= segment->length)
                        return false;
                trim_front(segment, (uint32_t)old);
        }
        stream->next = segment->sequence + segment->length;
        return true;
}

static struct tcp_segment *segment_copy(const struct tcp_segment *segment)
{
        struct tcp_segment *copy = malloc(sizeof *copy + segment->ip_captured);
        if (copy == NULL)
                return NULL;
        uint8_t *bytes = (uint8_t *)(copy + 1);
        *copy = *segment;
        memcpy(bytes, segment->ip, segment->ip_captured);
        copy->payload = bytes + (segment->payload - segment->ip);
        copy->ip = bytes;
        return copy;
}

static void hold(struct tcp_stream *stream, const struct tcp_segment *segment)
{
        struct tcp_segment **link = &stream->held;
        while (*link != NULL && distance((*link)->sequence, segment->sequence) >= 0) {
                if ((*link)->sequence == segment->sequence && (*link)->length >= segment->length)
                        return; /* a retransmission of what is held */
                link = &(*link)->next;
        }
        struct tcp_segment *copy = segment_copy(segment);
        if (copy == NULL)
                return;
        copy->next = *link;
        *link = copy;
        stream->held_segments++;
        stream->held_bytes += segment->ip_captured;
}

bool tcp_stream_offer(struct tcp_stream *stream, struct tcp_segment *segment)
{
        if (!stream->synchronised) {
                stream->synchronised = true;
                stream->from_start = false;
                stream->next = segment->sequence;
        }
        if (distance(stream->next, segment->sequence) <= 0)
                return take_now(stream, segment);
        hold(stream, segment);
        return false;
}

struct tcp_segment *tcp_stream_next(struct tcp_stream *stream)
{
        while (stream->held != NULL && distance(stream->next, stream->held->sequence) <= 0) {
                struct tcp_segment *segment = stream->held;
                stream->held = segment->next;
                stream->held_segments--;
                stream->held_bytes -= segment->ip_captured;
                if (take_now(stream, segment))
                        return segment;
                free(segment);
        }
        return NULL;
}

bool tcp_stream_is_full(const struct tcp_stream *stream)
{
        return stream->held_bytes > TCP_HOLD_BYTES || stream->held_segments > TCP_HOLD_SEGMENTS;
}

bool tcp_stream_acknowledged(struct tcp_stream *stream, uint32_t sequence)
{
        if (stream->held == NULL || distance(stream->next, sequence) <= 0)
                return false; /* with nothing held it may be a tap whose other direction runs a little late */
        if (distance(stream->held->sequence, sequence) < 0)
                return false; /* the hole itself is acknowledged only in part: what is held stays behind it */
        tcp_stream_jump(stream);
        return true;
}

void tcp_stream_jump(struct tcp_stream *stream)
{
        if (stream->held == NULL || distance(stream->next, stream->held->sequence) <= 0)
                return;
        stream->missing += stream->held->sequence - stream->next;
        stream->next = stream->held->sequence;
        stream->from_start = false;
}
