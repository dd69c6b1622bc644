/* What the sensor tells of itself while it runs on interfaces: drops, silence, workers that end; and that nothing grows. */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge/judge_state.h"
#include "tests/unit/judge/court.h"
#include "tests/unit/test.h"

static struct court *open_live(uint32_t stall_s)
{
        struct court *court = court_open(NULL, NULL, NULL);
        judge_destroy(court->judge);
        court->settings.revisions = true;
        court->settings.stall_s = stall_s;
        court->settings.device_limit = 1000;
        court->settings.name_limit = 2000;
        court->settings.alert_limit = 500;
        court->judge = judge_create(&court->settings);
        return court;
}

static void give(struct court *court, event_t *event, double at_s)
{
        event->clock = (uint64_t)(COURT_NS(0) + (int64_t)(at_s * 1e9));
        judge_event(court->judge, event);
}

static void tick(struct court *court, double at_s)
{
        Apnwatch__V1__Tick body = APNWATCH__V1__TICK__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_TICK;
        event.tick = &body;
        give(court, &event, at_s);
}

static void tell_link(struct court *court, const char *name, Apnwatch__V1__Link__State state, uint64_t received, uint64_t kernel,
                      uint64_t driver, double at_s)
{
        Apnwatch__V1__Link body = APNWATCH__V1__LINK__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        body.interface = (char *)name;
        body.state = state;
        body.received = received;
        body.dropped_kernel = kernel;
        body.dropped_interface = driver;
        event.body_case = APNWATCH__V1__EVENT__BODY_LINK;
        event.link = &body;
        give(court, &event, at_s);
}

#define UP APNWATCH__V1__LINK__STATE__UP
#define DOWN APNWATCH__V1__LINK__STATE__DOWN
#define GONE APNWATCH__V1__LINK__STATE__GONE

static void drops_are_told_by_their_share(void **state)
{
        (void)state;
        static const struct {
                uint64_t received, kernel, driver;
                int severity; /* -1: no alert */
        } rows[] = {{1000000, 0, 0, -1}, {1000000, 1, 0, 1},  {1000000, 999, 0, 1}, {999000, 1000, 0, 2}, {999000, 0, 1000, 2},
                    {99000, 1000, 0, 3}, {0, 5, 0, 3},        {199, 1, 0, 2},       {150, 1, 0, 2},       {99, 1, 0, 3}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct court *court = open_live(0);
                tell_link(court, "eth1", UP, 0, 0, 0, 0);
                tell_link(court, "eth1", UP, rows[i].received, rows[i].kernel, rows[i].driver, 4);
                assert_int_equal(court->count, 0); /* not before the window ends */
                tell_link(court, "eth1", UP, rows[i].received, rows[i].kernel, rows[i].driver, 10);
                assert_int_equal(court->count, rows[i].severity >= 0);
                if (court->count == 1) {
                        const Apnwatch__V1__Alert *alert = court_alert(court, "sensor.loss");
                        assert_int_equal(alert->severity, rows[i].severity);
                        assert_int_equal(alert->scope, APNWATCH__V1__ALERT__SCOPE__SENSOR);
                        assert_string_equal(alert->detail->interface, "eth1");
                        assert_string_equal(alert->detail->where, rows[i].kernel ? "kernel" : "interface");
                        assert_int_equal(alert->detail->dropped, rows[i].kernel + rows[i].driver);
                        assert_int_equal(alert->detail->received, rows[i].received);
                        assert_null(alert->peer);
                        assert_null(alert->device);
                }
                court_close(court);
        }
}

static void drops_of_an_hour_are_one_alert_that_adds_up_and_closes(void **state)
{
        (void)state;
        struct court *court = open_live(0);
        for (unsigned s = 0; s <= 3600; s++) /* one in 1000 dropped, in every other minute */
                tell_link(court, "eth1", UP, s * 1000, (s / 120 * 60 + (s % 120 < 60 ? s % 120 : 60)), 0, s);
        for (unsigned s = 3601; s < 7400; s++) {
                tell_link(court, "eth1", UP, s * 1000, 1800, 0, s);
                tick(court, s);
        }
        const Apnwatch__V1__Alert *last = court->alerts[court->count - 1];
        for (unsigned i = 0; i < court->count; i++) {
                assert_string_equal(court->alerts[i]->type, "sensor.loss");
                assert_string_equal(court->alerts[i]->id, last->id);
                assert_int_equal(court->alerts[i]->revision, i + 1);
        }
        assert_int_equal(last->state, APNWATCH__V1__ALERT__STATE__CLOSE);
        assert_int_equal(last->detail->dropped, 1800);
        assert_in_range(last->detail->received, 3500000, 3600000);
        court_close(court);
}

static void a_worker_that_begins_anew_is_no_wrap(void **state)
{
        (void)state;
        struct court *court = open_live(0);
        tell_link(court, "eth1", UP, 1000000, 10, 0, 0);
        tell_link(court, "eth1", UP, 2000000, 20, 0, 10);
        tell_link(court, "eth1", UP, 5000, 3, 0, 20);
        tell_link(court, "eth1", UP, 6000, 3, 0, 30);
        judge_finish(court->judge);
        assert_int_equal(court->alerts[court->count - 1]->detail->dropped, 23);
        court_close(court);
}

static void silence_is_told_after_the_timeout_and_closed_by_a_packet(void **state)
{
        (void)state;
        struct court *court = open_live(5);
        for (unsigned s = 0; s < 5; s++) { /* a run's first seconds without packets are none */
                tick(court, s);
                tell_link(court, "eth1", UP, 0, 0, 0, s);
                tell_link(court, "eth2", UP, s, 0, 0, s);
        }
        assert_int_equal(court->count, 0);
        tick(court, 5);
        const Apnwatch__V1__Alert *alert = court_alert(court, "sensor.stall");
        assert_string_equal(alert->detail->interface, "eth1");
        assert_int_equal(alert->detail->silent_s, 5);
        assert_int_equal(alert->severity, APNWATCH__V1__ALERT__SEVERITY__MEDIUM);
        for (unsigned s = 6; s < 60; s++) {
                tell_link(court, "eth1", UP, 0, 0, 0, s);
                tell_link(court, "eth2", UP, s, 0, 0, s);
        }
        assert_int_equal(court->count, 1);
        tell_link(court, "eth1", UP, 1, 0, 0, 60);
        assert_int_equal(court->count, 2);
        assert_int_equal(court->alerts[1]->state, APNWATCH__V1__ALERT__STATE__CLOSE);
        assert_string_equal(court->alerts[1]->id, court->alerts[0]->id);
        assert_int_equal(court->alerts[1]->detail->silent_s, 60);
        tick(court, 66); /* both are silent now: another alert for eth1 */
        assert_int_equal(court->count, 4);
        assert_string_not_equal(court->alerts[2]->id, court->alerts[0]->id);
        assert_int_equal(court->alerts[2]->revision, 1);
        court_close(court);
}

static void an_interface_that_is_down_or_gone_is_told_at_once(void **state)
{
        (void)state;
        struct court *court = open_live(0);
        tell_link(court, "eth1", UP, 100, 0, 0, 0);
        tell_link(court, "eth1", DOWN, 100, 0, 0, 1);
        assert_int_equal(court_alert(court, "sensor.stall")->severity, APNWATCH__V1__ALERT__SEVERITY__HIGH);
        tell_link(court, "eth1", UP, 100, 0, 0, 2);
        tell_link(court, "eth1", UP, 101, 0, 0, 3);
        assert_int_equal(court->alerts[1]->state, APNWATCH__V1__ALERT__STATE__CLOSE);
        tell_link(court, "eth1", GONE, 101, 0, 0, 4);
        tick(court, 5);
        assert_int_equal(court->count, 3);
        assert_int_equal(court->alerts[2]->state, APNWATCH__V1__ALERT__STATE__OPEN);
        court_close(court);
}

/* The alert of the life before is closed by the first packets of this one. */
static void a_stall_ends_in_the_next_life(void **state)
{
        (void)state;
        struct court *court = open_live(5);
        tell_link(court, "eth1", UP, 7, 0, 0, 0);
        tick(court, 6);
        FILE *file = tmpfile();
        uint64_t number;
        assert_int_equal(judge_save(court->judge, 1, fileno(file)), 0);
        judge_destroy(court->judge);
        court->judge = judge_create(&court->settings);
        assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
        assert_int_equal(judge_load(court->judge, fileno(file), &number), 0);
        fclose(file);
        tell_link(court, "eth1", UP, 0, 0, 0, 9);
        tick(court, 15); /* still the same silence */
        assert_int_equal(court->count, 1);
        tell_link(court, "eth1", UP, 3, 0, 0, 20);
        assert_int_equal(court->count, 2);
        assert_string_equal(court->alerts[1]->id, court->alerts[0]->id);
        assert_int_equal(court->alerts[1]->revision, 2);
        assert_int_equal(court->alerts[1]->state, APNWATCH__V1__ALERT__STATE__CLOSE);
        court_close(court);
}

static void tell_incident(struct court *court, Apnwatch__V1__Incident incident, double at_s)
{
        event_t event = APNWATCH__V1__EVENT__INIT;
        event.body_case = APNWATCH__V1__EVENT__BODY_INCIDENT;
        event.incident = &incident;
        give(court, &event, at_s);
}

static void workers_that_end_and_pipes_that_lose_are_told(void **state)
{
        (void)state;
        struct court *court = open_live(0);
        Apnwatch__V1__Incident died = APNWATCH__V1__INCIDENT__INIT, silent = died, lost = died;
        died.kind = APNWATCH__V1__INCIDENT__KIND__WORKER_DIED;
        died.has_worker = died.has_signal = true;
        died.signal = 11;
        silent.kind = APNWATCH__V1__INCIDENT__KIND__WORKER_SILENT;
        silent.has_seconds = true;
        silent.seconds = 30;
        lost.kind = APNWATCH__V1__INCIDENT__KIND__PIPE_LOSS;
        lost.has_count = true;
        lost.count = 12;
        tell_incident(court, died, 1);
        assert_string_equal(court->alerts[0]->type, "sensor.crash");
        assert_int_equal(court->alerts[0]->severity, APNWATCH__V1__ALERT__SEVERITY__HIGH);
        assert_int_equal(court->alerts[0]->detail->signal, 11);
        tell_incident(court, silent, 2);
        assert_string_equal(court->alerts[1]->type, "sensor.crash");
        assert_int_equal(court->alerts[1]->severity, APNWATCH__V1__ALERT__SEVERITY__MEDIUM);
        assert_false(court->alerts[1]->detail->has_signal);
        tell_incident(court, lost, 3);
        assert_string_equal(court->alerts[2]->type, "sensor.loss");
        assert_string_equal(court->alerts[2]->detail->where, "pipe");
        assert_int_equal(court->alerts[2]->detail->dropped, 12);
        tell_incident(court, lost, 700);
        assert_int_equal(court->alerts[3]->detail->dropped, 24);
        assert_int_equal(court->alerts[3]->count, 2);
        court_close(court);
}

static void tell_counters(struct court *court, uint64_t read, uint64_t cut, double at_s)
{
        Apnwatch__V1__Counters__Counter a = APNWATCH__V1__COUNTERS__COUNTER__INIT, b = a, *list[] = {&a, &b};
        Apnwatch__V1__Counters counters = APNWATCH__V1__COUNTERS__INIT;
        event_t event = APNWATCH__V1__EVENT__INIT;
        a.name = (char *)"frames.read";
        a.value = read;
        b.name = (char *)"loss.cut_frames";
        b.value = cut;
        counters.counter = list;
        counters.n_counter = 2;
        event.body_case = APNWATCH__V1__EVENT__BODY_COUNTERS;
        event.counters = &counters;
        give(court, &event, at_s);
}

/* Whole values come each minute: what is new in them counts, not what is old; a new worker begins at 0. */
static void losses_of_sense_are_those_of_the_minute(void **state)
{
        (void)state;
        struct court *court = open_live(0);
        tell_link(court, "eth1", UP, 1, 0, 0, 0);
        tell_counters(court, 100000, 500, 60);
        assert_int_equal(court->count, 0); /* half a hundredth */
        tell_counters(court, 101000, 700, 120);
        const Apnwatch__V1__Alert *alert = court_alert(court, "sensor.loss");
        assert_string_equal(alert->detail->where, "sense");
        assert_int_equal(alert->detail->dropped, 200);
        assert_int_equal(alert->detail->received, 1000);
        assert_int_equal(alert->severity, APNWATCH__V1__ALERT__SEVERITY__MEDIUM);
        tell_counters(court, 201000, 710, 180);
        tell_counters(court, 2000, 150, 800);
        assert_int_equal(court->count, 2);
        assert_int_equal(court->alerts[1]->detail->dropped, 350);
        judge_finish(court->judge);
        for (unsigned i = 0; i < court->count; i++)
                assert_string_equal(court->alerts[i]->id, court->alerts[0]->id);
        court_close(court);
}

/* The log of a live run is judged as the run was, each alert once. */
static void the_same_is_told_without_revisions(void **state)
{
        (void)state;
        struct court *court = open_live(5);
        judge_destroy(court->judge);
        court->settings.revisions = false;
        court->judge = judge_create(&court->settings);
        for (unsigned s = 0; s < 60; s++) {
                tick(court, s);
                tell_link(court, "eth1", UP, s < 20 || s > 40 ? 1000 * s : 20000, 10 * s, 0, s);
        }
        assert_int_equal(court->count, 0);
        assert_string_equal(court_types(court), "sensor.loss sensor.stall");
        assert_int_equal(court->alerts[0]->detail->dropped, 590);
        assert_int_equal(court->alerts[1]->state, APNWATCH__V1__ALERT__STATE__CLOSE);
        assert_int_equal(court->alerts[1]->detail->silent_s, 21);
        court_close(court);
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
        return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : mallinfo2().uordblks;
}

static void forget_alert(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        size_t *count = context;
        assert_non_null(alert->id);
        assert_non_null(cause);
        *count += cause_length > 0;
}

static void hour_of_many(struct court *court, unsigned hour)
{
        for (unsigned n = 0; n < 40; n++) {
                char device[24], peer[24], name[64];
                double at_s = hour * 3600.0 + n * 80;
                unsigned serial = hour * 40 + n;
                snprintf(device, sizeof device, "10.%u.%u.%u", 20 + serial / 62500, serial / 250 % 250, serial % 250 + 1);
                snprintf(peer, sizeof peer, "198.51.%u.%u", serial / 250 % 250, serial % 250 + 1);
                snprintf(name, sizeof name, "n%u.example", serial % 4000); /* of a fleet the first 65536 are kept for good */
                court_dns(court, device, name, NULL, peer, 600, at_s);
                struct court_flow flow = {.device = device, .peer = peer, .peer_port = 7275, .opener = OUT, .start_s = at_s};
                Apnwatch__V1__Lookup lookup = APNWATCH__V1__LOOKUP__INIT;
                event_t event = APNWATCH__V1__EVENT__INIT;
                lookup.family = (char *)"SUPL";
                event.body_case = APNWATCH__V1__EVENT__BODY_LOOKUP;
                event.lookup = &lookup;
                court_event(court, &flow, &event, at_s + 1, true);
                court_news(court, &flow, APNWATCH__V1__FLOW_NEWS__PHASE__END, true);
                tell_link(court, "eth1", UP, serial * 100, serial, 0, at_s + 2);
                tick(court, at_s + 3);
        }
        tell_counters(court, hour * 1000000ULL, hour * 30000, hour * 3600.0 + 3400);
}

static void a_month_of_ever_new_devices_takes_no_more_memory(void **state)
{
        (void)state;
        struct court *court = open_live(0);
        size_t told = 0, at_day[30];
        judge_destroy(court->judge);
        court->settings.alerts = (struct alert_sink){forget_alert, &told};
        court->judge = judge_create(&court->settings);
        for (unsigned hour = 0; hour < 30 * 24; hour++) {
                hour_of_many(court, hour);
                at_day[hour / 24] = allocated();
        }
        assert_true(told > 30 * 24 * 40);
        for (unsigned day = 6; day < 30; day++)
                assert_in_range(at_day[day], at_day[5] - at_day[5] / 50, at_day[5] + at_day[5] / 50);
        court_close(court);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(drops_are_told_by_their_share),
                cmocka_unit_test(drops_of_an_hour_are_one_alert_that_adds_up_and_closes),
                cmocka_unit_test(a_worker_that_begins_anew_is_no_wrap),
                cmocka_unit_test(silence_is_told_after_the_timeout_and_closed_by_a_packet),
                cmocka_unit_test(an_interface_that_is_down_or_gone_is_told_at_once),
                cmocka_unit_test(a_stall_ends_in_the_next_life),
                cmocka_unit_test(workers_that_end_and_pipes_that_lose_are_told),
                cmocka_unit_test(losses_of_sense_are_those_of_the_minute),
                cmocka_unit_test(the_same_is_told_without_revisions),
                cmocka_unit_test(a_month_of_ever_new_devices_takes_no_more_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
