#include "dissectors/location/nmea.h"

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
        return 0;
}
