#include "tests/unit/deliver/fake_redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <hiredis/hiredis.h>

#include "tests/unit/test.h"

struct guest {
        struct guest *next;
        struct fake_redis *fake;
        struct bufferevent *stream;
        struct evbuffer *replies;   /* not yet sent */
        struct event *drip;
        redisReader *reader;
        unsigned commands;
        size_t sent;
};

struct fake_redis_parts {
        struct event_base *base;
        struct evconnlistener *listener;
        struct guest *guests;
};

static void guest_free(struct guest *guest)
{
        struct guest **at = &guest->fake->parts->guests;
        while (*at != guest)
                at = &(*at)->next;
        *at = guest->next;
        event_free(guest->drip);
        bufferevent_free(guest->stream);
        evbuffer_free(guest->replies);
        redisReaderFree(guest->reader);
        free(guest);
}

/* Straight to the socket: a bufferevent that is freed would keep back what it has not written. */
static void send_some(struct guest *guest, size_t most)
{
        size_t cut = guest->fake->cut_after, length = evbuffer_get_length(guest->replies);
        length = length < most ? length : most;
        if (cut && guest->sent + length >= cut)
                length = cut - guest->sent;
        while (length > 0) {
                int written = evbuffer_write_atmost(guest->replies, bufferevent_getfd(guest->stream), (ev_ssize_t)length);
                if (written <= 0)
                        break;
                guest->sent += (size_t)written;
                length -= (size_t)written;
        }
        if (cut && guest->sent >= cut) {
                guest_free(guest);
                return;
        }
        static const struct timeval soon = {.tv_usec = 100};
        if (evbuffer_get_length(guest->replies) > 0)
                evtimer_add(guest->drip, &soon);
}

static void on_drip(evutil_socket_t socket, short events, void *context)
{
        (void)socket, (void)events;
        struct guest *guest = context;
        send_some(guest, guest->fake->dribble ? 1 : SIZE_MAX);
}

bool fake_redis_word_is(const struct redisReply *command, unsigned index, const char *text)
{
        return index < command->elements && strcmp(command->element[index]->str, text) == 0;
}

static void answer(struct guest *guest, const redisReply *command)
{
        struct fake_redis *fake = guest->fake;
        assert_int_equal(command->type, REDIS_REPLY_ARRAY);
        assert_true(command->elements > 0);
        fake->commands++;
        guest->commands++;
        snprintf(fake->last_command, sizeof fake->last_command, "%s", command->element[0]->str);
        if (fake->is_mute || (fake->answer && fake->answer(fake->context, command, guest->commands, guest->replies)))
                return;
        if (fake_redis_word_is(command, 0, "PING"))
                evbuffer_add_printf(guest->replies, "+PONG\r\n");
        else if (fake_redis_word_is(command, 0, "ROLE"))
                evbuffer_add_printf(guest->replies, "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
        else
                evbuffer_add_printf(guest->replies, "+OK\r\n");
}

static void on_read(struct bufferevent *stream, void *context)
{
        struct guest *guest = context;
        char bytes[4096];
        size_t length;
        void *command;
        while ((length = bufferevent_read(stream, bytes, sizeof bytes)) > 0)
                assert_int_equal(redisReaderFeed(guest->reader, bytes, length), REDIS_OK);
        while (redisReaderGetReply(guest->reader, &command) == REDIS_OK && command != NULL) {
                answer(guest, command);
                freeReplyObject(command);
        }
        static const struct timeval now = {.tv_usec = 0};
        evtimer_add(guest->drip, &now);
}

static void on_event(struct bufferevent *stream, short events, void *context)
{
        (void)stream;
        if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
                guest_free(context);
}

static void on_guest(struct evconnlistener *listener, evutil_socket_t socket, struct sockaddr *address, int length,
                     void *context)
{
        (void)listener, (void)address, (void)length;
        struct fake_redis *fake = context;
        struct guest *guest = calloc(1, sizeof *guest);
        assert_non_null(guest);
        int yes = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        guest->fake = fake;
        guest->stream = bufferevent_socket_new(fake->parts->base, socket, BEV_OPT_CLOSE_ON_FREE);
        guest->replies = evbuffer_new();
        guest->drip = evtimer_new(fake->parts->base, on_drip, guest);
        guest->reader = redisReaderCreate();
        guest->next = fake->parts->guests;
        fake->parts->guests = guest;
        fake->connections++;
        bufferevent_setcb(guest->stream, on_read, NULL, on_event, guest);
        bufferevent_enable(guest->stream, EV_READ);
}

void fake_redis_start(struct fake_redis *fake, struct event_base *base)
{
        memset(fake, 0, sizeof *fake);
        fake->parts = calloc(1, sizeof *fake->parts);
        assert_non_null(fake->parts);
        fake->parts->base = base;
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        fake->parts->listener = evconnlistener_new_bind(base, on_guest, fake, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
                                                        (struct sockaddr *)&address, sizeof address);
        assert_non_null(fake->parts->listener);
}

void fake_redis_hang_up(struct fake_redis *fake)
{
        while (fake->parts->guests)
                guest_free(fake->parts->guests);
}

void fake_redis_stop(struct fake_redis *fake)
{
        fake_redis_hang_up(fake);
        evconnlistener_free(fake->parts->listener);
        free(fake->parts);
        fake->parts = NULL;
}

uint16_t fake_redis_port(const struct fake_redis *fake)
{
        struct sockaddr_in address;
        socklen_t length = sizeof address;
        assert_int_equal(getsockname(evconnlistener_get_fd(fake->parts->listener), (struct sockaddr *)&address, &length), 0);
        return ntohs(address.sin_port);
}
