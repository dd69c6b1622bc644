/* The detectors, one line each. */
#pragma once

#include "judge/detectors/detector.h"

extern const struct detector destination_detector;
