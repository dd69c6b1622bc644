/* In the place of decompressor_zstd.c when the build lacks libzstd: the file is recognised and refused. */
#include "probes/decompressor.h"

#include <errno.h>

#include "probes/zstd_magic.h"

static int refuse(void **state)
{
        (void)state;
        return -ENOTSUP;
}

const struct decompressor_kind decompressor_zstd = {.name = "zstd", .matches = zstd_magic_matches, .create = refuse};
