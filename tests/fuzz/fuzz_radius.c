#include "tests/fuzz/fuzz_flow.h"

#include "dissectors/session/radius.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Digits are digits, lengths are of the address: of the bytes alone, and as datagrams of a flow in both directions. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct signalling s;
        struct radius_message message;
        struct cursor payload = cursor_of(data, size);
        enum dissect_result result = radius_parse(&payload, &s, &message);
        if (strspn(s.imsi, "0123456789") != strlen(s.imsi) || strspn(s.msisdn, "0123456789") != strlen(s.msisdn))
                __builtin_trap();
        for (unsigned i = 0; i < s.route_count; i++)
                if (s.routes[i].length > 8 * s.routes[i].address_length)
                        __builtin_trap();
        if (s.ipv6_length > 128 || (result == DISSECT_OK && s.message == 0))
                __builtin_trap();
        if (size < 0xffff) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, size % 3 ? 1813 : 18130);
                sense->d.cut = size % 2;
                fake_sense_send(sense, FROM_OPENER, data, size);
                fake_sense_send(sense, TO_OPENER, data, size);
                fake_sense_close(sense);
        }
        return 0;
}
