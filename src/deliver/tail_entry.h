/* One entry of a stream as a line of JSON. */
#pragma once

#include <stddef.h>

#include "deliver/outbox.h"
#include "model/json.h"
#include "model/wire.h"

struct redisReply;

enum tail_entry_kind {
        TAIL_ENTRY_ALERT,
        TAIL_ENTRY_GAP,
        TAIL_ENTRY_GONE,    /* pending in a group, but deleted or trimmed since: no fields */
        TAIL_ENTRY_FOREIGN, /* neither; `id` is told all the same */
        TAIL_ENTRY_NONE     /* no entry at all: the reply has another shape */
};

enum { TAIL_ARENA_SIZE = 4 << 20 };

/* Adds a line for an alert or a gap. `entry` as in XREAD: [id, [field, value, ...]]. */
enum tail_entry_kind tail_entry_write(const struct redisReply *entry, const char *sensor, struct wire_arena *arena,
                                      struct json_buffer *lines, struct entry_id *id);
