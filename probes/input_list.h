/* The inputs that the user named, with folders walked: recursive, entries in the order of their names' bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct listed_input {
        char *path;
        int64_t clock_offset_ns;
        uint64_t size;          /* 0 when it is no plain file */
        bool named;             /* by the user */
        bool regular;
        int problem;            /* errno of why it cannot be looked at, 0 */
        bool empty_folder;
};

struct input_list {
        struct listed_input *inputs;
        uint32_t count, room;
};

/* Takes a named path; 0 or -ENOMEM. What is wrong with the path itself is told in its entry. */
int input_list_add(struct input_list *list, const char *path, int64_t clock_offset_ns);
void input_list_clear(struct input_list *list);
