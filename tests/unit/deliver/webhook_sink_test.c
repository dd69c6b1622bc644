#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/deliver/network_case.h"
#include "tests/unit/deliver/stream_server.h"
#include "tests/unit/deliver/test_certificates.h"
#include "tests/unit/test.h"

enum { MOST = 1000, SCRIPT = 32 };

/* What the receiver does with request N (from 0); behind the script it answers 204. */
struct answer {
        enum { GOOD, STATUS, HANG, CUT, CUT_IN_BODY, LONG_BODY, NO_HTTP, GOOD_AND_CLOSE } what;
        int status;
        const char *retry_after;
};

struct request {
        unsigned number, revision, connection;
        double time_s;
        char head[2048];
};

static struct receiver {
        struct stream_server server;
        const struct answer *script;
        unsigned script_length, count, in_progress, most_in_progress;
        bool is_slow;                   /* answers when the test says so */
        unsigned refuses;               /* this alert is always answered with 422 */
        const char *token;              /* without it the answer is 401; NULL: none is needed */
        struct request requests[MOST];
        struct bufferevent *waiting[8]; /* requests that are not answered yet, when it is slow */
} receiver;

static struct test_certificates certificates;
static char folder[] = "/tmp/webhook_sink_test.XXXXXX";

static double now_s(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void answer_good(struct bufferevent *stream)
{
        evbuffer_add_printf(bufferevent_get_output(stream), "HTTP/1.1 204 No Content\r\n\r\n");
        receiver.in_progress--;
}

static void answer(struct bufferevent *stream, const struct request *request)
{
        static const struct answer good = {.what = GOOD}, unprocessable = {.what = STATUS, .status = 422},
                                   unauthorized = {.what = STATUS, .status = 401};
        unsigned index = receiver.count - 1;
        const struct answer *given = index < receiver.script_length ? &receiver.script[index] : &good;
        struct evbuffer *output = bufferevent_get_output(stream);
        if (receiver.refuses != 0 && request->number == receiver.refuses)
                given = &unprocessable;
        if (receiver.token != NULL && strstr(request->head, receiver.token) == NULL)
                given = &unauthorized;
        receiver.in_progress -= given->what != GOOD;
        switch (given->what) {
        case GOOD:
                if (receiver.is_slow)
                        receiver.waiting[receiver.in_progress - 1] = stream;
                else
                        answer_good(stream);
                break;
        case STATUS:
                evbuffer_add_printf(output, "HTTP/1.1 %d Because\r\n", given->status);
                if (given->retry_after)
                        evbuffer_add_printf(output, "Retry-After: %s\r\n", given->retry_after);
                evbuffer_add_printf(output, "Location: http://127.0.0.1:%u/elsewhere\r\nContent-Length: 2\r\n\r\nno",
                                    receiver.server.port);
                break;
        case HANG:
                break;
        case CUT:
                stream_server_cut(&receiver.server, stream);
                break;
        case CUT_IN_BODY:
                evbuffer_add_printf(output, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
                bufferevent_flush(stream, EV_WRITE, BEV_FINISHED);
                receiver.waiting[0] = stream;
                break;
        case LONG_BODY: {
                static char block[200000];
                evbuffer_add_printf(output, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", sizeof block);
                evbuffer_add(output, block, sizeof block);
                break;
        }
        case NO_HTTP:
                evbuffer_add_printf(output, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
                break;
        case GOOD_AND_CLOSE:
                evbuffer_add_printf(output, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
}

static void take_body(struct request *request, const char *body, size_t length)
{
        assert_int_equal(body[length - 1], '\n');
        json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        const char *id = json_string_value(json_object_get(root, "id"));
        request->number = id ? (unsigned)strtoul(id, NULL, 10) : 0; /* a gap: 0 */
        request->revision = (unsigned)json_integer_value(json_object_get(root, "revision"));
        assert_true(id != NULL || json_object_get(root, "gap_from") != NULL);
        json_decref(root);
}

/* One request, as far as it is there: evhttp sends head and body, and waits. */
static void on_bytes(void *context, struct bufferevent *stream, unsigned connection)
{
        struct evbuffer *input = bufferevent_get_input(stream);
        struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
        (void)context;
        if (end.pos < 0)
                return;
        assert_true(receiver.count < MOST);
        struct request *request = &receiver.requests[receiver.count];
        size_t head_length = (size_t)end.pos + 4;
        assert_true(head_length < sizeof request->head);
        evbuffer_copyout(input, request->head, head_length);
        request->head[head_length] = '\0';
        const char *stated = strstr(request->head, "Content-Length: ");
        assert_non_null(stated);
        size_t length = strtoul(stated + 16, NULL, 10);
        if (evbuffer_get_length(input) < head_length + length)
                return;
        char *body = calloc(1, length + 1);
        evbuffer_drain(input, head_length);
        evbuffer_remove(input, body, length);
        take_body(request, body, length);
        free(body);
        request->connection = connection;
        request->time_s = now_s();
        receiver.count++;
        if (++receiver.in_progress > receiver.most_in_progress)
                receiver.most_in_progress = receiver.in_progress;
        answer(stream, request);
}

static void open_receiver(struct network_case *test, const char *cert, uint16_t port)
{
        struct stream_server_settings settings = {
                .base = test->base, .cert = cert, .key = certificates.server_key, .port = port, .took = on_bytes,
        };
        memset(&receiver, 0, sizeof receiver);
        stream_server_open(&receiver.server, &settings);
}

static void set_script(const struct answer *script, unsigned length)
{
        receiver.script = script;
        receiver.script_length = length;
}

static void start(struct network_case *test, const char *scheme, const char *host, const struct sink_options *options)
{
        char given[96];
        snprintf(given, sizeof given, "webhook:%s://%s:%u/hooks/a?b=c", scheme, host, receiver.server.port);
        network_case_start(test, given, options);
}

static void finish(struct network_case *test)
{
        stream_server_close(&receiver.server);
        network_case_close(test);
}

/* How often this alert was posted. */
static unsigned times(unsigned number)
{
        unsigned count = 0;
        for (unsigned i = 0; i < receiver.count; i++)
                count += receiver.requests[i].number == number;
        return count;
}

static void assert_each_once(unsigned first, unsigned last)
{
        for (unsigned number = first; number <= last; number++)
                assert_int_equal(times(number), 1);
}

static const char *write_file(const char *name, const char *text)
{
        static char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        fclose(file);
        return path;
}

static void each_alert_is_one_post(void **state)
{
        (void)state;
        struct network_case test;
        char host[64];
        struct sink_options options = {.token_file = write_file("token", "s3cret-token\n")};
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        start(&test, "http", "127.0.0.1", &options);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", receiver.server.port);
        const char *const parts[] = {
                "POST /hooks/a?b=c HTTP/1.1\r\n", host, "\r\nContent-Type: application/json\r\n", "\r\nUser-Agent: apnwatch/0.1.0\r\n",
                "\r\nIdempotency-Key: 00000000000000000000000000000001-1\r\n", "\r\nAuthorization: Bearer s3cret-token\r\n",
        };
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
                if (strstr(receiver.requests[0].head, parts[i]) == NULL)
                        fail_msg("%s is not in\n%s", parts[i], receiver.requests[0].head);
        network_case_add(&test, 300);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_each_once(1, 301);
        assert_int_equal(receiver.count, 301);
        assert_int_equal(test.numbers.delivered, 301);
        assert_in_range(receiver.server.connections, 2, 5); /* four, and the one that finds out */
        assert_in_range(receiver.most_in_progress, 1, 4);
        unlink(options.token_file);
        finish(&test);
}

static void without_a_token_there_is_no_authorization(void **state)
{
        (void)state;
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_null(strstr(receiver.requests[0].head, "Authorization"));
        finish(&test);
}

static void revisions_of_one_alert_go_one_after_the_other(void **state)
{
        (void)state;
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        receiver.is_slow = true;
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add_revision(&test, 1, 1);
        network_case_add_revision(&test, 1, 2);
        network_case_add_revision(&test, 2, 1);
        network_case_add_revision(&test, 1, 3);
        network_case_add_revision(&test, 3, 1);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.count, 2));
        network_case_run(&test, 100);
        assert_int_equal(receiver.count, 2); /* 1.1 and 2.1 */
        assert_int_equal(times(1), 1);
        assert_int_equal(times(2), 1);
        struct bufferevent *second = receiver.waiting[receiver.requests[0].number == 2 ? 0 : 1],
                           *first = receiver.waiting[receiver.requests[0].number == 2 ? 1 : 0];
        answer_good(second);
        network_case_run(&test, 100);
        assert_int_equal(test.numbers.delivered, 0); /* what is done ahead waits */
        receiver.is_slow = false;
        answer_good(first);
        assert_true(network_case_wait(&test));
        unsigned revision = 0;
        for (unsigned i = 0; i < receiver.count; i++)
                if (receiver.requests[i].number == 1)
                        assert_int_equal(receiver.requests[i].revision, ++revision);
        assert_int_equal(revision, 3);
        assert_int_equal(receiver.count, 5);
        finish(&test);
}

static void a_gap_is_posted_too(void **state)
{
        (void)state;
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 1);
        network_case_add_gap(&test);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_each_once(0, 2);
        for (unsigned i = 0; i < receiver.count; i++)
                if (receiver.requests[i].number == 0)
                        assert_non_null(strstr(receiver.requests[i].head, "\r\nIdempotency-Key: gap-"));
        assert_int_equal(test.numbers.delivered, 2);
        assert_int_equal(test.numbers.gaps, 1);
        finish(&test);
}

static void a_receiver_that_is_busy_is_given_the_time_it_asks_for(void **state)
{
        (void)state;
        static const struct answer script[] = {{STATUS, 503, "1"}, {STATUS, 429, "1"}};
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        set_script(script, 2);
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait_trouble(&test, "status 503"));
        assert_true(network_case_wait(&test));
        assert_int_equal(receiver.count, 3);
        assert_true(receiver.requests[1].time_s - receiver.requests[0].time_s >= 0.95);
        assert_true(receiver.requests[2].time_s - receiver.requests[1].time_s >= 0.95);
        assert_int_equal(test.numbers.delivered, 1);
        assert_null(test.numbers.trouble);
        finish(&test);
}

static void trouble_of_the_receiver_costs_no_alert(void **state)
{
        (void)state;
        static const struct answer script[] = {{STATUS, 500, NULL}, {STATUS, 301, NULL}, {STATUS, 404, NULL}, {NO_HTTP, 0, NULL}};
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        set_script(script, 4);
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_int_equal(receiver.count, 5); /* and the redirect was not followed */
        for (unsigned i = 0; i < receiver.count; i++)
                assert_non_null(strstr(receiver.requests[i].head, "POST /hooks/a?b=c "));
        assert_int_equal(test.numbers.delivered, 1);
        assert_int_equal(test.numbers.gaps, 0);
        finish(&test);
}

static void a_token_that_was_changed_is_taken(void **state)
{
        (void)state;
        struct network_case test;
        struct sink_options options = {.token_file = write_file("token", "old")};
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        receiver.token = "\r\nAuthorization: Bearer new\r\n";
        start(&test, "http", "127.0.0.1", &options);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.count, 1));
        write_file("token", "new\r\n");
        assert_true(network_case_wait(&test));
        assert_non_null(strstr(receiver.requests[0].head, "\r\nAuthorization: Bearer old\r\n"));
        assert_int_equal(test.numbers.delivered, 1);
        unlink(options.token_file);
        finish(&test);
}

static void an_alert_that_is_refused_does_not_hold_up_the_rest(void **state)
{
        (void)state;
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        receiver.refuses = 3;
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 20);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_int_equal(times(3), 5);
        assert_each_once(1, 2);
        assert_each_once(4, 20);
        assert_int_equal(test.numbers.delivered, 19);
        assert_int_equal(test.numbers.gaps, 1);
        finish(&test);
}

static void who_does_not_answer_is_asked_again_after_a_while(void **state)
{
        (void)state;
        static const struct answer script[] = {{HANG, 0, NULL}, {HANG, 0, NULL}};
        struct network_case test;
        struct sink_options options = {.timeout_ms = 300};
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        set_script(script, 2);
        start(&test, "http", "127.0.0.1", &options);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait_trouble(&test, "no answer in time"));
        assert_true(network_case_wait(&test));
        assert_int_equal(receiver.count, 3);
        assert_true(receiver.requests[1].time_s - receiver.requests[0].time_s >= 0.28);
        assert_int_not_equal(receiver.requests[1].connection, receiver.requests[0].connection);
        finish(&test);
}

static void a_cut_before_the_answer_means_once_more(void **state)
{
        (void)state;
        static const struct answer script[] = {{CUT, 0, NULL}, {GOOD, 0, NULL}, {CUT, 0, NULL}};
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        set_script(script, 3);
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 40);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_int_equal(receiver.count, 42);
        for (unsigned number = 1; number <= 40; number++)
                assert_in_range(times(number), 1, 3);
        assert_int_equal(times(receiver.requests[0].number) + times(receiver.requests[2].number),
                         receiver.requests[0].number == receiver.requests[2].number ? 6 : 4);
        assert_int_equal(test.numbers.delivered, 40);
        finish(&test);
}

static void a_good_status_counts_whatever_comes_of_the_body(void **state)
{
        (void)state;
        static const struct answer cut[] = {{CUT_IN_BODY, 0, NULL}}, lengthy[] = {{LONG_BODY, 0, NULL}};
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        set_script(cut, 1);
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.count, 1));
        network_case_run(&test, 50); /* the head has arrived */
        stream_server_cut(&receiver.server, receiver.waiting[0]);
        assert_true(network_case_wait(&test));
        assert_int_equal(receiver.count, 1);
        receiver.count = 0;
        set_script(lengthy, 1);
        network_case_add(&test, 2);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_int_equal(receiver.count, 2);
        assert_int_equal(test.numbers.delivered, 3);
        finish(&test);
}

static void connections_that_end_in_peace_are_made_anew(void **state)
{
        (void)state;
        static const struct answer script[] = {{GOOD_AND_CLOSE, 0, NULL}, {GOOD_AND_CLOSE, 0, NULL}};
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        set_script(script, 2);
        start(&test, "http", "127.0.0.1", NULL);
        for (unsigned i = 0; i < 10; i++) {
                network_case_add(&test, 1);
                network_case_commit(&test);
                assert_true(network_case_wait(&test));
                if (i == 5) {
                        stream_server_cut_all(&receiver.server); /* idle ones */
                        network_case_run(&test, 50);
                }
        }
        assert_each_once(1, 10);
        assert_int_equal(receiver.count, 10);
        assert_null(test.numbers.trouble);
        assert_int_equal(test.numbers.reconnects, 0);
        finish(&test);
}

static void a_receiver_that_goes_and_comes_back_gets_all(void **state)
{
        (void)state;
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        uint16_t port = receiver.server.port;
        start(&test, "http", "localhost", NULL);
        network_case_add(&test, 5);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        stream_server_close(&receiver.server);
        network_case_add(&test, 5);
        network_case_commit(&test);
        assert_true(network_case_wait_trouble(&test, "Connection refused"));
        open_receiver(&test, NULL, port);
        assert_true(network_case_wait(&test));
        assert_each_once(6, 10);
        assert_int_equal(receiver.count, 5);
        assert_int_equal(test.numbers.delivered, 10);
        finish(&test);
}

static void https_is_verified(void **state)
{
        (void)state;
        static const struct answer script[] = {{GOOD, 0, NULL}, {CUT_IN_BODY, 0, NULL}, {STATUS, 503, NULL},
                                               {GOOD_AND_CLOSE, 0, NULL}};
        struct network_case test;
        struct sink_options options = {.ca = certificates.ca};
        network_case_open(&test);
        open_receiver(&test, certificates.server_cert, 0);
        set_script(script, 4);
        start(&test, "https", "localhost", &options);
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        network_case_add(&test, 1);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.count, 2));
        network_case_run(&test, 50);
        stream_server_cut(&receiver.server, receiver.waiting[0]);
        network_case_add(&test, 50);
        network_case_commit(&test);
        assert_true(network_case_wait(&test));
        assert_int_equal(receiver.count, 53);
        assert_int_equal(test.numbers.delivered, 52);
        network_case_close_sink(&test);
        network_case_run(&test, 50);
        finish(&test);
}

static void https_to_someone_else_gets_nothing(void **state)
{
        (void)state;
        const struct {
                const char *ca, *cert, *trouble;
        } rows[] = {
                {certificates.other_ca, certificates.server_cert, "certificate verify failed"},
                {certificates.ca, certificates.elsewhere_cert, "mismatch"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct network_case test;
                struct sink_options options = {.ca = rows[i].ca};
                network_case_open(&test);
                open_receiver(&test, rows[i].cert, 0);
                start(&test, "https", "localhost", &options);
                network_case_add(&test, 3);
                network_case_commit(&test);
                assert_true(network_case_wait_trouble(&test, rows[i].trouble));
                assert_int_equal(receiver.count, 0);
                assert_int_equal(test.numbers.waiting, 3);
                finish(&test);
        }
}

static void a_token_that_is_none_is_refused_at_the_start(void **state)
{
        (void)state;
        static const char *const texts[] = {"", "\n", "a b", "a\tb", "a\x80"};
        char error[600];
        struct sink_options options = {.token_file = "/no/such/token"};
        assert_null(sink_open("webhook:http://a.example/", NULL, &options, NULL, error, sizeof error));
        assert_non_null(strstr(error, "token_file /no/such/token: No such file or directory"));
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
                options.token_file = write_file("token", texts[i]);
                assert_null(sink_open("webhook:http://a.example/", NULL, &options, NULL, error, sizeof error));
                assert_non_null(strstr(error, "holds no token"));
        }
        unlink(options.token_file);
}

static void closed_while_posts_are_under_way_it_lets_go(void **state)
{
        (void)state;
        struct network_case test;
        network_case_open(&test);
        open_receiver(&test, NULL, 0);
        receiver.is_slow = true;
        start(&test, "http", "127.0.0.1", NULL);
        network_case_add(&test, 10);
        network_case_commit(&test);
        assert_true(network_case_wait_for(&test, &receiver.count, 4));
        network_case_close_sink(&test);
        network_case_run(&test, 20);
        finish(&test);
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
                cmocka_unit_test(each_alert_is_one_post),
                cmocka_unit_test(without_a_token_there_is_no_authorization),
                cmocka_unit_test(revisions_of_one_alert_go_one_after_the_other),
                cmocka_unit_test(a_gap_is_posted_too),
                cmocka_unit_test(a_receiver_that_is_busy_is_given_the_time_it_asks_for),
                cmocka_unit_test(trouble_of_the_receiver_costs_no_alert),
                cmocka_unit_test(a_token_that_was_changed_is_taken),
                cmocka_unit_test(an_alert_that_is_refused_does_not_hold_up_the_rest),
                cmocka_unit_test(who_does_not_answer_is_asked_again_after_a_while),
                cmocka_unit_test(a_cut_before_the_answer_means_once_more),
                cmocka_unit_test(a_good_status_counts_whatever_comes_of_the_body),
                cmocka_unit_test(connections_that_end_in_peace_are_made_anew),
                cmocka_unit_test(a_receiver_that_goes_and_comes_back_gets_all),
                cmocka_unit_test(https_is_verified),
                cmocka_unit_test(https_to_someone_else_gets_nothing),
                cmocka_unit_test(a_token_that_is_none_is_refused_at_the_start),
                cmocka_unit_test(closed_while_posts_are_under_way_it_lets_go),
        };
        return cmocka_run_group_tests(tests, prepare, clean_up);
}
