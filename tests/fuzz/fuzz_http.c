#include "dissectors/app/http_message.h"
#include "dissectors/app/image_type.h"
#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct http_head head;
        uint64_t chunk;
        struct cursor at = cursor_of(data, size);
        http_check_first_line(&at);
        http_parse_head(&at, &head);
        http_parse_chunk_size(&at, &chunk);
        image_type(cursor_of(data, size), size);
        fuzz_flow(IPPROTO_TCP, 80, data, size);
        return 0;
}
