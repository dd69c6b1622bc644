/* Messages of any type filled at random by their descriptor, so that no field of a .proto can be forgotten by a test. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

struct random_source {
        uint64_t state; /* not 0 */
};

uint64_t random_source_next(struct random_source *random);

/* From malloc; freed with protobuf_c_message_free_unpacked(message, NULL). Each optional field is there with one chance in
 * `rarity`. */
ProtobufCMessage *random_message(struct random_source *random, const ProtobufCMessageDescriptor *descriptor,
                                 unsigned rarity);
