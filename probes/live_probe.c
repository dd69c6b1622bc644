#include "probes/live.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/frame_filter.h"
#include "probes/live_ring.h"
#include "probes/probe_kind.h"

enum { WAIT_MS = 100, MILLISECOND_NS = 1000000, CHECK_EVERY_NS = 200 * MILLISECOND_NS, RING_BYTES = 64 << 20 };

struct live_probe {
        struct probe probe;             /* must be first */
        struct live_shared shared;
        char *filter;
        struct live_ring rings[LIVE_INTERFACES];
        struct live_queue queues[LIVE_INTERFACES];
        int64_t floor_ns;               /* nothing handed over, nor told as now, was later */
        int64_t checked_ns;             /* steady */
        uint64_t order;
        struct input_verdict verdict;
        char names[512];
};

static struct live_probe *live_probe_of(const struct probe *probe)
{
        return (struct live_probe *)probe;
}

static void check_rings(struct live_probe *live)
{
        int64_t now = live->shared.clock.last.steady_ns;
        bool due = now - live->checked_ns >= CHECK_EVERY_NS;
        for (unsigned i = 0; i < live->shared.settings.count; i++)
                if (due || live->rings[i].broken)
                        live_ring_check(&live->rings[i]);
        if (due)
                live->checked_ns = now;
}

/* What was taken from a ring before has been used up by now, wherever the queue is at its end. */
static void collect(struct live_probe *live)
{
        live_clock_update(&live->shared.clock, live_reading_now());
        check_rings(live);
        for (unsigned i = 0; i < live->shared.settings.count; i++)
                if (live->queues[i].next == live->queues[i].count)
                        live_ring_collect(&live->rings[i]);
}

/* A ring whose frames are held back is not waited for: it would always be ready. False: a signal came. */
static bool wait_for_frames(struct live_probe *live, int64_t wait_ns)
{
        struct pollfd polled[LIVE_INTERFACES];
        for (unsigned i = 0; i < live->shared.settings.count; i++) {
                bool wanted = live->queues[i].next == live->queues[i].count;
                polled[i] = (struct pollfd){.fd = wanted ? live->rings[i].descriptor : -1, .events = POLLIN};
        }
        if (poll(polled, live->shared.settings.count, (int)((wait_ns + MILLISECOND_NS - 1) / MILLISECOND_NS)) < 0)
                return false;
        for (unsigned i = 0; i < live->shared.settings.count; i++)
                if (polled[i].revents & (POLLERR | POLLHUP | POLLNVAL))
                        live->rings[i].broken = true;
        return true;
}

static void hand_over(struct live_probe *live, struct frame_batch *batch)
{
        for (unsigned i = 0; i < batch->count; i++) {
                struct frame *frame = &batch->frames[i];
                struct live_interface *report = &live->rings[frame->interface].report;
                if (frame->time_ns < live->floor_ns) {
                        frame->time_ns = live->floor_ns;
                        report->late++;
                }
                live->floor_ns = frame->time_ns;
                frame->order = frame->number = ++live->order;
                report->received++;
                report->bytes += frame->wire;
        }
        if (live->verdict.packets == 0)
                live->verdict.first_ns = batch->frames[0].time_ns;
        live->verdict.packets = live->order;
        live->verdict.last_ns = live->floor_ns;
}

static int live_probe_next(struct probe *probe, struct frame_batch *batch)
{
        struct live_probe *live = live_probe_of(probe);
        unsigned count = live->shared.settings.count;
        batch->count = 0;
        collect(live);
        int64_t until = live->shared.clock.last.steady_ns + (int64_t)live->shared.settings.wait_ms * MILLISECOND_NS;
        for (;;) {
                live_merge(live->queues, count, batch);
                if (batch->count > 0)
                        break;
                int64_t wait = until - live->shared.clock.last.steady_ns, held = live_merge_held_ns(live->queues, count);
                if (wait <= 0 || !wait_for_frames(live, held >= 0 && held < wait ? held : wait))
                        return 1;
                collect(live);
        }
        hand_over(live, batch);
        return 1;
}

static void live_probe_destroy(struct probe *probe)
{
        struct live_probe *live = live_probe_of(probe);
        for (unsigned i = 0; i < live->shared.settings.count; i++)
                live_ring_clear(&live->rings[i]);
        live_link_close(&live->shared.link);
        free(live->filter);
        free(live);
}

static uint32_t live_probe_input_count(const struct probe *probe)
{
        (void)probe;
        return 1;
}

static const struct input_verdict *live_probe_input(const struct probe *probe, uint32_t file)
{
        return file == 0 ? &live_probe_of(probe)->verdict : NULL;
}

static const char *live_probe_interface_name(const struct probe *probe, uint16_t interface)
{
        const struct live_probe *live = live_probe_of(probe);
        return interface < live->shared.settings.count ? live->rings[interface].report.name : "";
}

static const struct capture_secret *live_probe_secret(const struct probe *probe, uint32_t index)
{
        (void)probe, (void)index;
        return NULL;
}

static void live_probe_progress(const struct probe *probe, uint64_t *done, uint64_t *total)
{
        (void)probe;
        *done = *total = 0;
}

static const struct probe_kind live_probe_kind = {
        .name = "live", .next = live_probe_next, .destroy = live_probe_destroy, .input_count = live_probe_input_count,
        .input = live_probe_input, .interface_name = live_probe_interface_name, .secret = live_probe_secret,
        .progress = live_probe_progress,
};

unsigned live_probe_interfaces(struct probe *probe, struct live_interface out[LIVE_INTERFACES])
{
        struct live_probe *live = live_probe_of(probe);
        for (unsigned i = 0; i < live->shared.settings.count; i++) {
                live_ring_count_drops(&live->rings[i]);
                out[i] = live->rings[i].report;
        }
        return live->shared.settings.count;
}

int64_t live_probe_now(struct probe *probe)
{
        struct live_probe *live = live_probe_of(probe);
        int64_t now = INT64_MAX;
        for (unsigned i = 0; i < live->shared.settings.count; i++) {
                const struct live_queue *queue = &live->queues[i];
                int64_t next = queue->next < queue->count ? queue->frames[queue->next].time_ns : queue->none_before_ns;
                if (next < now)
                        now = next;
        }
        if (now == INT64_MAX) /* all are gone */
                now = live_epoch_time(&live->shared.clock.epoch, live->shared.clock.last.real_ns);
        if (now > live->floor_ns)
                live->floor_ns = now;
        return live->floor_ns;
}

uint64_t live_probe_memory(const struct live_settings *settings)
{
        uint64_t ring = settings->buffer_bytes ? settings->buffer_bytes : RING_BYTES;
        uint64_t blocks = (ring + RING_BLOCK_BYTES - 1) / RING_BLOCK_BYTES;
        return settings->count * (blocks * RING_BLOCK_BYTES + RING_MEMORY);
}

static int check_interfaces(const struct live_settings *settings, char *error, unsigned error_size)
{
        if (settings->count == 0 || settings->count > LIVE_INTERFACES) {
                snprintf(error, error_size, "one to %d interfaces can be read", LIVE_INTERFACES);
                return -EINVAL;
        }
        for (unsigned i = 0; i < settings->count; i++)
                for (unsigned j = 0; j < i; j++)
                        if (strcmp(settings->interfaces[i], settings->interfaces[j]) == 0) {
                                snprintf(error, error_size, "%s is named twice", settings->interfaces[i]);
                                return -EINVAL;
                        }
        return 0;
}

/* Also when every interface is down, and so before any is opened. */
static int check_filter(const char *text, char *error, unsigned error_size)
{
        char reason[PCAP_ERRBUF_SIZE];
        struct frame_filter *filter = frame_filter_create(text, reason, sizeof reason);
        if (filter == NULL)
                snprintf(error, error_size, "filter: %s", reason);
        frame_filter_destroy(filter);
        return filter != NULL ? 0 : -EINVAL;
}

static int set_up(struct live_probe *live, const struct live_settings *settings, char *error, unsigned error_size)
{
        int result = check_interfaces(settings, error, error_size);
        if (result == 0 && settings->filter != NULL)
                result = check_filter(settings->filter, error, error_size);
        if (result != 0)
                return result;
        live->shared.settings = *settings;
        live->shared.settings.count = 0;       /* of those that were begun, for the case of failure */
        if (settings->buffer_bytes == 0)
                live->shared.settings.buffer_bytes = RING_BYTES;
        if (settings->snap_length == 0)
                live->shared.settings.snap_length = RING_SNAP_LENGTH;
        if (settings->wait_ms == 0)
                live->shared.settings.wait_ms = WAIT_MS;
        if (settings->filter != NULL && (live->shared.settings.filter = live->filter = strdup(settings->filter)) == NULL) {
                snprintf(error, error_size, "no memory");
                return -ENOMEM;
        }
        live_clock_start(&live->shared.clock, live_reading_now());
        for (unsigned i = 0; i < settings->count; i++) {
                live->shared.settings.count = i + 1;
                result = live_ring_open(&live->rings[i], &live->shared, i, &live->queues[i], error, error_size);
                if (result != 0)
                        return result;
                live->shared.settings.interfaces[i] = live->rings[i].report.name;
                size_t used = strlen(live->names);
                snprintf(live->names + used, sizeof live->names - used, "%s%s", i ? "," : "", live->rings[i].report.name);
        }
        live->verdict = (struct input_verdict){.path = live->names, .verdict = "ok", .state = INPUT_OK, .named = 1};
        return 0;
}

struct probe *live_probe_open(const struct live_settings *settings, char *error, unsigned error_size)
{
        struct live_probe *live = calloc(1, sizeof *live);
        if (live == NULL) {
                snprintf(error, error_size, "no memory");
                return NULL;
        }
        live->probe.kind = &live_probe_kind;
        live_link_open(&live->shared.link); /* without it, what the card missed is not known */
        if (set_up(live, settings, error, error_size) != 0) {
                live_probe_destroy(&live->probe);
                return NULL;
        }
        return &live->probe;
}
