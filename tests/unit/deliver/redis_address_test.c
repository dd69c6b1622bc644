#include "deliver/redis_address.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

static void an_address_is_read_whole(void **state)
{
        (void)state;
        static const struct {
                const char *given, *name;
                unsigned port, database;
                bool tls;
        } table[] = {
                {"redis://127.0.0.1", "127.0.0.1", 6379, 0, false},
                {"redis://127.0.0.1:6380", "127.0.0.1", 6380, 0, false},
                {"redis://127.0.0.1:6380/", "127.0.0.1", 6380, 0, false},
                {"redis://redis.example/15", "redis.example", 6379, 15, false},
                {"rediss://redis-1.example.:65535/2147483647", "redis-1.example.", 65535, 2147483647, true},
                {"redis://[2001:db8::7]", "2001:db8::7", 6379, 0, false},
                {"rediss://[::1]:1/3", "::1", 1, 3, true},
                {"redis://under_score", "under_score", 6379, 0, false},
        };
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct redis_address address;
                char error[300] = "";
                assert_int_equal(redis_address_parse(&address, table[i].given, error, sizeof error), 0);
                assert_string_equal(error, "");
                assert_int_equal(address.host_count, 1);
                assert_string_equal(address.hosts[0].name, table[i].name);
                assert_int_equal(address.hosts[0].port, table[i].port);
                assert_int_equal(address.database, table[i].database);
                assert_int_equal(address.tls, table[i].tls);
                assert_string_equal(address.sentinel, "");
        }
}

static void sentinels_have_their_own_port_and_the_name_of_a_master(void **state)
{
        (void)state;
        struct redis_address address;
        char error[300] = "";
        assert_int_equal(redis_address_parse(&address,
                                             "rediss://a.example,10.0.0.2:5000,[2001:db8::3]/4?sentinel=my-master.1", error,
                                             sizeof error),
                         0);
        assert_int_equal(address.host_count, 3);
        assert_string_equal(address.hosts[0].name, "a.example");
        assert_int_equal(address.hosts[0].port, 26379);
        assert_string_equal(address.hosts[1].name, "10.0.0.2");
        assert_int_equal(address.hosts[1].port, 5000);
        assert_string_equal(address.hosts[2].name, "2001:db8::3");
        assert_int_equal(address.hosts[2].port, 26379);
        assert_string_equal(address.sentinel, "my-master.1");
        assert_int_equal(address.database, 4);
        assert_true(address.tls);
        assert_int_equal(redis_address_parse(&address, "redis://a?sentinel=m", error, sizeof error), 0);
        assert_int_equal(address.hosts[0].port, 26379);
        assert_int_equal(redis_address_parse(&address, "redis://a,b,c,d,e,f,g,h?sentinel=m", error, sizeof error), 0);
        assert_int_equal(address.host_count, 8);
}

static void what_is_no_address_is_told(void **state)
{
        (void)state;
        static const struct {
                const char *given, *told;
        } table[] = {
                {"", "no address of a Redis"},
                {"redis:/127.0.0.1", "no address of a Redis"},
                {"http://127.0.0.1", "no address of a Redis"},
                {"redis://", "a host is missing"},
                {"redis://:6379", "neither a name nor an address"},
                {"redis:///0", "a host is missing"},
                {"redis://a:", "neither"},
                {"redis://a:0", "neither"},
                {"redis://a:65536", "neither"},
                {"redis://a:+1", "neither"},
                {"redis://a:1x", "neither"},
                {"redis://a:99999999999", "neither"},
                {"redis://a b", "neither"},
                {"redis://-a", "neither"},
                {"redis://2001:db8::7", "neither"},
                {"redis://[2001:db8::7", "neither"},
                {"redis://[127.0.0.1]", "neither"},
                {"redis://[]:1", "neither"},
                {"redis://[::1]x", "neither"},
                {"redis://a/x", "database is no number"},
                {"redis://a/-1", "database is no number"},
                {"redis://a/1/2", "database is no number"},
                {"redis://a/2147483648", "database is no number"},
                {"redis://a,b", "?sentinel=NAME is missing"},
                {"redis://a,?sentinel=m", "a host is missing"},
                {"redis://a,b,c,d,e,f,g,h,i?sentinel=m", "more than 8 hosts"},
                {"redis://a?sentinel=", "behind sentinel= is none"},
                {"redis://a?sentinel=a b", "behind sentinel= is none"},
                {"redis://a?master=m", "not sentinel=NAME"},
                {"redis://a?sentinel=m&password=x", "behind sentinel= is none"},
        };
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct redis_address address;
                char error[300] = "";
                assert_int_equal(redis_address_parse(&address, table[i].given, error, sizeof error), -EINVAL);
                if (strstr(error, table[i].told) == NULL)
                        fail_msg("%s: %s", table[i].given, error);
        }
}

static void credentials_are_refused_and_not_repeated(void **state)
{
        (void)state;
        static const char *const table[] = {"redis://user:hunter2@127.0.0.1", "rediss://:hunter2@127.0.0.1/0",
                                            "redis://hunter2@a", "redis://a/hunter2@"};
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct redis_address address;
                char error[300] = "";
                assert_int_equal(redis_address_parse(&address, table[i], error, sizeof error), -EINVAL);
                assert_non_null(strstr(error, "password_file"));
                assert_null(strstr(error, "hunter2"));
        }
}

static void a_name_that_is_too_long_is_none(void **state)
{
        (void)state;
        struct redis_address address;
        char given[600] = "redis://", error[300];
        memset(given + 8, 'a', 253);
        assert_int_equal(redis_address_parse(&address, given, error, sizeof error), 0);
        memset(given + 8, 'a', 500);
        assert_int_equal(redis_address_parse(&address, given, error, sizeof error), -EINVAL);
        strcpy(given, "redis://a?sentinel=");
        memset(given + strlen(given), 'm', 128);
        assert_int_equal(redis_address_parse(&address, given, error, sizeof error), -EINVAL);
}

static void moved_names_a_host(void **state)
{
        (void)state;
        static const struct {
                const char *text, *name;
                unsigned port;
        } table[] = {
                {"MOVED 3999 127.0.0.1:6381", "127.0.0.1", 6381},
                {"MOVED 3999 node-1.example:6381", "node-1.example", 6381},
                {"MOVED 3999 2001:db8::7:6381", "2001:db8::7", 6381},
                {"MOVED 3999 [2001:db8::7]:6381", "2001:db8::7", 6381},
                {"MOVED 3999 :6381", "2001:db8::1", 6381},
                {"MOVED 3999 a:0", NULL, 0},
                {"MOVED 3999 a:65536", NULL, 0},
                {"MOVED 3999 a", NULL, 0},
                {"MOVED 3999 ", NULL, 0},
                {"MOVED 3999", NULL, 0},
                {"MOVED ", NULL, 0},
                {"MOVED", NULL, 0},
                {"ASK 3999 a:1", NULL, 0},
                {"MOVED 3999 a b:1", NULL, 0},
        };
        const struct redis_host from = {.name = "2001:db8::1", .port = 1};
        for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
                struct redis_host host;
                if (redis_moved_parse(&host, table[i].text, strlen(table[i].text), &from) != (table[i].name != NULL))
                        fail_msg("%s", table[i].text);
                if (table[i].name == NULL)
                        continue;
                assert_string_equal(host.name, table[i].name);
                assert_int_equal(host.port, table[i].port);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_address_is_read_whole),
                cmocka_unit_test(sentinels_have_their_own_port_and_the_name_of_a_master),
                cmocka_unit_test(what_is_no_address_is_told),
                cmocka_unit_test(credentials_are_refused_and_not_repeated),
                cmocka_unit_test(a_name_that_is_too_long_is_none),
                cmocka_unit_test(moved_names_a_host),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
