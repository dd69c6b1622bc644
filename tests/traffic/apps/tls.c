/* TLS 1.3 as RFC 8446 (a full handshake whose certificate is encrypted) and 1.0 to 1.2 as RFC 5246 (an abbreviated one, 7.3:
 * the session is resumed, so that no certificate passes). What is encrypted is noise of the right length. */
#include <string.h>

#include "tests/traffic/apps/apps.h"
#include "tests/traffic/facts.h"

enum { CHANGE_CIPHER_SPEC = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION_DATA = 23, RECORD_LIMIT = 16384 };
enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

static void put_noise(struct traffic *traffic, struct bytes *b, size_t length)
{
        bytes_put(b, traffic_noise(traffic, length), length);
}

static void put_unique(struct traffic *traffic, struct bytes *b)
{
        for (unsigned i = 0; i < 4; i++)
                bytes_be64(b, random_u64(&traffic->random));
}

static void put_extension(struct bytes *b, uint16_t type, const void *body, size_t length)
{
        bytes_be16(b, type);
        bytes_be16(b, (uint16_t)length);
        bytes_put(b, body, length);
}

static void put_server_name(struct bytes *b, const char *name)
{
        size_t length = strlen(name);
        bytes_be16(b, 0);
        bytes_be16(b, (uint16_t)(length + 5));
        bytes_be16(b, (uint16_t)(length + 3));
        bytes_u8(b, 0);
        bytes_be16(b, (uint16_t)length);
        bytes_text(b, name);
}

static void put_alpn(struct bytes *b, const char *alpn)
{
        size_t length = strlen(alpn);
        bytes_be16(b, 16);
        bytes_be16(b, (uint16_t)(length + 3));
        bytes_be16(b, (uint16_t)(length + 1));
        bytes_u8(b, (uint8_t)length);
        bytes_text(b, alpn);
}

static void put_key_share(struct traffic *traffic, struct bytes *b, bool client)
{
        bytes_be16(b, 51);
        bytes_be16(b, client ? 38 : 36);
        if (client)
                bytes_be16(b, 36);
        bytes_be16(b, 29); /* x25519 */
        bytes_be16(b, 32);
        put_unique(traffic, b);
}

static void put_client_extensions(struct traffic *traffic, struct bytes *b, const struct tls_session *session)
{
        static const uint8_t groups[] = {0, 4, 0, 29, 0, 23}, points[] = {1, 0};
        static const uint8_t signatures[] = {0, 8, 4, 3, 8, 4, 4, 1, 2, 1}, versions[] = {4, 3, 4, 3, 3}, modes[] = {1, 1};
        if (session->name != NULL)
                put_server_name(b, session->name);
        put_extension(b, 23, NULL, 0); /* extended master secret */
        put_extension(b, 10, groups, sizeof(groups));
        put_extension(b, 11, points, sizeof(points));
        if (session->version >= TLS_1_2)
                put_extension(b, 13, signatures, sizeof(signatures));
        if (session->alpn != NULL)
                put_alpn(b, session->alpn);
        if (session->version < TLS_1_3)
                return;
        put_extension(b, 43, versions, sizeof(versions));
        put_extension(b, 45, modes, sizeof(modes));
        put_key_share(traffic, b, true);
}

static uint16_t hello_version(const struct tls_session *session)
{
        return session->version < TLS_1_2 ? session->version : TLS_1_2;
}

static void put_record_head(struct bytes *b, uint8_t type, uint16_t version)
{
        bytes_u8(b, type);
        bytes_be16(b, version);
}

static void put_client_hello(struct traffic *traffic, struct bytes *b, const struct tls_session *session,
                             const uint8_t id[32])
{
        static const uint8_t ciphers[] = {0,    14,   0x13, 0x01, 0x13, 0x02, 0xc0, 0x2b,
                                          0xc0, 0x2f, 0xc0, 0x30, 0xc0, 0x13, 0,    0x2f};
        put_record_head(b, HANDSHAKE, 0x0301);
        size_t record = bytes_mark16(b);
        bytes_u8(b, 1);
        size_t message = bytes_mark24(b);
        bytes_be16(b, hello_version(session));
        put_unique(traffic, b);
        bytes_u8(b, 32);
        bytes_put(b, id, 32);
        bytes_put(b, ciphers, sizeof(ciphers));
        bytes_be16(b, 0x0100); /* no compression */
        size_t extensions = bytes_mark16(b);
        put_client_extensions(traffic, b, session);
        bytes_patch16(b, extensions);
        bytes_patch24(b, message);
        bytes_patch16(b, record);
}

static void put_server_hello(struct traffic *traffic, struct bytes *b, const struct tls_session *session,
                             const uint8_t id[32])
{
        static const uint8_t chosen_version[] = {3, 4}, renegotiation[] = {0};
        put_record_head(b, HANDSHAKE, hello_version(session));
        size_t record = bytes_mark16(b);
        bytes_u8(b, 2);
        size_t message = bytes_mark24(b);
        bytes_be16(b, hello_version(session));
        put_unique(traffic, b);
        bytes_u8(b, 32);
        bytes_put(b, id, 32);
        bytes_be16(b, session->version >= TLS_1_3 ? 0x1301 : session->version == TLS_1_2 ? 0xc02f : 0x002f);
        bytes_u8(b, 0);
        size_t extensions = bytes_mark16(b);
        if (session->version >= TLS_1_3) {
                put_extension(b, 43, chosen_version, sizeof(chosen_version));
                put_key_share(traffic, b, false);
        } else {
                put_extension(b, 0xff01, renegotiation, sizeof(renegotiation));
        }
        bytes_patch16(b, extensions);
        bytes_patch24(b, message);
        bytes_patch16(b, record);
}

static void put_change(struct bytes *b, uint16_t version)
{
        static const uint8_t body[] = {0, 1, 1};
        put_record_head(b, CHANGE_CIPHER_SPEC, version);
        bytes_put(b, body, sizeof(body));
}

static void put_encrypted(struct traffic *traffic, struct bytes *b, uint8_t type, uint16_t version, size_t length)
{
        put_record_head(b, type, version);
        bytes_be16(b, (uint16_t)length);
        put_noise(traffic, b, length);
}

static void send_server_flight(struct conversation *c, const struct tls_session *session, const uint8_t id[32])
{
        struct traffic *traffic = c->traffic;
        struct bytes *b = &traffic->scratch;
        uint16_t version = hello_version(session);
        bytes_clear(b);
        put_server_hello(traffic, b, session, id);
        put_change(b, version);
        if (session->version >= TLS_1_3) {
                put_encrypted(traffic, b, APPLICATION_DATA, version, 23);
                put_encrypted(traffic, b, APPLICATION_DATA, version, (size_t)random_between(&traffic->random, 900, 2600));
                put_encrypted(traffic, b, APPLICATION_DATA, version, 281);
                put_encrypted(traffic, b, APPLICATION_DATA, version, 53);
        } else {
                put_encrypted(traffic, b, HANDSHAKE, version, 40);
        }
        conversation_send(c, DOWN, b->data, b->length);
        tell_label(c, &(struct label_fact){.label = "TLS",
                                           .name = session->name,
                                           .tls_version = session->version,
                                           .name_source = session->name != NULL ? FACT_SNI : FACT_NO_NAME,
                                           .visibility = session->name != NULL ? FACT_NAME_ONLY : FACT_OPAQUE});
}

void tls_handshake(struct conversation *c, const struct tls_session *session)
{
        struct traffic *traffic = c->traffic;
        struct bytes *b = &traffic->scratch;
        uint8_t id[32];
        memcpy(id, traffic_noise(traffic, sizeof(id)), sizeof(id));
        bytes_clear(b);
        put_client_hello(traffic, b, session, id);
        conversation_send(c, UP, b->data, b->length);
        send_server_flight(c, session, id);
        bytes_clear(b);
        put_change(b, hello_version(session));
        if (session->version >= TLS_1_3)
                put_encrypted(traffic, b, APPLICATION_DATA, hello_version(session), 53);
        else
                put_encrypted(traffic, b, HANDSHAKE, hello_version(session), 40);
        conversation_send(c, UP, b->data, b->length);
}

void tls_data(struct conversation *c, const struct tls_session *session, enum direction direction, size_t length)
{
        struct traffic *traffic = c->traffic;
        struct bytes *b = &traffic->scratch;
        while (length > 0) {
                size_t part = length < RECORD_LIMIT ? length : RECORD_LIMIT;
                bytes_clear(b);
                put_encrypted(traffic, b, APPLICATION_DATA, hello_version(session),
                              part + (part <= RECORD_LIMIT - 24 ? 24 : 0));
                conversation_send(c, direction, b->data, b->length);
                length -= part;
        }
}

void tls_close(struct conversation *c, const struct tls_session *session)
{
        struct bytes *b = &c->traffic->scratch;
        bytes_clear(b);
        put_encrypted(c->traffic, b, session->version >= TLS_1_3 ? APPLICATION_DATA : ALERT, hello_version(session),
                      session->version >= TLS_1_3 ? 19 : 26);
        conversation_send(c, UP, b->data, b->length);
        conversation_close(c, UP);
}
