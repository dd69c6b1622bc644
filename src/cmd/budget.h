/* What the tables may take at most, added up before anything runs (ARCHITECTURE: Budgets). */
#pragma once

#include "cmd/settings.h"
#include "sense/sensor.h"

/* Told with -v. False, with a message, when it is more than the configuration's limits.memory. */
bool budget_fits(const struct settings *settings, const struct sensor_settings *sensor);
