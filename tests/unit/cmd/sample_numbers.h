/* What a sensor with two interfaces and three sinks would say. */
#pragma once

#include "cmd/live_metrics.h"

extern const struct live_numbers sample_numbers;
