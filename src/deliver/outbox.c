#include "deliver/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "deliver/outbox_parts.h"

enum { ABSENT_CONSUMERS = 64 };

static const uint64_t default_size = UINT64_C(1) << 30, least_size = 512 * 1024, most_log = 4 << 20;
static const uint64_t default_memory = 64 << 20;

static uint64_t wall_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t at_least(uint64_t number, uint64_t least)
{
        return number > least ? number : least;
}

/* Opening. */

static int load_history(struct outbox *outbox)
{
        struct outbox_store *store = &outbox->store;
        struct outbox_history *history = &outbox->shape.history;
        sqlite3_stmt *row = outbox_store_bind(store, STORE_RANGES, 0);
        int result;
        while ((result = outbox_store_row(store, row)) == 1) {
                struct dropped_range range = {outbox_store_column(row, 0), outbox_store_column(row, 1),
                                              outbox_store_column(row, 2), outbox_store_column(row, 3)};
                outbox_history_lose(history, &range);
        }
        if (result < 0)
                return result;
        row = outbox_store_bind(store, STORE_FLOORS, 0);
        while ((result = outbox_store_row(store, row)) == 1)
                outbox_history_raise(history, outbox_store_column(row, 0), outbox_store_column(row, 1));
        history->is_changed = false;
        return result;
}

static int load_marks(struct outbox *outbox)
{
        struct outbox_shape *shape = &outbox->shape;
        sqlite3_stmt *row = outbox_store_bind(&outbox->store, STORE_MARKS, 0);
        int result;
        while ((result = outbox_store_row(&outbox->store, row)) == 1)
                if (shape->mark_count < OUTBOX_MARKS_MOST)
                        shape->marks[shape->mark_count++] =
                                (struct acknowledged_mark){outbox_store_column(row, 0), outbox_store_column(row, 1)};
        return result;
}

static int load(struct outbox *outbox)
{
        struct outbox_shape *shape = &outbox->shape;
        sqlite3_stmt *row = outbox_store_bind(&outbox->store, STORE_SENSOR, 0);
        int result = outbox_store_row(&outbox->store, row);
        if (result != 1)
                return result < 0 ? result : -EBADMSG;
        outbox->last_number = outbox_store_column(row, 0);
        outbox->last_ms = outbox_store_column(row, 1);
        sqlite3_reset(row);
        row = outbox_store_bind(&outbox->store, STORE_COUNT, 0);
        if ((result = outbox_store_row(&outbox->store, row)) != 1)
                return result < 0 ? result : -EBADMSG;
        shape->held = outbox_store_column(row, 0);
        shape->first_held = outbox_store_column(row, 1);
        uint64_t last_held = outbox_store_column(row, 2);
        sqlite3_reset(row);
        if (last_held > outbox->last_number)
                return -EBADMSG;
        shape->committed = outbox->stored_number = outbox->last_number;
        outbox->stored_ms = outbox->last_ms;
        if (shape->held == 0)
                shape->first_held = shape->committed + 1;
        if ((result = load_history(outbox)) < 0 || (result = load_marks(outbox)) < 0)
                return result;
        outbox_measure(outbox);
        return outbox_store_run(&outbox->store, outbox_store_bind(&outbox->store, STORE_FORGET_CONSUMERS, 1,
                                                                  (uint64_t)ABSENT_CONSUMERS));
}

static void take_settings(struct outbox *outbox, const struct outbox_settings *settings)
{
        outbox->size_limit = at_least(settings->size_limit ? settings->size_limit : default_size, least_size);
        outbox->log_bytes = outbox->size_limit / 4 < most_log ? outbox->size_limit / 4 : most_log;
        outbox->memory_limit = settings->memory_limit ? settings->memory_limit : default_memory;
        outbox->retention_ms = (settings->retention_s ? settings->retention_s : 24 * 3600) * UINT64_C(1000);
        outbox->fixed_ms = settings->fixed_ms;
        outbox->now_ms = settings->now_ms ? settings->now_ms : wall_ms;
}

int outbox_open(struct outbox **out, const struct outbox_settings *settings, char *error, size_t error_size)
{
        struct outbox *outbox = calloc(1, sizeof *outbox);
        int result = -ENOMEM;
        *out = NULL;
        snprintf(error, error_size, "outbox: %s", strerror(ENOMEM));
        if (outbox == NULL)
                return result;
        take_settings(outbox, settings);
        outbox->sensor = strdup(settings->sensor ? settings->sensor : "");
        outbox->arena = (struct wire_arena){.memory = malloc(OUTBOX_ARENA), .size = OUTBOX_ARENA};
        if (outbox->sensor == NULL || outbox->arena.memory == NULL || outbox_pending_init(&outbox->pending) != 0)
                goto fail;
        unsigned log_pages = (unsigned)(outbox->log_bytes / 4096);
        result = outbox_store_open(&outbox->store, settings->path, outbox->sensor, log_pages, error, error_size);
        if (result != 0)
                goto fail;
        if ((result = load(outbox)) != 0) {
                snprintf(error, error_size, "outbox %s: %s", settings->path ? settings->path : "(temporary)",
                         result == -EBADMSG ? "the file is damaged" : outbox->store.reason);
                goto fail;
        }
        *out = outbox;
        return 0;
fail:
        outbox_store_close(&outbox->store);
        outbox_pending_clear(&outbox->pending);
        free(outbox->arena.memory);
        free(outbox->sensor);
        free(outbox);
        return result;
}

/* Adding. */

bool outbox_has_uncommitted(const struct outbox *outbox)
{
        return outbox->pending.count > 0 || outbox->pending.lost.last > 0;
}

static uint64_t find_alert(struct outbox *outbox, const struct alert_key *key)
{
        sqlite3_stmt *statement = outbox_store_bind(&outbox->store, STORE_FIND, 1, (uint64_t)key->revision);
        outbox_bind_id(statement, 2, key);
        int result = outbox_store_row(&outbox->store, statement);
        uint64_t number = result == 1 ? outbox_store_column(statement, 0) : 0;
        sqlite3_reset(statement);
        if (result < 0)
                outbox_note_read_failure(outbox, result);
        return number;
}

uint64_t outbox_number_of_alert(struct outbox *outbox, const char *id, uint32_t revision)
{
        struct alert_key key;
        alert_key_of(&key, id, revision);
        return find_alert(outbox, &key);
}

static void bound_memory(struct outbox *outbox)
{
        if (outbox->failing == 0) {
                if (outbox->pending.bytes > outbox->memory_limit / 2)
                        (void)outbox_commit(outbox);
        }
        while (outbox->pending.bytes > outbox->memory_limit && outbox_pending_drop(&outbox->pending))
                outbox->lost++;
}

int outbox_add(struct outbox *outbox, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length)
{
        struct alert_key key;
        alert_key_of(&key, alert->id, alert->revision);
        if (outbox_pending_has(&outbox->pending, &key) || find_alert(outbox, &key) != 0) {
                outbox->refused++;
                return -EEXIST;
        }
        uint64_t number = ++outbox->last_number;
        outbox->last_ms = at_least(outbox->fixed_ms ? outbox->fixed_ms : outbox->now_ms(), outbox->last_ms);
        size_t length = protobuf_c_message_get_packed_size(&alert->base);
        bool fits = length <= OUTBOX_ALERT_MOST && cause_length <= OUTBOX_ALERT_MOST;
        struct pending_alert *pending = NULL;
        if (fits)
                pending = outbox_pending_add(&outbox->pending, number, outbox->last_ms, &key, length, cause, cause_length);
        if (pending == NULL) {
                outbox_pending_lose(&outbox->pending, number, outbox->last_ms);
                outbox->lost++;
                return fits ? -ENOMEM : -EMSGSIZE;
        }
        protobuf_c_message_pack(&alert->base, pending->bytes + (pending->alert - pending->bytes));
        bound_memory(outbox);
        return 0;
}

/* Consumers. */

static int load_consumer(struct outbox_consumer *consumer)
{
        struct outbox_store *store = &consumer->outbox->store;
        struct outbox_position *at = &consumer->at;
        sqlite3_stmt *row = outbox_store_bind(store, STORE_CONSUMER, 0);
        sqlite3_bind_text(row, 1, consumer->name, -1, SQLITE_STATIC);
        int result = outbox_store_row(store, row);
        if (result == 1) {
                uint64_t *const numbers[] = {&at->began, &at->position, &at->told, &at->delivered, &at->filtered, &at->gaps};
                for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
                        *numbers[i] = outbox_store_column(row, (int)i);
        }
        sqlite3_reset(row);
        uint64_t committed = consumer->outbox->shape.committed;
        if (result == 1 && at->position <= committed && at->delivered + at->filtered + at->gaps == at->position)
                return 1;
        *at = (struct outbox_position){.began = committed, .position = committed, .filtered = committed};
        return result < 0 ? result : 0;
}

struct outbox_consumer *outbox_consumer(struct outbox *outbox, const char *name)
{
        for (struct outbox_consumer *consumer = outbox->consumers; consumer; consumer = consumer->next)
                if (strcmp(consumer->name, name) == 0)
                        return consumer;
        struct outbox_consumer *consumer = calloc(1, sizeof *consumer);
        if (consumer == NULL || (consumer->name = strdup(name)) == NULL) {
                free(consumer);
                return NULL;
        }
        consumer->outbox = outbox;
        int result = load_consumer(consumer);
        if (result < 0) {
                outbox_note_read_failure(outbox, result);
                free(consumer->name);
                free(consumer);
                return NULL;
        }
        consumer->is_changed = true; /* when it was seen */
        consumer->next = outbox->consumers;
        outbox->consumers = consumer;
        return consumer;
}

void outbox_consumer_position(const struct outbox_consumer *consumer, struct outbox_position *out)
{
        *out = consumer->at;
}

void outbox_advance(struct outbox_consumer *consumer, uint64_t number, uint64_t told, uint64_t delivered, uint64_t filtered,
                    uint64_t gaps)
{
        struct outbox_position *at = &consumer->at;
        assert(number == at->position + delivered + filtered + gaps && number <= consumer->outbox->shape.committed);
        at->position = number;
        at->delivered += delivered;
        at->filtered += filtered;
        at->gaps += gaps;
        if (told > at->told)
                at->told = told;
        consumer->is_changed = true;
}

void outbox_rewind(struct outbox_consumer *consumer, uint64_t number, uint64_t delivered, uint64_t filtered, uint64_t gaps)
{
        struct outbox_position *at = &consumer->at;
        assert(number >= at->began && number + delivered + filtered + gaps == at->position);
        assert(delivered <= at->delivered && filtered <= at->filtered && gaps <= at->gaps);
        at->position = number;
        at->delivered -= delivered;
        at->filtered -= filtered;
        at->gaps -= gaps;
        if (at->told > number)
                at->told = number;
        consumer->is_changed = true;
}

void outbox_numbers(const struct outbox *outbox, struct outbox_numbers *out)
{
        *out = (struct outbox_numbers){.committed = outbox->shape.committed, .refused = outbox->refused,
                                       .bytes = outbox->bytes, .held = outbox->shape.held, .in_memory = outbox->pending.count, .lost = outbox->lost,
                                       .is_failing = outbox->failing != 0};
}

uint64_t outbox_fixed_ms(const struct outbox *outbox)
{
        return outbox->fixed_ms;
}

void outbox_close(struct outbox *outbox)
{
        if (outbox == NULL)
                return;
        if (outbox_commit_now(outbox) < 0 && outbox->pending.count > 0)
                log_error("outbox: %u alerts could not be written, they are lost", outbox->pending.count);
        while (outbox->consumers) {
                struct outbox_consumer *consumer = outbox->consumers;
                outbox->consumers = consumer->next;
                free(consumer->block.bytes);
                free(consumer->name);
                free(consumer);
        }
        outbox_store_close(&outbox->store);
        outbox_pending_clear(&outbox->pending);
        free(outbox->arena.memory);
        free(outbox->sensor);
        free(outbox);
}
