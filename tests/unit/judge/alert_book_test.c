#include "judge/alert_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

enum { TOLD_LIMIT = 4096 };

static const int64_t minute = INT64_C(60) * 1000000000;
static const int64_t begin = INT64_C(1760000000) * 1000000000;

struct told {
        char id[33], title[64];
        uint32_t revision;
        Apnwatch__V1__Alert__State state;
        Apnwatch__V1__Alert__Severity severity;
        uint64_t count, device_count, evidence;
        size_t devices;
        int64_t first, last;
        bool answered;
        uint32_t cadence_s;
};

static struct told told[TOLD_LIMIT];
static unsigned told_count;

static void take_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        (void)context;
        (void)cause;
        (void)cause_length;
        assert_true(told_count < TOLD_LIMIT);
        struct told *t = &told[told_count++];
        *t = (struct told){.revision = alert->revision,
                           .state = alert->state,
                           .severity = alert->severity,
                           .count = alert->count,
                           .device_count = alert->device_count,
                           .devices = alert->n_devices,
                           .evidence = alert->n_evidence,
                           .first = (int64_t)alert->first->ns,
                           .last = (int64_t)alert->last->ns};
        snprintf(t->id, sizeof t->id, "%s", alert->id);
        snprintf(t->title, sizeof t->title, "%s", alert->title);
        t->answered = alert->detail && alert->detail->answered;
        t->cadence_s = alert->detail ? alert->detail->cadence_s : 0;
}

static const char *input_name(void *context, uint32_t file)
{
        (void)context;
        return file == 0 ? "a.pcap" : NULL;
}

static struct alert_book *open_book(bool revisions, uint32_t limit)
{
        struct alert_book_settings settings = {
                .sensor = "edge-1", .revisions = revisions, .limit = limit, .deliver = take_alert, .input_name = input_name};
        told_count = 0;
        return alert_book_create(&settings);
}

static void draft(void *context, Apnwatch__V1__Alert *alert)
{
        static Apnwatch__V1__Detail detail;
        static Apnwatch__V1__Evidence evidence, *list[] = {&evidence};
        apnwatch__v1__detail__init(&detail);
        apnwatch__v1__evidence__init(&evidence);
        detail.has_answered = true;
        evidence.file = (char *)"a.pcap";
        evidence.has_frame = true;
        evidence.frame = 1;
        alert->title = context ? context : (char *)"told";
        alert->detail = &detail;
        alert->evidence = list;
        alert->n_evidence = 1;
}

static struct device_key device(unsigned n)
{
        uint8_t bytes[4] = {10, 0, (uint8_t)(n >> 8), (uint8_t)n};
        return (struct device_key){address_of_ipv4(bytes), 0};
}

static struct finding finding_of(const struct device_key *key, const char *peer, int64_t time_ns, uint64_t flow)
{
        return (struct finding){.circumstance = UNLISTED_UNANSWERED,
                                .scope = APNWATCH__V1__ALERT__SCOPE__DEVICE,
                                .device = key,
                                .fleet = "f",
                                .peer = peer,
                                .protocol = 6,
                                .port = 443,
                                .time_ns = time_ns,
                                .last_ns = time_ns,
                                .counts = true,
                                .flow = flow,
                                .has_frame = true,
                                .frame = flow,
                                .draft = draft};
}

static bool report(struct alert_book *book, const struct finding *finding, int64_t clock_ns, uint64_t frame)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.clock = (uint64_t)clock_ns;
        event.has_frame = true;
        event.frame = frame;
        return alert_book_report(book, finding, &event);
}

static void one_cause_is_one_alert(void **state)
{
        (void)state;
        struct alert_book *book = open_book(false, 100);
        struct device_key one = device(1), two = device(2);
        struct finding a = finding_of(&one, "evil.example", begin, 1),
                       b = finding_of(&one, "evil.example", begin + minute, 2);
        struct finding c = finding_of(&two, "evil.example", begin, 3), d = finding_of(&one, "other.example", begin, 4);
        assert_true(report(book, &a, begin, 10));
        assert_false(report(book, &b, begin + minute, 11));
        assert_true(report(book, &c, begin + minute, 12));
        assert_true(report(book, &d, begin + minute, 13));
        d.port = 80;
        assert_true(report(book, &d, begin + minute, 14));
        assert_int_equal(told_count, 0);
        alert_book_finish(book);
        assert_int_equal(told_count, 4);
        assert_int_equal(told[0].count, 2);
        assert_true(told[0].first == begin && told[0].last == begin + minute);
        assert_int_equal(told[0].evidence, 2);
        assert_int_equal(told[0].state, APNWATCH__V1__ALERT__STATE__UPDATE);
        assert_int_equal(told[1].state, APNWATCH__V1__ALERT__STATE__OPEN);
        assert_int_equal(told[1].revision, 1);
        assert_int_equal(alert_book_count(book, DESTINATION_UNLISTED, APNWATCH__V1__ALERT__SEVERITY__LOW), 4);
        alert_book_destroy(book);
}

static void the_id_follows_from_cause_and_first_event_only(void **state)
{
        (void)state;
        char ids[3][33];
        static const uint64_t frames[3] = {10, 10, 11};
        for (unsigned i = 0; i < 3; i++) {
                struct alert_book *book = open_book(false, 100);
                struct device_key key = device(1);
                struct finding finding = finding_of(&key, "evil.example", begin, 1);
                finding.draft = draft;
                finding.context = i == 1 ? (void *)"other title" : NULL;
                report(book, &finding, begin, frames[i]);
                alert_book_finish(book);
                memcpy(ids[i], told[0].id, sizeof ids[i]);
                assert_int_equal(strspn(ids[i], "0123456789abcdef"), 32);
                alert_book_destroy(book);
        }
        assert_string_equal(ids[0], ids[1]);
        assert_string_not_equal(ids[0], ids[2]);
}

static void revisions_come_at_first_on_doubling_on_severity_and_at_close(void **state)
{
        (void)state;
        struct alert_book *book = open_book(true, 100);
        struct device_key key = device(1);
        int64_t now = begin;
        for (uint64_t i = 1; i <= 8; i++, now += 11 * minute) {
                struct finding finding = finding_of(&key, "evil.example", now, i);
                report(book, &finding, now, i);
                alert_book_tick(book, now);
        }
        assert_int_equal(told_count, 4); /* 1, 2, 4, 8 */
        assert_int_equal(told[3].count, 8);
        assert_int_equal(told[3].revision, 4);
        struct finding worse = finding_of(&key, "evil.example", now, 9);
        worse.circumstance = UNLISTED_ANSWERED;
        worse.numbers.answered = true;
        report(book, &worse, now, 9);
        assert_int_equal(told_count, 5);
        assert_int_equal(told[4].severity, APNWATCH__V1__ALERT__SEVERITY__MEDIUM);
        assert_true(told[4].answered && !told[3].answered);
        alert_book_tick(book, now + 23 * 60 * minute);
        assert_int_equal(told_count, 5);
        alert_book_tick(book, now + 24 * 60 * minute);
        assert_int_equal(told_count, 6);
        assert_int_equal(told[5].state, APNWATCH__V1__ALERT__STATE__CLOSE);
        alert_book_finish(book);
        assert_int_equal(told_count, 6);
        alert_book_destroy(book);
}

static void a_revision_waits_for_ten_minutes(void **state)
{
        (void)state;
        struct alert_book *book = open_book(true, 100);
        struct device_key key = device(1);
        for (uint64_t i = 1; i <= 100; i++) {
                struct finding finding = finding_of(&key, "evil.example", begin, i);
                report(book, &finding, begin, i);
        }
        assert_int_equal(told_count, 1);
        alert_book_tick(book, begin + 9 * minute);
        assert_int_equal(told_count, 1);
        alert_book_tick(book, begin + 10 * minute);
        assert_int_equal(told_count, 2);
        assert_int_equal(told[1].count, 100);
        alert_book_tick(book, begin + 20 * minute);
        assert_int_equal(told_count, 2);
        alert_book_finish(book);
        alert_book_destroy(book);
}

static void read_numbers_revisions_as_live_would(void **state)
{
        (void)state;
        uint32_t last[2];
        for (unsigned live = 0; live < 2; live++) {
                struct alert_book *book = open_book(live, 100);
                struct device_key key = device(1);
                for (uint64_t i = 1; i <= 50; i++) {
                        struct finding finding = finding_of(&key, "evil.example", begin, i);
                        report(book, &finding, begin + (int64_t)i * minute, i);
                        alert_book_tick(book, begin + (int64_t)i * minute);
                }
                alert_book_finish(book);
                last[live] = told[told_count - 1].revision;
                assert_int_equal(told[told_count - 1].count, 50);
                assert_int_equal(told_count, live ? last[live] : 1);
                alert_book_destroy(book);
        }
        assert_int_equal(last[0], last[1]);
        assert_true(last[0] > 2);
}

static void what_comes_after_the_close_is_another_alert(void **state)
{
        (void)state;
        struct alert_book *book = open_book(false, 100);
        struct device_key key = device(1);
        struct finding finding = finding_of(&key, "evil.example", begin, 1);
        int64_t next_day = begin + 25 * 60 * minute;
        report(book, &finding, begin, 1);
        alert_book_tick(book, next_day);
        finding.counts = true;
        assert_false(report(book, &finding, next_day, 2)); /* the end of the flow that it counted */
        finding.flow = 2;
        assert_true(report(book, &finding, next_day, 3));
        alert_book_finish(book);
        assert_int_equal(told_count, 2);
        assert_int_equal(told[0].state, APNWATCH__V1__ALERT__STATE__CLOSE);
        assert_int_equal(told[0].revision, 2);
        assert_int_equal(told[1].state, APNWATCH__V1__ALERT__STATE__OPEN);
        assert_string_not_equal(told[0].id, told[1].id);
        alert_book_destroy(book);
}

static void more_of_the_same_flow_counts_once_and_opens_nothing(void **state)
{
        (void)state;
        struct alert_book *book = open_book(false, 100);
        struct device_key key = device(1);
        struct finding finding = finding_of(&key, "evil.example", begin, 1);
        finding.counts = false;
        assert_false(report(book, &finding, begin, 1));
        finding.counts = true;
        report(book, &finding, begin, 2);
        finding.numbers = (struct alert_numbers){.bytes_up = 5, .packets = 2, .answered = true};
        report(book, &finding, begin, 3);
        finding.counts = false;
        report(book, &finding, begin, 4);
        alert_book_finish(book);
        assert_int_equal(told_count, 1);
        assert_int_equal(told[0].count, 1);
        assert_true(told[0].answered);
        alert_book_destroy(book);
}

static void a_fleets_alert_names_a_thousand_devices_and_counts_all(void **state)
{
        (void)state;
        struct alert_book *book = open_book(false, 100);
        for (unsigned round = 0; round < 2; round++) {
                for (unsigned i = 0; i < 1500; i++) {
                        struct device_key key = device(i);
                        struct finding finding = finding_of(&key, "fota.example", begin, i + 1 + round * 2000);
                        finding.scope = APNWATCH__V1__ALERT__SCOPE__FLEET;
                        report(book, &finding, begin, i);
                }
        }
        alert_book_finish(book);
        assert_int_equal(told_count, 1);
        assert_int_equal(told[0].devices, 1000);
        assert_int_equal(told[0].device_count, 1500);
        assert_int_equal(told[0].count, 3000);
        alert_book_destroy(book);
}

static void cadence_is_the_mean_of_moments_apart(void **state)
{
        (void)state;
        struct alert_book *book = open_book(false, 100);
        struct device_key key = device(1);
        for (int i = 0; i < 11; i++) {
                struct finding finding = finding_of(&key, "track.example", begin + i * minute, 1);
                finding.circumstance = REPORT_NOT_JUDGED;
                finding.every_time = true;
                report(book, &finding, begin + i * minute, 2 * (uint64_t)i);
                report(book, &finding, begin + i * minute, 2 * (uint64_t)i + 1); /* two positions in one packet */
        }
        alert_book_finish(book);
        assert_int_equal(told[0].count, 22);
        assert_int_equal(told[0].cadence_s, 60);
        alert_book_destroy(book);
}

static void at_the_limit_nothing_is_lost_silently(void **state)
{
        (void)state;
        for (unsigned live = 0; live < 2; live++) {
                struct alert_book *book = open_book(live, 10);
                for (unsigned i = 0; i < 25; i++) {
                        struct device_key key = device(i);
                        struct finding finding = finding_of(&key, "evil.example", begin, i + 1);
                        report(book, &finding, begin + i, i);
                }
                assert_int_equal(alert_book_evictions(book), 15);
                alert_book_finish(book);
                unsigned closed = 0;
                for (unsigned i = 0; i < told_count; i++)
                        closed += told[i].state == APNWATCH__V1__ALERT__STATE__CLOSE;
                assert_int_equal(told_count, live ? 25 + 15 : 25);
                assert_int_equal(closed, 15);
                alert_book_destroy(book);
        }
}

static void a_book_that_is_not_finished_leaks_nothing(void **state)
{
        (void)state;
        struct alert_book *book = open_book(false, 10);
        struct device_key key = device(1);
        struct finding finding = finding_of(&key, "evil.example", begin, 1);
        finding.scope = APNWATCH__V1__ALERT__SCOPE__FLEET;
        report(book, &finding, begin, 1);
        alert_book_destroy(book);
        assert_int_equal(told_count, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_cause_is_one_alert),
                cmocka_unit_test(the_id_follows_from_cause_and_first_event_only),
                cmocka_unit_test(revisions_come_at_first_on_doubling_on_severity_and_at_close),
                cmocka_unit_test(a_revision_waits_for_ten_minutes),
                cmocka_unit_test(read_numbers_revisions_as_live_would),
                cmocka_unit_test(what_comes_after_the_close_is_another_alert),
                cmocka_unit_test(more_of_the_same_flow_counts_once_and_opens_nothing),
                cmocka_unit_test(a_fleets_alert_names_a_thousand_devices_and_counts_all),
                cmocka_unit_test(cadence_is_the_mean_of_moments_apart),
                cmocka_unit_test(at_the_limit_nothing_is_lost_silently),
                cmocka_unit_test(a_book_that_is_not_finished_leaks_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
