#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/deliver/network_case.h"
#include "tests/unit/deliver/stream_server.h"
#include "tests/unit/deliver/test_certificates.h"
#include "tests/unit/test.h"

enum { MOST = 20000, GAP = MOST }; /* a gap counts as an alert of this number */

/* What arrived: which alert, and over which connection. */
static struct receiver {
        struct stream_server server;
        unsigned count, numbers[2 * MOST], connections[2 * MOST];
        unsigned cut_at;  /* when so many have arrived; 0: never */
        bool cuts_at_once;
} receiver;

static struct test_certificates certificates;
static char folder[] = "/tmp/syslog_sink_test.XXXXXX";

static void take_message(const char *message, unsigned connection)
{
        assert_int_equal(strncmp(message, "<132>1 ", 7), 0);
        const char *id = strstr(message, " id=\"");
        bool is_gap = strstr(message, " gap [apnwatch@32473 gap_from=\"") != NULL;
        assert_true(is_gap || id != NULL);
        assert_int_equal(message[strlen(message) - 1], '}');
        assert_true(receiver.count < 2 * MOST);
        receiver.numbers[receiver.count] = is_gap ? GAP : (unsigned)strtoul(id + 5, NULL, 10);
        receiver.connections[receiver.count++] = connection;
}

/* Whole messages by their count; half of one stays. */
static void on_bytes(void *context, struct bufferevent *stream, unsigned connection)
{
        struct evbuffer *input = bufferevent_get_input(stream);
        (void)context;
        if (receiver.cuts_at_once) {
                stream_server_cut(&receiver.server, stream);
                return;
        }
        for (;;) {
                char head[16] = "";
                ev_ssize_t peeked = evbuffer_copyout(input, head, sizeof head - 1);
                char *end = memchr(head, ' ', peeked > 0 ? (size_t)peeked : 0);
                if (end == NULL)
                        return;
                size_t frame = (size_t)(end - head) + 1, length = strtoul(head, NULL, 10);
                if (evbuffer_get_length(input) < frame + length)
                        return;
                char *message = calloc(1, length + 1);
                evbuffer_drain(input, frame);
                evbuffer_remove(input, message, length);
                take_message(message, connection);
                free(message);
                if (receiver.count == receiver.cut_at) {
                        stream_server_cut(&receiver.server, stream);
                        return;
                }
        }
}

static void open_receiver(struct network_case *test, const char *cert, uint16_t port, int buffer)
{
        struct stream_server_settings settings = {
                .base = test->base, .cert = cert, .key = certificates.server_key, .port = port, .receive_buffer = buffer,
                .took = on_bytes,
        };
        memset(&receiver, 0, sizeof receiver);
        stream_server_open(&receiver.server, &settings);
}

static void start(struct network_case *test, const char *scheme, const char *host, const struct sink_options *options)
{
        char given[64];
        snprintf(given, sizeof given, "%s://%s:%u", scheme, host, receiver.server.port);
        network_case_start(test, given, options);
}

/* Just the alerts `first` to `last`, in order, over this connection, from the message at `*at`. */
static void assert_arrived(unsigned *at, unsigned first, unsigned last, unsigned connection)
{
        for (unsigned number = first; number <= last; number++, (*at)++)
                if (*at >= receiver.count || receiver.numbers[*at] != number || receiver.connections[*at] != connection)
                        fail_msg("message %u of %u: alert %u over %u, expected %u over %u", *at, receiver.count, receiver.numbers[*at],
                                 receiver.connections[*at], number, connection);
}

static void entries_arrive_in_order_and_once(void **state)
{
        (void)state;
        struct network_case test;
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, NULL, 0, 0);
        start(&test, "syslog", "127.0.0.1", NULL);
        network_case_add(&test, 50);
        network_case_add_gap(&test);
        network_case_add(&test, 1000);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, 50, 0);
        assert_arrived(&at, GAP, GAP, 0);
        assert_arrived(&at, 51, 1050, 0);
        assert_int_equal(receiver.count, at);
        assert_int_equal(test.numbers.delivered, 1050);
        assert_int_equal(test.numbers.gaps, 1);
        assert_true(test.numbers.is_connected);
        network_case_close_sink(&test);
        network_case_run(&test, 50);
        assert_int_equal(receiver.server.ended_cleanly, 1);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void after_a_cut_what_had_not_arrived_is_sent_again(void **state)
{
        (void)state;
        struct network_case test;
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, NULL, 0, 0);
        receiver.cut_at = 30;
        start(&test, "syslog", "localhost", NULL);
        network_case_add(&test, 100);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.count, 30));
        assert_int_equal(test.numbers.delivered, 0);
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, 30, 0);
        assert_arrived(&at, 1, 100, 1);
        assert_int_equal(receiver.count, at);
        assert_int_equal(test.numbers.delivered, 100);
        assert_int_equal(test.numbers.rewinds, 1);
        assert_int_equal(test.numbers.reconnects, 1);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void what_had_arrived_but_not_settled_is_sent_again_too(void **state)
{
        (void)state;
        struct network_case test;
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, NULL, 0, 0);
        start(&test, "syslog", "127.0.0.1", NULL);
        network_case_add(&test, 10);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.count, 10));
        network_case_run(&test, 200);
        assert_int_equal(test.numbers.delivered, 0);
        stream_server_cut_all(&receiver.server);
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, 10, 0);
        assert_arrived(&at, 1, 10, 1);
        assert_int_equal(receiver.count, at);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void what_had_settled_is_not(void **state)
{
        (void)state;
        struct network_case test;
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, NULL, 0, 0);
        start(&test, "syslog", "127.0.0.1", NULL);
        network_case_add(&test, 10);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        stream_server_cut_all(&receiver.server);
        network_case_add(&test, 10);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, 10, 0);
        assert_arrived(&at, 11, 20, 1);
        assert_int_equal(receiver.count, at);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void of_a_receiver_that_does_not_read_little_waits_in_memory(void **state)
{
        (void)state;
        enum { ALERTS = 8000 }; /* some 12 MB: more than both systems take */
        struct network_case test;
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, NULL, 0, 65536);
        stream_server_hold(&receiver.server, true);
        start(&test, "syslog", "127.0.0.1", NULL);
        network_case_add(&test, ALERTS);
        network_case_commit(&test);
        network_case_run(&test, 800);
        assert_int_equal(receiver.count, 0);
        assert_true(test.numbers.in_flight > 0 && test.numbers.in_flight < ALERTS - 2000);
        assert_true(test.numbers.delivered < test.numbers.in_flight);
        stream_server_hold(&receiver.server, false);
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, ALERTS, 0);
        assert_int_equal(receiver.count, at);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void a_receiver_that_comes_later_gets_all(void **state)
{
        (void)state;
        struct network_case test;
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, NULL, 0, 0);
        uint16_t port = receiver.server.port;
        stream_server_close(&receiver.server);
        start(&test, "syslog", "127.0.0.1", NULL);
        network_case_add(&test, 5);
        network_case_commit(&test);
        assert_true(network_case_wait_trouble(&test, "Connection refused"));
        assert_int_equal(test.numbers.waiting, 5);
        assert_false(test.numbers.is_connected);
        open_receiver(&test, NULL, port, 0);
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, 5, 0);
        assert_true(test.numbers.is_connected);
        assert_null(test.numbers.trouble);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void who_takes_connections_and_cuts_them_is_not_hammered(void **state)
{
        (void)state;
        struct network_case test;
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, NULL, 0, 0);
        receiver.cuts_at_once = true;
        start(&test, "syslog", "127.0.0.1", NULL);
        network_case_add(&test, 5);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.server.connections, 3));
        network_case_run(&test, 1000);
        assert_in_range(receiver.server.connections, 3, 30);
        assert_int_equal(test.numbers.delivered, 0);
        receiver.cuts_at_once = false;
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, 5, receiver.server.connections - 1);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void tls_is_verified_and_ends_with_a_word(void **state)
{
        (void)state;
        static const char *const schemes[] = {"syslog+tls", "syslogs"};
        for (unsigned i = 0; i < 2; i++) {
                struct network_case test;
                struct sink_options options = {.ca = certificates.ca};
                unsigned at = 0;
                network_case_open(&test);
                open_receiver(&test, certificates.server_cert, 0, 0);
                start(&test, schemes[i], i ? "127.0.0.1" : "localhost", &options);
                network_case_add(&test, 500);
                network_case_commit(&test);
                assert_true(network_case_wait(&test));
                assert_arrived(&at, 1, 500, 0);
                assert_int_equal(receiver.count, at);
                network_case_close_sink(&test);
                network_case_run(&test, 50);
                assert_int_equal(receiver.server.ended_cleanly, 1); /* libevent tells a missing close_notify from it */
                stream_server_close(&receiver.server);
                network_case_close(&test);
        }
}

static void over_tls_too_what_had_not_arrived_is_sent_again(void **state)
{
        (void)state;
        struct network_case test;
        struct sink_options options = {.ca = certificates.ca};
        unsigned at = 0;
        network_case_open(&test);
        open_receiver(&test, certificates.server_cert, 0, 0);
        receiver.cut_at = 300;
        start(&test, "syslogs", "localhost", &options);
        network_case_add(&test, 1000);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_arrived(&at, 1, 300, 0);
        assert_arrived(&at, 1, 1000, 1);
        assert_int_equal(receiver.count, at);
        stream_server_close(&receiver.server);
        network_case_close(&test);
}

static void a_certificate_of_someone_else_gets_nothing(void **state)
{
        (void)state;
        const struct {
                const char *ca, *cert, *trouble;
        } rows[] = {
                {certificates.other_ca, certificates.server_cert, "certificate verify failed"},
                {certificates.ca, certificates.elsewhere_cert, "mismatch"},
                {certificates.ca, NULL, ""}, /* it does not speak TLS */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct network_case test;
                struct sink_options options = {.ca = rows[i].ca};
                network_case_open(&test);
                open_receiver(&test, rows[i].cert, 0, 0);
                receiver.cuts_at_once = rows[i].cert == NULL;
                start(&test, "syslog+tls", "localhost", &options);
                network_case_add(&test, 3);
                network_case_commit(&test);
                assert_true(network_case_wait_trouble(&test, rows[i].trouble));
                assert_int_equal(receiver.count, 0);
                assert_int_equal(test.numbers.waiting, 3);
                network_case_close_sink(&test); /* while it waits to try again */
                stream_server_close(&receiver.server);
                network_case_close(&test);
        }
}

static int prepare(void **state)
{
        (void)state;
        signal(SIGPIPE, SIG_IGN);
        if (mkdtemp(folder) == NULL)
                return -1;
        test_certificates_make(&certificates, folder);
        return 0;
}

static int clean_up(void **state)
{
        (void)state;
        const char *const files[] = {certificates.ca, certificates.other_ca, certificates.server_cert, certificates.server_key,
                                     certificates.elsewhere_cert, certificates.client_cert, certificates.client_key};
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
                unlink(files[i]);
        return rmdir(folder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(entries_arrive_in_order_and_once),
                cmocka_unit_test(after_a_cut_what_had_not_arrived_is_sent_again),
                cmocka_unit_test(what_had_arrived_but_not_settled_is_sent_again_too),
                cmocka_unit_test(what_had_settled_is_not),
                cmocka_unit_test(of_a_receiver_that_does_not_read_little_waits_in_memory),
                cmocka_unit_test(a_receiver_that_comes_later_gets_all),
                cmocka_unit_test(who_takes_connections_and_cuts_them_is_not_hammered),
                cmocka_unit_test(tls_is_verified_and_ends_with_a_word),
                cmocka_unit_test(over_tls_too_what_had_not_arrived_is_sent_again),
                cmocka_unit_test(a_certificate_of_someone_else_gets_nothing),
        };
        return cmocka_run_group_tests(tests, prepare, clean_up);
}
