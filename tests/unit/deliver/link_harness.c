#include "tests/unit/deliver/link_harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include "tests/unit/test.h"

static void on_ready(void *context)
{
        ((struct link_harness *)context)->ready++;
}

static void on_lost(void *context, const char *why)
{
        struct link_harness *harness = context;
        harness->lost++;
        snprintf(harness->why, sizeof harness->why, "%s", why);
}

static unsigned short_pause_ms(void *context)
{
        (void)context;
        return 20;
}

void link_harness_open(struct link_harness *harness, struct event_base *base, const char *address)
{
        char error[300] = "";
        memset(harness, 0, sizeof *harness);
        harness->base = base;
        struct redis_link_settings *settings = &harness->settings;
        if (redis_address_parse(&settings->address, address, error, sizeof error) != 0)
                fail_msg("%s: %s", address, error);
        settings->client_name = "harness";
        settings->timeout_ms = 1000;
        settings->ready = on_ready;
        settings->lost = on_lost;
        settings->pause_ms = short_pause_ms;
        settings->context = harness;
}

void link_harness_start(struct link_harness *harness)
{
        char error[300] = "";
        if (redis_link_create(&harness->link, harness->base, &harness->settings, error, sizeof error) != 0)
                fail_msg("%s", error);
        redis_link_start(harness->link);
}

void link_harness_close(struct link_harness *harness)
{
        redis_link_destroy(harness->link);
        harness->link = NULL;
        event_base_loop(harness->base, EVLOOP_NONBLOCK); /* what libevent and evdns put off */
}

static long now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_tick(evutil_socket_t socket, short events, void *context)
{
        (void)socket, (void)events, (void)context;
}

static bool run(struct link_harness *harness, const unsigned *counter, unsigned least, unsigned ms)
{
        struct timeval step = {.tv_usec = 5000};
        struct event *tick = event_new(harness->base, -1, EV_PERSIST, on_tick, NULL);
        event_add(tick, &step);
        long end = now_ms() + ms;
        while ((counter == NULL || *counter < least) && now_ms() < end)
                event_base_loop(harness->base, EVLOOP_ONCE);
        event_free(tick);
        return counter == NULL || *counter >= least;
}

bool link_harness_wait(struct link_harness *harness, const unsigned *counter, unsigned least)
{
        return run(harness, counter, least, 10000);
}

void link_harness_run(struct link_harness *harness, unsigned ms)
{
        run(harness, NULL, 0, ms);
}

static void on_reply(void *context, const redisReply *reply)
{
        struct link_harness *harness = context;
        char *text = harness->reply;
        size_t size = sizeof harness->reply;
        harness->replies++;
        switch (reply->type) {
        case REDIS_REPLY_STRING: snprintf(text, size, "$%s", reply->str); break;
        case REDIS_REPLY_STATUS: snprintf(text, size, "+%s", reply->str); break;
        case REDIS_REPLY_ERROR: snprintf(text, size, "-%s", reply->str); break;
        case REDIS_REPLY_INTEGER: snprintf(text, size, ":%lld", reply->integer); break;
        case REDIS_REPLY_ARRAY: snprintf(text, size, "*%zu", reply->elements); break;
        case REDIS_REPLY_NIL: snprintf(text, size, "_"); break;
        default: fail_msg("a reply of type %d", reply->type);
        }
}

int link_harness_send(struct link_harness *harness, const char *words)
{
        char copy[1024];
        const char *list[32];
        size_t lengths[32];
        unsigned count = 0;
        snprintf(copy, sizeof copy, "%s", words);
        for (char *rest = copy, *word; (word = strtok_r(rest, " ", &rest)) != NULL && count < 32; count++) {
                list[count] = word;
                lengths[count] = strlen(word);
        }
        int result = redis_link_command(harness->link, count, list, lengths, on_reply, harness);
        redis_link_flush(harness->link);
        return result;
}

const char *link_harness_ask(struct link_harness *harness, const char *words)
{
        unsigned replies = harness->replies;
        assert_int_equal(link_harness_send(harness, words), 0);
        assert_true(link_harness_wait(harness, &harness->replies, replies + 1));
        return harness->reply;
}
