#include <stdlib.h>

#include "dissectors/location/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct position found[8];
        for (enum content_kind kind = CONTENT_ANY; kind <= CONTENT_LINES; kind++) {
                unsigned count = content_find(kind, cursor_of(data, size), found, 8);
                for (unsigned i = 0; i < count; i++)
                        if (found[i].found.at < data || found[i].found.end > data + size || (!found[i].has_coordinates && !found[i].has_cell))
                                abort();
        }
        return 0;
}
