#include "model/wire.h"

#include <stdlib.h>
#include <string.h>

#include "model/alert.pb-c.h"
#include "model/event.pb-c.h"
#include "tests/unit/model/random_message.h"
#include "tests/unit/test.h"

static const ProtobufCMessageDescriptor *const roots[] = {&apnwatch__v1__event__descriptor,
                                                          &apnwatch__v1__alert__descriptor};
enum { ROOTS = sizeof roots / sizeof *roots, ARENA = 1 << 20 };

static uint8_t arena_memory[ARENA] __attribute__((aligned(16)));
static struct wire_arena arena = {.memory = arena_memory, .size = ARENA};

static void every_message_has_only_shapes_that_wire_knows(void **state)
{
        (void)state;
        for (unsigned i = 0; i < ROOTS; i++)
                assert_true(wire_knows(roots[i]));
}

static void bytes_are_those_of_protobuf_c_and_come_back(void **state)
{
        (void)state;
        struct random_source random = {4711};
        for (unsigned round = 0; round < 3000; round++) {
                const ProtobufCMessageDescriptor *descriptor = roots[round % ROOTS];
                ProtobufCMessage *message = random_message(&random, descriptor, 1 + round % 5);
                size_t length = protobuf_c_message_get_packed_size(message);
                uint8_t *expected = malloc(length), *packed = malloc(length);
                assert_int_equal(protobuf_c_message_pack(message, expected), length);
                assert_int_equal(wire_pack(message, packed, length), length);
                assert_memory_equal(packed, expected, length);
                ProtobufCMessage *unpacked = wire_unpack(&arena, descriptor, packed, length);
                assert_non_null(unpacked);
                memset(packed, 0, length);
                assert_int_equal(protobuf_c_message_pack(unpacked, packed), length);
                assert_memory_equal(packed, expected, length);
                free(expected);
                free(packed);
                protobuf_c_message_free_unpacked(message, NULL);
        }
}

static void every_smaller_room_is_too_small(void **state)
{
        (void)state;
        struct random_source random = {99};
        ProtobufCMessage *message = random_message(&random, roots[0], 1);
        size_t length = protobuf_c_message_get_packed_size(message);
        for (size_t size = 0; size < length; size++) {
                uint8_t *room = malloc(size ? size : 1);
                assert_int_equal(wire_pack(message, room, size), 0);
                free(room);
        }
        protobuf_c_message_free_unpacked(message, NULL);
}

static void every_shorter_message_is_refused_or_is_whole(void **state)
{
        (void)state;
        struct random_source random = {7};
        for (unsigned round = 0; round < 20; round++) {
                ProtobufCMessage *message = random_message(&random, roots[round % ROOTS], 2);
                size_t length = protobuf_c_message_get_packed_size(message);
                uint8_t *packed = malloc(length);
                protobuf_c_message_pack(message, packed);
                for (size_t cut = 0; cut < length; cut++) {
                        uint8_t *shorter = malloc(cut ? cut : 1);
                        memcpy(shorter, packed, cut);
                        ProtobufCMessage *ours = wire_unpack(&arena, roots[round % ROOTS], shorter, cut);
                        ProtobufCMessage *theirs = protobuf_c_message_unpack(roots[round % ROOTS], NULL, cut, shorter);
                        assert_int_equal(ours != NULL, theirs != NULL); /* a cut between two fields may be a message */
                        if (theirs)
                                protobuf_c_message_free_unpacked(theirs, NULL);
                        free(shorter);
                }
                free(packed);
                protobuf_c_message_free_unpacked(message, NULL);
        }
}

/* Event: 09 clock (fixed64), 20 index (varint) are required. */
#define CLOCK 0x09, 1, 0, 0, 0, 0, 0, 0, 0
#define INDEX 0x20, 5

static void odd_messages(void **state)
{
        (void)state;
        static const struct {
                bool good;
                uint8_t length;
                uint8_t bytes[48];
        } rows[] = {
                {true, 11, {CLOCK, INDEX}},
                {true, 11, {INDEX, CLOCK}}, /* any order */
                {false, 9, {CLOCK}},        /* no index */
                {false, 0, {0}},
                {false, 13, {CLOCK, INDEX, INDEX}},                       /* twice */
                {false, 13, {CLOCK, INDEX, 0x25, 0}},                     /* index as 32 bits, which it is not */
                {false, 13, {CLOCK, 0x20, 0xff, 0xff, 0xff, 0xff, 0x1f}}, /* over 32 bits; and one byte left over */
                {false,
                 20,
                 {CLOCK, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, /* varint without end */
                {true, 14, {CLOCK, INDEX, 0xf8, 0x3f, 1}},                                   /* unknown field 1023, varint */
                {true, 21, {CLOCK, INDEX, 0xf9, 0x3f, 1, 2, 3, 4, 5, 6, 7, 8}},              /* 64 bits */
                {true, 15, {CLOCK, INDEX, 0xfa, 0x3f, 1, 0xff}},                             /* length-prefixed */
                {true, 17, {CLOCK, INDEX, 0xfd, 0x3f, 1, 2, 3, 4}},                          /* 32 bits */
                {false, 13, {CLOCK, INDEX, 0xfb, 0x3f}},                                     /* a group */
                {false, 12, {CLOCK, INDEX, 0x00}},                                           /* field 0 */
                {true, 14, {CLOCK, INDEX, 0x82, 0x01, 0}},                                   /* tick */
                {false, 17, {CLOCK, INDEX, 0x82, 0x01, 0, 0x82, 0x01, 0}},                   /* two */
                {false, 17, {CLOCK, INDEX, 0x82, 0x01, 0, 0x8a, 0x01, 0}}, /* tick and run: one body only */
                {true, 16, {CLOCK, INDEX, 0xa2, 0x01, 2, 0x08, 1}},        /* flow_news KNOWN */
                {false, 16, {CLOCK, INDEX, 0xa2, 0x01, 2, 0x08, 9}},       /* no such phase */
                {false, 15, {CLOCK, INDEX, 0xa2, 0x01, 9, 0x08}},          /* longer than what is left */
                {true, 17, {CLOCK, INDEX, 0x8a, 0x01, 3, 0x22, 1, 'x'}},   /* run, version "x" */
                {false, 17, {CLOCK, INDEX, 0x8a, 0x01, 3, 0x22, 1, 0}},    /* a NUL in a string */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                uint8_t *exact = malloc(rows[i].length ? rows[i].length : 1);
                memcpy(exact, rows[i].bytes, rows[i].length);
                bool good = wire_unpack(&arena, roots[0], exact, rows[i].length) != NULL;
                if (good != rows[i].good)
                        print_error("row %zu\n", i);
                assert_int_equal(good, rows[i].good);
                free(exact);
        }
}

static void a_message_that_outgrows_the_arena_is_refused(void **state)
{
        (void)state;
        struct random_source random = {5};
        ProtobufCMessage *message = random_message(&random, roots[1], 1);
        size_t length = protobuf_c_message_get_packed_size(message);
        uint8_t *packed = malloc(length);
        protobuf_c_message_pack(message, packed);
        assert_non_null(wire_unpack(&arena, roots[1], packed, length));
        size_t needed = arena.used;
        for (size_t size = 0; size < needed; size += 1 + size / 16) {
                struct wire_arena small = {.memory = malloc(size + 1), .size = size}; /* ASan tells when it is left */
                assert_null(wire_unpack(&small, roots[1], packed, length));
                free(small.memory);
        }
        free(packed);
        protobuf_c_message_free_unpacked(message, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_message_has_only_shapes_that_wire_knows),
                cmocka_unit_test(bytes_are_those_of_protobuf_c_and_come_back),
                cmocka_unit_test(every_smaller_room_is_too_small),
                cmocka_unit_test(every_shorter_message_is_refused_or_is_whole),
                cmocka_unit_test(odd_messages),
                cmocka_unit_test(a_message_that_outgrows_the_arena_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
