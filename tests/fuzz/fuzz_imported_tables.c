/* The tables that the user may import: whatever the bytes are, no fault of memory, rows that make sense, in the order of
 * their times. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/binding_import.h"
#include "judge/nat_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static FILE *nowhere;
        struct binding_row row;
        int64_t before_ns = INT64_MIN;
        struct address outside, inside;
        if (nowhere == NULL)
                nowhere = fopen("/dev/null", "w");
        struct nat_log *log = nat_log_parse("fuzz", data, size, nowhere);
        if (log != NULL && nat_log_count(log) > 0) {
                (void)address_parse("192.0.2.1", &outside);
                for (int64_t second = 0; second < 5000; second += 500)
                        for (uint32_t port = 0; port < 65536; port += 512)
                                (void)nat_log_find(log, &outside, (uint16_t)port, second % 1000 ? 6 : 17, second * 1000000000, &inside);
        }
        nat_log_destroy(log);
        struct binding_import *import = binding_import_parse("fuzz", data, size, nowhere);
        for (uint32_t i = 0; i < binding_import_count(import); i++) {
                binding_import_row(import, i, &row);
                if (row.from_ns >= row.until_ns || !(row.imsi || row.imei || row.msisdn))
                        abort();
                if (before_ns > row.from_ns)
                        abort();
                before_ns = row.from_ns;
        }
        binding_import_destroy(import);
        return 0;
}
