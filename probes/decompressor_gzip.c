#include "probes/decompressor.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "probes/gzip_magic.h"

struct gzip_state {
        z_stream stream;
        bool between_members;
};

static int gzip_create(void **state)
{
        struct gzip_state *gzip = calloc(1, sizeof *gzip);
        if (gzip == NULL)
                return -ENOMEM;
        if (inflateInit2(&gzip->stream, 16 + MAX_WBITS) != Z_OK) {
                free(gzip);
                return -ENOMEM;
        }
        *state = gzip;
        return 0;
}

/* Tapes and some tools pad the file with zeros behind the last member. */
static bool skip_padding(struct gzip_state *gzip, struct decompress_step *step)
{
        while (step->in < step->in_end && *step->in == 0)
                step->in++;
        if (step->in == step->in_end)
                return false;
        gzip->between_members = false;
        inflateReset(&gzip->stream);
        return true;
}

static enum decompress_state gzip_step(void *state, struct decompress_step *step)
{
        struct gzip_state *gzip = state;
        if (gzip->between_members && !skip_padding(gzip, step))
                return DECOMPRESS_MEMBER_END;
        z_stream *stream = &gzip->stream;
        size_t in = (size_t)(step->in_end - step->in), out = (size_t)(step->out_end - step->out);
        stream->next_in = (Bytef *)(uintptr_t)step->in; /* zlib's struct lacks the const */
        stream->avail_in = in > UINT_MAX ? UINT_MAX : (uInt)in;
        stream->next_out = step->out;
        stream->avail_out = out > UINT_MAX ? UINT_MAX : (uInt)out;
        int result = inflate(stream, Z_NO_FLUSH);
        step->in = stream->next_in;
        step->out = stream->next_out;
        if (result == Z_STREAM_END) {
                gzip->between_members = true;
                return DECOMPRESS_MEMBER_END;
        }
        if (result == Z_OK || result == Z_BUF_ERROR)
                return DECOMPRESS_MORE;
        step->reason = stream->msg ? stream->msg : "invalid data";
        return DECOMPRESS_DAMAGED;
}

static size_t gzip_memory(const void *state)
{
        (void)state;
        return 48 << 10; /* the window of 32 KiB and the tables, as zlib's documentation has it */
}

static void gzip_destroy(void *state)
{
        struct gzip_state *gzip = state;
        inflateEnd(&gzip->stream);
        free(gzip);
}

const struct decompressor_kind decompressor_gzip = {
        .name = "gzip", .matches = gzip_magic_matches, .create = gzip_create, .step = gzip_step, .memory = gzip_memory,
        .destroy = gzip_destroy,
};
