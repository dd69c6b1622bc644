#define _GNU_SOURCE
#include "deliver/last_alert.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_REACH = 64 * 1024 };

static bool take_line(const char *line, size_t length, const char *member, char id[33], uint32_t *revision)
{
        json_t *root = json_loadb(line, length, 0, NULL);
        const json_t *alert = member ? json_object_get(root, member) : root;
        const char *text = json_string_value(json_object_get(alert, "id"));
        const json_t *number = json_object_get(alert, "revision");
        json_int_t value = json_is_integer(number) ? json_integer_value(number) : -1;
        bool is_one = text != NULL && strlen(text) == 32 && value >= 0 && value <= UINT32_MAX;
        if (is_one) {
                memcpy(id, text, 33);
                *revision = (uint32_t)value;
        }
        json_decref(root);
        return is_one;
}

/* From the last line upwards. The first line of `text` may lack its beginning. */
static bool search(const char *text, size_t length, bool is_whole, const char *member, char id[33], uint32_t *revision)
{
        const char *end = memrchr(text, '\n', length);
        while (end != NULL) {
                const char *before = memrchr(text, '\n', (size_t)(end - text));
                const char *line = before ? before + 1 : text;
                if ((before != NULL || is_whole) && take_line(line, (size_t)(end - line), member, id, revision))
                        return true;
                end = before;
        }
        return false;
}

static bool search_end(int file, off_t size, off_t reach, const char *member, char id[33], uint32_t *revision)
{
        off_t from = size > reach ? size - reach : 0;
        char *text = malloc((size_t)(size - from) + 1);
        ssize_t length = text ? pread(file, text, (size_t)(size - from), from) : -1;
        bool found = length > 0 && search(text, (size_t)length, from == 0, member, id, revision);
        free(text);
        return found;
}

bool last_alert_find(const char *path, const char *member, char id[33], uint32_t *revision)
{
        struct stat status;
        bool found = false;
        int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file < 0)
                return false;
        if (fstat(file, &status) == 0 && S_ISREG(status.st_mode))
                for (off_t reach = FIRST_REACH; !found && reach <= LAST_ALERT_REACH; reach *= 4) {
                        found = search_end(file, status.st_size, reach, member, id, revision);
                        if (reach >= status.st_size)
                                break;
                }
        close(file);
        return found;
}
