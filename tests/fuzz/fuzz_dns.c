#include "dissectors/app/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct dns_message message;
        struct cursor payload = cursor_of(data, size);
        enum dissect_result result = dns_parse(&payload, &message);
        size_t letters = message.question ? strlen(message.question) : 0;
        for (unsigned i = 0; i < message.alias_count; i++)
                letters += strlen(message.alias[i].target) + strlen(message.alias[i].owner);
        for (unsigned i = 0; i < message.answer_count; i++)
                letters += strlen(message.answer[i].name) + message.answer[i].address[message.answer[i].length - 1];
        /* What the check lets through, the parser can walk, names that do not resolve apart. */
        if (dns_check(cursor_of(data, size)) == DISSECT_OK && result != DISSECT_OK && result != DISSECT_MALFORMED)
                __builtin_trap();
        return letters == (size_t)-1;
}
