#include "cmd/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* A manager's socket; `name` as NOTIFY_SOCKET has it. */
static int manager_open(const char *name)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t length = strlen(name);
        int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        memcpy(address.sun_path, name, length);
        if (name[0] == '@')
                address.sun_path[0] = '\0';
        assert_int_equal(bind(manager, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)), 0);
        return manager;
}

static void expect_message(int manager, const char *expected)
{
        char message[200] = "";
        ssize_t length = recv(manager, message, sizeof message - 1, 0);
        assert_int_equal(length, strlen(expected));
        assert_string_equal(message, expected);
}

static void a_socket_with_a_path_is_told(void **state)
{
        (void)state;
        char folder[] = "/tmp/notify_test.XXXXXX", path[64];
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/notify", folder);
        int manager = manager_open(path);
        setenv("NOTIFY_SOCKET", path, 1);
        notify_service("READY=1\nSTATUS=on eth1");
        expect_message(manager, "READY=1\nSTATUS=on eth1");
        notify_service("WATCHDOG=1");
        expect_message(manager, "WATCHDOG=1");
        for (unsigned i = 0; i < 10000; i++) /* a queue that nobody empties does not hold us up */
                notify_service("WATCHDOG=1");
        close(manager);
        unlink(path);
        rmdir(folder);
        notify_service("WATCHDOG=1"); /* nobody there */
}

static void an_abstract_socket_is_told(void **state)
{
        (void)state;
        char name[64];
        snprintf(name, sizeof name, "@apnwatch-notify-test-%ld", (long)getpid());
        int manager = manager_open(name);
        setenv("NOTIFY_SOCKET", name, 1);
        notify_service("STOPPING=1");
        expect_message(manager, "STOPPING=1");
        close(manager);
}

static unsigned open_descriptors(void)
{
        unsigned count = 0;
        for (int descriptor = 0; descriptor < 64; descriptor++) {
                int copy = dup(descriptor);
                if (copy >= 0) {
                        close(copy);
                        count++;
                }
        }
        return count;
}

static void without_a_socket_nothing_happens(void **state)
{
        (void)state;
        char long_path[200];
        unsigned before = open_descriptors();
        memset(long_path, '/', sizeof long_path - 1);
        long_path[sizeof long_path - 1] = '\0';
        const char *const paths[] = {"", "vsock:2:1234", "relative", "/nowhere/at/all", long_path};
        for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
                setenv("NOTIFY_SOCKET", paths[i], 1);
                notify_service("READY=1");
        }
        unsetenv("NOTIFY_SOCKET");
        notify_service("READY=1");
        assert_int_equal(open_descriptors(), before);
}

static unsigned watchdog_of(const char *span, const char *pid)
{
        unsetenv("WATCHDOG_PID");
        unsetenv("WATCHDOG_USEC");
        if (span != NULL)
                setenv("WATCHDOG_USEC", span, 1);
        if (pid != NULL)
                setenv("WATCHDOG_PID", pid, 1);
        return notify_watchdog_ms();
}

static void the_watchdog_is_ours_only_when_it_says_so(void **state)
{
        (void)state;
        char own[24], other[24];
        snprintf(own, sizeof own, "%ld", (long)getpid());
        snprintf(other, sizeof other, "%ld", (long)getpid() + 1);
        assert_int_equal(watchdog_of("30000000", own), 30000);
        assert_int_equal(watchdog_of("30000000", NULL), 30000);
        assert_int_equal(watchdog_of("30000000", other), 0);
        assert_int_equal(watchdog_of("30000000", ""), 0);
        assert_int_equal(watchdog_of(NULL, own), 0);
        assert_int_equal(watchdog_of("", own), 0);
        assert_int_equal(watchdog_of("0", own), 0);
        assert_int_equal(watchdog_of("-1", own), 0);
        assert_int_equal(watchdog_of("30s", own), 0);
        assert_int_equal(watchdog_of("500", own), 1);
        assert_int_equal(watchdog_of("18446744073709551615", own), 3600000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_socket_with_a_path_is_told),
                cmocka_unit_test(an_abstract_socket_is_told),
                cmocka_unit_test(without_a_socket_nothing_happens),
                cmocka_unit_test(the_watchdog_is_ours_only_when_it_says_so),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
