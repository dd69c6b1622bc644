/* `summary:`: one JSON object for the whole run. Who ran it writes the object; nothing is in the file before the run has
 * ended. */
#include "deliver/kinds.h"

#include <string.h>

#include "deliver/output.h"

static int summary_open(struct sink *sink, const char *target, char *error, unsigned error_size)
{
        struct output *output = NULL;
        struct output_settings settings = {.append = false, .lines = true};
        int result = output_open(&output, target, &settings, error, error_size);
        sink->state = output;
        return result;
}

static int summary_write(struct sink *sink, const char *json)
{
        int result = output_write(sink->state, json, strlen(json));
        return result < 0 ? result : output_write(sink->state, "\n", 1);
}

static int summary_flush(struct sink *sink)
{
        return output_flush(sink->state);
}

static int summary_close(struct sink *sink)
{
        return output_close(sink->state);
}

const struct sink_kind summary_sink_kind = {
        .scheme = "summary",
        .what = "the run as one JSON object",
        .open = summary_open,
        .summary = summary_write,
        .flush = summary_flush,
        .close = summary_close,
};
