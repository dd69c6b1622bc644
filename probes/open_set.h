/* Which inputs of a merge are open, and which are closed again when that is too many of them, of descriptors, or of memory:
 * those whose next frame is furthest away, an eighth at a time. What cannot be read twice stays open. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct file_input;
struct file_input_shared;

struct open_set {
        struct file_input **inputs;
        uint32_t count, max;
        uint32_t descriptors, descriptors_max;
        size_t memory, memory_max;
};

/* For `inputs` inputs in all; 0 or -ENOMEM. */
int open_set_init(struct open_set *set, uint32_t inputs, uint32_t max, uint32_t descriptors_max);
void open_set_clear(struct open_set *set);

/* Before another one is opened. */
void open_set_make_room(struct open_set *set, struct file_input_shared *shared);
void open_set_add(struct open_set *set, struct file_input *input);
/* After it was read from: its memory may have changed. */
void open_set_update(struct open_set *set, struct file_input *input);
void open_set_remove(struct open_set *set, struct file_input *input);
