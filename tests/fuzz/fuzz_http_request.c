#include "deliver/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct http_request request;
        struct cursor bytes = cursor_of(data, size);
        enum http_request_result result = http_request_parse(&bytes, &request);
        if (bytes.short_read || (result == HTTP_REQUEST_WHOLE && bytes.at == data))
                __builtin_trap();
        if (result == HTTP_REQUEST_INCOMPLETE && bytes.at != data)
                __builtin_trap();
        if (request.path[0] != '\0' && (request.path[0] != '/' || memchr(request.path, '\0', sizeof request.path) == NULL))
                __builtin_trap();
        return 0;
}
