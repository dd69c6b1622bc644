#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static int64_t now_ns(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_init(struct progress *progress, bool shown)
{
        int64_t now = shown ? now_ns() : 0;
        *progress = (struct progress){.shown = shown, .begun_ns = now, .next_ns = now + 500000000};
}

bool progress_is_due(struct progress *progress)
{
        if (!progress->shown || (++progress->calls & 15) != 0)
                return false;
        int64_t now = now_ns();
        if (now < progress->next_ns)
                return false;
        progress->next_ns = now + 250000000;
        return true;
}

static void show_time_left(double seconds)
{
        if (seconds >= 3600)
                fprintf(stderr, ", %.0f h %.0f min left", seconds / 3600, (seconds - 3600 * (int)(seconds / 3600)) / 60);
        else if (seconds >= 60)
                fprintf(stderr, ", %.0f min left", seconds / 60);
        else
                fprintf(stderr, ", %.0f s left", seconds);
}

void progress_show(struct progress *progress, uint64_t packets, uint64_t done, uint64_t total)
{
        double seconds = (double)(now_ns() - progress->begun_ns) / 1e9;
        double rate = seconds > 0 ? (double)packets / seconds : 0;
        progress->drawn = true;
        fprintf(stderr, "\r\033[K%" PRIu64 " packets, %.2f M/s", packets, rate / 1e6);
        if (total > 0 && done > 0) {
                fprintf(stderr, ", %.0f %%", 100.0 * (double)done / (double)total);
                if (done < total)
                        show_time_left(seconds * (double)(total - done) / (double)done);
        }
        fflush(stderr);
}

void progress_end(struct progress *progress)
{
        if (progress->drawn)
                fputs("\r\033[K", stderr);
        progress->drawn = false;
}
