#include "deliver/metrics.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "tests/unit/test.h"

/* Every construct that the writer has. */
static void collect_all(void *context, struct metrics_writer *writer)
{
        (void)context;
        metrics_family(writer, "apnwatch_packets_total", METRIC_COUNTER, "Packets, by \"interface\".\nA second line, a \\.");
        metrics_count(writer, 0, "interface", "eth0", NULL);
        metrics_count(writer, UINT64_MAX, "interface", "odd\"\\\n\t\xff\xc3\xa9", NULL);
        metrics_family(writer, "apnwatch_last_packet_timestamp_seconds", METRIC_GAUGE, "When.");
        metrics_measure(writer, 1782345678.123456, "interface", "eth0", "where", "", NULL);
        metrics_measure(writer, -0.5, "interface", "eth1", "where", "a", NULL);
        metrics_measure(writer, NAN, "interface", "eth2", "where", "a", NULL);
        metrics_measure(writer, INFINITY, "interface", "eth3", "where", "a", NULL);
        metrics_measure(writer, -INFINITY, "interface", "eth4", "where", "a", NULL);
        metrics_measure(writer, 0.1, "interface", "eth5", "where", "a", NULL);
        metrics_measure(writer, 3.3333333333333335, "interface", "eth6", "where", "a", NULL);
        metrics_family(writer, "apnwatch_flows", METRIC_GAUGE, "Without labels.");
        metrics_count(writer, 17, NULL);
}

static void every_construct_is_written_as_the_format_has_it(void **state)
{
        (void)state;
        static const char expected[] =
                "# HELP apnwatch_packets_total Packets, by \"interface\".\\nA second line, a \\\\.\n"
                "# TYPE apnwatch_packets_total counter\n"
                "apnwatch_packets_total{interface=\"eth0\"} 0\n"
                "apnwatch_packets_total{interface=\"odd\\\"\\\\\\n\\\\x09\\\\xff\xc3\xa9\"} 18446744073709551615\n"
                "# HELP apnwatch_last_packet_timestamp_seconds When.\n"
                "# TYPE apnwatch_last_packet_timestamp_seconds gauge\n"
                "apnwatch_last_packet_timestamp_seconds{interface=\"eth0\",where=\"\"} 1782345678.123456\n"
                "apnwatch_last_packet_timestamp_seconds{interface=\"eth1\",where=\"a\"} -0.5\n"
                "apnwatch_last_packet_timestamp_seconds{interface=\"eth2\",where=\"a\"} NaN\n"
                "apnwatch_last_packet_timestamp_seconds{interface=\"eth3\",where=\"a\"} +Inf\n"
                "apnwatch_last_packet_timestamp_seconds{interface=\"eth4\",where=\"a\"} -Inf\n"
                "apnwatch_last_packet_timestamp_seconds{interface=\"eth5\",where=\"a\"} 0.1\n"
                "apnwatch_last_packet_timestamp_seconds{interface=\"eth6\",where=\"a\"} 3.3333333333333335\n"
                "# HELP apnwatch_flows Without labels.\n"
                "# TYPE apnwatch_flows gauge\n"
                "apnwatch_flows 17\n";
        size_t length = 0;
        char *text = metrics_text(collect_all, NULL, &length);
        assert_non_null(text);
        assert_int_equal(length, strlen(text));
        assert_string_equal(text, expected);
        free(text);
}

static void promtool_finds_nothing_wrong_with_it(void **state)
{
        (void)state;
        size_t length = 0;
        char *text = metrics_text(collect_all, NULL, &length);
        FILE *promtool = popen("promtool check metrics", "w");
        assert_non_null(promtool);
        assert_int_equal(fwrite(text, 1, length, promtool), length);
        assert_int_equal(pclose(promtool), 0);
        free(text);

        promtool = popen("promtool check metrics >/dev/null 2>&1", "w");
        fputs("# TYPE apnwatch_x counter\napnwatch_x{a=\"\xff\"} 1\n", promtool);
        assert_int_not_equal(pclose(promtool), 0);
}

static void collect_nothing(void *context, struct metrics_writer *writer)
{
        (void)context;
        (void)writer;
}

static void collect_many(void *context, struct metrics_writer *writer)
{
        const unsigned *count = context;
        metrics_family(writer, "apnwatch_sense_total", METRIC_COUNTER, "Many.");
        for (unsigned i = 0; i < *count; i++) {
                char name[16];
                snprintf(name, sizeof name, "c%u", i);
                metrics_count(writer, i, "counter", name, NULL);
        }
}

static void a_text_without_end_is_none(void **state)
{
        (void)state;
        size_t length = 1;
        unsigned count = 20000, too_many = 300000;
        char *text = metrics_text(collect_nothing, NULL, &length);
        assert_string_equal(text, "");
        assert_int_equal(length, 0);
        free(text);
        text = metrics_text(collect_many, &count, &length);
        assert_non_null(text);
        assert_non_null(strstr(text, "apnwatch_sense_total{counter=\"c19999\"} 19999\n"));
        free(text);
        assert_null(metrics_text(collect_many, &too_many, &length));
}

static struct event_base *base;
static struct metrics_listener *listener;

static void listen_for(metrics_collect_fn collect, void *context)
{
        char error[200] = "";
        base = event_base_new();
        assert_int_equal(metrics_listen(&listener, base, "127.0.0.1:0", collect, context, error, sizeof error), 0);
        assert_true(metrics_listener_port(listener) > 0);
}

static void listen_no_more(void)
{
        metrics_listener_close(listener);
        event_base_free(base);
}

static int client_open(void)
{
        struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(metrics_listener_port(listener))};
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 4096;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof name), 0);
        return client;
}

static int64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void turn(unsigned milliseconds)
{
        int64_t end = now_ms() + milliseconds;
        do {
                event_base_loop(base, EVLOOP_NONBLOCK);
                poll(NULL, 0, 1);
        } while (now_ms() < end);
}

/* What comes until the listener closes, to be freed; `*is_reset`: not in good order. */
static char *client_read(int client, bool *is_reset)
{
        size_t size = 4 << 20, length = 0;
        char *text = malloc(size);
        int64_t end = now_ms() + 10000;
        ssize_t got = -1;
        while (now_ms() < end) {
                event_base_loop(base, EVLOOP_NONBLOCK);
                got = recv(client, text + length, size - 1 - length, MSG_DONTWAIT);
                if (got > 0)
                        length += (size_t)got;
                else if (got == 0 || (errno != EAGAIN && errno != EINTR))
                        break;
                else
                        poll(NULL, 0, 1);
        }
        *is_reset = got < 0;
        text[length] = '\0';
        close(client);
        return text;
}

static char *ask(const char *request)
{
        bool is_reset;
        int client = client_open();
        assert_int_equal(send(client, request, strlen(request), MSG_NOSIGNAL), strlen(request));
        char *answer = client_read(client, &is_reset);
        assert_false(is_reset);
        return answer;
}

static void expect_status(const char *request, const char *status)
{
        char line[100], *answer = ask(request);
        snprintf(line, sizeof line, "HTTP/1.1 %s\r\n", status);
        if (strncmp(answer, line, strlen(line)) != 0)
                print_error("to \"%.60s\" came \"%.60s\"\n", request, answer);
        assert_memory_equal(answer, line, strlen(line));
        assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
        free(answer);
}

#define HOST "Host: localhost\r\n\r\n"

static void metrics_come_with_their_content_type(void **state)
{
        (void)state;
        size_t length;
        char *text = metrics_text(collect_all, NULL, &length), field[64];
        snprintf(field, sizeof field, "\r\nContent-Length: %zu\r\n", length);
        listen_for(collect_all, NULL);
        static const char *const requests[] = {
                "GET /metrics HTTP/1.1\r\n" HOST, "GET /metrics?name=x HTTP/1.1\r\n" HOST, "\r\nGET /metrics HTTP/1.0\r\n\r\n",
                "GET http://localhost:9477/metrics HTTP/1.1\r\n" HOST, "GET /metrics HTTP/1.1\nhost: a\n\n"};
        for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
                char *answer = ask(requests[i]);
                assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
                assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
                assert_non_null(strstr(answer, field));
                assert_string_equal(strstr(answer, "\r\n\r\n") + 4, text);
                free(answer);
        }
        char *answer = ask("HEAD /metrics HTTP/1.1\r\n" HOST);
        assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
        assert_non_null(strstr(answer, field));
        assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
        free(answer);
        free(text);
        listen_no_more();
}

static void other_requests_get_their_status(void **state)
{
        (void)state;
        char long_head[9000];
        listen_for(collect_all, NULL);
        expect_status("GET /healthz HTTP/1.1\r\n" HOST, "200 OK");
        expect_status("GET / HTTP/1.1\r\n" HOST, "404 Not Found");
        expect_status("GET /metrics/ HTTP/1.1\r\n" HOST, "404 Not Found");
        expect_status("GET /../metrics HTTP/1.1\r\n" HOST, "404 Not Found");
        expect_status("HEAD /nothing HTTP/1.1\r\n" HOST, "404 Not Found");
        expect_status("POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n" HOST "abc", "405 Method Not Allowed");
        expect_status("OPTIONS * HTTP/1.1\r\n" HOST, "405 Method Not Allowed");
        expect_status("get /metrics HTTP/1.1\r\n" HOST, "405 Method Not Allowed");
        expect_status("GET /metrics HTTP/1.1\r\nContent-Length: 3\r\n" HOST "abc", "413 Content Too Large");
        expect_status("GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" HOST, "413 Content Too Large");
        expect_status("GET /metrics HTTP/1.1\r\n\r\n", "400 Bad Request");
        expect_status("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 Bad Request");
        expect_status("GET /metrics\r\n\r\n", "400 Bad Request");
        expect_status("GET  /metrics HTTP/1.1\r\n" HOST, "400 Bad Request");
        expect_status("GET /metrics HTTP/1.1\r\nNo colon\r\n" HOST, "400 Bad Request");
        expect_status("GET /metrics HTTP/1.1\r\nA: b\r\n folded\r\n" HOST, "400 Bad Request");
        expect_status("\x16\x03\x01\x02\r\n\r\n", "400 Bad Request");
        expect_status("GET /metrics HTTP/2.0\r\n" HOST, "505 HTTP Version Not Supported");
        snprintf(long_head, sizeof long_head, "GET /metrics HTTP/1.1\r\nA: %08500d", 0);
        expect_status(long_head, "431 Request Header Fields Too Large");
        listen_no_more();
}

static void a_request_may_come_in_pieces_and_end_the_stream(void **state)
{
        (void)state;
        static const char request[] = "GET /healthz HTTP/1.1\r\n" HOST;
        bool is_reset;
        listen_for(collect_all, NULL);
        int client = client_open();
        for (size_t i = 0; i < sizeof request - 1; i++) {
                assert_int_equal(send(client, request + i, 1, MSG_NOSIGNAL), 1);
                event_base_loop(base, EVLOOP_NONBLOCK);
        }
        shutdown(client, SHUT_WR);
        char *answer = client_read(client, &is_reset);
        assert_false(is_reset);
        assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
        free(answer);
        listen_no_more();
}

static bool is_closed(int client)
{
        char bytes[4096];
        ssize_t got;
        while ((got = recv(client, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
                ;
        return got == 0 || (errno != EAGAIN && errno != EINTR);
}

static unsigned open_descriptors(void)
{
        unsigned count = 0;
        DIR *folder = opendir("/proc/self/fd");
        while (readdir(folder) != NULL)
                count++;
        closedir(folder);
        return count;
}

static void a_client_that_dribbles_is_let_go_at_a_set_time(void **state)
{
        (void)state;
        listen_for(collect_all, NULL);
        metrics_listener_set_patience(listener, 300, 300);
        int client = client_open();
        int64_t start = now_ms();
        bool closed = false;
        while (!closed && now_ms() - start < 5000) { /* each byte comes well within the time */
                if (send(client, "G", 1, MSG_NOSIGNAL) < 0)
                        break;
                turn(20);
                closed = is_closed(client);
        }
        assert_true(now_ms() - start >= 290);
        assert_true(now_ms() - start < 2000);
        close(client);
        listen_no_more();
}

static void a_client_that_does_not_read_holds_nothing_for_long(void **state)
{
        (void)state;
        static const char request[] = "GET /metrics HTTP/1.1\r\n" HOST;
        unsigned count = 120000; /* 5 MB do not fit into the buffers of two sockets */
        listen_for(collect_many, &count);
        metrics_listener_set_patience(listener, 300, 300);
        unsigned before = open_descriptors();
        int client = client_open();
        assert_int_equal(send(client, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
        turn(150);
        assert_int_equal(open_descriptors(), before + 2);
        turn(400);
        assert_int_equal(open_descriptors(), before + 1); /* ours alone */
        close(client);
        listen_no_more();
}

static void the_seventeenth_connection_ends_the_oldest(void **state)
{
        (void)state;
        int clients[17];
        listen_for(collect_all, NULL);
        for (unsigned i = 0; i < 17; i++) {
                clients[i] = client_open();
                turn(5);
        }
        assert_true(is_closed(clients[0]));
        for (unsigned i = 1; i < 17; i++)
                assert_false(is_closed(clients[i]));
        expect_status("GET /healthz HTTP/1.1\r\n" HOST, "200 OK");
        assert_true(is_closed(clients[1]));
        assert_false(is_closed(clients[2]));
        for (unsigned i = 0; i < 17; i++)
                close(clients[i]);
        listen_no_more();
}

static void an_address_is_taken_or_refused_with_a_reason(void **state)
{
        (void)state;
        static const char *const wrong[] = {"", "9477", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:9477", "::1",
                                            "[::1]", "[::1]9477", "localhost:9477", "[127.0.0.1:80", "127.0.0.1:80]", ":9477"};
        struct metrics_listener *other = NULL;
        char error[200], address[40];
        listen_for(collect_all, NULL);
        for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                error[0] = '\0';
                if (metrics_listen(&other, base, wrong[i], collect_all, NULL, error, sizeof error) != -EINVAL)
                        fail_msg("\"%s\" was taken", wrong[i]);
                assert_non_null(strstr(error, "expected ADDRESS:PORT"));
        }
        snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)metrics_listener_port(listener));
        assert_int_equal(metrics_listen(&other, base, address, collect_all, NULL, error, sizeof error), -EADDRINUSE);
        assert_non_null(strstr(error, address));
        assert_int_equal(metrics_listen(&other, base, "[::1]:0", collect_all, NULL, error, sizeof error), 0);
        assert_true(metrics_listener_port(other) > 0);
        metrics_listener_close(other);
        metrics_listener_close(NULL);
        listen_no_more();
}

static void closing_with_clients_leaves_nothing_open(void **state)
{
        (void)state;
        unsigned before = open_descriptors();
        listen_for(collect_all, NULL);
        int idle = client_open(), asking = client_open();
        send(asking, "GET /metrics HTTP/1.1\r\n" HOST, 40, MSG_NOSIGNAL);
        turn(10);
        listen_no_more();
        close(idle);
        close(asking);
        assert_int_equal(open_descriptors(), before);
}

int main(void)
{
        signal(SIGPIPE, SIG_IGN);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_construct_is_written_as_the_format_has_it),
                cmocka_unit_test(promtool_finds_nothing_wrong_with_it),
                cmocka_unit_test(a_text_without_end_is_none),
                cmocka_unit_test(metrics_come_with_their_content_type),
                cmocka_unit_test(other_requests_get_their_status),
                cmocka_unit_test(a_request_may_come_in_pieces_and_end_the_stream),
                cmocka_unit_test(a_client_that_dribbles_is_let_go_at_a_set_time),
                cmocka_unit_test(a_client_that_does_not_read_holds_nothing_for_long),
                cmocka_unit_test(the_seventeenth_connection_ends_the_oldest),
                cmocka_unit_test(an_address_is_taken_or_refused_with_a_reason),
                cmocka_unit_test(closing_with_clients_leaves_nothing_open),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
