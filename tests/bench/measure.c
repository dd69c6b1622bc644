/* Runs a command and writes what it cost: one line "CPU-seconds peak-RSS-KiB peak-anonymous-KiB wall-seconds status" to
 * standard output. The command's own output goes to /dev/null, its errors where ours go.
 *
 * Peak RSS is the kernel's (wait4), which counts pages of mapped files, too; anonymous memory is looked at every 10 ms. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_NS = 10000000, EXIT_NOT_RUN = 127 };

static double now_s(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static pid_t start(char **arguments)
{
        pid_t child = fork();
        if (child != 0)
                return child;
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0)
                dup2(null, STDOUT_FILENO);
        execvp(arguments[0], arguments);
        fprintf(stderr, "measure: %s: %s\n", arguments[0], strerror(errno));
        _exit(EXIT_NOT_RUN);
}

static long anonymous_kib(pid_t child)
{
        char path[64], line[128];
        long kib = 0;
        snprintf(path, sizeof(path), "/proc/%ld/status", (long)child);
        FILE *status = fopen(path, "r");
        if (status == NULL)
                return 0;
        while (fgets(line, sizeof(line), status) != NULL)
                if (strncmp(line, "RssAnon:", 8) == 0)
                        kib = strtol(line + 8, NULL, 10);
        fclose(status);
        return kib;
}

static double seconds(const struct timeval *time)
{
        return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
        if (argc < 2) {
                fputs("usage: measure COMMAND [ARGUMENT...]\n", stderr);
                return 2;
        }
        double begun_s = now_s();
        pid_t child = start(argv + 1), ended;
        int status = 0;
        long peak_kib = 0;
        struct rusage usage;
        if (child < 0)
                return 1;
        while ((ended = wait4(child, &status, WNOHANG, &usage)) == 0) {
                long kib = anonymous_kib(child);
                peak_kib = kib > peak_kib ? kib : peak_kib;
                nanosleep(&(struct timespec){0, LOOK_EVERY_NS}, NULL);
        }
        if (ended < 0)
                return 1;
        printf("%.3f %ld %ld %.3f %d\n", seconds(&usage.ru_utime) + seconds(&usage.ru_stime), usage.ru_maxrss, peak_kib,
               now_s() - begun_s, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        return 0;
}
