/* The link against a server that does what it should not. */
#include "deliver/redis_link.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>

#include "tests/unit/deliver/fake_redis.h"
#include "tests/unit/deliver/link_harness.h"
#include "tests/unit/test.h"

static struct event_base *base;
static struct link_harness harness;
static struct fake_redis fake, other;

static int set_up(void **state)
{
        (void)state;
        base = event_base_new();
        fake_redis_start(&fake, base);
        fake_redis_start(&other, base);
        return 0;
}

static int clean_up(void **state)
{
        (void)state;
        link_harness_close(&harness);
        fake_redis_stop(&fake);
        fake_redis_stop(&other);
        event_base_free(base);
        return 0;
}

static void open_link(const char *format)
{
        char address[128];
        snprintf(address, sizeof address, "redis://127.0.0.1:%u%s", fake_redis_port(&fake), format);
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
}

/* Answers GET with what the test says, on all connections or on the first alone. */
struct script {
        const char *get;
        size_t length;
        unsigned left;
};

static bool answer_get(void *context, const redisReply *command, unsigned number, struct evbuffer *out)
{
        (void)number;
        struct script *script = context;
        if (!fake_redis_word_is(command, 0, "GET") || script->left == 0)
                return false;
        script->left--;
        evbuffer_add(out, script->get, script->length);
        return true;
}

static void run_script(struct script *script, const char *get)
{
        *script = (struct script){.get = get, .length = strlen(get), .left = 1};
        fake.answer = answer_get;
        fake.context = script;
        open_link("");
        link_harness_start(&harness);
        expect_ready();
}

static void replies_may_come_byte_by_byte(void **state)
{
        (void)state;
        struct script script;
        run_script(&script, "$12\r\nhello\r\nworld\r\n");
        script.left = 2;
        fake.dribble = true;
        assert_string_equal(link_harness_ask(&harness, "GET a"), "$hello\r\nworld");
        script.get = "*3\r\n:-5\r\n$-1\r\n*2\r\n+x\r\n*0\r\n", script.length = strlen(script.get);
        assert_string_equal(link_harness_ask(&harness, "GET a"), "*3");
        assert_string_equal(link_harness_ask(&harness, "GET a"), "+OK");
        assert_int_equal(harness.lost, 0);
}

static void a_reply_that_is_cut_is_no_reply(void **state)
{
        (void)state;
        open_link("");
        fake.cut_after = 3; /* within +OK\r\n of the greeting */
        link_harness_start(&harness);
        expect_lost("the server closed the connection");
        assert_int_equal(harness.ready, 0);
        fake.cut_after = 14; /* +OK +PONG, and 2 bytes of the next */
        expect_ready();
        assert_int_equal(link_harness_send(&harness, "GET a"), 0);
        assert_int_equal(link_harness_send(&harness, "GET b"), 0);
        expect_lost("the server closed the connection");
        assert_int_equal(harness.replies, 0);
        fake.cut_after = 0;
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "GET a"), "+OK");
}

static void states_of_the_server_end_the_connection(void **state)
{
        (void)state;
        static const char *const table[] = {
                "LOADING Redis is loading the dataset in memory",
                "MASTERDOWN Link with MASTER is down",
                "READONLY You can't write",
                "CLUSTERDOWN The cluster is down",
                "TRYAGAIN Multiple keys",
                "ASK 3999 127.0.0.1:6381",
                "BUSY Redis is busy",
                "UNBLOCKED force unblock",
                "NOAUTH Authentication required.",
        };
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct script script;
                char reply[200];
                snprintf(reply, sizeof reply, "-%s\r\n", table[i]);
                run_script(&script, reply);
                assert_int_equal(link_harness_send(&harness, "GET a"), 0);
                assert_int_equal(link_harness_send(&harness, "GET b"), 0);
                expect_lost(table[i]);
                assert_int_equal(harness.replies, 0);
                expect_ready();
                assert_string_equal(link_harness_ask(&harness, "GET a"), "+OK");
                link_harness_close(&harness);
        }
}

static void other_errors_are_replies(void **state)
{
        (void)state;
        static const char *const table[] = {
                "OOM command not allowed", "NOPERM this user", "ERR x", "MISCONF y", "LOADINGS", "WRONGTYPE"};
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct script script;
                char reply[200];
                snprintf(reply, sizeof reply, "-%s\r\n", table[i]);
                run_script(&script, reply);
                assert_string_equal(link_harness_ask(&harness, "GET a") + 1, table[i]);
                assert_int_equal(harness.lost, 0);
                link_harness_close(&harness);
        }
}

static bool load_at_first(void *context, const redisReply *command, unsigned number, struct evbuffer *out)
{
        (void)command, (void)number;
        unsigned *left = context;
        if (*left == 0)
                return false;
        (*left)--;
        evbuffer_add_printf(out, "-LOADING Redis is loading the dataset in memory\r\n");
        return true;
}

static void a_server_that_still_loads_is_not_ready(void **state)
{
        (void)state;
        unsigned left = 6;
        fake.answer = load_at_first;
        fake.context = &left;
        open_link("");
        link_harness_start(&harness);
        expect_lost("LOADING");
        assert_int_equal(harness.ready, 0);
        expect_ready();
        assert_int_equal(harness.lost, 3);
}

static void moved_leads_to_the_address_in_it(void **state)
{
        (void)state;
        struct script script;
        char reply[100];
        snprintf(reply, sizeof reply, "-MOVED 3999 127.0.0.1:%u\r\n", fake_redis_port(&other));
        run_script(&script, reply);
        assert_int_equal(link_harness_send(&harness, "GET a"), 0);
        expect_lost("MOVED 3999");
        expect_ready();
        assert_int_equal(other.connections, 1);
        assert_string_equal(link_harness_ask(&harness, "GET a"), "+OK");
        fake_redis_hang_up(&other); /* what was configured is asked again */
        expect_lost("closed");
        expect_ready();
        assert_int_equal(other.connections, 1);
        assert_int_equal(fake.connections, 2);
        script.left = 1; /* the host may be left out */
        snprintf(reply, sizeof reply, "-MOVED 3999 :%u\r\n", fake_redis_port(&other));
        script.length = strlen(reply);
        assert_int_equal(link_harness_send(&harness, "GET a"), 0);
        expect_lost("MOVED 3999");
        expect_ready();
        assert_int_equal(other.connections, 2);
}

static void moved_to_nowhere_is_just_a_loss(void **state)
{
        (void)state;
        static const char *const table[] = {"-MOVED\r\n",           "-MOVED 1\r\n",   "-MOVED 1 x\r\n", "-MOVED 1 a b:1\r\n",
                                            "-MOVED 1 a:99999\r\n", "-MOVED 1 :\r\n", "-MOVED  :\r\n"};
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct script script;
                run_script(&script, table[i]);
                assert_int_equal(link_harness_send(&harness, "GET a"), 0);
                expect_lost("MOVED");
                expect_ready();
                link_harness_close(&harness);
        }
}

static void what_is_no_reply_ends_the_connection(void **state)
{
        (void)state;
        static const struct {
                const char *bytes, *why;
        } table[] = {
                {"HTTP/1.1 400 Bad Request\r\n\r\n", "this is no Redis: "},
                {"\x16\x03\x01\x02", "this is no Redis: "},
                {":12x\r\n", "this is no Redis: "},
                {"$-5\r\n", "this is no Redis: "},
                {"*2147483647\r\n", "larger than the limit"},
                {"*9223372036854775807\r\n", "this is no Redis: "},
                {"*200000\r\n*200000\r\n", "larger than the limit"},
                {"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "this is no Redis: "},
                {"%1\r\n+a\r\n+b\r\n", "this is no Redis: "},
                {"+OK\r\n+OK\r\n", "a reply that nobody asked for"},
        };
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct script script;
                run_script(&script, table[i].bytes);
                assert_int_equal(link_harness_send(&harness, "GET a"), 0);
                expect_lost(table[i].why);
                expect_ready();
                link_harness_close(&harness);
        }
}

static bool answer_endlessly(void *context, const redisReply *command, unsigned number, struct evbuffer *out)
{
        (void)context, (void)number;
        if (!fake_redis_word_is(command, 0, "GET"))
                return false;
        static const char block[65536];
        evbuffer_add_printf(out, "$512000000\r\n");
        for (unsigned i = 0; i < 2000; i++)
                evbuffer_add_reference(out, block, sizeof block, NULL, NULL);
        return true;
}

static void a_reply_without_end_is_not_gathered(void **state)
{
        (void)state;
        open_link("");
        fake.answer = answer_endlessly;
        link_harness_start(&harness);
        expect_ready();
        assert_int_equal(link_harness_send(&harness, "GET a"), 0);
        expect_lost("larger than the limit");
}

static bool repeat_password(void *context, const redisReply *command, unsigned number, struct evbuffer *out)
{
        (void)context, (void)number;
        if (!fake_redis_word_is(command, 0, "AUTH"))
                return false;
        evbuffer_add_printf(out, "-ERR unknown command 'AUTH', with args beginning with: '%s' '%s'\r\n",
                            command->element[1]->str, command->element[2]->str);
        return true;
}

static void a_password_that_the_server_repeats_is_not_told(void **state)
{
        (void)state;
        char path[] = "/tmp/redis_link_fault_test.XXXXXX";
        int file = mkstemp(path);
        assert_int_equal(write(file, "hunter2\n", 8), 8);
        close(file);
        open_link("");
        harness.settings.username = "u";
        harness.settings.password_file = path;
        fake.answer = repeat_password;
        link_harness_start(&harness);
        expect_lost("AUTH is refused");
        assert_null(strstr(harness.why, "hunter2"));
        unlink(path);
}

static void a_mute_server_is_left(void **state)
{
        (void)state;
        open_link("");
        harness.settings.timeout_ms = 150;
        fake.is_mute = true;
        link_harness_start(&harness);
        expect_lost("nothing heard for 150 ms");
        fake.is_mute = false;
        expect_ready();
}

static void pauses_grow_and_begin_anew_when_it_is_well(void **state)
{
        (void)state;
        open_link("");
        harness.settings.pause_ms = NULL;
        fake.cut_after = 1;
        link_harness_start(&harness);
        link_harness_run(&harness, 1500); /* 25 + 50 + 100 + ... ms on average */
        assert_in_range(harness.lost, 2, 20);
        fake.cut_after = 0;
        expect_ready();
        link_harness_ask(&harness, "GET a");
        for (unsigned i = 0; i < 3; i++) { /* at most 50 ms each, when an answered command resets */
                link_harness_ask(&harness, "GET a");
                unsigned ready = harness.ready;
                fake_redis_hang_up(&fake);
                link_harness_run(&harness, 120);
                assert_int_equal(harness.ready, ready + 1);
        }
}

/* Sentinels: `fake` and `other` answer as such, by the port that `master` holds, and as the master itself. */
struct sentinels {
        unsigned port;
        const char *role;
        unsigned asked;
        bool is_unknown;
};

static bool answer_as_sentinel(void *context, const redisReply *command, unsigned number, struct evbuffer *out)
{
        (void)number;
        struct sentinels *sentinels = context;
        if (fake_redis_word_is(command, 0, "ROLE")) {
                evbuffer_add_printf(out, "*1\r\n$%zu\r\n%s\r\n", strlen(sentinels->role), sentinels->role);
                return true;
        }
        if (!fake_redis_word_is(command, 0, "SENTINEL"))
                return false;
        assert_true(fake_redis_word_is(command, 1, "GET-MASTER-ADDR-BY-NAME") && fake_redis_word_is(command, 2, "mymaster"));
        sentinels->asked++;
        char port[8];
        snprintf(port, sizeof port, "%u", sentinels->port);
        if (sentinels->is_unknown)
                evbuffer_add_printf(out, "*-1\r\n");
        else
                evbuffer_add_printf(out, "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
        return true;
}

static void each_sentinel_is_asked_in_turn(void **state)
{
        (void)state;
        struct fake_redis master;
        fake_redis_start(&master, base);
        struct sentinels first = {.port = fake_redis_port(&master), .role = "slave", .is_unknown = true};
        struct sentinels second = {.port = fake_redis_port(&master), .role = "slave"};
        fake.answer = other.answer = master.answer = answer_as_sentinel;
        fake.context = &first;
        other.context = master.context = &second;
        char more[64];
        snprintf(more, sizeof more, ",127.0.0.1:1,127.0.0.1:%u?sentinel=mymaster", fake_redis_port(&other));
        open_link(more);
        link_harness_start(&harness);
        expect_lost("ROLE says otherwise");
        assert_int_equal(first.asked, 1);
        assert_int_equal(second.asked, 1);
        second.role = "master";
        expect_ready();
        assert_string_equal(link_harness_ask(&harness, "GET a"), "+OK");
        assert_true(master.commands > 0);
        unsigned asked = first.asked + second.asked, connections = master.connections;
        second.is_unknown = true;
        fake_redis_hang_up(&master);
        expect_lost("closed");
        expect_lost("knows no master");
        assert_true(first.asked + second.asked >= asked + 2);
        assert_int_equal(master.connections, connections);
        second.is_unknown = false;
        expect_ready();
        link_harness_close(&harness);
        fake_redis_stop(&master);
}

static void a_master_that_became_a_replica_is_looked_for_again(void **state)
{
        (void)state;
        struct fake_redis master;
        struct script script = {.get = "-READONLY You can't write against a read only replica.\r\n", .left = 1};
        fake_redis_start(&master, base);
        struct sentinels sentinels = {.port = fake_redis_port(&master), .role = "master"};
        script.length = strlen(script.get);
        fake.answer = other.answer = answer_as_sentinel;
        fake.context = other.context = &sentinels;
        master.answer = answer_get;
        master.context = &script;
        open_link("?sentinel=mymaster");
        link_harness_start(&harness);
        expect_ready();
        assert_int_equal(link_harness_send(&harness, "GET a"), 0);
        sentinels.port = fake_redis_port(&other);
        expect_lost("READONLY");
        expect_ready();
        assert_int_equal(sentinels.asked, 2);
        assert_int_equal(other.connections, 1);
        link_harness_close(&harness);
        fake_redis_stop(&master);
}

static void a_link_may_be_destroyed_at_any_stage(void **state)
{
        (void)state;
        static const char *const addresses[] = {"redis://no-such-name.invalid", "redis://localhost:1", "rediss://127.0.0.1:1",
                                                "redis://127.0.0.1:1,127.0.0.1:2?sentinel=m"};
        for (unsigned i = 0; i < sizeof addresses / sizeof *addresses; i++) {
                link_harness_open(&harness, base, addresses[i]);
                link_harness_start(&harness);
                for (unsigned rounds = 0; rounds < i + 1; rounds++)
                        event_base_loop(base, EVLOOP_NONBLOCK);
                link_harness_close(&harness);
        }
        open_link("");
        harness.settings.timeout_ms = 100;
        fake.is_mute = true;
        link_harness_start(&harness);
        link_harness_run(&harness, 30);
        link_harness_close(&harness);
        link_harness_open(&harness, base, "redis://127.0.0.1:1");
        harness.settings.lost = NULL;
        link_harness_start(&harness);
        link_harness_run(&harness, 30);
}

int main(void)
{
        signal(SIGPIPE, SIG_IGN);
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(replies_may_come_byte_by_byte, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_reply_that_is_cut_is_no_reply, set_up, clean_up),
                cmocka_unit_test_setup_teardown(states_of_the_server_end_the_connection, set_up, clean_up),
                cmocka_unit_test_setup_teardown(other_errors_are_replies, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_server_that_still_loads_is_not_ready, set_up, clean_up),
                cmocka_unit_test_setup_teardown(moved_leads_to_the_address_in_it, set_up, clean_up),
                cmocka_unit_test_setup_teardown(moved_to_nowhere_is_just_a_loss, set_up, clean_up),
                cmocka_unit_test_setup_teardown(what_is_no_reply_ends_the_connection, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_reply_without_end_is_not_gathered, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_password_that_the_server_repeats_is_not_told, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_mute_server_is_left, set_up, clean_up),
                cmocka_unit_test_setup_teardown(pauses_grow_and_begin_anew_when_it_is_well, set_up, clean_up),
                cmocka_unit_test_setup_teardown(each_sentinel_is_asked_in_turn, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_master_that_became_a_replica_is_looked_for_again, set_up, clean_up),
                cmocka_unit_test_setup_teardown(a_link_may_be_destroyed_at_any_stage, set_up, clean_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
