#include "dissectors/app/dtls.h"

#include "dissectors/app/hello_buffer.h"

enum {
        DTLS_1_0 = 0xfeff,
        DTLS_1_2 = 0xfefd,
        HELLO_VERIFY_REQUEST = 3,
        FINISHED = 20,
        RECORD_MAX = 16384 + 2048,
        MESSAGE_MAX = 65535,      /* of a hello in epoch 0; certificates, too */
        EPOCH_MAX = 255,          /* renegotiations before epochs of 1.2 would look like noise */
        CID_MAX = 20,
        CID_RECORD_MIN = 1 + 8,   /* inner type and the shortest tag */
        ENCRYPTED_MIN = 8 + 8,    /* explicit nonce and the shortest tag of the ciphers in use (CCM_8) */
        LATER_DATAGRAMS = 12      /* how long a hello that is missing is waited for */
};

struct dtls_state {
        bool client_read, server_read;
        uint8_t later;
        bool gathering;
        uint16_t sequence; /* of the client hello that is put together */
        struct hello_buffer hello;
};

/* Tries each length of connection id for the one whose record ends with the datagram. */
static enum dissect_result parse_cid_body(struct cursor *datagram, struct cursor *body)
{
        size_t left = cursor_left(datagram);
        for (size_t cid = 1; cid <= CID_MAX && left >= cid + 2 + CID_RECORD_MIN; cid++) {
                struct cursor at = *datagram;
                cursor_skip(&at, cid);
                uint16_t length = cursor_be16(&at);
                if (cursor_left(&at) != length)
                        continue;
                *body = cursor_take(&at, length);
                *datagram = at;
                return DISSECT_OK;
        }
        return DISSECT_MALFORMED;
}

enum dissect_result dtls_parse_record(struct cursor *datagram, struct dtls_record *record)
{
        record->type = cursor_u8(datagram);
        record->version = cursor_be16(datagram);
        record->epoch = cursor_be16(datagram);
        record->sequence = (uint64_t)cursor_be16(datagram) << 32;
        record->sequence |= cursor_be32(datagram);
        if (datagram->short_read)
                return DISSECT_TRUNCATED;
        if (record->type < DTLS_CHANGE_CIPHER || record->type > DTLS_ACK ||
            (record->version != DTLS_1_0 && record->version != DTLS_1_2))
                return DISSECT_NO_MATCH;
        if (record->type == DTLS_CID)
                return parse_cid_body(datagram, &record->body);
        uint16_t length = cursor_be16(datagram);
        if (!datagram->short_read && length > RECORD_MAX)
                return DISSECT_MALFORMED;
        record->body = cursor_take(datagram, length);
        return datagram->short_read ? DISSECT_TRUNCATED : DISSECT_OK;
}

enum dissect_result dtls_parse_fragment(struct cursor *record, struct dtls_fragment *fragment)
{
        fragment->type = cursor_u8(record);
        fragment->length = cursor_be24(record);
        fragment->sequence = cursor_be16(record);
        fragment->offset = cursor_be24(record);
        uint32_t length = cursor_be24(record);
        fragment->body = cursor_take(record, length);
        if (record->short_read)
                return DISSECT_TRUNCATED;
        return fragment->offset + length <= fragment->length ? DISSECT_OK : DISSECT_MALFORMED;
}

/* In epoch 0 everything can be read, so everything must be right; later only lengths and small counters are left. */
static bool record_is_plausible(const struct dtls_record *record)
{
        size_t length = cursor_left(&record->body);
        if (record->epoch > EPOCH_MAX || record->sequence >> 32 != 0)
                return false;
        if (record->epoch > 0)
                return length >= (record->type == DTLS_CID ? CID_RECORD_MIN : ENCRYPTED_MIN);
        if (record->type == DTLS_CHANGE_CIPHER)
                return length == 1 && record->body.at[0] == 1;
        if (record->type == DTLS_ALERT)
                return length == 2 && (record->body.at[0] == 1 || record->body.at[0] == 2);
        if (record->type != DTLS_HANDSHAKE)
                return record->type == DTLS_ACK && length >= 2;
        struct cursor body = record->body;
        struct dtls_fragment fragment;
        enum dissect_result result = dtls_parse_fragment(&body, &fragment);
        return result == DISSECT_OK && fragment.type <= 25 && fragment.length <= MESSAGE_MAX &&
               (fragment.type != HELLO_VERIFY_REQUEST || fragment.length <= 2 + 1 + 255);
}

enum dissect_result dtls_check(struct cursor datagram)
{
        while (cursor_left(&datagram) > 0) {
                struct dtls_record record;
                enum dissect_result result = dtls_parse_record(&datagram, &record);
                if (result != DISSECT_OK)
                        return result;
                if (!record_is_plausible(&record))
                        return DISSECT_MALFORMED;
        }
        return datagram.short_read ? DISSECT_TRUNCATED : DISSECT_OK;
}

/* A lone alert or change of cipher in epoch 0 is right in few bytes: too little to be sure. */
static enum recognition dtls_recognise(const struct dissection *d, const struct cursor *payload)
{
        uint8_t type = cursor_peek(payload);
        if (type < DTLS_HANDSHAKE || type > DTLS_CID || type == DTLS_HEARTBEAT || cursor_left(payload) < 13 + 12 ||
            payload->at[1] != 0xfe)
                return NOT_MINE;
        enum dissect_result result = dtls_check(*payload);
        return result == DISSECT_OK || (result == DISSECT_TRUNCATED && d->cut && type == DTLS_HANDSHAKE) ? MINE : NOT_MINE;
}

static void read_client_hello(struct dissection *d, struct dtls_state *state, struct cursor body)
{
        struct tls_client_hello hello;
        if (tls_parse_client_hello(&body, true, &hello) == DISSECT_NO_MATCH)
                return;
        state->client_read = true;
        if (hello.name_length > 0)
                d->services->name(d, hello.name, hello.name_length, APNWATCH__V1__FLOW__NAME_SOURCE__SNI);
}

static void read_server_hello(struct dissection *d, struct dtls_state *state, struct cursor body)
{
        struct tls_server_hello hello;
        if (tls_parse_server_hello(&body, &hello) != DISSECT_OK)
                return;
        state->server_read = true;
        d->tls_version = hello.version;
}

static void gather_client_hello(struct dissection *d, struct dtls_state *state, const struct dtls_fragment *fragment)
{
        if (!state->gathering || state->sequence != fragment->sequence)
                hello_buffer_clear(&state->hello);
        state->gathering = true;
        state->sequence = fragment->sequence;
        hello_buffer_put(&state->hello, fragment->offset, fragment->body.at, cursor_left(&fragment->body));
        size_t length = fragment->length < HELLO_ROOM ? fragment->length : HELLO_ROOM;
        if (state->hello.front >= length)
                read_client_hello(d, state, cursor_of(state->hello.bytes, length));
}

static void read_handshake(struct dissection *d, struct dtls_state *state, struct cursor record)
{
        struct dtls_fragment fragment;
        while (cursor_left(&record) > 0 && dtls_parse_fragment(&record, &fragment) == DISSECT_OK) {
                bool whole = cursor_left(&fragment.body) == fragment.length;
                if (fragment.type == TLS_CLIENT_HELLO && whole)
                        read_client_hello(d, state, fragment.body);
                else if (fragment.type == TLS_CLIENT_HELLO)
                        gather_client_hello(d, state, &fragment);
                else if (fragment.type == TLS_SERVER_HELLO && fragment.offset == 0)
                        read_server_hello(d, state, fragment.body);
        }
}

static enum follow dtls_dissect(struct dissection *d, void *memory, struct cursor payload)
{
        struct dtls_state *state = memory;
        struct dtls_record record;
        bool began_encrypted = false;
        while (cursor_left(&payload) > 0 && dtls_parse_record(&payload, &record) == DISSECT_OK) {
                if (record.type == DTLS_HANDSHAKE && record.epoch == 0)
                        read_handshake(d, state, record.body);
                else if (record.epoch > 0 && state->later == 0 && !state->client_read && !state->server_read)
                        began_encrypted = true;
        }
        state->later++;
        bool both = state->client_read && state->server_read;
        if (!both && !began_encrypted && state->later < LATER_DATAGRAMS)
                return FOLLOW_ON;
        d->encrypted = true;
        return FOLLOW_DONE;
}

const struct dissector dtls_dissector = {
        .name = "DTLS",
        .transports = DISSECT_ON_UDP,
        .state_size = sizeof(struct dtls_state),
        .recognise = dtls_recognise,
        .dissect = dtls_dissect,
};
