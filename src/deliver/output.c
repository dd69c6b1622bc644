#include "deliver/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 256 * 1024 };

struct output {
        int file;
        bool is_standard, is_regular, lines;
        int failed;
        size_t filled;
        off_t written; /* end of what is in the file */
        char buffer[BUFFER_SIZE];
};

static bool standard_output_is_taken; /* a process has one */

static bool is_standard_output_too(const struct stat *file)
{
        struct stat standard;
        return fstat(STDOUT_FILENO, &standard) == 0 && standard.st_dev == file->st_dev && standard.st_ino == file->st_ino;
}

/* The lock tells two outputs of one file from each other, in this process and in others. Where the file system has none, so
 * be it. */
static int claim_file(struct output *output, const struct output_settings *settings)
{
        struct stat status;
        if (fstat(output->file, &status) != 0)
                return -errno;
        output->is_regular = S_ISREG(status.st_mode);
        if (!output->is_regular)
                return 0;
        if (standard_output_is_taken && is_standard_output_too(&status))
                return -EBUSY;
        if (flock(output->file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
                return -EBUSY;
        if (!settings->append && ftruncate(output->file, 0) != 0)
                return -errno;
        output->written = settings->append ? status.st_size : 0;
        return 0;
}

static int open_standard_output(struct output *output)
{
        if (standard_output_is_taken)
                return -EBUSY;
        if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
                return -errno;
        standard_output_is_taken = true;
        output->file = STDOUT_FILENO;
        output->is_standard = true;
        return 0;
}

static int open_path(struct output *output, const char *path, const struct output_settings *settings)
{
        output->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (settings->append ? O_APPEND : 0), 0666);
        if (output->file < 0)
                return -errno;
        int result = claim_file(output, settings);
        if (result != 0)
                close(output->file);
        return result;
}

int output_open(struct output **out, const char *target, const struct output_settings *settings, char *error,
                unsigned error_size)
{
        struct output *output = malloc(sizeof *output);
        int result = -ENOMEM;
        if (output != NULL) {
                memset(output, 0, offsetof(struct output, buffer));
                output->lines = settings->lines;
                result = strcmp(target, "-") == 0 ? open_standard_output(output) : open_path(output, target, settings);
        }
        if (result == 0) {
                *out = output;
                return 0;
        }
        free(output);
        const char *name = strcmp(target, "-") == 0 ? "standard output" : target;
        if (result == -EBUSY)
                snprintf(error, error_size, "cannot write %s: it is in use, as another output or as what is read", name);
        else
                snprintf(error, error_size, "cannot write %s: %s", name, strerror(-result));
        return result;
}

static int write_all(struct output *output, const char *bytes, size_t length, size_t *done)
{
        for (*done = 0; *done < length;) {
                ssize_t count = write(output->file, bytes + *done, length - *done);
                if (count >= 0) {
                        *done += (size_t)count;
                } else if (errno == EAGAIN) { /* someone made the other end of our standard output non-blocking */
                        struct pollfd ready = {.fd = output->file, .events = POLLOUT};
                        (void)poll(&ready, 1, -1);
                } else if (errno != EINTR) {
                        return -errno;
                }
        }
        return 0;
}

static int write_out(struct output *output, const char *bytes, size_t length)
{
        size_t done;
        int result = write_all(output, bytes, length, &done);
        if (result < 0) {
                output->failed = result;
                if (output->is_regular && output->lines) {
                        size_t whole = done;
                        while (whole > 0 && bytes[whole - 1] != '\n')
                                whole--;
                        (void)!ftruncate(output->file, output->written + (off_t)whole);
                }
        }
        output->written += (off_t)done;
        return result;
}

int output_flush(struct output *output)
{
        if (output->failed || output->filled == 0)
                return output->failed;
        size_t filled = output->filled;
        output->filled = 0;
        return write_out(output, output->buffer, filled);
}

int output_write(struct output *output, const void *bytes, size_t length)
{
        if (output->failed)
                return output->failed;
        if (length > BUFFER_SIZE - output->filled) {
                int result = output_flush(output);
                if (result < 0)
                        return result;
                if (length > BUFFER_SIZE)
                        return write_out(output, bytes, length);
        }
        memcpy(output->buffer + output->filled, bytes, length);
        output->filled += length;
        return 0;
}

int output_close(struct output *output)
{
        if (output == NULL)
                return 0;
        int result = output_flush(output);
        if (output->is_standard)
                standard_output_is_taken = false;
        else if (close(output->file) != 0 && result == 0)
                result = -errno;
        free(output);
        return result;
}
