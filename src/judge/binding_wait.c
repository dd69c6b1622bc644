#include "judge/binding_wait.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_FUNCTION(key, length, hash) ((hash) = (unsigned)XXH3_64bits(key, length))
#include <uthash.h>

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

struct full_key {
        struct key key;
        struct address server;
};

struct entry {
        struct wait_entry plain; /* first: callers get this */
        struct full_key key;
        uint64_t body;           /* hash of what was said, by requester and by answerer */
        uint64_t answer;
        struct entry *older, *newer;
        UT_hash_handle hh;       /* by the full key */
        UT_hash_handle loose;    /* by the key without the answerer; several may have the same */
};

struct queue {
        struct entry *oldest, *newest;
};

struct wait_table {
        struct entry *by_key, *by_loose_key;
        struct queue said, orphans; /* orphan: a response that came first */
        struct entry *leaving;   /* given out by expire */
        uint32_t count, limit;
        int64_t age_ns, orphan_ns;
        uint64_t dropped;
};

struct wait_table *wait_table_create(uint32_t limit, int64_t age_ns)
{
        struct wait_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        table->limit = limit;
        table->age_ns = age_ns;
        table->orphan_ns = age_ns < ORPHAN_NS ? age_ns : ORPHAN_NS;
        return table;
}

static void queue_add(struct queue *queue, struct entry *entry)
{
        entry->older = queue->newest;
        entry->newer = NULL;
        *(queue->newest ? &queue->newest->newer : &queue->oldest) = entry;
        queue->newest = entry;
}

static void queue_remove(struct queue *queue, struct entry *entry)
{
        *(entry->older ? &entry->older->newer : &queue->oldest) = entry->newer;
        *(entry->newer ? &entry->newer->older : &queue->newest) = entry->older;
}

static struct queue *queue_of(struct wait_table *table, const struct entry *entry)
{
        return entry->plain.state == WAITS_FOR_REQUEST ? &table->orphans : &table->said;
}

static void forget_said(struct entry *entry)
{
        free(entry->plain.said);
        entry->plain.said = NULL;
}

static void unlink_entry(struct wait_table *table, struct entry *entry)
{
        HASH_DEL(table->by_key, entry);
        HASH_DELETE(loose, table->by_loose_key, entry);
        queue_remove(queue_of(table, entry), entry);
        table->count--;
}

static void drop_entry(struct wait_table *table, struct entry *entry)
{
        unlink_entry(table, entry);
        forget_said(entry);
        free(entry);
}

static void free_leaving(struct wait_table *table)
{
        if (table->leaving == NULL)
                return;
        forget_said(table->leaving);
        free(table->leaving);
        table->leaving = NULL;
}

static void free_queue(struct queue *queue)
{
        for (struct entry *entry = queue->oldest, *next; entry != NULL; entry = next) {
                next = entry->newer;
                forget_said(entry);
                free(entry);
        }
}

void wait_table_destroy(struct wait_table *table)
{
        if (table == NULL)
                return;
        free_leaving(table);
        HASH_CLEAR(hh, table->by_key);
        HASH_CLEAR(loose, table->by_loose_key);
        free_queue(&table->said);
        free_queue(&table->orphans);
        free(table);
}

static bool is_answer(const struct said *said)
{
        return said->phase == SAID(PHASE__RESPONSE);
}

static struct full_key key_of(const struct said *said, uint16_t context)
{
        struct full_key full;
        bool answer = is_answer(said);
        memset(&full, 0, sizeof full); /* padding is hashed too */
        full.key.client = answer ? said->destination : said->source;
        full.server = answer ? said->source : said->destination;
        full.key.sequence = said->sequence;
        full.key.context = context;
        if (is_named(said))
                full.key.port = answer ? said->destination_port : said->source_port;
        full.key.protocol = said->protocol;
        full.key.procedure = said->procedure;
        return full;
}

/* The TEID that the requester told for itself is the one that it is answered under. */
static bool is_answered_so(const struct said *request, const struct said *response)
{
        for (unsigned i = 0; i < request->end_count && response->key != 0; i++)
                if (!request->ends[i].user && request->ends[i].key == response->key)
                        return true;
        return false;
}

/* The half that waits for this one. */
static struct entry *find_entry(struct wait_table *table, const struct full_key *key, const struct said *said)
{
        struct entry *entry;
        bool answer = is_answer(said);
        HASH_FIND(hh, table->by_key, key, sizeof *key, entry);
        if (entry != NULL || (!answer && table->orphans.oldest == NULL))
                return entry;
        HASH_FIND(loose, table->by_loose_key, &key->key, sizeof key->key, entry);
        if (entry == NULL || entry->plain.said == NULL)
                return NULL;
        bool is_half = entry->plain.state == (answer ? WAITS_FOR_RESPONSE : WAITS_FOR_REQUEST);
        bool fits = answer ? is_answered_so(entry->plain.said, said) : is_answered_so(said, entry->plain.said);
        return is_half && fits ? entry : NULL;
}

static struct entry *entry_new(struct wait_table *table, const struct full_key *key, const struct said *said)
{
        if (table->count == table->limit) {
                struct entry *oldest = table->said.oldest ? table->said.oldest : table->orphans.oldest;
                table->dropped += oldest->plain.state != IS_ANSWERED;
                drop_entry(table, oldest);
        }
        struct entry *entry = calloc(1, sizeof *entry);
        if (entry == NULL)
                return NULL;
        if ((entry->plain.said = malloc(said->size)) == NULL) {
                free(entry);
                return NULL;
        }
        memcpy(entry->plain.said, said, said->size);
        entry->key = *key;
        entry->plain.state = is_answer(said) ? WAITS_FOR_REQUEST : WAITS_FOR_RESPONSE;
        HASH_ADD(hh, table->by_key, key, sizeof entry->key, entry);
        HASH_ADD(loose, table->by_loose_key, key.key, sizeof entry->key.key, entry);
        queue_add(queue_of(table, entry), entry);
        table->count++;
        return entry;
}

static struct entry *keep_half(struct wait_table *table, const struct full_key *key, const struct said *said, const event_t *event,
                               uint16_t context)
{
        struct entry *entry = entry_new(table, key, said);
        if (entry == NULL)
                return NULL;
        entry->plain.time_ns = (int64_t)event->clock;
        entry->plain.context = context;
        entry->plain.file = event->file;
        entry->plain.file_frame = event->file_frame;
        return entry;
}

enum wait_verdict wait_table_take(struct wait_table *table, const struct said *said, const event_t *event, uint16_t context,
                                  struct wait_entry **other)
{
        bool answer = is_answer(said);
        struct full_key key = key_of(said, context);
        uint64_t body = XXH3_64bits(said, said->size);
        enum wait_verdict verdict = WAIT_NEW;
        free_leaving(table);
        struct entry *entry = find_entry(table, &key, said);
        if (entry != NULL && (answer ? entry->answer : entry->body) == body)
                return WAIT_REPEATED;
        if (entry != NULL && entry->plain.state == (answer ? WAITS_FOR_RESPONSE : WAITS_FOR_REQUEST)) {
                verdict = WAIT_MATCHED;
        } else {
                if (entry != NULL) /* the same number, another message: the sender began anew */
                        drop_entry(table, entry);
                entry = keep_half(table, &key, said, event, context);
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
                queue_remove(&table->orphans, entry);
                queue_add(&table->said, entry);
        }
        plain->state = IS_ANSWERED;
        forget_said(entry);
}

/* The first of the list, when it is older than that. */
static struct entry *first_too_old(struct entry *first, int64_t clock_ns, int64_t age_ns)
{
        return first != NULL && clock_ns - first->plain.time_ns >= age_ns ? first : NULL;
}

bool wait_table_expire(struct wait_table *table, int64_t clock_ns, struct wait_entry **out)
{
        free_leaving(table);
        struct entry *entry = first_too_old(table->orphans.oldest, clock_ns, table->orphan_ns);
        if (entry == NULL)
                entry = first_too_old(table->said.oldest, clock_ns, table->age_ns);
        if (entry == NULL)
                return false;
        unlink_entry(table, entry);
        table->leaving = entry;
        *out = &entry->plain;
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
