#include "tests/fuzz/fuzz_flow.h"

#include "dissectors/session/pfcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Digits are digits, tunnels have a number, rules name endpoints that exist: of the bytes alone, and as a datagram of a flow, twice. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct signalling s;
        struct pfcp_message message;
        struct cursor payload = cursor_of(data, size);
        enum dissect_result result = pfcp_parse(&payload, &s, &message);
        if (strspn(s.imsi, "0123456789") != strlen(s.imsi) || strspn(s.imei, "0123456789") != strlen(s.imei))
                __builtin_trap();
        for (unsigned i = 0; i < s.endpoint_count; i++)
                if (s.endpoints[i].key == 0)
                        __builtin_trap();
        for (unsigned i = 0; i < message.rule_count; i++)
                if (message.rules[i].has_endpoint && message.rules[i].endpoint >= s.endpoint_count)
                        __builtin_trap();
        if (result == DISSECT_OK && s.message == 0)
                __builtin_trap();
        if (size < 0xffff) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 8805);
                sense->d.cut = size % 2;
                fake_sense_send(sense, FROM_OPENER, data, size);
                fake_sense_send(sense, TO_OPENER, data, size);
                fake_sense_close(sense);
        }
        return 0;
}
