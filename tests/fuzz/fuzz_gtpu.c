#include "tests/fuzz/fuzz_flow.h"

#include "dissectors/session/gtpu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A tunnel has an end that is an address, or none is told: of the bytes alone, and as a datagram of a flow. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct gtpu_message message;
        struct cursor payload = cursor_of(data, size);
        gtpu_parse(&payload, &message);
        if (message.node_length != 0 && message.node_length != 4 && message.node_length != 16)
                __builtin_trap();
        if (size < 0xffff) {
                struct fake_sense *sense = fake_sense_open(IPPROTO_UDP, 2152);
                sense->d.cut = size % 2;
                fake_sense_send(sense, FROM_OPENER, data, size);
                fake_sense_send(sense, TO_OPENER, data, size);
                for (unsigned i = 0; i < sense->event_count; i++)
                        if (sense->events[i]->body_case == APNWATCH__V1__EVENT__BODY_TUNNEL_NOTICE && sense->events[i]->tunnel_notice->teid == 0)
                                __builtin_trap();
                fake_sense_close(sense);
        }
        return 0;
}
