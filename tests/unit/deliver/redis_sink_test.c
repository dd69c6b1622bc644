/* The sink against a server that keeps one stream as Redis does and refuses what the test wants. Real servers: tests/faults. */
#include "deliver/sink.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>

#include "deliver/feed.h"
#include "deliver/redis_entry.h"
#include "tests/unit/deliver/fake_redis.h"
#include "tests/unit/deliver/outbox_case.h"
#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

enum { ENTRIES = 4000, QUEUED = 512 };

/* The server: a stream, a transaction, and what it does not want. */
static struct model {
        struct entry_id ids[ENTRIES], queued[QUEUED];
        bool queued_makes[QUEUED];
        unsigned count, queued_count;
        struct entry_id last;
        bool is_there, is_in_multi, is_dirty;
        unsigned refuse_one_of;  /* XADDs, with OOM; 0: none */
        unsigned long random;
        unsigned forget_at;      /* the stream is deleted when it has so many entries */
        bool forbids_multi, forbids_status;
        const char *policy, *xinfo_error;
        unsigned refused, status, most_in_flight, single;
} model;

static struct event_base *base;
static struct fake_redis fake;
static struct outbox *outbox;
static struct sink *sink;
static struct feed *feed;
static const struct sink_run run = {.sensor = "edge-1", .version = "1", .append = true};

/* The server. */

static bool is_later(struct entry_id one, struct entry_id other)
{
        return one.ms > other.ms || (one.ms == other.ms && one.sequence > other.sequence);
}

static void add(struct entry_id id, bool makes, struct evbuffer *out)
{
        if (model.forget_at > 0 && model.count == model.forget_at) {
                model.forget_at = model.count = 0;
                model.is_there = false;
                model.last = (struct entry_id){0, 0};
        }
        if (!model.is_there && !makes) {
                evbuffer_add_printf(out, "$-1\r\n");
        } else if (model.is_there && !is_later(id, model.last)) {
                evbuffer_add_printf(out, "-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n");
        } else {
                char text[REDIS_ID_SIZE];
                redis_id_write(text, id);
                assert_true(model.count < ENTRIES);
                model.ids[model.count++] = model.last = id;
                model.is_there = true;
                evbuffer_add_printf(out, "$%zu\r\n%s\r\n", strlen(text), text);
        }
}

static bool is_unlucky(void)
{
        model.random = model.random * 6364136223846793005UL + 1442695040888963407UL;
        return model.refuse_one_of > 0 && (model.random >> 33) % model.refuse_one_of == 0;
}

static void answer_xadd(const redisReply *command, struct evbuffer *out)
{
        assert_string_equal(command->element[1]->str, "apnwatch:{edge-1}:alerts");
        bool makes = !fake_redis_word_is(command, 2, "NOMKSTREAM");
        struct entry_id id;
        assert_true(redis_id_parse(&id, command->element[makes ? 5 : 6]->str));
        if (is_unlucky()) {
                model.refused++;
                model.is_dirty = true;
                evbuffer_add_printf(out, "-OOM command not allowed when used memory > 'maxmemory'.\r\n");
        } else if (!model.is_in_multi) {
                model.single++;
                add(id, makes, out);
        } else {
                assert_true(model.queued_count < QUEUED);
                model.queued_makes[model.queued_count] = makes;
                model.queued[model.queued_count++] = id;
                evbuffer_add_printf(out, "+QUEUED\r\n");
        }
}

static void answer_multi(struct evbuffer *out)
{
        if (model.forbids_multi) {
                evbuffer_add_printf(out, "-NOPERM this user has no permissions to run the 'multi' command\r\n");
                return;
        }
        assert_false(model.is_in_multi);
        model.is_in_multi = true;
        model.is_dirty = false;
        model.queued_count = 0;
        evbuffer_add_printf(out, "+OK\r\n");
}

static void answer_exec(struct evbuffer *out)
{
        if (!model.is_in_multi) {
                evbuffer_add_printf(out, "-ERR EXEC without MULTI\r\n");
                return;
        }
        model.is_in_multi = false;
        if (model.is_dirty) {
                evbuffer_add_printf(out, "-EXECABORT Transaction discarded because of previous errors.\r\n");
                return;
        }
        evbuffer_add_printf(out, "*%u\r\n", model.queued_count);
        for (unsigned i = 0; i < model.queued_count; i++)
                add(model.queued[i], model.queued_makes[i], out);
}

static void answer_xinfo(struct evbuffer *out)
{
        char text[REDIS_ID_SIZE];
        if (model.xinfo_error != NULL) {
                evbuffer_add_printf(out, "-%s\r\n", model.xinfo_error);
        } else if (!model.is_there) {
                evbuffer_add_printf(out, "-ERR no such key\r\n");
        } else {
                redis_id_write(text, model.last);
                evbuffer_add_printf(out, "*4\r\n$6\r\nlength\r\n:%u\r\n$17\r\nlast-generated-id\r\n$%zu\r\n%s\r\n", model.count,
                                    strlen(text), text);
        }
}

static void answer_status(const redisReply *command, struct evbuffer *out)
{
        assert_false(model.is_in_multi);
        assert_string_equal(command->element[1]->str, "apnwatch:{edge-1}:status");
        model.status++;
        evbuffer_add_printf(out, model.forbids_status ? "-NOPERM no\r\n" : ":7\r\n");
}

static bool answer(void *context, const redisReply *command, unsigned number, struct evbuffer *out)
{
        (void)context;
        if (number == 1)
                model.is_in_multi = false; /* a new connection */
        if (fake_redis_word_is(command, 0, "XADD"))
                answer_xadd(command, out);
        else if (fake_redis_word_is(command, 0, "MULTI"))
                answer_multi(out);
        else if (fake_redis_word_is(command, 0, "EXEC"))
                answer_exec(out);
        else if (fake_redis_word_is(command, 0, "XINFO"))
                answer_xinfo(out);
        else if (fake_redis_word_is(command, 0, "HSET"))
                answer_status(command, out);
        else if (fake_redis_word_is(command, 0, "CONFIG") && model.policy)
                evbuffer_add_printf(out, "*2\r\n$16\r\nmaxmemory-policy\r\n$%zu\r\n%s\r\n", strlen(model.policy), model.policy);
        else if (fake_redis_word_is(command, 0, "CONFIG"))
                evbuffer_add_printf(out, "-NOPERM no\r\n");
        else
                return false;
        return true;
}

/* The sensor. */

static void open_sink(const struct outbox_settings *settings)
{
        char address[64], error[256] = "";
        outbox = case_open(settings);
        snprintf(address, sizeof address, "redis://127.0.0.1:%u", fake_redis_port(&fake));
        sink = sink_open(address, NULL, NULL, &run, error, sizeof error);
        assert_non_null(sink);
        feed = feed_create(outbox, sink, base);
        assert_non_null(feed);
        assert_int_equal(sink->kind->start(sink, feed), 0);
}

static void close_sink(void)
{
        int result = sink_close(sink);
        feed_destroy(feed);
        outbox_close(outbox);
        sink = NULL;
        feed = NULL;
        outbox = NULL;
        assert_int_equal(result, 0);
}

static struct feed_numbers numbers(void)
{
        struct feed_numbers out;
        feed_numbers(feed, &out);
        return out;
}

static void run_loop(unsigned ms)
{
        struct timeval time = {ms / 1000, ms % 1000 * 1000};
        event_base_loopexit(base, &time);
        event_base_dispatch(base);
}

/* False: not within 10 s. */
static bool all_is_delivered(void)
{
        sink->kind->wake(sink);
        for (unsigned i = 0; i < 1000 && numbers().waiting > 0; i++) {
                run_loop(10);
                if (numbers().in_flight > model.most_in_flight)
                        model.most_in_flight = (unsigned)numbers().in_flight;
        }
        return numbers().waiting == 0;
}

static void assert_stream_is_whole(unsigned count)
{
        assert_int_equal(model.count, count);
        for (unsigned i = 0; i < count; i++)
                assert_int_equal(model.ids[i].sequence, i + 1);
}

static int set_up(void **state)
{
        (void)state;
        case_begin();
        model = (struct model){.random = 1};
        base = event_base_new();
        fake_redis_start(&fake, base);
        fake.answer = answer;
        return 0;
}

static int tear_down(void **state)
{
        (void)state;
        if (sink != NULL) /* the test failed */
                close_sink();
        fake_redis_stop(&fake);
        event_base_free(base);
        case_end();
        return 0;
}

/* Tests. */

static void alerts_go_in_transactions_within_the_window(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        open_sink(&settings);
        case_fill(outbox, 1, 2000, 100);
        assert_true(all_is_delivered());
        assert_stream_is_whole(2000);
        assert_int_equal(numbers().delivered, 2000);
        assert_in_range(model.most_in_flight, 0, 512);
        assert_int_equal(model.single, 0);
        assert_true(model.status >= 1);
        assert_true(numbers().is_connected);
        close_sink();
}

static void a_refusal_within_the_window_leaves_no_hole(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        model.refuse_one_of = 700;
        case_log_begin();
        open_sink(&settings);
        case_fill(outbox, 1, 2000, 100);
        assert_true(all_is_delivered());
        const char *log = case_log_end();
        assert_true(model.refused >= 1);
        assert_stream_is_whole(2000);
        assert_true(case_times(log, "memory is full") >= 1);
        close_sink();
}

static void without_transactions_they_go_one_at_a_time(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        model.forbids_multi = true;
        model.refuse_one_of = 40;
        case_log_begin();
        open_sink(&settings);
        case_fill(outbox, 1, 300, 100);
        assert_true(all_is_delivered());
        const char *log = case_log_end();
        assert_true(model.refused >= 1);
        assert_stream_is_whole(300);
        assert_int_equal(model.single, 300);
        assert_in_range(model.most_in_flight, 0, 1);
        assert_int_equal(case_times(log, "one at a time"), 1);
        close_sink();
}

static void a_stream_that_vanished_is_filled_again(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        model.forget_at = 900;
        case_log_begin();
        open_sink(&settings);
        case_fill(outbox, 1, 2000, 100);
        assert_true(all_is_delivered());
        const char *log = case_log_end();
        assert_stream_is_whole(2000);
        assert_int_equal(case_times(log, "the server has lost the stream"), 1);
        assert_int_equal(numbers().delivered, 2000);
        close_sink();
}

static void what_arrived_without_its_reply_is_not_sent_again(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        case_log_begin();
        open_sink(&settings);
        fake.cut_after = 9000; /* in the reply to an EXEC */
        case_fill(outbox, 1, 2000, 100);
        assert_true(all_is_delivered());
        (void)case_log_end();
        assert_true(fake.connections > 1);
        assert_stream_is_whole(2000);
        close_sink();
}

static void the_same_run_again_adds_nothing(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        settings.path = NULL;
        settings.fixed_ms = 77;
        for (unsigned i = 0; i < 2; i++) {
                open_sink(&settings);
                run_loop(50);
                assert_true(numbers().is_connected);
                case_fill(outbox, 1, 700, 100);
                assert_true(all_is_delivered());
                assert_stream_is_whole(700);
                assert_int_equal(model.ids[699].ms, 77);
                assert_int_equal(numbers().delivered, 700);
                close_sink();
        }
}

static void what_the_user_should_know_is_told_once(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        model.policy = "allkeys-lru";
        model.forbids_status = true;
        case_log_begin();
        open_sink(&settings);
        case_fill(outbox, 1, 10, 100);
        assert_true(all_is_delivered());
        fake_redis_hang_up(&fake);
        case_fill(outbox, 11, 20, 100);
        run_loop(50);
        assert_true(all_is_delivered());
        const char *log = case_log_end();
        assert_stream_is_whole(20);
        assert_int_equal(case_times(log, "maxmemory-policy is allkeys-lru"), 1);
        assert_int_equal(case_times(log, "apnwatch:{edge-1}:status is not written"), 1);
        close_sink();
}

static void a_key_of_another_type_is_told_and_waited_for(void **state)
{
        (void)state;
        struct outbox_settings settings = case_settings();
        model.xinfo_error = "WRONGTYPE Operation against a key holding the wrong kind of value";
        case_log_begin();
        open_sink(&settings);
        case_fill(outbox, 1, 10, 100);
        run_loop(400);
        assert_true(fake.connections > 1);
        assert_int_equal(numbers().waiting, 10);
        assert_false(numbers().is_connected);
        model.xinfo_error = NULL;
        assert_true(all_is_delivered());
        const char *log = case_log_end();
        assert_stream_is_whole(10);
        assert_int_equal(case_times(log, "is there already and is no stream"), 1);
        assert_int_equal(case_times(log, "connected again"), 1);
        close_sink();
}

/* Entries. */

static void assert_field(const struct redis_entry *entry, unsigned at, const char *name, const char *value)
{
        assert_string_equal(entry->words[at], name);
        assert_int_equal(entry->lengths[at + 1], strlen(value));
        assert_memory_equal(entry->words[at + 1], value, strlen(value));
}

static void an_entry_always_has_the_same_fields(void **state)
{
        (void)state;
        struct sample_alert sample;
        struct redis_entry entry = {0};
        struct redis_entry_settings settings = {.key = "k", .maxlen = 5, .json = true};
        struct outbox_entry given = {.number = 9, .id = {1714, 9}, .alert = &sample.alert, .packed = (const uint8_t *)"a\0b",
                                     .packed_length = 3};
        sample_alert_fill(&sample);
        assert_int_equal(redis_entry_build(&entry, &settings, &given, false), 0);
        static const char *const begin[] = {"XADD", "k", "NOMKSTREAM", "MAXLEN", "~", "5", "1714-9", "pb"};
        for (unsigned i = 0; i < 8; i++)
                assert_string_equal(entry.words[i], begin[i]);
        assert_int_equal(entry.lengths[8], 3);
        assert_memory_equal(entry.words[8], "a\0b", 3);
        assert_field(&entry, 9, "id", "9f2c0123456789abcdef0123456789ab");
        assert_field(&entry, 11, "revision", "2");
        assert_field(&entry, 13, "type", "destination.unlisted");
        assert_field(&entry, 15, "severity", "medium");
        assert_field(&entry, 17, "tenant", "north-power");
        assert_field(&entry, 19, "fleet", "meters-north");
        assert_field(&entry, 21, "device", "10.20.0.7");
        assert_field(&entry, 23, "peer", "198.51.100.9");
        assert_field(&entry, 25, "time", "2026-03-01T02:03:04.567891Z");
        assert_string_equal(entry.words[27], "json");
        assert_int_equal(entry.words[28][0], '{');
        assert_int_equal(entry.count, 29);

        sample_alert_fill_least(&sample);
        settings.json = false;
        assert_int_equal(redis_entry_build(&entry, &settings, &given, true), 0);
        assert_string_equal(entry.words[2], "MAXLEN");
        assert_field(&entry, 16, "tenant", "");
        assert_field(&entry, 18, "fleet", "");
        assert_field(&entry, 20, "device", "");
        assert_field(&entry, 22, "peer", "");
        assert_int_equal(entry.count, 26);
        redis_entry_clear(&entry);
}

static void a_gap_says_from_where_to_where(void **state)
{
        (void)state;
        struct redis_entry entry = {0};
        struct redis_entry_settings settings = {.key = "k", .maxlen = 5, .json = true};
        struct outbox_entry given = {.number = 20, .id = {1714, 20}, .is_gap = true, .gap_from = {1700, 11}, .gap_count = 10};
        assert_int_equal(redis_entry_build(&entry, &settings, &given, true), 0);
        assert_string_equal(entry.words[5], "1714-20");
        assert_field(&entry, 6, "gap_from", "1700-11");
        assert_field(&entry, 8, "gap_to", "1714-20");
        assert_field(&entry, 10, "count", "10");
        assert_int_equal(entry.count, 12);
}

static void only_an_id_is_an_id(void **state)
{
        (void)state;
        struct entry_id id;
        assert_true(redis_id_parse(&id, "18446744073709551615-0"));
        assert_true(id.ms == UINT64_MAX && id.sequence == 0);
        static const char *const wrong[] = {"", "-", "1", "1-", "-1", "1-1-1", "1- 1", " 1-1", "+1-1", "1-1x", "18446744073709551616-0"};
        for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
                assert_false(redis_id_parse(&id, wrong[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(alerts_go_in_transactions_within_the_window, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_refusal_within_the_window_leaves_no_hole, set_up, tear_down),
                cmocka_unit_test_setup_teardown(without_transactions_they_go_one_at_a_time, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_stream_that_vanished_is_filled_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_arrived_without_its_reply_is_not_sent_again, set_up, tear_down),
                cmocka_unit_test_setup_teardown(the_same_run_again_adds_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(what_the_user_should_know_is_told_once, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_key_of_another_type_is_told_and_waited_for, set_up, tear_down),
                cmocka_unit_test(an_entry_always_has_the_same_fields),
                cmocka_unit_test(a_gap_says_from_where_to_where),
                cmocka_unit_test(only_an_id_is_an_id),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
