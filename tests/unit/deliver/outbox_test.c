#include "deliver/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/outbox_history.h"
#include "tests/unit/deliver/outbox_case.h"
#include "tests/unit/test.h"

static void an_entry_comes_back_as_it_went_in(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        struct outbox_entry entry;
        assert_int_equal(case_add(outbox, 1), 0);
        assert_int_equal(case_add(outbox, 2), 0);
        assert_false(outbox_next(consumer, 0, &entry)); /* nobody is told before it is committed */
        assert_true(outbox_has_uncommitted(outbox));
        assert_int_equal(outbox_commit(outbox), 0);
        assert_false(outbox_has_uncommitted(outbox));
        for (unsigned which = 1; which <= 2; which++) {
                assert_true(outbox_next(consumer, which - 1, &entry));
                assert_int_equal(entry.number, which);
                assert_int_equal(entry.id.ms, case_now_ms);
                assert_int_equal(entry.id.sequence, which);
                assert_false(entry.is_gap);
                assert_int_equal(case_which(entry.alert), which);
                assert_string_equal(entry.alert->device->imsi, "262011234567890");
                Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, entry.packed_length, entry.packed);
                assert_non_null(alert);
                assert_string_equal(alert->id, entry.alert->id);
                apnwatch__v1__alert__free_unpacked(alert, NULL);
        }
        assert_false(outbox_next(consumer, 2, &entry));
        outbox_close(outbox);
        struct stat status;
        assert_int_equal(stat(case_path(), &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        case_end();
}


static void ids_never_go_back(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        uint64_t start_ms = case_now_ms;
        case_fill(outbox, 1, 1, 0);
        case_now_ms -= 3600 * 1000; /* the clock is set back */
        case_fill(outbox, 2, 2, 0);
        outbox_close(outbox);
        outbox = case_open(&settings);
        case_fill(outbox, 3, 3, 0);
        case_now_ms = start_ms + 5;
        case_fill(outbox, 4, 4, 0);
        for (unsigned number = 1; number <= 4; number++) {
                struct entry_id id = outbox_id_of(outbox, number);
                assert_int_equal(id.ms, number == 4 ? start_ms + 5 : start_ms);
                assert_int_equal(id.sequence, number);
                bool is_ours;
                assert_int_equal(outbox_number_of(outbox, id, &is_ours), number);
                assert_true(is_ours);
        }
        bool is_ours;
        assert_int_equal(outbox_number_of(outbox, (struct entry_id){start_ms + 1, 0}, &is_ours), 3);
        assert_false(is_ours);
        assert_int_equal(outbox_number_of(outbox, (struct entry_id){start_ms - 1, 900}, &is_ours), 0);
        assert_int_equal(outbox_number_of(outbox, (struct entry_id){start_ms + 99, 1}, &is_ours), 4);
        assert_false(is_ours);
        outbox_close(outbox);
        case_end();
}

static void a_temporary_outbox_gives_the_same_ids_each_time(void **state)
{
        (void)state;
        case_begin();
        for (unsigned run = 0; run < 2; run++) {
                struct outbox_settings settings = {.sensor = "read-1", .fixed_ms = 1, .now_ms = case_settings().now_ms};
                struct outbox *outbox = case_open(&settings);
                struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
                struct outbox_entry entry;
                case_fill(outbox, 1, 600, 0);
                case_now_ms += 1000;
                for (unsigned number = 1; number <= 600; number++) {
                        assert_true(outbox_next(consumer, number - 1, &entry));
                        assert_int_equal(entry.id.ms, 1);
                        assert_int_equal(entry.id.sequence, number);
                        assert_int_equal(case_which(entry.alert), number);
                }
                assert_false(outbox_next(consumer, 600, &entry));
                outbox_close(outbox);
        }
        case_end();
}

static void a_revision_is_added_once(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct outbox_numbers numbers;
        assert_int_equal(case_add(outbox, 7), 0);
        assert_int_equal(case_add(outbox, 7), -EEXIST); /* waits for the commit */
        assert_int_equal(outbox_commit(outbox), 0);
        assert_int_equal(case_add(outbox, 7), -EEXIST); /* is on disk */
        assert_int_equal(case_add_revision(outbox, 7, 2, NULL), 0);
        outbox_close(outbox);
        outbox = case_open(&settings);
        assert_int_equal(case_add(outbox, 7), -EEXIST);
        assert_int_equal(case_add_revision(outbox, 7, 2, NULL), -EEXIST);
        assert_int_equal(outbox_number_of_alert(outbox, "929ab2fd1c71b11d0000000000000007", 2), 0);
        outbox_numbers(outbox, &numbers);
        assert_int_equal(numbers.committed, 2);
        assert_int_equal(numbers.held, 2);
        assert_int_equal(numbers.refused, 2);
        outbox_close(outbox);
        case_end();
}

struct replayed {
        unsigned count, wanted;
};

static bool take(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t length)
{
        struct replayed *replayed = context;
        char expected[32];
        snprintf(expected, sizeof expected, "cause %u", case_which(alert));
        if (case_which(alert) == 3) {
                assert_null(cause);
                assert_int_equal(length, 0);
        } else {
                assert_int_equal(length, strlen(expected));
                assert_memory_equal(cause, expected, length);
        }
        return ++replayed->count < replayed->wanted;
}

static void what_was_committed_is_replayed_with_its_cause(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        for (unsigned which = 1; which <= 5; which++) {
                char cause[32];
                snprintf(cause, sizeof cause, "cause %u", which);
                assert_int_equal(case_add_revision(outbox, which, 1, which == 3 ? NULL : cause), 0);
        }
        outbox_close(outbox); /* commits */
        outbox = case_open(&settings);
        assert_int_equal(case_add(outbox, 6), 0);
        struct replayed all = {0, 100}, some = {0, 2};
        outbox_replay(outbox, 1, take, &all);
        assert_int_equal(all.count, 4);
        outbox_replay(outbox, 0, take, &some);
        assert_int_equal(some.count, 2);
        outbox_close(outbox);
        case_end();
}

static struct outbox_position position_of(const struct outbox_consumer *consumer)
{
        struct outbox_position position;
        outbox_consumer_position(consumer, &position);
        assert_int_equal(position.delivered + position.filtered + position.gaps, position.position);
        return position;
}

static void a_new_consumer_begins_behind_what_is_there(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        case_fill(outbox, 1, 10, 0);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        assert_ptr_equal(outbox_consumer(outbox, "redis://a"), consumer);
        assert_int_equal(position_of(consumer).position, 10);
        assert_int_equal(position_of(consumer).filtered, 10);
        case_fill(outbox, 11, 20, 0);
        outbox_advance(consumer, 15, 14, 3, 2, 0);
        assert_int_equal(outbox_commit(outbox), 0); /* no alert, yet a position */
        outbox_advance(consumer, 17, 17, 2, 0, 0);
        outbox_close(outbox);
        outbox = case_open(&settings);
        consumer = outbox_consumer(outbox, "redis://a");
        struct outbox_position position = position_of(consumer);
        assert_int_equal(position.position, 17);
        assert_int_equal(position.began, 10);
        assert_int_equal(position.told, 17);
        assert_int_equal(position.delivered, 5);
        assert_int_equal(position.filtered, 12);
        outbox_rewind(consumer, 12, 4, 1, 0);
        assert_int_equal(position_of(consumer).position, 12);
        assert_int_equal(position_of(consumer).told, 12);
        assert_int_equal(position_of(outbox_consumer(outbox, "syslog://b")).position, 20);
        outbox_close(outbox);
        case_end();
}

static uint64_t held(const struct outbox *outbox)
{
        struct outbox_numbers numbers;
        outbox_numbers(outbox, &numbers);
        return numbers.held;
}

/* Commits once a second of its own clock do upkeep; here positions change, so that each does. */
static void touch(struct outbox *outbox, struct outbox_consumer *consumer)
{
        outbox_advance(consumer, position_of(consumer).position, 0, 0, 0, 0);
        assert_int_equal(outbox_commit(outbox), 0);
}

static void retention_begins_when_every_consumer_of_this_run_has_it(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        settings.retention_s = 3200;
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *one = outbox_consumer(outbox, "redis://a"), *other = outbox_consumer(outbox, "redis://b");
        case_fill(outbox, 1, 100, 0);
        outbox_advance(one, 100, 100, 100, 0, 0);
        case_now_ms += 10 * 3200 * 1000;
        touch(outbox, one);
        assert_int_equal(held(outbox), 100); /* the other waits */
        outbox_advance(other, 60, 60, 60, 0, 0);
        touch(outbox, one);
        assert_int_equal(held(outbox), 100); /* just now */
        case_now_ms += 3100 * 1000;
        touch(outbox, one);
        assert_int_equal(held(outbox), 100);
        case_now_ms += 100 * 1000;
        touch(outbox, one);
        assert_int_equal(held(outbox), 40);
        outbox_close(outbox);
        outbox = case_open(&settings); /* `b` is no longer configured */
        one = outbox_consumer(outbox, "redis://a");
        touch(outbox, one);
        case_now_ms += 3200 * 1000;
        touch(outbox, one);
        assert_int_equal(held(outbox), 0);
        struct outbox_entry entry;
        other = outbox_consumer(outbox, "redis://b"); /* and comes back */
        assert_int_equal(position_of(other).position, 60);
        assert_true(outbox_next(other, 60, &entry));
        assert_true(entry.is_gap);
        assert_int_equal(entry.gap_count, 40);
        assert_int_equal(entry.number, 100);
        assert_int_equal(entry.gap_from.sequence, 61);
        assert_int_equal(entry.id.sequence, 100);
        outbox_close(outbox);
        case_end();
}

static uint64_t bytes_on_disk(void)
{
        struct stat file, log;
        char name[400];
        snprintf(name, sizeof name, "%s-wal", case_path());
        assert_int_equal(stat(case_path(), &file), 0);
        return (uint64_t)file.st_size + (stat(name, &log) == 0 ? (uint64_t)log.st_size : 0);
}

static void the_size_is_bounded_and_what_waits_becomes_one_gap(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        settings.size_limit = 1 << 20;
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *slow = outbox_consumer(outbox, "redis://slow");
        struct outbox_consumer *quick = outbox_consumer(outbox, "redis://quick");
        struct outbox_entry entry;
        uint64_t first_ms = case_now_ms, grown = 0;
        outbox_advance(slow, 0, 0, 0, 0, 0);
        case_log_begin();
        for (unsigned at = 0; at < 100; at++) {
                case_now_ms += 1000;
                case_fill(outbox, at * 50 + 1, at * 50 + 50, 0);
                assert_true(outbox_next(quick, at * 50, &entry));
                assert_false(entry.is_gap);
                outbox_advance(quick, at * 50 + 50, at * 50 + 50, 50, 0, 0);
                assert_in_range(bytes_on_disk(), 1, 3 << 19); /* one transaction may stand in the log above the limit */
                assert_true(outbox_next(slow, 0, &entry)); /* each time it is asked the gap has grown, and is one */
                assert_true(entry.is_gap == (held(outbox) < (at + 1) * 50));
                assert_true(entry.number >= grown);
                grown = entry.number;
        }
        const char *log = case_log_end();
        assert_int_equal(case_times(log, "outbox: full"), 1);
        assert_in_range(held(outbox), 200, 3000);
        assert_true(entry.is_gap);
        assert_int_equal(entry.gap_count, 5000 - held(outbox));
        assert_int_equal(entry.number, entry.gap_count);
        assert_int_equal(entry.gap_from.sequence, 1);
        assert_int_equal(entry.gap_from.ms, first_ms + 1000);
        assert_int_equal(entry.id.sequence, entry.number);
        assert_int_equal(entry.id.ms, first_ms + 1000 * (1 + (entry.number - 1) / 50));
        struct outbox_entry next;
        assert_true(outbox_next(slow, entry.number, &next));
        assert_false(next.is_gap);
        assert_int_equal(case_which(next.alert), entry.gap_count + 1);
        outbox_close(outbox);
        outbox = case_open(&settings);
        slow = outbox_consumer(outbox, "redis://slow");
        assert_true(outbox_next(slow, 0, &next));
        assert_true(next.is_gap);
        assert_int_equal(next.gap_count, entry.gap_count);
        assert_int_equal(next.id.ms, entry.id.ms);
        assert_int_equal(next.gap_from.ms, entry.gap_from.ms);
        outbox_close(outbox);
        case_end();
}

static void much_at_once_leaves_as_much_as_a_little(void **state)
{
        (void)state;
        uint64_t left = 0;
        for (unsigned at_once = 50; at_once <= 20000; at_once *= 20) {
                case_begin();
                struct outbox_settings settings = case_settings();
                settings.size_limit = 1 << 20;
                struct outbox *outbox = case_open(&settings);
                outbox_consumer(outbox, "redis://slow");
                for (unsigned first = 1; first <= 20000; first += at_once) {
                        case_fill(outbox, first, first + at_once - 1, 700);
                        assert_in_range(bytes_on_disk(), 1, 3 << 19);
                }
                struct outbox_numbers numbers;
                outbox_numbers(outbox, &numbers);
                assert_int_equal(numbers.committed, 20000);
                assert_in_range(numbers.bytes, 700 << 10, 768 << 10); /* a quarter is the log's */
                if (left != 0)
                        assert_in_range(numbers.held, left * 9 / 10, left * 11 / 10);
                left = numbers.held;
                outbox_close(outbox);
                case_end();
        }
}

static void one_big_alert_takes_the_place_of_no_more_than_its_size(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        settings.size_limit = 1 << 20;
        struct outbox *outbox = case_open(&settings);
        outbox_consumer(outbox, "redis://slow");
        case_fill(outbox, 1, 5000, 0);
        struct outbox_numbers before, after;
        outbox_numbers(outbox, &before);
        case_fill(outbox, 5001, 5001, 40000);
        outbox_numbers(outbox, &after);
        assert_in_range(after.held, before.held * 8 / 10, before.held);
        outbox_close(outbox);
        case_end();
}

static void a_smaller_limit_is_reached_in_pieces(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        case_fill(outbox, 1, 9000, 0);
        outbox_close(outbox);
        settings.size_limit = 1 << 20;
        outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        uint64_t before = held(outbox);
        assert_int_equal(before, 9000);
        unsigned commits = 0;
        for (;; commits++) {
                touch(outbox, consumer);
                if (held(outbox) == before)
                        break;
                assert_in_range(before - held(outbox), 1, 1024);
                before = held(outbox);
        }
        assert_in_range(commits, 5, 10);
        struct outbox_numbers numbers;
        outbox_numbers(outbox, &numbers);
        assert_in_range(numbers.bytes, 1, 1 << 20);
        assert_int_equal(numbers.committed, 9000);
        outbox_close(outbox);
        case_end();
}

static void an_alert_that_is_too_big_is_a_gap(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
        struct outbox_entry entry;
        assert_int_equal(case_add(outbox, 1), 0);
        assert_int_equal(case_add_sized(outbox, 2, 2 << 20), -EMSGSIZE);
        assert_int_equal(case_add_sized(outbox, 3, 900000), 0);
        assert_int_equal(case_add_sized(outbox, 4, 2 << 20), -EMSGSIZE);
        assert_true(outbox_has_uncommitted(outbox));
        assert_int_equal(outbox_commit(outbox), 0);
        assert_false(outbox_has_uncommitted(outbox));
        for (unsigned number = 1; number <= 4; number++) {
                assert_true(outbox_next(consumer, number - 1, &entry));
                assert_int_equal(entry.number, number);
                assert_int_equal(entry.is_gap, number % 2 == 0);
                assert_int_equal(entry.gap_count, number % 2 == 0);
        }
        assert_false(outbox_next(consumer, 4, &entry));
        outbox_close(outbox);
        outbox = case_open(&settings);
        struct outbox_numbers numbers;
        outbox_numbers(outbox, &numbers);
        assert_int_equal(numbers.committed, 4);
        assert_int_equal(numbers.held, 2);
        outbox_close(outbox);
        case_end();
}

static void ids_rise_above_an_entry_of_someone_else(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        uint64_t start_ms = case_now_ms;
        case_fill(outbox, 1, 10, 0);
        assert_int_equal(case_add(outbox, 11), 0); /* not committed yet */
        struct entry_id before = outbox_id_of(outbox, 7), above = {start_ms + 5000, 3};
        assert_int_equal(outbox_raise_ids(outbox, 4, (struct entry_id){start_ms - 1, 0}), 0); /* no need */
        assert_int_equal(outbox_raise_ids(outbox, 4, above), 1);
        case_fill(outbox, 12, 12, 0);
        for (unsigned again = 0; again < 2; again++) {
                struct outbox_consumer *consumer = outbox_consumer(outbox, "redis://a");
                struct outbox_entry entry;
                for (unsigned number = 1; number <= 12; number++) {
                        bool is_ours;
                        assert_int_equal(outbox_id_of(outbox, number).ms, number <= 4 ? start_ms : start_ms + 5001);
                        assert_int_equal(outbox_number_of(outbox, outbox_id_of(outbox, number), &is_ours), number);
                        assert_true(is_ours);
                        assert_true(outbox_next(consumer, number - 1, &entry));
                        assert_int_equal(entry.id.ms, number <= 4 ? start_ms : start_ms + 5001);
                }
                bool is_ours; /* another server may hold an entry by the ID that it had */
                assert_int_equal(outbox_number_of(outbox, before, &is_ours), 7);
                assert_true(is_ours);
                outbox_close(outbox);
                outbox = case_open(&settings);
        }
        outbox_close(outbox);
        case_end();
}

static void ids_rise_also_where_nothing_waits(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        struct outbox *outbox = case_open(&settings);
        struct entry_id above = {case_now_ms + 5000, 3};
        case_fill(outbox, 1, 1, 0);
        assert_int_equal(outbox_raise_ids(outbox, 1, above), 1);
        assert_int_equal(outbox_raise_ids(outbox, 1, (struct entry_id){UINT64_MAX, 1}), -ERANGE);
        outbox_close(outbox);
        outbox = case_open(&settings);
        case_fill(outbox, 2, 2, 0);
        assert_int_equal(outbox_id_of(outbox, 1).ms, case_now_ms);
        assert_int_equal(outbox_id_of(outbox, 2).ms, case_now_ms + 5001);
        outbox_close(outbox);
        case_end();
}

static void a_gap_begins_just_behind_where_its_consumer_stood(void **state)
{
        (void)state;
        case_begin();
        struct outbox_settings settings = case_settings();
        settings.size_limit = 1 << 20;
        struct outbox *outbox = case_open(&settings);
        struct outbox_consumer *one = outbox_consumer(outbox, "redis://a"), *other = outbox_consumer(outbox, "redis://b");
        struct outbox_entry entry;
        uint64_t start_ms = case_now_ms;
        for (unsigned which = 1; which <= 40; which++, case_now_ms++)
                case_fill(outbox, which, which, 0);
        outbox_advance(one, 17, 17, 17, 0, 0);
        outbox_advance(other, 29, 29, 29, 0, 0);
        case_log_begin();
        for (unsigned first = 41; first < 4041; first += 50)
                case_fill(outbox, first, first + 49, 0);
        (void)case_log_end();
        assert_true(outbox_next(one, 17, &entry));
        assert_true(entry.is_gap);
        assert_int_equal(entry.gap_from.sequence, 18);
        assert_int_equal(entry.gap_from.ms, start_ms + 17);
        assert_true(outbox_next(other, 29, &entry));
        assert_true(entry.is_gap);
        assert_int_equal(entry.gap_from.sequence, 30);
        assert_int_equal(entry.gap_from.ms, start_ms + 29);
        bool is_ours;
        assert_int_equal(outbox_number_of(outbox, (struct entry_id){start_ms + 23, 24}, &is_ours), 24); /* gone, yet known */
        assert_true(is_ours);
        outbox_close(outbox);
        case_end();
}

static void what_history_forgets_is_too_low_and_never_too_high(void **state)
{
        (void)state;
        static struct outbox_history history;
        for (uint64_t number = 1; number <= 10 * OUTBOX_RANGES_MOST; number += 10) {
                struct dropped_range range = {number, number + 9, 1000 + number, 1000 + number + 9};
                outbox_history_trim(&history, &range, true);
                assert_in_range(history.range_count, 1, OUTBOX_RANGES_MOST);
                struct dropped_range lost = {number + 100000, number + 100004, 900000, 900004};
                if (number % 400 == 1)
                        outbox_history_lose(&history, &lost);
        }
        for (uint64_t number = 1; number <= 10 * OUTBOX_RANGES_MOST; number++) {
                const struct dropped_range *range = outbox_history_find(&history, number);
                assert_non_null(range);
                assert_true(range->first <= number && number <= range->last && range->first_ms <= 1000 + number);
                assert_true(range->last_ms >= 1000 + number);
        }
        for (uint64_t behind = 0; behind < 2 * OUTBOX_FLOORS_MOST; behind++) {
                outbox_history_raise(&history, behind, 5000 + behind);
                assert_int_equal(outbox_history_raised(&history, behind + 1, 7), 5000 + behind);
                assert_int_equal(outbox_history_raised(&history, behind + 1, 9000), 9000);
        }
        assert_int_equal(history.floor_count, OUTBOX_FLOORS_MOST);
        assert_int_equal(outbox_history_raised(&history, OUTBOX_FLOORS_MOST, 7), 7);
        outbox_history_raise(&history, 70, 6000); /* above all behind 70 */
        assert_int_equal(outbox_history_raised(&history, 1000, 7), 6000);
        assert_int_equal(outbox_history_raised(&history, 71, 7), 6000);
        assert_int_equal(outbox_history_raised(&history, 70, 7), 5069);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_entry_comes_back_as_it_went_in),
                cmocka_unit_test(ids_never_go_back),
                cmocka_unit_test(a_temporary_outbox_gives_the_same_ids_each_time),
                cmocka_unit_test(a_revision_is_added_once),
                cmocka_unit_test(what_was_committed_is_replayed_with_its_cause),
                cmocka_unit_test(a_new_consumer_begins_behind_what_is_there),
                cmocka_unit_test(retention_begins_when_every_consumer_of_this_run_has_it),
                cmocka_unit_test(the_size_is_bounded_and_what_waits_becomes_one_gap),
                cmocka_unit_test(much_at_once_leaves_as_much_as_a_little),
                cmocka_unit_test(one_big_alert_takes_the_place_of_no_more_than_its_size),
                cmocka_unit_test(a_smaller_limit_is_reached_in_pieces),
                cmocka_unit_test(an_alert_that_is_too_big_is_a_gap),
                cmocka_unit_test(ids_rise_above_an_entry_of_someone_else),
                cmocka_unit_test(ids_rise_also_where_nothing_waits),
                cmocka_unit_test(a_gap_begins_just_behind_where_its_consumer_stood),
                cmocka_unit_test(what_history_forgets_is_too_low_and_never_too_high),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
