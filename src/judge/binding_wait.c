#include "judge/binding_wait.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Requester and sequence tell a transaction; the answer may come from another address of the node. */
struct key {
        uint8_t client[16];
        uint64_t sequence;
        uint16_t context;
        uint8_t protocol, procedure;
        uint8_t name[4]; /* of the session identifier: RADIUS identifiers wrap in a moment */
};

struct entry {
        struct wait_entry plain; /* first: callers get this */
        struct key key;
        uint64_t body;           /* hash of what was said, by requester and by answerer */
        uint64_t answer;
        struct entry *prev, *next;
        UT_hash_handle hh;
};

struct wait_table {
        struct entry *by_key, *oldest;
        struct entry *leaving;   /* given out by expire */
        uint32_t count, limit;
        int64_t age_ns;
        uint64_t dropped;
};

struct wait_table *wait_table_create(uint32_t limit, int64_t age_ns)
{
        struct wait_table *table = calloc(1, sizeof *table);
        if (table == NULL)
                return NULL;
        table->limit = limit;
        table->age_ns = age_ns;
        return table;
}

static void forget_said(struct entry *entry)
{
        if (entry->plain.said)
                apnwatch__v1__signalling__free_unpacked(entry->plain.said, NULL);
        entry->plain.said = NULL;
}

static void unlink_entry(struct wait_table *table, struct entry *entry)
{
        HASH_DEL(table->by_key, entry);
        DL_DELETE(table->oldest, entry);
        table->count--;
}

static void free_leaving(struct wait_table *table)
{
        if (table->leaving == NULL)
                return;
        forget_said(table->leaving);
        free(table->leaving);
        table->leaving = NULL;
}

void wait_table_destroy(struct wait_table *table)
{
        if (table == NULL)
                return;
        free_leaving(table);
        while (table->oldest != NULL) {
                struct entry *entry = table->oldest;
                unlink_entry(table, entry);
                forget_said(entry);
                free(entry);
        }
        free(table);
}

static struct key key_of(const Apnwatch__V1__Signalling *said, uint16_t context)
{
        struct key key;
        bool answer = said->phase == APNWATCH__V1__SIGNALLING__PHASE__RESPONSE;
        const ProtobufCBinaryData *client = answer ? &said->destination : &said->source;
        memset(&key, 0, sizeof key); /* padding is hashed too */
        memcpy(key.client, client->data, client->len < 16 ? client->len : 16);
        key.sequence = said->sequence;
        key.context = context;
        key.protocol = (uint8_t)said->protocol;
        key.procedure = (uint8_t)said->procedure;
        return key;
}

static uint64_t body_of(const Apnwatch__V1__Signalling *said, uint8_t *room, size_t length)
{
        apnwatch__v1__signalling__pack(said, room);
        return XXH3_64bits(room, length);
}

static struct entry *entry_new(struct wait_table *table, const struct key *key, const uint8_t *packed, size_t length)
{
        if (table->count == table->limit) {
                struct entry *oldest = table->oldest;
                table->dropped += oldest->plain.state != IS_ANSWERED;
                unlink_entry(table, oldest);
                forget_said(oldest);
                free(oldest);
        }
        struct entry *entry = calloc(1, sizeof *entry);
        if (entry == NULL)
                return NULL;
        entry->plain.said = apnwatch__v1__signalling__unpack(NULL, length, packed);
        entry->key = *key;
        HASH_ADD(hh, table->by_key, key, sizeof entry->key, entry);
        DL_APPEND(table->oldest, entry);
        table->count++;
        return entry;
}

enum wait_verdict wait_table_take(struct wait_table *table, const event_t *event, uint16_t context, struct wait_entry **other)
{
        const Apnwatch__V1__Signalling *said = event->signalling;
        bool answer = said->phase == APNWATCH__V1__SIGNALLING__PHASE__RESPONSE;
        struct key key = key_of(said, context);
        struct entry *entry;
        size_t length = apnwatch__v1__signalling__get_packed_size(said);
        uint8_t *room = malloc(length + 1);
        free_leaving(table);
        if (room == NULL)
                return WAIT_REPEATED;
        uint64_t body = body_of(said, room, length);
        enum wait_verdict verdict = WAIT_NEW;
        HASH_FIND(hh, table->by_key, &key, sizeof key, entry);
        if (entry != NULL && (answer ? entry->answer : entry->body) == body) {
                free(room);
                return WAIT_REPEATED;
        }
        bool is_half = entry != NULL && entry->plain.state == (answer ? WAITS_FOR_RESPONSE : WAITS_FOR_REQUEST);
        if (is_half) {
                verdict = WAIT_MATCHED;
        } else if (entry != NULL) { /* the same number, another message: the sender began anew */
                unlink_entry(table, entry);
                forget_said(entry);
                free(entry);
        }
        if (!is_half) {
                entry = entry_new(table, &key, room, length);
                if (entry != NULL)
                        entry->plain.state = answer ? WAITS_FOR_REQUEST : WAITS_FOR_RESPONSE;
        }
        free(room);
        if (entry == NULL)
                return WAIT_REPEATED;
        *(answer ? &entry->answer : &entry->body) = body;
        if (!is_half) {
                entry->plain.time_ns = (int64_t)event->clock;
                entry->plain.context = context;
                entry->plain.file = event->file;
                entry->plain.file_frame = event->file_frame;
        }
        *other = &entry->plain;
        return verdict;
}

void wait_table_answered(struct wait_table *table, struct wait_entry *entry)
{
        (void)table;
        entry->state = IS_ANSWERED;
        forget_said((struct entry *)entry);
}

bool wait_table_expire(struct wait_table *table, int64_t clock_ns, struct wait_entry **out)
{
        free_leaving(table);
        struct entry *entry = table->oldest;
        if (entry == NULL || clock_ns - entry->plain.time_ns < table->age_ns)
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
