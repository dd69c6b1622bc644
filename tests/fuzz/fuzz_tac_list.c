/* A list of TACs: whatever the bytes are, no fault of memory, and what loads is found again, with a vendor, in order. */
#include <stdlib.h>
#include <string.h>

#include "judge/tac_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static FILE *nowhere;
        if (nowhere == NULL)
                nowhere = fopen("/dev/null", "w");
        struct tac_list *list = tac_list_parse("fuzz", data, size, nowhere);
        for (uint32_t i = 0; i < tac_list_count(list); i++) {
                const struct intel_tac *tac = tac_list_at(list, i);
                if (strlen(tac->tac) != 8 || tac->vendor == NULL || *tac->vendor == '\0' || (tac->model != NULL && *tac->model == '\0'))
                        abort();
                if (tac_list_find(list, tac->tac) != tac || (i > 0 && strcmp(tac_list_at(list, i - 1)->tac, tac->tac) >= 0))
                        abort();
        }
        tac_list_destroy(list);
        return 0;
}
