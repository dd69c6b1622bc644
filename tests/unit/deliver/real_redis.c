#include "tests/unit/deliver/real_redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test.h"

uint16_t free_port(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof address;
        int probe = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(probe >= 0);
        assert_int_equal(bind(probe, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(getsockname(probe, (struct sockaddr *)&address, &length), 0);
        close(probe);
        return ntohs(address.sin_port);
}

static bool listens(uint16_t port)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int probe = socket(AF_INET, SOCK_STREAM, 0);
        bool yes = connect(probe, (struct sockaddr *)&address, sizeof address) == 0;
        close(probe);
        return yes;
}

static void run_server(const struct real_redis *redis, const char *const *more, pid_t parent)
{
        const char *words[64];
        char plain[8], tls[8], log[96];
        unsigned count = 0;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        snprintf(plain, sizeof plain, "%u", redis->port);
        snprintf(tls, sizeof tls, "%u", redis->tls_port);
        snprintf(log, sizeof log, "%s/log", redis->folder);
        const char *program = redis->program ? redis->program : "redis-server";
        const char *given[] = {program, "--port", plain, "--bind", "127.0.0.1", "--dir", redis->folder, "--logfile", log,
                               "--save", "", "--daemonize", "no"};
        for (unsigned i = 0; i < sizeof given / sizeof *given; i++)
                words[count++] = given[i];
        if (redis->tls_port)
                words[count++] = "--tls-port", words[count++] = tls;
        while (more && *more && count < 63)
                words[count++] = *more++;
        words[count] = NULL;
        execvp(words[0], (char *const *)(uintptr_t)words);
        fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
        _exit(127);
}

void real_redis_start(struct real_redis *redis, enum real_redis_ports ports, const char *const *more)
{
        if (redis->folder[0] == '\0') {
                strcpy(redis->folder, "/tmp/real_redis.XXXXXX");
                assert_non_null(mkdtemp(redis->folder));
        }
        if (redis->port == 0 && redis->tls_port == 0) {
                if (ports == REAL_REDIS_TLS)
                        redis->tls_port = free_port();
                else
                        redis->port = free_port();
        }
        pid_t parent = getpid();
        redis->process = fork();
        assert_true(redis->process >= 0);
        if (redis->process == 0)
                run_server(redis, more, parent);
        uint16_t port = redis->port ? redis->port : redis->tls_port;
        for (unsigned i = 0; i < 1000 && !listens(port); i++) {
                if (waitpid(redis->process, NULL, WNOHANG) != 0)
                        fail_msg("%s/log says why the server ended", redis->folder);
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        assert_true(listens(port));
}

void real_redis_signal(struct real_redis *redis, int signal)
{
        assert_int_equal(kill(redis->process, signal), 0);
}

void real_redis_kill(struct real_redis *redis)
{
        if (redis->process <= 0)
                return;
        kill(redis->process, SIGKILL);
        waitpid(redis->process, NULL, 0);
        redis->process = 0;
}

void real_redis_stop(struct real_redis *redis)
{
        char command[128];
        real_redis_kill(redis);
        if (redis->folder[0]) {
                snprintf(command, sizeof command, "rm -rf %s", redis->folder);
                assert_int_equal(system(command), 0);
        }
        memset(redis, 0, sizeof *redis);
}

const char *real_redis_ask(const struct real_redis *redis, const char *line)
{
        static char text[1 << 16];
        char command[1024];
        snprintf(command, sizeof command, "redis-cli -p %u %s 2>&1", redis->port, line);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        size_t length = fread(text, 1, sizeof text - 1, pipe);
        pclose(pipe);
        text[length] = '\0';
        if (length > 0 && text[length - 1] == '\n')
                text[length - 1] = '\0';
        return text;
}
