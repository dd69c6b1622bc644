/* A way to decompress a stream. One file a kind; a library that this build lacks has a file in its place that says so. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DECOMPRESSOR_MAGIC_SIZE = 6 };

enum decompress_state {
        DECOMPRESS_MORE,        /* wants more input or more room */
        DECOMPRESS_MEMBER_END,  /* a member (gzip) or frame (zstd) is complete; another one may follow */
        DECOMPRESS_DAMAGED,     /* the reason is in `reason` */
};

struct decompress_step {
        const uint8_t *in, *in_end;     /* advanced over what was used */
        uint8_t *out, *out_end;         /* advanced over what was written */
        bool last;                      /* no input comes after this */
        const char *reason;
};

struct decompressor_kind {
        const char *name;
        bool (*matches)(const uint8_t magic[DECOMPRESSOR_MAGIC_SIZE]);
        int (*create)(void **state);    /* 0 or negative errno */
        enum decompress_state (*step)(void *state, struct decompress_step *step);
        size_t (*memory)(const void *state);
        void (*destroy)(void *state);
};

extern const struct decompressor_kind decompressor_gzip, decompressor_zstd, decompressor_xz;

/* The kind whose magic these bytes begin with, or NULL. */
const struct decompressor_kind *decompressor_find(const uint8_t *bytes, size_t length);
