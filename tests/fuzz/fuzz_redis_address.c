/* Addresses as users give them, and as MOVED does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/redis_address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct redis_address address;
        struct redis_host host, from = {.name = "192.0.2.1", .port = 6379};
        char error[300] = "";
        char *text = malloc(size + 1);
        if (text == NULL)
                abort();
        memcpy(text, data, size);
        text[size] = '\0';
        if (redis_address_parse(&address, text, error, sizeof error) == 0) {
                if (address.host_count == 0 || address.host_count > REDIS_HOSTS || error[0] || strchr(text, '@'))
                        abort();
                for (unsigned i = 0; i < address.host_count; i++)
                        if (address.hosts[i].port == 0 || address.hosts[i].name[0] == '\0')
                                abort();
        } else if (error[0] == '\0') {
                abort();
        }
        if (redis_moved_parse(&host, (const char *)data, size, &from) && (host.port == 0 || host.name[0] == '\0'))
                abort();
        free(text);
        return 0;
}
