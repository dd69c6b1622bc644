#include "cmd/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/event_pipe.h"
#include "cmd/settings.h"

static _Noreturn void worker_main(const struct sense_job *job, int descriptor)
{
        struct pipe_writer *writer = pipe_writer_create(descriptor);
        if (writer == NULL)
                _exit(EXIT_FAILED);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct event_sink sink = pipe_writer_sink(writer);
        int result = sense_run(job, &sink);
        if (!pipe_writer_flush(writer))
                _exit(EXIT_FAILED); /* the parent is gone */
        if (pipe_writer_lost(writer) > 0) {
                log_error("%" PRIu64 " events were too long for the pipe and are lost", pipe_writer_lost(writer));
                result = result ? result : EXIT_FAILED;
        }
        pipe_writer_destroy(writer);
        _exit(result);
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
        struct pipe_reader *reader = pipe_reader_create(ends[0]);
        enum pipe_state state = reader ? PIPE_OPEN : PIPE_BROKEN;
        while (state == PIPE_OPEN)
                state = pipe_reader_step(reader, sink);
        close(ends[0]); /* a worker that still writes gets EPIPE and ends */
        pipe_reader_destroy(reader);
        return worker_status(worker, state == PIPE_ENDED);
}
