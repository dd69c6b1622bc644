/* One entry of the stream as the words of an XADD: an alert, or a gap record (doc: apnwatch(1), Redis). The set of fields never
 * changes, so that Redis keeps their names once per node: what an alert does not have is an empty text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deliver/outbox.h"
#include "model/json.h"

enum { REDIS_ENTRY_WORDS = 32, REDIS_ID_SIZE = 44 };

struct redis_entry_settings {
        const char *key;
        uint64_t maxlen;
        bool json;               /* the field `json` too */
};

struct redis_entry {
        const char *words[REDIS_ENTRY_WORDS];
        size_t lengths[REDIS_ENTRY_WORDS];
        unsigned count;
        char id[REDIS_ID_SIZE], maxlen[24], number[24], time[JSON_TIME_SIZE];
        char gap_from[REDIS_ID_SIZE];
        struct json_buffer json;
};

/* `entry` is borrowed for as long as the words are used. `make_stream` false: the server shall refuse (with nil) when there is no such
 * stream any more. -ENOMEM: no memory for the JSON. */
int redis_entry_build(struct redis_entry *out, const struct redis_entry_settings *settings, const struct outbox_entry *entry,
                      bool make_stream);
void redis_entry_clear(struct redis_entry *entry);

/* "1714-17" */
void redis_id_write(char text[REDIS_ID_SIZE], struct entry_id id);
bool redis_id_parse(struct entry_id *out, const char *text);
