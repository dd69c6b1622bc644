#include "sense/start_memory.h"

#include <stdint.h>
#include <stdlib.h>

enum { ROW_SIZE = 16 << 20, ALIGNMENT = 16 }; /* nDPI 4.2 needs 5 MiB; what is not used is never touched */

struct start_memory {
        struct start_memory *next;
        size_t used;
        _Alignas(ALIGNMENT) uint8_t row[ROW_SIZE];
};

static struct start_memory *all, *current;

struct start_memory *start_memory_begin(void)
{
        struct start_memory *start = malloc(sizeof *start);
        if (start == NULL)
                return NULL;
        start->used = 0;
        start->next = all;
        all = current = start;
        return start;
}

void start_memory_end(void)
{
        current = NULL;
}

void start_memory_destroy(struct start_memory *start)
{
        struct start_memory **link = &all;
        if (start == NULL)
                return;
        while (*link != start)
                link = &(*link)->next;
        *link = start->next;
        free(start);
}

void *start_memory_take(size_t size)
{
        size_t room = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
        if (current == NULL || room < size || room > ROW_SIZE - current->used)
                return malloc(size);
        uint8_t *memory = current->row + current->used;
        current->used += room;
        return memory;
}

void start_memory_give(void *memory)
{
        for (const struct start_memory *start = all; start != NULL; start = start->next)
                if ((uintptr_t)memory - (uintptr_t)start->row < ROW_SIZE)
                        return;
        free(memory);
}
