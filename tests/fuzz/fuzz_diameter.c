#include "tests/fuzz/fuzz_flow.h"

#include "dissectors/session/diameter_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Digits are digits, in a message alone; then a flow out of records, by the first byte's lowest bit over SCTP or TCP. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct signalling s;
        struct diameter_message message;
        struct cursor payload = cursor_of(data, size);
        enum dissect_result result = diameter_parse(&payload, &s, &message);
        if (strspn(s.imsi, "0123456789") != strlen(s.imsi) || strspn(s.imei, "0123456789") != strlen(s.imei))
                __builtin_trap();
        if (s.ipv6_length > 128 || (result == DISSECT_OK && message.length < DIAMETER_HEADER))
                __builtin_trap();
        if (size > 0)
                fuzz_flow(data[0] & 1 ? IPPROTO_SCTP : IPPROTO_TCP, 3868, data + 1, size - 1);
        return 0;
}
