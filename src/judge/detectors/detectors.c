#include "judge/detectors/detectors.h"

const struct detector *const detectors[] = {
        &destination_detector,
        &update_detector,
        &location_report_detector,
        &location_lookup_detector,
        &identity_detector,
        &disclosure_detector,
        &gtp_detector,
        &teid_sweep_detector,
        &self_word_detector,
        &sensor_detector,
        NULL,
};
