#include "dissectors/app/dlms.h"
#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct dlms_frame frame;
        struct cursor at = cursor_of(data, size);
        dlms_parse_wrapper(&at, &frame);
        at = cursor_of(data, size);
        while (dlms_parse_hdlc(&at, &frame) == DISSECT_OK && cursor_left(&at) > 0)
                ;
        fuzz_flow(IPPROTO_TCP, 4059, data, size);
        return 0;
}
