#include "model/event_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/framing.h"
#include "tests/unit/test.h"

enum { EVENTS = 5 };

static char path[] = "/tmp/event_log_test.XXXXXX";
static uint8_t whole[8192];
static size_t head_length, whole_length;

static size_t put_event(uint8_t *at, size_t room, uint64_t clock, const char *version)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        Apnwatch__V1__Run run = APNWATCH__V1__RUN__INIT;
        event.clock = clock;
        event.body_case = APNWATCH__V1__EVENT__BODY_RUN;
        event.run = &run;
        run.version = (char *)(uintptr_t)version;
        return framing_pack(&event, at, room);
}

static void write_file(const uint8_t *bytes, size_t length)
{
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        assert_int_equal(fclose(file), 0);
}

static struct event_log *open_log(void)
{
        char error[600] = "";
        struct event_log *log = event_log_open(path, error, sizeof error);
        if (log == NULL)
                print_error("%s\n", error);
        return log;
}

static enum event_log_result read_all(struct event_log *log, uint64_t *count)
{
        const event_t *event;
        enum event_log_result result;
        for (*count = 0; (result = event_log_next(log, &event)) == EVENT_LOG_EVENT; ++*count)
                assert_int_equal(event->clock, *count);
        assert_int_equal(event_log_next(log, &event), result);
        return result;
}

static void a_log_comes_back_as_it_was_written(void **state)
{
        (void)state;
        write_file(whole, whole_length);
        struct event_log *log = open_log();
        uint64_t count;
        assert_string_equal(event_log_head(log)->sensor, "edge-1");
        assert_string_equal(event_log_head(log)->configuration_digest, "abcd");
        assert_string_equal(event_log_head(log)->version, "");
        assert_int_equal(read_all(log, &count), EVENT_LOG_END);
        assert_int_equal(count, EVENTS);
        assert_int_equal(event_log_offset(log), whole_length);
        assert_string_equal(event_log_message(log), "");
        event_log_close(log);
}

static void every_cut_gives_what_is_before_it_and_says_so(void **state)
{
        (void)state;
        char error[600];
        for (size_t cut = 0; cut < whole_length; cut++) {
                write_file(whole, cut);
                if (cut < head_length) {
                        assert_null(event_log_open(path, error, sizeof error));
                        assert_non_null(strstr(error, cut == 0  ? "it is empty"
                                                      : cut < 8 ? "it is no event log"
                                                                : "it is cut within its head"));
                        continue;
                }
                struct event_log *log = open_log();
                uint64_t count;
                size_t record_length = (whole_length - head_length) / EVENTS, left = (cut - head_length) % record_length;
                enum event_log_result result = read_all(log, &count);
                assert_int_equal(result, left ? EVENT_LOG_TORN : EVENT_LOG_END);
                assert_int_equal(count, (cut - head_length) / record_length);
                assert_int_equal(event_log_offset(log), cut - left);
                char expected[600];
                snprintf(expected, sizeof expected,
                         "%s: ends within a record that begins at byte %zu (after %zu events): %zu bytes are left over",
                         path, cut - left, (size_t)count, left);
                assert_string_equal(event_log_message(log), left ? expected : "");
                event_log_close(log);
        }
}

static void every_flipped_bit_is_told(void **state)
{
        (void)state;
        char error[600];
        for (size_t bit = 0; bit < whole_length * 8; bit++) {
                whole[bit / 8] ^= (uint8_t)(1U << bit % 8);
                write_file(whole, whole_length);
                whole[bit / 8] ^= (uint8_t)(1U << bit % 8);
                if (bit < head_length * 8) {
                        assert_null(event_log_open(path, error, sizeof error));
                        continue;
                }
                struct event_log *log = open_log();
                uint64_t count;
                size_t record_length = (whole_length - head_length) / EVENTS, at = (bit / 8 - head_length) / record_length;
                enum event_log_result result = read_all(log, &count);
                assert_true(result == EVENT_LOG_DAMAGED || result == EVENT_LOG_TORN); /* a length may reach behind the end */
                assert_int_equal(count, at);
                assert_int_equal(event_log_offset(log), head_length + at * record_length);
                assert_non_null(
                        strstr(event_log_message(log), result == EVENT_LOG_TORN ? "ends within" : "damaged at byte"));
                event_log_close(log);
        }
}

static void a_pipe_and_large_records_are_read_through_the_window(void **state)
{
        (void)state;
        enum { LARGE = 60000, COUNT = 60 };
        char *version = malloc(LARGE + 1), error[600], given[64];
        uint8_t *record = malloc(FRAMING_HEAD + FRAMING_LIMIT);
        memset(version, 'v', LARGE);
        version[LARGE] = '\0';
        FILE *file = fopen(path, "wb");
        fwrite(whole, 1, head_length, file);
        for (uint64_t clock = 0; clock < COUNT; clock++)
                fwrite(record, 1, put_event(record, FRAMING_HEAD + FRAMING_LIMIT, clock, version), file);
        fclose(file);
        snprintf(given, sizeof given, "cat %s", path);
        FILE *cat = popen(given, "r");
        snprintf(given, sizeof given, "/dev/fd/%d", fileno(cat));
        struct event_log *log = event_log_open(given, error, sizeof error);
        assert_non_null(log);
        uint64_t count;
        assert_int_equal(read_all(log, &count), EVENT_LOG_END);
        assert_int_equal(count, COUNT);
        assert_int_equal(event_log_count(log), COUNT);
        event_log_close(log);
        assert_int_equal(pclose(cat), 0);
        free(version);
        free(record);
}

static void what_is_no_log_is_refused(void **state)
{
        (void)state;
        char error[600];
        assert_null(event_log_open("/no/such/log", error, sizeof error));
        assert_string_equal(error, "cannot read /no/such/log: No such file or directory");
        assert_null(event_log_open("/", error, sizeof error));
        assert_string_equal(error, "cannot read /: Is a directory");
        write_file((const uint8_t *)"\xd4\xc3\xb2\xa1 a pcap file", 16);
        assert_null(event_log_open(path, error, sizeof error));
        assert_non_null(strstr(error, "it is no event log"));
        uint8_t other[64];
        memcpy(other, whole, sizeof other);
        other[8] = 9;
        write_file(other, sizeof other);
        assert_null(event_log_open(path, error, sizeof error));
        assert_non_null(strstr(error, "another version"));
}

static void a_head_has_a_limit(void **state)
{
        (void)state;
        static char text[5000];
        uint8_t *head = malloc(EVENT_LOG_HEAD_LIMIT);
        memset(text, 's', 4093);
        assert_int_equal(event_log_head_pack(&(struct event_log_head){.sensor = text}, head), EVENT_LOG_HEAD_LIMIT);
        text[4093] = 's';
        assert_int_equal(event_log_head_pack(&(struct event_log_head){.sensor = text}, head), 0);
        free(head);
}

static int make_log(void **state)
{
        (void)state;
        int file = mkstemp(path);
        if (file < 0)
                return -1;
        close(file);
        head_length = whole_length = event_log_head_pack(&(struct event_log_head){"edge-1", "abcd", NULL}, whole);
        for (uint64_t clock = 0; clock < EVENTS; clock++)
                whole_length += put_event(whole + whole_length, sizeof whole - whole_length, clock, "0.1.0");
        return 0;
}

static int remove_log(void **state)
{
        (void)state;
        return unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_log_comes_back_as_it_was_written),
                cmocka_unit_test(every_cut_gives_what_is_before_it_and_says_so),
                cmocka_unit_test(every_flipped_bit_is_told),
                cmocka_unit_test(a_pipe_and_large_records_are_read_through_the_window),
                cmocka_unit_test(what_is_no_log_is_refused),
                cmocka_unit_test(a_head_has_a_limit),
        };
        return cmocka_run_group_tests(tests, make_log, remove_log);
}
