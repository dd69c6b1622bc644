/* `events:`: what sense said, as records behind a head (model/event_log.h), for `apnwatch judge events:FILE`. Always begins
 * anew: a log is one run. */
#include "deliver/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/output.h"
#include "model/event_log.h"
#include "model/framing.h"

struct events {
        struct output *output;
        uint8_t record[FRAMING_HEAD + FRAMING_LIMIT];
};

static int write_head(struct events *events, const struct sink_run *run)
{
        uint8_t head[EVENT_LOG_HEAD_LIMIT];
        struct event_log_head texts = {0};
        if (run)
                texts = (struct event_log_head){run->sensor, run->configuration_digest, run->version};
        size_t length = event_log_head_pack(&texts, head);
        return length == 0 ? -ENAMETOOLONG : output_write(events->output, head, length);
}

static int events_open(struct sink *sink, const char *target, char *error, unsigned error_size)
{
        struct events *events = calloc(1, sizeof *events);
        if (events == NULL)
                return -ENOMEM;
        struct output_settings settings = {.append = false, .lines = false};
        int result = output_open(&events->output, target, &settings, error, error_size);
        if (result == 0 && (result = write_head(events, sink->run)) != 0) {
                snprintf(error, error_size, "%s", strerror(-result));
                output_close(events->output);
        }
        if (result != 0)
                free(events);
        else
                sink->state = events;
        return result;
}

static int events_event(struct sink *sink, const event_t *event)
{
        struct events *events = sink->state;
        size_t length = framing_pack(event, events->record, sizeof events->record);
        return length == 0 ? -EMSGSIZE : output_write(events->output, events->record, length);
}

static int events_flush(struct sink *sink)
{
        struct events *events = sink->state;
        return output_flush(events->output);
}

static int events_close(struct sink *sink)
{
        struct events *events = sink->state;
        int result = output_close(events->output);
        free(events);
        return result;
}

const struct sink_kind events_sink_kind = {
        .scheme = "events",
        .what = "the event log",
        .open = events_open,
        .event = events_event,
        .flush = events_flush,
        .close = events_close,
};
