/* Who an update comes from: what intel, the policy and the transfer itself say of its source and object. */
#pragma once

#include "judge/sighting.h"
#include "judge/update_image.h"

enum source_verdict {
        SOURCE_ANY,          /* no `updates` section */
        SOURCE_NAMED,        /* one that policy names */
        SOURCE_UNDETERMINED, /* may be one: nothing tells its name */
        SOURCE_FORBIDDEN,
};

struct update_source {
        const struct intel_row *row; /* intel's row that told; NULL: none did */
        enum image_guess guess;      /* of the object; NO for what is not readable */
        enum source_verdict verdict;
        const char *rule;            /* the policy's; NULL */
        bool in_window;              /* or in maintenance, or there are no windows */
        const char *mode, *controller, *target; /* as INTERFACE has them */
};

/* false: no update. `transfer` NULL: a flow whose content is not readable. `start_ns`: when the transfer began. */
bool update_source_of(struct sighting *sighting, const Apnwatch__V1__Transfer *transfer, int64_t start_ns,
                      struct update_source *out);

/* Policy has an `updates` section and this transfer keeps to it. */
bool update_is_planned(const struct sighting *sighting, const struct update_source *source);
