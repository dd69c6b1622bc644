#include "dissectors/app/tls.h"

enum {
        RECORD_HANDSHAKE = 22,
        RECOGNISED_LENGTH = 44, /* record header, handshake header, version, random, length of session id */
        LATER_PAYLOADS = 6      /* how long the other side's hello is waited for */
};

struct tls_state {
        bool client_read, server_read;
        uint8_t later;
};

static enum recognition tls_recognise(const struct dissection *d, const struct cursor *payload)
{
        (void)d;
        if (cursor_peek(payload) != RECORD_HANDSHAKE)
                return NOT_MINE;
        struct cursor at = *payload;
        uint16_t record = cursor_be24(&at) & 0xffff;
        uint16_t length = cursor_be16(&at);
        uint8_t type = cursor_u8(&at);
        uint32_t message = cursor_be24(&at);
        uint16_t version = cursor_be16(&at);
        cursor_skip(&at, 32);
        uint8_t session = cursor_u8(&at);
        size_t seen = cursor_left(payload);
        if ((seen >= 3 && (record < 0x0300 || record > 0x0304)) || (seen >= 5 && (length < 4 || length > 16384)) ||
            (seen >= 6 && type != TLS_CLIENT_HELLO && type != TLS_SERVER_HELLO) ||
            (seen >= 9 && (message < 38 || message > 65535)) || (seen >= 11 && (version < 0x0300 || version > 0x0304)))
                return NOT_MINE;
        if (seen < RECOGNISED_LENGTH)
                return PERHAPS;
        return session <= 32 ? MINE : NOT_MINE;
}

/* nDPI's names of what runs over TLS on the ports of mail. */
static const char *port_label(const struct dissection *d)
{
        static const struct { uint16_t port; const char *label; } rows[] = {
                {465, "SMTPS"}, {587, "SMTPS"}, {993, "IMAPS"}, {995, "POPS"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (d->source_port == rows[i].port || d->destination_port == rows[i].port)
                        return rows[i].label;
        return NULL;
}

static bool read_client_hello(struct dissection *d, struct cursor message)
{
        struct tls_client_hello hello;
        if (tls_parse_client_hello(&message, false, &hello) == DISSECT_NO_MATCH)
                return false;
        if (hello.name_length > 0)
                d->services->name(d, hello.name, hello.name_length, APNWATCH__V1__FLOW__NAME_SOURCE__SNI);
        return true;
}

static bool read_server_hello(struct dissection *d, struct cursor message)
{
        struct tls_server_hello hello;
        enum dissect_result result = tls_parse_server_hello(&message, &hello);
        if (result == DISSECT_OK)
                d->tls_version = hello.version;
        return result == DISSECT_OK;
}

static enum follow settle(struct dissection *d)
{
        d->encrypted = true;
        return FOLLOW_DONE;
}

static enum follow tls_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct tls_state *state = memory;
        d->label = port_label(d);
        if (cursor_left(&payload) == 0)
                return FOLLOW_ON;
        if (d->gap || cursor_peek(&payload) != RECORD_HANDSHAKE)
                return state->later++ < LATER_PAYLOADS ? FOLLOW_ON : settle(d);
        uint8_t room[DISSECT_HOLD];
        struct cursor message;
        enum dissect_result result = tls_gather_message(payload, room, sizeof room, &message);
        bool partial = result == DISSECT_TRUNCATED;
        if (result != DISSECT_OK && !partial)
                return settle(d);
        uint8_t type = cursor_u8(&message);
        cursor_skip(&message, 3);
        /* What a cut hello still shows is taken; a name that is complete need not wait for the rest. */
        if (type == TLS_CLIENT_HELLO)
                state->client_read |= read_client_hello(d, message) && (!partial || d->cut);
        else if (type == TLS_SERVER_HELLO)
                state->server_read |= read_server_hello(d, message) || (partial && d->cut);
        if (partial && !d->cut) {
                d->consumed = 0;
                return FOLLOW_MORE;
        }
        bool both = state->client_read && state->server_read;
        return both || state->later++ >= LATER_PAYLOADS ? settle(d) : FOLLOW_ON;
}

const struct dissector tls_dissector = {
        .name = "TLS",
        .transports = DISSECT_ON_TCP,
        .state_size = sizeof(struct tls_state),
        .recognise = tls_recognise,
        .dissect = tls_dissect,
};
