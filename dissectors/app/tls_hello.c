#include "dissectors/app/tls.h"

enum {
        RANDOM_LENGTH = 32,
        SESSION_MAX = 32,
        DTLS_1_0 = 0xfeff,
        DTLS_1_3 = 0xfefc,
        EXTENSION_SERVER_NAME = 0,
        EXTENSION_ALPN = 16,
        EXTENSION_SUPPORTED_VERSIONS = 43,
        EXTENSION_ENCRYPTED_HELLO = 0xfe0d,
        EXTENSION_ENCRYPTED_NAME = 0xffce,
        RECORD_HEADER = 5,
        RECORD_HANDSHAKE = 22,
        RECORD_MAX = 16384 + 2048
};

static bool version_is_known(uint16_t version)
{
        return (version >= 0x0300 && version <= TLS_1_3) || (version >= DTLS_1_3 && version <= DTLS_1_0);
}

/* DTLS counts downwards. */
static bool version_is_higher(uint16_t version, uint16_t than)
{
        return version >= 0xfe00 ? version < than : version > than;
}

static void read_server_name(struct cursor extension, struct tls_client_hello *hello)
{
        struct cursor list = cursor_take(&extension, cursor_be16(&extension));
        while (cursor_left(&list) > 0) {
                uint8_t type = cursor_u8(&list);
                uint16_t length = cursor_be16(&list);
                const uint8_t *name = cursor_bytes(&list, length);
                if (type != 0 || name == NULL || length == 0 || length > TLS_NAME_MAX)
                        continue;
                hello->name = name;
                hello->name_length = length;
                return;
        }
}

static void read_alpn(struct cursor extension, struct tls_client_hello *hello)
{
        struct cursor list = cursor_take(&extension, cursor_be16(&extension));
        uint8_t length = cursor_u8(&list);
        hello->alpn = cursor_bytes(&list, length);
        hello->alpn_length = hello->alpn ? length : 0;
}

static void read_versions(struct cursor extension, struct tls_client_hello *hello)
{
        struct cursor list = cursor_take(&extension, cursor_u8(&extension));
        bool first = true;
        while (cursor_left(&list) >= 2) {
                uint16_t version = cursor_be16(&list);
                if (!version_is_known(version) || (!first && !version_is_higher(version, hello->version)))
                        continue;
                hello->version = version;
                first = false;
        }
}

static void read_client_extension(uint16_t type, struct cursor extension, struct tls_client_hello *hello)
{
        if (type == EXTENSION_SERVER_NAME)
                read_server_name(extension, hello);
        else if (type == EXTENSION_ALPN)
                read_alpn(extension, hello);
        else if (type == EXTENSION_SUPPORTED_VERSIONS)
                read_versions(extension, hello);
        else if (type == EXTENSION_ENCRYPTED_HELLO || type == EXTENSION_ENCRYPTED_NAME)
                hello->encrypted = true;
}

enum dissect_result tls_parse_client_hello(struct cursor *body, bool datagram, struct tls_client_hello *hello)
{
        bool version_seen = cursor_left(body) >= 2;
        *hello = (struct tls_client_hello){.version = cursor_be16(body)};
        cursor_skip(body, RANDOM_LENGTH);
        uint8_t session = cursor_u8(body);
        cursor_skip(body, session);
        if (datagram)
                cursor_skip(body, cursor_u8(body));
        uint16_t ciphers = cursor_be16(body);
        cursor_skip(body, ciphers);
        uint8_t compressions = cursor_u8(body);
        cursor_skip(body, compressions);
        if (version_seen && (!version_is_known(hello->version) || (hello->version >= 0xfe00) != datagram))
                return DISSECT_NO_MATCH;
        if (session > SESSION_MAX || ciphers % 2 != 0)
                return DISSECT_MALFORMED;
        if (body->short_read)
                return DISSECT_TRUNCATED;
        if (ciphers == 0 || compressions == 0)
                return DISSECT_MALFORMED;
        if (cursor_left(body) == 0)
                return DISSECT_OK; /* no extensions */
        uint16_t length = cursor_be16(body);
        bool whole = cursor_left(body) >= length;
        struct cursor extensions = cursor_take(body, whole ? length : cursor_left(body));
        while (cursor_left(&extensions) >= 4) {
                uint16_t type = cursor_be16(&extensions);
                struct cursor extension = cursor_take(&extensions, cursor_be16(&extensions));
                if (extensions.short_read)
                        return whole ? DISSECT_MALFORMED : DISSECT_TRUNCATED;
                read_client_extension(type, extension, hello);
        }
        return whole && !body->short_read ? DISSECT_OK : DISSECT_TRUNCATED;
}

/* RFC 8446, 4.1.3: the SHA-256 of "HelloRetryRequest" stands as the random. */
static bool random_is_retry(const uint8_t *random)
{
        static const uint8_t retry[RANDOM_LENGTH] = {
                0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
        };
        return random != NULL && memcmp(random, retry, sizeof retry) == 0;
}

enum dissect_result tls_parse_server_hello(struct cursor *body, struct tls_server_hello *hello)
{
        *hello = (struct tls_server_hello){.version = cursor_be16(body)};
        hello->retry = random_is_retry(cursor_bytes(body, RANDOM_LENGTH));
        uint8_t session = cursor_u8(body);
        cursor_skip(body, session);
        hello->cipher = cursor_be16(body);
        uint8_t compression = cursor_u8(body);
        if (body->short_read)
                return DISSECT_TRUNCATED;
        if (!version_is_known(hello->version))
                return DISSECT_NO_MATCH;
        if (session > SESSION_MAX || compression > 1)
                return DISSECT_MALFORMED;
        if (cursor_left(body) == 0)
                return DISSECT_OK;
        uint16_t length = cursor_be16(body);
        bool whole = cursor_left(body) >= length;
        struct cursor extensions = cursor_take(body, whole ? length : cursor_left(body));
        while (cursor_left(&extensions) >= 4) {
                uint16_t type = cursor_be16(&extensions);
                struct cursor extension = cursor_take(&extensions, cursor_be16(&extensions));
                if (extensions.short_read)
                        return whole ? DISSECT_MALFORMED : DISSECT_TRUNCATED;
                uint16_t version = type == EXTENSION_SUPPORTED_VERSIONS ? cursor_be16(&extension) : 0;
                if (version_is_known(version))
                        hello->version = version;
        }
        return whole && !body->short_read ? DISSECT_OK : DISSECT_TRUNCATED;
}

static struct cursor next_fragment(struct cursor *stream, enum dissect_result *result)
{
        uint8_t type = cursor_u8(stream);
        uint8_t major = cursor_u8(stream);
        cursor_skip(stream, 1);
        uint16_t length = cursor_be16(stream);
        *result = DISSECT_TRUNCATED;
        if (stream->short_read)
                return *stream;
        if (type != RECORD_HANDSHAKE || major != 3 || length == 0 || length > RECORD_MAX)
                *result = DISSECT_NO_MATCH;
        else if (cursor_left(stream) >= length)
                *result = DISSECT_OK;
        size_t left = cursor_left(stream);
        return cursor_take(stream, left < length ? left : length);
}

static size_t message_length(const struct cursor *message)
{
        struct cursor header = *message;
        cursor_skip(&header, 1);
        uint32_t length = cursor_be24(&header);
        return header.short_read ? SIZE_MAX : length + 4;
}

enum dissect_result tls_gather_message(struct cursor stream, uint8_t *room, size_t room_size, struct cursor *message)
{
        enum dissect_result result;
        *message = next_fragment(&stream, &result);
        size_t length = message_length(message);
        if (result != DISSECT_OK || cursor_left(message) >= length) {
                if (length <= cursor_left(message))
                        *message = cursor_take(message, length);
                return cursor_left(message) >= length ? DISSECT_OK : result;
        }
        size_t gathered = 0;
        for (struct cursor fragment = *message; gathered < room_size; fragment = next_fragment(&stream, &result)) {
                size_t left = cursor_left(&fragment);
                size_t taken = left < room_size - gathered ? left : room_size - gathered;
                if (result == DISSECT_NO_MATCH)
                        return DISSECT_MALFORMED;
                if (taken > 0)
                        memcpy(room + gathered, fragment.at, taken);
                gathered += taken;
                *message = cursor_of(room, gathered);
                length = message_length(message);
                if (gathered >= length) {
                        *message = cursor_of(room, length);
                        return DISSECT_OK;
                }
                if (result != DISSECT_OK)
                        return result;
        }
        return DISSECT_MALFORMED; /* longer than anybody's hello */
}
