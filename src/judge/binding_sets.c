#include "judge/binding_sets.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { SET_LIMIT = UINT16_MAX };

struct held_set {
        struct binding_set set; /* first: hashed with its padding, which is zero */
        uint32_t sessions;
        uint16_t number;
        UT_hash_handle hh;
};

struct binding_sets {
        struct held_set *by_set;
        struct held_set **by_number; /* [0] is none's; grows */
        uint16_t *free_numbers;
        uint32_t room, used, free_count; /* used: numbers that were ever given */
        uint64_t refused;
};

struct binding_sets *binding_sets_create(void)
{
        return calloc(1, sizeof(struct binding_sets));
}

void binding_sets_destroy(struct binding_sets *sets)
{
        if (sets == NULL)
                return;
        HASH_CLEAR(hh, sets->by_set);
        for (uint32_t i = 1; i <= sets->used; i++)
                free(sets->by_number[i]);
        free(sets->by_number);
        free(sets->free_numbers);
        free(sets);
}

bool binding_set_of(const Apnwatch__V1__Signalling__Set *told, struct binding_set *out)
{
        memset(out, 0, sizeof *out);
        if (told->node.len == 0 || told->node.len > SET_NODE_SIZE || told->id > UINT16_MAX)
                return false;
        memcpy(out->node, told->node.data, told->node.len);
        out->node_length = (uint8_t)told->node.len;
        out->id = (uint16_t)told->id;
        return true;
}

static struct held_set *find(const struct binding_sets *sets, const struct binding_set *set)
{
        struct held_set *held;
        HASH_FIND(hh, sets->by_set, set, sizeof *set, held);
        return held;
}

uint16_t binding_sets_find(const struct binding_sets *sets, const struct binding_set *set)
{
        const struct held_set *held = find(sets, set);
        return held ? held->number : SET_NONE;
}

static bool grow(struct binding_sets *sets)
{
        uint32_t room = sets->room ? 2 * sets->room : 64;
        struct held_set **by_number = realloc(sets->by_number, (room + 1) * sizeof *by_number);
        if (by_number == NULL)
                return false;
        sets->by_number = by_number;
        uint16_t *free_numbers = realloc(sets->free_numbers, room * sizeof *free_numbers);
        if (free_numbers == NULL)
                return false;
        sets->free_numbers = free_numbers;
        sets->room = room;
        return true;
}

static uint16_t take_number(struct binding_sets *sets)
{
        if (sets->free_count > 0)
                return sets->free_numbers[--sets->free_count];
        if (sets->used == SET_LIMIT || (sets->used == sets->room && !grow(sets)))
                return SET_NONE;
        return (uint16_t)++sets->used;
}

uint16_t binding_sets_hold(struct binding_sets *sets, const struct binding_set *set)
{
        struct held_set *held = find(sets, set);
        if (held == NULL) {
                uint16_t number = take_number(sets);
                held = number != SET_NONE ? calloc(1, sizeof *held) : NULL;
                if (number != SET_NONE)
                        sets->by_number[number] = held;
                if (held == NULL) {
                        if (number != SET_NONE)
                                sets->free_numbers[sets->free_count++] = number;
                        sets->refused++;
                        return SET_NONE;
                }
                held->set = *set;
                held->number = number;
                HASH_ADD(hh, sets->by_set, set, sizeof held->set, held);
        }
        held->sessions++;
        return held->number;
}

void binding_sets_release(struct binding_sets *sets, uint16_t number)
{
        struct held_set *held = number != SET_NONE ? sets->by_number[number] : NULL;
        if (held == NULL || --held->sessions > 0)
                return;
        HASH_DEL(sets->by_set, held);
        sets->by_number[number] = NULL;
        sets->free_numbers[sets->free_count++] = number;
        free(held);
}

const struct binding_set *binding_sets_at(const struct binding_sets *sets, uint16_t number)
{
        return &sets->by_number[number]->set;
}

uint32_t binding_sets_count(const struct binding_sets *sets)
{
        return sets->used - sets->free_count;
}

uint64_t binding_sets_refused(const struct binding_sets *sets)
{
        return sets->refused;
}

uint64_t binding_sets_bytes(const struct binding_sets *sets)
{
        return binding_sets_count(sets) * (uint64_t)sizeof(struct held_set) +
               sets->room * (uint64_t)(sizeof *sets->by_number + sizeof *sets->free_numbers);
}
