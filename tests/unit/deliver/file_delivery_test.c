/* Files of `live`, fed from the outbox by deliver/delivery.h: rotated, on a full disk, and killed at random points. */
#include "deliver/delivery.h"

#include <event2/event.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

enum { ROUNDS = 8, MOST = 200000, FILES = 64 };

static char folder[] = "/tmp/file_delivery_test.XXXXXX";

static const char *path_of(const char *name)
{
        static char paths[8][PATH_MAX];
        static unsigned next;
        char *path = paths[next++ % 8];
        snprintf(path, PATH_MAX, "%s/%s", folder, name);
        return path;
}

static struct delivery *open_delivery(struct event_base *base)
{
        static char jsonl[PATH_MAX + 8], eve[PATH_MAX + 8], outbox[PATH_MAX];
        static struct delivery_output outputs[2];
        snprintf(jsonl, sizeof jsonl, "jsonl:%s", path_of("a"));
        snprintf(eve, sizeof eve, "eve:%s", path_of("b"));
        snprintf(outbox, sizeof outbox, "%s", path_of("outbox.db"));
        outputs[0].given = jsonl;
        outputs[1].given = eve;
        const struct delivery_settings settings = {
                .run = {.sensor = "edge-1", .version = "0.1.0", .configuration_digest = "c0ffee", .append = true},
                .outbox = {.path = outbox, .sensor = "edge-1"},
                .outputs = outputs,
                .output_count = 2,
                .base = base,
        };
        struct delivery *delivery = delivery_open(&settings);
        assert_non_null(delivery);
        return delivery;
}

static uint64_t committed(struct delivery *delivery)
{
        struct outbox_numbers numbers;
        outbox_numbers(delivery_outbox(delivery), &numbers);
        return numbers.committed;
}

/* Alert N has the number N in the outbox too. */
static void add_alert(struct delivery *delivery, uint64_t number)
{
        struct sample_alert sample;
        char id[33];
        sample_alert_fill(&sample);
        snprintf(id, sizeof id, "%032llu", (unsigned long long)number);
        sample.alert.id = id;
        sample.alert.revision = 1;
        delivery_alert(delivery, &sample.alert, NULL, 0);
}

static void run_for(struct event_base *base, unsigned ms)
{
        struct timeval pause = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_base_loopexit(base, &pause);
        event_base_dispatch(base);
}

/* As logrotate does, and nobody kills us between the two steps: then no one could tell where the moved file's lines belong. */
static void rotate(struct delivery *delivery, unsigned *rotated)
{
        char name[16];
        int lock = open(path_of("lock"), O_RDWR | O_CREAT, 0600);
        assert_int_equal(flock(lock, LOCK_EX), 0);
        snprintf(name, sizeof name, "a.%u", *rotated);
        assert_int_equal(rename(path_of("a"), path_of(name)), 0);
        snprintf(name, sizeof name, "b.%u", *rotated);
        assert_int_equal(rename(path_of("b"), path_of(name)), 0);
        ++*rotated;
        delivery_reopen(delivery);
        close(lock);
}

static unsigned count_rotated(void)
{
        char name[16];
        unsigned count = 0;
        for (bool is_there = true; is_there && count < FILES; count += is_there) {
                snprintf(name, sizeof name, "b.%u", count);
                is_there = access(path_of(name), F_OK) == 0;
        }
        return count;
}

/* The sensor of one round: raises alerts until it is killed. */
static void live_until_killed(unsigned seed)
{
        struct event_base *base = event_base_new();
        struct delivery *delivery = open_delivery(base);
        unsigned rotated = count_rotated();
        srand(seed);
        for (uint64_t number = committed(delivery) + 1; number < MOST; number++) {
                add_alert(delivery, number);
                if (rand() % 8 == 0)
                        run_for(base, (unsigned)rand() % 4);
                if (rand() % 128 == 0)
                        delivery_commit(delivery);
                if (rand() % 256 == 0 && rotated < FILES)
                        rotate(delivery, &rotated);
        }
        _exit(0);
}

static void live_and_die(unsigned seed)
{
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
                live_until_killed(seed);
        usleep(100000 + seed * 37 % 11 * 20000);
        int lock = open(path_of("lock"), O_RDWR | O_CREAT, 0600), status;
        flock(lock, LOCK_EX);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        close(lock);
}

static void count_lines(const char *name, const char *member, unsigned char *times)
{
        FILE *file = fopen(path_of(name), "r");
        char *line = NULL;
        size_t size = 0;
        assert_non_null(file);
        for (ssize_t length; (length = getline(&line, &size, file)) > 0;) {
                json_t *root = json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
                const json_t *alert = member ? json_object_get(root, member) : root;
                const char *id = json_string_value(json_object_get(alert, "id"));
                assert_non_null(id);
                assert_int_equal(line[length - 1], '\n');
                times[strtoul(id, NULL, 10)]++;
                json_decref(root);
        }
        free(line);
        fclose(file);
}

static void assert_each_once(const char *name, const char *member, uint64_t last, unsigned rotated)
{
        unsigned char *times = calloc(MOST, 1);
        char part[16];
        for (unsigned i = 0; i < rotated; i++) {
                snprintf(part, sizeof part, "%s.%u", name, i);
                count_lines(part, member, times);
        }
        count_lines(name, member, times);
        for (uint64_t number = 1; number < MOST; number++)
                if (times[number] != (number <= last))
                        fail_msg("%s: alert %llu of %llu is there %u times", name, (unsigned long long)number,
                                 (unsigned long long)last, times[number]);
        free(times);
}

static void remove_files(void)
{
        static const char *const names[] = {"a", "b", "lock", "outbox.db", "outbox.db-wal", "outbox.db-shm"};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                unlink(path_of(names[i]));
        for (unsigned i = 0; i < FILES; i++) {
                char name[16];
                snprintf(name, sizeof name, "a.%u", i);
                unlink(path_of(name));
                snprintf(name, sizeof name, "b.%u", i);
                unlink(path_of(name));
        }
}

static void killed_and_rotated_no_line_is_lost_or_doubled(void **state)
{
        (void)state;
        for (unsigned round = 1; round <= ROUNDS; round++)
                live_and_die(round);
        struct event_base *base = event_base_new();
        struct delivery *delivery = open_delivery(base);
        uint64_t last = committed(delivery);
        unsigned rotated = count_rotated();
        add_alert(delivery, ++last);
        assert_int_equal(delivery_drain(delivery, 5), 0);
        assert_int_equal(committed(delivery), last);
        assert_int_equal(delivery_close(delivery), 0);
        event_base_free(base);
        assert_true(last > 200 && rotated > 0);
        assert_each_once("a", NULL, last, rotated);
        assert_each_once("b", "apnwatch", last, rotated);
        remove_files();
}

/* A limit of the file's size stands for a disk that is full and has room again. The outbox is far below it. */
static void a_full_disk_makes_alerts_wait(void **state)
{
        (void)state;
        struct rlimit before, limit;
        struct event_base *base = event_base_new();
        FILE *filler = fopen(path_of("a"), "w");
        enum { FULL = 64 << 20 };
        assert_int_equal(ftruncate(fileno(filler), FULL - 1), 0); /* zeros: no line end but the one to come */
        fseek(filler, 0, SEEK_END);
        fputc('\n', filler);
        fclose(filler);
        struct delivery *delivery = open_delivery(base);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = FULL + 100;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        struct delivery_sink sinks[2];
        for (uint64_t number = 1; number <= 20; number++)
                add_alert(delivery, number);
        run_for(base, 1500);
        assert_int_equal(delivery_sinks(delivery, sinks, 2), 2);
        assert_int_equal(sinks[0].numbers.waiting, 20);
        assert_string_equal(sinks[0].numbers.trouble, "File too large");
        assert_int_equal(sinks[1].numbers.delivered, 20); /* the other is not held up */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(delivery_drain(delivery, 5), 0);
        assert_int_equal(delivery_sinks(delivery, sinks, 2), 2);
        assert_int_equal(sinks[0].numbers.delivered, 20);
        assert_null(sinks[0].numbers.trouble);
        assert_int_equal(delivery_close(delivery), 0);
        event_base_free(base);
        FILE *file = fopen(path_of("a"), "r");
        fseek(file, FULL, SEEK_SET);
        unsigned lines = 0;
        for (int c; (c = getc(file)) != EOF; lines += c == '\n')
                ;
        fclose(file);
        assert_int_equal(lines, 20);
        remove_files();
}

static void what_could_not_be_opened_anew_is_tried_again(void **state)
{
        (void)state;
        struct event_base *base = event_base_new();
        struct delivery *delivery = open_delivery(base);
        add_alert(delivery, 1);
        run_for(base, 100);
        assert_int_equal(rename(path_of("a"), path_of("a.0")), 0);
        assert_int_equal(rename(path_of("b"), path_of("b.0")), 0);
        assert_int_equal(mkdir(path_of("a"), 0700), 0); /* in the way */
        delivery_reopen(delivery);
        add_alert(delivery, 2);
        run_for(base, 100);
        assert_int_equal(rmdir(path_of("a")), 0);
        run_for(base, 1200);
        add_alert(delivery, 3);
        assert_int_equal(delivery_drain(delivery, 5), 0);
        assert_int_equal(delivery_close(delivery), 0);
        event_base_free(base);
        unsigned char *times = calloc(MOST, 1);
        count_lines("a", NULL, times);
        assert_int_equal(times[2], 0);
        assert_int_equal(times[3], 1);
        free(times);
        assert_each_once("a", NULL, 3, 1);
        assert_each_once("b", "apnwatch", 3, 1);
        remove_files();
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
                cmocka_unit_test(killed_and_rotated_no_line_is_lost_or_doubled),
                cmocka_unit_test(a_full_disk_makes_alerts_wait),
                cmocka_unit_test(what_could_not_be_opened_anew_is_tried_again),
        };
        return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
