#include "dissectors/app/quic.h"

enum {
        PLAIN_ROOM = 4096,     /* no path has datagrams that large */
        DATAGRAMS_MAX = 16,    /* how long the client hello is waited for */
        CLIENT_ID_MIN = 8      /* RFC 9000, 7.2 */
};

struct quic_state {
        struct quic_keys keys;
        bool keyed, told;
        uint8_t client; /* direction of the client's packets, once keyed */
        uint8_t datagrams;
        struct hello_buffer hello;
};

/* A datagram shorter than a client's first must be packets to its end. The last may have a short header. */
static bool lengths_fit(struct cursor datagram)
{
        struct quic_packet packet;
        while (cursor_left(&datagram) > 0 && (cursor_peek(&datagram) & 0x80))
                if (quic_parse_packet(&datagram, &packet) != DISSECT_OK)
                        return false;
        return cursor_left(&datagram) == 0 || (cursor_peek(&datagram) & 0x40);
}

/* Whoever speaks first: a long header of a version that is known, whose lengths fit the datagram. */
static enum recognition quic_recognise(const struct dissection *d, const struct cursor *payload)
{
        struct cursor datagram = *payload;
        size_t length = cursor_left(payload);
        if ((cursor_peek(payload) & 0xc0) != 0xc0 || length < 40)
                return NOT_MINE;
        struct quic_packet packet;
        enum dissect_result result = quic_parse_packet(&datagram, &packet);
        if (result == DISSECT_TRUNCATED && d->cut)
                return MINE;
        if (result != DISSECT_OK || packet.type == QUIC_RETRY || packet.destination_length + packet.source_length < 4)
                return NOT_MINE;
        bool first = packet.type == QUIC_INITIAL && packet.destination_length >= CLIENT_ID_MIN;
        return (first && length >= QUIC_DATAGRAM_MIN) || lengths_fit(*payload) ? MINE : NOT_MINE;
}

static void tell_hello(struct dissection *d, struct quic_state *state, size_t length)
{
        struct cursor body = cursor_of(state->hello.bytes, length);
        struct tls_client_hello hello;
        state->told = true;
        if (cursor_u8(&body) != TLS_CLIENT_HELLO)
                return;
        cursor_skip(&body, 3);
        if (tls_parse_client_hello(&body, false, &hello) != DISSECT_NO_MATCH && hello.name_length > 0)
                d->services->name(d, hello.name, hello.name_length, APNWATCH__V1__FLOW__NAME_SOURCE__SNI);
}

/* The keys stay those of the first destination id when the client changes to the id that the server chose; after a Retry
 * they are derived anew. */
static long open_packet(struct quic_state *state, const struct quic_packet *packet, enum direction direction, uint8_t *plain)
{
        long length = state->keyed ? quic_open_initial(&state->keys, packet, plain) : -1;
        struct quic_keys keys;
        if (length >= 0 || packet->destination_length < (state->keyed ? 1 : CLIENT_ID_MIN) ||
            !quic_derive_client_keys(packet->version, packet->destination, packet->destination_length, &keys))
                return length;
        length = quic_open_initial(&keys, packet, plain);
        if (length < 0)
                return length;
        state->keys = keys;
        state->keyed = true;
        state->client = (uint8_t)direction;
        return length;
}

static void read_packet(struct dissection *d, struct quic_state *state, const struct quic_packet *packet)
{
        uint8_t plain[PLAIN_ROOM];
        if (packet->length > sizeof plain || (state->keyed && state->client != d->direction))
                return;
        long length = open_packet(state, packet, d->direction, plain);
        if (length < 0)
                return;
        struct cursor frames = cursor_of(plain, (size_t)length);
        (void)quic_parse_frames(&frames, &state->hello); /* what stands before the damage counts */
        const uint8_t *bytes = state->hello.bytes;
        size_t wanted = 4 + ((size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]);
        if (wanted > HELLO_ROOM)
                wanted = HELLO_ROOM;
        if (state->hello.front >= 4 && state->hello.front >= wanted)
                tell_hello(d, state, wanted);
}

static enum follow quic_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct quic_state *state = memory;
        struct quic_packet packet;
        while (!state->told && quic_parse_packet(&payload, &packet) == DISSECT_OK)
                if (packet.type == QUIC_INITIAL)
                        read_packet(d, state, &packet);
        d->tls_version = TLS_1_3; /* RFC 9001, 4.2: no other */
        if (!state->told && ++state->datagrams < DATAGRAMS_MAX)
                return FOLLOW_ON;
        if (!state->told && state->hello.front > 0)
                tell_hello(d, state, state->hello.front);
        d->encrypted = true;
        return FOLLOW_DONE;
}

static void quic_end(struct dissection *d, void *memory)
{
        struct quic_state *state = memory;
        d->encrypted = true;
        if (!state->told && state->hello.front > 0)
                tell_hello(d, state, state->hello.front);
}

const struct dissector quic_dissector = {
        .name = "QUIC",
        .transports = DISSECT_ON_UDP,
        .state_size = sizeof(struct quic_state),
        .recognise = quic_recognise,
        .dissect = quic_dissect,
        .end = quic_end,
};
