/* Memory for a library that takes a hundred thousand small pieces as it starts and gives them back one by one at its end (nDPI
 * and its lists of addresses): they stand in one row, without malloc's bookkeeping, and go together.
 *
 * What such a library is told to call for memory knows no context: this belongs to the process. Not for several threads. */
#pragma once

#include <stddef.h>

struct start_memory;

/* From now on start_memory_take takes from it. NULL: no memory; then malloc is asked all the time. */
struct start_memory *start_memory_begin(void);
void start_memory_end(void);

/* Nothing of it is needed any more. NULL is taken too. */
void start_memory_destroy(struct start_memory *start);

/* Like malloc and free. */
void *start_memory_take(size_t size);
void start_memory_give(void *memory);
