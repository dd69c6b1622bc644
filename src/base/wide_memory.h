/* Zeroed memory of tables whose records are met at random: where it is large, in pages of 2 MiB if the kernel has them (transparent
 * huge pages, "madvise" or "always"), since else the walk of the page tables costs as much as the record. It takes room as it is
 * touched. */
#pragma once

#include <stddef.h>

enum { WIDE_PAGE = 2 << 20 };

void *wide_memory_take(size_t size); /* NULL: there is none */
void wide_memory_give(void *memory, size_t size); /* of the same size; NULL is fine */

/* The next `size` bytes of malloc's heap in such pages too: before somebody takes very many small pieces. At most 31 MiB; from then on
 * malloc keeps up to twice as much of what was given back at the heap's end. */
void wide_memory_grow_heap(size_t size);
