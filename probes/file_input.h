/* One input of the file probe: opened when its turn comes, read in runs, closed and opened again when others need the room,
 * and its verdict at the end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "probes/capture.h"
#include "probes/probe.h"

struct listed_input;

enum { RUN_MAX = 64 };

struct file_input {
        struct input_verdict verdict;
        struct capture *capture;        /* NULL before it is opened first, and at the end */
        struct frame *run;              /* frames read and not yet handed over: from run_next to run_count */
        unsigned run_next, run_count;
        unsigned to_skip;               /* after it was suspended: frames behind the mark that were handed over */
        bool done;
        bool regular;                   /* a plain file */
        int problem;
        int64_t clock_offset_ns;
        uint64_t progress;              /* bytes of it that are done, as of the last time it was looked at */
        size_t memory;                  /* held by its source, likewise; 0 while closed */
        uint32_t slot;                  /* in the set of those that are open, and what it was counted there with */
        size_t counted_memory;
        bool counted_descriptor;
        struct stream_digest *digest;   /* of what passes by; files that were closed meanwhile are read again for it */
        char text[192];                 /* of the verdict */
};

/* What all inputs of a probe share. */
struct file_input_shared {
        struct interface_names *names;
        struct frame_filter *filter;
        struct secret_store *secrets;
        uint64_t batch;                 /* number of the batch being filled */
        struct byte_source *retired;    /* closed when the batch has been used up: its frames point there */
        size_t window;
        bool map, digest;
};

/* Takes the path from the entry. The input must stay where it is. */
void file_input_init(struct file_input *input, struct listed_input *listed);
void file_input_clear(struct file_input *input);

/* Opens it and reads its header; true when it can be read from, else it is done and has its verdict. */
bool file_input_open(struct file_input *input, uint32_t file, struct file_input_shared *shared);
bool file_input_is_open(const struct file_input *input);

/* Straight into the caller's frames; not to be mixed with runs. CAPTURE_ENDED: it is done. */
enum capture_status file_input_read(struct file_input *input, struct file_input_shared *shared, struct frame *frames,
                                    unsigned max, unsigned *count);
/* The next run of up to `max`, when the last one is used up; resumes it when it was suspended. */
enum capture_status file_input_refill(struct file_input *input, struct file_input_shared *shared, unsigned max);

/* Of the frame that it hands over next; INT64_MIN when its run is used up and it is its turn. */
int64_t file_input_next_time(const struct file_input *input);
/* Not while its turn is: then it is to be read. */
bool file_input_can_suspend(const struct file_input *input);
bool file_input_holds_descriptor(const struct file_input *input);
void file_input_suspend(struct file_input *input, struct file_input_shared *shared);

/* The digest of a file that ended without one. */
void file_input_digest(struct file_input *input);

void file_inputs_close_retired(struct file_input_shared *shared);
