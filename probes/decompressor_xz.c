#include "probes/decompressor.h"

#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "probes/xz_magic.h"

static const uint64_t memory_limit = 256 << 20; /* the largest preset, -9, needs 65 MiB */

static int xz_create(void **state)
{
        lzma_stream *stream = calloc(1, sizeof *stream);
        if (stream == NULL)
                return -ENOMEM;
        if (lzma_stream_decoder(stream, memory_limit, LZMA_CONCATENATED) != LZMA_OK) {
                free(stream);
                return -ENOMEM;
        }
        *state = stream;
        return 0;
}

static const char *reason_of(lzma_ret result)
{
        switch (result) {
        case LZMA_MEM_ERROR:
                return "no memory";
        case LZMA_MEMLIMIT_ERROR:
                return "needs more than 256 MiB of memory";
        case LZMA_FORMAT_ERROR:
                return "something else follows the compressed data";
        case LZMA_OPTIONS_ERROR:
                return "made with options that are not supported";
        default:
                return "corrupt data";
        }
}

static enum decompress_state xz_step(void *state, struct decompress_step *step)
{
        lzma_stream *stream = state;
        stream->next_in = step->in;
        stream->avail_in = (size_t)(step->in_end - step->in);
        stream->next_out = step->out;
        stream->avail_out = (size_t)(step->out_end - step->out);
        lzma_ret result = lzma_code(stream, step->last && stream->avail_in == 0 ? LZMA_FINISH : LZMA_RUN);
        step->in = stream->next_in;
        step->out = stream->next_out;
        if (result == LZMA_STREAM_END)
                return DECOMPRESS_MEMBER_END;
        if (result == LZMA_OK || result == LZMA_BUF_ERROR)
                return DECOMPRESS_MORE;
        step->reason = reason_of(result);
        return DECOMPRESS_DAMAGED;
}

static size_t xz_memory(const void *state)
{
        return lzma_memusage(state);
}

static void xz_destroy(void *state)
{
        lzma_end(state);
        free(state);
}

const struct decompressor_kind decompressor_xz = {
        .name = "xz", .matches = xz_magic_matches, .create = xz_create, .step = xz_step, .memory = xz_memory,
        .destroy = xz_destroy,
};
