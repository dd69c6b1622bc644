#include "cmd/budget.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

enum { /* bytes a row, with its links and its slot; limits where the configuration gives none */
        DEVICE_BYTES = 150, DEVICES = 1000000,
        NAME_BYTES = 48, NAMES = 2000000,
        ALERT_BYTES = 1200, ALERTS = 200000,
        SESSION_BYTES = 600, SESSIONS = 1000000,
        SIM_BYTES = 264, SIMS = 1000000,
        WAITING_BYTES = 80 << 20, /* messages without their answers, events without their sessions */
        OUTBOX_BYTES = 96 << 20, /* its limit in memory, and SQLite's cache */
};

struct row {
        const char *what;
        uint64_t count, bytes;
};

bool budget_fits(const struct settings *settings, const struct sensor_settings *sensor, const struct live_settings *live,
                 uint64_t *ceiling)
{
        const struct configuration *configuration = settings->configuration;
        uint64_t devices = configuration && configuration->limit_devices ? configuration->limit_devices : DEVICES;
        uint64_t sessions = configuration && configuration->limit_sessions ? configuration->limit_sessions : SESSIONS;
        uint64_t limit = configuration ? configuration->limit_memory : 0;
        const struct row rows[] = {
                {"sense: flows, fragments, the process", 0, sensor_memory_ceiling(sensor)},
                {"devices", devices, devices * DEVICE_BYTES},
                {"names", NAMES, (uint64_t)NAMES * NAME_BYTES},
                {"sessions", sessions, sessions * SESSION_BYTES},
                {"SIMs that were seen", SIMS, (uint64_t)SIMS * SIM_BYTES},
                {"signalling and events that wait", 0, WAITING_BYTES},
                {"alerts", ALERTS, (uint64_t)ALERTS * ALERT_BYTES},
                {"rings of the interfaces", 0, live ? live_probe_memory(live) : 0},
                {"outbox: what waits for the disk", 0, live ? OUTBOX_BYTES : 0},
        };
        uint64_t total = 0;
        for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
                total += rows[i].bytes;
                log_info("memory: %-38s %8.1f MiB at most", rows[i].what, (double)rows[i].bytes / 1048576);
        }
        if (live != NULL)
                fprintf(stderr, "apnwatch: memory: %.1f MiB at most\n", (double)total / 1048576);
        else
                log_info("memory: %-38s %8.1f MiB at most", "all", (double)total / 1048576);
        if (ceiling != NULL)
                *ceiling = total;
        if (limit == 0 || total <= limit)
                return true;
        char place[CONFIGURATION_PLACE_SIZE];
        log_error("%s: limits.memory is %" PRIu64 " MiB, but the tables may take %" PRIu64
                  " MiB; lower limits.flows, limits.devices or limits.sessions, or raise it",
                  configuration_place(configuration, &configuration->limit_memory, place), limit >> 20, (total >> 20) + 1);
        return false;
}
