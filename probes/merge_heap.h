/* Which of many files has the earliest frame; at equal times the file that was named first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct merge_entry {
        int64_t time_ns;
        uint32_t file;
};

struct merge_heap {
        struct merge_entry *entries; /* [0] is the earliest */
        uint32_t count;
};

static inline bool merge_entry_before(const struct merge_entry *a, const struct merge_entry *b)
{
        return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->file < b->file;
}

/* Room for `files` entries; 0 or -ENOMEM. */
int merge_heap_init(struct merge_heap *heap, uint32_t files);
void merge_heap_clear(struct merge_heap *heap);
void merge_heap_push(struct merge_heap *heap, struct merge_entry entry);
void merge_heap_pop(struct merge_heap *heap);
/* The earliest entry has a new time. */
void merge_heap_update(struct merge_heap *heap, int64_t time_ns);
/* The second earliest, NULL when there is only one. */
const struct merge_entry *merge_heap_second(const struct merge_heap *heap);
