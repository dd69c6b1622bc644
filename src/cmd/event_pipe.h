/* Events from a worker to the parent: framed records over a pipe. What comes out of it is not trusted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

/* The worker's end. */
struct pipe_writer;
struct pipe_writer *pipe_writer_create(int descriptor); /* NULL: no memory */
void pipe_writer_destroy(struct pipe_writer *writer);
struct event_sink pipe_writer_sink(struct pipe_writer *writer);
/* Writes what has gathered, waiting for the parent as long as it takes. False: the parent is gone. */
bool pipe_writer_flush(struct pipe_writer *writer);
uint64_t pipe_writer_lost(const struct pipe_writer *writer); /* events that are larger than a record may be */

/* The parent's end. */
struct pipe_reader;
struct pipe_reader *pipe_reader_create(int descriptor);
void pipe_reader_destroy(struct pipe_reader *reader);

enum pipe_state { PIPE_OPEN, PIPE_ENDED, PIPE_BROKEN };
/* One read(2), and all whole records that are there then. BROKEN: what stands there is no record; told. */
enum pipe_state pipe_reader_step(struct pipe_reader *reader, const struct event_sink *sink);
