#include "model/event_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cursor.h"
#include "model/framing.h"

enum { HEAD_FIXED = 20, HEAD_TEXT_LIMIT = EVENT_LOG_HEAD_LIMIT - HEAD_FIXED, WINDOW = 1024 * 1024 };

static const uint8_t magic[8] = {0x89, 'a', 'p', 'n', 'e', 'v', '\r', '\n'};

struct event_log {
        int file;
        bool at_end;
        char *path;
        struct framing_arena *arena;
        struct event_log_head head;
        char head_text[HEAD_TEXT_LIMIT];
        uint64_t offset, count;
        enum event_log_result ended; /* EVENT_LOG_EVENT: not yet */
        char message[512];
        size_t start, end; /* what of the window is not read yet */
        uint8_t window[WINDOW];
};

static uint8_t *write_le32(uint8_t *at, uint32_t value)
{
        for (unsigned i = 0; i < 4; i++)
                *at++ = (uint8_t)(value >> (8 * i));
        return at;
}

size_t event_log_head_pack(const struct event_log_head *head, uint8_t out[EVENT_LOG_HEAD_LIMIT])
{
        const char *const texts[] = {head->sensor, head->configuration_digest, head->version};
        uint8_t *text = out + HEAD_FIXED;
        size_t length = 0;
        for (unsigned i = 0; i < 3; i++) {
                const char *piece = texts[i] ? texts[i] : "";
                size_t piece_length = strlen(piece) + 1;
                if (piece_length > HEAD_TEXT_LIMIT - length)
                        return 0;
                memcpy(text + length, piece, piece_length);
                length += piece_length;
        }
        memcpy(out, magic, sizeof magic);
        uint8_t *at = write_le32(out + sizeof magic, EVENT_LOG_FORMAT);
        at = write_le32(at, (uint32_t)length);
        write_le32(at, crc32c(text, length));
        return HEAD_FIXED + length;
}

/* Moves what is left to the front and reads behind it until `wanted` bytes are there or the file ends. */
static int fill_window(struct event_log *log, size_t wanted)
{
        if (log->start > 0) {
                memmove(log->window, log->window + log->start, log->end - log->start);
                log->end -= log->start;
                log->start = 0;
        }
        while (!log->at_end && log->end < wanted) {
                ssize_t count = read(log->file, log->window + log->end, WINDOW - log->end);
                if (count < 0 && errno != EINTR)
                        return -errno;
                if (count == 0)
                        log->at_end = true;
                else if (count > 0)
                        log->end += (size_t)count;
        }
        return 0;
}

static size_t window_left(const struct event_log *log)
{
        return log->end - log->start;
}

/* The three strings into the head; false when they are not three. */
static bool read_head_text(struct event_log *log, const uint8_t *text, size_t length)
{
        const char **const wanted[] = {&log->head.sensor, &log->head.configuration_digest, &log->head.version};
        memcpy(log->head_text, text, length);
        size_t at = 0;
        for (unsigned i = 0; i < 3; i++) {
                const char *nul = memchr(log->head_text + at, '\0', length - at);
                if (nul == NULL)
                        return false;
                *wanted[i] = log->head_text + at;
                at = (size_t)(nul + 1 - log->head_text);
        }
        return true;
}

/* NULL, or what is wrong. */
static const char *read_head(struct event_log *log)
{
        int failed = fill_window(log, EVENT_LOG_HEAD_LIMIT);
        if (failed < 0)
                return strerror(-failed);
        struct cursor in = cursor_of(log->window, log->end);
        const uint8_t *found = cursor_bytes(&in, sizeof magic);
        if (log->end == 0)
                return "it is empty";
        if (found == NULL || memcmp(found, magic, sizeof magic) != 0)
                return "it is no event log";
        uint32_t format = cursor_le32(&in);
        if (!in.short_read && format != EVENT_LOG_FORMAT)
                return "it has the format of another version of apnwatch";
        uint32_t length = cursor_le32(&in), checksum = cursor_le32(&in);
        if (!in.short_read && length > HEAD_TEXT_LIMIT)
                return "its head is damaged";
        const uint8_t *text = cursor_bytes(&in, length);
        if (in.short_read)
                return "it is cut within its head";
        if (crc32c(text, length) != checksum || !read_head_text(log, text, length))
                return "its head is damaged";
        log->start = log->offset = HEAD_FIXED + length;
        return NULL;
}

struct event_log *event_log_open(const char *path, char *error, unsigned error_size)
{
        bool is_standard = strcmp(path, "-") == 0;
        int file = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
                snprintf(error, error_size, "cannot read %s: %s", path, strerror(errno));
                return NULL;
        }
        /* So that no sink begins this file anew. One that is being written can be read all the same. */
        (void)flock(file, LOCK_SH | LOCK_NB);
        struct event_log *log = malloc(sizeof *log);
        if (log != NULL) {
                memset(log, 0, offsetof(struct event_log, window));
                log->file = file;
                log->path = strdup(is_standard ? "standard input" : path);
                log->arena = framing_arena_create();
        } else if (!is_standard) {
                close(file);
        }
        const char *wrong = strerror(ENOMEM);
        if (log && log->path && log->arena && (wrong = read_head(log)) == NULL)
                return log;
        snprintf(error, error_size, "cannot read %s: %s", is_standard ? "standard input" : path, wrong);
        event_log_close(log);
        return NULL;
}

void event_log_close(struct event_log *log)
{
        if (log == NULL)
                return;
        if (log->file != STDIN_FILENO)
                close(log->file);
        framing_arena_destroy(log->arena);
        free(log->path);
        free(log);
}

const struct event_log_head *event_log_head(const struct event_log *log)
{
        return &log->head;
}

static enum event_log_result end_with(struct event_log *log, enum event_log_result result, const char *what)
{
        log->ended = result;
        snprintf(log->message, sizeof log->message, "%s: %s at byte %llu (after %llu events): %s", log->path,
                 result == EVENT_LOG_TORN      ? "ends within a record that begins"
                 : result == EVENT_LOG_DAMAGED ? "damaged"
                                               : "unreadable",
                 (unsigned long long)log->offset, (unsigned long long)log->count, what);
        return result;
}

static enum event_log_result end_of_file(struct event_log *log)
{
        char what[64];
        if (window_left(log) == 0) {
                log->ended = EVENT_LOG_END;
                return EVENT_LOG_END;
        }
        snprintf(what, sizeof what, "%zu bytes are left over", window_left(log));
        return end_with(log, EVENT_LOG_TORN, what);
}

enum event_log_result event_log_next(struct event_log *log, const event_t **event)
{
        if (log->ended != EVENT_LOG_EVENT)
                return log->ended;
        for (;;) {
                size_t used = 0;
                enum framing_result result =
                        framing_unpack(log->arena, log->window + log->start, window_left(log), &used, event);
                if (result == FRAMING_OK) {
                        log->start += used;
                        log->offset += used;
                        log->count++;
                        return EVENT_LOG_EVENT;
                }
                if (result != FRAMING_MORE)
                        return end_with(log, EVENT_LOG_DAMAGED, framing_result_text(result));
                if (log->at_end)
                        return end_of_file(log);
                int failed = fill_window(log, FRAMING_HEAD + FRAMING_LIMIT);
                if (failed < 0)
                        return end_with(log, EVENT_LOG_FAILED, strerror(-failed));
        }
}

const char *event_log_message(const struct event_log *log)
{
        return log->message;
}

uint64_t event_log_offset(const struct event_log *log)
{
        return log->offset;
}

uint64_t event_log_count(const struct event_log *log)
{
        return log->count;
}
