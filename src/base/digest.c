#include "base/digest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/text.h"

struct digest {
        EVP_MD_CTX *context;
};

struct digest *digest_create(void)
{
        struct digest *digest = malloc(sizeof *digest);
        if (digest == NULL)
                return NULL;
        digest->context = EVP_MD_CTX_new();
        if (digest->context == NULL || EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL) != 1) {
                digest_destroy(digest);
                return NULL;
        }
        return digest;
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
        int added = EVP_DigestUpdate(digest->context, bytes, length);
        assert(added == 1);
        (void)added;
}

void digest_finish(struct digest *digest, uint8_t out[DIGEST_SIZE])
{
        int finished = EVP_DigestFinal_ex(digest->context, out, NULL);
        assert(finished == 1);
        (void)finished;
}

void digest_finish_text(struct digest *digest, char out[DIGEST_TEXT_SIZE])
{
        uint8_t bytes[DIGEST_SIZE];
        digest_finish(digest, bytes);
        text_hex(bytes, sizeof bytes, out);
}

void digest_destroy(struct digest *digest)
{
        if (digest == NULL)
                return;
        EVP_MD_CTX_free(digest->context);
        free(digest);
}

void digest_sha256(const void *bytes, size_t length, uint8_t out[DIGEST_SIZE])
{
        int done = EVP_Digest(bytes, length, out, NULL, EVP_sha256(), NULL);
        assert(done == 1);
        (void)done;
}

static int add_file(struct digest *digest, int file)
{
        enum { PIECE = 64 * 1024 };
        uint8_t *piece = malloc(PIECE);
        if (piece == NULL)
                return -ENOMEM;
        ssize_t count;
        while ((count = read(file, piece, PIECE)) != 0) {
                if (count > 0)
                        digest_add(digest, piece, (size_t)count);
                else if (errno != EINTR)
                        break;
        }
        int result = count < 0 ? -errno : 0;
        free(piece);
        return result;
}

int digest_file_sha256(const char *path, char hex[DIGEST_TEXT_SIZE])
{
        hex[0] = '\0';
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return -errno;
        struct digest *digest = digest_create();
        int result = digest == NULL ? -ENOMEM : add_file(digest, file);
        if (result == 0)
                digest_finish_text(digest, hex);
        digest_destroy(digest);
        close(file);
        return result;
}
