#include "deliver/outbox_schema.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "deliver/outbox_pending.h"
#include "model/alert.pb-c.h"

/* number: see outbox.h. ms: first part of the entry ID as it was given; floors raise it. id: the alert's, 16 bytes of
 * 32 hex digits. alert: packed apnwatch.v1.Alert. dropped, id_floor: see outbox_history.h. acknowledged: when every
 * consumer had entries up to here. */
static const char version_1[] =
        "CREATE TABLE entry(number INTEGER PRIMARY KEY, ms INTEGER NOT NULL, revision INTEGER NOT NULL, id NOT NULL,"
        " alert BLOB NOT NULL, cause BLOB);"
        "CREATE UNIQUE INDEX entry_by_alert ON entry(id, revision);"
        "CREATE TABLE sensor(name TEXT NOT NULL, last_number INTEGER NOT NULL, last_ms INTEGER NOT NULL);"
        "CREATE TABLE consumer(name TEXT PRIMARY KEY, began INTEGER NOT NULL, position INTEGER NOT NULL,"
        " told INTEGER NOT NULL, delivered INTEGER NOT NULL, filtered INTEGER NOT NULL, gaps INTEGER NOT NULL,"
        " seen_ms INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE dropped(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, first_ms INTEGER NOT NULL,"
        " last_ms INTEGER NOT NULL);"
        "CREATE TABLE id_floor(behind INTEGER PRIMARY KEY, ms INTEGER NOT NULL);"
        "CREATE TABLE acknowledged(ms INTEGER NOT NULL, number INTEGER NOT NULL);";

static int errno_of(sqlite3 *db)
{
        switch (sqlite3_errcode(db) & 0xff) {
        case SQLITE_FULL: return -ENOSPC;
        case SQLITE_BUSY: return -EBUSY;
        case SQLITE_NOMEM: return -ENOMEM;
        case SQLITE_IOERR: return -EIO;
        default: return -EBADMSG; /* a file that says it is an outbox, and has not its tables */
        }
}

static int execute(sqlite3 *db, const char *text)
{
        return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : errno_of(db);
}

uint64_t outbox_schema_number(sqlite3 *db, const char *query)
{
        sqlite3_stmt *statement;
        uint64_t number = 0;
        if (sqlite3_prepare_v2(db, query, -1, &statement, NULL) != SQLITE_OK)
                return 0;
        if (sqlite3_step(statement) == SQLITE_ROW)
                number = (uint64_t)sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        return number;
}

static int copy_entry(sqlite3_stmt *from, sqlite3_stmt *to)
{
        Apnwatch__V1__Alert *alert = apnwatch__v1__alert__unpack(NULL, (size_t)sqlite3_column_bytes(from, 2),
                                                                 sqlite3_column_blob(from, 2));
        if (alert == NULL)
                return 0; /* a hole, which every consumer gets as a gap */
        struct alert_key key;
        alert_key_of(&key, alert->id, alert->revision);
        sqlite3_reset(to);
        sqlite3_bind_value(to, 1, sqlite3_column_value(from, 0));
        sqlite3_bind_value(to, 2, sqlite3_column_value(from, 1));
        sqlite3_bind_int64(to, 3, key.revision);
        if (key.is_hex)
                sqlite3_bind_blob(to, 4, key.bytes, (int)key.length, SQLITE_STATIC);
        else
                sqlite3_bind_text(to, 4, key.bytes, (int)key.length, SQLITE_STATIC);
        sqlite3_bind_value(to, 5, sqlite3_column_value(from, 2));
        int result = sqlite3_step(to) == SQLITE_DONE ? 0 : -1;
        apnwatch__v1__alert__free_unpacked(alert, NULL);
        return result;
}

/* Version 0 had no id and revision beside the alert, no causes, and of a consumer only its position. */
static int migrate_from_0(sqlite3 *db)
{
        int result = execute(db, "ALTER TABLE entry RENAME TO old_entry; ALTER TABLE consumer RENAME TO old_consumer;"
                                 "ALTER TABLE sensor RENAME TO old_sensor");
        if (result == 0)
                result = execute(db, version_1);
        if (result == 0)
                result = execute(db, "INSERT INTO sensor SELECT name, last_number, last_ms FROM old_sensor;"
                                     "INSERT INTO consumer SELECT name, 0, position, position, position, 0, 0, 0"
                                     " FROM old_consumer");
        if (result != 0)
                return result;
        sqlite3_stmt *from = NULL, *to = NULL;
        static const char read[] = "SELECT number, ms, alert FROM old_entry ORDER BY number";
        static const char write[] = "INSERT OR IGNORE INTO entry(number, ms, revision, id, alert) VALUES(?, ?, ?, ?, ?)";
        if (sqlite3_prepare_v2(db, read, -1, &from, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(db, write, -1, &to, NULL) != SQLITE_OK)
                result = errno_of(db);
        int step = SQLITE_DONE;
        while (result == 0 && (step = sqlite3_step(from)) == SQLITE_ROW)
                if (copy_entry(from, to) != 0)
                        result = errno_of(db);
        if (result == 0 && step != SQLITE_DONE)
                result = errno_of(db);
        sqlite3_finalize(from);
        sqlite3_finalize(to);
        return result ? result : execute(db, "DROP TABLE old_entry; DROP TABLE old_consumer; DROP TABLE old_sensor");
}

/* From this version to the next. */
static int (*const migrations[OUTBOX_SCHEMA_VERSION])(sqlite3 *db) = {migrate_from_0};

static int make(sqlite3 *db, const char *sensor)
{
        char pragma[64];
        snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d", OUTBOX_APPLICATION_ID);
        int result = execute(db, pragma);
        if (result == 0)
                result = execute(db, version_1);
        if (result != 0)
                return result;
        sqlite3_stmt *statement;
        if (sqlite3_prepare_v2(db, "INSERT INTO sensor VALUES(?, 0, 0)", -1, &statement, NULL) != SQLITE_OK)
                return errno_of(db);
        sqlite3_bind_text(statement, 1, sensor, -1, SQLITE_STATIC);
        result = sqlite3_step(statement) == SQLITE_DONE ? 0 : errno_of(db);
        sqlite3_finalize(statement);
        return result;
}

static int migrate(sqlite3 *db, const char *path, uint64_t version)
{
        int result = 0;
        log_info("outbox %s: brought from version %u to %d", path, (unsigned)version, OUTBOX_SCHEMA_VERSION);
        while (result == 0 && version < OUTBOX_SCHEMA_VERSION)
                result = migrations[version++](db);
        return result;
}

static int check_sensor(sqlite3 *db, const char *path, const char *sensor, char *error, size_t size)
{
        sqlite3_stmt *statement;
        int result = 0;
        if (sqlite3_prepare_v2(db, "SELECT name FROM sensor", -1, &statement, NULL) != SQLITE_OK)
                return errno_of(db);
        if (sqlite3_step(statement) != SQLITE_ROW) {
                result = errno_of(db);
        } else {
                const char *name = (const char *)sqlite3_column_text(statement, 0);
                if (name == NULL || strcmp(name, sensor) != 0) {
                        snprintf(error, size, "outbox %s: it is of sensor \"%s\", this is \"%s\"", path, name ? name : "",
                                 sensor);
                        result = -EINVAL;
                }
        }
        sqlite3_finalize(statement);
        return result;
}

static uint64_t version_of(sqlite3 *db)
{
        return outbox_schema_number(db, "PRAGMA user_version");
}

static bool is_new(sqlite3 *db)
{
        return outbox_schema_number(db, "PRAGMA application_id") == 0 && version_of(db) == 0 &&
               outbox_schema_number(db, "SELECT count(*) FROM sqlite_master") == 0;
}

int outbox_schema_recognise(sqlite3 *db, const char *path, char *error, size_t error_size)
{
        int result = execute(db, "SELECT count(*) FROM sqlite_master");
        if (result != 0 || is_new(db))
                return result;
        if (outbox_schema_number(db, "PRAGMA application_id") != OUTBOX_APPLICATION_ID) {
                snprintf(error, error_size, "outbox %s: this is a database of something else", path);
                return -EINVAL;
        }
        if (version_of(db) <= OUTBOX_SCHEMA_VERSION)
                return 0;
        snprintf(error, error_size, "outbox %s: it is of version %u, this apnwatch knows up to %d; use a newer apnwatch, or"
                 " another outbox", path, (unsigned)version_of(db), OUTBOX_SCHEMA_VERSION);
        return -ENOTSUP;
}

int outbox_schema_bring_up(sqlite3 *db, const char *path, const char *sensor, char *error, size_t error_size)
{
        if (path == NULL)
                path = "(temporary)";
        int result = execute(db, "BEGIN IMMEDIATE");
        if (result != 0)
                return result;
        uint64_t version = version_of(db);
        if (is_new(db))
                result = make(db, sensor);
        else if (version < OUTBOX_SCHEMA_VERSION)
                result = migrate(db, path, version);
        char pragma[64];
        snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", OUTBOX_SCHEMA_VERSION);
        if (result == 0 && version != OUTBOX_SCHEMA_VERSION)
                result = execute(db, pragma);
        if (result == 0)
                result = check_sensor(db, path, sensor, error, error_size);
        if (result == 0)
                return execute(db, "COMMIT");
        if (error[0] == '\0')
                snprintf(error, error_size, "outbox %s: %s", path,
                         result == -EBADMSG ? "the file is damaged" : strerror(-result));
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return result;
}
