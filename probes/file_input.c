#include "probes/file_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/input_list.h"
#include "probes/stream_digest.h"

static void end_with(struct file_input *input, enum input_state state, const char *text)
{
        snprintf(input->text, sizeof input->text, "%s", text);
        input->verdict.state = state;
        input->done = true;
}

/* No packet time can overflow by it, see capture_pcapng.c. */
static int64_t clamp_offset(int64_t offset_ns)
{
        const int64_t limit = INT64_MAX / 2;
        return offset_ns > limit ? limit : offset_ns < -limit ? -limit : offset_ns;
}

void file_input_init(struct file_input *input, struct listed_input *listed)
{
        *input = (struct file_input){
                .verdict = {.path = listed->path, .named = listed->named, .bytes = listed->size},
                .regular = listed->regular,
                .problem = listed->problem,
                .clock_offset_ns = clamp_offset(listed->clock_offset_ns),
        };
        listed->path = NULL;
        input->verdict.verdict = input->text;
        strcpy(input->text, "not read");
        if (listed->empty_folder)
                end_with(input, INPUT_EMPTY, "empty: no file in this folder");
}

static void close_capture(struct file_input *input, struct byte_source *source)
{
        byte_source_close(source);
        if (input->capture != NULL)
                capture_clear(input->capture);
        free(input->capture);
        input->capture = NULL;
        free(input->run);
        input->run = NULL;
        input->memory = 0;
        stream_digest_destroy(input->digest);
        input->digest = NULL;
}

void file_input_clear(struct file_input *input)
{
        close_capture(input, input->capture != NULL ? input->capture->source : NULL);
        free((char *)(uintptr_t)input->verdict.path);
        free((char *)(uintptr_t)input->verdict.link_types);
        free((char *)(uintptr_t)input->verdict.sha256);
}

static void retire(struct byte_source *source, struct file_input_shared *shared)
{
        if (source == NULL)
                return;
        source->next_retired = shared->retired;
        shared->retired = source;
}

void file_inputs_close_retired(struct file_input_shared *shared)
{
        while (shared->retired != NULL) {
                struct byte_source *source = shared->retired;
                shared->retired = source->next_retired;
                byte_source_close(source);
        }
}

static void set_problem(struct file_input *input, int problem)
{
        char text[160];
        snprintf(text, sizeof text, "cannot be opened: %s",
                 problem == ENOTSUP ? "this build lacks the library that decompresses it" : strerror(problem));
        end_with(input, INPUT_UNREADABLE, text);
}

void file_input_digest(struct file_input *input)
{
        char text[DIGEST_TEXT_SIZE];
        if (input->regular && input->verdict.sha256 == NULL && file_digest(input->verdict.path, text) == 0)
                input->verdict.sha256 = strdup(text);
}

static void digest_at_end(struct file_input *input, const struct file_input_shared *shared)
{
        char text[DIGEST_TEXT_SIZE];
        if (input->digest != NULL && input->capture->read_to_end && stream_digest_finish(input->digest, text) != NULL)
                input->verdict.sha256 = strdup(text);
        if (shared->digest && (input->verdict.named || input->verdict.state != INPUT_NOT_CAPTURE))
                file_input_digest(input);
}

/* The capture's part of the verdict; the source lives until the batch has been used up. */
static void finish(struct file_input *input, struct file_input_shared *shared)
{
        struct capture *capture = input->capture;
        const struct capture_tally *tally = &capture->state.tally;
        struct input_verdict *verdict = &input->verdict;
        char link_types[256];
        const char *text = capture_link_types(capture, link_types, sizeof link_types);
        end_with(input, capture->ending, capture->verdict);
        verdict->packets = tally->packets;
        verdict->first_ns = tally->first_ns;
        verdict->last_ns = tally->last_ns;
        verdict->cut_frames = tally->cut_frames;
        verdict->late_frames = tally->late_frames;
        verdict->comments = tally->comments;
        verdict->filtered = tally->filtered;
        verdict->secrets = capture->secrets;
        verdict->link_types = text ? strdup(text) : NULL;
        if (!input->regular)
                verdict->bytes = capture->source->kind->disk_offset(capture->source);
        input->progress = verdict->bytes;
        digest_at_end(input, shared);
        retire(capture->source, shared);
        close_capture(input, NULL);
}

static int open_source(struct file_input *input, struct file_input_shared *shared, struct byte_source **source)
{
        struct byte_source_settings settings = {.map = shared->map, .window = shared->window, .batch = &shared->batch,
                                                .digest = input->digest};
        return byte_source_open(input->verdict.path, &settings, source);
}

/* A socket or device that a folder holds is not opened: it might never answer. */
static bool refuse(struct file_input *input)
{
        if (input->problem != 0) {
                set_problem(input, input->problem);
        } else if (!input->regular && !input->verdict.named) {
                end_with(input, INPUT_NOT_CAPTURE, "not a capture");
        }
        return input->done;
}

bool file_input_open(struct file_input *input, uint32_t file, struct file_input_shared *shared)
{
        if (refuse(input))
                return false;
        if (shared->digest && !(shared->map && input->regular))
                input->digest = stream_digest_create();
        struct byte_source *source;
        int result = open_source(input, shared, &source);
        if (result == 0) {
                input->capture = calloc(1, sizeof *input->capture);
                if (input->capture == NULL) {
                        byte_source_close(source);
                        result = -ENOMEM;
                }
        }
        if (result != 0) {
                set_problem(input, -result);
                return false;
        }
        struct capture_settings settings = {.file = file, .clock_offset_ns = input->clock_offset_ns, .names = shared->names,
                                            .filter = shared->filter, .secrets = shared->secrets};
        if (capture_begin(input->capture, source, &settings) == CAPTURE_ENDED) {
                finish(input, shared);
                return false;
        }
        return true;
}

bool file_input_is_open(const struct file_input *input)
{
        return input->capture != NULL && input->capture->source != NULL;
}

enum capture_status file_input_read(struct file_input *input, struct file_input_shared *shared, struct frame *frames,
                                    unsigned max, unsigned *count)
{
        enum capture_status status = capture_read(input->capture, frames, max, count);
        const struct byte_source *source = input->capture->source;
        if (status == CAPTURE_ENDED) {
                finish(input, shared);
        } else {
                input->progress = source->kind->disk_offset(source);
                input->memory = source->kind->memory(source);
        }
        return status;
}

static int resume(struct file_input *input, struct file_input_shared *shared)
{
        struct byte_source *source;
        int result = open_source(input, shared, &source);
        if (result != 0)
                return result;
        result = capture_resume(input->capture, source);
        if (result != 0)
                byte_source_close(source);
        return result;
}

/* What had been read before stays in the verdict. */
static enum capture_status lose(struct file_input *input, struct file_input_shared *shared, int problem)
{
        input->verdict.packets = input->capture->state.tally.packets;
        input->verdict.first_ns = input->capture->state.tally.first_ns;
        input->verdict.last_ns = input->capture->state.tally.last_ns;
        retire(input->capture->source, shared);
        close_capture(input, NULL);
        set_problem(input, problem);
        return CAPTURE_ENDED;
}

enum capture_status file_input_refill(struct file_input *input, struct file_input_shared *shared, unsigned max)
{
        if (!file_input_is_open(input)) {
                int result = resume(input, shared);
                if (result != 0)
                        return lose(input, shared, -result);
        }
        if (input->run == NULL) {
                input->run = malloc(RUN_MAX * sizeof *input->run);
                if (input->run == NULL)
                        return lose(input, shared, ENOMEM);
        }
        enum capture_status status;
        do {
                status = file_input_read(input, shared, input->run, max, &input->run_count);
                input->run_next = input->to_skip < input->run_count ? input->to_skip : input->run_count;
                input->to_skip -= input->run_next;
        } while (status == CAPTURE_FRAMES && input->run_next == input->run_count);
        return status;
}

int64_t file_input_next_time(const struct file_input *input)
{
        return input->run_next < input->run_count ? input->run[input->run_next].time_ns : INT64_MIN;
}

bool file_input_can_suspend(const struct file_input *input)
{
        return file_input_is_open(input) && input->capture->source->seekable && input->run_next < input->run_count;
}

bool file_input_holds_descriptor(const struct file_input *input)
{
        return file_input_is_open(input) && input->capture->source->holds_descriptor;
}

void file_input_suspend(struct file_input *input, struct file_input_shared *shared)
{
        stream_digest_destroy(input->digest);
        input->digest = NULL;   /* what is skipped when it is opened again would be missing */
        input->to_skip += input->run_next;
        input->run_next = input->run_count = 0;
        retire(capture_suspend(input->capture), shared);
        free(input->run);
        input->run = NULL;
        input->memory = 0;
}
