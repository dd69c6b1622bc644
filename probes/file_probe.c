/* The probe that reads captures: takes the frames of its inputs one after another, or merges them by packet time.
 *
 * Merging many files looks at the first frame of each, closes it, and opens it again when its time has come; of the files
 * that overlap as many stay open as may (open_set.h). When one file is left its frames go straight into the batch. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "probes/file_input.h"
#include "probes/frame_filter.h"
#include "probes/input_list.h"
#include "probes/interface_names.h"
#include "probes/merge_heap.h"
#include "probes/open_set.h"
#include "probes/probe_kind.h"
#include "probes/secret_store.h"

enum {
        DESCRIPTOR_RESERVE = 64,        /* for sinks, logs, databases, sockets */
        DESCRIPTORS_MAX = 1024,
        OPEN_MAX = 16384,               /* files that are mapped hold no descriptor, but a process has 65 530 mappings */
        FEW_INPUTS = 32,                /* are read and stay open; more are mapped, and closed until their time has come */
        WINDOW_MAX = 2 << 20,
        WINDOWS_TOTAL = 128 << 20,      /* over all files that are merged */
        WINDOW_MIN = 16 << 10,
};

struct file_probe {
        struct probe probe;
        struct file_input_shared shared;
        struct file_input *inputs;
        uint32_t count;
        uint32_t current;               /* in order: the input that is being read */
        bool merge, started;
        struct merge_heap heap;
        struct open_set open;           /* merging only */
        uint64_t order;
        uint64_t bytes_total;           /* 0: unknown */
};

static struct file_probe *file_probe_of(const struct probe *probe)
{
        return (struct file_probe *)(uintptr_t)probe;
}

/* One after another. Returns with frames, or with none at the end of the last input. */
static void fill_in_order(struct file_probe *files, struct frame_batch *batch)
{
        while (files->current < files->count && batch->count == 0) {
                struct file_input *input = &files->inputs[files->current];
                if (!input->done && !file_input_is_open(input))
                        file_input_open(input, files->current, &files->shared);
                if (input->done) {
                        files->current++;
                        continue;
                }
                if (file_input_read(input, &files->shared, batch->frames, FRAME_BATCH, &batch->count) == CAPTURE_BUSY)
                        files->shared.batch++; /* no frame of this batch points anywhere yet */
        }
}

static enum capture_status refill(struct file_probe *files, uint32_t file, unsigned max)
{
        struct file_input *input = &files->inputs[file];
        bool was_open = file_input_is_open(input);
        if (!was_open)
                open_set_make_room(&files->open, &files->shared);
        enum capture_status status = file_input_refill(input, &files->shared, max);
        if (!was_open && status != CAPTURE_ENDED)
                open_set_add(&files->open, input);
        else if (was_open && status == CAPTURE_ENDED)
                open_set_remove(&files->open, input);
        else if (was_open)
                open_set_update(&files->open, input);
        return status;
}

/* Looks at the first frame of an input. */
static void enter(struct file_probe *files, uint32_t file)
{
        struct file_input *input = &files->inputs[file];
        open_set_make_room(&files->open, &files->shared);
        if (input->done || !file_input_open(input, file, &files->shared))
                return;
        open_set_add(&files->open, input);
        enum capture_status status;
        while ((status = refill(files, file, 1)) == CAPTURE_BUSY)
                files->shared.batch++;
        if (status != CAPTURE_FRAMES)
                return;
        merge_heap_push(&files->heap, (struct merge_entry){input->run[0].time_ns, file});
        if (files->shared.map && file_input_can_suspend(input)) {
                file_input_suspend(input, &files->shared);
                open_set_remove(&files->open, input);
        }
        /* Nothing was handed over: what was closed can go now. */
        file_inputs_close_retired(&files->shared);
}

/* Hands over what of the earliest file's run comes before the second earliest file's frame. */
static void take_run(struct file_probe *files, struct file_input *input, struct frame_batch *batch)
{
        const struct merge_entry *second = merge_heap_second(&files->heap);
        struct merge_entry next = {.file = files->heap.entries[0].file};
        while (batch->count < FRAME_BATCH && input->run_next < input->run_count) {
                const struct frame *frame = &input->run[input->run_next];
                next.time_ns = frame->time_ns;
                if (second != NULL && merge_entry_before(second, &next)) {
                        merge_heap_update(&files->heap, next.time_ns);
                        return;
                }
                batch->frames[batch->count++] = *frame;
                input->run_next++;
        }
        if (input->run_next < input->run_count)
                merge_heap_update(&files->heap, input->run[input->run_next].time_ns);
}

/* false: the batch has to be used up first. */
static bool merge_step(struct file_probe *files, struct frame_batch *batch)
{
        uint32_t file = files->heap.entries[0].file;
        struct file_input *input = &files->inputs[file];
        enum capture_status status = CAPTURE_FRAMES;
        if (input->run_next < input->run_count) {
                take_run(files, input, batch);
                return true;
        }
        bool suspended = !file_input_is_open(input);
        if (files->heap.count > 1 || suspended) {
                status = refill(files, file, RUN_MAX);
        } else {
                unsigned count;
                status = file_input_read(input, &files->shared, batch->frames + batch->count, FRAME_BATCH - batch->count,
                                         &count);
                batch->count += count;
                if (status != CAPTURE_ENDED)
                        return false; /* as good as full */
                open_set_remove(&files->open, input);
        }
        if (status == CAPTURE_ENDED)
                merge_heap_pop(&files->heap);
        else if (status == CAPTURE_FRAMES)
                merge_heap_update(&files->heap, input->run[input->run_next].time_ns);
        return status != CAPTURE_BUSY;
}

static void fill_merged(struct file_probe *files, struct frame_batch *batch)
{
        for (uint32_t i = 0; i < files->count && !files->started; i++)
                enter(files, i);
        files->started = true;
        while (batch->count < FRAME_BATCH && files->heap.count > 0) {
                if (merge_step(files, batch))
                        continue;
                if (batch->count > 0)
                        return;
                files->shared.batch++;
        }
}

static int file_probe_next(struct probe *probe, struct frame_batch *batch)
{
        struct file_probe *files = file_probe_of(probe);
        batch->count = 0;
        file_inputs_close_retired(&files->shared);
        files->shared.batch++;
        if (files->merge)
                fill_merged(files, batch);
        else
                fill_in_order(files, batch);
        for (unsigned i = 0; i < batch->count; i++)
                batch->frames[i].order = ++files->order;
        return batch->count > 0;
}

static void file_probe_destroy(struct probe *probe)
{
        struct file_probe *files = file_probe_of(probe);
        for (uint32_t i = 0; i < files->count; i++)
                file_input_clear(&files->inputs[i]);
        file_inputs_close_retired(&files->shared);
        free(files->inputs);
        open_set_clear(&files->open);
        merge_heap_clear(&files->heap);
        interface_names_destroy(files->shared.names);
        frame_filter_destroy(files->shared.filter);
        secret_store_destroy(files->shared.secrets);
        free(files);
}

static uint32_t file_probe_input_count(const struct probe *probe)
{
        return file_probe_of(probe)->count;
}

static const struct input_verdict *file_probe_input_verdict(const struct probe *probe, uint32_t file)
{
        const struct file_probe *files = file_probe_of(probe);
        return file < files->count ? &files->inputs[file].verdict : NULL;
}

static const char *file_probe_interface_name(const struct probe *probe, uint16_t interface)
{
        return interface_names_get(file_probe_of(probe)->shared.names, interface);
}

static const struct capture_secret *file_probe_secret(const struct probe *probe, uint32_t index)
{
        return secret_store_get(file_probe_of(probe)->shared.secrets, index);
}

static void file_probe_progress(const struct probe *probe, uint64_t *done, uint64_t *total)
{
        const struct file_probe *files = file_probe_of(probe);
        *done = 0;
        for (uint32_t i = 0; i < files->count; i++)
                *done += files->inputs[i].progress;
        *total = files->bytes_total;
}

static const struct probe_kind file_probe_kind = {
        .name = "file", .next = file_probe_next, .destroy = file_probe_destroy, .input_count = file_probe_input_count,
        .input = file_probe_input_verdict, .interface_name = file_probe_interface_name, .secret = file_probe_secret,
        .progress = file_probe_progress,
};

static uint32_t descriptor_limit(void)
{
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > DESCRIPTORS_MAX + DESCRIPTOR_RESERVE)
                return DESCRIPTORS_MAX;
        uint32_t may = (uint32_t)limit.rlim_cur;
        return may > 2 * DESCRIPTOR_RESERVE ? may - DESCRIPTOR_RESERVE : may / 2;
}

static size_t window_for(uint32_t inputs)
{
        size_t window = WINDOWS_TOTAL / (inputs ? inputs : 1);
        return window > WINDOW_MAX ? WINDOW_MAX : window < WINDOW_MIN ? WINDOW_MIN : window;
}

/* Its size says how much there is to read, or there is nothing to read. */
static bool is_sized(const struct listed_input *listed)
{
        return listed->regular || listed->problem != 0 || listed->empty_folder || !listed->named;
}

static void adopt_inputs(struct file_probe *files, struct input_list *list)
{
        bool sized = true;
        for (uint32_t i = 0; i < list->count; i++) {
                struct listed_input *listed = &list->inputs[i];
                sized = sized && is_sized(listed);
                files->bytes_total += listed->size;
                file_input_init(&files->inputs[files->count++], listed);
        }
        if (!sized)
                files->bytes_total = 0;
}

static int take_inputs(struct file_probe *files, const struct file_probe_settings *settings, char *error, unsigned error_size)
{
        struct input_list list = {0};
        int result = 0;
        for (uint32_t i = 0; i < settings->input_count && result == 0; i++)
                result = input_list_add(&list, settings->inputs[i].path, settings->inputs[i].clock_offset_ns);
        if (result == 0)
                files->inputs = calloc(list.count ? list.count : 1, sizeof *files->inputs);
        if (files->inputs == NULL) {
                snprintf(error, error_size, "no memory");
                result = -ENOMEM;
        } else {
                adopt_inputs(files, &list);
        }
        input_list_clear(&list);
        return result;
}

static int set_up(struct file_probe *files, const struct file_probe_settings *settings, char *error, unsigned error_size)
{
        snprintf(error, error_size, "no memory");
        if (settings->filter != NULL) {
                files->shared.filter = frame_filter_create(settings->filter, error, error_size);
                if (files->shared.filter == NULL)
                        return -EINVAL;
        }
        int result = take_inputs(files, settings, error, error_size);
        if (result != 0)
                return result;
        files->merge = settings->merge && files->count > 1;
        files->shared.map = files->merge && files->count > FEW_INPUTS;
        files->shared.digest = settings->digest;
        files->shared.window = files->merge ? window_for(files->count) : WINDOW_MAX;
        files->shared.names = interface_names_create();
        files->shared.secrets = secret_store_create();
        if (files->shared.names == NULL || files->shared.secrets == NULL || merge_heap_init(&files->heap, files->count) != 0)
                return -ENOMEM;
        unsigned told = settings->descriptors;
        return open_set_init(&files->open, files->count, told ? told : OPEN_MAX, told ? told : descriptor_limit());
}

struct probe *file_probe_open(const struct file_probe_settings *settings, char *error, unsigned error_size)
{
        struct file_probe *files = calloc(1, sizeof *files);
        if (files == NULL) {
                snprintf(error, error_size, "no memory");
                return NULL;
        }
        files->probe.kind = &file_probe_kind;
        if (set_up(files, settings, error, error_size) != 0) {
                file_probe_destroy(&files->probe);
                return NULL;
        }
        return &files->probe;
}
