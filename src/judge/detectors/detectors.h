/* The detectors, one line each. */
#pragma once

#include "judge/detectors/detector.h"

extern const struct detector destination_detector;
extern const struct detector disclosure_detector;
extern const struct detector gtp_detector;
extern const struct detector identity_detector;
extern const struct detector location_lookup_detector;
extern const struct detector location_report_detector;
extern const struct detector self_word_detector;
extern const struct detector sensor_detector;
extern const struct detector teid_sweep_detector;
extern const struct detector update_detector;
