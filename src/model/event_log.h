/* The event log (`events:FILE`): what sense said in one run, to be judged again.
 *
 *     magic      8 bytes  89 'a' 'p' 'n' 'e' 'v' 0d 0a
 *     format     u32      1; little endian as all numbers here
 *     length     u32      of the head's text, at most 4096
 *     crc        u32      CRC-32C of the head's text
 *     text                three strings, each ended by a NUL: sensor, configuration digest, version of apnwatch
 *     records             as model/framing.h has them, to the end of the file
 *
 * A record that is cut by the end of the file is a torn tail: the writer was stopped. All before it is good. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/event.h"

enum { EVENT_LOG_FORMAT = 1, EVENT_LOG_HEAD_LIMIT = 20 + 4096 };

struct event_log_head {
        const char *sensor;               /* "" where the run had none */
        const char *configuration_digest;
        const char *version;
};

/* Bytes written, or 0 when the texts are longer than the head may be. A NULL text is "". */
size_t event_log_head_pack(const struct event_log_head *head, uint8_t out[EVENT_LOG_HEAD_LIMIT]);

/* Reads a file or a pipe in one pass through a window of bounded size. */
struct event_log;

/* "-" is standard input. NULL with a message that names the file. */
struct event_log *event_log_open(const char *path, char *error, unsigned error_size);
void event_log_close(struct event_log *log);

const struct event_log_head *event_log_head(const struct event_log *log);

enum event_log_result {
        EVENT_LOG_EVENT,   /* `*event` lives until the next call */
        EVENT_LOG_END,     /* the log is whole */
        EVENT_LOG_TORN,    /* ends within a record; all events before it were given. A warning, not a failure */
        EVENT_LOG_DAMAGED, /* a record is no record: nothing behind it can be read */
        EVENT_LOG_FAILED,  /* the file cannot be read further */
};

/* What is not EVENT stays the answer of every later call. */
enum event_log_result event_log_next(struct event_log *log, const event_t **event);

/* After TORN, DAMAGED, FAILED: file, byte offset, what is wrong. Else "". */
const char *event_log_message(const struct event_log *log);

uint64_t event_log_offset(const struct event_log *log); /* of the next record: bytes that were good */
uint64_t event_log_count(const struct event_log *log);  /* events given */
