/* A file mapped whole, of which only a window is in memory: pages are fetched a window ahead in one call and let go when the
 * frames in them have been used up. A reader asks for more only when all frames that it read before have been handed over;
 * so what lay behind it in an earlier batch is free. The descriptor is closed at once: ten thousand mapped files cost none.
 *
 * Left out: a file that someone else makes shorter within the window that is being read (SIGBUS). One that became shorter
 * before its next window is noticed, because the fetch fails. */
#include "probes/byte_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22   /* Linux 5.14; older kernels refuse it and fault the pages in one by one */
#endif

struct mapped_source {
        struct byte_source source;
        uint8_t *map;           /* NULL when the file is empty */
        uint64_t map_size;
        uint64_t size;          /* that can be read: smaller once a fetch failed */
        size_t window;          /* a multiple of the page size */
        uint64_t released;      /* bytes let go, from the start */
        const uint64_t *batch;
        uint64_t mark_batch, mark; /* where the reader stood when it first asked for more in that batch */
        size_t page;
};

static void release_behind(struct mapped_source *mapped)
{
        if (mapped->batch == NULL || *mapped->batch == mapped->mark_batch)
                return;
        uint64_t until = mapped->mark - mapped->mark % mapped->page;
        if (until > mapped->released) {
                madvise(mapped->map + mapped->released, until - mapped->released, MADV_DONTNEED);
                mapped->released = until;
        }
        mapped->mark_batch = *mapped->batch;
        mapped->mark = byte_source_offset(&mapped->source);
}

static enum source_state mapped_fill(struct byte_source *source, size_t need)
{
        struct mapped_source *mapped = (struct mapped_source *)source;
        uint64_t at = byte_source_offset(source), end = source->end_offset, target = end + mapped->window;
        if (target < at + need)
                target = at + need;
        if (target > mapped->size)
                target = mapped->size;
        if (target > end) {
                uint64_t from = end - end % mapped->page;
                if (madvise(mapped->map + from, target - from, MADV_POPULATE_READ) != 0 && (errno == EFAULT || errno == EIO)) {
                        source->fault.truncated = false;
                        source->fault.offset = end;
                        strcpy(source->fault.reason, "the file cannot be read, or became shorter meanwhile");
                        mapped->size = end;
                        return SOURCE_SHORT;
                }
                source->end = mapped->map + target;
                source->end_offset = target;
                release_behind(mapped);
        }
        return byte_source_left(source) >= need ? SOURCE_READY : SOURCE_SHORT;
}

static int mapped_seek(struct byte_source *source, uint64_t offset)
{
        struct mapped_source *mapped = (struct mapped_source *)source;
        if (mapped->map == NULL)
                return 0;
        if (offset > mapped->size)
                offset = mapped->size;
        source->at = source->end = mapped->map + offset;
        source->end_offset = offset;
        mapped->released = mapped->mark = offset - offset % mapped->page;
        return 0;
}

static uint64_t mapped_disk_offset(const struct byte_source *source)
{
        return byte_source_offset(source);
}

static size_t mapped_memory(const struct byte_source *source)
{
        (void)source;
        return sizeof(struct mapped_source);
}

static void mapped_close(struct byte_source *source)
{
        struct mapped_source *mapped = (struct mapped_source *)source;
        if (mapped->map != NULL)
                munmap(mapped->map, mapped->map_size);
        free(mapped);
}

static const struct byte_source_kind mapped_kind = {
        .fill = mapped_fill, .seek = mapped_seek, .disk_offset = mapped_disk_offset, .memory = mapped_memory,
        .close = mapped_close,
};

int byte_source_map(int descriptor, uint64_t size, const struct byte_source_settings *settings, struct byte_source **out)
{
        struct mapped_source *mapped = calloc(1, sizeof *mapped);
        int result = mapped != NULL ? 0 : -ENOMEM;
        if (result == 0 && size > 0) {
                mapped->map = size <= SIZE_MAX ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, descriptor, 0) : MAP_FAILED;
                if (mapped->map == MAP_FAILED) {
                        /* A file system without mappings, or too many of them: read it. */
                        free(mapped);
                        result = byte_source_read(descriptor, settings, out);
                        if (result == 0)
                                (*out)->seekable = true;
                        return result;
                }
                madvise(mapped->map, size, MADV_SEQUENTIAL);
        }
        close(descriptor);
        if (result != 0)
                return result;
        mapped->batch = settings->batch;
        mapped->page = (size_t)sysconf(_SC_PAGESIZE);
        mapped->window = settings->window < mapped->page ? mapped->page : settings->window - settings->window % mapped->page;
        mapped->size = mapped->map_size = size;
        mapped->source = (struct byte_source){.at = mapped->map, .end = mapped->map, .steady = true, .seekable = true,
                                              .kind = &mapped_kind};
        *out = &mapped->source;
        return 0;
}
