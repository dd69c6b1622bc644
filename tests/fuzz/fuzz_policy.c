/* The YAML loader with the widest tables: whatever the bytes are, no fault of memory, and bounded work. */
#include <stdint.h>
#include <stdio.h>

#include "judge/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static FILE *nowhere;
        if (nowhere == NULL)
                nowhere = fopen("/dev/null", "w");
        struct policy *policy = policy_parse("fuzz", data, size, true, nowhere, nowhere);
        if (policy != NULL && policy->fleet_count > 0) {
                struct policy_subject subject = {.apn = "a", .imsi = "262011234567890", .imei = "86012345"};
                policy_fleet_of(policy, &subject);
                policy_unwrap_nat64(policy, &subject.address);
                fleet_window_is_open(&policy->fleets[0], 1772330584000000000);
        }
        policy_destroy(policy);
        return 0;
}
