/* A byte source over an allocation of exactly the bytes' size, so that ASan sees every read behind them. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "probes/byte_source.h"

static inline enum source_state memory_fill(struct byte_source *source, size_t need)
{
        return byte_source_left(source) >= need ? SOURCE_READY : SOURCE_SHORT;
}

static inline uint64_t memory_disk_offset(const struct byte_source *source)
{
        return byte_source_offset(source);
}

static inline size_t memory_memory(const struct byte_source *source)
{
        (void)source;
        return 0;
}

static inline void memory_close(struct byte_source *source)
{
        free((void *)(uintptr_t)(source->end - source->end_offset));
        free(source);
}

static inline struct byte_source *memory_source(const uint8_t *bytes, size_t length)
{
        static const struct byte_source_kind kind = {
                .fill = memory_fill, .disk_offset = memory_disk_offset, .memory = memory_memory, .close = memory_close,
        };
        struct byte_source *source = calloc(1, sizeof *source);
        uint8_t *copy = malloc(length ? length : 1);
        if (source == NULL || copy == NULL)
                abort();
        if (length > 0)
                memcpy(copy, bytes, length);
        *source = (struct byte_source){.at = copy, .end = copy + length, .end_offset = length, .steady = true, .kind = &kind};
        return source;
}
