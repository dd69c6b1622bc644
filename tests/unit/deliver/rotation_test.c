/* Files that go on: after a crash, after they were moved away, after the disk was full. */
#include "deliver/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/last_alert.h"
#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

static char folder[] = "/tmp/rotation_test.XXXXXX";
static const struct sink_run live = {.sensor = "edge-1", .version = "0.1.0", .configuration_digest = "c0ffee", .append = true};
static const char *const kinds[] = {"jsonl", "eve"};

static const char *path_of(const char *name)
{
        static char paths[4][PATH_MAX];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, PATH_MAX, "%s/%s", folder, name);
        return path;
}

static struct sink *open_sink(const char *kind, const char *name)
{
        char given[PATH_MAX + 16], error[600];
        snprintf(given, sizeof given, "%s:%s", kind, path_of(name));
        struct sink *sink = sink_open(given, NULL, NULL, &live, error, sizeof error);
        if (sink == NULL)
                fail_msg("%s", error);
        return sink;
}

/* The alert with this revision, through to the file. */
static void write_revision(struct sink *sink, uint32_t revision)
{
        struct sample_alert sample;
        sample_alert_fill(&sample);
        sample.alert.revision = revision;
        sink_alert(sink, &sample.alert);
        sink_flush(sink);
}

static void write_text(const char *name, const char *text)
{
        FILE *file = fopen(path_of(name), "a");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
}

static unsigned count_lines(const char *name)
{
        FILE *file = fopen(path_of(name), "r");
        unsigned lines = 0;
        if (file == NULL)
                return 0;
        for (int c, last = '\n'; (c = getc(file)) != EOF; last = c) {
                lines += c == '\n';
                assert_false(last == '\n' && c != '{'); /* nothing is glued to anything */
        }
        fclose(file);
        return lines;
}

/* -1: the sink does not know of any. */
static int64_t last_revision(struct sink *sink)
{
        char id[33] = "";
        uint32_t revision = 0;
        if (!sink->kind->last(sink, id, &revision))
                return -1;
        assert_string_equal(id, "9f2c0123456789abcdef0123456789ab");
        return revision;
}

static void remove_files(void)
{
        static const char *const names[] = {"a", "a.1", "a.2"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                unlink(path_of(names[i]));
}

static void the_last_whole_line_is_known_after_a_crash(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                struct sink *sink = open_sink(kinds[i], "a");
                assert_int_equal(last_revision(sink), -1);
                write_revision(sink, 1);
                write_revision(sink, 4000000000);
                assert_int_equal(sink_close(sink), 0);
                sink = open_sink(kinds[i], "a");
                assert_int_equal(last_revision(sink), 4000000000);
                assert_int_equal(sink_close(sink), 0);
                remove_files();
        }
}

static void half_a_line_is_cut_off(void **state)
{
        (void)state;
        static char long_half[20000];
        memset(long_half, 'x', sizeof long_half - 1);
        const char *const halves[] = {"{\"id\":\"9f2c0123456789abcdef0123456789ab\",\"revis", "{", long_half};
        for (unsigned i = 0; i < 2; i++)
                for (unsigned n = 0; n < 3; n++) {
                        struct sink *sink = open_sink(kinds[i], "a");
                        write_revision(sink, 7);
                        assert_int_equal(sink_close(sink), 0);
                        write_text("a", halves[n]);
                        sink = open_sink(kinds[i], "a");
                        assert_int_equal(last_revision(sink), 7);
                        write_revision(sink, 8);
                        assert_int_equal(sink_close(sink), 0);
                        assert_int_equal(count_lines("a"), 2);
                        remove_files();
                }
        write_text("a", "{\"half");
        struct sink *sink = open_sink("jsonl", "a");
        assert_int_equal(last_revision(sink), -1);
        write_revision(sink, 1);
        assert_int_equal(sink_close(sink), 0);
        assert_int_equal(count_lines("a"), 1);
        remove_files();
}

static void lines_that_are_no_alerts_are_passed_over(void **state)
{
        (void)state;
        static char filler[1000];
        char id[33];
        uint32_t revision;
        memset(filler, 'x', sizeof filler - 2);
        filler[0] = '{';
        filler[sizeof filler - 2] = '\n';
        write_text("a", "{\"id\":\"00000000000000000000000000000001\",\"revision\":3}\n");
        for (unsigned i = 0; i < 600; i++)
                write_text("a", filler);
        write_text("a", "{\"gap_from\":\"1-1\"}\n\n{\"id\":\"short\",\"revision\":3}\n"
                        "{\"id\":\"00000000000000000000000000000002\",\"revision\":-1}\n"
                        "{\"id\":\"00000000000000000000000000000002\",\"revision\":4294967296}\n[]\n");
        assert_true(last_alert_find(path_of("a"), NULL, id, &revision));
        assert_string_equal(id, "00000000000000000000000000000001");
        assert_int_equal(revision, 3);
        assert_false(last_alert_find(path_of("a"), "apnwatch", id, &revision));
        assert_false(last_alert_find("/dev/zero", NULL, id, &revision));
        assert_false(last_alert_find(path_of("no_such"), NULL, id, &revision));
        remove_files();
}

static void a_file_that_was_moved_away_is_begun_anew(void **state)
{
        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                struct sample_alert sample;
                struct sink *sink = open_sink(kinds[i], "a");
                write_revision(sink, 1);
                sample_alert_fill(&sample);
                sink_alert(sink, &sample.alert); /* not flushed: it belongs to the old file */
                assert_int_equal(rename(path_of("a"), path_of("a.1")), 0);
                assert_int_equal(sink_reopen(sink), 0);
                write_revision(sink, 3);
                assert_int_equal(rename(path_of("a"), path_of("a.2")), 0);
                write_revision(sink, 4); /* until it is told, it goes on in the old one */
                assert_int_equal(sink_reopen(sink), 0);
                assert_int_equal(last_revision(sink), -1);
                write_revision(sink, 5);
                assert_int_equal(last_revision(sink), 5);
                assert_int_equal(count_lines("a.1"), 2);
                assert_int_equal(count_lines("a.2"), 2);
                assert_int_equal(count_lines("a"), 1);
                assert_int_equal(sink_close(sink), 0);
                remove_files();
        }
}

static void reopening_what_is_still_there_goes_on_behind_it(void **state)
{
        (void)state;
        struct sink *sink = open_sink("jsonl", "a");
        char given[PATH_MAX + 16], error[600];
        write_revision(sink, 1);
        assert_int_equal(sink_reopen(sink), 0);
        write_revision(sink, 2);
        assert_int_equal(count_lines("a"), 2);
        snprintf(given, sizeof given, "eve:%s", path_of("a"));
        assert_null(sink_open(given, NULL, NULL, &live, error, sizeof error)); /* it is ours as before */
        assert_int_equal(sink_close(sink), 0);
        remove_files();
}

static void what_cannot_be_reopened_is_written_on(void **state)
{
        (void)state;
        struct sink *sink = open_sink("jsonl", "a");
        write_revision(sink, 1);
        assert_int_equal(rename(path_of("a"), path_of("a.1")), 0);
        struct sink *thief = open_sink("eve", "a"); /* somebody else was quicker */
        assert_int_equal(sink_reopen(sink), -EBUSY);
        assert_int_equal(sink->failed, 0);
        write_revision(sink, 2);
        assert_int_equal(count_lines("a.1"), 2);
        sink_close(thief);
        assert_int_equal(unlink(path_of("a")), 0);
        assert_int_equal(mkdir(path_of("a"), 0700), 0);
        assert_int_equal(sink_reopen(sink), -EISDIR);
        assert_int_equal(rmdir(path_of("a")), 0);
        assert_int_equal(sink_reopen(sink), 0);
        write_revision(sink, 3);
        assert_int_equal(count_lines("a"), 1);
        assert_int_equal(count_lines("a.1"), 2);
        assert_int_equal(sink_close(sink), 0);
        remove_files();
}

/* A limit of the file's size stands for a disk that is full and has room again. */
static void after_a_full_disk_the_lines_go_on_whole(void **state)
{
        (void)state;
        struct rlimit before, limit;
        struct stat status;
        struct sink *sink = open_sink("jsonl", "a");
        write_revision(sink, 1);
        assert_int_equal(stat(path_of("a"), &status), 0);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = (rlim_t)status.st_size + 100;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        write_revision(sink, 2);
        assert_int_equal(sink->failed, -EFBIG);
        assert_int_equal(sink_reopen(sink), 0);
        write_revision(sink, 2);
        assert_int_equal(sink->failed, -EFBIG);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(last_revision(sink), 1);
        assert_int_equal(sink_reopen(sink), 0);
        write_revision(sink, 2);
        assert_int_equal(last_revision(sink), 2);
        assert_int_equal(count_lines("a"), 2);
        assert_int_equal(sink_close(sink), 0);
        remove_files();
}

static void standard_output_stays_what_it_is(void **state)
{
        (void)state;
        char error[600];
        struct sink *sink = sink_open("jsonl:-", NULL, NULL, &live, error, sizeof error);
        assert_non_null(sink);
        assert_int_equal(last_revision(sink), -1);
        assert_int_equal(sink_reopen(sink), 0);
        assert_int_equal(sink_close(sink), 0);
}

static int make_folder(void **state)
{
        (void)state;
        signal(SIGXFSZ, SIG_IGN);
        return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
        (void)state;
        remove_files();
        return rmdir(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_last_whole_line_is_known_after_a_crash),
                cmocka_unit_test(half_a_line_is_cut_off),
                cmocka_unit_test(lines_that_are_no_alerts_are_passed_over),
                cmocka_unit_test(a_file_that_was_moved_away_is_begun_anew),
                cmocka_unit_test(reopening_what_is_still_there_goes_on_behind_it),
                cmocka_unit_test(what_cannot_be_reopened_is_written_on),
                cmocka_unit_test(after_a_full_disk_the_lines_go_on_whole),
                cmocka_unit_test(standard_output_stays_what_it_is),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
