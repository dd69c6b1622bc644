#include "tests/unit/deliver/stream_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/test.h"

enum { STREAMS = sizeof((struct stream_server *)0)->streams / sizeof(struct bufferevent *) };

static unsigned number_of(const struct stream_server *server, const struct bufferevent *stream)
{
        for (unsigned i = 0; i < server->connections; i++)
                if (server->streams[i] == stream)
                        return i;
        fail_msg("a stream of another server");
        return 0;
}

void stream_server_cut(struct stream_server *server, struct bufferevent *stream)
{
        server->streams[number_of(server, stream)] = NULL;
        bufferevent_free(stream);
}

void stream_server_cut_all(struct stream_server *server)
{
        for (unsigned i = 0; i < server->connections; i++)
                if (server->streams[i] != NULL)
                        stream_server_cut(server, server->streams[i]);
}

static void on_read(struct bufferevent *stream, void *context)
{
        struct stream_server *server = context;
        server->settings.took(server->settings.context, stream, number_of(server, stream));
}

static void on_event(struct bufferevent *stream, short events, void *context)
{
        struct stream_server *server = context;
        if (events & BEV_EVENT_CONNECTED)
                return;
        if (evbuffer_get_length(bufferevent_get_input(stream)) > 0)
                on_read(stream, context);
        server->ended_cleanly += (events & BEV_EVENT_EOF) != 0;
        stream_server_cut(server, stream);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t socket, struct sockaddr *address, int length, void *context)
{
        struct stream_server *server = context;
        (void)listener, (void)address, (void)length;
        assert_true(server->connections < STREAMS);
        struct bufferevent *stream;
        if (server->context != NULL)
                stream = bufferevent_openssl_socket_new(server->settings.base, socket, SSL_new(server->context),
                                                        BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
        else
                stream = bufferevent_socket_new(server->settings.base, socket, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
        assert_non_null(stream);
        server->streams[server->connections++] = stream;
        bufferevent_setcb(stream, on_read, NULL, on_event, server);
        bufferevent_enable(stream, server->is_holding ? EV_WRITE : EV_READ | EV_WRITE);
}

void stream_server_hold(struct stream_server *server, bool hold)
{
        server->is_holding = hold;
        for (unsigned i = 0; i < server->connections; i++) {
                if (server->streams[i] == NULL)
                        continue;
                if (hold)
                        bufferevent_disable(server->streams[i], EV_READ);
                else
                        bufferevent_enable(server->streams[i], EV_READ);
        }
}

void stream_server_open(struct stream_server *server, const struct stream_server_settings *settings)
{
        *server = (struct stream_server){.settings = *settings};
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(settings->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t length = sizeof address;
        server->listener = evconnlistener_new_bind(settings->base, on_accept, server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
                                                   (struct sockaddr *)&address, (int)length);
        assert_non_null(server->listener);
        int socket = evconnlistener_get_fd(server->listener);
        assert_int_equal(getsockname(socket, (struct sockaddr *)&address, &length), 0);
        server->port = ntohs(address.sin_port);
        if (settings->receive_buffer != 0) /* accepted ones inherit it */
                assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &settings->receive_buffer, sizeof(int)), 0);
        if (settings->cert == NULL)
                return;
        server->context = SSL_CTX_new(TLS_server_method());
        assert_int_equal(SSL_CTX_use_certificate_chain_file(server->context, settings->cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(server->context, settings->key, SSL_FILETYPE_PEM), 1);
}

void stream_server_close(struct stream_server *server)
{
        stream_server_cut_all(server);
        evconnlistener_free(server->listener);
        SSL_CTX_free(server->context);
}
