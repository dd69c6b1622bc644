/* Where frames come from. A kind of probe is its own file and one line in probe.c's list. */
#pragma once

#include <stdint.h>

#include "base/frame.h"

struct probe;

/* What became of one input, complete once the probe has ended. Strings belong to the probe. */
struct input_verdict {
        const char *path;       /* as the user named it, or as the folder walk found it */
        const char *verdict;    /* "ok", "empty", "truncated at byte 1234", "damaged at byte 1234: ...", "not a capture", "cannot be opened: ..." */
        enum input_state { INPUT_OK, INPUT_EMPTY, INPUT_DAMAGED, INPUT_NOT_CAPTURE, INPUT_UNREADABLE } state;
        int named;              /* the user named this file itself (a fault counts for the exit status), not found in a folder */
        uint64_t packets;
        int64_t first_ns, last_ns; /* 0 when there were no packets */
        uint64_t bytes;         /* of the file */
        const char *link_types; /* "ethernet", or "ethernet, raw" when interfaces differ; NULL unknown */
        const char *sha256;     /* hex, of the file as it lies on disk; NULL for standard input that was not read to its end */
        uint64_t cut_frames;    /* captured shorter than on the wire */
        uint64_t late_frames;   /* time before an earlier frame of the same file */
        uint64_t secrets;       /* pcapng decryption secrets blocks kept */
        uint64_t comments;      /* pcapng comments seen */
        uint64_t filtered;      /* frames of `packets` that the filter held back */
};

/* A pcapng decryption secrets block, e.g. type 0x544c534b: a TLS key log. Bytes belong to the probe. */
struct capture_secret {
        uint32_t file;
        uint32_t type, length;
        const uint8_t *bytes;
};

/* Frames of the next batch, in the order of the run. 1: frames (count > 0); 0: the end; negative errno: the probe itself
 * failed (a damaged input is not a failure: it has its verdict and the others go on). The bytes live until the next call. */
int probe_next(struct probe *probe, struct frame_batch *batch);
void probe_destroy(struct probe *probe);

uint32_t probe_input_count(const struct probe *probe);
const struct input_verdict *probe_input(const struct probe *probe, uint32_t file);
const char *probe_interface_name(const struct probe *probe, uint16_t interface); /* "" when the file has no name for it */

/* NULL behind the last one. They are known once the frames before them have been read. */
const struct capture_secret *probe_secret(const struct probe *probe, uint32_t index);

/* Bytes read and to be read, for the progress line; total is 0 when unknown (standard input). */
void probe_progress(const struct probe *probe, uint64_t *done, uint64_t *total);

/* Captures: files, folders (recursive), "-" for standard input; plain, .gz, .zst, .xz, recognised by content. */
struct file_probe_input {
        const char *path;
        int64_t clock_offset_ns;
};

struct file_probe_settings {
        const struct file_probe_input *inputs;
        uint32_t input_count;
        int merge;                      /* by packet time; 0: one after another in the order given */
        const char *filter;             /* libpcap syntax, on the outer frame; NULL: none */
        unsigned descriptors;           /* files open at one time at most; 0: as many as there are descriptors, less a reserve
                                         * (plain files are mapped and hold none) */
        int digest;                     /* sha256 of each input that is a capture: 0.5 to 0.7 s a GB */
};

/* NULL with a message in `error` (of `error_size` bytes): no memory, or the filter does not compile.
 * Files are opened and read by probe_next only. A folder without files has a verdict of its own (empty, named). */
struct probe *file_probe_open(const struct file_probe_settings *settings, char *error, unsigned error_size);
