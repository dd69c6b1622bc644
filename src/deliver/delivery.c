#include "deliver/delivery.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

enum { CONNECT_PATIENCE_S = 10, RETRY_MS = 1000, FILE_BATCH = 1000 };

static const struct timeval commit_pause = {0, 50000};

/* One sink with its way to the alerts. */
struct outlet {
        struct sink *sink;
        struct feed *feed;        /* NULL: gets alerts at once, or none */
        struct event *retry;      /* a file that could not be written, or not be opened anew, is tried again */
        bool is_moved;            /* it could not be opened anew */
};

struct delivery {
        struct delivery_settings settings;
        struct outlet *outlets;
        unsigned count;
        struct outbox *outbox;
        struct event_base *base;
        bool owns_base, standard_output, wants_summary, wants_events;
        struct event *commit;
};

static bool is_live(const struct delivery *delivery)
{
        return delivery->settings.run.append;
}

/* A file takes what waits, a piece at a time so that the loop goes round. Each line is flushed: what was acknowledged is written. */
static void carry_to_file(struct outlet *outlet)
{
        struct outbox_entry entry;
        unsigned done = 0;
        while (done++ < FILE_BATCH && feed_take(outlet->feed, &entry)) {
                if (!entry.is_gap)
                        sink_alert(outlet->sink, entry.alert);
                else
                        log_warning("output %s: %" PRIu64 " alerts are lost: the outbox could not hold them", outlet->sink->name,
                                    entry.gap_count);
                sink_flush(outlet->sink);
                if (outlet->sink->failed) {
                        struct timeval pause = {RETRY_MS / 1000, 0};
                        feed_trouble(outlet->feed, strerror(-outlet->sink->failed));
                        feed_rewind(outlet->feed);
                        event_add(outlet->retry, &pause);
                        return;
                }
                feed_delivered(outlet->feed, entry.number);
        }
        struct feed_numbers numbers;
        feed_numbers(outlet->feed, &numbers);
        if (numbers.waiting > 0) { /* the batch is full, or the feed passed over many that the filter does not want */
                struct timeval soon = {0, done > FILE_BATCH ? 0 : 20000};
                event_add(outlet->retry, &soon);
        }
}

static void on_retry(evutil_socket_t file, short what, void *context)
{
        struct outlet *outlet = context;
        (void)file;
        (void)what;
        if ((outlet->sink->failed || outlet->is_moved) && sink_reopen(outlet->sink) == 0) {
                outlet->is_moved = false;
                feed_connected(outlet->feed);
        }
        if (!outlet->sink->failed)
                carry_to_file(outlet);
        if (outlet->sink->failed || outlet->is_moved) {
                struct timeval pause = {RETRY_MS / 1000, 0};
                event_add(outlet->retry, &pause);
        }
}

static void wake_outlets(struct delivery *delivery)
{
        for (unsigned i = 0; i < delivery->count; i++) {
                struct outlet *outlet = &delivery->outlets[i];
                if (outlet->feed == NULL)
                        continue;
                if (sink_is_networked(outlet->sink))
                        outlet->sink->kind->wake(outlet->sink);
                else if (!outlet->sink->failed)
                        carry_to_file(outlet);
        }
}

void delivery_commit(struct delivery *delivery)
{
        if (delivery->outbox == NULL)
                return;
        if (outbox_commit(delivery->outbox) < 0) {
                struct timeval pause = {RETRY_MS / 1000, 0};
                event_add(delivery->commit, &pause);
        }
        wake_outlets(delivery);
}

static void on_commit(evutil_socket_t file, short what, void *context)
{
        (void)file;
        (void)what;
        delivery_commit(context);
}

static bool open_outbox(struct delivery *delivery)
{
        char error[512] = "";
        if (outbox_open(&delivery->outbox, &delivery->settings.outbox, error, sizeof error) == 0)
                return true;
        log_error("%s", error);
        return false;
}

/* A file goes on behind its last line: what was written before a crash is not written again. */
static bool resume_file(struct outlet *outlet)
{
        char id[33];
        uint32_t revision;
        if (outlet->sink->kind->last != NULL && outlet->sink->kind->last(outlet->sink, id, &revision))
                feed_resume_behind_alert(outlet->feed, id, revision);
        feed_connected(outlet->feed);
        return true;
}

static bool connect_outlet(struct delivery *delivery, struct outlet *outlet)
{
        bool networked = sink_is_networked(outlet->sink);
        if (!networked && (!is_live(delivery) || outlet->sink->kind->alert == NULL))
                return true;
        if (delivery->outbox == NULL && !open_outbox(delivery))
                return false;
        outlet->feed = feed_create(delivery->outbox, outlet->sink, delivery->base);
        outlet->retry = event_new(delivery->base, -1, 0, on_retry, outlet);
        if (outlet->feed == NULL || outlet->retry == NULL)
                return false;
        if (!networked)
                return resume_file(outlet);
        int result = outlet->sink->kind->start(outlet->sink, outlet->feed);
        if (result < 0)
                log_error("output %s: %s", outlet->sink->name, strerror(-result));
        return result == 0;
}

static bool open_outlets(struct delivery *delivery)
{
        bool good = true;
        for (unsigned i = 0; i < delivery->settings.output_count; i++) {
                const struct delivery_output *output = &delivery->settings.outputs[i];
                char error[512] = "";
                struct sink *sink = sink_open(output->given, &output->filter, &output->options, &delivery->settings.run, error,
                                              sizeof error);
                if (sink == NULL) {
                        log_error("%s%s%s", output->place ? output->place : "", output->place ? ": " : "", error);
                        good = false;
                        continue;
                }
                delivery->outlets[delivery->count++].sink = sink;
                delivery->standard_output |= sink_is_standard_output(sink);
                delivery->wants_events |= sink_wants_events(sink);
                delivery->wants_summary |= sink_wants_summary(sink);
        }
        for (unsigned i = 0; good && i < delivery->count; i++)
                good = connect_outlet(delivery, &delivery->outlets[i]);
        return good;
}

static int64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void run_for_a_moment(struct delivery *delivery)
{
        struct timeval moment = {0, 20000};
        event_base_loopexit(delivery->base, &moment);
        event_base_dispatch(delivery->base);
}

/* In `read` a server that cannot be reached is a sink that cannot be opened: nothing has run yet. */
static bool reach_servers(struct delivery *delivery)
{
        int64_t until_ms = now_ms() + CONNECT_PATIENCE_S * 1000;
        for (unsigned i = 0; i < delivery->count; i++) {
                struct outlet *outlet = &delivery->outlets[i];
                struct feed_numbers numbers = {.is_connected = outlet->feed == NULL};
                while (!numbers.is_connected && now_ms() < until_ms) {
                        run_for_a_moment(delivery);
                        feed_numbers(outlet->feed, &numbers);
                        if (numbers.trouble != NULL)
                                break;
                }
                if (!numbers.is_connected) {
                        log_error("output %s: %s", outlet->sink->name,
                                  numbers.trouble ? numbers.trouble : "no answer within 10 seconds");
                        return false;
                }
        }
        return true;
}

static void delivery_free(struct delivery *delivery)
{
        for (unsigned i = 0; i < delivery->count; i++)
                if (delivery->outlets[i].retry != NULL)
                        event_free(delivery->outlets[i].retry);
        if (delivery->commit != NULL)
                event_free(delivery->commit);
        outbox_close(delivery->outbox);
        if (delivery->owns_base)
                event_base_free(delivery->base);
        free(delivery->outlets);
        free(delivery);
}

/* 0 or the first failure. Feeds go after the sinks that use them, and before the outbox. */
static int close_sinks(struct delivery *delivery)
{
        int result = 0;
        for (unsigned i = 0; i < delivery->count; i++) {
                int closed = sink_close(delivery->outlets[i].sink);
                result = result ? result : closed;
                feed_destroy(delivery->outlets[i].feed);
        }
        return result;
}

struct delivery *delivery_open(const struct delivery_settings *settings)
{
        struct delivery *delivery = calloc(1, sizeof *delivery);
        if (delivery == NULL)
                return NULL;
        delivery->settings = *settings;
        delivery->base = settings->base;
        if (delivery->base == NULL) {
                delivery->base = event_base_new();
                delivery->owns_base = true;
        }
        delivery->outlets = calloc(settings->output_count + 1, sizeof *delivery->outlets);
        delivery->commit = delivery->base ? event_new(delivery->base, -1, 0, on_commit, delivery) : NULL;
        bool good = delivery->outlets != NULL && delivery->commit != NULL && open_outlets(delivery);
        if (good && is_live(delivery) && delivery->outbox == NULL)
                good = open_outbox(delivery);
        if (good && !is_live(delivery))
                good = reach_servers(delivery);
        if (good)
                return delivery;
        close_sinks(delivery);
        delivery_free(delivery);
        return NULL;
}

bool delivery_uses_standard_output(const struct delivery *delivery)
{
        return delivery->standard_output;
}

bool delivery_wants_events(const struct delivery *delivery)
{
        return delivery->wants_events;
}

bool delivery_wants_summary(const struct delivery *delivery)
{
        return delivery->wants_summary;
}

void delivery_alert(struct delivery *delivery, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        for (unsigned i = 0; i < delivery->count; i++)
                if (delivery->outlets[i].feed == NULL)
                        sink_alert(delivery->outlets[i].sink, alert);
        if (delivery->outbox == NULL)
                return;
        bool first = !outbox_has_uncommitted(delivery->outbox);
        (void)outbox_add(delivery->outbox, alert, cause, cause_length); /* what it could not hold it counts */
        if (first && is_live(delivery))
                event_add(delivery->commit, &commit_pause);
}

void delivery_event(struct delivery *delivery, const event_t *event)
{
        for (unsigned i = 0; delivery->wants_events && i < delivery->count; i++)
                if (sink_wants_events(delivery->outlets[i].sink))
                        sink_event(delivery->outlets[i].sink, event);
}

void delivery_summary(struct delivery *delivery, const char *json)
{
        for (unsigned i = 0; i < delivery->count; i++)
                sink_summary(delivery->outlets[i].sink, json);
}

struct outbox *delivery_outbox(struct delivery *delivery)
{
        return delivery->outbox;
}

/* A new file holds no last line that would tell after a crash how far we were: so that is made durable first. */
void delivery_reopen(struct delivery *delivery)
{
        struct timeval pause = {RETRY_MS / 1000, 0};
        if (delivery->outbox != NULL)
                (void)outbox_commit(delivery->outbox);
        for (unsigned i = 0; i < delivery->count; i++) {
                struct outlet *outlet = &delivery->outlets[i];
                sink_flush(outlet->sink);
                outlet->is_moved = sink_reopen(outlet->sink) < 0;
                if (outlet->is_moved && outlet->feed != NULL)
                        event_add(outlet->retry, &pause);
        }
        delivery_commit(delivery);
}

unsigned delivery_sinks(const struct delivery *delivery, struct delivery_sink *out, unsigned limit)
{
        unsigned count = 0;
        for (unsigned i = 0; i < delivery->count && count < limit; i++) {
                if (delivery->outlets[i].feed == NULL)
                        continue;
                out[count].name = delivery->outlets[i].sink->name;
                feed_numbers(delivery->outlets[i].feed, &out[count++].numbers);
        }
        return count;
}

static uint64_t waiting(const struct delivery *delivery)
{
        uint64_t most = 0;
        for (unsigned i = 0; i < delivery->count; i++) {
                struct feed_numbers numbers;
                if (delivery->outlets[i].feed == NULL)
                        continue;
                feed_numbers(delivery->outlets[i].feed, &numbers);
                if (numbers.waiting > most)
                        most = numbers.waiting;
        }
        return most;
}

uint64_t delivery_drain(struct delivery *delivery, unsigned patience_s)
{
        if (delivery->outbox == NULL)
                return 0;
        delivery_commit(delivery);
        uint64_t least = waiting(delivery), left = least;
        int64_t moved_ms = now_ms();
        while (left > 0 && now_ms() - moved_ms < (int64_t)patience_s * 1000) {
                run_for_a_moment(delivery);
                left = waiting(delivery);
                if (left < least) {
                        least = left;
                        moved_ms = now_ms();
                }
        }
        (void)outbox_commit(delivery->outbox); /* positions */
        return left;
}

int delivery_close(struct delivery *delivery)
{
        if (delivery == NULL)
                return 0;
        int result = 0;
        if (delivery->outbox != NULL) {
                outbox_commit(delivery->outbox);
                if (outbox_has_uncommitted(delivery->outbox)) /* the outbox says how many */
                        result = -ENOSPC;
        }
        int closed = close_sinks(delivery);
        result = result ? result : closed;
        delivery_free(delivery);
        return result;
}
