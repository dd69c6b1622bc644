#include "sense/expectation.h"

#include <stdlib.h>

struct expectations {
        unsigned waiting, next;
        struct expectation items[EXPECTATIONS];
};

struct expectations *expectations_create(void)
{
        return calloc(1, sizeof(struct expectations));
}

void expectations_destroy(struct expectations *expectations)
{
        free(expectations);
}

void expectations_add(struct expectations *expectations, const struct expectation *expectation)
{
        struct expectation *place = &expectations->items[expectations->next];
        expectations->next = (expectations->next + 1) % EXPECTATIONS;
        expectations->waiting += place->until_ns == 0;
        *place = *expectation;
}

const struct expectation *expectations_take(struct expectations *expectations, const struct address ends[2], const uint16_t ports[2],
                                            uint8_t protocol, uint16_t context, int64_t now_ns)
{
        for (unsigned i = 0; expectations->waiting > 0 && i < EXPECTATIONS; i++) {
                struct expectation *item = &expectations->items[i];
                if (item->until_ns == 0)
                        continue;
                bool late = item->until_ns < now_ns, found = false;
                for (unsigned end = 0; end < 2 && !late; end++)
                        found |= item->port == ports[end] && address_equal(&item->address, &ends[end]);
                found = found && item->protocol == protocol && item->context == context;
                if (!late && !found)
                        continue;
                item->until_ns = 0;
                expectations->waiting--;
                if (found)
                        return item;
        }
        return NULL;
}
