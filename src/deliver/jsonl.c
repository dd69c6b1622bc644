/* `jsonl:`: each alert as one line of JSON, with the names of alert.proto (doc: apnwatch(1);
 * contrib/schema/alert.schema.json). */
#include "deliver/kinds.h"

#include <errno.h>
#include <stdlib.h>

#include "deliver/last_alert.h"
#include "deliver/output.h"
#include "model/json.h"

struct jsonl {
        struct output *output;
        struct json_buffer line;
};

static int jsonl_open(struct sink *sink, const char *target, char *error, unsigned error_size)
{
        struct jsonl *jsonl = calloc(1, sizeof *jsonl);
        if (jsonl == NULL)
                return -ENOMEM;
        struct output_settings settings = {.append = sink->run && sink->run->append, .lines = true};
        int result = output_open(&jsonl->output, target, &settings, error, error_size);
        if (result != 0)
                free(jsonl);
        else
                sink->state = jsonl;
        return result;
}

static int jsonl_alert(struct sink *sink, const Apnwatch__V1__Alert *alert)
{
        struct jsonl *jsonl = sink->state;
        json_buffer_reset(&jsonl->line);
        model_json_write(&alert->base, &jsonl->line);
        json_put_newline(&jsonl->line);
        return jsonl->line.failed ? -ENOMEM : output_write(jsonl->output, jsonl->line.text, jsonl->line.length);
}

static int jsonl_flush(struct sink *sink)
{
        struct jsonl *jsonl = sink->state;
        return output_flush(jsonl->output);
}

static int jsonl_reopen(struct sink *sink)
{
        struct jsonl *jsonl = sink->state;
        return output_reopen(jsonl->output);
}

static bool jsonl_last(struct sink *sink, char id[33], uint32_t *revision)
{
        const struct jsonl *jsonl = sink->state;
        const char *path = output_path(jsonl->output);
        return path != NULL && last_alert_find(path, NULL, id, revision);
}

static int jsonl_close(struct sink *sink)
{
        struct jsonl *jsonl = sink->state;
        int result = output_close(jsonl->output);
        json_buffer_clear(&jsonl->line);
        free(jsonl);
        return result;
}

const struct sink_kind jsonl_sink_kind = {
        .scheme = "jsonl",
        .what = "alerts as JSON lines",
        .open = jsonl_open,
        .alert = jsonl_alert,
        .flush = jsonl_flush,
        .reopen = jsonl_reopen,
        .last = jsonl_last,
        .close = jsonl_close,
};
