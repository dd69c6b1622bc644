#include "config.h"

#include "cmd/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "deliver/outbox.h"
#include "judge/judge.h"

struct state_file {
        char *path, *draft; /* NULL: nothing is kept */
        uint64_t far;       /* so many entries after the last save are many */
        uint64_t saved, saving; /* number of the last entry before the save that is in place, and of the one under way */
        pid_t writer;       /* 0: none */
        bool failed;        /* told */
};

enum { ENTRY_BYTES = 1024, OUTBOX_PARTS = 4, FAR_LEAST = 1000 };

struct state_file *state_file_open(const char *outbox_path, uint64_t outbox_size)
{
        struct state_file *file = calloc(1, sizeof *file);
        if (file == NULL || outbox_path == NULL)
                return file;
        file->far = outbox_size / ENTRY_BYTES / OUTBOX_PARTS;
        if (file->far < FAR_LEAST)
                file->far = outbox_size ? FAR_LEAST : UINT64_MAX;
        if (asprintf(&file->path, "%s.state", outbox_path) < 0)
                file->path = NULL;
        if (asprintf(&file->draft, "%s.state.new", outbox_path) < 0)
                file->draft = NULL;
        if (file->path == NULL || file->draft == NULL) {
                state_file_close(file);
                return NULL;
        }
        return file;
}

void state_file_close(struct state_file *file)
{
        if (file == NULL)
                return;
        free(file->path);
        free(file->draft);
        free(file);
}

struct adoption {
        struct judge *judge;
        uint64_t count;
};

static bool adopt(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct adoption *adoption = context;
        adoption->count += judge_adopt(adoption->judge, alert, cause, cause_length);
        return true;
}

void state_file_restore(struct state_file *file, struct judge *judge, struct outbox *outbox)
{
        struct adoption adoption = {.judge = judge};
        uint64_t number = 0;
        if (file->path == NULL)
                return;
        int descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
        if (descriptor < 0 && errno != ENOENT)
                log_warning("%s: %s; the alerts that were open begin anew", file->path, strerror(errno));
        if (descriptor >= 0) {
                if (judge_load(judge, descriptor, &number) < 0)
                        number = 0;
                close(descriptor);
        }
        file->saved = number;
        outbox_replay(outbox, number, adopt, &adoption);
        log_info("state as of entry %" PRIu64 ", %" PRIu64 " revisions after it", number, adoption.count);
}

/* 0 or negative errno. */
static int save(const struct state_file *file, const struct judge *judge, uint64_t number)
{
        int descriptor = open(file->draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (descriptor < 0)
                return -errno;
        int result = judge_save(judge, number, descriptor);
        if (result == 0 && fsync(descriptor) != 0)
                result = -errno;
        if (close(descriptor) != 0 && result == 0)
                result = -errno;
        if (result == 0 && rename(file->draft, file->path) != 0)
                result = -errno;
        if (result != 0)
                (void)unlink(file->draft);
        return result;
}

static void tell(struct state_file *file, int result)
{
        if (result != 0 && !file->failed)
                log_error("%s cannot be written: %s; what judge knows does not survive a restart", file->path, strerror(-result));
        else if (result == 0 && file->failed)
                log_warning("%s is written again", file->path);
        file->failed = result != 0;
}

bool state_file_is_far(const struct state_file *file, struct outbox *outbox)
{
        struct outbox_numbers numbers;
        if (file->path == NULL)
                return false;
        outbox_numbers(outbox, &numbers);
        return numbers.committed - file->saved > file->far;
}

static uint64_t committed(struct outbox *outbox)
{
        struct outbox_numbers numbers;
        (void)outbox_commit(outbox); /* else the book would be ahead of what is on disk */
        outbox_numbers(outbox, &numbers);
        return numbers.committed;
}

void state_file_save(struct state_file *file, const struct judge *judge, struct outbox *outbox)
{
        if (file->path == NULL || file->writer != 0)
                return;
        uint64_t number = committed(outbox);
        if (outbox_has_uncommitted(outbox))
                return; /* the disk is full: what was saved last still goes with what is committed */
        pid_t child = fork();
        if (child == 0)
                _exit(-save(file, judge, number) & 0xff);
        if (child < 0)
                tell(file, -errno);
        else
                file->writer = child;
        file->saving = number;
}

void state_file_save_now(struct state_file *file, const struct judge *judge, struct outbox *outbox)
{
        if (file->path == NULL)
                return;
        if (file->writer != 0) {
                int status;
                while (waitpid(file->writer, &status, 0) < 0 && errno == EINTR)
                        continue;
                file->writer = 0;
        }
        uint64_t number = committed(outbox);
        if (!outbox_has_uncommitted(outbox))
                tell(file, save(file, judge, number));
}

bool state_file_reaped(struct state_file *file, pid_t child, int status)
{
        if (child != file->writer || child == 0)
                return false;
        file->writer = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                file->saved = file->saving;
        tell(file, WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR);
        return true;
}
