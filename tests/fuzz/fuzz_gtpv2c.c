#include "tests/fuzz/fuzz_flow.h"

#include "dissectors/session/gtpv2c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Digits are digits, tunnels have a number: of the bytes alone, and as a datagram of a flow (recognised or not). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct signalling s;
        struct gtpv2c_message message;
        struct cursor payload = cursor_of(data, size);
        enum dissect_result result = gtpv2c_parse(&payload, size % 3, &s, &message);
        if (strspn(s.imsi, "0123456789") != strlen(s.imsi) || strspn(s.imei, "0123456789") != strlen(s.imei))
                __builtin_trap();
        for (unsigned i = 0; i < s.endpoint_count; i++)
                if (s.endpoints[i].key == 0)
                        __builtin_trap();
        if (result == DISSECT_OK && s.message == 0)
                __builtin_trap();
        if (size < 0xffff) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2123);
                sense->d.cut = size % 2;
                fake_sense_send(sense, FROM_OPENER, data, size);
                fake_sense_close(sense);
        }
        return 0;
}
