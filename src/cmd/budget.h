/* What the tables may take at most, added up before anything runs (ARCHITECTURE: Budgets). */
#pragma once

#include "cmd/settings.h"
#include "probes/live.h"
#include "sense/sensor.h"

/* `live`: the interfaces, NULL in `read`. Told with -v, the sum always in `live`; into `ceiling` in bytes when that is not NULL.
 * False, with a message, when it is more than the configuration's limits.memory. */
bool budget_fits(const struct settings *settings, const struct sensor_settings *sensor, const struct live_settings *live,
                 uint64_t *ceiling);
