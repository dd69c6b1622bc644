#include "deliver/gap_record.h"

#include <inttypes.h>
#include <stdio.h>

const char *entry_id_text(struct entry_id id, char text[ENTRY_ID_SIZE])
{
        snprintf(text, ENTRY_ID_SIZE, "%" PRIu64 "-%" PRIu64, id.ms, id.sequence);
        return text;
}

void gap_record_write(const struct outbox_entry *entry, const char *sensor, struct json_buffer *out)
{
        char text[ENTRY_ID_SIZE];
        json_put_begin_object(out);
        json_put_key(out, "gap_from"), json_put_string(out, entry_id_text(entry->gap_from, text));
        json_put_key(out, "gap_to"), json_put_string(out, entry_id_text(entry->id, text));
        json_put_key(out, "count"), json_put_number(out, entry->gap_count);
        if (sensor)
                json_put_key(out, "sensor"), json_put_string(out, sensor);
        json_put_end_object(out);
}
