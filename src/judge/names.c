#include "judge/names.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "judge/name_pool.h"
#include "judge/policy.h"
#include "judge/state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
        CHUNK = 4096,
        NONE = UINT32_MAX,
        KEPT_S = 24 * 3600,
        FLEET_NAME_LIMIT = 65536, /* names that a fleet is known to have resolved */
        LOADED_NUMBERS = 1 << 24,
        RENEW_S = 60,             /* the order of answers is renewed once a minute */
        NAMES_PER_ADDRESS = 8,    /* of one owner: a shared host has more; the one given longest ago makes room */
        STRANGE_PATTERNS = 64,
};

struct answer { /* 40 bytes */
        uint64_t key;         /* hash over owner and address */
        uint32_t name;        /* in the pool */
        uint32_t first_s;     /* since when it was given without a gap longer than its life */
        uint32_t last_s;
        uint32_t life_s : 30;
        uint32_t is_alias : 1;
        uint32_t is_fleet : 1;
        uint32_t next;        /* in the bucket */
        uint32_t linked_s;     /* last_s when it took its place in the order */
        uint32_t older, newer; /* by linked_s, devices' and fleets' apart */
};

struct queue {
        uint32_t oldest, newest;
};

struct resolved { /* what a fleet resolved, in order of the first time */
        struct {
                uint32_t name, first_s;
        } *items;
        uint32_t count, room;
        uint8_t *held; /* bit by name number */
        uint32_t held_size;
        bool is_cut;   /* some name is missing for want of memory */
};

struct pattern_state { /* how far a pattern was compared with its fleet's names */
        struct {
                const char *pattern;
                uintptr_t fleet;
        } key;
        uint32_t compared, first_s;
        bool met;
        UT_hash_handle hh;
};

struct names {
        struct name_pool *pool;
        struct answer **chunks;
        uint32_t chunk_count, used, free;
        uint32_t *buckets;
        uint32_t bucket_mask;
        struct queue devices, fleets;
        uint32_t count, limit;
        uint64_t evictions;
        struct resolved *resolved;
        uint32_t fleet_count;
        struct pattern_state *patterns;
        struct {
                const char *pattern;
                uint32_t fleet, compared;
        } strange[STRANGE_PATTERNS]; /* patterns that none of the names meets which their fleet had resolved then */
};

static struct answer *answer_at(const struct names *names, uint32_t number)
{
        return &names->chunks[number / CHUNK][number % CHUNK];
}

static uint64_t device_answer_key(const struct device_key *device, const struct address *address)
{
        struct address both[2] = {device->address, *address};
        return XXH3_64bits_withSeed(both, sizeof both, device->context);
}

static uint64_t fleet_answer_key(uint32_t fleet, const struct address *address)
{
        return XXH3_64bits_withSeed(address, sizeof *address, 0x100000000ULL + fleet);
}

struct names *names_create(uint32_t limit, uint32_t fleet_count)
{
        struct names *names = calloc(1, sizeof *names);
        if (names == NULL)
                return NULL;
        names->pool = name_pool_create();
        names->resolved = calloc(fleet_count ? fleet_count : 1, sizeof *names->resolved);
        names->bucket_mask = 1023;
        names->buckets = malloc((names->bucket_mask + 1) * sizeof *names->buckets);
        if (names->pool == NULL || names->resolved == NULL || names->buckets == NULL) {
                names_destroy(names);
                return NULL;
        }
        memset(names->buckets, 0xff, (names->bucket_mask + 1) * sizeof *names->buckets);
        names->devices = names->fleets = (struct queue){NONE, NONE};
        names->free = NONE;
        names->limit = limit > 1 ? limit : 2;
        names->fleet_count = fleet_count;
        return names;
}

void names_destroy(struct names *names)
{
        if (names == NULL)
                return;
        struct pattern_state *state, *next;
        HASH_ITER(hh, names->patterns, state, next)
        {
                HASH_DEL(names->patterns, state);
                free(state);
        }
        for (uint32_t i = 0; names->resolved && i < names->fleet_count; i++) {
                free(names->resolved[i].items);
                free(names->resolved[i].held);
        }
        for (uint32_t i = 0; i < names->chunk_count; i++)
                free(names->chunks[i]);
        free(names->chunks);
        free(names->resolved);
        free(names->buckets);
        name_pool_destroy(names->pool);
        free(names);
}

static struct queue *queue_of(struct names *names, const struct answer *answer)
{
        return answer->is_fleet ? &names->fleets : &names->devices;
}

static void unlink_answer(struct names *names, const struct answer *answer)
{
        struct queue *queue = queue_of(names, answer);
        *(answer->older == NONE ? &queue->oldest : &answer_at(names, answer->older)->newer) = answer->newer;
        *(answer->newer == NONE ? &queue->newest : &answer_at(names, answer->newer)->older) = answer->older;
}

static void link_newest(struct names *names, uint32_t number)
{
        struct answer *answer = answer_at(names, number);
        struct queue *queue = queue_of(names, answer);
        answer->older = queue->newest;
        answer->newer = NONE;
        answer->linked_s = answer->last_s;
        *(queue->newest == NONE ? &queue->oldest : &answer_at(names, queue->newest)->newer) = number;
        queue->newest = number;
}

static void remove_answer(struct names *names, uint32_t number)
{
        struct answer *answer = answer_at(names, number);
        uint32_t *link = &names->buckets[answer->key & names->bucket_mask];
        while (*link != number)
                link = &answer_at(names, *link)->next;
        *link = answer->next;
        unlink_answer(names, answer);
        name_pool_release(names->pool, answer->name);
        answer->next = names->free;
        names->free = number;
        names->count--;
}

static void expire_answers(struct names *names, uint32_t now_s)
{
        while (names->devices.oldest != NONE) {
                const struct answer *answer = answer_at(names, names->devices.oldest);
                if ((uint64_t)answer->last_s + answer->life_s >= now_s)
                        return;
                remove_answer(names, names->devices.oldest);
        }
}

static void grow_buckets(struct names *names)
{
        uint32_t size = (names->bucket_mask + 1) * 2;
        uint32_t *buckets = malloc((size_t)size * sizeof *buckets);
        if (buckets == NULL)
                return; /* longer chains, nothing worse */
        memset(buckets, 0xff, (size_t)size * sizeof *buckets);
        for (uint32_t i = 0; i <= names->bucket_mask; i++) {
                for (uint32_t number = names->buckets[i]; number != NONE;) {
                        struct answer *answer = answer_at(names, number);
                        uint32_t next = answer->next, *bucket = &buckets[answer->key & (size - 1)];
                        answer->next = *bucket;
                        *bucket = number;
                        number = next;
                }
        }
        free(names->buckets);
        names->buckets = buckets;
        names->bucket_mask = size - 1;
}

static uint32_t free_answer(struct names *names)
{
        if (names->count >= names->limit) {
                remove_answer(names, names->devices.oldest != NONE ? names->devices.oldest : names->fleets.oldest);
                names->evictions++;
        }
        if (names->free != NONE) {
                uint32_t number = names->free;
                names->free = answer_at(names, number)->next;
                return number;
        }
        if (names->used == names->chunk_count * CHUNK) {
                struct answer **chunks = realloc(names->chunks, (names->chunk_count + 1) * sizeof(struct answer *));
                if (chunks == NULL)
                        return NONE;
                names->chunks = chunks;
                chunks[names->chunk_count] = malloc(CHUNK * sizeof(struct answer));
                if (chunks[names->chunk_count] == NULL)
                        return NONE;
                names->chunk_count++;
        }
        return names->used++;
}

static void renew_answer(struct names *names, uint32_t number, bool is_alias, uint32_t life_s, uint32_t now_s)
{
        struct answer *answer = answer_at(names, number);
        if (now_s > (uint64_t)answer->last_s + answer->life_s)
                answer->first_s = now_s;
        if (now_s > answer->last_s)
                answer->last_s = now_s;
        answer->life_s = life_s & 0x3fffffff;
        answer->is_alias &= is_alias;
        if (answer->last_s < (uint64_t)answer->linked_s + RENEW_S)
                return;
        unlink_answer(names, answer);
        link_newest(names, number);
}

/* True when the answer was not there yet. */
static bool keep_answer(struct names *names, struct answer fresh)
{
        uint32_t count = 0, first_given = NONE;
        for (uint32_t i = names->buckets[fresh.key & names->bucket_mask]; i != NONE; i = answer_at(names, i)->next) {
                struct answer *answer = answer_at(names, i);
                if (answer->key != fresh.key)
                        continue;
                if (answer->name == fresh.name) {
                        renew_answer(names, i, fresh.is_alias, fresh.life_s, fresh.last_s);
                        return false;
                }
                count++;
                if (first_given == NONE || answer->last_s < answer_at(names, first_given)->last_s)
                        first_given = i;
        }
        if (count >= NAMES_PER_ADDRESS) {
                remove_answer(names, first_given);
                names->evictions++;
        }
        uint32_t number = free_answer(names);
        if (number == NONE)
                return false;
        if (names->count > names->bucket_mask)
                grow_buckets(names);
        uint32_t *bucket = &names->buckets[fresh.key & names->bucket_mask];
        fresh.next = *bucket;
        *answer_at(names, number) = fresh;
        *bucket = number;
        name_pool_hold_again(names->pool, fresh.name);
        link_newest(names, number);
        names->count++;
        return true;
}

static void note_resolved(struct names *names, struct resolved *resolved, uint32_t name, uint32_t now_s)
{
        if (name / 8 >= resolved->held_size) {
                uint32_t size = name_pool_size(names->pool) / 8 + 64;
                uint8_t *held = realloc(resolved->held, size);
                resolved->is_cut |= held == NULL;
                if (held == NULL)
                        return;
                memset(held + resolved->held_size, 0, size - resolved->held_size);
                resolved->held = held;
                resolved->held_size = size;
        }
        uint8_t bit = (uint8_t)(1U << (name % 8));
        if (resolved->held[name / 8] & bit)
                return;
        if (resolved->count >= FLEET_NAME_LIMIT)
                return;
        if (resolved->count == resolved->room) {
                uint32_t room = resolved->room ? resolved->room * 2 : 16;
                void *items = realloc(resolved->items, room * sizeof *resolved->items);
                resolved->is_cut |= items == NULL;
                if (items == NULL)
                        return;
                resolved->items = items;
                resolved->room = room;
        }
        resolved->items[resolved->count].name = name;
        resolved->items[resolved->count++].first_s = now_s;
        resolved->held[name / 8] |= bit;
        name_pool_hold_again(names->pool, name);
}

void names_learn(struct names *names, const struct device_key *device, uint32_t fleet, const struct address *address,
                 const char *text, bool is_alias, uint32_t ttl_s, int64_t time_ns)
{
        uint32_t now_s = (uint32_t)(time_ns / 1000000000);
        uint32_t name = name_pool_hold(names->pool, text);
        if (name == NAME_NONE)
                return;
        expire_answers(names, now_s);
        struct answer fresh = {.name = name, .first_s = now_s, .last_s = now_s, .is_alias = is_alias,
                               .life_s = (ttl_s > KEPT_S ? ttl_s : KEPT_S) & 0x3fffffff};
        fresh.key = device_answer_key(device, address);
        keep_answer(names, fresh);
        if (fleet < names->fleet_count) {
                fresh.key = fleet_answer_key(fleet, address);
                fresh.is_fleet = 1;
                if (keep_answer(names, fresh))
                        note_resolved(names, &names->resolved[fleet], name, now_s);
        }
        name_pool_release(names->pool, name);
}

static bool is_current(const struct answer *answer, uint32_t since_s, int64_t start_ns)
{
        uint64_t start_s = (uint64_t)(start_ns / 1000000000);
        if (start_s >= since_s && answer->last_s < since_s)
                return false;
        return answer->first_s <= start_s && start_s <= (uint64_t)answer->last_s + answer->life_s;
}

static const char *find_answer(const struct names *names, uint64_t key, uint32_t since_s, int64_t start_ns, bool ever,
                               const struct names_query *query)
{
        for (uint32_t i = names->buckets[key & names->bucket_mask]; i != NONE; i = answer_at(names, i)->next) {
                const struct answer *answer = answer_at(names, i);
                if (answer->key != key || !(ever || is_current(answer, since_s, start_ns)))
                        continue;
                const char *text = name_pool_text(names->pool, answer->name);
                if (query->matches(query->context, text))
                        return text;
        }
        return NULL;
}

const char *names_find_device(const struct names *names, const struct device_key *device, uint32_t since_s,
                              const struct address *address, int64_t start_ns, const struct names_query *query)
{
        return find_answer(names, device_answer_key(device, address), since_s, start_ns, false, query);
}

const char *names_find_fleet(const struct names *names, uint32_t fleet, const struct address *address, int64_t start_ns,
                             const struct names_query *query)
{
        return find_answer(names, fleet_answer_key(fleet, address), 0, start_ns, false, query);
}

uint32_t names_soon(const struct names *names, const struct device_key *device, const struct address *address)
{
        uint32_t place = (uint32_t)device_answer_key(device, address) & names->bucket_mask;
        __builtin_prefetch(&names->buckets[place]);
        return place;
}

void names_sooner(const struct names *names, uint32_t place)
{
        if (names->buckets[place] != NONE)
                __builtin_prefetch(answer_at(names, names->buckets[place]));
}

bool names_fleet_held(const struct names *names, uint32_t fleet, const struct address *address,
                      const struct names_query *query)
{
        return find_answer(names, fleet_answer_key(fleet, address), 0, 0, true, query) != NULL;
}

static struct pattern_state *pattern_state_of(struct names *names, uint32_t fleet, const char *pattern)
{
        struct pattern_state *state, wanted;
        memset(&wanted, 0, sizeof wanted); /* the key is hashed by its bytes */
        wanted.key.pattern = pattern;
        wanted.key.fleet = fleet;
        HASH_FIND(hh, names->patterns, &wanted.key, sizeof wanted.key, state);
        if (state)
                return state;
        state = calloc(1, sizeof *state);
        if (state) {
                state->key = wanted.key;
                HASH_ADD(hh, names->patterns, key, sizeof state->key, state);
        }
        return state;
}

/* NULL: no memory. */
static const struct pattern_state *compare_pattern(struct names *names, uint32_t fleet, const char *pattern)
{
        const struct resolved *resolved = &names->resolved[fleet];
        struct pattern_state *state = pattern_state_of(names, fleet, pattern);
        for (; state != NULL && !state->met && state->compared < resolved->count; state->compared++) {
                state->met = domain_matches(pattern, name_pool_text(names->pool, resolved->items[state->compared].name));
                state->first_s = resolved->items[state->compared].first_s;
        }
        return state;
}

bool names_fleet_resolved(struct names *names, uint32_t fleet, const char *pattern, int64_t time_ns)
{
        if (fleet >= names->fleet_count || names->resolved[fleet].count == 0)
                return false;
        const struct pattern_state *state = compare_pattern(names, fleet, pattern);
        return state != NULL && state->met && state->first_s <= (uint64_t)(time_ns / 1000000000);
}

bool names_fleet_may_have(struct names *names, uint32_t fleet, const char *pattern)
{
        if (fleet >= names->fleet_count || names->resolved[fleet].is_cut || names->resolved[fleet].count >= FLEET_NAME_LIMIT)
                return true;
        unsigned place = (unsigned)((uintptr_t)pattern / 16 + fleet) % STRANGE_PATTERNS;
        if (names->strange[place].pattern == pattern && names->strange[place].fleet == fleet &&
            names->strange[place].compared == names->resolved[fleet].count)
                return false;
        const struct pattern_state *state = compare_pattern(names, fleet, pattern);
        if (state == NULL || state->met)
                return true;
        names->strange[place].pattern = pattern;
        names->strange[place].fleet = fleet;
        names->strange[place].compared = state->compared;
        return false;
}

static const struct answer *better(const struct answer *a, const struct answer *b)
{
        if (a == NULL || a->is_alias != b->is_alias)
                return a == NULL || a->is_alias ? b : a;
        return b->last_s > a->last_s ? b : a;
}

static const char *best_name(const struct names *names, uint64_t key, uint32_t since_s, int64_t start_ns)
{
        const struct answer *best = NULL;
        for (uint32_t i = names->buckets[key & names->bucket_mask]; i != NONE; i = answer_at(names, i)->next) {
                const struct answer *answer = answer_at(names, i);
                if (answer->key == key && is_current(answer, since_s, start_ns))
                        best = better(best, answer);
        }
        return best ? name_pool_text(names->pool, best->name) : NULL;
}

const char *names_best_device(const struct names *names, const struct device_key *device, uint32_t since_s,
                              const struct address *address, int64_t start_ns)
{
        return best_name(names, device_answer_key(device, address), since_s, start_ns);
}

const char *names_best_fleet(const struct names *names, uint32_t fleet, const struct address *address, int64_t start_ns)
{
        return best_name(names, fleet_answer_key(fleet, address), 0, start_ns);
}

static void write_name(void *context, uint32_t number, const char *text)
{
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedName saved = APNWATCH__V1__SAVED_NAME__INIT;
        saved.number = number;
        saved.text = (char *)text;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_NAME;
        record.name = &saved;
        state_write(context, &record);
}

static void write_answers(const struct names *names, const struct queue *queue, struct state_writer *writer)
{
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedAnswer saved = APNWATCH__V1__SAVED_ANSWER__INIT;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_ANSWER;
        record.answer = &saved;
        for (uint32_t i = queue->oldest; i != NONE && writer->error == 0; i = answer_at(names, i)->newer) {
                const struct answer *answer = answer_at(names, i);
                saved.key = answer->key;
                saved.name = answer->name;
                saved.first_s = answer->first_s;
                saved.last_s = answer->last_s;
                saved.life_s = answer->life_s;
                saved.is_alias = saved.has_is_alias = answer->is_alias;
                saved.is_fleet = saved.has_is_fleet = answer->is_fleet;
                state_write(writer, &record);
        }
}

static void write_resolved(const struct names *names, uint32_t fleet, struct state_writer *writer)
{
        const struct resolved *resolved = &names->resolved[fleet];
        Apnwatch__V1__StateRecord record = APNWATCH__V1__STATE_RECORD__INIT;
        Apnwatch__V1__SavedResolved saved = APNWATCH__V1__SAVED_RESOLVED__INIT;
        record.body_case = APNWATCH__V1__STATE_RECORD__BODY_RESOLVED;
        record.resolved = &saved;
        saved.fleet = fleet;
        for (uint32_t i = 0; i < resolved->count && writer->error == 0; i++) {
                saved.name = resolved->items[i].name;
                saved.first_s = resolved->items[i].first_s;
                state_write(writer, &record);
        }
}

int names_save(const struct names *names, struct state_writer *writer)
{
        name_pool_each(names->pool, write_name, writer);
        write_answers(names, &names->devices, writer);
        write_answers(names, &names->fleets, writer);
        for (uint32_t fleet = 0; fleet < names->fleet_count; fleet++)
                write_resolved(names, fleet, writer);
        return writer->error;
}

struct names_load {
        struct names *names;
        uint32_t *numbers; /* in the pool, by the saved number; NAME_NONE: none */
        uint32_t room;
};

struct names_load *names_load_begin(struct names *names)
{
        struct names_load *load = calloc(1, sizeof *load);
        if (load)
                load->names = names;
        return load;
}

void names_load_end(struct names_load *load)
{
        if (load == NULL)
                return;
        for (uint32_t i = 0; i < load->room; i++)
                if (load->numbers[i] != NAME_NONE)
                        name_pool_release(load->names->pool, load->numbers[i]);
        free(load->numbers);
        free(load);
}

void names_load_name(struct names_load *load, const Apnwatch__V1__SavedName *saved)
{
        if (saved->number >= LOADED_NUMBERS)
                return;
        if (saved->number >= load->room) {
                uint32_t room = load->room ? load->room : 1024;
                while (room <= saved->number)
                        room *= 2;
                uint32_t *numbers = realloc(load->numbers, room * sizeof *numbers);
                if (numbers == NULL)
                        return;
                memset(numbers + load->room, 0xff, (room - load->room) * sizeof *numbers);
                load->numbers = numbers;
                load->room = room;
        }
        if (load->numbers[saved->number] == NAME_NONE)
                load->numbers[saved->number] = name_pool_hold(load->names->pool, saved->text);
}

static uint32_t loaded_name(const struct names_load *load, uint32_t number)
{
        return number < load->room ? load->numbers[number] : NAME_NONE;
}

void names_load_answer(struct names_load *load, const Apnwatch__V1__SavedAnswer *saved)
{
        struct answer answer = {.key = saved->key,
                                .name = loaded_name(load, saved->name),
                                .first_s = saved->first_s,
                                .last_s = saved->last_s,
                                .life_s = saved->life_s & 0x3fffffff,
                                .is_alias = saved->is_alias,
                                .is_fleet = saved->is_fleet};
        if (answer.name != NAME_NONE)
                keep_answer(load->names, answer);
}

void names_load_resolved(struct names_load *load, const Apnwatch__V1__SavedResolved *saved)
{
        uint32_t name = loaded_name(load, saved->name);
        if (name != NAME_NONE && saved->fleet < load->names->fleet_count)
                note_resolved(load->names, &load->names->resolved[saved->fleet], name, saved->first_s);
}

uint32_t names_count(const struct names *names)
{
        return names->count;
}

uint64_t names_evictions(const struct names *names)
{
        return names->evictions;
}

uint64_t names_bytes(const struct names *names)
{
        return (uint64_t)names->chunk_count * CHUNK * sizeof(struct answer) +
               (names->bucket_mask + 1ULL) * sizeof *names->buckets + name_pool_bytes(names->pool);
}
