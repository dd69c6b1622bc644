/* Events as records: the worker's pipe and the event log use the same.
 *
 *     length  u32 little endian, of the packed event; at most FRAMING_LIMIT
 *     crc     u32 little endian, CRC-32C (RFC 3720, B.4) of the packed event
 *     event   packed apnwatch.v1.Event
 *
 * The reader's end is hostile: lengths are capped, the checksum is verified, enums are checked, and unpacking allocates
 * from a bounded arena that is reused for the next record. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/event.h"

enum { FRAMING_LIMIT = 64 * 1024, FRAMING_HEAD = 8 };

uint32_t crc32c(const void *bytes, size_t length);
uint32_t crc32c_by_table(const void *bytes, size_t length); /* what crc32c does where the processor cannot */

/* Head and packed event into `buffer`; the bytes written, or 0 when they do not fit (nothing is written then). */
size_t framing_pack(const event_t *event, uint8_t *buffer, size_t size);

struct framing_arena;
struct framing_arena *framing_arena_create(void);
void framing_arena_destroy(struct framing_arena *arena);

enum framing_result { FRAMING_OK, FRAMING_MORE, FRAMING_TOO_LONG, FRAMING_BAD_CHECKSUM, FRAMING_BAD_EVENT };

/* One record from `bytes`. On OK `*used` bytes are done with and `*event` lives in the arena until the next call.
 * MORE: the record is not whole yet. The others end the stream (a torn tail of a log is MORE at its end). */
enum framing_result framing_unpack(struct framing_arena *arena, const uint8_t *bytes, size_t length, size_t *used,
                                   const event_t **event);
const char *framing_result_text(enum framing_result result);
