/* A table of the user's: CSV (RFC 4180, by libcsv) with a header that names its columns in any order. Comma, semicolon, tab or `|`, BOM
 * and CRLF are read; with `|` a quote is an ordinary character unless the header begins with one. Read in pieces: memory grows with what `row` keeps, not with the file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "base/digest.h"

enum { TABLE_COLUMNS = 24, TABLE_FIELD = 256 };

struct table_file;

struct table_kind {
        const char *const *columns;   /* names, ended by NULL; at most TABLE_COLUMNS */
        unsigned required;            /* columns that the header must have: 1 << index */
        const char *expected;         /* the columns, for messages */
        bool is_foreign;              /* made by others: further columns are passed over, and in names only letters and digits count */
        /* One row: a text for each column, "" where it is empty or the column is not there. Borrowed. False: no memory. */
        bool (*row)(void *context, struct table_file *table, const char *const *fields);
};

/* Every fault goes to `errors` as "file:line:column: what; expected ...", at most 100. True when there was none. `digest` is
 * "sha256:..." of the file. */
bool table_file_load(const char *path, const struct table_kind *kind, void *context, FILE *errors, char digest[7 + DIGEST_TEXT_SIZE]);
bool table_file_parse(const char *path, const void *bytes, size_t length, const struct table_kind *kind, void *context, FILE *errors,
                      char digest[7 + DIGEST_TEXT_SIZE]);

/* For `row`: a fault in a column of kind->columns, with its place in the file. */
void table_file_error(struct table_file *table, unsigned column, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* For faults that are found when the file was read: the line of the row that is being told, and where a column stands in it. */
unsigned table_file_line(const struct table_file *table);
unsigned table_file_place(const struct table_file *table, unsigned column);

/* Fields of usual shapes; a fault is told. Empty leaves `out`. A date alone as the end takes the day in. */
bool table_file_time(struct table_file *table, unsigned column, const char *text, bool is_end, int64_t *time_ns);
bool table_file_address(struct table_file *table, unsigned column, const char *text, struct address *out);
bool table_file_number(struct table_file *table, unsigned column, const char *text, uint32_t most, uint32_t *out);
/* Digits without what people write `between` them, into out[33]; the length, 0 when it is empty or no such number. */
size_t table_file_digits(struct table_file *table, unsigned column, const char *text, const char *between, size_t least, size_t most,
                         char out[33]);
