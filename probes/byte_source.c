#include "probes/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/decompressor.h"

static int open_plain(const char *path, const struct byte_source_settings *settings, struct byte_source **out)
{
        if (strcmp(path, "-") == 0) {
                int standard_input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
                return standard_input < 0 ? -errno : byte_source_read(standard_input, settings, out);
        }
        int descriptor = open(path, O_RDONLY | O_CLOEXEC);
        struct stat status;
        if (descriptor < 0)
                return -errno;
        if (fstat(descriptor, &status) != 0) {
                int result = -errno;
                close(descriptor);
                return result;
        }
        if (S_ISREG(status.st_mode) && settings->map)
                return byte_source_map(descriptor, (uint64_t)status.st_size, settings, out);
        int result = byte_source_read(descriptor, settings, out);
        if (result == 0)
                (*out)->seekable = S_ISREG(status.st_mode);
        return result;
}

int byte_source_open(const char *path, const struct byte_source_settings *settings, struct byte_source **out)
{
        struct byte_source *plain = NULL;
        int result = open_plain(path, settings, &plain);
        if (plain == NULL)
                return result;
        byte_source_need(plain, DECOMPRESSOR_MAGIC_SIZE);
        const struct decompressor_kind *kind = decompressor_find(plain->at, byte_source_left(plain));
        if (kind != NULL)
                return byte_source_decompress(plain, kind, settings, out);
        *out = plain;
        return 0;
}

void byte_source_close(struct byte_source *source)
{
        if (source != NULL)
                source->kind->close(source);
}
