#include "cmd/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/settings.h"
#include "model/framing.h"

enum { PIPE_BUFFER = 256 * 1024 };

/* The worker's end. */
struct pipe_writer {
        int descriptor;
        uint64_t too_long; /* events that are larger than a record may be */
        size_t used;
        uint8_t buffer[PIPE_BUFFER];
};

static void writer_flush(struct pipe_writer *writer)
{
        size_t written = 0;
        while (written < writer->used) {
                ssize_t n = write(writer->descriptor, writer->buffer + written, writer->used - written);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        _exit(EXIT_FAILED); /* the parent is gone */
                written += (size_t)n;
        }
        writer->used = 0;
}

static void writer_event(void *context, const event_t *event)
{
        struct pipe_writer *writer = context;
        size_t n = framing_pack(event, writer->buffer + writer->used, PIPE_BUFFER - writer->used);
        if (n == 0) {
                writer_flush(writer);
                n = framing_pack(event, writer->buffer, PIPE_BUFFER);
                writer->too_long += n == 0;
        }
        writer->used += n;
}

static _Noreturn void worker_main(const struct sense_job *job, int descriptor)
{
        struct pipe_writer *writer = malloc(sizeof *writer);
        if (writer == NULL)
                _exit(EXIT_FAILED);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        writer->descriptor = descriptor;
        writer->used = 0;
        writer->too_long = 0;
        struct event_sink sink = {.event = writer_event, .context = writer};
        int result = sense_run(job, &sink);
        writer_flush(writer);
        if (writer->too_long > 0) {
                log_error("%" PRIu64 " events were too long for the pipe and are lost", writer->too_long);
                result = result ? result : EXIT_FAILED;
        }
        free(writer);
        _exit(result);
}

struct pipe_reader {
        int descriptor;
        size_t used;
        uint8_t buffer[2 * PIPE_BUFFER];
};

/* All whole records of the buffer. False: what stands there is no record. */
static bool reader_records(struct pipe_reader *reader, struct framing_arena *arena, const struct event_sink *sink)
{
        size_t at = 0;
        for (;;) {
                const event_t *event;
                size_t used = 0;
                enum framing_result result = framing_unpack(arena, reader->buffer + at, reader->used - at, &used, &event);
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

static bool reader_run(struct pipe_reader *reader, struct framing_arena *arena, const struct event_sink *sink)
{
        for (;;) {
                ssize_t n = read(reader->descriptor, reader->buffer + reader->used, sizeof reader->buffer - reader->used);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        log_error("the worker's pipe: %s", strerror(errno));
                if (n <= 0)
                        return n == 0;
                reader->used += (size_t)n;
                if (!reader_records(reader, arena, sink))
                        return false;
        }
}

static int worker_status(pid_t worker, bool good)
{
        int status;
        while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
                continue;
        if (WIFSIGNALED(status)) {
                log_error("the worker died of signal %d (%s); what it had told stands", WTERMSIG(status), strsignal(WTERMSIG(status)));
                return EXIT_FAILED;
        }
        return good ? WEXITSTATUS(status) : EXIT_FAILED;
}

int worker_run(const struct sense_job *job, const struct event_sink *sink)
{
        int ends[2];
        if (pipe(ends) != 0) {
                log_error("no pipe for the worker: %s", strerror(errno));
                return EXIT_FAILED;
        }
        fflush(NULL);
        pid_t worker = fork();
        if (worker < 0) {
                log_error("no process for the worker: %s", strerror(errno));
                close(ends[0]);
                close(ends[1]);
                return EXIT_FAILED;
        }
        if (worker == 0) {
                close(ends[0]);
                worker_main(job, ends[1]);
        }
        close(ends[1]);
        struct framing_arena *arena = framing_arena_create();
        struct pipe_reader *reader = calloc(1, sizeof *reader);
        bool good = false;
        if (arena != NULL && reader != NULL) {
                reader->descriptor = ends[0];
                good = reader_run(reader, arena, sink);
        }
        close(ends[0]); /* a worker that still writes gets EPIPE and ends */
        framing_arena_destroy(arena);
        free(reader);
        return worker_status(worker, good);
}
