#include "deliver/outbox_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deliver/outbox_schema.h"

static const char *const statement_text[STORE_STATEMENTS] = {
        [STORE_BEGIN] = "BEGIN IMMEDIATE",
        [STORE_COMMIT] = "COMMIT",
        [STORE_ROLLBACK] = "ROLLBACK",
        [STORE_ADD] = "INSERT INTO entry(number, ms, revision, id, alert, cause) VALUES(?, ?, ?, ?, ?, ?)",
        [STORE_READ] = "SELECT number, ms, alert, cause FROM entry WHERE number > ? AND number <= ? ORDER BY number LIMIT ?",
        [STORE_AT_OR_BEFORE] = "SELECT number, ms FROM entry WHERE number <= ? ORDER BY number DESC LIMIT 1",
        [STORE_AT_OR_BEHIND] = "SELECT number, ms FROM entry WHERE number >= ? ORDER BY number LIMIT 1",
        [STORE_FIND] = "SELECT number FROM entry WHERE revision = ? AND id = ?",
        [STORE_COUNT] = "SELECT count(*), min(number), max(number) FROM entry",
        [STORE_DELETE] = "DELETE FROM entry WHERE number BETWEEN ? AND ?",
        [STORE_PAGES] = "PRAGMA page_count",
        [STORE_FREE_PAGES] = "PRAGMA freelist_count",
        [STORE_SENSOR] = "SELECT last_number, last_ms FROM sensor",
        [STORE_SET_SENSOR] = "UPDATE sensor SET last_number = ?, last_ms = ?",
        [STORE_CONSUMER] = "SELECT began, position, told, delivered, filtered, gaps FROM consumer WHERE name = ?",
        [STORE_SET_CONSUMER] = ("REPLACE INTO consumer(began, position, told, delivered, filtered, gaps, seen_ms, name)"
                               " VALUES(?, ?, ?, ?, ?, ?, ?, ?)"),
        [STORE_FORGET_CONSUMERS] = ("DELETE FROM consumer WHERE name IN"
                                    " (SELECT name FROM consumer ORDER BY seen_ms DESC LIMIT -1 OFFSET ?)"),
        [STORE_RANGES] = "SELECT first, last, first_ms, last_ms FROM dropped ORDER BY first",
        [STORE_CLEAR_RANGES] = "DELETE FROM dropped",
        [STORE_ADD_RANGE] = "INSERT INTO dropped(first, last, first_ms, last_ms) VALUES(?, ?, ?, ?)",
        [STORE_FLOORS] = "SELECT behind, ms FROM id_floor ORDER BY behind",
        [STORE_CLEAR_FLOORS] = "DELETE FROM id_floor",
        [STORE_ADD_FLOOR] = "INSERT INTO id_floor(behind, ms) VALUES(?, ?)",
        [STORE_MARKS] = "SELECT ms, number FROM acknowledged ORDER BY number",
        [STORE_CLEAR_MARKS] = "DELETE FROM acknowledged",
        [STORE_ADD_MARK] = "INSERT INTO acknowledged(ms, number) VALUES(?, ?)",
};

static int errno_of(const struct outbox_store *store)
{
        int here = errno, system = sqlite3_system_errno(store->db); /* which it keeps of some calls, and of COMMIT not */
        if (system == 0)
                system = here;
        switch (sqlite3_errcode(store->db) & 0xff) {
        case SQLITE_FULL: return -ENOSPC;
        case SQLITE_BUSY: case SQLITE_LOCKED: return -EBUSY;
        case SQLITE_CORRUPT: case SQLITE_NOTADB: return -EBADMSG;
        case SQLITE_NOMEM: return -ENOMEM;
        case SQLITE_READONLY: return -EROFS;
        case SQLITE_CANTOPEN: case SQLITE_IOERR: return system > 0 ? -system : -EIO;
        default: return -EIO;
        }
}

/* At once: SQLite forgets the system's error when the statement is reset. */
static int note_failure(struct outbox_store *store)
{
        int code = errno_of(store), kind = sqlite3_errcode(store->db) & 0xff;
        const char *reason = strerror(-code);
        if (kind == SQLITE_FULL)
                reason = "the disk is full";
        else if (kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB)
                reason = "the file is damaged, or no outbox";
        else if (kind != SQLITE_CANTOPEN && kind != SQLITE_IOERR)
                reason = sqlite3_errmsg(store->db);
        snprintf(store->reason, sizeof store->reason, "%s", reason);
        return code;
}

sqlite3_stmt *outbox_store_bind(struct outbox_store *store, enum outbox_statement which, unsigned count, ...)
{
        sqlite3_stmt *statement = store->statements[which];
        va_list numbers;
        va_start(numbers, count);
        sqlite3_reset(statement);
        for (unsigned i = 0; i < count; i++)
                sqlite3_bind_int64(statement, (int)i + 1, (sqlite3_int64)va_arg(numbers, uint64_t));
        va_end(numbers);
        return statement;
}

int outbox_store_row(struct outbox_store *store, sqlite3_stmt *statement)
{
        errno = 0;
        int result = sqlite3_step(statement);
        if (result == SQLITE_ROW)
                return 1;
        int code = result == SQLITE_DONE ? 0 : note_failure(store);
        sqlite3_reset(statement);
        return code;
}

int outbox_store_run(struct outbox_store *store, sqlite3_stmt *statement)
{
        int result = outbox_store_row(store, statement);
        if (result == 1)
                sqlite3_reset(statement);
        return result == 1 ? 0 : result;
}

uint64_t outbox_store_column(sqlite3_stmt *row, int column)
{
        return (uint64_t)sqlite3_column_int64(row, column);
}

uint64_t outbox_store_number(struct outbox_store *store, enum outbox_statement which, uint64_t otherwise)
{
        sqlite3_stmt *statement = outbox_store_bind(store, which, 0);
        uint64_t number = otherwise;
        if (outbox_store_row(store, statement) == 1)
                number = outbox_store_column(statement, 0);
        sqlite3_reset(statement);
        return number;
}

static int execute(struct outbox_store *store, const char *text)
{
        errno = 0;
        return sqlite3_exec(store->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : note_failure(store);
}

/* SQLite would make it with the mode that the umask leaves, and gives the log the mode of the file. */
static int make_file(const char *path)
{
        int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file < 0)
                return errno == EEXIST ? 0 : -errno;
        close(file);
        return 0;
}

/* The lock is SQLite's own, held from the first read to the end: it goes with the process, and no child has it. */
static int set_up(struct outbox_store *store)
{
        return execute(store, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA secure_delete = FAST; PRAGMA cache_size = -8192;"
                              "PRAGMA trusted_schema = OFF; PRAGMA application_id");
}

static int choose_journal(struct outbox_store *store, unsigned log_pages)
{
        char text[160];
        snprintf(text, sizeof text, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %u",
                 log_pages);
        return execute(store, store->path ? text : "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
}

static int prepare_statements(struct outbox_store *store)
{
        for (unsigned i = 0; i < STORE_STATEMENTS; i++)
                if (sqlite3_prepare_v3(store->db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT, &store->statements[i],
                                       NULL) != SQLITE_OK)
                        return note_failure(store);
        return 0;
}

static int explain(const struct outbox_store *store, int code, char *error, size_t size)
{
        const char *name = store->path ? store->path : "(temporary)";
        if (code == -EBUSY)
                snprintf(error, size, "outbox %s: in use by another process; is another apnwatch running with it?", name);
        else
                snprintf(error, size, "outbox %s: %s", name, store->reason);
        return code;
}

static int open_database(struct outbox_store *store, char *error, size_t size)
{
        int result = store->path ? make_file(store->path) : 0;
        struct stat status;
        if (result == 0 && store->path && stat(store->path, &status) != 0)
                result = -errno;
        if (result == 0 && store->path && !S_ISREG(status.st_mode))
                result = -EINVAL;
        if (result != 0) {
                snprintf(error, size, "outbox %s: %s", store->path, result == -EINVAL ? "not a file" : strerror(-result));
                return result;
        }
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(store->path ? store->path : "", &store->db, flags, NULL) == SQLITE_OK)
                return 0;
        return store->db ? explain(store, note_failure(store), error, size) : -ENOMEM;
}

int outbox_store_open(struct outbox_store *store, const char *path, const char *sensor, unsigned log_pages, char *error,
                      size_t error_size)
{
        *store = (struct outbox_store){.path = path ? strdup(path) : NULL};
        error[0] = '\0';
        int result = path && store->path == NULL ? -ENOMEM : open_database(store, error, error_size);
        if (result != 0)
                goto fail;
        sqlite3_busy_timeout(store->db, 0);
        if ((result = set_up(store)) == 0)
                result = outbox_schema_recognise(store->db, store->path, error, error_size);
        if (result == 0 && (result = choose_journal(store, log_pages)) == 0)
                result = outbox_schema_bring_up(store->db, store->path, sensor, error, error_size);
        if (result == 0 && (result = prepare_statements(store)) == 0)
                store->page_size = outbox_schema_number(store->db, "PRAGMA page_size");
        if (result == 0)
                return 0;
        if (store->reason[0] == '\0')
                (void)note_failure(store);
        if (error[0] == '\0')
                (void)explain(store, result, error, error_size);
fail:
        if (error[0] == '\0')
                snprintf(error, error_size, "outbox %s: %s", path, strerror(-result));
        outbox_store_close(store);
        return result;
}

void outbox_store_close(struct outbox_store *store)
{
        for (unsigned i = 0; i < STORE_STATEMENTS; i++)
                sqlite3_finalize(store->statements[i]);
        sqlite3_close(store->db);
        free(store->path);
        *store = (struct outbox_store){0};
}
