#include "probes/decompressor.h"

static const struct decompressor_kind *const kinds[] = {&decompressor_gzip, &decompressor_zstd, &decompressor_xz};

const struct decompressor_kind *decompressor_find(const uint8_t *bytes, size_t length)
{
        if (length < DECOMPRESSOR_MAGIC_SIZE)
                return NULL;
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
                if (kinds[i]->matches(bytes))
                        return kinds[i];
        return NULL;
}
