#include "judge/flow_set.h"

#include <stdlib.h>
#include <string.h>

struct flow_set {
        uint64_t *slots; /* flow + 1; 0: free. Open addressing, at most 3/4 full */
        uint32_t mask, count, limit;
        uint64_t refused;
};

struct flow_set *flow_set_create(uint32_t limit)
{
        struct flow_set *set = calloc(1, sizeof *set);
        if (set == NULL)
                return NULL;
        set->mask = 63;
        set->limit = limit;
        set->slots = calloc(set->mask + 1, sizeof *set->slots);
        if (set->slots == NULL) {
                free(set);
                return NULL;
        }
        return set;
}

void flow_set_destroy(struct flow_set *set)
{
        if (set == NULL)
                return;
        free(set->slots);
        free(set);
}

void flow_set_clear(struct flow_set *set)
{
        memset(set->slots, 0, ((size_t)set->mask + 1) * sizeof *set->slots);
        set->count = 0;
}

/* splitmix64's finalizer: flow numbers are dense */
static uint32_t home_of(uint64_t value, uint32_t mask)
{
        value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
        value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
        return (uint32_t)(value ^ (value >> 31)) & mask;
}

static uint32_t find_slot(const uint64_t *slots, uint32_t mask, uint64_t value)
{
        uint32_t slot = home_of(value, mask);
        while (slots[slot] != 0 && slots[slot] != value)
                slot = (slot + 1) & mask;
        return slot;
}

static bool grow(struct flow_set *set)
{
        uint32_t mask = set->mask * 2 + 1;
        uint64_t *slots = calloc((size_t)mask + 1, sizeof *slots);
        if (slots == NULL)
                return false;
        for (uint32_t i = 0; i <= set->mask; i++) {
                if (set->slots[i] != 0)
                        slots[find_slot(slots, mask, set->slots[i])] = set->slots[i];
        }
        free(set->slots);
        set->slots = slots;
        set->mask = mask;
        return true;
}

void flow_set_add(struct flow_set *set, uint64_t flow)
{
        uint32_t slot = find_slot(set->slots, set->mask, flow + 1);
        if (set->slots[slot] != 0)
                return;
        bool is_full = (set->count + 1) * 4ULL > (set->mask + 1ULL) * 3;
        if (set->count >= set->limit || (is_full && !grow(set))) {
                set->refused++;
                return;
        }
        set->slots[find_slot(set->slots, set->mask, flow + 1)] = flow + 1;
        set->count++;
}

bool flow_set_has(const struct flow_set *set, uint64_t flow)
{
        return set->count > 0 && set->slots[find_slot(set->slots, set->mask, flow + 1)] != 0;
}

bool flow_set_remove(struct flow_set *set, uint64_t flow)
{
        if (set->count == 0)
                return false;
        uint32_t hole = find_slot(set->slots, set->mask, flow + 1);
        if (set->slots[hole] == 0)
                return false;
        for (uint32_t slot = (hole + 1) & set->mask; set->slots[slot] != 0; slot = (slot + 1) & set->mask) {
                uint32_t home = home_of(set->slots[slot], set->mask);
                if (((slot - home) & set->mask) >= ((slot - hole) & set->mask)) {
                        set->slots[hole] = set->slots[slot];
                        hole = slot;
                }
        }
        set->slots[hole] = 0;
        set->count--;
        return true;
}

uint64_t flow_set_refused(const struct flow_set *set)
{
        return set->refused;
}
