/* SHA-256 of a file: of a path that can be read once more, or of what flows through a pipe while it is read. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_TEXT_SIZE = 65 };

struct stream_digest;

struct stream_digest *stream_digest_create(void); /* NULL: no memory */
void stream_digest_update(struct stream_digest *digest, const void *bytes, size_t length);
/* Hex; the digest takes nothing more. Returns `text`, or NULL when it could not be computed. */
const char *stream_digest_finish(struct stream_digest *digest, char text[DIGEST_TEXT_SIZE]);
void stream_digest_destroy(struct stream_digest *digest);

/* 0 or negative errno. */
int file_digest(const char *path, char text[DIGEST_TEXT_SIZE]);
