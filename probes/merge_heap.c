#include "probes/merge_heap.h"

#include <errno.h>
#include <stdlib.h>

int merge_heap_init(struct merge_heap *heap, uint32_t files)
{
        heap->count = 0;
        heap->entries = calloc(files ? files : 1, sizeof *heap->entries);
        return heap->entries != NULL ? 0 : -ENOMEM;
}

void merge_heap_clear(struct merge_heap *heap)
{
        free(heap->entries);
        *heap = (struct merge_heap){0};
}

static void sift_down(struct merge_heap *heap)
{
        struct merge_entry moving = heap->entries[0];
        uint32_t at = 0;
        for (;;) {
                uint32_t child = 2 * at + 1;
                if (child >= heap->count)
                        break;
                if (child + 1 < heap->count && merge_entry_before(&heap->entries[child + 1], &heap->entries[child]))
                        child++;
                if (!merge_entry_before(&heap->entries[child], &moving))
                        break;
                heap->entries[at] = heap->entries[child];
                at = child;
        }
        heap->entries[at] = moving;
}

void merge_heap_push(struct merge_heap *heap, struct merge_entry entry)
{
        uint32_t at = heap->count++;
        while (at > 0 && merge_entry_before(&entry, &heap->entries[(at - 1) / 2])) {
                heap->entries[at] = heap->entries[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        heap->entries[at] = entry;
}

void merge_heap_pop(struct merge_heap *heap)
{
        heap->entries[0] = heap->entries[--heap->count];
        if (heap->count > 0)
                sift_down(heap);
}

void merge_heap_update(struct merge_heap *heap, int64_t time_ns)
{
        heap->entries[0].time_ns = time_ns;
        sift_down(heap);
}

const struct merge_entry *merge_heap_second(const struct merge_heap *heap)
{
        if (heap->count < 2)
                return NULL;
        if (heap->count == 2 || merge_entry_before(&heap->entries[1], &heap->entries[2]))
                return &heap->entries[1];
        return &heap->entries[2];
}
