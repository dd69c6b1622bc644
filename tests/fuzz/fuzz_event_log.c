/* A whole event log as a file that someone else wrote. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/event_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static int file = -1;
        if (file < 0) {
                char name[] = "/tmp/fuzz_event_log.XXXXXX";
                if ((file = mkstemp(name)) < 0 || unlink(name) != 0)
                        abort();
        }
        if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size)
                abort();
        char path[32], error[300];
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        struct event_log *log = event_log_open(path, error, sizeof error);
        const event_t *event;
        uint64_t count = 0;
        while (log && event_log_next(log, &event) == EVENT_LOG_EVENT)
                count++;
        if (log && (event_log_count(log) != count || event_log_offset(log) > size))
                abort();
        event_log_close(log);
        return 0;
}
