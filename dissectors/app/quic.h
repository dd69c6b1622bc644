/* QUIC, UDP on any port: RFC 9000, RFC 9001 (protection of Initial packets), RFC 9369 (version 2), the drafts and
 * experimental versions that carry TLS and differ in their salt only.
 *
 * Read: the client hello in the CRYPTO frames of the client's Initial packets, over several packets and in any order. Left
 * out: Google's QUIC with its own handshake (Q025 to Q050), the server's Initial packets, version negotiation, everything
 * behind the hello. */
#pragma once

#include "dissectors/app/hello_buffer.h"
#include "dissectors/app/tls.h"

enum { QUIC_ID_MAX = 20, QUIC_KEY_LENGTH = 16, QUIC_IV_LENGTH = 12, QUIC_TAG_LENGTH = 16, QUIC_DATAGRAM_MIN = 1200 };

enum quic_type { QUIC_INITIAL, QUIC_ZERO_RTT, QUIC_HANDSHAKE, QUIC_RETRY };

/* One packet with a long header. Pointers borrow from the datagram. */
struct quic_packet {
        enum quic_type type;
        uint32_t version;
        uint8_t destination_length, source_length;
        const uint8_t *destination, *source; /* connection ids */
        const uint8_t *bytes;                /* the packet, from its first byte */
        size_t number_offset;                /* where the protected packet number begins */
        size_t length;                       /* of the whole packet */
};

struct quic_keys {
        uint8_t key[QUIC_KEY_LENGTH], iv[QUIC_IV_LENGTH], header[QUIC_KEY_LENGTH];
};

/* The next packet of a datagram. NO_MATCH: no long header of a version that is known here. */
enum dissect_result quic_parse_packet(struct cursor *datagram, struct quic_packet *packet);

/* Keys of the client's Initial packets, from the destination id of its first one. false: version unknown. */
bool quic_derive_client_keys(uint32_t version, const uint8_t *id, size_t id_length, struct quic_keys *keys);

/* Takes the protection of an Initial packet off. `plain` has room for packet->length bytes; what is returned is how many
 * bytes of frames are in it, -1 when the keys do not fit or the packet is damaged. */
long quic_open_initial(const struct quic_keys *keys, const struct quic_packet *packet, uint8_t *plain);

/* Puts what the CRYPTO frames of an Initial packet carry into `hello`. */
enum dissect_result quic_parse_frames(struct cursor *frames, struct hello_buffer *hello);

extern const struct dissector quic_dissector;
