#include "probes/input_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDER_DEPTH_MAX = 64 };

static struct listed_input *add_entry(struct input_list *list, const char *path, int64_t clock_offset_ns)
{
        if (list->count == list->room) {
                uint32_t room = list->room ? 2 * list->room : 16;
                struct listed_input *grown = realloc(list->inputs, room * sizeof *grown);
                if (grown == NULL)
                        return NULL;
                list->inputs = grown;
                list->room = room;
        }
        char *copy = strdup(path);
        if (copy == NULL)
                return NULL;
        struct listed_input *input = &list->inputs[list->count++];
        *input = (struct listed_input){.path = copy, .clock_offset_ns = clock_offset_ns};
        return input;
}

static int add_problem(struct input_list *list, const char *path, int64_t clock_offset_ns, int problem)
{
        struct listed_input *input = add_entry(list, path, clock_offset_ns);
        if (input == NULL)
                return -ENOMEM;
        input->problem = problem;
        return 0;
}

static void describe(struct listed_input *input, const struct stat *status)
{
        input->regular = S_ISREG(status->st_mode);
        input->size = input->regular ? (uint64_t)status->st_size : 0;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

static char *join(const char *folder, const char *name)
{
        size_t length = strlen(folder), size = length + 1 + strlen(name) + 1;
        char *path = malloc(size);
        if (path != NULL)
                snprintf(path, size, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", name);
        return path;
}

static int walk_folder(struct input_list *list, const char *folder, int64_t clock_offset_ns, unsigned depth);

/* Links to files are followed, links to folders are not: they may lead in circles. */
static int walk_entry(struct input_list *list, const char *path, int64_t clock_offset_ns, unsigned depth)
{
        struct stat link, status;
        if (lstat(path, &link) != 0 || stat(path, &status) != 0)
                return add_problem(list, path, clock_offset_ns, errno);
        if (S_ISDIR(status.st_mode))
                return S_ISLNK(link.st_mode) ? 0 : walk_folder(list, path, clock_offset_ns, depth + 1);
        struct listed_input *input = add_entry(list, path, clock_offset_ns);
        if (input == NULL)
                return -ENOMEM;
        describe(input, &status);
        return 0;
}

static int walk_folder(struct input_list *list, const char *folder, int64_t clock_offset_ns, unsigned depth)
{
        if (depth > FOLDER_DEPTH_MAX)
                return add_problem(list, folder, clock_offset_ns, ELOOP);
        struct dirent **entries;
        int count = scandir(folder, &entries, NULL, NULL), result = 0;
        if (count < 0)
                return add_problem(list, folder, clock_offset_ns, errno);
        qsort(entries, (size_t)count, sizeof *entries, compare_names);
        for (int i = 0; i < count; i++) {
                const char *name = entries[i]->d_name;
                if (result == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
                        char *path = join(folder, name);
                        result = path == NULL ? -ENOMEM : walk_entry(list, path, clock_offset_ns, depth);
                        free(path);
                }
                free(entries[i]);
        }
        free(entries);
        return result;
}

static int add_folder(struct input_list *list, const char *path, int64_t clock_offset_ns)
{
        uint32_t before = list->count;
        int result = walk_folder(list, path, clock_offset_ns, 0);
        if (result != 0)
                return result;
        if (list->count == before) {
                struct listed_input *input = add_entry(list, path, clock_offset_ns);
                if (input == NULL)
                        return -ENOMEM;
                input->empty_folder = input->named = true;
        }
        /* A folder that cannot be walked stands for itself. */
        if (list->count == before + 1 && strcmp(list->inputs[before].path, path) == 0)
                list->inputs[before].named = true;
        return 0;
}

int input_list_add(struct input_list *list, const char *path, int64_t clock_offset_ns)
{
        struct stat status = {0};
        bool standard_input = strcmp(path, "-") == 0;
        int problem = !standard_input && stat(path, &status) != 0 ? errno : 0;
        if (problem == 0 && S_ISDIR(status.st_mode))
                return add_folder(list, path, clock_offset_ns);
        struct listed_input *input = add_entry(list, path, clock_offset_ns);
        if (input == NULL)
                return -ENOMEM;
        input->named = true;
        input->problem = problem;
        if (problem == 0 && !standard_input)
                describe(input, &status);
        return 0;
}

void input_list_clear(struct input_list *list)
{
        for (uint32_t i = 0; i < list->count; i++)
                free(list->inputs[i].path);
        free(list->inputs);
        *list = (struct input_list){0};
}
