#include "dissectors/location/nmea.h"
#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct position position;
        struct cursor at = cursor_of(data, size);
        nmea_is_checked_sentence(&at);
        nmea_parse(&at, &position);
        at = cursor_of(data, size);
        while (nmea_find(&at, &position))
                ;
        fuzz_flow(IPPROTO_TCP, 5000, data, size);
        fuzz_flow(IPPROTO_UDP, 5000, data, size);
        return 0;
}
