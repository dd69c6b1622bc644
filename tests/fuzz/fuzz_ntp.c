#include "dissectors/app/ntp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ntp_message message;
        struct cursor payload = cursor_of(data, size);
        if (ntp_parse(&payload, &message) == DISSECT_OK && (message.version == 0 || message.version > 4))
                __builtin_trap();
        return 0;
}
