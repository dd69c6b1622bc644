#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "deliver/outbox_parts.h"

void outbox_note_read_failure(struct outbox *outbox, int code)
{
        if (!outbox->is_read_failure_told)
                log_error("outbox: cannot read: %s", strerror(-code));
        outbox->is_read_failure_told = true;
}

static int neighbour(struct outbox *outbox, enum outbox_statement which, uint64_t number, struct entry_id *out)
{
        sqlite3_stmt *row = outbox_store_bind(&outbox->store, which, 1, number);
        int result = outbox_store_row(&outbox->store, row);
        if (result == 1) {
                out->sequence = outbox_store_column(row, 0);
                out->ms = outbox_store_column(row, 1);
                sqlite3_reset(row);
        }
        return result;
}

int outbox_entry_at_or_before(struct outbox *outbox, uint64_t number, struct entry_id *out)
{
        return neighbour(outbox, STORE_AT_OR_BEFORE, number, out);
}

int outbox_entry_at_or_behind(struct outbox *outbox, uint64_t number, struct entry_id *out)
{
        return neighbour(outbox, STORE_AT_OR_BEHIND, number, out);
}

static const Apnwatch__V1__Alert *unpack(struct outbox *outbox, const void *bytes, size_t length)
{
        return (const Apnwatch__V1__Alert *)wire_unpack(&outbox->arena, &apnwatch__v1__alert__descriptor, bytes, length);
}

void outbox_replay(struct outbox *outbox, uint64_t number,
                   bool (*take)(void *context, const Apnwatch__V1__Alert *alert, const void *cause, size_t cause_length),
                   void *context)
{
        sqlite3_stmt *row = outbox_store_bind(&outbox->store, STORE_READ, 3, number, outbox->shape.committed, UINT64_MAX);
        bool goes_on = true;
        int result = 0;
        while (goes_on && (result = outbox_store_row(&outbox->store, row)) == 1) {
                const void *packed = sqlite3_column_blob(row, 2), *cause = sqlite3_column_blob(row, 3);
                const Apnwatch__V1__Alert *alert = unpack(outbox, packed, (size_t)sqlite3_column_bytes(row, 2));
                if (alert != NULL)
                        goes_on = take(context, alert, cause, (size_t)sqlite3_column_bytes(row, 3));
        }
        sqlite3_reset(row);
        if (result < 0)
                outbox_note_read_failure(outbox, result);
}

/* Blocks. */

static bool make_room(struct outbox_block *block, size_t used, size_t more)
{
        if (block->size - used >= more)
                return true;
        size_t size = used + more > OUTBOX_BLOCK_BYTES ? used + more : OUTBOX_BLOCK_BYTES;
        uint8_t *bytes = realloc(block->bytes, size);
        if (bytes == NULL)
                return false;
        block->bytes = bytes;
        block->size = size;
        return true;
}

/* An entry bigger than a block comes alone. */
static bool load_block(struct outbox_consumer *consumer, uint64_t after)
{
        struct outbox *outbox = consumer->outbox;
        struct outbox_block *block = &consumer->block;
        sqlite3_stmt *row = outbox_store_bind(&outbox->store, STORE_READ, 3, after, outbox->shape.committed,
                                              (uint64_t)OUTBOX_BLOCK_ENTRIES);
        size_t used = 0;
        int result;
        bool is_whole = true;
        block->count = block->next = 0;
        block->after = block->through = after;
        block->trims = outbox->trims;
        while ((result = outbox_store_row(&outbox->store, row)) == 1) {
                size_t length = (size_t)sqlite3_column_bytes(row, 2);
                if ((block->count > 0 && used + length > OUTBOX_BLOCK_BYTES) || !make_room(block, used, length)) {
                        is_whole = false;
                        break;
                }
                block->entries[block->count++] = (struct block_entry){outbox_store_column(row, 0),
                                                                      outbox_store_column(row, 1), used, length};
                if (length > 0)
                        memcpy(block->bytes + used, sqlite3_column_blob(row, 2), length);
                used += length;
        }
        sqlite3_reset(row);
        if (result < 0) {
                outbox_note_read_failure(outbox, result);
                block->count = 0;
                return false;
        }
        if (block->count > 0)
                block->through = block->entries[block->count - 1].number;
        if (is_whole && block->count < OUTBOX_BLOCK_ENTRIES)
                block->through = outbox->shape.committed;
        return block->through > after;
}

/* The first entry of the block behind `number`; its count when there is none. */
static unsigned find_in_block(struct outbox_block *block, uint64_t number)
{
        unsigned low = 0, high = block->count;
        if (block->next < block->count && block->entries[block->next].number == number + 1)
                return block->next;
        while (low < high) {
                unsigned middle = (low + high) / 2;
                if (block->entries[middle].number > number)
                        high = middle;
                else
                        low = middle + 1;
        }
        return low;
}

static void give_gap(struct outbox *outbox, uint64_t first, uint64_t last, struct outbox_entry *out)
{
        *out = (struct outbox_entry){.number = last, .is_gap = true, .gap_count = last - first + 1};
        out->id = outbox_id_of(outbox, last);
        out->gap_from = outbox_id_of(outbox, first);
}

bool outbox_next(struct outbox_consumer *consumer, uint64_t number, struct outbox_entry *out)
{
        struct outbox *outbox = consumer->outbox;
        struct outbox_block *block = &consumer->block;
        if (number >= outbox->shape.committed)
                return false;
        bool was_trimmed = number + 1 < outbox->shape.first_held && block->trims != outbox->trims;
        if ((number < block->after || number >= block->through || was_trimmed) && !load_block(consumer, number))
                return false;
        unsigned at = find_in_block(block, number);
        bool is_gap = at == block->count || block->entries[at].number != number + 1;
        /* A gap may have grown, or end behind the block. */
        if (is_gap && (block->trims != outbox->trims || block->after != number)) {
                if (!load_block(consumer, number))
                        return false;
                at = 0;
                is_gap = block->count == 0 || block->entries[0].number != number + 1;
        }
        if (is_gap) {
                give_gap(outbox, number + 1, block->count > 0 ? block->entries[at].number - 1 : block->through, out);
                return true;
        }
        struct block_entry *entry = &block->entries[at];
        block->next = at + 1;
        *out = (struct outbox_entry){.number = entry->number, .packed = block->bytes + entry->offset,
                                     .packed_length = entry->length};
        out->id = (struct entry_id){outbox_history_raised(&outbox->shape.history, entry->number, entry->ms), entry->number};
        out->alert = unpack(outbox, out->packed, out->packed_length);
        if (out->alert == NULL) /* what cannot be read is not there */
                give_gap(outbox, entry->number, entry->number, out);
        return true;
}

/* IDs. */

/* The time in the ID of an entry that was or is, as it was given; 1: that is exact, 0: it may be too low. */
static int given_ms(struct outbox *outbox, uint64_t number, uint64_t *ms)
{
        struct entry_id entry = {0, 0};
        if (number >= outbox->shape.first_held && outbox_entry_at_or_before(outbox, number, &entry) == 1 &&
            entry.sequence == number) {
                *ms = entry.ms;
                return 1;
        }
        const struct dropped_range *range = outbox_history_find(&outbox->shape.history, number);
        if (range != NULL) {
                *ms = number == range->last ? range->last_ms : range->first_ms;
                return number == range->first || number == range->last;
        }
        *ms = entry.ms;
        return 0;
}

static const struct pending_alert *find_pending(const struct outbox *outbox, uint64_t number)
{
        const struct pending_alert *alert = outbox->pending.first;
        while (alert && alert->number < number)
                alert = alert->next;
        return alert;
}

struct entry_id outbox_id_of(struct outbox *outbox, uint64_t number)
{
        uint64_t ms = outbox->last_ms;
        if (number == 0)
                return (struct entry_id){0, 0};
        if (number <= outbox->shape.committed) {
                (void)given_ms(outbox, number, &ms);
        } else {
                const struct pending_alert *alert = find_pending(outbox, number);
                if (alert != NULL)
                        ms = alert->ms;
        }
        return (struct entry_id){outbox_history_raised(&outbox->shape.history, number, ms), number};
}

static bool is_at_or_before(struct entry_id one, struct entry_id other)
{
        return one.ms < other.ms || (one.ms == other.ms && one.sequence <= other.sequence);
}

/* An entry has its number in its ID, and a time that rises only by floors. */
static bool was_given(struct outbox *outbox, struct entry_id id)
{
        uint64_t low = 0;
        if (id.sequence == 0 || id.sequence > outbox->shape.committed)
                return false;
        bool is_exact = given_ms(outbox, id.sequence, &low) == 1;
        uint64_t high = is_exact ? low : outbox_id_of(outbox, id.sequence + 1).ms;
        const struct dropped_range *range = outbox_history_find(&outbox->shape.history, id.sequence);
        if (!is_exact && range != NULL)
                high = range->last_ms;
        high = outbox_history_raised(&outbox->shape.history, id.sequence, high);
        return id.ms >= low && id.ms <= high;
}

uint64_t outbox_number_of(struct outbox *outbox, struct entry_id id, bool *is_ours)
{
        bool given = was_given(outbox, id);
        if (is_ours != NULL)
                *is_ours = given;
        if (given)
                return id.sequence;
        uint64_t low = 0, high = outbox->shape.committed; /* low is at or before, behind high none is */
        while (low < high) {
                uint64_t middle = low + (high - low + 1) / 2;
                if (is_at_or_before(outbox_id_of(outbox, middle), id))
                        low = middle;
                else
                        high = middle - 1;
        }
        return low;
}
