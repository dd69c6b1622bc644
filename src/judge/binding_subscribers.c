#include "judge/binding_subscribers.h"

#include <stdlib.h>

enum { SETS = 32768, WAYS = 4 }; /* 4 MiB once the first is said */

struct subscriber {
        uint64_t imsi, imei;
        int64_t time_ns;
        uint8_t source;
};

struct binding_subscribers {
        struct subscriber (*sets)[WAYS]; /* NULL: none was said yet */
};

struct binding_subscribers *binding_subscribers_create(void)
{
        return calloc(1, sizeof(struct binding_subscribers));
}

void binding_subscribers_destroy(struct binding_subscribers *subscribers)
{
        if (subscribers == NULL)
                return;
        free(subscribers->sets);
        free(subscribers);
}

static unsigned set_of(uint64_t imsi)
{
        return (unsigned)(imsi * UINT64_C(0x9e3779b97f4a7c15) >> 49);
}

void binding_subscribers_note(struct binding_subscribers *subscribers, uint64_t imsi, uint64_t imei, enum binding_source source,
                              int64_t time_ns)
{
        if (subscribers->sets == NULL && (subscribers->sets = calloc(SETS, sizeof *subscribers->sets)) == NULL)
                return;
        struct subscriber *set = subscribers->sets[set_of(imsi)], *place = &set[0];
        for (unsigned i = 0; i < WAYS; i++) {
                if (set[i].imsi == imsi) {
                        place = &set[i];
                        break;
                }
                if (set[i].time_ns < place->time_ns)
                        place = &set[i];
        }
        *place = (struct subscriber){imsi, imei, time_ns, (uint8_t)source};
}

uint64_t binding_subscribers_imei(const struct binding_subscribers *subscribers, uint64_t imsi, enum binding_source *source)
{
        const struct subscriber *set = subscribers->sets ? subscribers->sets[set_of(imsi)] : NULL;
        for (unsigned i = 0; set != NULL && i < WAYS; i++)
                if (set[i].imsi == imsi) {
                        *source = (enum binding_source)set[i].source;
                        return set[i].imei;
                }
        return 0;
}

uint64_t binding_subscribers_bytes(const struct binding_subscribers *subscribers)
{
        return subscribers->sets ? (uint64_t)SETS * sizeof *subscribers->sets : 0;
}
