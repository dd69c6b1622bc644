#include "sense/number_scan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct cursor payload = cursor_of(data, size);
        struct number_found found;
        size_t from = 0, last = 0;
        while (number_scan(&payload, &from, &found)) {
                if (found.offset < last || found.offset + found.length > size || from <= last)
                        abort();
                last = from;
        }
        for (from = last = 0; number_scan_packed(&payload, &from, &found); last = from)
                if (found.offset + found.length > size || from <= last)
                        abort();
        return 0;
}
