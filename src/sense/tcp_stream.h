/* One direction of a TCP connection put in order. Segments ahead of the stream are held, bounded (TCP_HOLD_BYTES and
 * TCP_HOLD_SEGMENTS a direction); retransmissions are dropped, overlaps keep the bytes that came first. When the hold is full,
 * or the other end acknowledges what was never seen, the stream goes on behind the hole and says so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TCP_HOLD_BYTES = 65536, TCP_HOLD_SEGMENTS = 48 };

/* A segment with the IP packet that it came in. */
struct tcp_segment {
        struct tcp_segment *next;
        uint32_t sequence;
        uint8_t end;              /* of the flow, that sent it */
        const uint8_t *ip;        /* the whole packet, for nDPI */
        uint32_t ip_captured, ip_length;
        const uint8_t *payload;
        uint32_t captured, length; /* of payload; captured < length: cut */
        int64_t time_ns;
        uint32_t file;
        uint64_t file_frame;
};

struct tcp_stream {
        uint32_t next;            /* sequence number of the next byte wanted */
        bool synchronised;        /* `next` is known */
        bool from_start;          /* nothing is missing since the first byte */
        uint32_t missing;         /* bytes lost in front of the next segment given; the reader sets it to 0 */
        uint8_t held_segments;
        uint32_t held_bytes;
        struct tcp_segment *held; /* by sequence */
};

void tcp_stream_clear(struct tcp_stream *stream);

/* Offers a segment. True: it is next, its payload has been trimmed to what is new, `next` has moved behind it. False: it was
 * old, or it is held (copied). */
bool tcp_stream_offer(struct tcp_stream *stream, struct tcp_segment *segment);

/* A held segment that has become next, trimmed; the caller frees it with free(). NULL: none. */
struct tcp_segment *tcp_stream_next(struct tcp_stream *stream);

/* True when the hold is full: call tcp_stream_jump. */
bool tcp_stream_is_full(const struct tcp_stream *stream);

/* The other end acknowledges up to `sequence`: what is missing below will not come. True when held segments are next now. */
bool tcp_stream_acknowledged(struct tcp_stream *stream, uint32_t sequence);

/* Gives up the hole in front of the first held segment. */
void tcp_stream_jump(struct tcp_stream *stream);
