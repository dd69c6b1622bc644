/* The link against a redis-server. What a server should not do is in redis_link_fault_test.c. */
#include "deliver/redis_link.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <hiredis/hiredis.h>

#include "tests/unit/deliver/link_harness.h"
#include "tests/unit/deliver/real_redis.h"
#include "tests/unit/deliver/test_certificates.h"
#include "tests/unit/test.h"

static struct event_base *base;
static struct link_harness harness;
static struct real_redis redis;
static char folder[] = "/tmp/redis_link_test.XXXXXX";
static struct test_certificates certificates;

static int clean_up(void **state)
{
        (void)state;
        link_harness_close(&harness);
        real_redis_stop(&redis);
        return 0;
}

static const char *write_file(const char *name, const char *text)
{
        static char paths[4][128];
        static unsigned next;
        char *path = paths[next++ % 4];
        snprintf(path, sizeof paths[0], "%s/%s", folder, name);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
        return path;
}

static void open_link(const char *scheme, const char *host, const char *rest)
{
        char address[128];
        snprintf(address, sizeof address, "%s://%s:%u%s", scheme, host, redis.tls_port ? redis.tls_port : redis.port, rest);
        link_harness_open(&harness, base, address);
}

static void expect_ready(void)
{
        if (!link_harness_wait(&harness, &harness.ready, harness.ready + 1))
                fail_msg("not ready: %s", harness.why);
}

static void expect_lost(const char *what)
{
        assert_true(link_harness_wait(&harness, &harness.lost, harness.lost + 1));
        if (strstr(harness.why, what) == NULL)
                fail_msg("expected \"%s\" in: %s", what, harness.why);
        assert_false(redis_link_is_ready(harness.link));
}

static void commands_are_answered_in_order(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("redis", "127.0.0.1", "/3");
        link_harness_start(&harness);
        assert_int_equal(link_harness_send(&harness, "PING"), -ENOTCONN);
        expect_ready();
        for (unsigned i = 1; i <= 1000; i++)
                assert_int_equal(link_harness_send(&harness, "INCR n"), 0);
        assert_int_equal(redis_link_in_flight(harness.link), 1000);
        assert_true(link_harness_wait(&harness, &harness.replies, 1000));
        assert_string_equal(harness.reply, ":1000");
        assert_int_equal(redis_link_in_flight(harness.link), 0);
        assert_string_equal(link_harness_ask(&harness, "CLIENT GETNAME"), "$harness");
        assert_string_equal(link_harness_ask(&harness, "NOSUCH"),
                            "-ERR unknown command 'NOSUCH', with args beginning with: ");
        assert_string_equal(link_harness_ask(&harness, "XADD s 5-1 a b"), "$5-1");
        assert_string_equal(real_redis_ask(&redis, "-n 3 get n"), "1000");
        assert_int_equal(harness.lost, 0);
}

static void a_name_is_looked_up_and_all_its_addresses_tried(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("redis", "localhost", ""); /* may be ::1 first, where nobody listens */
        link_harness_start(&harness);
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "PING"), "+PONG");
}

static void a_server_that_is_not_there_is_waited_for(void **state)
{
        (void)state;
        redis.port = free_port();
        open_link("redis", "127.0.0.1", "");
        link_harness_start(&harness);
        expect_lost("Connection refused");
        assert_non_null(strstr(harness.why, "127.0.0.1:"));
        expect_lost("Connection refused");
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        expect_ready();
        real_redis_kill(&redis);
        expect_lost("the server closed the connection");
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "PING"), "+PONG");
}

static void a_password_is_read_at_each_connect(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, (const char *[]){"--requirepass", "pass word", NULL});
        open_link("redis", "127.0.0.1", "");
        harness.settings.password_file = write_file("password", "wrong-secret\n");
        link_harness_start(&harness);
        expect_lost("WRONGPASS");
        assert_null(strstr(harness.why, "wrong-secret"));
        write_file("password", "");
        expect_lost("the file is empty");
        unlink(harness.settings.password_file);
        expect_lost("No such file");
        write_file("password", "pass word\r\n");
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "CLIENT GETNAME"), "$harness");
}

static void no_password_where_one_is_wanted_is_told(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, (const char *[]){"--requirepass", "secret", NULL});
        open_link("redis", "127.0.0.1", "");
        link_harness_start(&harness);
        expect_lost("NOAUTH");
}

static void a_password_where_none_is_wanted_is_told(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("redis", "127.0.0.1", "");
        harness.settings.password_file = write_file("password", "hunter2");
        link_harness_start(&harness);
        expect_lost("AUTH is refused");
        assert_null(strstr(harness.why, "hunter2"));
}

static void a_user_of_an_acl_needs_no_right_but_ping(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN,
                         (const char *[]){"--user", "default", "off", "--user", "sensor", "on", ">s3cret", "~apnwatch:*",
                                          "-@all", "+ping", "+xadd", NULL});
        open_link("redis", "127.0.0.1", "");
        harness.settings.username = "sensor";
        harness.settings.password_file = write_file("password", "s3cret\n");
        link_harness_start(&harness);
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "XADD apnwatch:x 1-1 a b"), "$1-1");
        assert_non_null(strstr(link_harness_ask(&harness, "GET apnwatch:x"), "-NOPERM"));
        assert_true(redis_link_is_ready(harness.link));
}

static void credentials_that_cannot_be_read_are_found_at_the_start(void **state)
{
        (void)state;
        struct redis_link *link;
        char error[300];
        open_link("redis", "127.0.0.1", "1");
        harness.settings.username = "sensor";
        assert_int_equal(redis_link_create(&link, base, &harness.settings, error, sizeof error), -EINVAL);
        assert_non_null(strstr(error, "needs a password_file"));
        harness.settings.password_file = "/nonexistent/pw";
        assert_int_equal(redis_link_create(&link, base, &harness.settings, error, sizeof error), -ENOENT);
        assert_non_null(strstr(error, "/nonexistent/pw"));
        assert_null(link);
}

static void a_database_that_is_not_there_is_told(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("redis", "127.0.0.1", "/99");
        link_harness_start(&harness);
        expect_lost("DB index is out of range");
}

static void a_stopped_server_is_noticed_only_while_commands_are_in_flight(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("redis", "127.0.0.1", "");
        harness.settings.timeout_ms = 200;
        link_harness_start(&harness);
        expect_ready();
        real_redis_signal(&redis, SIGSTOP);
        link_harness_run(&harness, 500);
        assert_int_equal(harness.lost, 0);
        assert_int_equal(link_harness_send(&harness, "PING"), 0);
        expect_lost("nothing heard for 200 ms with 1 commands in flight");
        expect_lost("nothing heard"); /* the kernel accepts for it; the greeting is not answered */
        assert_int_equal(harness.replies, 0);
        real_redis_signal(&redis, SIGCONT);
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "PING"), "+PONG");
}

static void a_command_may_wait_in_the_server_longer_than_the_timeout(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("redis", "127.0.0.1", "");
        harness.settings.timeout_ms = 200;
        link_harness_start(&harness);
        expect_ready();
        assert_int_equal(link_harness_send(&harness, "XREAD BLOCK 600 STREAMS s $"), 0);
        redis_link_expect_block(harness.link, 600);
        assert_true(link_harness_wait(&harness, &harness.replies, 1));
        assert_string_equal(harness.reply, "_");
        assert_int_equal(harness.lost, 0);
}

static void a_dropped_connection_is_made_again_and_its_commands_are_void(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("redis", "127.0.0.1", "");
        link_harness_start(&harness);
        expect_ready();
        assert_int_equal(link_harness_send(&harness, "PING"), 0);
        redis_link_drop(harness.link, "OOM it was");
        assert_int_equal(harness.lost, 1);
        assert_non_null(strstr(harness.why, ": OOM it was"));
        redis_link_drop(harness.link, "again");
        assert_int_equal(harness.lost, 1);
        expect_ready();
        assert_int_equal(harness.replies, 0);
        assert_string_equal(link_harness_ask(&harness, "PING"), "+PONG");
}

static void start_tls(const char *client_auth)
{
        real_redis_start(&redis, REAL_REDIS_TLS,
                         (const char *[]){"--tls-cert-file", certificates.server_cert, "--tls-key-file",
                                          certificates.server_key, "--tls-ca-cert-file", certificates.ca,
                                          "--tls-auth-clients", client_auth, NULL});
}

static void tls_is_spoken_with_a_name_and_with_an_address(void **state)
{
        (void)state;
        static const char *const hosts[] = {"localhost", "127.0.0.1"};
        start_tls("no");
        for (unsigned i = 0; i < 2; i++) {
                open_link("rediss", hosts[i], "");
                harness.settings.ca = certificates.ca;
                link_harness_start(&harness);
                expect_ready();
                for (unsigned n = 1; n <= 2000; n++)
                        assert_int_equal(link_harness_send(&harness, "INCR n"), 0);
                assert_true(link_harness_wait(&harness, &harness.replies, 2000));
                assert_int_equal(harness.lost, 0);
                link_harness_close(&harness);
        }
}

static void an_unknown_authority_is_refused(void **state)
{
        (void)state;
        start_tls("no");
        open_link("rediss", "127.0.0.1", "");
        harness.settings.ca = certificates.other_ca;
        link_harness_start(&harness);
        expect_lost(
                "certificate verify failed: self-signed certificate in certificate chain"); /* it sends its authority along */
        expect_lost("certificate verify failed");
        link_harness_close(&harness);
        open_link("rediss", "127.0.0.1", ""); /* nor is it among the system's */
        link_harness_start(&harness);
        expect_lost("certificate verify failed");
}

static void a_certificate_for_another_host_is_refused(void **state)
{
        (void)state;
        static const struct {
                const char *host, *why;
        } table[] = {{"127.0.0.2", "certificate verify failed: IP address mismatch"},
                     {"localhost", "certificate verify failed: hostname mismatch"}};
        real_redis_start(&redis, REAL_REDIS_TLS,
                         (const char *[]){"--tls-cert-file", certificates.elsewhere_cert, "--tls-key-file",
                                          certificates.server_key, "--tls-ca-cert-file", certificates.ca,
                                          "--tls-auth-clients", "no", "--bind", "127.0.0.1", "127.0.0.2", NULL});
        for (unsigned i = 0; i < 2; i++) {
                open_link("rediss", table[i].host, "");
                harness.settings.ca = certificates.ca;
                link_harness_start(&harness);
                expect_lost(table[i].why);
                assert_int_equal(harness.ready, 0);
                link_harness_close(&harness);
        }
}

static void a_certificate_of_our_own_is_shown_when_asked_for(void **state)
{
        (void)state;
        start_tls("yes");
        open_link("rediss", "127.0.0.1", "");
        harness.settings.ca = certificates.ca;
        link_harness_start(&harness);
        expect_lost("TLS: ");
        assert_non_null(strstr(harness.why, "certificate required"));
        link_harness_close(&harness);
        open_link("rediss", "127.0.0.1", "");
        harness.settings.ca = certificates.ca;
        harness.settings.cert = certificates.client_cert;
        harness.settings.key = certificates.client_key;
        link_harness_start(&harness);
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "PING"), "+PONG");
}

static void tls_to_a_plain_port_is_told(void **state)
{
        (void)state;
        real_redis_start(&redis, REAL_REDIS_PLAIN, NULL);
        open_link("rediss", "127.0.0.1", "");
        link_harness_start(&harness);
        assert_true(link_harness_wait(&harness, &harness.lost, 1));
        assert_int_equal(harness.ready, 0);
}

static void tls_survives_the_servers_death(void **state)
{
        (void)state;
        start_tls("no");
        open_link("rediss", "127.0.0.1", "");
        harness.settings.ca = certificates.ca;
        link_harness_start(&harness);
        expect_ready();
        real_redis_kill(&redis);
        assert_true(link_harness_wait(&harness, &harness.lost, 1));
        expect_lost("Connection refused");
        start_tls("no");
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "PING"), "+PONG");
}

static void files_of_tls_that_are_none_are_found_at_the_start(void **state)
{
        (void)state;
        const char *text = write_file("text.pem", "this is no PEM\n");
        const struct {
                const char *ca, *cert, *key, *told;
        } table[] = {
                {"/nonexistent/ca.pem", NULL, NULL, "ca /nonexistent/ca.pem: No such file or directory"},
                {text, NULL, NULL, "text.pem"},
                {NULL, certificates.client_cert, NULL, "both or none"},
                {NULL, text, certificates.client_key, "cert "},
                {NULL, certificates.client_cert, text, "key "},
                {NULL, certificates.client_cert, certificates.server_key, "key values mismatch"},
        };
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct redis_link *link;
                char error[400] = "";
                open_link("rediss", "127.0.0.1", "1");
                harness.settings.ca = table[i].ca;
                harness.settings.cert = table[i].cert;
                harness.settings.key = table[i].key;
                assert_true(redis_link_create(&link, base, &harness.settings, error, sizeof error) < 0);
                if (strstr(error, table[i].told) == NULL)
                        fail_msg("expected \"%s\" in: %s", table[i].told, error);
        }
}

static int begin(void **state)
{
        (void)state;
        signal(SIGPIPE, SIG_IGN);
        assert_non_null(mkdtemp(folder));
        test_certificates_make(&certificates, folder);
        base = event_base_new();
        return base ? 0 : -1;
}

static int end(void **state)
{
        (void)state;
        char command[128];
        event_base_free(base);
        snprintf(command, sizeof command, "rm -rf %s", folder);
        return system(command);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(commands_are_answered_in_order, clean_up),
                cmocka_unit_test_teardown(a_name_is_looked_up_and_all_its_addresses_tried, clean_up),
                cmocka_unit_test_teardown(a_server_that_is_not_there_is_waited_for, clean_up),
                cmocka_unit_test_teardown(a_password_is_read_at_each_connect, clean_up),
                cmocka_unit_test_teardown(no_password_where_one_is_wanted_is_told, clean_up),
                cmocka_unit_test_teardown(a_password_where_none_is_wanted_is_told, clean_up),
                cmocka_unit_test_teardown(a_user_of_an_acl_needs_no_right_but_ping, clean_up),
                cmocka_unit_test_teardown(credentials_that_cannot_be_read_are_found_at_the_start, clean_up),
                cmocka_unit_test_teardown(a_database_that_is_not_there_is_told, clean_up),
                cmocka_unit_test_teardown(a_stopped_server_is_noticed_only_while_commands_are_in_flight, clean_up),
                cmocka_unit_test_teardown(a_command_may_wait_in_the_server_longer_than_the_timeout, clean_up),
                cmocka_unit_test_teardown(a_dropped_connection_is_made_again_and_its_commands_are_void, clean_up),
                cmocka_unit_test_teardown(tls_is_spoken_with_a_name_and_with_an_address, clean_up),
                cmocka_unit_test_teardown(an_unknown_authority_is_refused, clean_up),
                cmocka_unit_test_teardown(a_certificate_for_another_host_is_refused, clean_up),
                cmocka_unit_test_teardown(a_certificate_of_our_own_is_shown_when_asked_for, clean_up),
                cmocka_unit_test_teardown(tls_to_a_plain_port_is_told, clean_up),
                cmocka_unit_test_teardown(tls_survives_the_servers_death, clean_up),
                cmocka_unit_test_teardown(files_of_tls_that_are_none_are_found_at_the_start, clean_up),
        };
        return cmocka_run_group_tests(tests, begin, end);
}
