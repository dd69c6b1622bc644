#include "config.h"

#include "judge/binding_import.h"

#include <stdlib.h>
#include <string.h>

#include "judge/table_file.h"
#include "model/apn_text.h"

enum column { FROM, UNTIL, IP, IMSI, IMEI, MSISDN, APN, COLUMNS };
enum { FIRST_TEXT = IMSI, TEXTS = COLUMNS - FIRST_TEXT };

static const char *const columns[COLUMNS + 1] = {"from", "until", "ip", "imsi", "imei", "msisdn", "apn", NULL};

struct imported {
        int64_t from_ns, until_ns;
        struct address ip;
        uint8_t length;        /* of the prefix; 0: an address alone */
        uint32_t texts[TEXTS]; /* offsets; 0: not said */
        uint32_t number;       /* in the file */
};

struct binding_import {
        struct imported *rows;
        uint32_t count, room;
        char *texts;
        uint32_t texts_used, texts_room;
        uint32_t last_apn; /* the same one follows most often */
        char digest[7 + DIGEST_TEXT_SIZE];
};

/* Offset of a copy; 0: no memory. */
static uint32_t keep(struct binding_import *import, const char *text)
{
        size_t length = strlen(text) + 1;
        if (import->texts_used + length > import->texts_room) {
                uint64_t room = import->texts_room ? (uint64_t)import->texts_room * 2 : 64 * 1024;
                char *grown = room <= UINT32_MAX ? realloc(import->texts, room) : NULL;
                if (grown == NULL)
                        return 0;
                import->texts = grown;
                import->texts_room = (uint32_t)room;
        }
        uint32_t offset = import->texts_used;
        memcpy(import->texts + offset, text, length);
        import->texts_used += (uint32_t)length;
        return offset;
}

static bool keep_apn(struct binding_import *import, const char *text, uint32_t *out)
{
        char apn[TABLE_FIELD];
        snprintf(apn, sizeof apn, "%s", text);
        apn_text_reduce(apn);
        if (*apn == '\0')
                return true;
        if (import->last_apn == 0 || strcmp(import->texts + import->last_apn, apn) != 0)
                import->last_apn = keep(import, apn);
        *out = import->last_apn;
        return *out != 0;
}

static bool keep_digits(struct binding_import *import, struct table_file *table, const char *const *fields, enum column column,
                        uint32_t *out)
{
        static const struct {
                const char *between;
                size_t least, most;
        } shapes[] = {{" ", 6, 16}, {" -/", 14, 16}, {" +-/()", 3, 15}};
        char digits[33];
        unsigned shape = (unsigned)column - FIRST_TEXT;
        if (table_file_digits(table, column, fields[column], shapes[shape].between, shapes[shape].least, shapes[shape].most, digits) == 0)
                return true; /* empty, or told */
        *out = keep(import, digits);
        return *out != 0;
}

static bool grow(struct binding_import *import)
{
        uint64_t room = import->room ? (uint64_t)import->room * 2 : 1024;
        if (import->count < import->room)
                return true;
        struct imported *rows = room <= UINT32_MAX ? realloc(import->rows, room * sizeof *rows) : NULL;
        if (rows == NULL)
                return false;
        import->rows = rows;
        import->room = (uint32_t)room;
        return true;
}

/* An address, or the prefix that a device was given. */
static void take_ip(struct table_file *table, const char *text, struct imported *row)
{
        struct prefix prefix;
        if (!prefix_parse(text, &prefix) || prefix.length == 0)
                table_file_error(table, IP, "ip \"%.60s\"; expected an address, or a prefix such as 2001:db8:20:7::/64", text);
        row->ip = prefix.address;
        row->length = prefix.length < 128 ? prefix.length : 0;
}

static bool take_row(void *context, struct table_file *table, const char *const *fields)
{
        struct binding_import *import = context;
        struct imported row = {.from_ns = INT64_MIN, .until_ns = INT64_MAX, .number = import->count};
        bool has_time = table_file_time(table, FROM, fields[FROM], false, &row.from_ns);
        has_time &= table_file_time(table, UNTIL, fields[UNTIL], true, &row.until_ns);
        if (has_time && row.from_ns >= row.until_ns)
                table_file_error(table, UNTIL, "from is not before until; expected it to be");
        if (*fields[IP] == '\0')
                table_file_error(table, IP, "a row without ip; expected one");
        else
                take_ip(table, fields[IP], &row);
        if (*fields[IMSI] == '\0' && *fields[IMEI] == '\0' && *fields[MSISDN] == '\0')
                table_file_error(table, IMSI, "a row without imsi, imei and msisdn; expected one of them");
        for (enum column column = IMSI; column <= MSISDN; column++)
                if (!keep_digits(import, table, fields, column, &row.texts[column - FIRST_TEXT]))
                        return false;
        if (!keep_apn(import, fields[APN], &row.texts[APN - FIRST_TEXT]))
                return false;
        if (!grow(import))
                return false;
        import->rows[import->count++] = row;
        return true;
}

static const struct table_kind kind = {.columns = columns, .required = 1 << IP, .expected = "from, until, ip, imsi, imei, msisdn and apn",
                                       .row = take_row};

static int by_time(const void *a, const void *b)
{
        const struct imported *x = a, *y = b;
        if (x->from_ns != y->from_ns)
                return x->from_ns < y->from_ns ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

static struct binding_import *import_create(void)
{
        struct binding_import *import = calloc(1, sizeof *import);
        if (import != NULL)
                import->texts_used = 1; /* offset 0 says none */
        return import;
}

static struct binding_import *finish(struct binding_import *import, bool good)
{
        if (!good) {
                binding_import_destroy(import);
                return NULL;
        }
        if (import->count > 0)
                qsort(import->rows, import->count, sizeof *import->rows, by_time);
        return import;
}

struct binding_import *binding_import_load(const char *path, FILE *errors)
{
        struct binding_import *import = import_create();
        return finish(import, import != NULL && table_file_load(path, &kind, import, errors, import->digest));
}

struct binding_import *binding_import_parse(const char *path, const void *bytes, size_t length, FILE *errors)
{
        struct binding_import *import = import_create();
        return finish(import, import != NULL && table_file_parse(path, bytes, length, &kind, import, errors, import->digest));
}

void binding_import_destroy(struct binding_import *import)
{
        if (import == NULL)
                return;
        free(import->rows);
        free(import->texts);
        free(import);
}

uint32_t binding_import_count(const struct binding_import *import)
{
        return import ? import->count : 0;
}

static const char *text_at(const struct binding_import *import, uint32_t offset)
{
        return offset ? import->texts + offset : NULL;
}

void binding_import_row(const struct binding_import *import, uint32_t index, struct binding_row *out)
{
        const struct imported *row = &import->rows[index];
        *out = (struct binding_row){.from_ns = row->from_ns, .until_ns = row->until_ns, .ip = row->ip, .length = row->length,
                                    .imsi = text_at(import, row->texts[IMSI - FIRST_TEXT]),
                                    .imei = text_at(import, row->texts[IMEI - FIRST_TEXT]),
                                    .msisdn = text_at(import, row->texts[MSISDN - FIRST_TEXT]),
                                    .apn = text_at(import, row->texts[APN - FIRST_TEXT])};
}

const char *binding_import_digest(const struct binding_import *import)
{
        return import ? import->digest : "";
}

void binding_import_hand(const struct binding_import *import, struct bindings *bindings)
{
        struct binding_row row;
        for (uint32_t i = 0; i < binding_import_count(import); i++) {
                binding_import_row(import, i, &row);
                bindings_import(bindings, &row);
        }
}
