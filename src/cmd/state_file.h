/* What judge knows over a restart: a file beside the outbox, written each minute by a forked child (the parent does not wait), renamed into
 * place when it is whole. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct judge;
struct outbox;
struct state_file;

/* "PATH.state" for an outbox at PATH; `path` NULL: nothing is kept. NULL: no memory. */
struct state_file *state_file_open(const char *outbox_path, uint64_t outbox_size);
void state_file_close(struct state_file *file);

/* What was saved, then what the outbox says was delivered since. */
void state_file_restore(struct state_file *file, struct judge *judge, struct outbox *outbox);

/* Much was committed since the last save: what would have to be adopted must not be trimmed before the next. */
bool state_file_is_far(const struct state_file *file, struct outbox *outbox);

/* Starts a child that saves, unless one is still at it. */
void state_file_save(struct state_file *file, const struct judge *judge, struct outbox *outbox);
/* Saves in this process: at the end. */
void state_file_save_now(struct state_file *file, const struct judge *judge, struct outbox *outbox);
/* A child ended: true when it was the one that saves. */
bool state_file_reaped(struct state_file *file, pid_t child, int status);
