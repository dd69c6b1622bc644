/* A file or standard output that is written through one large buffer. What is handed over at once (a line, a record) is one
 * piece: it is not torn by the end of the buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct output;

struct output_settings {
        bool append; /* behind what is there; else the file begins anew */
        bool lines;  /* half a line at the end is taken back: when the disk is full, and with `append` when a kill left it */
};

/* 0 or negative errno with a message in `error`. `target`: a path, "-" for standard output. -EBUSY: another output writes
 * it, or it is the event log that is being read. */
int output_open(struct output **out, const char *target, const struct output_settings *settings, char *error,
                unsigned error_size);

/* 0 or negative errno of the first failure; after that nothing is written. */
int output_write(struct output *output, const void *bytes, size_t length);
int output_flush(struct output *output);

/* The file was moved away: flushes into it, then goes on with what has its path now, behind what is there; or, after a failure,
 * with the same file again. A failure is forgotten then. Else (negative errno) everything is as before. Standard output stays what
 * it is. */
int output_reopen(struct output *output);
const char *output_path(const struct output *output); /* NULL: standard output, or no regular file */
int output_close(struct output *output); /* flushes and frees; NULL is 0 */
