#include "base/wide_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Small pages: of the processor, or larger ones that still divide it. */
static size_t mapped_size(size_t size)
{
        enum { PAGE = 64 << 10 };
        return (size + PAGE - 1) / PAGE * PAGE;
}

void *wide_memory_take(size_t size)
{
        if (size < WIDE_PAGE)
                return calloc(1, size);
        size_t length = mapped_size(size);
        char *mapped = mmap(NULL, length + WIDE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED)
                return NULL;
        size_t before = (WIDE_PAGE - (uintptr_t)mapped % WIDE_PAGE) % WIDE_PAGE;
        if (before > 0)
                (void)munmap(mapped, before);
        if (before < WIDE_PAGE)
                (void)munmap(mapped + before + length, WIDE_PAGE - before);
        (void)madvise(mapped + before, length / WIDE_PAGE * WIDE_PAGE, MADV_HUGEPAGE);
        return mapped + before;
}

void wide_memory_give(void *memory, size_t size)
{
        if (size < WIDE_PAGE)
                free(memory);
        else if (memory != NULL)
                (void)munmap(memory, mapped_size(size));
}
