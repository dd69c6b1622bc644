/* SHA-256, as file digests and identities use it (OpenSSL behind it). Link with $(CRYPTO_LIBS). */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 65 };

/* Grows with what is added; NULL: no memory. A digest may be read once, by digest_finish or digest_finish_text. */
struct digest;
struct digest *digest_create(void);
void digest_add(struct digest *digest, const void *bytes, size_t length);
void digest_finish(struct digest *digest, uint8_t out[DIGEST_SIZE]);
void digest_finish_text(struct digest *digest, char out[DIGEST_TEXT_SIZE]); /* lower-case hex */
void digest_destroy(struct digest *digest);

/* Of bytes at hand. */
void digest_sha256(const void *bytes, size_t length, uint8_t out[DIGEST_SIZE]);

/* Of a whole file, read in pieces. 0 or negative errno; `hex` is empty then. */
int digest_file_sha256(const char *path, char hex[DIGEST_TEXT_SIZE]);
