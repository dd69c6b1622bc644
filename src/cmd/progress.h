/* The progress line of a terminal: how far, how fast, how long still. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
        bool shown;
        bool drawn;
        unsigned calls;
        int64_t begun_ns, next_ns;
};

void progress_init(struct progress *progress, bool shown);

/* True four times a second; cheap enough to be asked for every batch. */
bool progress_is_due(struct progress *progress);
void progress_show(struct progress *progress, uint64_t packets, uint64_t done, uint64_t total); /* bytes; total 0: unknown */
void progress_end(struct progress *progress); /* the line is wiped */
