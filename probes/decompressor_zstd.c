#include "probes/decompressor.h"

#include <errno.h>
#include <zstd.h>

#include "probes/zstd_magic.h"

static int zstd_create(void **state)
{
        /* Its default refuses windows above 128 MiB (made with --ultra --long=31), which bounds the memory. */
        *state = ZSTD_createDStream();
        return *state != NULL ? 0 : -ENOMEM;
}

static enum decompress_state zstd_step(void *state, struct decompress_step *step)
{
        ZSTD_inBuffer in = {.src = step->in, .size = (size_t)(step->in_end - step->in), .pos = 0};
        ZSTD_outBuffer out = {.dst = step->out, .size = (size_t)(step->out_end - step->out), .pos = 0};
        size_t result = ZSTD_decompressStream(state, &out, &in);
        step->in += in.pos;
        step->out += out.pos;
        if (ZSTD_isError(result)) {
                step->reason = ZSTD_getErrorName(result);
                return DECOMPRESS_DAMAGED;
        }
        return result == 0 ? DECOMPRESS_MEMBER_END : DECOMPRESS_MORE;
}

static size_t zstd_memory(const void *state)
{
        return ZSTD_sizeof_DStream(state);
}

static void zstd_destroy(void *state)
{
        ZSTD_freeDStream(state);
}

const struct decompressor_kind decompressor_zstd = {
        .name = "zstd", .matches = zstd_magic_matches, .create = zstd_create, .step = zstd_step, .memory = zstd_memory,
        .destroy = zstd_destroy,
};
