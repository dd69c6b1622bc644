#include "config.h"

#include "judge/table_file.h"

#include <csv.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/time_zone.h"

enum { CHUNK = 64 * 1024, ERROR_LIMIT = 100, ROW_BYTES_LIMIT = 64 * 1024, NO_COLUMN = TABLE_COLUMNS, FIELDS_LIMIT = 128 };

struct table_file {
        const struct table_kind *kind;
        void *context;
        const char *path;
        FILE *errors;
        unsigned error_count;
        unsigned line, row_line;     /* that is being read; of the row's first */
        unsigned field;              /* of the row, from 0 */
        size_t row_bytes;            /* read since the row's beginning */
        bool has_header, failed, header_failed;
        unsigned header_count;
        unsigned columns[FIELDS_LIMIT];  /* of the fields */
        unsigned places[TABLE_COLUMNS];  /* of the columns, from 1; 0: not in the header */
        unsigned row_errors;
        char texts[TABLE_COLUMNS][TABLE_FIELD];
};

__attribute__((format(printf, 3, 0)))
static void tell_arguments(struct table_file *table, unsigned place, const char *format, va_list arguments)
{
        table->row_errors++;
        if (++table->error_count > ERROR_LIMIT)
                return;
        fprintf(table->errors, "%s:%u:%u: ", table->path, table->row_line, place);
        vfprintf(table->errors, format, arguments);
        fputc('\n', table->errors);
        if (table->error_count == ERROR_LIMIT)
                fprintf(table->errors, "%s: more faults may follow that are not shown\n", table->path);
}

__attribute__((format(printf, 3, 4)))
static void tell(struct table_file *table, unsigned place, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        tell_arguments(table, place, format, arguments);
        va_end(arguments);
}

void table_file_error(struct table_file *table, unsigned column, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        tell_arguments(table, table->places[column] ? table->places[column] : 1, format, arguments);
        va_end(arguments);
}

bool table_file_time(struct table_file *table, unsigned column, const char *text, bool is_end, int64_t *time_ns)
{
        int64_t moment;
        bool is_date = strlen(text) == 10 && text[4] == '-';
        if (*text == '\0')
                return true;
        if (!moment_parse(text, NULL, &moment) || (is_date && is_end && __builtin_add_overflow(moment, INT64_C(86400000000000), &moment))) {
                table_file_error(table, column, "%s \"%.60s\"; expected a time such as 2026-03-01T02:00:00Z, or Unix seconds",
                                 table->kind->columns[column], text);
                return false;
        }
        *time_ns = moment;
        return true;
}

bool table_file_address(struct table_file *table, unsigned column, const char *text, struct address *out)
{
        if (*text == '\0' || address_parse(text, out))
                return true;
        table_file_error(table, column, "%s \"%.60s\"; expected an address", table->kind->columns[column], text);
        return false;
}

bool table_file_number(struct table_file *table, unsigned column, const char *text, uint32_t most, uint32_t *out)
{
        size_t length = strspn(text, "0123456789");
        if (*text == '\0')
                return true;
        unsigned long number = length > 0 && length <= 10 && text[length] == '\0' ? strtoul(text, NULL, 10) : (unsigned long)most + 1;
        if (number > most) {
                table_file_error(table, column, "%s \"%.60s\"; expected a number from 0 to %u", table->kind->columns[column], text, most);
                return false;
        }
        *out = (uint32_t)number;
        return true;
}

size_t table_file_digits(struct table_file *table, unsigned column, const char *text, const char *between, size_t least, size_t most,
                         char out[33])
{
        size_t used = 0;
        bool good = true;
        if (*text == '\0')
                return 0;
        for (const char *at = text; *at != '\0' && good; at++) {
                if (*at >= '0' && *at <= '9' && used < 32)
                        out[used++] = *at;
                else
                        good = strchr(between, *at) != NULL;
        }
        out[used] = '\0';
        if (good && used >= least && used <= most)
                return used;
        table_file_error(table, column, "%s \"%.60s\"; expected %zu to %zu digits", table->kind->columns[column], text, least, most);
        return 0;
}

unsigned table_file_line(const struct table_file *table)
{
        return table->row_line;
}

unsigned table_file_place(const struct table_file *table, unsigned column)
{
        return table->places[column];
}

/* "Marketing Name", "marketing_name" and "marketingName" are one. */
static bool is_like(const char *name, const char *known)
{
        for (; *name != '\0'; name++) {
                if (!isalnum((unsigned char)*name))
                        continue;
                if (tolower((unsigned char)*name) != *known)
                        return false;
                known++;
        }
        return *known == '\0';
}

static bool is_called(const struct table_kind *kind, const char *name, unsigned column)
{
        return kind->is_foreign ? is_like(name, kind->columns[column]) : strcasecmp(name, kind->columns[column]) == 0;
}

static unsigned find_column(struct table_file *table, const char *name, unsigned field)
{
        unsigned column = 0;
        while (table->kind->columns[column] != NULL && !is_called(table->kind, name, column))
                column++;
        if (table->kind->columns[column] == NULL && table->kind->is_foreign)
                return NO_COLUMN;
        if (table->kind->columns[column] == NULL) {
                tell(table, field + 1, "unknown column \"%.60s\"; expected %s", name, table->kind->expected);
                return NO_COLUMN;
        }
        if (table->places[column] != 0)
                tell(table, field + 1, "a second column \"%s\"; expected one", table->kind->columns[column]);
        table->places[column] = field + 1;
        return column;
}

static void take_value(struct table_file *table, unsigned field, const char *text, size_t length)
{
        unsigned column = table->columns[field];
        if (column == NO_COLUMN)
                return;
        if (!text_is_utf8(text, length) || memchr(text, '\0', length) != NULL || length >= TABLE_FIELD)
                tell(table, field + 1, "%zu bytes that are no text; expected UTF-8, less than %d bytes", length, TABLE_FIELD);
        else
                memcpy(table->texts[column], text, length + 1);
}

static unsigned columns_limit(const struct table_kind *kind)
{
        return kind->is_foreign ? FIELDS_LIMIT : TABLE_COLUMNS;
}

/* libcsv's call for each field. The bytes end with a NUL (CSV_APPEND_NULL). */
static void take_field(void *bytes, size_t length, void *data)
{
        struct table_file *table = data;
        unsigned field = table->field++;
        unsigned limit = columns_limit(table->kind);
        if (!table->has_header) {
                if (field < limit)
                        table->columns[field] = find_column(table, bytes ? bytes : "", field);
                else if (field == limit)
                        tell(table, field + 1, "too many columns; expected %s", table->kind->expected);
        } else if (field >= table->header_count) {
                if (field == table->header_count)
                        tell(table, field + 1, "more fields than the header has; expected %u", table->header_count);
        } else if (length > 0) {
                take_value(table, field, bytes, length);
        }
}

static void row_start(struct table_file *table)
{
        table->field = 0;
        table->row_errors = 0;
        for (unsigned i = 0; i < TABLE_COLUMNS; i++)
                table->texts[i][0] = '\0';
}

static void header_end(struct table_file *table)
{
        table->has_header = true;
        unsigned limit = columns_limit(table->kind);
        table->header_count = table->field < limit ? table->field : limit;
        for (unsigned i = 0; table->kind->columns[i] != NULL; i++)
                if ((table->kind->required >> i & 1) != 0 && table->places[i] == 0)
                        tell(table, 1, "no column \"%s\" in the header; expected %s", table->kind->columns[i], table->kind->expected);
        table->header_failed = table->error_count > 0;
}

/* libcsv's call at the end of each row; empty lines make none. */
static void take_row(int character, void *data)
{
        struct table_file *table = data;
        const char *fields[TABLE_COLUMNS];
        (void)character;
        for (unsigned i = 0; i < TABLE_COLUMNS; i++)
                fields[i] = table->texts[i];
        if (!table->has_header) {
                header_end(table);
        } else if (table->row_errors == 0 && !table->kind->row(table->context, table, fields)) {
                tell(table, 1, "not enough memory for more rows");
                table->failed = true;
        }
        row_start(table);
        table->row_line = table->line + 1;
}

/* The character that stands most often outside quotes in the header. */
static unsigned char find_delimiter(const char *line)
{
        static const char candidates[] = ",;\t|";
        unsigned counts[4] = {0, 0, 0, 0}, best = 0;
        bool quoted = false;
        for (; *line != '\0' && *line != '\n'; line++) {
                const char *found = strchr(candidates, *line);
                quoted ^= *line == '"';
                if (found != NULL && !quoted)
                        counts[found - candidates]++;
        }
        for (unsigned i = 1; i < 4; i++)
                best = counts[i] > counts[best] ? i : best;
        return (unsigned char)candidates[best];
}

static void set_delimiter(struct csv_parser *parser, const char *header)
{
        unsigned char delimiter = find_delimiter(header);
        csv_set_delim(parser, delimiter);
        if (delimiter == '|' && *header != '"')
                csv_set_quote(parser, '\0'); /* such files do not quote: inches are written as they are */
}

static bool parse_piece(struct table_file *table, struct csv_parser *parser, const char *piece, size_t length)
{
        if (csv_parse(parser, piece, length, take_field, take_row, table) == length && !table->failed)
                return !table->header_failed;
        if (!table->failed && csv_error(parser) == CSV_EPARSE)
                tell(table, table->field + 1,
                     "a quote inside a field that does not begin with one, or text behind a closing quote; "
                     "expected quotes doubled inside quotes (RFC 4180)");
        else if (!table->failed)
                tell(table, 1, "%s", csv_strerror(csv_error(parser)));
        table->failed = true;
        return false;
}

/* One line, or what of it stands at the end of a chunk; so that places are known when libcsv calls back. */
static bool feed_line(struct table_file *table, struct csv_parser *parser, const char *line, size_t length)
{
        unsigned row_line = table->row_line;
        table->line += line[length - 1] == '\n';
        if (!parse_piece(table, parser, line, length))
                return false;
        table->row_bytes = row_line == table->row_line ? table->row_bytes + length : 0;
        if (table->field == 0 && table->row_bytes <= 2 && line[length - 1] == '\n')
                table->row_line = table->line + 1; /* an empty line makes no row */
        if (table->row_bytes > ROW_BYTES_LIMIT)
                tell(table, table->field + 1, "a row of more than %d bytes; expected a closing quote before", ROW_BYTES_LIMIT);
        return table->row_bytes <= ROW_BYTES_LIMIT;
}

static bool feed_chunk(struct table_file *table, struct csv_parser *parser, const char *chunk, size_t length)
{
        while (length > 0) {
                const char *end = memchr(chunk, '\n', length);
                size_t line = end ? (size_t)(end - chunk) + 1 : length;
                if (!feed_line(table, parser, chunk, line))
                        return false;
                chunk += line;
                length -= line;
        }
        return true;
}

static void read_rows(struct table_file *table, FILE *file, struct csv_parser *parser, struct digest *digest)
{
        char *chunk = malloc(CHUNK + 1);
        bool first = true, good = chunk != NULL;
        size_t length;
        if (chunk == NULL)
                tell(table, 1, "not enough memory");
        while (good && (length = fread(chunk, 1, CHUNK, file)) > 0) {
                size_t mark = first && length >= 3 && memcmp(chunk, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
                digest_add(digest, chunk, length);
                chunk[length] = '\0';
                if (first)
                        set_delimiter(parser, chunk + mark);
                first = false;
                good = feed_chunk(table, parser, chunk + mark, length - mark);
        }
        if (ferror(file))
                tell(table, 1, "%s", strerror(errno));
        free(chunk);
        if (good && csv_fini(parser, take_field, take_row, table) != 0)
                tell(table, table->field + 1, "the file ends inside quotes; expected a closing quote");
        if (good && !table->has_header)
                tell(table, 1, "the file is empty; expected a header with %s", table->kind->expected);
}

static bool load(const char *path, FILE *file, const struct table_kind *kind, void *context, FILE *errors,
                 char text[7 + DIGEST_TEXT_SIZE])
{
        struct table_file *table = calloc(1, sizeof *table);
        struct digest *digest = digest_create();
        struct csv_parser parser;
        bool good = false;
        char hex[DIGEST_TEXT_SIZE];
        if (table == NULL || digest == NULL || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
                fprintf(errors, "%s: not enough memory\n", path);
        } else {
                *table = (struct table_file){.kind = kind, .context = context, .path = path, .errors = errors, .row_line = 1};
                row_start(table);
                read_rows(table, file, &parser, digest);
                csv_free(&parser);
                good = table->error_count == 0;
                digest_finish_text(digest, hex);
                snprintf(text, 7 + DIGEST_TEXT_SIZE, "sha256:%s", hex);
        }
        digest_destroy(digest);
        free(table);
        return good;
}

bool table_file_parse(const char *path, const void *bytes, size_t length, const struct table_kind *kind, void *context, FILE *errors,
                      char digest[7 + DIGEST_TEXT_SIZE])
{
        FILE *file = length ? fmemopen((void *)(uintptr_t)bytes, length, "r") : fopen("/dev/null", "r");
        if (file == NULL) {
                fprintf(errors, "%s: %s\n", path, strerror(errno));
                return false;
        }
        bool good = load(path, file, kind, context, errors, digest);
        fclose(file);
        return good;
}

bool table_file_load(const char *path, const struct table_kind *kind, void *context, FILE *errors, char digest[7 + DIGEST_TEXT_SIZE])
{
        struct stat status;
        bool good = false;
        FILE *file = fopen(path, "rb");
        if (file == NULL) {
                fprintf(errors, "%s: %s\n", path, strerror(errno));
                return false;
        }
        if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
                fprintf(errors, "%s: a folder; expected a CSV file\n", path);
        else
                good = load(path, file, kind, context, errors, digest);
        fclose(file);
        return good;
}
