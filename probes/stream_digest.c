#include "probes/stream_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <unistd.h>

struct stream_digest {
        EVP_MD_CTX *context;
};

struct stream_digest *stream_digest_create(void)
{
        struct stream_digest *digest = calloc(1, sizeof *digest);
        if (digest == NULL)
                return NULL;
        digest->context = EVP_MD_CTX_new();
        if (digest->context == NULL || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
                stream_digest_destroy(digest);
                return NULL;
        }
        return digest;
}

void stream_digest_update(struct stream_digest *digest, const void *bytes, size_t length)
{
        EVP_DigestUpdate(digest->context, bytes, length);
}

const char *stream_digest_finish(struct stream_digest *digest, char text[DIGEST_TEXT_SIZE])
{
        static const char hex[] = "0123456789abcdef";
        uint8_t bytes[EVP_MAX_MD_SIZE];
        unsigned length;
        if (EVP_DigestFinal_ex(digest->context, bytes, &length) != 1 || 2 * length + 1 != DIGEST_TEXT_SIZE)
                return NULL;
        for (unsigned i = 0; i < length; i++) {
                text[2 * i] = hex[bytes[i] >> 4];
                text[2 * i + 1] = hex[bytes[i] & 15];
        }
        text[2 * length] = '\0';
        return text;
}

void stream_digest_destroy(struct stream_digest *digest)
{
        if (digest == NULL)
                return;
        EVP_MD_CTX_free(digest->context);
        free(digest);
}

static int digest_descriptor(int descriptor, struct stream_digest *digest)
{
        uint8_t buffer[128 << 10];
        for (;;) {
                ssize_t length = read(descriptor, buffer, sizeof buffer);
                if (length < 0 && errno == EINTR)
                        continue;
                if (length <= 0)
                        return length < 0 ? -errno : 0;
                stream_digest_update(digest, buffer, (size_t)length);
        }
}

int file_digest(const char *path, char text[DIGEST_TEXT_SIZE])
{
        struct stream_digest *digest = stream_digest_create();
        if (digest == NULL)
                return -ENOMEM;
        int descriptor = open(path, O_RDONLY | O_CLOEXEC);
        int result = descriptor < 0 ? -errno : digest_descriptor(descriptor, digest);
        if (result == 0 && stream_digest_finish(digest, text) == NULL)
                result = -EIO;
        if (descriptor >= 0)
                close(descriptor);
        stream_digest_destroy(digest);
        return result;
}
