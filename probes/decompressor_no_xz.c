/* In the place of decompressor_xz.c when the build lacks liblzma: the file is recognised and refused. */
#include "probes/decompressor.h"

#include <errno.h>

#include "probes/xz_magic.h"

static int refuse(void **state)
{
        (void)state;
        return -ENOTSUP;
}

const struct decompressor_kind decompressor_xz = {.name = "xz", .matches = xz_magic_matches, .create = refuse};
