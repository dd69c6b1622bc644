#include "dissectors/location/supl_message.h"
#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct supl_message message;
        struct cursor at = cursor_of(data, size);
        while (supl_parse(&at, &message) == DISSECT_OK && cursor_left(&at) > 0)
                ;
        fuzz_flow(IPPROTO_TCP, 7276, data, size);
        return 0;
}
