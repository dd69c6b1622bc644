/* In the place of decompressor_gzip.c when the build lacks zlib: the file is recognised and refused. */
#include "probes/decompressor.h"

#include <errno.h>

#include "probes/gzip_magic.h"

static int refuse(void **state)
{
        (void)state;
        return -ENOTSUP;
}

const struct decompressor_kind decompressor_gzip = {.name = "gzip", .matches = gzip_magic_matches, .create = refuse};
