#include "dissectors/app/mqtt_message.h"
#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct mqtt_header header;
        struct mqtt_connect connect;
        struct mqtt_publish publish;
        struct cursor at = cursor_of(data, size);
        if (mqtt_parse_header(&at, &header) == DISSECT_OK) {
                struct cursor body = at;
                mqtt_parse_connect(&body, &connect);
                body = at;
                mqtt_parse_publish(&header, 5, &body, &publish);
                mqtt_parse_publish(&header, 4, &at, &publish);
        }
        fuzz_flow(IPPROTO_TCP, 1883, data, size);
        return 0;
}
