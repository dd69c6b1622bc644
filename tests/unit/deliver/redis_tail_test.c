/* What `tail` reads from a redis-server: alone and in groups, across everything that happens to a server. */
#include "deliver/redis_tail.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <openssl/sha.h>

#include "base/log.h"
#include "base/text.h"
#include "deliver/redis_entry.h"
#include "model/wire.h"
#include "tests/unit/deliver/fake_redis.h"
#include "tests/unit/deliver/real_redis.h"
#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

static struct real_redis redis;
static char folder[] = "/tmp/redis_tail_test.XXXXXX";

/* One reader, and what it printed. */
struct reader {
        struct event_base *base;
        struct redis_tail *tail;
        struct redis_tail_settings settings;
        char address[64], position[128];
        char *text;
        size_t length;
        unsigned lines, least_lines;
        size_t room;             /* bytes it takes before it stops; SIZE_MAX: all */
        bool is_finished, is_broken;
        int result;
};

static ssize_t on_print(void *context, const char *text, size_t length)
{
        struct reader *reader = context;
        if (reader->is_broken)
                return -EPIPE;
        length = length < reader->room ? length : reader->room;
        reader->room -= reader->room == SIZE_MAX ? 0 : length;
        reader->text = realloc(reader->text, reader->length + length + 1);
        assert_non_null(reader->text);
        memcpy(reader->text + reader->length, text, length);
        reader->length += length;
        reader->text[reader->length] = '\0';
        for (size_t i = 0; i < length; i++)
                reader->lines += text[i] == '\n';
        if (reader->least_lines && reader->lines >= reader->least_lines)
                event_base_loopbreak(reader->base);
        return (ssize_t)length;
}

static void on_finished(void *context, int result)
{
        struct reader *reader = context;
        reader->is_finished = true;
        reader->result = result;
        event_base_loopbreak(reader->base);
}

static unsigned short_pause_ms(void *context)
{
        (void)context;
        return 20;
}

static void reader_init(struct reader *reader)
{
        memset(reader, 0, sizeof *reader);
        reader->room = SIZE_MAX;
        reader->base = event_base_new();
        snprintf(reader->address, sizeof reader->address, "redis://127.0.0.1:%u", redis.port);
        reader->settings = (struct redis_tail_settings){.print = on_print, .finished = on_finished, .context = reader};
        char error[300];
        assert_int_equal(redis_address_parse(&reader->settings.link.address, reader->address, error, sizeof error), 0);
        reader->settings.link.timeout_ms = 1000;
        reader->settings.link.pause_ms = short_pause_ms;
        snprintf(reader->position, sizeof reader->position, "%s/position", folder);
}

static void reader_open(struct reader *reader)
{
        char error[600] = "";
        if (redis_tail_open(&reader->tail, reader->base, &reader->settings, error, sizeof error) != 0)
                fail_msg("%s", error);
}

static void on_time(evutil_socket_t socket, short events, void *context)
{
        (void)socket, (void)events;
        event_base_loopbreak(context);
}

static void reader_run_ms(struct reader *reader, unsigned ms)
{
        struct event *timer = evtimer_new(reader->base, on_time, reader->base);
        struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        evtimer_add(timer, &time);
        event_base_dispatch(reader->base);
        event_free(timer);
}

static void reader_expect_lines(struct reader *reader, unsigned lines)
{
        reader->least_lines = lines;
        if (reader->lines < lines)
                reader_run_ms(reader, 10000);
        reader->least_lines = 0;
        assert_int_equal(reader->lines, lines);
}

static void reader_expect_end(struct reader *reader, int result)
{
        if (!reader->is_finished)
                reader_run_ms(reader, 10000);
        assert_true(reader->is_finished);
        assert_int_equal(reader->result, result);
}

static struct redis_tail_numbers reader_numbers(const struct reader *reader)
{
        struct redis_tail_numbers numbers;
        redis_tail_numbers(reader->tail, &numbers);
        return numbers;
}

static void reader_close(struct reader *reader)
{
        assert_int_equal(redis_tail_close(reader->tail), 0);
        event_base_free(reader->base);
        free(reader->text);
        memset(reader, 0, sizeof *reader);
}

/* Asks it to stop, as a signal would, and waits. */
static void reader_stop(struct reader *reader)
{
        redis_tail_stop(reader->tail);
        reader_expect_end(reader, 0);
        reader_close(reader);
}

/* Each line whole, and the alerts `from` to `to` once each, in any order. */
static void expect_each_once(const struct reader *reader, unsigned from, unsigned to)
{
        unsigned *seen = calloc(to + 1, sizeof *seen);
        for (const char *line = reader->text; line && *line; line = strchr(line, '\n') + 1) {
                unsigned number = 0;
                assert_int_equal(sscanf(line, "{\"id\":\"%u\",\"revision\":1,", &number), 1);
                assert_in_range(number, from, to);
                seen[number]++;
                assert_non_null(strchr(line, '\n'));
        }
        for (unsigned i = from; i <= to; i++)
                if (seen[i] != 1)
                        fail_msg("alert %u came %u times", i, seen[i]);
        free(seen);
}

/* The alerts `from` to `to` of a sensor, with entry IDs 1000-from to 1000-to, as the sink writes them. */
static void add_alerts(const char *sensor, unsigned from, unsigned to, uint64_t maxlen)
{
        redisContext *server = redisConnect("127.0.0.1", redis.port);
        char key[64], id[33];
        static uint8_t packed[65536];
        struct sample_alert sample;
        struct redis_entry built = {.count = 0};
        assert_true(server && !server->err);
        snprintf(key, sizeof key, "apnwatch:{%s}:alerts", sensor);
        struct redis_entry_settings settings = {.key = key, .maxlen = maxlen};
        for (unsigned i = from; i <= to; i++) {
                sample_alert_fill_least(&sample);
                snprintf(id, sizeof id, "%u", i);
                sample.alert.id = id;
                struct outbox_entry entry = {.number = i, .id = {1000, i}, .alert = &sample.alert, .packed = packed};
                entry.packed_length = wire_pack(&sample.alert.base, packed, sizeof packed);
                assert_int_equal(redis_entry_build(&built, &settings, &entry, true), 0);
                redisAppendCommandArgv(server, (int)built.count, built.words, built.lengths);
        }
        for (unsigned i = from; i <= to; i++) {
                redisReply *reply;
                assert_int_equal(redisGetReply(server, (void **)&reply), REDIS_OK);
                assert_int_equal(reply->type, REDIS_REPLY_STRING);
                freeReplyObject(reply);
        }
        redis_entry_clear(&built);
        redisFree(server);
}

static void expect_answer(const char *line, const char *answer)
{
        assert_string_equal(real_redis_ask(&redis, line), answer);
}

static int set_up(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        return 0;
}

static int clean_up(void **state)
{
        (void)state;
        char path[128];
        snprintf(path, sizeof path, "%s/position", folder);
        unlink(path);
        real_redis_stop(&redis);
        return 0;
}

static void what_is_there_is_printed_to_its_end(void **state)
{
        (void)state;
        struct reader reader;
        add_alerts("edge-1", 1, 250, 100000);
        add_alerts("edge-2", 251, 300, 100000);
        real_redis_ask(&redis, "SET 'apnwatch:{x}:alerts' no-stream");
        real_redis_ask(&redis, "XADD 'apnwatch:{}:alerts' 1-1 a b");
        real_redis_ask(&redis, "XADD 'apnwatch:{ }:alerts' 1-1 a b");
        reader_init(&reader);
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        expect_each_once(&reader, 1, 300);
        assert_int_equal(reader_numbers(&reader).alerts, 300);
        reader_close(&reader);
        reader_init(&reader);
        reader.settings.ends = true;
        reader.settings.sensor = "edge-2";
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        expect_each_once(&reader, 251, 300);
        reader_close(&reader);
}

static void gap_records_are_lines_and_foreign_entries_are_none(void **state)
{
        (void)state;
        struct reader reader;
        static const char *const foreign[] = {"pb xx",
                                              "a b",
                                              "gap_from 1-1",
                                              "gap_from x gap_to 1-2 count 3",
                                              "gap_from 1-1 gap_to 1-2 count -3",
                                              "gap_from 1-1 gap_to 1-2 count 99999999999999999999"};
        add_alerts("edge-1", 1, 1, 100);
        real_redis_ask(&redis, "XADD 'apnwatch:{edge-1}:alerts' 2000-7 gap_from 1000-2 gap_to 2000-7 count 6");
        for (unsigned i = 0; i < sizeof foreign / sizeof *foreign; i++) {
                char line[200];
                snprintf(line, sizeof line, "XADD 'apnwatch:{edge-1}:alerts' 2000-%u %s", i + 8, foreign[i]);
                real_redis_ask(&redis, line);
        }
        reader_init(&reader);
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        assert_int_equal(reader.lines, 2);
        assert_non_null(
                strstr(reader.text, "\n{\"sensor\":\"edge-1\",\"gap_from\":\"1000-2\",\"gap_to\":\"2000-7\",\"count\":6}\n"));
        assert_int_equal(reader_numbers(&reader).gaps, 1);
        assert_int_equal(reader_numbers(&reader).foreign, 6);
        reader_close(&reader);
}

static void it_follows_across_lost_connections(void **state)
{
        (void)state;
        static const char *const groups[] = {NULL, "siem"};
        for (unsigned g = 0; g < 2; g++) {
                struct reader reader;
                real_redis_ask(&redis, "FLUSHALL");
                reader_init(&reader);
                reader.settings.group = groups[g];
                reader.settings.consumer = groups[g] ? "a" : NULL;
                reader.settings.sensor = "edge-1";
                reader_open(&reader);
                for (unsigned round = 0; round < 4; round++) {
                        add_alerts("edge-1", round * 50 + 1, round * 50 + 50, 100000);
                        reader_expect_lines(&reader, round * 50 + 50);
                        real_redis_ask(&redis, "CLIENT KILL TYPE normal SKIPME yes");
                }
                reader_run_ms(&reader, 300);
                expect_each_once(&reader, 1, 200);
                reader_stop(&reader);
        }
        expect_answer("XPENDING 'apnwatch:{edge-1}:alerts' siem | head -1", "0");
}

static void a_server_that_forgets_and_is_filled_again_doubles_nothing(void **state)
{
        (void)state;
        static const char *const groups[] = {NULL, "siem"};
        for (unsigned g = 0; g < 2; g++) {
                struct reader reader;
                real_redis_ask(&redis, "FLUSHALL");
                add_alerts("edge-1", 1, 300, 100000);
                reader_init(&reader);
                reader.settings.group = groups[g];
                reader.settings.consumer = groups[g] ? "a" : NULL;
                reader_open(&reader);
                reader_expect_lines(&reader, 300);
                real_redis_ask(&redis, "FLUSHALL");
                reader_run_ms(&reader, 100);
                add_alerts("edge-1", 201, 350, 100000); /* as the sink does from its outbox */
                reader_expect_lines(&reader, 350);
                reader_run_ms(&reader, 300);
                expect_each_once(&reader, 1, 350);
                assert_int_equal(reader_numbers(&reader).missed, 0);
                reader_stop(&reader);
        }
}

static void a_server_that_is_killed_and_comes_back_is_read_on(void **state)
{
        (void)state;
        struct reader reader;
        static const char *const persist[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
        real_redis_kill(&redis);
        real_redis_start(&redis, REAL_REDIS_PLAIN, persist);
        reader_init(&reader);
        reader.settings.group = "siem";
        reader.settings.consumer = "a";
        reader.settings.sensor = "edge-1";
        reader_open(&reader);
        for (unsigned round = 0; round < 3; round++) {
                add_alerts("edge-1", round * 100 + 1, round * 100 + 100, 100000);
                reader_run_ms(&reader, round * 3);
                real_redis_kill(&redis);
                reader_run_ms(&reader, 100);
                real_redis_start(&redis, REAL_REDIS_PLAIN, persist);
                while (strcmp(real_redis_ask(&redis, "PING"), "PONG") != 0)
                        reader_run_ms(&reader, 10); /* it loads */
        }
        reader_expect_lines(&reader, 300);
        reader_run_ms(&reader, 300);
        expect_each_once(&reader, 1, 300);
        reader_stop(&reader);
}

static void a_later_run_goes_on_behind_the_position(void **state)
{
        (void)state;
        struct reader reader;
        add_alerts("edge-1", 1, 50, 100000);
        add_alerts("edge-2", 51, 100, 100000);
        for (unsigned round = 0; round < 3; round++) {
                reader_init(&reader);
                reader.settings.position = reader.position;
                reader.settings.ends = true;
                reader.settings.sensor = round == 1 ? "edge-2" : NULL;
                reader_open(&reader);
                reader_expect_end(&reader, 0);
                if (round == 0)
                        expect_each_once(&reader, 1, 100);
                else if (round == 1)
                        expect_each_once(&reader, 111, 120);
                else
                        expect_each_once(&reader, 101, 110); /* the other's was kept meanwhile */
                reader_close(&reader);
                if (round == 0) {
                        add_alerts("edge-1", 101, 110, 100000);
                        add_alerts("edge-2", 111, 120, 100000);
                }
        }
}

static void what_was_not_written_is_not_in_the_position(void **state)
{
        (void)state;
        struct reader reader;
        add_alerts("edge-1", 1, 100, 100000);
        reader_init(&reader);
        reader.settings.position = reader.position;
        reader.room = 5000; /* some lines, and a piece of one */
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        unsigned lines = reader.lines;
        assert_in_range(lines, 2, 50);
        reader_close(&reader);
        reader_init(&reader);
        reader.settings.position = reader.position;
        reader.is_broken = true;
        reader_open(&reader);
        reader_expect_end(&reader, -EPIPE);
        reader_close(&reader);
        reader_init(&reader);
        reader.settings.position = reader.position;
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        expect_each_once(&reader, lines + 1, 100);
        reader_close(&reader);
}

static void a_position_file_that_is_none_is_told(void **state)
{
        (void)state;
        struct reader reader;
        char error[600] = "";
        reader_init(&reader);
        FILE *file = fopen(reader.position, "w");
        fputs("apnwatch:{edge-1}:alerts 1-1 1\nnonsense\n", file);
        fclose(file);
        reader.settings.position = reader.position;
        assert_int_equal(redis_tail_open(&reader.tail, reader.base, &reader.settings, error, sizeof error), -EINVAL);
        assert_non_null(strstr(error, "position:2: expected KEY ID COUNT"));
        reader.settings.position = "/nonexistent/position";
        assert_int_equal(redis_tail_open(&reader.tail, reader.base, &reader.settings, error, sizeof error), -ENOENT);
        event_base_free(reader.base);
}

static void new_means_from_now_on(void **state)
{
        (void)state;
        static const char *const groups[] = {NULL, "siem"};
        for (unsigned g = 0; g < 2; g++) {
                struct reader reader;
                real_redis_ask(&redis, "FLUSHALL");
                add_alerts("edge-1", 1, 20, 100000);
                reader_init(&reader);
                reader.settings.only_new = true;
                reader.settings.group = groups[g];
                reader.settings.consumer = groups[g] ? "a" : NULL;
                reader_open(&reader);
                reader_run_ms(&reader, 300);
                assert_int_equal(reader.lines, 0);
                add_alerts("edge-1", 21, 30, 100000);
                reader_expect_lines(&reader, 10);
                expect_each_once(&reader, 21, 30);
                reader_stop(&reader);
        }
}

static void a_stream_that_appears_is_found(void **state)
{
        (void)state;
        struct reader reader;
        reader_init(&reader);
        reader.settings.only_new = true; /* what appears later is new from its first entry */
        reader_open(&reader);
        reader_run_ms(&reader, 300);
        add_alerts("edge-1", 1, 20, 100000);
        reader_expect_lines(&reader, 20);
        expect_each_once(&reader, 1, 20);
        reader_stop(&reader);
}

static void what_is_trimmed_under_the_reader_is_told(void **state)
{
        (void)state;
        struct reader reader;
        add_alerts("edge-1", 1, 50, 100000);
        reader_init(&reader);
        reader.settings.position = reader.position;
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        assert_int_equal(reader_numbers(&reader).missed, 0);
        reader_close(&reader);
        add_alerts("edge-1", 51, 1000, 100000);
        real_redis_ask(&redis, "XTRIM 'apnwatch:{edge-1}:alerts' MAXLEN 200");
        reader_init(&reader);
        reader.settings.position = reader.position;
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        expect_each_once(&reader, 801, 1000);
        assert_int_equal(reader_numbers(&reader).missed, 750);
        reader_close(&reader);
        real_redis_ask(&redis, "XTRIM 'apnwatch:{edge-1}:alerts' MAXLEN 1"); /* all that was read: nothing is missed */
        add_alerts("edge-1", 1001, 1010, 100000);
        reader_init(&reader);
        reader.settings.position = reader.position;
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        expect_each_once(&reader, 1001, 1010);
        assert_int_equal(reader_numbers(&reader).missed, 0);
        reader_close(&reader);
}

static void what_is_trimmed_under_a_group_is_told(void **state)
{
        (void)state;
        struct reader reader;
        add_alerts("edge-1", 1, 50, 100000);
        for (unsigned round = 0; round < 2; round++) {
                reader_init(&reader);
                reader.settings.group = "siem";
                reader.settings.consumer = "a";
                reader.settings.ends = true;
                reader_open(&reader);
                reader_expect_end(&reader, 0);
                if (round == 0)
                        expect_each_once(&reader, 1, 50);
                else
                        expect_each_once(&reader, 801, 1000);
                assert_int_equal(reader_numbers(&reader).missed, round ? 750 : 0);
                reader_close(&reader);
                if (round == 0)
                        add_alerts("edge-1", 51, 1000, 100000);
                real_redis_ask(&redis, "XTRIM 'apnwatch:{edge-1}:alerts' MAXLEN 200");
        }
}

static void a_group_hands_on_what_a_consumer_left(void **state)
{
        (void)state;
        struct reader reader;
        add_alerts("edge-1", 1, 40, 100000);
        real_redis_ask(&redis, "XGROUP CREATE 'apnwatch:{edge-1}:alerts' siem 0");
        real_redis_ask(&redis, "XREADGROUP GROUP siem a COUNT 10 STREAMS 'apnwatch:{edge-1}:alerts' '>'");
        real_redis_ask(&redis, "XREADGROUP GROUP siem gone COUNT 10 STREAMS 'apnwatch:{edge-1}:alerts' '>'");
        real_redis_ask(&redis, "XREADGROUP GROUP siem busy COUNT 10 STREAMS 'apnwatch:{edge-1}:alerts' '>'");
        for (unsigned i = 11; i <= 20; i++) {
                char line[128];
                snprintf(line, sizeof line, "XCLAIM 'apnwatch:{edge-1}:alerts' siem gone 0 1000-%u IDLE 61000", i);
                real_redis_ask(&redis, line);
        }
        real_redis_ask(&redis, "XDEL 'apnwatch:{edge-1}:alerts' 1000-5 1000-15"); /* pending, but gone */
        reader_init(&reader);
        reader.settings.group = "siem";
        reader.settings.consumer = "a";
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        assert_int_equal(reader.lines, 9 + 9 + 10);
        assert_non_null(strstr(reader.text, "{\"id\":\"1\","));
        assert_non_null(strstr(reader.text, "{\"id\":\"20\","));
        assert_null(strstr(reader.text, "{\"id\":\"21\","));
        assert_non_null(strstr(reader.text, "{\"id\":\"31\","));
        assert_int_equal(reader_numbers(&reader).missed, 2);
        reader_close(&reader);
        expect_answer("XPENDING 'apnwatch:{edge-1}:alerts' siem | head -1", "10"); /* of the busy one */
}

static void two_consumers_share_without_doubling(void **state)
{
        (void)state;
        struct reader readers[2];
        char *joined;
        for (unsigned i = 0; i < 2; i++) {
                reader_init(&readers[i]);
                readers[i].settings.group = "siem";
                readers[i].settings.consumer = i ? "b" : "a";
                readers[i].settings.sensor = "edge-1";
                reader_open(&readers[i]);
                reader_run_ms(&readers[i], 50);
        }
        for (unsigned round = 0; round < 20; round++) {
                add_alerts("edge-1", round * 10 + 1, round * 10 + 10, 100000);
                reader_run_ms(&readers[round % 2], 10);
                reader_run_ms(&readers[(round + 1) % 2], 10);
        }
        assert_true(readers[0].lines > 0 && readers[1].lines > 0);
        joined = calloc(1, readers[0].length + readers[1].length + 1);
        strcpy(joined, readers[0].text);
        strcat(joined, readers[1].text);
        expect_each_once(&(struct reader){.text = joined}, 1, 200);
        free(joined);
        reader_stop(&readers[0]);
        reader_stop(&readers[1]);
}

static void what_was_not_written_is_not_acknowledged(void **state)
{
        (void)state;
        struct reader reader;
        add_alerts("edge-1", 1, 100, 100000);
        reader_init(&reader);
        reader.settings.group = "siem";
        reader.settings.consumer = "a";
        reader.room = 5000;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        unsigned lines = reader.lines;
        assert_in_range(lines, 2, 50);
        reader_close(&reader);
        reader_init(&reader);
        reader.settings.group = "siem";
        reader.settings.consumer = "a";
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, 0);
        expect_each_once(&reader, lines + 1, 100);
        reader_close(&reader);
        expect_answer("XPENDING 'apnwatch:{edge-1}:alerts' siem | head -1", "0");
}

static void no_server_ends_what_would_end(void **state)
{
        (void)state;
        struct reader reader;
        real_redis_kill(&redis);
        reader_init(&reader);
        reader.settings.ends = true;
        reader_open(&reader);
        reader_expect_end(&reader, -ENOTCONN);
        reader_close(&reader);
}

static void a_server_that_refuses_ends_what_would_end(void **state)
{
        (void)state;
        struct reader reader;
        real_redis_ask(&redis, "SET 'apnwatch:{edge-1}:alerts' no-stream");
        reader_init(&reader);
        reader.settings.ends = true;
        reader.settings.sensor = "edge-1";
        reader_open(&reader);
        reader_expect_end(&reader, -ENOTCONN);
        reader_close(&reader);
}

static bool answer_scan(void *context, const redisReply *command, unsigned number, struct evbuffer *out)
{
        (void)number;
        const char **cursor = context;
        if (!fake_redis_word_is(command, 0, "SCAN"))
                return false;
        assert_true(fake_redis_word_is(command, 1, *cursor));
        *cursor = strcmp(*cursor, "0") == 0 ? "17" : "0";
        evbuffer_add_printf(out, "*2\r\n$%zu\r\n%s\r\n*0\r\n", strlen(*cursor), *cursor);
        return true;
}

static void each_look_goes_from_cursor_to_cursor(void **state)
{
        (void)state;
        struct reader reader;
        struct fake_redis fake;
        const char *cursor = "0";
        reader_init(&reader);
        fake_redis_start(&fake, reader.base);
        fake.answer = answer_scan;
        fake.context = &cursor;
        reader.settings.link.address.hosts[0].port = fake_redis_port(&fake);
        reader_open(&reader);
        reader_run_ms(&reader, 1300); /* nothing is there: again after a second */
        assert_int_equal(fake.commands, 1 + 2 + 2);
        assert_string_equal(cursor, "0");
        fake_redis_stop(&fake);
        reader_close(&reader);
}

/* contrib/redis/users.acl with a password of our own for all. */
static const char *make_acl_file(const char *password)
{
        static char path[128];
        char source[4096], line[2048], hash[65];
        unsigned char digest[32];
        const char *root = getenv("srcdir");
        snprintf(source, sizeof source, "%s/contrib/redis/users.acl", root ? root : ".");
        SHA256((const unsigned char *)password, strlen(password), digest);
        text_hex(digest, sizeof digest, hash);
        snprintf(path, sizeof path, "%s/users.acl", folder);
        FILE *in = fopen(source, "r"), *out = fopen(path, "w");
        assert_true(in && out);
        while (fgets(line, sizeof line, in)) {
                char *zeroes = strstr(line, "#0000");
                if (zeroes)
                        memcpy(zeroes + 1, hash, 64);
                fputs(line, out);
        }
        fclose(in);
        fclose(out);
        return path;
}

static void the_acl_file_lets_a_sensor_write_and_a_reader_read(void **state)
{
        (void)state;
        static const char *const groups[] = {NULL, "siem"};
        static const struct {
                const char *line, *answer;
        } table[] = {
                {"--user sensor XADD 'apnwatch:{edge-1}:alerts' 5000-1 a b", "5000-1"},
                {"--user sensor HSET 'apnwatch:{edge-1}:status' a b", "1"},
                {"--user sensor XINFO STREAM 'apnwatch:{edge-1}:alerts' | head -2 | tail -1", "11"},
                {"--user sensor XADD other 1-1 a b", "NOPERM"},
                {"--user sensor XRANGE 'apnwatch:{edge-1}:alerts' - +", "NOPERM"},
                {"--user sensor DEL 'apnwatch:{edge-1}:alerts'", "NOPERM"},
                {"--user sensor CONFIG GET '*'", "NOPERM"},
                {"--user reader XADD 'apnwatch:{edge-1}:alerts' 9000-1 a b", "NOPERM"},
                {"--user reader HSET 'apnwatch:{edge-1}:status' a c", "NOPERM"},
                {"--user reader XREAD STREAMS other 0", "NOPERM"},
                {"--user reader XTRIM 'apnwatch:{edge-1}:alerts' MAXLEN 0", "NOPERM"},
                {"--user reader ACL LIST", "NOPERM"},
                {"--user admin PING", "PONG"},
        };
        char password_path[128];
        snprintf(password_path, sizeof password_path, "%s/password", folder);
        FILE *file = fopen(password_path, "w");
        fputs("a secret\n", file);
        fclose(file);
        static const char *const persist[] = {"--appendonly", "yes", NULL};
        real_redis_kill(&redis);
        real_redis_start(&redis, REAL_REDIS_PLAIN, persist);
        add_alerts("edge-1", 1, 10, 100000);
        real_redis_kill(&redis);
        real_redis_start(&redis, REAL_REDIS_PLAIN,
                         (const char *[]){"--appendonly", "yes", "--aclfile", make_acl_file("a secret"), NULL});
        assert_non_null(strstr(real_redis_ask(&redis, "PING"), "NOAUTH"));
        for (unsigned g = 0; g < 2; g++) {
                struct reader reader;
                reader_init(&reader);
                reader.settings.link.username = "reader";
                reader.settings.link.password_file = password_path;
                reader.settings.link.client_name = "apnwatch-tail";
                reader.settings.ends = true;
                reader.settings.group = groups[g];
                reader.settings.consumer = groups[g] ? "a" : NULL;
                reader_open(&reader);
                reader_expect_end(&reader, 0);
                expect_each_once(&reader, 1, 10);
                reader_close(&reader);
        }
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                char line[300];
                snprintf(line, sizeof line, "-a 'a secret' --no-auth-warning %s", table[i].line);
                if (strstr(real_redis_ask(&redis, line), table[i].answer) == NULL)
                        fail_msg("%s: %s", table[i].line, real_redis_ask(&redis, line));
        }
}

static int begin(void **state)
{
        (void)state;
        signal(SIGPIPE, SIG_IGN);
        if (getenv("VERBOSE") == NULL)
                log_set_level(LOG_LEVEL_ERROR);
        return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
        (void)state;
        char command[128];
        snprintf(command, sizeof command, "rm -rf %s", folder);
        return system(command);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_there_is_printed_to_its_end, set_up, clean_up),
                cmocka_unit_test_setup_teardown(gap_records_are_lines_and_foreign_entries_are_none, set_up, clean_up),
                cmocka_unit_test_setup_teardown(it_follows_across_lost_connections, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_server_that_forgets_and_is_filled_again_doubles_nothing, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_server_that_is_killed_and_comes_back_is_read_on, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_later_run_goes_on_behind_the_position, set_up, clean_up),
                cmocka_unit_test_setup_teardown(what_was_not_written_is_not_in_the_position, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_position_file_that_is_none_is_told, set_up, clean_up),
                cmocka_unit_test_setup_teardown(new_means_from_now_on, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_stream_that_appears_is_found, set_up, clean_up),
                cmocka_unit_test_setup_teardown(what_is_trimmed_under_the_reader_is_told, set_up, clean_up),
                cmocka_unit_test_setup_teardown(what_is_trimmed_under_a_group_is_told, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_group_hands_on_what_a_consumer_left, set_up, clean_up),
                cmocka_unit_test_setup_teardown(two_consumers_share_without_doubling, set_up, clean_up),
                cmocka_unit_test_setup_teardown(what_was_not_written_is_not_acknowledged, set_up, clean_up),
                cmocka_unit_test_setup_teardown(no_server_ends_what_would_end, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_server_that_refuses_ends_what_would_end, set_up, clean_up),
                cmocka_unit_test_setup_teardown(each_look_goes_from_cursor_to_cursor, set_up, clean_up),
                cmocka_unit_test_setup_teardown(the_acl_file_lets_a_sensor_write_and_a_reader_read, set_up, clean_up),
        };
        return cmocka_run_group_tests(tests, begin, end);
}
