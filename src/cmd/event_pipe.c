#include "cmd/event_pipe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "model/framing.h"

enum { PIPE_BUFFER = 256 * 1024 };

struct pipe_writer {
        int descriptor;
        bool is_broken;
        uint64_t too_long;
        size_t used;
        uint8_t buffer[PIPE_BUFFER];
};

struct pipe_writer *pipe_writer_create(int descriptor)
{
        struct pipe_writer *writer = malloc(sizeof *writer);
        if (writer == NULL)
                return NULL;
        memset(writer, 0, offsetof(struct pipe_writer, buffer));
        writer->descriptor = descriptor;
        return writer;
}

void pipe_writer_destroy(struct pipe_writer *writer)
{
        free(writer);
}

bool pipe_writer_flush(struct pipe_writer *writer)
{
        size_t written = 0;
        while (written < writer->used && !writer->is_broken) {
                ssize_t n = write(writer->descriptor, writer->buffer + written, writer->used - written);
                if (n >= 0)
                        written += (size_t)n;
                else if (errno != EINTR)
                        writer->is_broken = true;
        }
        writer->used = 0;
        return !writer->is_broken;
}

static void writer_event(void *context, const event_t *event)
{
        struct pipe_writer *writer = context;
        size_t n = framing_pack(event, writer->buffer + writer->used, PIPE_BUFFER - writer->used);
        if (n == 0) {
                pipe_writer_flush(writer);
                n = framing_pack(event, writer->buffer, PIPE_BUFFER);
                writer->too_long += n == 0;
        }
        writer->used += n;
}

struct event_sink pipe_writer_sink(struct pipe_writer *writer)
{
        return (struct event_sink){.event = writer_event, .context = writer};
}

uint64_t pipe_writer_lost(const struct pipe_writer *writer)
{
        return writer->too_long;
}

struct pipe_reader {
        int descriptor;
        struct framing_arena *arena;
        size_t used;
        uint8_t buffer[2 * PIPE_BUFFER];
};

struct pipe_reader *pipe_reader_create(int descriptor)
{
        struct pipe_reader *reader = malloc(sizeof *reader);
        if (reader == NULL || (reader->arena = framing_arena_create()) == NULL) {
                free(reader);
                return NULL;
        }
        reader->descriptor = descriptor;
        reader->used = 0;
        return reader;
}

void pipe_reader_destroy(struct pipe_reader *reader)
{
        if (reader == NULL)
                return;
        framing_arena_destroy(reader->arena);
        free(reader);
}

/* All whole records of the buffer. False: what stands there is no record. */
static bool take_records(struct pipe_reader *reader, const struct event_sink *sink)
{
        size_t at = 0;
        for (;;) {
                const event_t *event;
                size_t used = 0;
                enum framing_result result = framing_unpack(reader->arena, reader->buffer + at, reader->used - at, &used, &event);
                if (result == FRAMING_MORE)
                        break;
                if (result != FRAMING_OK) {
                        log_error("the worker wrote what is no event: %s", framing_result_text(result));
                        return false;
                }
                event_sink_emit(sink, event);
                at += used;
        }
        memmove(reader->buffer, reader->buffer + at, reader->used - at);
        reader->used -= at;
        return true;
}

enum pipe_state pipe_reader_step(struct pipe_reader *reader, const struct event_sink *sink)
{
        ssize_t n = read(reader->descriptor, reader->buffer + reader->used, sizeof reader->buffer - reader->used);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return PIPE_OPEN;
        if (n < 0)
                log_error("the worker's pipe: %s", strerror(errno));
        if (n <= 0)
                return n == 0 ? PIPE_ENDED : PIPE_BROKEN;
        reader->used += (size_t)n;
        return take_records(reader, sink) ? PIPE_OPEN : PIPE_BROKEN;
}
