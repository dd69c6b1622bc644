#include "judge/detectors/detectors.h"

const struct detector *const detectors[] = {
        &destination_detector,
        NULL,
};
