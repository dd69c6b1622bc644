#include "tests/unit/test.h"

#include <stdio.h>

#include "probes/capture.h"
#include "probes/interface_names.h"
#include "probes/secret_store.h"
#include "tests/unit/probes/capture_bytes.h"
#include "tests/unit/probes/memory_source.h"

static const int64_t second = 1000000000;

enum { ETHERNET = 1, RAW = 101, NONE = 0xff };

struct reading {
        struct capture capture;
        struct interface_names *names;
        struct secret_store *secrets;
        struct frame frames[64];
        unsigned count;
};

static void read_all(struct reading *reading, const uint8_t *bytes, size_t length)
{
        reading->names = interface_names_create();
        reading->secrets = secret_store_create();
        struct capture_settings settings = {.file = 2, .names = reading->names, .secrets = reading->secrets};
        struct byte_source *source = memory_source(bytes, length);
        reading->count = 0;
        enum capture_status status = capture_begin(&reading->capture, source, &settings);
        while (status != CAPTURE_ENDED) {
                unsigned count;
                status = capture_read(&reading->capture, reading->frames + reading->count, 3, &count);
                assert_int_not_equal(status, CAPTURE_BUSY);
                reading->count += count;
                assert_in_range(reading->count, 0, 60);
        }
}

static void reading_close(struct reading *reading)
{
        byte_source_close(reading->capture.source);
        capture_clear(&reading->capture);
        interface_names_destroy(reading->names);
        secret_store_destroy(reading->secrets);
}

static void check_content(const struct frame *frame, uint32_t packet)
{
        for (uint32_t i = 0; i < frame->captured; i++)
                assert_int_equal(frame->bytes[i], content_byte(packet, i));
}

static const char *name_of(const struct reading *reading, unsigned frame)
{
        return interface_names_get(reading->names, reading->frames[frame].interface);
}

static void sections_of_different_byte_order_have_interfaces_of_their_own(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        struct reading reading;
        add_section(&bytes, false);
        add_interface(&bytes, ETHERNET, 0, "eth0", NONE, 0);
        add_interface(&bytes, RAW, 64, "tun1", NONE, 0);
        add_enhanced(&bytes, 0, 5000001, 0, 21, NULL);
        add_enhanced(&bytes, 1, 6000002, 1, 22, NULL);
        add_section(&bytes, true);
        add_interface(&bytes, 276, 0, "eth0", 9, 0);
        add_enhanced(&bytes, 0, 7000000003, 2, 23, NULL);
        read_all(&reading, bytes.at, bytes.length);
        assert_string_equal(reading.capture.verdict, "ok");
        assert_int_equal(reading.count, 3);
        assert_int_equal(reading.frames[0].time_ns, 5 * second + 1000);
        assert_int_equal(reading.frames[1].time_ns, 6 * second + 2000);
        assert_int_equal(reading.frames[2].time_ns, 7 * second + 3);
        assert_int_equal(reading.frames[0].link_type, ETHERNET);
        assert_int_equal(reading.frames[1].link_type, RAW);
        assert_int_equal(reading.frames[2].link_type, 276);
        assert_string_equal(name_of(&reading, 0), "eth0");
        assert_string_equal(name_of(&reading, 1), "tun1");
        assert_int_equal(reading.frames[2].interface, reading.frames[0].interface);
        for (unsigned i = 0; i < 3; i++) {
                check_content(&reading.frames[i], i);
                assert_int_equal(reading.frames[i].captured, 21 + i);
                assert_int_equal(reading.frames[i].number, i + 1);
        }
        char text[64];
        assert_string_equal(capture_link_types(&reading.capture, text, sizeof text), "ethernet, raw, linux cooked 2");
        reading_close(&reading);
        bytes_free(&bytes);
}

static void time_resolution_and_offset_of_an_interface_hold(void **state)
{
        (void)state;
        static const struct {
                uint8_t resolution;
                int64_t offset;
                uint64_t units;
                int64_t time_ns;
        } cases[] = {
                {6, 0, 1234567, 1234567000},
                {3, 0, 1234, 1234000000},
                {0, 0, 12, 12000000000},
                {9, 0, 1700000000123456789, 1700000000123456789},
                {12, 0, 5000000000999, 5000000000},
                {0x80 | 10, 0, (7 << 10) + 512, 7500000000},
                {0x80 | 32, 0, (UINT64_C(1700000000) << 32) + 0x40000000, 1700000000250000000},
                {0x80, 0, 3, 3000000000},
                {6, 1700000000, 1000000, 1700000001000000000},
                {6, -10, 1000000, -9000000000},
                {0, 0, UINT64_MAX, INT64_MAX / 2}, /* no such time: stands at the limit */
                {127, INT64_MAX, 1, INT64_MAX / 2},
                {6, INT64_MIN, 0, -(INT64_MAX / 2)},
        };
        for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct bytes bytes = {0};
                struct reading reading;
                add_section(&bytes, i % 2);
                add_interface(&bytes, ETHERNET, 0, NULL, cases[i].resolution, cases[i].offset);
                add_enhanced(&bytes, 0, cases[i].units, 0, 1, NULL);
                read_all(&reading, bytes.at, bytes.length);
                assert_int_equal(reading.count, 1);
                assert_int_equal(reading.frames[0].time_ns, cases[i].time_ns);
                reading_close(&reading);
                bytes_free(&bytes);
        }
}

static void simple_and_obsolete_packet_blocks_are_read(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        struct reading reading;
        add_section(&bytes, false);
        add_interface(&bytes, RAW, 40, NULL, NONE, 0);
        size_t start = begin_block(&bytes, 2);  /* interface, drops, time, captured, wire */
        add_u16(&bytes, 0);
        add_u16(&bytes, 9);
        add_u32(&bytes, 0);
        add_u32(&bytes, 8000000);
        add_u32(&bytes, 13);
        add_u32(&bytes, 99);
        add_content(&bytes, 0, 13);
        end_block(&bytes, start);
        start = begin_block(&bytes, 3);         /* cut at the interface's snap length */
        add_u32(&bytes, 1500);
        add_content(&bytes, 1, 40);
        end_block(&bytes, start);
        start = begin_block(&bytes, 3);
        add_u32(&bytes, 5);
        add_content(&bytes, 2, 5);
        end_block(&bytes, start);
        read_all(&reading, bytes.at, bytes.length);
        assert_string_equal(reading.capture.verdict, "ok");
        assert_int_equal(reading.count, 3);
        assert_int_equal(reading.frames[0].captured, 13);
        assert_int_equal(reading.frames[0].wire, 99);
        assert_int_equal(reading.frames[1].captured, 40);
        assert_int_equal(reading.frames[1].wire, 1500);
        assert_int_equal(reading.frames[2].captured, 5);
        for (unsigned i = 0; i < 3; i++) {
                check_content(&reading.frames[i], i);
                assert_int_equal(reading.frames[i].time_ns, 8 * second);
        }
        assert_int_equal(reading.capture.state.tally.cut_frames, 2);
        reading_close(&reading);
        bytes_free(&bytes);
}

static void add_secrets(struct bytes *bytes, const char *text)
{
        size_t start = begin_block(bytes, 10);
        add_u32(bytes, 0x544c534b); /* a TLS key log */
        add_u32(bytes, (uint32_t)strlen(text));
        bytes_add(bytes, text, strlen(text));
        end_block(bytes, start);
}

static void comments_are_counted_and_secrets_kept(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        struct reading reading;
        add_section(&bytes, true);
        add_interface(&bytes, ETHERNET, 0, NULL, NONE, 0);
        add_enhanced(&bytes, 0, 1, 0, 7, "first");
        add_secrets(&bytes, "CLIENT_RANDOM 00 11\n");
        size_t start = begin_block(&bytes, 4); /* names: one record, its end, a comment */
        add_option(&bytes, 1, "\x0a\0\0\1broker", 11);
        add_option(&bytes, 0, NULL, 0);
        add_option(&bytes, 1, "who", 3);
        end_block(&bytes, start);
        start = begin_block(&bytes, 5);
        add_u32(&bytes, 0);
        add_u64(&bytes, 0);
        add_option(&bytes, 1, "end", 3);
        end_block(&bytes, start);
        start = begin_block(&bytes, 0x40000bad); /* nobody's block */
        add_content(&bytes, 0, 33);
        end_block(&bytes, start);
        add_enhanced(&bytes, 0, 2, 1, 8, "second");
        read_all(&reading, bytes.at, bytes.length);
        assert_string_equal(reading.capture.verdict, "ok");
        assert_int_equal(reading.count, 2);
        assert_int_equal(reading.capture.state.tally.comments, 4);
        assert_int_equal(reading.capture.secrets, 1);
        const struct capture_secret *secret = secret_store_get(reading.secrets, 0);
        assert_non_null(secret);
        assert_int_equal(secret->file, 2);
        assert_int_equal(secret->type, 0x544c534b);
        assert_int_equal(secret->length, 20);
        assert_memory_equal(secret->bytes, "CLIENT_RANDOM 00 11\n", 20);
        assert_null(secret_store_get(reading.secrets, 1));
        reading_close(&reading);
        bytes_free(&bytes);
}

static void every_shorter_file_is_read_to_its_cut(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        size_t ends[16], end_count = 0; /* of blocks, and how many packets stand before each */
        unsigned packets[16];
        add_section(&bytes, false);
        ends[end_count] = bytes.length, packets[end_count++] = 0;
        add_interface(&bytes, ETHERNET, 0, "eth0", 9, 3);
        ends[end_count] = bytes.length, packets[end_count++] = 0;
        add_enhanced(&bytes, 0, 1, 0, 7, "first");
        ends[end_count] = bytes.length, packets[end_count++] = 1;
        add_secrets(&bytes, "key");
        ends[end_count] = bytes.length, packets[end_count++] = 1;
        add_section(&bytes, true);
        ends[end_count] = bytes.length, packets[end_count++] = 1;
        add_interface(&bytes, RAW, 0, "tun", 6, 0);
        ends[end_count] = bytes.length, packets[end_count++] = 1;
        add_enhanced(&bytes, 0, 1, 1, 6, NULL);
        for (size_t length = 4, block = 0; length < bytes.length; length++) {
                struct reading reading;
                char expected[64];
                if (block + 1 < end_count && length == ends[block + 1])
                        block++;
                snprintf(expected, sizeof expected, "truncated at byte %zu", length);
                read_all(&reading, bytes.at, length);
                assert_string_equal(reading.capture.verdict, length == ends[block] ? "ok" : expected);
                assert_int_equal(reading.count, length < ends[0] ? 0 : packets[block]);
                reading_close(&reading);
        }
        bytes_free(&bytes);
}

/* Writes a good packet, then what `spoil` adds, and expects damage right behind the good one. */
static void check_damage(void (*spoil)(struct bytes *bytes))
{
        struct bytes bytes = {0};
        struct reading reading;
        char expected[64];
        add_section(&bytes, false);
        add_interface(&bytes, ETHERNET, 0, NULL, NONE, 0);
        add_enhanced(&bytes, 0, 1, 0, 7, NULL);
        snprintf(expected, sizeof expected, "damaged at byte %zu: ", bytes.length);
        spoil(&bytes);
        read_all(&reading, bytes.at, bytes.length);
        assert_int_equal(reading.count, 1);
        assert_int_equal(reading.capture.ending, INPUT_DAMAGED);
        assert_memory_equal(reading.capture.verdict, expected, strlen(expected));
        reading_close(&reading);
        bytes_free(&bytes);
}

static void unknown_interface(struct bytes *bytes)
{
        add_enhanced(bytes, 1, 1, 0, 7, NULL);
}

static void lengths_disagree(struct bytes *bytes)
{
        add_enhanced(bytes, 0, 1, 0, 7, NULL);
        bytes->at[bytes->length - 4] += 4;
}

static void block_too_short(struct bytes *bytes)
{
        add_u32(bytes, 6);
        add_u32(bytes, 8);
        add_content(bytes, 0, 64);
}

static void block_too_long(struct bytes *bytes)
{
        add_u32(bytes, 6);
        add_u32(bytes, 0xfffffffe);
        add_content(bytes, 0, 64);
}

static void packet_longer_than_its_block(struct bytes *bytes)
{
        size_t start = bytes->length;
        add_enhanced(bytes, 0, 1, 0, 7, NULL);
        bytes->at[start + 20] = 200;
}

static void packet_without_room_for_its_header(struct bytes *bytes)
{
        size_t start = begin_block(bytes, 6);
        add_u64(bytes, 0);
        end_block(bytes, start);
}

static void section_of_no_byte_order(struct bytes *bytes)
{
        size_t start = bytes->length;
        add_section(bytes, false);
        bytes->at[start + 8] = 0;
}

static void section_of_another_version(struct bytes *bytes)
{
        size_t start = bytes->length;
        add_section(bytes, false);
        bytes->at[start + 12] = 2;
}

static void simple_packet_longer_than_its_block(struct bytes *bytes)
{
        size_t start = begin_block(bytes, 3);
        add_u32(bytes, 100);
        add_content(bytes, 0, 8);
        end_block(bytes, start);
}

static void secrets_longer_than_their_block(struct bytes *bytes)
{
        size_t start = bytes->length;
        add_secrets(bytes, "key");
        bytes->at[start + 15] = 0x7f;
}

static void blocks_that_contradict_themselves_are_damage(void **state)
{
        (void)state;
        check_damage(unknown_interface);
        check_damage(lengths_disagree);
        check_damage(block_too_short);
        check_damage(block_too_long);
        check_damage(packet_longer_than_its_block);
        check_damage(packet_without_room_for_its_header);
        check_damage(section_of_no_byte_order);
        check_damage(section_of_another_version);
        check_damage(simple_packet_longer_than_its_block);
        check_damage(secrets_longer_than_their_block);
}

static void line_ends_alone_are_no_capture(void **state)
{
        (void)state;
        struct reading reading;
        read_all(&reading, (const uint8_t *)"\n\r\r\nsome text that goes on", 26);
        assert_int_equal(reading.capture.ending, INPUT_NOT_CAPTURE);
        reading_close(&reading);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sections_of_different_byte_order_have_interfaces_of_their_own),
                cmocka_unit_test(time_resolution_and_offset_of_an_interface_hold),
                cmocka_unit_test(simple_and_obsolete_packet_blocks_are_read),
                cmocka_unit_test(comments_are_counted_and_secrets_kept),
                cmocka_unit_test(every_shorter_file_is_read_to_its_cut),
                cmocka_unit_test(blocks_that_contradict_themselves_are_damage),
                cmocka_unit_test(line_ends_alone_are_no_capture),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
