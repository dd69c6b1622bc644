/* A redis-server of the test's own: on a free port of 127.0.0.1, in a folder below /tmp, ended by its process id, also when
 * the test dies. Without persistence unless told otherwise. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct real_redis {
        pid_t process;
        uint16_t port, tls_port;     /* 0: that one is off */
        char folder[64];             /* its files; removed by real_redis_stop */
        const char *program;         /* NULL: "redis-server" */
};

enum real_redis_ports { REAL_REDIS_PLAIN, REAL_REDIS_TLS };

/* `more` are further arguments, ended by NULL ("--requirepass", "x", NULL), or NULL. Begins it and waits until it answers; a
 * failure ends the test. May be called again after real_redis_kill: same ports, same folder, so that what was persisted is
 * read again. */
void real_redis_start(struct real_redis *redis, enum real_redis_ports ports, const char *const *more);
void real_redis_signal(struct real_redis *redis, int signal); /* SIGSTOP, SIGCONT */
void real_redis_kill(struct real_redis *redis);  /* SIGKILL, and waits */
void real_redis_stop(struct real_redis *redis);  /* kill, and the folder goes */

/* One command by redis-cli, its output without the last newline in a static buffer. `line` is split by the shell. */
const char *real_redis_ask(const struct real_redis *redis, const char *line);

/* A port that nobody listens on, a moment ago. */
uint16_t free_port(void);
