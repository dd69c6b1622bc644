#include "dissectors/dissector.h"

const struct dissector *const dissectors[] = {
        NULL,
};
