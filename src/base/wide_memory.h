/* Zeroed memory of tables whose records are met at random: where it is large, in pages of 2 MiB if the kernel has them (transparent
 * huge pages, "madvise" or "always"), since else the walk of the page tables costs as much as the record. It takes room as it is
 * touched. */
#pragma once

#include <stddef.h>

enum { WIDE_PAGE = 2 << 20 };

void *wide_memory_take(size_t size); /* NULL: there is none */
void wide_memory_give(void *memory, size_t size); /* of the same size; NULL is fine */
