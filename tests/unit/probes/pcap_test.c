#include "tests/unit/test.h"

#include <stdio.h>

#include "probes/capture.h"
#include "probes/interface_names.h"
#include "tests/unit/probes/capture_bytes.h"
#include "tests/unit/probes/memory_source.h"

static const int64_t second = 1000000000;

struct reading {
        struct capture capture;
        struct frame frames[64];
        unsigned count;
};

/* Reads everything that `bytes` hold, a few frames at a time; ends with reading_close. */
static void read_all(struct reading *reading, const uint8_t *bytes, size_t length)
{
        struct capture_settings settings = {.file = 3};
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
}

static void check_content(const struct frame *frame, uint32_t packet)
{
        for (uint32_t i = 0; i < frame->captured; i++)
                assert_int_equal(frame->bytes[i], content_byte(packet, i));
}

static void check_variant(uint32_t magic, bool big_endian, int64_t expected_ns)
{
        struct bytes bytes = {.big_endian = big_endian};
        struct reading reading;
        add_pcap_header(&bytes, magic, 101);
        for (uint32_t i = 0; i < 5; i++)
                add_pcap_packet(&bytes, i, 1000 + i, 7, 20 + i);
        read_all(&reading, bytes.at, bytes.length);
        assert_int_equal(reading.count, 5);
        for (uint32_t i = 0; i < 5; i++) {
                const struct frame *frame = &reading.frames[i];
                assert_int_equal(frame->captured, 20 + i);
                assert_int_equal(frame->wire, 20 + i);
                assert_int_equal(frame->time_ns, (1000 + i) * second + expected_ns);
                assert_int_equal(frame->link_type, 101);
                assert_int_equal(frame->file, 3);
                assert_int_equal(frame->number, i + 1);
                check_content(frame, i);
        }
        assert_int_equal(reading.capture.ending, INPUT_OK);
        assert_string_equal(reading.capture.verdict, "ok");
        reading_close(&reading);
        bytes_free(&bytes);
}

static void both_byte_orders_and_both_time_units_are_read(void **state)
{
        (void)state;
        check_variant(0xa1b2c3d4, false, 7000);
        check_variant(0xa1b2c3d4, true, 7000);
        check_variant(0xa1b23c4d, false, 7);
        check_variant(0xa1b23c4d, true, 7);
}

static void longer_record_headers_of_kuznetzov_are_read(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        struct reading reading;
        add_pcap_header(&bytes, 0xa1b2cd34, 1);
        for (uint32_t i = 0; i < 2; i++) {
                add_pcap_record(&bytes, 5, i, 10, 10);
                add_u64(&bytes, 0x1122334455667788); /* interface, protocol, packet type */
                add_content(&bytes, i, 10);
        }
        read_all(&reading, bytes.at, bytes.length);
        assert_int_equal(reading.count, 2);
        check_content(&reading.frames[0], 0);
        check_content(&reading.frames[1], 1);
        assert_int_equal(reading.frames[1].time_ns, 5 * second + 1000);
        reading_close(&reading);
        bytes_free(&bytes);
}

static void every_shorter_file_is_read_to_its_cut(void **state)
{
        (void)state;
        enum { HEADER = 24, RECORD = 16 + 11, COUNT = 3 };
        struct bytes bytes = {0};
        add_pcap_header(&bytes, 0xa1b2c3d4, 1);
        for (uint32_t i = 0; i < COUNT; i++)
                add_pcap_packet(&bytes, i, i, 0, 11);
        assert_int_equal(bytes.length, HEADER + COUNT * RECORD);
        for (size_t length = 0; length < bytes.length; length++) {
                struct reading reading;
                char expected[64];
                read_all(&reading, bytes.at, length);
                size_t whole = length < HEADER ? 0 : (length - HEADER) / RECORD;
                assert_int_equal(reading.count, whole);
                snprintf(expected, sizeof expected, "truncated at byte %zu", length);
                if (length == 0)
                        assert_string_equal(reading.capture.verdict, "empty");
                else if (length < 4)
                        assert_string_equal(reading.capture.verdict, "not a capture");
                else if (length == HEADER + whole * RECORD)
                        assert_string_equal(reading.capture.verdict, "ok");
                else
                        assert_string_equal(reading.capture.verdict, expected);
                reading_close(&reading);
        }
        bytes_free(&bytes);
}

static void an_absurd_length_is_damage_behind_what_was_read(void **state)
{
        (void)state;
        static const uint32_t absurd[] = {262145, 0x7fffffff, 0xffffffff};
        for (unsigned i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
                struct bytes bytes = {0};
                struct reading reading;
                char expected[64];
                add_pcap_header(&bytes, 0xa1b2c3d4, 1);
                add_pcap_packet(&bytes, 0, 1, 0, 60);
                add_pcap_record(&bytes, 2, 0, absurd[i], absurd[i]);
                add_content(&bytes, 1, 200);
                read_all(&reading, bytes.at, bytes.length);
                assert_int_equal(reading.count, 1);
                assert_int_equal(reading.capture.ending, INPUT_DAMAGED);
                snprintf(expected, sizeof expected, "damaged at byte 100: a packet of %u bytes", absurd[i]);
                assert_string_equal(reading.capture.verdict, expected);
                reading_close(&reading);
                bytes_free(&bytes);
        }
}

static void odd_packets_are_counted_and_handed_over(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        struct reading reading;
        add_pcap_header(&bytes, 0xa1b2c3d4, 1);
        add_pcap_packet(&bytes, 0, 100, 0, 0);          /* nothing captured, nothing on the wire */
        add_pcap_record(&bytes, 102, 0, 64, 1500);      /* a snap length of 64 */
        add_content(&bytes, 1, 64);
        add_pcap_packet(&bytes, 2, 101, 0, 20);         /* time goes back */
        add_pcap_record(&bytes, 103, 0, 30, 10);        /* more captured than there was */
        add_content(&bytes, 3, 30);
        add_pcap_packet(&bytes, 4, 31557600 + 103, 0, 20); /* a year later */
        read_all(&reading, bytes.at, bytes.length);
        const struct capture_tally *tally = &reading.capture.state.tally;
        assert_int_equal(reading.count, 5);
        assert_int_equal(reading.frames[0].captured, 0);
        assert_int_equal(reading.frames[1].captured, 64);
        assert_int_equal(reading.frames[1].wire, 1500);
        assert_int_equal(reading.frames[3].captured, 30);
        assert_int_equal(reading.frames[3].wire, 10);
        check_content(&reading.frames[4], 4);
        assert_int_equal(tally->cut_frames, 1);
        assert_int_equal(tally->late_frames, 1);
        assert_int_equal(tally->first_ns, 100 * second);
        assert_int_equal(tally->last_ns, (31557600 + 103) * second);
        assert_int_equal(reading.capture.ending, INPUT_OK);
        reading_close(&reading);
        bytes_free(&bytes);
}

static void a_version_that_does_not_exist_is_damage(void **state)
{
        (void)state;
        struct bytes bytes = {0};
        struct reading reading;
        add_pcap_header(&bytes, 0xa1b2c3d4, 1);
        bytes.at[4] = 9;
        read_all(&reading, bytes.at, bytes.length);
        assert_int_equal(reading.capture.ending, INPUT_DAMAGED);
        assert_string_equal(reading.capture.verdict, "damaged at byte 4: pcap version 9.4 does not exist");
        reading_close(&reading);
        bytes_free(&bytes);
}

static void what_has_no_magic_is_no_capture(void **state)
{
        (void)state;
        static const char text[] = "time,source,destination\n1,2,3\n";
        struct reading reading;
        read_all(&reading, (const uint8_t *)text, sizeof text);
        assert_int_equal(reading.capture.ending, INPUT_NOT_CAPTURE);
        reading_close(&reading);
}

static void link_types_are_told_in_words(void **state)
{
        (void)state;
        static const struct {
                uint32_t link_type;
                const char *words;
        } cases[] = {
                {1, "ethernet"}, {101, "raw"}, {113, "linux cooked"}, {0x30000001, "ethernet"}, {195, "type 195 (not read)"},
        };
        for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct bytes bytes = {0};
                struct reading reading;
                char text[64];
                add_pcap_header(&bytes, 0xa1b2c3d4, cases[i].link_type);
                read_all(&reading, bytes.at, bytes.length);
                assert_string_equal(capture_link_types(&reading.capture, text, sizeof text), cases[i].words);
                reading_close(&reading);
                bytes_free(&bytes);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_byte_orders_and_both_time_units_are_read),
                cmocka_unit_test(longer_record_headers_of_kuznetzov_are_read),
                cmocka_unit_test(every_shorter_file_is_read_to_its_cut),
                cmocka_unit_test(an_absurd_length_is_damage_behind_what_was_read),
                cmocka_unit_test(odd_packets_are_counted_and_handed_over),
                cmocka_unit_test(a_version_that_does_not_exist_is_damage),
                cmocka_unit_test(what_has_no_magic_is_no_capture),
                cmocka_unit_test(link_types_are_told_in_words),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
