/* JSON lines on standard input in an order and shape that two runs can be compared by: keys sorted, one object a line, lines
 * sorted, a sensor's made-up name ("read-" and a hash of its inputs) left out, files without their folders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static void cut_folder(json_t *evidence)
{
        const char *file = json_string_value(json_object_get(evidence, "file"));
        const char *slash = file ? strrchr(file, '/') : NULL;
        if (slash)
                json_object_set_new(evidence, "file", json_string(slash + 1));
}

static void normalise(json_t *object)
{
        size_t index;
        json_t *evidence;
        const char *sensor = json_string_value(json_object_get(object, "sensor"));
        if (sensor && strncmp(sensor, "read-", 5) == 0)
                json_object_del(object, "sensor");
        json_array_foreach(json_object_get(object, "evidence"), index, evidence)
                cut_folder(evidence);
        if (json_object_get(object, "apnwatch"))
                normalise(json_object_get(object, "apnwatch"));
}

static int compare_lines(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted_line(const char *line, size_t number)
{
        json_error_t error;
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        if (object == NULL) {
                fprintf(stderr, "line %zu: %s\n", number, error.text);
                return NULL;
        }
        normalise(object);
        char *sorted = json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(15));
        json_decref(object);
        return sorted;
}

static int write_sorted(void)
{
        char *line = NULL, **lines = NULL;
        size_t size = 0, count = 0;
        int result = 0;
        while (result == 0 && getline(&line, &size, stdin) > 0) {
                char **more = realloc(lines, (count + 1) * sizeof *lines);
                char *sorted = more ? sorted_line(line, count + 1) : NULL;
                lines = more ? more : lines;
                if (sorted)
                        lines[count++] = sorted;
                else
                        result = 1;
        }
        if (count > 0)
                qsort(lines, count, sizeof *lines, compare_lines);
        for (size_t i = 0; i < count; i++) {
                puts(lines[i]);
                free(lines[i]);
        }
        free(lines);
        free(line);
        return result;
}

int main(void)
{
        return write_sorted();
}
