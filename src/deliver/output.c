#define _GNU_SOURCE
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

struct opened {
        int file;
        bool is_regular;
        off_t written; /* end of what is in the file */
};

struct output {
        struct opened to;
        char *path; /* NULL: standard output */
        bool is_standard, lines;
        int failed;
        size_t filled;
        char buffer[BUFFER_SIZE];
};

static bool standard_output_is_taken; /* a process has one */

static bool is_standard_output_too(const struct stat *file)
{
        struct stat standard;
        return fstat(STDOUT_FILENO, &standard) == 0 && standard.st_dev == file->st_dev && standard.st_ino == file->st_ino;
}

/* A kill may have left half a line at the end: the next one would be glued to it. */
static int cut_half_line(struct opened *to, const char *path)
{
        char block[4096];
        off_t end = to->written, at = to->written;
        int reader = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (reader < 0)
                return -errno;
        for (ssize_t count = 1; at > 0 && count > 0;) {
                off_t from = at > (off_t)sizeof block ? at - (off_t)sizeof block : 0;
                count = pread(reader, block, (size_t)(at - from), from);
                const char *newline = count > 0 ? memrchr(block, '\n', (size_t)count) : NULL;
                end = newline ? from + (newline - block) + 1 : from;
                at = newline ? 0 : from;
        }
        close(reader);
        if (end < to->written && ftruncate(to->file, end) != 0)
                return -errno;
        to->written = end;
        return 0;
}

/* The lock tells two outputs of one file from each other, in this process and in others. Where the file system has none, so
 * be it. */
static int claim_file(struct opened *to, const char *path, const struct output_settings *settings)
{
        struct stat status;
        if (fstat(to->file, &status) != 0)
                return -errno;
        to->is_regular = S_ISREG(status.st_mode);
        if (!to->is_regular)
                return 0;
        if (standard_output_is_taken && is_standard_output_too(&status))
                return -EBUSY;
        if (flock(to->file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
                return -EBUSY;
        if (!settings->append && ftruncate(to->file, 0) != 0)
                return -errno;
        to->written = settings->append ? status.st_size : 0;
        return settings->append && settings->lines ? cut_half_line(to, path) : 0;
}

static int open_standard_output(struct output *output)
{
        if (standard_output_is_taken)
                return -EBUSY;
        if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
                return -errno;
        standard_output_is_taken = true;
        output->to.file = STDOUT_FILENO;
        output->is_standard = true;
        return 0;
}

static int open_path(struct opened *to, const char *path, const struct output_settings *settings)
{
        to->file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (settings->append ? O_APPEND : 0), 0666);
        if (to->file < 0)
                return -errno;
        int result = claim_file(to, path, settings);
        if (result != 0)
                close(to->file);
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
                bool is_standard = strcmp(target, "-") == 0;
                output->path = is_standard ? NULL : strdup(target);
                if (is_standard)
                        result = open_standard_output(output);
                else if (output->path != NULL)
                        result = open_path(&output->to, target, settings);
        }
        if (result == 0) {
                *out = output;
                return 0;
        }
        if (output != NULL)
                free(output->path);
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
                ssize_t count = write(output->to.file, bytes + *done, length - *done);
                if (count >= 0) {
                        *done += (size_t)count;
                } else if (errno == EAGAIN) { /* someone made the other end of our standard output non-blocking */
                        struct pollfd ready = {.fd = output->to.file, .events = POLLOUT};
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
                if (output->to.is_regular && output->lines) {
                        size_t whole = done;
                        while (whole > 0 && bytes[whole - 1] != '\n')
                                whole--;
                        if (ftruncate(output->to.file, output->to.written + (off_t)whole) == 0)
                                done = whole;
                }
        }
        output->to.written += (off_t)done;
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

/* A lock belongs to one open file: our own would be in the way when the path still leads to the same. */
int output_reopen(struct output *output)
{
        struct output_settings settings = {.append = true, .lines = output->lines};
        struct opened next;
        if (output->is_standard)
                return output->failed;
        (void)output_flush(output);
        (void)flock(output->to.file, LOCK_UN);
        int result = open_path(&next, output->path, &settings);
        if (result != 0) {
                (void)flock(output->to.file, LOCK_EX | LOCK_NB);
                return result;
        }
        close(output->to.file);
        output->to = next;
        output->failed = 0;
        return 0;
}

const char *output_path(const struct output *output)
{
        return output->to.is_regular ? output->path : NULL;
}

int output_close(struct output *output)
{
        if (output == NULL)
                return 0;
        int result = output_flush(output);
        if (output->is_standard)
                standard_output_is_taken = false;
        else if (close(output->to.file) != 0 && result == 0)
                result = -errno;
        free(output->path);
        free(output);
        return result;
}
