#include "deliver/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "tests/unit/deliver/outbox_case.h"
#include "tests/unit/test.h"

static unsigned wakes;

static void wake(struct sink *sink)
{
        (void)sink;
        wakes++;
}

static const struct sink_kind kind = {.scheme = "test", .wake = wake};
static const char *fleet_a[] = {"a"};

/* One sink; `picky`: it wants fleet "a", the even alerts, only. */
struct station {
        struct outbox_settings settings;
        struct outbox *outbox;
        struct sink sink;
        struct feed *feed;
        char name[32];
};

static void start(struct station *station)
{
        station->outbox = case_open(&station->settings);
        station->feed = feed_create(station->outbox, &station->sink, NULL);
        assert_non_null(station->feed);
}

static void stop(struct station *station)
{
        feed_destroy(station->feed);
        outbox_close(station->outbox);
}

static void begin(struct station *station, bool picky)
{
        case_begin();
        *station = (struct station){.settings = case_settings(), .name = "test://a"};
        station->sink = (struct sink){.kind = &kind, .name = station->name};
        if (picky)
                station->sink.filter = (struct sink_filter){.fleets = fleet_a, .fleet_count = 1};
        start(station);
}

static void end(struct station *station)
{
        stop(station);
        case_end();
}

/* The identity that holds at every moment. */
static struct feed_numbers numbers_of(const struct station *station)
{
        struct feed_numbers numbers;
        struct outbox_numbers all;
        feed_numbers(station->feed, &numbers);
        outbox_numbers(station->outbox, &all);
        assert_int_equal(all.committed, numbers.delivered + numbers.filtered + numbers.gaps + numbers.waiting);
        return numbers;
}

static void must_be(const struct station *station, unsigned delivered, unsigned filtered, unsigned gaps, unsigned waiting)
{
        struct feed_numbers numbers = numbers_of(station);
        assert_int_equal(numbers.delivered, delivered);
        assert_int_equal(numbers.filtered, filtered);
        assert_int_equal(numbers.gaps, gaps);
        assert_int_equal(numbers.waiting, waiting);
}

static void must_take(struct station *station, unsigned number)
{
        struct outbox_entry entry;
        assert_true(feed_take(station->feed, &entry));
        assert_int_equal(entry.number, number);
        assert_false(entry.is_gap);
        assert_int_equal(case_which(entry.alert), number);
        (void)numbers_of(station);
}

static void must_be_empty(struct station *station)
{
        struct outbox_entry entry;
        assert_false(feed_take(station->feed, &entry));
        (void)numbers_of(station);
}

static void take_all(struct station *station)
{
        struct outbox_entry entry;
        while (feed_take(station->feed, &entry))
                feed_delivered(station->feed, entry.number);
}

static void entries_come_in_order_and_each_is_accounted_for(void **state)
{
        (void)state;
        struct station station;
        begin(&station, true);
        must_be_empty(&station);
        case_fill(station.outbox, 1, 9, 0);
        must_be(&station, 0, 0, 0, 9);
        must_take(&station, 2);
        must_take(&station, 4);
        must_take(&station, 6);
        must_be(&station, 0, 0, 0, 9);
        assert_int_equal(numbers_of(&station).in_flight, 3);
        feed_delivered(station.feed, 1); /* nothing of that was taken */
        must_be(&station, 0, 0, 0, 9);
        feed_delivered(station.feed, 4);
        must_be(&station, 2, 2, 0, 5);
        must_take(&station, 8);
        must_be_empty(&station); /* the ninth is filtered, but two are on their way before it */
        must_be(&station, 2, 2, 0, 5);
        feed_delivered(station.feed, 8);
        must_be(&station, 4, 5, 0, 0);
        case_fill(station.outbox, 11, 11, 0);
        must_be(&station, 4, 5, 0, 1);
        must_be_empty(&station);
        must_be(&station, 4, 6, 0, 0);
        end(&station);
}

static void what_was_on_its_way_is_taken_again(void **state)
{
        (void)state;
        struct station station;
        begin(&station, false);
        case_fill(station.outbox, 1, 200, 0);
        for (unsigned round = 0; round < 3; round++) {
                for (unsigned number = 1 + round; number <= 200; number++) /* the window grows as it must */
                        must_take(&station, number);
                feed_delivered(station.feed, round + 1);
                feed_rewind(station.feed);
                must_be(&station, round + 1, 0, 0, 199 - round);
        }
        assert_int_equal(numbers_of(&station).rewinds, 3);
        stop(&station);
        start(&station);
        must_take(&station, 4);
        end(&station);
}

static void a_lost_reply_does_not_double(void **state)
{
        (void)state;
        struct station station;
        begin(&station, true);
        case_fill(station.outbox, 1, 20, 0);
        must_take(&station, 2);
        must_take(&station, 4);
        must_take(&station, 6);
        feed_rewind(station.feed);
        feed_resume_behind(station.feed, outbox_id_of(station.outbox, 4)); /* two had come through */
        must_be(&station, 2, 2, 0, 16);
        must_take(&station, 6);
        must_take(&station, 8);
        feed_resume_behind(station.feed, outbox_id_of(station.outbox, 8)); /* without a rewind in between */
        must_be(&station, 4, 4, 0, 12);
        must_take(&station, 10);
        stop(&station); /* what the sensor knew is gone */
        start(&station);
        feed_resume_behind(station.feed, outbox_id_of(station.outbox, 12));
        must_be(&station, 6, 6, 0, 8);
        must_take(&station, 14);
        assert_int_equal(numbers_of(&station).rewinds, 0);
        end(&station);
}

static void an_entry_that_is_refused_is_a_gap(void **state)
{
        (void)state;
        struct station station;
        begin(&station, true);
        case_fill(station.outbox, 1, 9, 0);
        must_take(&station, 2);
        must_take(&station, 4);
        must_take(&station, 6);
        feed_refused(station.feed, 4); /* the one before it has come */
        must_be(&station, 1, 2, 1, 5);
        feed_delivered(station.feed, 6);
        must_be(&station, 2, 3, 1, 3);
        must_take(&station, 8);
        feed_rewind(station.feed);
        feed_delivered(station.feed, 8); /* an answer that came too late counts for nothing */
        must_be(&station, 2, 3, 1, 3);
        must_take(&station, 8);
        end(&station);
}

/* The outbox is full, the server answers late: it has more than one would think from what is still held. */
static void what_went_while_it_was_on_its_way_is_delivered(void **state)
{
        (void)state;
        struct station station;
        begin(&station, true);
        stop(&station);
        station.settings.size_limit = 1 << 20;
        start(&station);
        case_fill(station.outbox, 1, 200, 0);
        for (unsigned number = 2; number <= 100; number += 2)
                must_take(&station, number);
        case_log_begin();
        for (unsigned first = 201; first < 4001; first += 50)
                case_fill(station.outbox, first, first + 49, 0);
        feed_rewind(station.feed);
        feed_rewind(station.feed); /* it took two attempts */
        must_be(&station, 0, 0, 0, 4000);
        assert_int_equal(numbers_of(&station).in_flight, 0);
        assert_int_equal(numbers_of(&station).rewinds, 1);
        feed_resume_behind(station.feed, outbox_id_of(station.outbox, 80));
        must_be(&station, 40, 40, 0, 3920);
        struct outbox_entry entry;
        assert_true(feed_take(station.feed, &entry));
        assert_true(entry.is_gap);
        assert_int_equal(entry.gap_from.sequence, 81);
        (void)case_log_end();
        end(&station);
}

static void what_the_server_lost_is_sent_again(void **state)
{
        (void)state;
        struct station station;
        begin(&station, true);
        case_fill(station.outbox, 1, 21, 0);
        take_all(&station);
        must_be(&station, 10, 11, 0, 0);
        feed_resume_behind(station.feed, outbox_id_of(station.outbox, 20));
        must_be(&station, 10, 11, 0, 0); /* the last that it was given; the filtered one behind it is no loss */
        case_log_begin();
        feed_resume_behind(station.feed, outbox_id_of(station.outbox, 14));
        assert_int_equal(case_times(case_log_end(), "it has lost alerts that it had taken: 3 are sent again"), 1);
        must_be(&station, 7, 7, 0, 7);
        must_take(&station, 16);
        must_take(&station, 18);
        feed_delivered(station.feed, 16);
        must_be(&station, 8, 8, 0, 5);
        case_log_begin();
        feed_resume_behind(station.feed, (struct entry_id){0, 0}); /* it has forgotten everything */
        (void)case_log_end();
        must_be(&station, 0, 0, 0, 21);
        must_take(&station, 2);
        take_all(&station);
        feed_delivered(station.feed, 2);
        must_be(&station, 10, 11, 0, 0);
        end(&station);
}

static void a_new_sink_is_not_sent_what_was_before_it(void **state)
{
        (void)state;
        struct station station;
        begin(&station, false);
        case_fill(station.outbox, 1, 10, 0);
        strcpy(station.name, "test://b");
        feed_destroy(station.feed);
        station.feed = feed_create(station.outbox, &station.sink, NULL);
        feed_resume_behind(station.feed, (struct entry_id){0, 0});
        must_be(&station, 0, 10, 0, 0);
        case_fill(station.outbox, 11, 12, 0);
        take_all(&station);
        case_log_begin();
        feed_resume_behind(station.feed, (struct entry_id){0, 0});
        (void)case_log_end();
        must_be(&station, 0, 10, 0, 2);
        must_take(&station, 11);
        end(&station);
}

static void what_is_no_longer_held_becomes_a_gap(void **state)
{
        (void)state;
        struct station station;
        struct outbox_entry entry;
        struct outbox_numbers numbers;
        begin(&station, true);
        stop(&station);
        station.settings.size_limit = 1 << 20;
        start(&station);
        for (unsigned at = 0; at < 60; at++) {
                case_fill(station.outbox, at * 50 + 1, at * 50 + 50, 0);
                take_all(&station);
        }
        must_be(&station, 1500, 1500, 0, 0);
        outbox_numbers(station.outbox, &numbers);
        unsigned gone = 3000 - (unsigned)numbers.held;
        assert_in_range(gone, 500, 2900);
        case_log_begin();
        feed_resume_behind(station.feed, outbox_id_of(station.outbox, 3000)); /* it is at the last */
        must_be(&station, 1500, 1500, 0, 0);
        feed_resume_behind(station.feed, (struct entry_id){0, 0});
        (void)case_log_end();
        struct feed_numbers now = numbers_of(&station);
        assert_int_equal(now.waiting, 3000);
        assert_true(feed_take(station.feed, &entry));
        assert_true(entry.is_gap);
        assert_int_equal(entry.gap_count, gone);
        assert_int_equal(entry.number, gone);
        feed_delivered(station.feed, gone);
        now = numbers_of(&station);
        assert_int_equal(now.gaps, gone);
        take_all(&station);
        must_be(&station, (3000 - gone + 1) / 2, (3000 - gone) / 2, gone, 0);
        end(&station);
}

static void entry_ids_rise_above_what_someone_else_wrote(void **state)
{
        (void)state;
        struct station station;
        struct outbox_entry entry;
        begin(&station, false);
        case_fill(station.outbox, 1, 4, 0);
        must_take(&station, 1);
        feed_delivered(station.feed, 1);
        struct entry_id theirs = {case_now_ms + 77, 0};
        case_log_begin();
        feed_resume_behind(station.feed, theirs);
        must_take(&station, 2);
        feed_resume_behind(station.feed, theirs); /* the connection broke once more */
        feed_rewind(station.feed);
        assert_true(feed_take(station.feed, &entry));
        assert_int_equal(entry.number, 2);
        assert_int_equal(entry.id.ms, theirs.ms + 1);
        theirs.ms += 10;
        feed_resume_behind(station.feed, theirs); /* and again someone */
        assert_true(feed_take(station.feed, &entry));
        assert_int_equal(entry.id.ms, theirs.ms + 1);
        assert_int_equal(case_times(case_log_end(), "is not ours"), 1);
        feed_delivered(station.feed, 2);
        feed_resume_behind(station.feed, entry.id);
        must_be(&station, 2, 0, 0, 2);
        must_take(&station, 3);
        end(&station);
}

static void the_same_run_again_adds_nothing(void **state)
{
        (void)state;
        struct station station;
        begin(&station, true);
        stop(&station);
        station.settings.path = NULL;
        station.settings.fixed_ms = 1;
        start(&station);
        feed_resume_behind(station.feed, (struct entry_id){1, 20});
        must_be_empty(&station);
        case_fill(station.outbox, 1, 10, 0); /* while it still runs */
        must_be_empty(&station);
        must_be(&station, 5, 5, 0, 0);
        case_fill(station.outbox, 11, 20, 0);
        must_be_empty(&station);
        must_be(&station, 10, 10, 0, 0);
        case_fill(station.outbox, 21, 22, 0); /* that run had been stopped */
        must_take(&station, 22);
        end(&station);
}

static void a_file_goes_on_behind_its_last_line(void **state)
{
        (void)state;
        struct station station;
        char id[33];
        begin(&station, false);
        case_fill(station.outbox, 1, 10, 0);
        must_take(&station, 1);
        feed_delivered(station.feed, 1);
        snprintf(id, sizeof id, "%016x%016x", 6 * 2654435761u, 6u);
        feed_resume_behind_alert(station.feed, id, 1); /* lines were written, the positions were not */
        must_be(&station, 6, 0, 0, 4);
        feed_resume_behind_alert(station.feed, "", 0); /* it was moved away: that tells nothing */
        must_be(&station, 6, 0, 0, 4);
        feed_resume_behind_alert(station.feed, id, 7); /* one that is not known neither */
        must_be(&station, 6, 0, 0, 4);
        snprintf(id, sizeof id, "%016x%016x", 3 * 2654435761u, 3u);
        case_log_begin();
        feed_resume_behind_alert(station.feed, id, 1); /* the power went, lines with it */
        (void)case_log_end();
        must_be(&station, 3, 0, 0, 7);
        must_take(&station, 4);
        end(&station);
}

static void a_sink_that_wants_little_does_not_hold_the_loop(void **state)
{
        (void)state;
        struct station station;
        struct event_base *base = event_base_new();
        struct outbox_entry entry;
        begin(&station, true);
        feed_destroy(station.feed);
        station.feed = feed_create(station.outbox, &station.sink, base);
        assert_ptr_equal(feed_base(station.feed), base);
        for (unsigned which = 1; which <= 5001; which += 2)
                assert_int_equal(case_add(station.outbox, which), 0);
        case_fill(station.outbox, 2, 2, 0);
        wakes = 0;
        assert_false(feed_take(station.feed, &entry));
        must_be(&station, 0, 2048, 0, 454);
        event_base_loop(base, EVLOOP_NONBLOCK);
        assert_int_equal(wakes, 1);
        assert_true(feed_take(station.feed, &entry));
        assert_int_equal(case_which(entry.alert), 2);
        feed_delivered(station.feed, entry.number);
        must_be(&station, 1, 2501, 0, 0);
        end(&station);
        event_base_free(base);
}

static void trouble_is_told_once_a_change(void **state)
{
        (void)state;
        struct station station;
        begin(&station, false);
        case_fill(station.outbox, 1, 3, 0);
        case_log_begin();
        feed_connected(station.feed);
        for (unsigned i = 0; i < 3; i++)
                feed_trouble(station.feed, "connection refused");
        assert_string_equal(numbers_of(&station).trouble, "connection refused");
        assert_false(numbers_of(&station).is_connected);
        feed_connected(station.feed); /* takes the connection, then nothing */
        assert_true(numbers_of(&station).is_connected);
        feed_trouble(station.feed, "connection refused");
        feed_trouble(station.feed, "timed out");
        feed_connected(station.feed);
        must_take(&station, 1);
        feed_delivered(station.feed, 1);
        assert_null(numbers_of(&station).trouble);
        must_take(&station, 2);
        feed_delivered(station.feed, 2);
        const char *log = case_log_end();
        assert_int_equal(case_times(log, "output test://a: connection refused; 3 alerts wait\n"), 1);
        assert_int_equal(case_times(log, "output test://a: timed out; 3 alerts wait\n"), 1);
        assert_int_equal(case_times(log, "output test://a: connected again\n"), 1);
        assert_int_equal(case_times(log, "\n"), 3);
        assert_int_equal(numbers_of(&station).reconnects, 2);
        end(&station);
}

static void pauses_double_to_half_a_minute(void **state)
{
        (void)state;
        struct station station;
        begin(&station, false);
        static const unsigned most[] = {50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
        unsigned longest = 0;
        for (unsigned round = 0; round < 200; round++) {
                unsigned sum = 0;
                for (unsigned i = 0; i < sizeof most / sizeof *most; i++) {
                        unsigned pause = feed_next_pause_ms(station.feed);
                        assert_in_range(pause, 0, most[i]);
                        sum += pause;
                        longest = pause > longest ? pause : longest;
                }
                assert_true(sum > 0);
                feed_connected(station.feed); /* nothing waits: from the start */
        }
        assert_in_range(longest, 25000, 30000);
        end(&station);
}

/* A server that keeps what came, loses its last entries now and then, and whose answers get lost; a sensor that
 * restarts. */

enum { STREAM_MOST = 20000 };

struct stream {
        struct outbox_entry entries[STREAM_MOST];
        unsigned count;
};

static void append(struct stream *stream, const struct outbox_entry *entry)
{
        assert_true(stream->count < STREAM_MOST);
        if (stream->count > 0) {
                struct entry_id last = stream->entries[stream->count - 1].id;
                assert_true(entry->id.ms > last.ms || (entry->id.ms == last.ms && entry->id.sequence > last.sequence));
        }
        stream->entries[stream->count++] = *entry;
}

static void reconnect(struct station *station, const struct stream *stream)
{
        feed_rewind(station->feed);
        feed_resume_behind(station->feed, stream->count > 0 ? stream->entries[stream->count - 1].id : (struct entry_id){0, 0});
        (void)numbers_of(station);
}

/* Some are taken; of these some arrive; of those some are acknowledged. */
static void carry(struct station *station, struct stream *stream, unsigned *seed)
{
        struct outbox_entry entry;
        unsigned taken = 0, most = (unsigned)rand_r(seed) % 60, arrive = (unsigned)rand_r(seed) % 60;
        uint64_t acknowledged = 0;
        bool breaks = rand_r(seed) % 3 == 0;
        while (taken < most && feed_take(station->feed, &entry)) {
                if (!breaks || taken < arrive) {
                        append(stream, &entry);
                        if (!breaks || rand_r(seed) % 2)
                                acknowledged = entry.number;
                }
                taken++;
                (void)numbers_of(station);
        }
        feed_delivered(station->feed, acknowledged);
        (void)numbers_of(station);
        if (breaks)
                reconnect(station, stream);
}

static unsigned check_stream(const struct stream *stream, unsigned committed, uint64_t *gaps)
{
        uint64_t at = 0;
        unsigned alerts = 0;
        *gaps = 0;
        for (unsigned i = 0; i < stream->count; i++) {
                const struct outbox_entry *entry = &stream->entries[i];
                uint64_t first = entry->is_gap ? entry->number - entry->gap_count + 1 : entry->number;
                assert_true(first > at);
                for (uint64_t number = at + 1; number < first; number++)
                        assert_int_equal(number % 2, 1); /* only what is not wanted was passed over */
                at = entry->number;
                alerts += !entry->is_gap;
                *gaps += entry->is_gap ? entry->gap_count : 0;
        }
        assert_true(at + 1 >= committed);
        return alerts;
}

static void live_through(uint64_t size_limit, unsigned seed, bool loses)
{
        struct station station;
        static struct stream stream;
        unsigned next = 1;
        begin(&station, true);
        stop(&station);
        station.settings.size_limit = size_limit;
        start(&station);
        stream.count = 0;
        case_log_begin();
        reconnect(&station, &stream);
        for (unsigned step = 0; step < 600; step++) {
                case_now_ms += (unsigned)rand_r(&seed) % 3;
                if (rand_r(&seed) % 50 == 0)
                        case_now_ms -= 5000;
                unsigned added = (unsigned)rand_r(&seed) % 30;
                if (added > 0)
                        case_fill(station.outbox, next, next + added - 1, 0);
                next += added;
                if (size_limit == 0 || step % 150 < 50)
                        carry(&station, &stream, &seed);
                else if (step % 150 == 50) /* the server is away for long; what had come to it is known */
                        reconnect(&station, &stream);
                if (loses && rand_r(&seed) % 20 == 0) {
                        unsigned lost = (unsigned)rand_r(&seed) % 100;
                        stream.count -= lost < stream.count ? lost : stream.count;
                        reconnect(&station, &stream);
                }
                if (rand_r(&seed) % 40 == 0) {
                        stop(&station);
                        start(&station);
                        reconnect(&station, &stream);
                }
        }
        struct outbox_entry entry;
        while (feed_take(station.feed, &entry)) {
                append(&stream, &entry);
                feed_delivered(station.feed, entry.number);
        }
        (void)case_log_end();
        uint64_t gaps;
        unsigned alerts = check_stream(&stream, next - 1, &gaps);
        struct feed_numbers numbers = numbers_of(&station);
        assert_int_equal(numbers.waiting, 0);
        if (size_limit == 0) {
                assert_int_equal(gaps, 0);
                assert_int_equal(numbers.delivered, alerts);
                assert_int_equal(alerts, (next - 1) / 2);
        } else if (!loses) { /* then too each gap record is counted */
                assert_int_equal(numbers.gaps, gaps);
                assert_int_equal(numbers.delivered, alerts);
                assert_true(gaps > 0);
        }
        end(&station);
}

static void nothing_is_lost_or_doubled_whatever_breaks(void **state)
{
        (void)state;
        for (unsigned seed = 1; seed <= 3; seed++) {
                live_through(0, seed, true);
                live_through(1 << 20, seed, false);
                live_through(1 << 20, seed, true);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(entries_come_in_order_and_each_is_accounted_for),
                cmocka_unit_test(what_was_on_its_way_is_taken_again),
                cmocka_unit_test(a_lost_reply_does_not_double),
                cmocka_unit_test(an_entry_that_is_refused_is_a_gap),
                cmocka_unit_test(what_went_while_it_was_on_its_way_is_delivered),
                cmocka_unit_test(what_the_server_lost_is_sent_again),
                cmocka_unit_test(a_new_sink_is_not_sent_what_was_before_it),
                cmocka_unit_test(what_is_no_longer_held_becomes_a_gap),
                cmocka_unit_test(entry_ids_rise_above_what_someone_else_wrote),
                cmocka_unit_test(the_same_run_again_adds_nothing),
                cmocka_unit_test(a_file_goes_on_behind_its_last_line),
                cmocka_unit_test(a_sink_that_wants_little_does_not_hold_the_loop),
                cmocka_unit_test(trouble_is_told_once_a_change),
                cmocka_unit_test(pauses_double_to_half_a_minute),
                cmocka_unit_test(nothing_is_lost_or_doubled_whatever_breaks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
