#include "dissectors/app/coap_message.h"
#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct coap_message message;
        struct cursor at = cursor_of(data, size);
        coap_parse(&at, &message);
        fuzz_flow(IPPROTO_UDP, 5683, data, size);
        return 0;
}
