#include "probes/open_set.h"

#include <errno.h>
#include <stdlib.h>

#include "probes/file_input.h"

enum { CLOSED_AT_ONCE = 8 };    /* an eighth */

static const size_t memory_max = 512 << 20;

int open_set_init(struct open_set *set, uint32_t inputs, uint32_t max, uint32_t descriptors_max)
{
        *set = (struct open_set){.max = max, .descriptors_max = descriptors_max, .memory_max = memory_max};
        set->inputs = calloc(inputs ? inputs : 1, sizeof *set->inputs);
        return set->inputs != NULL ? 0 : -ENOMEM;
}

void open_set_clear(struct open_set *set)
{
        free(set->inputs);
        *set = (struct open_set){0};
}

void open_set_add(struct open_set *set, struct file_input *input)
{
        input->slot = set->count;
        input->counted_memory = input->memory;
        input->counted_descriptor = file_input_holds_descriptor(input);
        set->inputs[set->count++] = input;
        set->memory += input->counted_memory;
        set->descriptors += input->counted_descriptor;
}

void open_set_update(struct open_set *set, struct file_input *input)
{
        set->memory += input->memory - input->counted_memory;
        input->counted_memory = input->memory;
}

void open_set_remove(struct open_set *set, struct file_input *input)
{
        set->memory -= input->counted_memory;
        set->descriptors -= input->counted_descriptor;
        set->inputs[input->slot] = set->inputs[--set->count];
        set->inputs[input->slot]->slot = input->slot;
}

/* Furthest first. */
static int compare_next(const void *a, const void *b)
{
        const struct file_input *first = *(struct file_input *const *)a, *second = *(struct file_input *const *)b;
        int64_t one = file_input_next_time(first), other = file_input_next_time(second);
        return one != other ? (one > other ? -1 : 1) : (first > second ? -1 : first < second);
}

static uint32_t close_furthest(struct open_set *set, struct file_input_shared *shared)
{
        uint32_t wanted = set->count / CLOSED_AT_ONCE + 1, closed = 0;
        qsort(set->inputs, set->count, sizeof *set->inputs, compare_next);
        for (uint32_t i = 0; i < set->count; i++)
                set->inputs[i]->slot = i;
        /* From the end: removing fills the gap with the last one, which has been looked at then. */
        for (uint32_t i = wanted < set->count ? wanted : set->count; i-- > 0;) {
                struct file_input *input = set->inputs[i];
                if (!file_input_can_suspend(input))
                        continue;
                file_input_suspend(input, shared);
                open_set_remove(set, input);
                closed++;
        }
        return closed;
}

void open_set_make_room(struct open_set *set, struct file_input_shared *shared)
{
        while (set->count >= set->max || set->descriptors >= set->descriptors_max || set->memory > set->memory_max)
                if (close_furthest(set, shared) == 0)
                        return;
}
