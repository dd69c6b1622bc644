/* Commits: what waits in memory, trimming by size and by retention, positions, IDs that rise; all in one transaction. */
#include "deliver/outbox_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

enum { PIECE = 256,              /* entries trimmed at once, at most; between pieces it is asked whether that was enough */
       LEAST_PIECE = 8,
       LEAST_TRIMMED = 1024,     /* a commit may trim so many, or twice what it adds */
       CHUNK = 4096,             /* alerts in one transaction, as far as the log has room: after a full disk there are many */
       RETRY_MS = 250, UPKEEP_MS = 1000 };

static uint64_t monotonic_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t later(uint64_t one, uint64_t other)
{
        return one > other ? one : other;
}

void outbox_measure(struct outbox *outbox)
{
        uint64_t pages = outbox_store_number(&outbox->store, STORE_PAGES, 0);
        uint64_t unused = outbox_store_number(&outbox->store, STORE_FREE_PAGES, 0);
        outbox->bytes = (pages > unused ? pages - unused : 0) * outbox->store.page_size;
}

void outbox_bind_id(sqlite3_stmt *statement, int at, const struct alert_key *key)
{
        if (key->is_hex)
                sqlite3_bind_blob(statement, at, key->bytes, (int)key->length, SQLITE_STATIC);
        else
                sqlite3_bind_text(statement, at, key->bytes, (int)key->length, SQLITE_STATIC);
}

/* `draft` is the shape that the outbox will have. */

static int insert_alert(struct outbox *outbox, const struct pending_alert *alert)
{
        sqlite3_stmt *statement = outbox_store_bind(&outbox->store, STORE_ADD, 3, alert->number, alert->ms,
                                                    (uint64_t)alert->key.revision);
        outbox_bind_id(statement, 4, &alert->key);
        sqlite3_bind_blob64(statement, 5, alert->alert, alert->alert_length, SQLITE_STATIC);
        if (alert->cause_length > 0)
                sqlite3_bind_blob64(statement, 6, alert->cause, alert->cause_length, SQLITE_STATIC);
        else
                sqlite3_bind_null(statement, 6);
        return outbox_store_run(&outbox->store, statement);
}

static void lose(struct outbox_shape *draft, const struct dropped_range *range)
{
        if (range->last == 0)
                return;
        outbox_history_lose(&draft->history, range);
        if (draft->held == 0)
                draft->first_held = range->last + 1;
        draft->committed = range->last;
}

static int insert_pending(struct outbox *outbox, unsigned count)
{
        struct outbox_shape *draft = &outbox->draft;
        const struct pending_alert *alert = outbox->pending.first;
        for (; count > 0 && alert; count--, alert = alert->next) {
                lose(draft, &alert->lost);
                int result = insert_alert(outbox, alert);
                if (result < 0)
                        return result;
                draft->held++;
                draft->committed = alert->number;
        }
        if (alert == NULL)
                lose(draft, &outbox->pending.lost);
        return 0;
}

static uint64_t acknowledged_by_all(const struct outbox *outbox)
{
        uint64_t number = outbox->draft.committed;
        for (const struct outbox_consumer *consumer = outbox->consumers; consumer; consumer = consumer->next)
                if (consumer->at.position < number)
                        number = consumer->at.position;
        return number;
}

/* Where the next piece ends, so that a range of dropped numbers begins just behind where a consumer stands. */
static uint64_t piece_end(const struct outbox *outbox, uint64_t through, unsigned most)
{
        uint64_t first = outbox->draft.first_held, end = first + most - 1 < through ? first + most - 1 : through;
        for (const struct outbox_consumer *consumer = outbox->consumers; consumer; consumer = consumer->next)
                if (consumer->at.position >= first && consumer->at.position < end)
                        end = consumer->at.position;
        return end;
}

static bool somebody_stands_at(const struct outbox *outbox, uint64_t number)
{
        for (const struct outbox_consumer *consumer = outbox->consumers; consumer; consumer = consumer->next)
                if (consumer->at.position == number)
                        return true;
        return false;
}

/* The oldest entries, up to `through` and so many at most. How many; 0: there are none; or negative errno. */
static int trim_piece(struct outbox *outbox, uint64_t through, unsigned most)
{
        struct outbox_shape *draft = &outbox->draft;
        struct entry_id first = {0}, last = {0}, next;
        if (draft->held == 0 || draft->first_held > through)
                return 0;
        uint64_t end = piece_end(outbox, through, most);
        int result = outbox_entry_at_or_behind(outbox, draft->first_held, &first);
        if (result == 1)
                result = outbox_entry_at_or_before(outbox, end, &last);
        if (result < 1)
                return result < 0 ? result : -EBADMSG;
        sqlite3_stmt *statement = outbox_store_bind(&outbox->store, STORE_DELETE, 2, first.sequence, last.sequence);
        result = outbox_store_run(&outbox->store, statement);
        if (result < 0)
                return result;
        unsigned count = (unsigned)sqlite3_changes(outbox->store.db);
        struct dropped_range range = {first.sequence, last.sequence, first.ms, last.ms};
        outbox_history_trim(&draft->history, &range, somebody_stands_at(outbox, first.sequence - 1));
        draft->held -= count < draft->held ? count : draft->held;
        result = outbox_entry_at_or_behind(outbox, last.sequence + 1, &next);
        draft->first_held = result == 1 ? next.sequence : draft->committed + 1;
        return result < 0 ? result : (int)count;
}

/* How many entries of middle size are above the limit, LEAST_PIECE to PIECE; 0: it is kept. Entries differ: a fleet's
 * alert has the size of a hundred others, and what waits is not thrown away in bulk for it. */
static unsigned too_many(struct outbox *outbox)
{
        uint64_t limit = outbox->size_limit - outbox->log_bytes, held = outbox->draft.held;
        outbox_measure(outbox);
        if (outbox->bytes <= limit)
                return 0;
        uint64_t count = (outbox->bytes - limit) / (outbox->bytes / (held ? held : 1) + 1) / 2;
        return count < LEAST_PIECE ? LEAST_PIECE : count < PIECE ? (unsigned)count : PIECE;
}

/* Between two marks is a 32nd of the retention; a clock that was set back waits until it is where it was. */
static void mark_acknowledged(struct outbox *outbox, uint64_t acknowledged)
{
        struct outbox_shape *draft = &outbox->draft;
        uint64_t now = outbox->now_ms();
        struct acknowledged_mark *newest = draft->mark_count > 0 ? &draft->marks[draft->mark_count - 1] : NULL;
        if (newest && (newest->number >= acknowledged || now < newest->ms + outbox->retention_ms / 32))
                return;
        if (draft->mark_count == OUTBOX_MARKS_MOST) {
                memmove(&draft->marks[0], &draft->marks[1], (OUTBOX_MARKS_MOST - 1) * sizeof *draft->marks);
                draft->mark_count--;
        }
        draft->marks[draft->mark_count++] = (struct acknowledged_mark){now, acknowledged};
        draft->marks_changed = true;
}

/* The last number whose retention is over. */
static uint64_t expired(struct outbox *outbox)
{
        struct outbox_shape *draft = &outbox->draft;
        uint64_t now = outbox->now_ms(), number = 0;
        unsigned over = 0;
        while (over < draft->mark_count && draft->marks[over].ms + outbox->retention_ms <= now)
                number = draft->marks[over++].number;
        if (over > 0 && draft->first_held > number) { /* their work is done */
                memmove(&draft->marks[0], &draft->marks[over], (draft->mark_count - over) * sizeof *draft->marks);
                draft->mark_count -= over;
                draft->marks_changed = true;
        }
        return number;
}

static int trim(struct outbox *outbox, unsigned added)
{
        struct outbox_shape *draft = &outbox->draft;
        uint64_t acknowledged = acknowledged_by_all(outbox);
        int budget = (int)later(LEAST_TRIMMED, 2 * (uint64_t)added), count = 1;
        mark_acknowledged(outbox, acknowledged);
        uint64_t old = expired(outbox);
        if (old > acknowledged) /* a sink lost what it had */
                old = acknowledged;
        while (budget > 0 && count > 0 && draft->first_held <= old) {
                if ((count = trim_piece(outbox, old, PIECE)) < 0)
                        return count;
                budget -= count;
        }
        unsigned many;
        count = 1;
        while (budget > 0 && count > 0 && (many = too_many(outbox)) > 0) {
                uint64_t first = draft->first_held;
                if ((count = trim_piece(outbox, draft->committed, many)) < 0)
                        return count;
                budget -= count;
                if (first > acknowledged)
                        outbox->dropped_waiting += (unsigned)count;
        }
        return 0;
}

static int store_history(struct outbox *outbox)
{
        struct outbox_store *store = &outbox->store;
        struct outbox_history *history = &outbox->draft.history;
        if (!history->is_changed)
                return 0;
        int result = outbox_store_run(store, outbox_store_bind(store, STORE_CLEAR_RANGES, 0));
        for (unsigned i = 0; result == 0 && i < history->range_count; i++) {
                const struct dropped_range *range = &history->ranges[i];
                result = outbox_store_run(store, outbox_store_bind(store, STORE_ADD_RANGE, 4, range->first, range->last,
                                                                   range->first_ms, range->last_ms));
        }
        if (result == 0)
                result = outbox_store_run(store, outbox_store_bind(store, STORE_CLEAR_FLOORS, 0));
        for (unsigned i = 0; result == 0 && i < history->floor_count; i++)
                result = outbox_store_run(store, outbox_store_bind(store, STORE_ADD_FLOOR, 2, history->floors[i].behind,
                                                                   history->floors[i].ms));
        history->is_changed = false;
        return result;
}

static int store_marks(struct outbox *outbox)
{
        struct outbox_store *store = &outbox->store;
        struct outbox_shape *draft = &outbox->draft;
        if (!draft->marks_changed)
                return 0;
        int result = outbox_store_run(store, outbox_store_bind(store, STORE_CLEAR_MARKS, 0));
        for (unsigned i = 0; result == 0 && i < draft->mark_count; i++) {
                const struct acknowledged_mark *mark = &draft->marks[i];
                result = outbox_store_run(store, outbox_store_bind(store, STORE_ADD_MARK, 2, mark->ms, mark->number));
        }
        draft->marks_changed = false;
        return result;
}

static int store_consumers(struct outbox *outbox)
{
        struct outbox_store *store = &outbox->store;
        int result = 0;
        for (struct outbox_consumer *consumer = outbox->consumers; result == 0 && consumer; consumer = consumer->next) {
                const struct outbox_position *at = &consumer->at;
                if (!consumer->is_changed)
                        continue;
                sqlite3_stmt *statement = outbox_store_bind(store, STORE_SET_CONSUMER, 7, at->began, at->position, at->told,
                                                            at->delivered, at->filtered, at->gaps, outbox->now_ms());
                sqlite3_bind_text(statement, 8, consumer->name, -1, SQLITE_STATIC);
                result = outbox_store_run(store, statement);
        }
        return result;
}

static int write_all(struct outbox *outbox, unsigned count)
{
        struct outbox_store *store = &outbox->store;
        unsigned added = count < outbox->pending.count ? count : outbox->pending.count;
        int result = insert_pending(outbox, count);
        if (result == 0)
                result = trim(outbox, added);
        if (result == 0 && (outbox->draft.committed != outbox->stored_number || outbox->last_ms != outbox->stored_ms))
                result = outbox_store_run(store, outbox_store_bind(store, STORE_SET_SENSOR, 2, outbox->draft.committed,
                                                                   outbox->last_ms));
        if (result == 0)
                result = store_consumers(outbox);
        if (result == 0)
                result = store_history(outbox);
        return result ? result : store_marks(outbox);
}

static void adopt_draft(struct outbox *outbox, unsigned count)
{
        bool all = count >= outbox->pending.count;
        outbox->trims += outbox->draft.first_held != outbox->shape.first_held;
        outbox->shape = outbox->draft;
        outbox->stored_number = outbox->draft.committed;
        outbox->stored_ms = outbox->last_ms;
        while (outbox->pending.first && count-- > 0)
                outbox_pending_remove(&outbox->pending);
        if (all)
                outbox->pending.lost = (struct dropped_range){0};
        for (struct outbox_consumer *consumer = outbox->consumers; consumer; consumer = consumer->next)
                consumer->is_changed = false;
        outbox_measure(outbox);
}

/* One transaction with at most so many alerts. */
static int commit_some(struct outbox *outbox, unsigned count)
{
        struct outbox_store *store = &outbox->store;
        uint64_t dropped_waiting = outbox->dropped_waiting;
        outbox->draft = outbox->shape;
        int result = outbox_store_run(store, outbox_store_bind(store, STORE_BEGIN, 0));
        if (result == 0)
                result = write_all(outbox, count);
        if (result == 0)
                result = outbox_store_run(store, outbox_store_bind(store, STORE_COMMIT, 0));
        if (result == 0) {
                adopt_draft(outbox, count);
                return 0;
        }
        if (outbox->failing != result)
                log_error("outbox: cannot write: %s; alerts wait in memory", store->reason);
        if (!sqlite3_get_autocommit(store->db))
                (void)outbox_store_run(store, outbox_store_bind(store, STORE_ROLLBACK, 0));
        outbox->dropped_waiting = dropped_waiting;
        return result;
}

static void note_success(struct outbox *outbox)
{
        if (outbox->failing != 0)
                log_warning("outbox: writes again, %" PRIu64 " alerts had waited, %" PRIu64 " lost", outbox->waited,
                            outbox->lost - outbox->lost_before);
        outbox->failing = 0;
        if (outbox->dropped_waiting > 0 && !outbox->is_full_told) {
                log_warning("outbox: full (%" PRIu64 " MiB): the oldest alerts go although a sink has not taken them, it gets"
                            " gap records", outbox->size_limit >> 20);
                outbox->is_full_told = true;
        }
        outbox->draft.committed = outbox->shape.committed;
        if (outbox->is_full_told && acknowledged_by_all(outbox) + 1 >= outbox->shape.first_held) {
                log_warning("outbox: every sink goes on, %" PRIu64 " alerts had gone before", outbox->dropped_waiting);
                outbox->is_full_told = false;
                outbox->dropped_waiting = 0;
        }
}

static bool has_work(struct outbox *outbox)
{
        if (outbox_has_uncommitted(outbox) || outbox->shape.history.is_changed || outbox->last_ms != outbox->stored_ms)
                return true;
        for (const struct outbox_consumer *consumer = outbox->consumers; consumer; consumer = consumer->next)
                if (consumer->is_changed)
                        return true;
        uint64_t now = monotonic_ms();
        if (now < outbox->next_upkeep_ms || outbox->shape.held == 0)
                return false;
        outbox->next_upkeep_ms = now + UPKEEP_MS;
        return true;
}

/* So many that the log, and the file before it is trimmed, do not grow beyond what the limit leaves them. */
static unsigned next_chunk(const struct outbox *outbox)
{
        unsigned count = 0;
        size_t bytes = 0;
        for (const struct pending_alert *alert = outbox->pending.first; alert && count < CHUNK; alert = alert->next) {
                bytes += alert->alert_length + alert->cause_length;
                if (count > 0 && bytes > outbox->log_bytes / 2)
                        break;
                count++;
        }
        return count;
}

static int commit_all(struct outbox *outbox)
{
        int result;
        uint64_t waiting = outbox->pending.count;
        do {
                result = commit_some(outbox, next_chunk(outbox));
        } while (result == 0 && outbox_has_uncommitted(outbox));
        if (result == 0) {
                outbox->waited += waiting;
                note_success(outbox);
                return 0;
        }
        if (outbox->failing == 0) {
                outbox->waited = 0;
                outbox->lost_before = outbox->lost;
        }
        outbox->waited += waiting - outbox->pending.count;
        outbox->failing = result;
        outbox->retry_ms = monotonic_ms() + RETRY_MS;
        return result;
}

int outbox_commit_now(struct outbox *outbox)
{
        return has_work(outbox) ? commit_all(outbox) : 0;
}

int outbox_commit(struct outbox *outbox)
{
        if (outbox->failing != 0 && monotonic_ms() < outbox->retry_ms)
                return outbox->failing;
        return outbox_commit_now(outbox);
}

int outbox_raise_ids(struct outbox *outbox, uint64_t number, struct entry_id above)
{
        if (above.ms >= INT64_MAX)
                return -ERANGE;
        uint64_t ms = above.ms + 1, now = outbox->fixed_ms ? outbox->fixed_ms : outbox->now_ms();
        bool is_waiting = number < outbox->last_number;
        bool rises = is_waiting ? outbox_id_of(outbox, number + 1).ms < ms : later(now, outbox->last_ms) < ms;
        struct outbox_history before = outbox->shape.history;
        outbox->last_ms = later(outbox->last_ms, ms);
        if (rises && is_waiting)
                outbox_history_raise(&outbox->shape.history, number, ms);
        int result = outbox_commit_now(outbox);
        if (result < 0) /* an ID that a kill would take back must not go out */
                outbox->shape.history = before;
        return result < 0 ? result : rises;
}
