#include "dissectors/app/ftp.h"
#include "dissectors/app/ftp_line.h"
#include "tests/fuzz/fuzz_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ftp_command command;
        struct ftp_reply reply;
        struct address address;
        uint16_t port;
        bool has_address;
        struct cursor at = cursor_of(data, size);
        ftp_parse_command(&at, &command);
        at = cursor_of(data, size);
        ftp_parse_reply(&at, &reply);
        ftp_parse_port(cursor_of(data, size), &address, &port);
        ftp_parse_extended(cursor_of(data, size), &has_address, &address, &port);
        fuzz_flow(IPPROTO_TCP, 21, data, size);
        return 0;
}
