#include "tests/unit/deliver/network_case.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/deliver/sample_alert.h"
#include "tests/unit/test.h"

enum { STEP_MS = 10, PATIENCE_MS = 10000 };

static const struct sink_run run = {.sensor = "edge-1", .version = "0.1.0", .configuration_digest = "c0ffee", .append = true};

void network_case_open(struct network_case *test)
{
        struct outbox_settings settings = {.sensor = "edge-1"};
        char error[400];
        *test = (struct network_case){.base = event_base_new()};
        assert_non_null(test->base);
        if (outbox_open(&test->outbox, &settings, error, sizeof error) != 0)
                fail_msg("%s", error);
}

void network_case_start(struct network_case *test, const char *given, const struct sink_options *options)
{
        char error[600];
        test->sink = sink_open(given, NULL, options, &run, error, sizeof error);
        if (test->sink == NULL)
                fail_msg("%s", error);
        test->feed = feed_create(test->outbox, test->sink, test->base);
        assert_non_null(test->feed);
        assert_int_equal(test->sink->kind->start(test->sink, test->feed), 0);
}

void network_case_close_sink(struct network_case *test)
{
        assert_int_equal(sink_close(test->sink), 0);
        feed_destroy(test->feed);
        test->sink = NULL;
        test->feed = NULL;
}

void network_case_close(struct network_case *test)
{
        if (test->sink != NULL)
                network_case_close_sink(test);
        outbox_close(test->outbox);
        event_base_free(test->base);
}

void network_case_add_revision(struct network_case *test, unsigned number, unsigned revision)
{
        struct sample_alert sample;
        char id[33];
        sample_alert_fill(&sample);
        snprintf(id, sizeof id, "%032u", number);
        sample.alert.id = id;
        sample.alert.revision = revision;
        assert_int_equal(outbox_add(test->outbox, &sample.alert, NULL, 0), 0);
}

void network_case_add(struct network_case *test, unsigned count)
{
        while (count-- > 0)
                network_case_add_revision(test, ++test->added, 1);
}

void network_case_add_gap(struct network_case *test)
{
        enum { TOO_LONG = 2 << 20 };
        struct sample_alert sample;
        sample_alert_fill(&sample);
        char *title = calloc(1, TOO_LONG + 1);
        memset(title, 'x', TOO_LONG);
        sample.alert.title = title;
        assert_int_equal(outbox_add(test->outbox, &sample.alert, NULL, 0), -EMSGSIZE);
        free(title);
}

void network_case_commit(struct network_case *test)
{
        assert_int_equal(outbox_commit(test->outbox), 0);
        if (test->sink != NULL)
                test->sink->kind->wake(test->sink);
}

static void look(struct network_case *test)
{
        struct outbox_numbers outbox;
        if (test->feed == NULL)
                return;
        feed_numbers(test->feed, &test->numbers);
        outbox_numbers(test->outbox, &outbox);
        const struct feed_numbers *feed = &test->numbers;
        assert_int_equal(outbox.committed, feed->delivered + feed->filtered + feed->gaps + feed->waiting);
}

void network_case_run(struct network_case *test, unsigned ms)
{
        struct timeval pause = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_base_loopexit(test->base, &pause);
        event_base_dispatch(test->base);
        look(test);
}

bool network_case_wait(struct network_case *test)
{
        look(test);
        for (unsigned ms = 0; test->numbers.waiting > 0 && ms < PATIENCE_MS; ms += STEP_MS)
                network_case_run(test, STEP_MS);
        return test->numbers.waiting == 0;
}

bool network_case_wait_for(struct network_case *test, const unsigned *counter, unsigned least)
{
        for (unsigned ms = 0; *counter < least && ms < PATIENCE_MS; ms += STEP_MS)
                network_case_run(test, STEP_MS);
        return *counter >= least;
}

bool network_case_wait_trouble(struct network_case *test, const char *part)
{
        look(test);
        for (unsigned ms = 0; ms < PATIENCE_MS; ms += STEP_MS) {
                if (test->numbers.trouble != NULL && strstr(test->numbers.trouble, part) != NULL)
                        return true;
                network_case_run(test, STEP_MS);
        }
        print_error("trouble: %s\n", test->numbers.trouble ? test->numbers.trouble : "none");
        return false;
}
