/* What a kind of probe provides. Its own struct begins with a struct probe. */
#pragma once

#include "probes/probe.h"

struct probe_kind {
        const char *name;
        int (*next)(struct probe *probe, struct frame_batch *batch);
        void (*destroy)(struct probe *probe);
        uint32_t (*input_count)(const struct probe *probe);
        const struct input_verdict *(*input)(const struct probe *probe, uint32_t file);
        const char *(*interface_name)(const struct probe *probe, uint16_t interface);
        const struct capture_secret *(*secret)(const struct probe *probe, uint32_t index);
        void (*progress)(const struct probe *probe, uint64_t *done, uint64_t *total);
};

struct probe {
        const struct probe_kind *kind;
};
