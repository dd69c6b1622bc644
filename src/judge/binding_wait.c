#include "judge/binding_wait.h"

#include <stdlib.h>
#include <string.h>

#include "base/apart.h"
#include "base/hash_seed.h"
#include "base/wide_memory.h"

enum { NONE = 0, CHAIN_MOST = 256 };

static uint64_t seed;

/* Flows wait five seconds for what a response without its request tells. */
static const int64_t ORPHAN_NS = INT64_C(4000000000);

/* Requester and sequence tell a transaction, of Diameter and RADIUS with the requester's port. The answerer tells apart
 * what counts by the path (GTPv1-C), but may answer from another of its addresses: where only one transaction fits
 * without it, that is meant. */
struct key {
        struct address client;
        uint64_t sequence;
        uint16_t context, port;
        uint8_t protocol, procedure, unused[2];
};

_Static_assert(sizeof(struct key) % SAID_STEP == 0, "it is hashed in steps");

struct entry {
        struct wait_entry plain; /* first: callers get this */
        uint32_t slot;           /* of its chain; a chain has the newest first */
        uint32_t next, before;
        uint32_t older, newer;   /* up to here a line of the cache: all that its end asks */
        uint64_t body;           /* hash of what was said, by requester and by answerer */
        uint64_t answer;
        struct address server;
        struct key key;
};

struct queue {
        uint32_t oldest, newest;
};

/* Entries by number, from 1 on: NONE is no entry. */
struct wait_table {
        struct entry *entries;
        uint32_t *heads;
        uint32_t mask, used, free; /* free: chain of those that were given back */
        struct queue said, orphans; /* orphan: a response that came first */
        uint32_t leaving;        /* given out by expire */
        uint32_t count, limit;
        int64_t age_ns, orphan_ns;
        uint64_t dropped;
};

/* [0] is none, and one may be leaving. */
static size_t entries_size(uint32_t limit)
{
        return (limit + UINT64_C(2)) * sizeof(struct entry);
}

struct wait_table *wait_table_create(uint32_t limit, int64_t age_ns)
{
        struct wait_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        if (seed == 0)
                seed = hash_seed();
        table->limit = limit;
        table->age_ns = age_ns;
        table->orphan_ns = age_ns < ORPHAN_NS ? age_ns : ORPHAN_NS;
        table->mask = 1;
        while (table->mask < limit)
                table->mask = table->mask << 1 | 1;
        table->entries = wide_memory_take(entries_size(limit));
        table->heads = calloc(table->mask + UINT64_C(1), sizeof *table->heads);
        if (table->entries == NULL || table->heads == NULL) {
                wait_table_destroy(table);
                return NULL;
        }
        return table;
}

static void queue_add(struct wait_table *table, struct queue *queue, uint32_t number)
{
        struct entry *entry = &table->entries[number];
        entry->older = queue->newest;
        entry->newer = NONE;
        *(queue->newest ? &table->entries[queue->newest].newer : &queue->oldest) = number;
        queue->newest = number;
}

static void queue_remove(struct wait_table *table, struct queue *queue, const struct entry *entry)
{
        *(entry->older ? &table->entries[entry->older].newer : &queue->oldest) = entry->newer;
        *(entry->newer ? &table->entries[entry->newer].older : &queue->newest) = entry->older;
}

static struct queue *queue_of(struct wait_table *table, const struct entry *entry)
{
        return entry->plain.state == WAITS_FOR_REQUEST ? &table->orphans : &table->said;
}

static void chain_add(struct wait_table *table, uint32_t number)
{
        struct entry *entry = &table->entries[number];
        uint32_t *head = &table->heads[entry->slot];
        entry->next = *head;
        entry->before = NONE;
        if (*head != NONE)
                table->entries[*head].before = number;
        *head = number;
}

static void chain_remove(struct wait_table *table, const struct entry *entry)
{
        *(entry->before ? &table->entries[entry->before].next : &table->heads[entry->slot]) = entry->next;
        if (entry->next != NONE)
                table->entries[entry->next].before = entry->before;
}

static void forget_said(struct entry *entry)
{
        free(entry->plain.said);
        entry->plain.said = NULL;
}

static void unlink_entry(struct wait_table *table, struct entry *entry)
{
        chain_remove(table, entry);
        queue_remove(table, queue_of(table, entry), entry);
        table->count--;
}

static void free_entry(struct wait_table *table, struct entry *entry)
{
        forget_said(entry);
        entry->next = table->free;
        table->free = (uint32_t)(entry - table->entries);
}

static APART void drop_entry(struct wait_table *table, struct entry *entry)
{
        unlink_entry(table, entry);
        free_entry(table, entry);
}

static void free_leaving(struct wait_table *table)
{
        if (table->leaving != NONE)
                free_entry(table, &table->entries[table->leaving]);
        table->leaving = NONE;
}

void wait_table_destroy(struct wait_table *table)
{
        if (table == NULL)
                return;
        for (uint32_t i = 1; i <= table->used; i++)
                forget_said(&table->entries[i]);
        wide_memory_give(table->entries, entries_size(table->limit));
        free(table->heads);
        free(table);
}

/* Of whole steps: a sum of products of two words each, whose halves are folded together. Each pair has secrets of its own, so that no
 * product waits for another. One small loop for keys and messages, since larger code is gone from the cache when the next message comes. */
static APART uint64_t hash_of(const void *bytes, size_t size)
{
        const uint8_t *at = bytes, *end = at + size;
        uint64_t sum = size, secret = seed, words[2];
        for (; at < end; at += sizeof words) {
                memcpy(words, at, sizeof words);
                secret += UINT64_C(0x9e3779b97f4a7c15);
                __extension__ unsigned __int128 product = (unsigned __int128)(words[0] ^ secret) * (words[1] ^ (secret << 32 | secret >> 32));
                sum += (uint64_t)product ^ (uint64_t)(product >> 64);
        }
        return sum ^ sum >> 32;
}

static bool is_answer(const struct said *said)
{
        return said->phase == SAID(PHASE__RESPONSE);
}

static struct key key_of(const struct said *said, uint16_t context)
{
        struct key key;
        bool answer = is_answer(said);
        memset(&key, 0, sizeof key); /* padding is hashed too */
        key.client = answer ? said->destination : said->source;
        key.sequence = said->sequence;
        key.context = context;
        if (is_named(said))
                key.port = answer ? said->destination_port : said->source_port;
        key.protocol = said->protocol;
        key.procedure = said->procedure;
        return key;
}

static const struct address *server_of(const struct said *said)
{
        return is_answer(said) ? &said->source : &said->destination;
}

/* The TEID that the requester told for itself is the one that it is answered under. */
static bool is_answered_so(const struct said *request, const struct said *response)
{
        for (unsigned i = 0; i < request->end_count && response->key != 0; i++)
                if (!request->ends[i].user && request->ends[i].key == response->key)
                        return true;
        return false;
}

/* It is answered under a TEID that the requester did not tell: the answer is to a request that was not seen, with the same number. */
static bool is_answered_else(const struct said *request, const struct said *response)
{
        bool told = false;
        for (unsigned i = 0; i < request->end_count; i++)
                told |= !request->ends[i].user && request->ends[i].key != 0;
        return told && response->key != 0 && !is_answered_so(request, response);
}

static APART bool is_of_another(const struct entry *entry, const struct said *said)
{
        if (entry->plain.said == NULL || is_answer(said) == (entry->plain.state == WAITS_FOR_REQUEST))
                return false;
        return is_answer(said) ? is_answered_else(entry->plain.said, said) : is_answered_else(said, entry->plain.said);
}

static APART bool is_half_of(const struct entry *entry, const struct said *said)
{
        if (entry->plain.said == NULL)
                return false;
        if (is_answer(said))
                return entry->plain.state == WAITS_FOR_RESPONSE && is_answered_so(entry->plain.said, said);
        return entry->plain.state == WAITS_FOR_REQUEST && is_answered_so(said, entry->plain.said);
}

/* The half that waits for this one, or the message itself. */
static struct entry *find_entry(struct wait_table *table, const struct key *key, uint32_t slot, const struct said *said)
{
        struct entry *loose = NULL;
        unsigned seen = 0;
        for (uint32_t number = table->heads[slot]; number != NONE && seen++ < CHAIN_MOST; number = table->entries[number].next) {
                struct entry *entry = &table->entries[number];
                if (memcmp(&entry->key, key, sizeof *key) != 0)
                        continue;
                if (address_equal(&entry->server, server_of(said)))
                        return entry;
                if (loose == NULL)
                        loose = entry;
        }
        return loose != NULL && is_half_of(loose, said) ? loose : NULL;
}

static uint32_t take_number(struct wait_table *table)
{
        uint32_t number = table->free;
        if (number == NONE)
                return ++table->used;
        table->free = table->entries[number].next;
        return number;
}

static struct entry *entry_new(struct wait_table *table, const struct key *key, uint32_t slot, const struct said *said)
{
        if (table->count == table->limit) {
                struct entry *oldest = &table->entries[table->said.oldest ? table->said.oldest : table->orphans.oldest];
                table->dropped += oldest->plain.state != IS_ANSWERED;
                drop_entry(table, oldest);
        }
        struct said *kept = malloc(said->size);
        if (kept == NULL)
                return NULL;
        uint32_t number = take_number(table);
        struct entry *entry = &table->entries[number];
        memcpy(kept, said, said->size);
        memset(entry, 0, sizeof *entry);
        entry->plain.said = kept;
        entry->plain.state = is_answer(said) ? WAITS_FOR_REQUEST : WAITS_FOR_RESPONSE;
        entry->key = *key;
        entry->server = *server_of(said);
        entry->slot = slot;
        chain_add(table, number);
        queue_add(table, queue_of(table, entry), number);
        table->count++;
        return entry;
}

static struct entry *keep_half(struct wait_table *table, const struct key *key, uint32_t slot, const struct said *said, const event_t *event)
{
        struct entry *entry = entry_new(table, key, slot, said);
        if (entry == NULL)
                return NULL;
        entry->plain.time_ns = (int64_t)event->clock;
        entry->plain.context = key->context;
        entry->plain.file = event->file;
        entry->plain.file_frame = event->file_frame;
        return entry;
}

enum wait_verdict wait_table_take(struct wait_table *table, const struct said *said, const event_t *event, uint16_t context,
                                  struct wait_entry **other)
{
        bool answer = is_answer(said);
        struct key key = key_of(said, context);
        uint32_t slot = (uint32_t)hash_of(&key, sizeof key) & table->mask;
        uint64_t body = hash_of(said, said->size);
        enum wait_verdict verdict = WAIT_NEW;
        free_leaving(table);
        struct entry *entry = find_entry(table, &key, slot, said);
        if (entry != NULL && (answer ? entry->answer : entry->body) == body)
                return WAIT_REPEATED;
        if (entry != NULL && entry->plain.state == (answer ? WAITS_FOR_RESPONSE : WAITS_FOR_REQUEST) && !is_of_another(entry, said)) {
                verdict = WAIT_MATCHED;
        } else {
                if (entry != NULL) /* the same number, another message: the sender began anew */
                        drop_entry(table, entry);
                entry = keep_half(table, &key, slot, said, event);
        }
        if (entry == NULL)
                return WAIT_REPEATED;
        *(answer ? &entry->answer : &entry->body) = body;
        *other = &entry->plain;
        return verdict;
}

void wait_table_answered(struct wait_table *table, struct wait_entry *plain)
{
        struct entry *entry = (struct entry *)plain;
        if (plain->state == WAITS_FOR_REQUEST) {
                queue_remove(table, &table->orphans, entry);
                queue_add(table, &table->said, (uint32_t)(entry - table->entries));
        }
        plain->state = IS_ANSWERED;
        forget_said(entry);
}

/* The first of the queue, when it is older than that. */
static uint32_t first_too_old(const struct wait_table *table, const struct queue *queue, int64_t clock_ns, int64_t age_ns)
{
        return queue->oldest != NONE && clock_ns - table->entries[queue->oldest].plain.time_ns >= age_ns ? queue->oldest : NONE;
}

bool wait_table_expire(struct wait_table *table, int64_t clock_ns, struct wait_entry **out)
{
        free_leaving(table);
        uint32_t number = first_too_old(table, &table->orphans, clock_ns, table->orphan_ns);
        if (number == NONE)
                number = first_too_old(table, &table->said, clock_ns, table->age_ns);
        if (number == NONE)
                return false;
        __builtin_prefetch(&table->entries[table->entries[number].newer], 1);
        unlink_entry(table, &table->entries[number]);
        table->leaving = number;
        *out = &table->entries[number].plain;
        return true;
}

uint32_t wait_table_count(const struct wait_table *table)
{
        return table->count;
}

uint64_t wait_table_dropped(const struct wait_table *table)
{
        return table->dropped;
}
