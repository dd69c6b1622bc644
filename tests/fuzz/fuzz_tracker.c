#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size > 0)
                fuzz_flow(data[0] & 1 ? IPPROTO_UDP : IPPROTO_TCP, 5023, data + 1, size - 1);
        return 0;
}
