#include <stddef.h>

#include "probes/probe_kind.h"

int probe_next(struct probe *probe, struct frame_batch *batch)
{
        return probe->kind->next(probe, batch);
}

void probe_destroy(struct probe *probe)
{
        if (probe != NULL)
                probe->kind->destroy(probe);
}

uint32_t probe_input_count(const struct probe *probe)
{
        return probe->kind->input_count(probe);
}

const struct input_verdict *probe_input(const struct probe *probe, uint32_t file)
{
        return probe->kind->input(probe, file);
}

const char *probe_interface_name(const struct probe *probe, uint16_t interface)
{
        return probe->kind->interface_name(probe, interface);
}

const struct capture_secret *probe_secret(const struct probe *probe, uint32_t index)
{
        return probe->kind->secret(probe, index);
}

void probe_progress(const struct probe *probe, uint64_t *done, uint64_t *total)
{
        probe->kind->progress(probe, done, total);
}
