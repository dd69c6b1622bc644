/* Not libsystemd: this is all that would be used of it. Left out: passing descriptors, VSOCK addresses. */
#include "cmd/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

void notify_service(const char *state)
{
        const char *path = getenv("NOTIFY_SOCKET");
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        if (path == NULL || *path == '\0')
                return;
        size_t length = strlen(path);
        if ((*path != '/' && *path != '@') || length >= sizeof name.sun_path) {
                log_debug("NOTIFY_SOCKET=%.120s is no address that is known here", path);
                return;
        }
        memcpy(name.sun_path, path, length);
        if (*path == '@')
                name.sun_path[0] = '\0'; /* abstract: the length counts, no NUL ends it */
        int channel = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (channel < 0)
                return;
        if (sendto(channel, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&name,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
                log_debug("the service manager was not told: %s", strerror(errno));
        close(channel);
}

unsigned notify_watchdog_ms(void)
{
        const char *span = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
        char *end;
        if (span == NULL || span[strspn(span, "0123456789")] != '\0' || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
                return 0;
        unsigned long long microseconds = strtoull(span, &end, 10);
        if (microseconds == 0)
                return 0;
        if (microseconds / 1000 > 3600000)
                return 3600000;
        return microseconds < 1000 ? 1 : (unsigned)(microseconds / 1000);
}
