/* The outbox's file: SQLite with its schema, migrations and prepared statements. Knows rows, not what they mean. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

enum outbox_statement {
        STORE_BEGIN, STORE_COMMIT, STORE_ROLLBACK,
        STORE_ADD,                /* number, ms, revision, then id, alert, cause */
        STORE_READ,               /* behind, up to, limit: number, ms, alert, cause */
        STORE_AT_OR_BEFORE,       /* number: number, ms */
        STORE_AT_OR_BEHIND,       /* number: number, ms */
        STORE_FIND,               /* revision, then id: number */
        STORE_COUNT,              /* count, first, last */
        STORE_DELETE,             /* from, to */
        STORE_PAGES, STORE_FREE_PAGES,
        STORE_SENSOR,             /* last_number, last_ms */
        STORE_SET_SENSOR,         /* last_number, last_ms */
        STORE_CONSUMER,           /* then name: began, position, told, delivered, filtered, gaps */
        STORE_SET_CONSUMER,       /* the same, seen_ms, then name */
        STORE_FORGET_CONSUMERS,   /* keep so many */
        STORE_RANGES, STORE_CLEAR_RANGES, STORE_ADD_RANGE,   /* first, last, first_ms, last_ms */
        STORE_FLOORS, STORE_CLEAR_FLOORS, STORE_ADD_FLOOR,   /* behind, ms */
        STORE_MARKS, STORE_CLEAR_MARKS, STORE_ADD_MARK,      /* ms, number */
        STORE_STATEMENTS,
};

struct outbox_store {
        sqlite3 *db;
        sqlite3_stmt *statements[STORE_STATEMENTS];
        uint64_t page_size;
        char *path;
        char reason[160];        /* for people: of the last failure */
};

/* `path` NULL: private and temporary. `log_pages`: the log is taken over into the file at this many. 0 or negative
 * errno with a message. */
int outbox_store_open(struct outbox_store *store, const char *path, const char *sensor, unsigned log_pages, char *error,
                      size_t error_size);
void outbox_store_close(struct outbox_store *store);

/* A statement with its numbers bound (the others follow them); ends what was left of the last use. */
sqlite3_stmt *outbox_store_bind(struct outbox_store *store, enum outbox_statement which, unsigned count, ...);
/* Runs what gives no row. 0 or negative errno. */
int outbox_store_run(struct outbox_store *store, sqlite3_stmt *statement);
/* 1: a row, 0: no more (the statement is at rest then), or negative errno (at rest too). */
int outbox_store_row(struct outbox_store *store, sqlite3_stmt *statement);
uint64_t outbox_store_column(sqlite3_stmt *row, int column);
/* One number of one row; `otherwise` when there is none. */
uint64_t outbox_store_number(struct outbox_store *store, enum outbox_statement which, uint64_t otherwise);
