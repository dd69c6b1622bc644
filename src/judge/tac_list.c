#include "config.h"

#include "judge/tac_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "judge/table_file.h"

enum { TAC_DIGITS = 8, ERROR_LIMIT = 100 };

/* Letters and digits alone, as table_file compares them. Of vendors and of models the first that has a value counts. */
static const char *const columns[] = {
        "tac",
        "vendor", "standardiseddevicevendor", "standardizeddevicevendor", "standardisedmanufacturer", "manufacturer",
        "manufacturerorapplicant", "brandname", "brand",
        "model", "modelname", "standardisedmarketingname", "standardizedmarketingname", "marketingname",
        "type", "devicetype", "equipmenttype", "standardiseddevicetype", "gsmadevicetype", "category",
        NULL};
enum { COLUMN_TAC = 0, FIRST_VENDOR = 1, FIRST_MODEL = 9, FIRST_TYPE = 14, COLUMNS = 20 };

struct row {
        char tac[TAC_DIGITS + 1];
        uint32_t vendor, model; /* offsets; 0: none */
        uint32_t line, place;   /* of the TAC in its file, for faults */
        uint32_t file;
        bool is_phone;
};

struct tac_list {
        struct intel_tac *tacs; /* sorted; texts point into `texts` */
        uint32_t count;
        char *texts;
        char digest[7 + DIGEST_TEXT_SIZE];
};

struct loader {
        struct row *rows;
        uint32_t count, room;
        char *texts;
        uint32_t texts_used, texts_room;
        uint32_t last_vendor; /* the same one follows most often */
        uint32_t file;
        FILE *errors;
        struct digest *digest;
};

/* Offset of a copy; 0: no memory. */
static uint32_t keep(struct loader *loader, const char *text)
{
        size_t length = strlen(text) + 1;
        if (loader->texts_room - loader->texts_used < length) {
                uint64_t room = loader->texts_room ? (uint64_t)loader->texts_room * 2 : 64 * 1024;
                char *grown = room <= UINT32_MAX ? realloc(loader->texts, room) : NULL;
                if (grown == NULL)
                        return 0;
                loader->texts = grown;
                loader->texts_room = (uint32_t)room;
        }
        uint32_t offset = loader->texts_used ? loader->texts_used : 1; /* 0 says none */
        memcpy(loader->texts + offset, text, length);
        loader->texts_used = offset + (uint32_t)length;
        return offset;
}

static bool keep_vendor(struct loader *loader, const char *vendor, uint32_t *out)
{
        if (loader->last_vendor == 0 || strcmp(loader->texts + loader->last_vendor, vendor) != 0)
                loader->last_vendor = keep(loader, vendor);
        *out = loader->last_vendor;
        return *out != 0;
}

static bool grow(struct loader *loader)
{
        uint64_t room = loader->room ? (uint64_t)loader->room * 2 : 1024;
        if (loader->count < loader->room)
                return true;
        struct row *rows = room <= UINT32_MAX ? realloc(loader->rows, room * sizeof *rows) : NULL;
        if (rows == NULL)
                return false;
        loader->rows = rows;
        loader->room = (uint32_t)room;
        return true;
}

static bool is_value(const char *text)
{
        static const char *const nothings[] = {"", "-", "NA", "N/A", "None", "Unknown", "Not Known", "Not Available"};
        for (unsigned i = 0; i < sizeof nothings / sizeof *nothings; i++)
                if (strcasecmp(text, nothings[i]) == 0)
                        return false;
        return true;
}

static const char *first_value(const char *const *fields, unsigned from, unsigned to)
{
        while (from < to && !is_value(fields[from]))
                from++;
        return from < to ? fields[from] : NULL;
}

static unsigned first_place(const struct table_file *table, unsigned from, unsigned to)
{
        while (from < to && table_file_place(table, from) == 0)
                from++;
        return from < to ? from : COLUMN_TAC;
}

static bool check_tac(struct table_file *table, const char *text)
{
        size_t length = strspn(text, "0123456789");
        if (length == TAC_DIGITS && text[length] == '\0')
                return true;
        bool is_cut = length == TAC_DIGITS - 1 && text[length] == '\0';
        table_file_error(table, COLUMN_TAC, "tac \"%.60s\"; expected 8 digits%s", text,
                         is_cut ? " (a spreadsheet may have taken the 0 in front away)" : "");
        return false;
}

/* "Smartphone", "Mobile Phone/Feature phone", "Handheld", "Tablet"; not "Module", "Modem", "IoT Device", "Headphone". */
static bool is_phone(const char *const *fields)
{
        static const char *const phones[] = {"smartphone", "feature phone", "featurephone", "mobile phone", "phone",
                                             "handset",    "handheld",      "tablet"};
        for (unsigned field = FIRST_TYPE; field < COLUMNS; field++)
                for (unsigned i = 0; i < sizeof phones / sizeof *phones; i++)
                        if (strncasecmp(fields[field], phones[i], strlen(phones[i])) == 0)
                                return true;
        return false;
}

static bool take_row(void *context, struct table_file *table, const char *const *fields)
{
        struct loader *loader = context;
        const char *vendor = first_value(fields, FIRST_VENDOR, FIRST_MODEL);
        const char *model = first_value(fields, FIRST_MODEL, FIRST_TYPE);
        struct row row = {.file = loader->file, .line = table_file_line(table), .place = table_file_place(table, COLUMN_TAC)};
        if (!check_tac(table, fields[COLUMN_TAC]))
                return true;
        if (vendor == NULL) {
                table_file_error(table, first_place(table, FIRST_VENDOR, FIRST_MODEL), "TAC %s without a vendor; expected one",
                                 fields[COLUMN_TAC]);
                return true;
        }
        memcpy(row.tac, fields[COLUMN_TAC], TAC_DIGITS);
        row.is_phone = is_phone(fields);
        if (model != NULL && (row.model = keep(loader, model)) == 0)
                return false;
        if (!keep_vendor(loader, vendor, &row.vendor) || !grow(loader))
                return false;
        loader->rows[loader->count++] = row;
        return true;
}

static const struct table_kind kind = {
        .columns = columns,
        .required = 1 << COLUMN_TAC,
        .expected = "tac, vendor and model, or the GSMA's tac, manufacturer and modelName",
        .is_foreign = true,
        .row = take_row,
};

static int compare_rows(const void *left, const void *right)
{
        const struct row *a = left, *b = right;
        int order = memcmp(a->tac, b->tac, TAC_DIGITS);
        if (order == 0)
                order = (a->file > b->file) - (a->file < b->file);
        return order ? order : (a->line > b->line) - (a->line < b->line);
}

static bool says_the_same(const struct loader *loader, const struct row *a, const struct row *b)
{
        const char *texts = loader->texts;
        return strcasecmp(texts + a->vendor, texts + b->vendor) == 0 && (a->model != 0) == (b->model != 0) &&
               (a->model == 0 || strcasecmp(texts + a->model, texts + b->model) == 0);
}

static bool check_again(const struct loader *loader, const char *const *paths)
{
        unsigned faults = 0;
        for (uint32_t i = 1; i < loader->count; i++) {
                const struct row *first = &loader->rows[i - 1], *again = &loader->rows[i];
                if (first->file != again->file || memcmp(first->tac, again->tac, TAC_DIGITS) != 0 ||
                    says_the_same(loader, first, again))
                        continue;
                if (++faults <= ERROR_LIMIT)
                        fprintf(loader->errors,
                                "%s:%u:%u: TAC %s again, with another vendor or model than in line %u; expected one\n",
                                paths[again->file], again->line, again->place, again->tac, first->line);
        }
        return faults == 0;
}

/* Of equal TACs the last row, that of the latest file. Texts go over to the list. */
static struct tac_list *make_list(struct loader *loader)
{
        struct tac_list *list = calloc(1, sizeof *list);
        struct intel_tac *tacs = calloc((size_t)loader->count + 1, sizeof *tacs);
        if (list == NULL || tacs == NULL) {
                free(list);
                free(tacs);
                return NULL;
        }
        for (uint32_t i = 0; i < loader->count; i++) {
                const struct row *row = &loader->rows[i];
                if (i + 1 < loader->count && memcmp(row->tac, row[1].tac, TAC_DIGITS) == 0)
                        continue;
                struct intel_tac *tac = &tacs[list->count++];
                memcpy(tac->tac, row->tac, sizeof tac->tac);
                tac->vendor = loader->texts + row->vendor;
                tac->model = row->model ? loader->texts + row->model : NULL;
                tac->is_phone = row->is_phone;
        }
        list->tacs = tacs;
        list->texts = loader->texts;
        loader->texts = NULL;
        return list;
}

static struct tac_list *finish(struct loader *loader, const char *const *paths, bool good)
{
        struct tac_list *list = NULL;
        char hex[DIGEST_TEXT_SIZE];
        if (good && loader->count > 0)
                qsort(loader->rows, loader->count, sizeof *loader->rows, compare_rows);
        if (good && check_again(loader, paths) && (list = make_list(loader)) == NULL)
                fprintf(loader->errors, "not enough memory for %u TACs\n", loader->count);
        if (list != NULL) {
                digest_finish_text(loader->digest, hex);
                snprintf(list->digest, sizeof list->digest, "sha256:%s", hex);
        }
        digest_destroy(loader->digest);
        free(loader->rows);
        free(loader->texts);
        return list;
}

struct tac_list *tac_list_load(const char *const *paths, unsigned count, FILE *errors)
{
        struct loader loader = {.errors = errors, .digest = digest_create()};
        char digest[7 + DIGEST_TEXT_SIZE];
        bool good = loader.digest != NULL;
        for (unsigned i = 0; loader.digest != NULL && i < count; i++) {
                loader.file = i;
                if (table_file_load(paths[i], &kind, &loader, errors, digest))
                        digest_add(loader.digest, digest, strlen(digest));
                else
                        good = false;
        }
        return finish(&loader, paths, good);
}

struct tac_list *tac_list_parse(const char *path, const void *bytes, size_t length, FILE *errors)
{
        struct loader loader = {.errors = errors, .digest = digest_create()};
        char digest[7 + DIGEST_TEXT_SIZE];
        bool good = loader.digest != NULL && table_file_parse(path, bytes, length, &kind, &loader, errors, digest);
        if (good)
                digest_add(loader.digest, digest, strlen(digest));
        return finish(&loader, &path, good);
}

void tac_list_destroy(struct tac_list *list)
{
        if (list == NULL)
                return;
        free(list->tacs);
        free(list->texts);
        free(list);
}

static int compare_tac(const void *digits, const void *tac)
{
        return strncmp(digits, ((const struct intel_tac *)tac)->tac, TAC_DIGITS);
}

const struct intel_tac *tac_list_find(const struct tac_list *list, const char *imei)
{
        if (list == NULL || list->count == 0)
                return NULL;
        return bsearch(imei, list->tacs, list->count, sizeof *list->tacs, compare_tac);
}

uint32_t tac_list_count(const struct tac_list *list)
{
        return list ? list->count : 0;
}

const struct intel_tac *tac_list_at(const struct tac_list *list, uint32_t index)
{
        return &list->tacs[index];
}

const char *tac_list_digest(const struct tac_list *list)
{
        return list ? list->digest : "";
}
