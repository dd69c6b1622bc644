/* The inventory's CSV (RFC 4180, by libcsv), read in pieces: memory grows with rows, not with the length of a line. */
#include <csv.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/text.h"
#include "base/time_zone.h"
#include "judge/inventory_parts.h"
#include "model/apn_text.h"

enum { CHUNK = 64 * 1024, ERROR_LIMIT = 100, FIELD_LIMIT = 1024, ROW_BYTES_LIMIT = 1 << 20, ROW_LIMIT = 50000000,
       FIELDS_LIMIT = COLUMNS + EXTRA_LIMIT };

static const char *const column_names[COLUMNS] = {"ip",     "prefix", "from",   "until", "mobility", "state",
                                                  "imsi",   "imei",   "msisdn", "apn",   "fleet",    "tenant",
                                                  "vendor", "model",  "site",   "ticket"};

struct loader {
        struct inventory *inventory;
        const char *path;
        FILE *errors;
        unsigned error_count;
        uint32_t line, row_line; /* of the line that is being read; of the row's first line */
        unsigned field;          /* of the row, from 0 */
        size_t row_bytes;        /* read since the row's beginning */
        bool has_header, failed, header_failed;
        unsigned header_count;
        uint16_t columns[FIELDS_LIMIT]; /* which column a field is: known ones, or COLUMNS + number of the extra */
        struct inventory_row row;
        uint32_t extras[EXTRA_LIMIT];
        uint32_t *interned;      /* open addressing over offsets of texts that come again */
        uint32_t interned_mask, interned_count;
};

__attribute__((format(printf, 3, 4)))
static void tell(struct loader *loader, unsigned column, const char *format, ...)
{
        va_list arguments;
        if (++loader->error_count > ERROR_LIMIT)
                return;
        fprintf(loader->errors, "%s:%u:%u: ", loader->path, loader->row_line, column);
        va_start(arguments, format);
        vfprintf(loader->errors, format, arguments);
        va_end(arguments);
        fputc('\n', loader->errors);
        if (loader->error_count == ERROR_LIMIT)
                fprintf(loader->errors, "%s: more faults may follow that are not shown\n", loader->path);
}

/* Offset of a copy in the arena; 0: no memory (told once, ends the reading). */
static uint32_t keep(struct loader *loader, const char *text, size_t length)
{
        struct inventory *inventory = loader->inventory;
        if (inventory->arena_room < (uint64_t)inventory->arena_used + length + 1) {
                uint64_t room = inventory->arena_room ? (uint64_t)inventory->arena_room * 2 : 64 * 1024;
                char *grown = room < UINT32_MAX ? realloc(inventory->arena, room) : NULL;
                if (grown == NULL) {
                        if (!loader->failed)
                                tell(loader, 1, "not enough memory");
                        loader->failed = true;
                        return 0;
                }
                inventory->arena = grown;
                inventory->arena_room = (uint32_t)room;
        }
        uint32_t offset = inventory->arena_used;
        memcpy(inventory->arena + offset, text, length);
        inventory->arena[offset + length] = '\0';
        inventory->arena_used += (uint32_t)length + 1;
        return offset;
}

static uint32_t hash_text(const char *text, size_t length)
{
        uint64_t hash = 0xcbf29ce484222325ULL;
        for (size_t i = 0; i < length; i++)
                hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3ULL;
        return (uint32_t)(hash ^ hash >> 32);
}

static bool grow_interned(struct loader *loader)
{
        uint32_t mask = loader->interned_mask ? loader->interned_mask * 2 + 1 : 1023;
        uint32_t *slots = calloc((size_t)mask + 1, sizeof *slots);
        if (slots == NULL)
                return false;
        for (uint32_t i = 0; loader->interned != NULL && i <= loader->interned_mask; i++) {
                uint32_t offset = loader->interned[i];
                if (offset == 0)
                        continue;
                const char *text = loader->inventory->arena + offset;
                uint32_t at = hash_text(text, strlen(text)) & mask;
                while (slots[at] != 0)
                        at = (at + 1) & mask;
                slots[at] = offset;
        }
        free(loader->interned);
        loader->interned = slots;
        loader->interned_mask = mask;
        return true;
}

/* The same text twice is kept once: fleets, models and sites repeat a million times. */
static uint32_t intern(struct loader *loader, const char *text, size_t length)
{
        if (loader->interned_count * 2 >= loader->interned_mask && !grow_interned(loader))
                return keep(loader, text, length);
        uint32_t at = hash_text(text, length) & loader->interned_mask;
        while (loader->interned[at] != 0) {
                const char *known = loader->inventory->arena + loader->interned[at];
                if (strncmp(known, text, length) == 0 && known[length] == '\0')
                        return loader->interned[at];
                at = (at + 1) & loader->interned_mask;
        }
        uint32_t offset = keep(loader, text, length);
        loader->interned[at] = offset;
        loader->interned_count += offset != 0;
        return offset;
}

/* Digits alone, without what people write between them; the length, 0 when something else stands there. */
static size_t take_digits(const char *text, size_t length, const char *between, char *out, size_t size)
{
        size_t used = 0;
        for (size_t i = 0; i < length; i++) {
                if (strchr(between, text[i]) != NULL)
                        continue;
                if (!isdigit((unsigned char)text[i]) || used + 1 >= size)
                        return 0;
                out[used++] = text[i];
        }
        out[used] = '\0';
        return used;
}

static void take_identity(struct loader *loader, enum inventory_column column, const char *text, size_t length,
                          unsigned field)
{
        static const struct {
                const char *between, *expected;
                size_t least, most;
        } shapes[] = {{" ", "the digits of an IMSI, 6 to 15", 6, 15}, {" -/", "the digits of an IMEI, 14 to 16", 14, 16},
                      {" +-/()", "the digits of a telephone number, at most 15", 3, 15}};
        char digits[32];
        unsigned shape = column - COLUMN_IMSI;
        size_t count = take_digits(text, length, shapes[shape].between, digits, sizeof digits);
        if (count < shapes[shape].least || count > shapes[shape].most)
                tell(loader, field + 1, "%s \"%.60s\"; expected %s", column_names[column], text, shapes[shape].expected);
        else
                loader->row.texts[shape] = keep(loader, digits, count);
}

static void take_moment(struct loader *loader, enum inventory_column column, const char *text, unsigned field)
{
        int64_t moment;
        if (!moment_parse(text, NULL, &moment)) {
                tell(loader, field + 1, "%s \"%.60s\"; expected a date or time such as 2026-03-01 or 2026-03-01T02:00:00Z",
                     column_names[column], text);
                return;
        }
        if (column == COLUMN_FROM)
                loader->row.from_ns = moment;
        else
                loader->row.until_ns =
                        moment + (strlen(text) == 10 && text[4] == '-' ? 86400000000000LL : 0); /* a date is inclusive */
}

static void take_choice(struct loader *loader, enum inventory_column column, const char *text, unsigned field)
{
        static const char *const states[] = {"stock", "installed", "maintenance", "test", "retired"};
        static const char *const mobilities[] = {"static", "mobile"};
        bool is_state = column == COLUMN_STATE;
        for (unsigned i = 0; i < (is_state ? 5U : 2U); i++) {
                if (strcasecmp(text, is_state ? states[i] : mobilities[i]) != 0)
                        continue;
                if (is_state)
                        loader->row.state = (uint8_t)(i + 1);
                else
                        loader->row.mobility = (uint8_t)(i + 1);
                return;
        }
        tell(loader, field + 1, "%s \"%.60s\"; expected %s", column_names[column], text,
             is_state ? "stock, installed, maintenance, test or retired" : "static or mobile");
}

static void take_address(struct loader *loader, enum inventory_column column, const char *text, unsigned field)
{
        struct prefix prefix;
        if (!prefix_parse(text, &prefix) || (column == COLUMN_IP && prefix.length != 128)) {
                tell(loader, field + 1, "%s \"%.60s\"; expected %s", column_names[column], text,
                     column == COLUMN_IP ? "an address" : "a prefix such as 10.0.0.0/24");
        } else if (column == COLUMN_IP) {
                loader->row.address = prefix.address;
                loader->row.has_ip = true;
        } else {
                loader->row.prefix = prefix;
                loader->row.has_prefix = true;
        }
}

static void take_apn(struct loader *loader, const char *text, unsigned field)
{
        char apn[FIELD_LIMIT + 1];
        snprintf(apn, sizeof apn, "%s", text);
        apn_text_reduce(apn);
        if (*apn != '\0')
                loader->row.texts[COLUMN_APN - COLUMN_IMSI] = intern(loader, apn, strlen(apn));
        else
                tell(loader, field + 1, "apn \"%.60s\"; expected one such as meters.utility.example", text);
}

static void take_value(struct loader *loader, unsigned column, const char *text, size_t length, unsigned field)
{
        if (!text_is_utf8(text, length) || memchr(text, '\0', length) != NULL || length > FIELD_LIMIT)
                tell(loader, field + 1, "%zu bytes that are no text; expected UTF-8, at most %d bytes", length, FIELD_LIMIT);
        else if (column >= COLUMNS)
                loader->extras[column - COLUMNS] = intern(loader, text, length);
        else if (column == COLUMN_IP || column == COLUMN_PREFIX)
                take_address(loader, column, text, field);
        else if (column == COLUMN_FROM || column == COLUMN_UNTIL)
                take_moment(loader, column, text, field);
        else if (column == COLUMN_STATE || column == COLUMN_MOBILITY)
                take_choice(loader, column, text, field);
        else if (column <= COLUMN_MSISDN)
                take_identity(loader, column, text, length, field);
        else if (column == COLUMN_APN)
                take_apn(loader, text, field);
        else
                loader->row.texts[column - COLUMN_IMSI] = intern(loader, text, length);
}

static unsigned find_column(struct loader *loader, const char *name, unsigned field)
{
        struct inventory *inventory = loader->inventory;
        unsigned column = 0;
        while (column < COLUMNS && strcasecmp(name, column_names[column]) != 0)
                column++;
        for (unsigned i = 0; i < field && column < COLUMNS; i++)
                if (loader->columns[i] == column)
                        tell(loader, field + 1, "a second column \"%s\"; expected one", column_names[column]);
        if (column < COLUMNS)
                return column;
        if (inventory->extra_count == EXTRA_LIMIT ||
            (inventory->extra_names[inventory->extra_count] = strdup(name)) == NULL) {
                tell(loader, field + 1, "column \"%.60s\" is one too many; expected at most %d of your own", name,
                     EXTRA_LIMIT);
                return COLUMNS + EXTRA_LIMIT - 1;
        }
        return COLUMNS + inventory->extra_count++;
}

/* libcsv's call for each field. The bytes end with a NUL (CSV_APPEND_NULL). */
static void take_field(void *bytes, size_t length, void *data)
{
        struct loader *loader = data;
        const char *text = bytes;
        unsigned field = loader->field++;
        if (!loader->has_header) {
                if (field < FIELDS_LIMIT)
                        loader->columns[field] = (uint16_t)find_column(loader, text ? text : "", field);
        } else if (field >= loader->header_count) {
                if (field == loader->header_count)
                        tell(loader, field + 1, "more fields than the header has; expected %u", loader->header_count);
        } else if (length > 0) {
                take_value(loader, loader->columns[field], text, length, field);
        }
}

static bool grow_rows(struct loader *loader)
{
        struct inventory *inventory = loader->inventory;
        uint32_t room = inventory->room ? inventory->room * 2 : 1024;
        if (inventory->count < inventory->room)
                return true;
        struct inventory_row *rows = room <= ROW_LIMIT ? realloc(inventory->rows, room * sizeof *rows) : NULL;
        if (rows == NULL)
                return false;
        inventory->rows = rows;
        if (inventory->extra_count > 0) {
                uint32_t *extras = realloc(inventory->extras, (size_t)room * inventory->extra_count * sizeof *extras);
                if (extras == NULL)
                        return false;
                inventory->extras = extras;
        }
        inventory->room = room;
        return true;
}

static void row_start(struct loader *loader)
{
        loader->field = 0;
        loader->row = (struct inventory_row){.from_ns = INT64_MIN, .until_ns = INT64_MAX};
        memset(loader->extras, 0, loader->inventory->extra_count * sizeof *loader->extras);
}

static void header_end(struct loader *loader)
{
        bool has_key = false;
        loader->has_header = true;
        loader->header_count = loader->field < FIELDS_LIMIT ? loader->field : FIELDS_LIMIT;
        for (unsigned i = 0; i < loader->header_count; i++)
                has_key |= loader->columns[i] == COLUMN_IP || loader->columns[i] == COLUMN_PREFIX ||
                           (loader->columns[i] >= COLUMN_IMSI && loader->columns[i] <= COLUMN_APN);
        if (!has_key)
                tell(loader, 1, "no column ip, prefix, imsi, imei, msisdn or apn in the header; expected one of them");
        loader->header_failed = loader->error_count > 0;
}

static bool has_row_key(const struct inventory_row *row)
{
        bool has = row->has_ip || row->has_prefix;
        for (enum inventory_column column = COLUMN_IMSI; column <= COLUMN_APN; column++)
                has |= row->texts[column - COLUMN_IMSI] != 0;
        return has;
}

/* libcsv's call at the end of each row; empty lines make none. */
static void take_row(int character, void *data)
{
        struct loader *loader = data;
        struct inventory *inventory = loader->inventory;
        const struct inventory_row *row = &loader->row;
        (void)character;
        if (!loader->has_header) {
                header_end(loader);
        } else if (!has_row_key(row)) {
                if (loader->error_count == 0)
                        tell(loader, 1, "a row without ip, prefix, imsi, imei, msisdn and apn; expected one of them");
        } else if (row->from_ns >= row->until_ns) {
                tell(loader, 1, "from is not before until; expected it to be");
        } else if (grow_rows(loader)) {
                loader->row.line = loader->row_line;
                if (inventory->extra_count > 0)
                        memcpy(inventory->extras + (size_t)inventory->count * inventory->extra_count, loader->extras,
                               inventory->extra_count * sizeof *loader->extras);
                inventory->rows[inventory->count++] = loader->row;
        } else {
                tell(loader, 1, "not enough memory for more than %u rows", inventory->count);
                loader->failed = true;
        }
        row_start(loader);
        loader->row_line = loader->line + 1;
}

/* The character that stands most often outside quotes in the header. */
static unsigned char find_delimiter(const char *line)
{
        static const char candidates[] = ",;\t";
        unsigned counts[3] = {0, 0, 0}, best = 0;
        bool quoted = false;
        for (; *line != '\0' && *line != '\n'; line++) {
                const char *found = strchr(candidates, *line);
                quoted ^= *line == '"';
                if (found != NULL && !quoted)
                        counts[found - candidates]++;
        }
        for (unsigned i = 1; i < 3; i++)
                best = counts[i] > counts[best] ? i : best;
        return (unsigned char)candidates[best];
}

static bool parse_piece(struct loader *loader, struct csv_parser *parser, const char *piece, size_t length)
{
        if (csv_parse(parser, piece, length, take_field, take_row, loader) == length && !loader->failed)
                return !loader->header_failed;
        if (!loader->failed && csv_error(parser) == CSV_EPARSE)
                tell(loader, loader->field + 1,
                     "a quote inside a field that does not begin with one, or text behind a closing quote; "
                     "expected quotes doubled inside quotes (RFC 4180)");
        else if (!loader->failed)
                tell(loader, 1, "%s", csv_strerror(csv_error(parser)));
        loader->failed = true;
        return false;
}

/* One line, or what of it stands at the end of a chunk; so that places are known when libcsv calls back. */
static bool feed_line(struct loader *loader, struct csv_parser *parser, const char *line, size_t length)
{
        uint32_t row_line = loader->row_line;
        loader->line += line[length - 1] == '\n';
        if (!parse_piece(loader, parser, line, length))
                return false;
        loader->row_bytes = row_line == loader->row_line ? loader->row_bytes + length : 0;
        if (loader->field == 0 && loader->row_bytes <= 2 && line[length - 1] == '\n')
                loader->row_line = loader->line + 1; /* an empty line makes no row */
        if (loader->row_bytes > ROW_BYTES_LIMIT)
                tell(loader, loader->field + 1, "a row of more than %d bytes; expected a closing quote before",
                     ROW_BYTES_LIMIT);
        return loader->row_bytes <= ROW_BYTES_LIMIT;
}

static bool feed_chunk(struct loader *loader, struct csv_parser *parser, const char *chunk, size_t length)
{
        while (length > 0) {
                const char *end = memchr(chunk, '\n', length);
                size_t line = end ? (size_t)(end - chunk) + 1 : length;
                if (!feed_line(loader, parser, chunk, line))
                        return false;
                chunk += line;
                length -= line;
        }
        return true;
}

static void read_rows(struct loader *loader, FILE *file, struct csv_parser *parser, struct digest *digest)
{
        char *chunk = malloc(CHUNK + 1);
        bool first = true, good = chunk != NULL;
        size_t length;
        while (good && (length = fread(chunk, 1, CHUNK, file)) > 0) {
                size_t mark = first && length >= 3 && memcmp(chunk, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
                digest_add(digest, chunk, length);
                chunk[length] = '\0';
                if (first)
                        csv_set_delim(parser, find_delimiter(chunk + mark));
                first = false;
                good = feed_chunk(loader, parser, chunk + mark, length - mark);
        }
        if (ferror(file))
                tell(loader, 1, "%s", strerror(errno));
        free(chunk);
        if (loader->error_count == 0 && csv_fini(parser, take_field, take_row, loader) != 0)
                tell(loader, loader->field + 1, "the file ends inside quotes; expected a closing quote");
        if (loader->error_count == 0 && !loader->has_header)
                tell(loader, 1, "the file is empty; expected a header with ip, prefix, imsi, imei, msisdn or apn");
}

static struct inventory *load(const char *path, FILE *file, FILE *errors)
{
        struct loader *loader = calloc(1, sizeof *loader);
        struct csv_parser parser;
        struct digest *digest = digest_create();
        char hex[DIGEST_TEXT_SIZE];
        struct inventory *inventory = calloc(1, sizeof *inventory);
        if (loader == NULL || digest == NULL || inventory == NULL ||
            csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL)) {
                fprintf(errors, "%s: not enough memory\n", path);
                goto fail;
        }
        *loader = (struct loader){.inventory = inventory, .path = path, .errors = errors, .row_line = 1};
        inventory->arena_used = 1; /* offset 0 says none */
        row_start(loader);
        read_rows(loader, file, &parser, digest);
        csv_free(&parser);
        free(loader->interned);
        if (loader->error_count > 0)
                goto fail;
        if (!inventory_index_build(inventory)) {
                fprintf(errors, "%s: not enough memory\n", path);
                goto fail;
        }
        digest_finish_text(digest, hex);
        snprintf(inventory->digest, sizeof inventory->digest, "sha256:%s", hex);
        digest_destroy(digest);
        free(loader);
        return inventory;
fail:
        digest_destroy(digest);
        free(loader);
        inventory_destroy(inventory);
        return NULL;
}

struct inventory *inventory_parse(const char *path, const void *bytes, size_t length, FILE *errors)
{
        FILE *file = length ? fmemopen((void *)(uintptr_t)bytes, length, "r") : fopen("/dev/null", "r");
        if (file == NULL) {
                fprintf(errors, "%s: %s\n", path, strerror(errno));
                return NULL;
        }
        struct inventory *inventory = load(path, file, errors);
        fclose(file);
        return inventory;
}

struct inventory *inventory_load(const char *path, FILE *errors)
{
        struct stat status;
        FILE *file = fopen(path, "rb");
        if (file == NULL) {
                fprintf(errors, "%s: %s\n", path, strerror(errno));
                return NULL;
        }
        struct inventory *inventory = NULL;
        if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
                fprintf(errors, "%s: a folder; expected a CSV file\n", path);
        else
                inventory = load(path, file, errors);
        fclose(file);
        return inventory;
}
