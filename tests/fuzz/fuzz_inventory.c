/* The inventory's CSV: whatever the bytes are, no fault of memory, and what loads is found again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static FILE *nowhere;
        struct inventory_facts facts, again;
        if (nowhere == NULL)
                nowhere = fopen("/dev/null", "w");
        struct inventory *inventory = inventory_parse("fuzz", data, size, nowhere);
        for (unsigned i = 0; i < inventory_count(inventory); i++) {
                if (!inventory_row(inventory, i, &facts))
                        abort();
                if (facts.imsi != NULL && !inventory_find(inventory, NULL, facts.imsi, NULL, facts.from_ns, &again))
                        abort();
                if (facts.has_ip && !inventory_find(inventory, &facts.ip, NULL, NULL, facts.from_ns, &again))
                        abort();
        }
        inventory_destroy(inventory);
        return 0;
}
