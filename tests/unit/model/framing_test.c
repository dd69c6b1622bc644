#include "model/framing.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/model/random_message.h"
#include "tests/unit/test.h"

static size_t pack_tick(uint64_t clock, uint8_t *buffer, size_t size)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Tick tick = APNWATCH__V1__TICK__INIT;
        event.clock = clock;
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &tick;
        return framing_pack(&event, buffer, size);
}

/* RFC 3720, B.4 */
static void checksums_are_those_of_rfc_3720(void **state)
{
        (void)state;
        uint8_t bytes[48] = {0};
        assert_int_equal(crc32c(bytes, 32), 0x8a9136aa);
        memset(bytes, 0xff, 32);
        assert_int_equal(crc32c(bytes, 32), 0x62a8ab43);
        for (unsigned i = 0; i < 32; i++)
                bytes[i] = (uint8_t)i;
        assert_int_equal(crc32c(bytes, 32), 0x46dd794e);
        assert_int_equal(crc32c("123456789", 9), 0xe3069283);
        assert_int_equal(crc32c("", 0), 0);
}

static void the_table_agrees_with_the_processor(void **state)
{
        (void)state;
        uint8_t bytes[300];
        for (unsigned i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t)(i * 151 >> 3);
        for (size_t length = 0; length <= sizeof bytes; length++)
                assert_int_equal(crc32c(bytes, length), crc32c_by_table(bytes, length));
}

static void records_come_back_one_after_the_other(void **state)
{
        (void)state;
        uint8_t buffer[128];
        size_t filled = 0, count;
        for (uint64_t clock = 1; (count = pack_tick(clock, buffer + filled, sizeof buffer - filled)) > 0; clock++)
                filled += count;
        assert_int_equal(filled, 5 * 22); /* head 8, clock 9, index 2, tick 3 */
        struct framing_arena *arena = framing_arena_create();
        const event_t *event;
        size_t at = 0, used;
        for (uint64_t clock = 1; at < filled; clock++, at += used) {
                assert_int_equal(framing_unpack(arena, buffer + at, filled - at, &used, &event), FRAMING_OK);
                assert_int_equal(event->clock, clock);
                assert_int_equal(event->body_case, APNWATCH__V1__EVENT__BODY_TICK);
        }
        assert_int_equal(framing_unpack(arena, buffer + at, 0, &used, &event), FRAMING_MORE);
        framing_arena_destroy(arena);
}

static void pack_and_compare(struct framing_arena *arena, const event_t *event)
{
        static uint8_t buffer[FRAMING_HEAD + FRAMING_LIMIT], expected[FRAMING_LIMIT], packed[FRAMING_LIMIT];
        const event_t *unpacked;
        size_t used, length = framing_pack(event, buffer, sizeof buffer);
        assert_true(length > 0);
        assert_int_equal(framing_unpack(arena, buffer, length, &used, &unpacked), FRAMING_OK);
        assert_int_equal(used, length);
        assert_int_equal(unpacked->body_case, event->body_case);
        assert_int_equal(apnwatch__v1__event__pack(event, expected), length - FRAMING_HEAD);
        assert_int_equal(apnwatch__v1__event__pack(unpacked, packed), length - FRAMING_HEAD);
        assert_memory_equal(packed, expected, length - FRAMING_HEAD);
}

static void every_body_of_an_event_comes_through(void **state)
{
        (void)state;
        struct framing_arena *arena = framing_arena_create();
        struct random_source random = {1234};
        unsigned bodies = 0;
        for (unsigned i = 0; i < apnwatch__v1__event__descriptor.n_fields; i++) {
                const ProtobufCFieldDescriptor *field = &apnwatch__v1__event__descriptor.fields[i];
                if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
                        continue;
                bodies++;
                for (unsigned rarity = 1; rarity < 40; rarity++) {
                        event_t event = APNWATCH__V1__EVENT__INIT;
                        event.clock = rarity;
                        event.body_case = (Apnwatch__V1__Event__BodyCase)field->id;
                        event.tick = (Apnwatch__V1__Tick *)(void *)random_message(&random, field->descriptor, 1 + rarity % 5);
                        pack_and_compare(arena, &event);
                        protobuf_c_message_free_unpacked(&event.tick->base, NULL);
                }
        }
        assert_int_equal(bodies, APNWATCH__V1__EVENT__BODY_CLEAR_NUMBER - APNWATCH__V1__EVENT__BODY_TICK + 1);
        framing_arena_destroy(arena);
}

static void every_shorter_record_needs_more(void **state)
{
        (void)state;
        uint8_t buffer[64];
        size_t length = pack_tick(77, buffer, sizeof buffer), used;
        struct framing_arena *arena = framing_arena_create();
        const event_t *event;
        for (size_t cut = 0; cut < length; cut++) {
                uint8_t *shorter = malloc(cut ? cut : 1);
                memcpy(shorter, buffer, cut);
                assert_int_equal(framing_unpack(arena, shorter, cut, &used, &event), FRAMING_MORE);
                free(shorter);
                assert_int_equal(pack_tick(77, buffer + 32, cut), 0);
        }
        framing_arena_destroy(arena);
}

static void every_flipped_bit_is_found(void **state)
{
        (void)state;
        uint8_t buffer[64] = {0};
        size_t length = pack_tick(77, buffer, sizeof buffer), used;
        struct framing_arena *arena = framing_arena_create();
        const event_t *event;
        for (size_t bit = 0; bit < length * 8; bit++) {
                buffer[bit / 8] ^= (uint8_t)(1U << (bit % 8));
                assert_int_not_equal(framing_unpack(arena, buffer, sizeof buffer, &used, &event), FRAMING_OK);
                buffer[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        }
        framing_arena_destroy(arena);
}

static void what_is_wrong_is_told(void **state)
{
        (void)state;
        static const uint8_t too_long[8] = {1, 0, 1, 0};
        static const uint8_t nothing[8] = {0};
        static const uint8_t wrong_checksum[9] = {1, 0, 0, 0, 9, 9, 9, 9, 8};
        struct framing_arena *arena = framing_arena_create();
        const event_t *event;
        size_t used;
        assert_int_equal(framing_unpack(arena, too_long, sizeof too_long, &used, &event), FRAMING_TOO_LONG);
        assert_int_equal(framing_unpack(arena, nothing, sizeof nothing, &used, &event), FRAMING_BAD_EVENT);
        assert_int_equal(framing_unpack(arena, wrong_checksum, sizeof wrong_checksum, &used, &event), FRAMING_BAD_CHECKSUM);
        assert_string_equal(framing_result_text(FRAMING_BAD_CHECKSUM), "its checksum is wrong");
        framing_arena_destroy(arena);
}

static void an_event_over_the_limit_is_not_packed(void **state)
{
        (void)state;
        enum { ROOM = FRAMING_LIMIT + 64 };
        char *version = malloc(ROOM);
        uint8_t *buffer = malloc(2 * ROOM);
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = &run;
        run.version = version;
        memset(version, 'x', ROOM);
        size_t around = 11 + 2 + 3 + 1 + 3; /* clock and index, tag and length of the run, of the version */
        version[FRAMING_LIMIT - around] = '\0';
        assert_int_equal(framing_pack(&event, buffer, 2 * ROOM), FRAMING_HEAD + FRAMING_LIMIT);
        version[FRAMING_LIMIT - around] = 'x';
        version[FRAMING_LIMIT - around + 1] = '\0';
        assert_int_equal(framing_pack(&event, buffer, 2 * ROOM), 0);
        free(version);
        free(buffer);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(checksums_are_those_of_rfc_3720),
                cmocka_unit_test(the_table_agrees_with_the_processor),
                cmocka_unit_test(records_come_back_one_after_the_other),
                cmocka_unit_test(every_body_of_an_event_comes_through),
                cmocka_unit_test(every_shorter_record_needs_more),
                cmocka_unit_test(every_flipped_bit_is_found),
                cmocka_unit_test(what_is_wrong_is_told),
                cmocka_unit_test(an_event_over_the_limit_is_not_packed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
