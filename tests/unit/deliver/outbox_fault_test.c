#include "deliver/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/unit/deliver/faulty_disk.h"
#include "tests/unit/deliver/outbox_case.h"
#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

static void pause_ms(unsigned ms)
{
        nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static struct outbox_numbers numbers_of(const struct outbox *outbox)
{
        struct outbox_numbers numbers;
        outbox_numbers(outbox, &numbers);
        return numbers;
}

static void must_refuse(const struct outbox_settings *settings, int code, const char *part)
{
        struct outbox *outbox = NULL;
        char error[512] = "";
        assert_int_equal(outbox_open(&outbox, settings, error, sizeof error), code);
        assert_null(outbox);
        if (strstr(error, part) == NULL || strstr(error, settings->path) == NULL)
                fail_msg("\"%s\" is not in: %s", part, error);
}

/* Full disks. */

static void a_commit_is_one_fsync(void **state)
{
        (void)state;
        case_begin();
        faulty_disk_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        case_fill(outbox, 1, 1, 0);
        faulty_disk_syncs = 0;
        case_fill(outbox, 2, 101, 0);
        assert_int_equal(faulty_disk_syncs, 1);
        assert_int_equal(outbox_commit(outbox), 0); /* nothing to do */
        assert_int_equal(faulty_disk_syncs, 1);
        outbox_close(outbox);
        faulty_disk_end();
        case_end();
}

static void alerts_wait_while_the_disk_is_full(int *fault, int code)
{
        case_begin();
        faulty_disk_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        struct outbox_entry entry;
        case_fill(outbox, 1, 10, 0);
        case_log_begin();
        *fault = code;
        for (unsigned which = 11; which <= 30; which++) {
                assert_int_equal(case_add(outbox, which), 0);
                assert_true(outbox_commit(outbox) < 0);
                assert_false(outbox_next(consumer, 10, &entry));
                pause_ms(which == 20 ? 260 : 0); /* tried again, fails again */
        }
        assert_int_equal(case_add(outbox, 11), -EEXIST);
        assert_int_equal(case_add(outbox, 4), -EEXIST);
        struct outbox_numbers numbers = numbers_of(outbox);
        assert_true(numbers.is_failing);
        assert_int_equal(numbers.committed, 10);
        assert_int_equal(numbers.in_memory, 20);
        outbox_advance(consumer, 5, 5, 5, 0, 0);
        *fault = 0;
        assert_true(outbox_commit(outbox) < 0); /* not asked again yet */
        pause_ms(260);
        assert_int_equal(outbox_commit(outbox), 0);
        const char *log = case_log_end();
        assert_int_equal(case_times(log, "outbox: cannot write: "), 1);
        assert_int_equal(case_times(log, "outbox: writes again, 20 alerts had waited, 0 lost\n"), 1);
        assert_int_equal(case_times(log, "\n"), 2);
        assert_false(numbers_of(outbox).is_failing);
        outbox_close(outbox);
        outbox = case_open(&settings);
        consumer = outbox_consumer(outbox, "redis://a");
        for (unsigned number = 6; number <= 30; number++) {
                assert_true(outbox_next(consumer, number - 1, &entry));
                assert_int_equal(case_which(entry.alert), number);
                assert_int_equal(entry.number, number);
        }
        outbox_close(outbox);
        faulty_disk_end();
        case_end();
}

static void alerts_wait_while_the_disk_is_full_or_broken(void **state)
{
        (void)state;
        alerts_wait_while_the_disk_is_full(&faulty_disk_write, SQLITE_FULL);
        alerts_wait_while_the_disk_is_full(&faulty_disk_write, SQLITE_IOERR_WRITE);
        alerts_wait_while_the_disk_is_full(&faulty_disk_sync, SQLITE_IOERR_FSYNC);
}

static void what_memory_cannot_hold_is_a_gap_with_its_numbers(void **state)
{
        (void)state;
        case_begin();
        faulty_disk_begin();
        struct outbox_settings settings = case_settings();
        settings.memory_limit = 200 * 1000;
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        struct outbox_entry entry;
        case_fill(outbox, 1, 10, 0);
        case_log_begin();
        faulty_disk_write = SQLITE_FULL;
        for (unsigned which = 11; which <= 1010; which++) {
                case_now_ms++;
                (void)case_add(outbox, which);
                if (which == 11)
                        assert_true(outbox_commit(outbox) < 0);
        }
        struct outbox_numbers numbers = numbers_of(outbox);
        assert_in_range(numbers.in_memory, 50, 400);
        assert_int_equal(numbers.lost + numbers.in_memory, 1000);
        faulty_disk_write = 0;
        pause_ms(260);
        assert_int_equal(outbox_commit(outbox), 0);
        assert_int_equal(case_add(outbox, 11), 0); /* it was lost, so it may come again */
        assert_int_equal(outbox_commit(outbox), 0);
        char expected[128];
        snprintf(expected, sizeof expected, "outbox: writes again, %u alerts had waited, %u lost\n", (unsigned)numbers.in_memory,
                 (unsigned)numbers.lost);
        assert_int_equal(case_times(case_log_end(), expected), 1);
        for (unsigned again = 0; again < 2; again++) {
                assert_true(outbox_next(consumer, 3, &entry));
                assert_int_equal(case_which(entry.alert), 4);
                assert_true(outbox_next(consumer, 10, &entry));
                assert_true(entry.is_gap);
                assert_int_equal(entry.gap_count, numbers.lost);
                assert_int_equal(entry.number, 10 + numbers.lost);
                assert_int_equal(entry.gap_from.sequence, 11);
                assert_int_equal(entry.gap_from.ms, case_now_ms - 999);
                assert_int_equal(entry.id.sequence, entry.number);
                assert_int_equal(entry.id.ms, case_now_ms - 1000 + numbers.lost);
                for (uint64_t number = entry.number; number < 1010; number++) {
                        assert_true(outbox_next(consumer, number, &entry));
                        assert_int_equal(entry.number, number + 1);
                        assert_int_equal(case_which(entry.alert), number + 1);
                }
                assert_true(outbox_next(consumer, 1010, &entry));
                assert_int_equal(case_which(entry.alert), 11);
                outbox_close(outbox);
                outbox = case_open(&settings);
                consumer = outbox_consumer(outbox, "redis://a");
        }
        outbox_close(outbox);
        faulty_disk_end();
        case_end();
}

static void ids_do_not_rise_before_that_is_on_disk(void **state)
{
        (void)state;
        case_begin();
        faulty_disk_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct entry_id above = {case_now_ms + 9000, 0};
        case_fill(outbox, 1, 3, 0);
        case_log_begin();
        faulty_disk_sync = SQLITE_IOERR_FSYNC;
        assert_int_equal(outbox_raise_ids(outbox, 1, above), -EIO);
        assert_int_equal(outbox_id_of(outbox, 2).ms, case_now_ms);
        faulty_disk_sync = 0;
        assert_int_equal(outbox_raise_ids(outbox, 1, above), 1);
        assert_int_equal(outbox_id_of(outbox, 2).ms, case_now_ms + 9001);
        faulty_disk_syncs = 0;
        assert_int_equal(outbox_raise_ids(outbox, 3, (struct entry_id){case_now_ms + 20000, 0}), 1); /* of what is to come */
        assert_int_equal(faulty_disk_syncs, 1);
        (void)case_log_end();
        outbox_close(outbox);
        faulty_disk_end();
        case_end();
}

static void a_file_size_limit_is_a_full_disk(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct rlimit before, small;
        case_fill(outbox, 1, 100, 0);
        struct outbox_numbers numbers = numbers_of(outbox);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        small = before;
        small.rlim_cur = 400 * 1000;
        void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        unsigned which = 101;
        case_log_begin();
        while (which < 5000 && numbers_of(outbox).is_failing == false) {
                for (unsigned i = 0; i < 50; i++)
                        assert_int_equal(case_add(outbox, which++), 0);
                (void)outbox_commit(outbox);
        }
        numbers = numbers_of(outbox);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        signal(SIGXFSZ, old);
        assert_true(numbers.is_failing);
        assert_int_equal(numbers.committed + numbers.in_memory, which - 1);
        outbox_close(outbox); /* tries once more, whenever it was that it failed */
        const char *log = case_log_end();
        assert_int_equal(case_times(log, "outbox: cannot write: File too large; alerts wait in memory"), 1);
        assert_int_equal(case_times(log, "outbox: writes again, 50 alerts had waited, 0 lost"), 1);
        outbox = case_open(&settings);
        numbers = numbers_of(outbox);
        assert_int_equal(numbers.committed, which - 1);
        assert_int_equal(numbers.held, which - 1);
        outbox_close(outbox);
        case_end();
}

/* Kills. */

static void add_and_tell(int pipe_end, unsigned seed)
{
        struct outbox_settings settings = case_settings();
        settings.now_ms = NULL;
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        uint64_t next = numbers_of(outbox).committed + 1;
        for (;;) {
                unsigned count = 1 + (unsigned)rand_r(&seed) % 40;
                for (unsigned i = 0; i < count; i++)
                        if (case_add(outbox, (unsigned)next++) != 0)
                                _exit(1);
                struct outbox_position position;
                outbox_consumer_position(consumer, &position);
                uint64_t committed = numbers_of(outbox).committed;
                outbox_advance(consumer, committed, committed, committed - position.position, 0, 0);
                if (outbox_commit(outbox) != 0)
                        _exit(1);
                committed = numbers_of(outbox).committed;
                if (write(pipe_end, &committed, sizeof committed) != (ssize_t)sizeof committed)
                        _exit(1);
        }
}

static uint64_t told_until_killed(unsigned seed)
{
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                close(ends[0]);
                add_and_tell(ends[1], seed);
        }
        close(ends[1]);
        uint64_t told = 0, number;
        assert_int_equal(read(ends[0], &told, sizeof told), sizeof told);
        pause_ms(1 + (unsigned)rand_r(&seed) % 40);
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(ends[0], &number, sizeof number) == (ssize_t)sizeof number)
                told = number;
        close(ends[0]);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        return told;
}

static void what_was_told_as_committed_survives_kills(void **state)
{
        (void)state;
        case_begin();
        uint64_t most = 0;
        for (unsigned kills = 0; kills < 20; kills++) {
                uint64_t told = told_until_killed(kills + 1);
                struct outbox_settings settings = case_settings();
                struct outbox *outbox = case_open(&settings);
                struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
                struct outbox_numbers numbers = numbers_of(outbox);
                struct outbox_position position;
                struct outbox_entry entry;
                struct entry_id last = {0, 0};
                assert_true(told > most);
                assert_true(numbers.committed >= told);
                assert_int_equal(numbers.held, numbers.committed);
                outbox_consumer_position(consumer, &position);
                assert_true(position.position <= numbers.committed);
                assert_int_equal(position.delivered + position.filtered, position.position);
                for (uint64_t number = 1; number <= numbers.committed; number++) {
                        assert_true(outbox_next(consumer, number - 1, &entry));
                        assert_false(entry.is_gap);
                        assert_int_equal(entry.number, number);
                        assert_int_equal(case_which(entry.alert), number);
                        assert_int_equal(entry.id.sequence, number);
                        assert_true(entry.id.ms >= last.ms);
                        last = entry.id;
                }
                most = numbers.committed;
                outbox_close(outbox);
        }
        case_end();
}

static void a_second_process_is_refused(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        int ends[2];
        char ready;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                struct outbox *outbox = case_open(&settings);
                case_fill(outbox, 1, 1, 0);
                if (write(ends[1], "r", 1) == 1)
                        pause();
                _exit(1);
        }
        assert_int_equal(read(ends[0], &ready, 1), 1);
        must_refuse(&settings, -EBUSY, "in use by another process");
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(ends[0]);
        close(ends[1]);
        struct outbox *outbox = case_open(&settings);
        assert_int_equal(numbers_of(outbox).committed, 1);
        must_refuse(&settings, -EBUSY, "in use by another process"); /* of the same process neither */
        assert_int_equal(case_add(outbox, 2), 0);
        assert_int_equal(outbox_commit(outbox), 0);
        outbox_close(outbox);
        case_end();
}

/* Files. */

static void execute(const char *text)
{
        sqlite3 *db;
        char *error = NULL;
        assert_int_equal(sqlite3_open(case_path(), &db), SQLITE_OK);
        sqlite3_exec(db, text, NULL, NULL, &error);
        assert_null(error);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void write_file(const void *bytes, size_t length)
{
        FILE *file = fopen(case_path(), "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        assert_int_equal(fclose(file), 0);
}

static void a_file_that_is_not_its_own_is_refused(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        outbox_close(case_open(&settings));
        settings.sensor = "edge-2";
        must_refuse(&settings, -EINVAL, "it is of sensor \"edge-1\", this is \"edge-2\"");
        settings.sensor = "edge-1";
        execute("PRAGMA user_version = 2");
        must_refuse(&settings, -ENOTSUP, "version 2");
        assert_int_equal(unlink(case_path()), 0);
        execute("CREATE TABLE mine(x); INSERT INTO mine VALUES(1)");
        must_refuse(&settings, -EINVAL, "a database of something else");
        execute("SELECT x FROM mine");
        write_file("this is a text and no database, long enough to have a head of its own ......................", 90);
        must_refuse(&settings, -EBADMSG, "damaged, or no outbox");
        assert_int_equal(unlink(case_path()), 0);
        settings.path = "/dev/null";
        must_refuse(&settings, -EINVAL, "not a file");
        settings.path = "/nowhere/at/all/outbox.db";
        must_refuse(&settings, -ENOENT, "No such file");
        case_end();
}

static void a_damaged_file_is_told_and_never_a_crash(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        outbox_consumer(outbox, "redis://a");
        case_fill(outbox, 1, 300, 0);
        outbox_close(outbox);
        static uint8_t whole[1 << 20], damaged[1 << 20];
        FILE *file = fopen(case_path(), "rb");
        assert_non_null(file);
        size_t length = fread(whole, 1, sizeof whole, file);
        fclose(file);
        assert_in_range(length, 100000, sizeof whole - 1);
        unsigned seed = 1, refused = 0, unreadable = 0;
        case_log_begin();
        for (unsigned round = 0; round < 150; round++) {
                memcpy(damaged, whole, length);
                size_t cut = round % 10 == 0 ? length * (round + 1) / 151 : length;
                for (unsigned i = 0; round % 10 != 0 && i < 1 + round % 40; i++)
                        damaged[(unsigned)rand_r(&seed) % (round % 3 ? length : 12000)] = (uint8_t)rand_r(&seed);
                write_file(damaged, cut);
                char error[512] = "";
                struct outbox_entry entry;
                if (outbox_open(&outbox, &settings, error, sizeof error) != 0) {
                        assert_non_null(strstr(error, case_path()));
                        refused++;
                        continue;
                }
                struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
                uint64_t number = 0;
                while (consumer && outbox_next(consumer, number, &entry)) {
                        assert_true(entry.number > number);
                        number = entry.number;
                }
                unreadable += number < 300;
                (void)case_add(outbox, 1000);
                (void)outbox_commit(outbox);
                outbox_close(outbox);
        }
        (void)case_log_end();
        assert_in_range(refused, 10, 149);
        assert_in_range(unreadable, 1, 149);
        case_end();
}

static void add_to_version_0(sqlite3_stmt *statement, unsigned number, unsigned which)
{
        struct sample_alert sample;
        uint8_t packed[4096];
        char id[33];
        sample_alert_fill(&sample);
        snprintf(id, sizeof id, "%016x%016x", which * 2654435761u, which);
        sample.alert.id = id;
        sample.alert.revision = 1;
        size_t length = apnwatch__v1__alert__pack(&sample.alert, packed);
        sqlite3_reset(statement);
        sqlite3_bind_int64(statement, 1, number);
        sqlite3_bind_int64(statement, 2, 1000 + number);
        if (which > 0)
                sqlite3_bind_blob(statement, 3, packed, (int)length, SQLITE_TRANSIENT);
        else
                sqlite3_bind_blob(statement, 3, "no alert", 8, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
}

static void a_file_of_version_0_is_migrated(void **state)
{
        (void)state;
        case_begin();
        execute("PRAGMA application_id = 0x61706e6f; CREATE TABLE sensor(name, last_number, last_ms);"
                "CREATE TABLE entry(number INTEGER PRIMARY KEY, ms, alert); CREATE TABLE consumer(name PRIMARY KEY, position);"
                "INSERT INTO sensor VALUES('edge-1', 6, 1006); INSERT INTO consumer VALUES('redis://a', 3)");
        sqlite3 *db;
        sqlite3_stmt *statement;
        assert_int_equal(sqlite3_open(case_path(), &db), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO entry VALUES(?, ?, ?)", -1, &statement, NULL), SQLITE_OK);
        for (unsigned number = 2; number <= 6; number++)
                add_to_version_0(statement, number, number == 5 ? 0 : number); /* the fifth is no alert */
        sqlite3_finalize(statement);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        struct outbox_position position;
        struct outbox_entry entry;
        outbox_consumer_position(consumer, &position);
        assert_int_equal(position.position, 3);
        assert_int_equal(position.delivered, 3);
        for (unsigned number = 4; number <= 6; number++) {
                assert_true(outbox_next(consumer, number - 1, &entry));
                assert_int_equal(entry.number, number);
                assert_int_equal(entry.is_gap, number == 5);
                if (number != 5) {
                        assert_int_equal(case_which(entry.alert), number);
                        assert_int_equal(entry.id.ms, 1000 + number);
                }
        }
        assert_int_equal(case_add(outbox, 2), -EEXIST);
        assert_int_equal(case_add(outbox, 7), 0);
        outbox_close(outbox);
        outbox = case_open(&settings); /* is of this version now */
        assert_int_equal(numbers_of(outbox).committed, 7);
        outbox_close(outbox);
        case_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_commit_is_one_fsync),
                cmocka_unit_test(alerts_wait_while_the_disk_is_full_or_broken),
                cmocka_unit_test(what_memory_cannot_hold_is_a_gap_with_its_numbers),
                cmocka_unit_test(ids_do_not_rise_before_that_is_on_disk),
                cmocka_unit_test(a_file_size_limit_is_a_full_disk),
                cmocka_unit_test(what_was_told_as_committed_survives_kills),
                cmocka_unit_test(a_second_process_is_refused),
                cmocka_unit_test(a_file_that_is_not_its_own_is_refused),
                cmocka_unit_test(a_damaged_file_is_told_and_never_a_crash),
                cmocka_unit_test(a_file_of_version_0_is_migrated),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
