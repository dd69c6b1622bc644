/* protobuf's wire format for the messages of this project, by their protobuf-c descriptors.
 *
 * protobuf_c_message_unpack goes over the bytes twice and asks an allocator for each string; a flow event cost 0.6 us with
 * it. This reads once, into one arena. It knows the shapes that our .proto files use: uint32, uint64, fixed64, double,
 * bool, enum, string, bytes and message, required, optional or in a oneof; repeated uint32, strings and messages (wire_knows
 * tells, and a test asks it for every message). Left out: the other scalars, packed fields, groups, keeping unknown fields. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* Memory of one unpacked message; bounded, and used again for the next. */
struct wire_arena {
        uint8_t *memory; /* aligned as malloc aligns */
        size_t used, size;
};

/* True when `descriptor` and all below it have only shapes that stand above, and none contains itself. */
bool wire_knows(const ProtobufCMessageDescriptor *descriptor);

/* The same bytes as protobuf_c_message_pack, without unknown fields; their number, or 0 when they are more than `size`
 * (what stands in `out` is then of no use). An empty message has no bytes either: ask wire_pack for messages that have
 * a required field. */
size_t wire_pack(const ProtobufCMessage *message, uint8_t *out, size_t size);

/* The message in the arena, which is emptied first; NULL when `bytes` are none: cut, a required field is missing, a field
 * comes twice, an enum's value is not known, a string holds a NUL, or the arena is too small. Unknown fields are passed
 * over. */
ProtobufCMessage *wire_unpack(struct wire_arena *arena, const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                              size_t length);
