/* The YAML files of vendor data (contrib/intel/README): one file, one vendor; and TACs. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/text.h"
#include "judge/intel_parts.h"

enum { ROW_LIMIT = 500000, FILE_LIMIT = 10000, VENDOR_LIMIT = 20000 };

/* One row as it stands in the file. */
struct row_entry {
        char *values[INTEL_KINDS];
        int purpose, mode, confidence;
        char *protocol, *source, *note;
        uint32_t port;
        bool shared, weak, disabled;
        unsigned line, column;
};

struct tac_entry {
        char *tac, *vendor, *model, *source;
};

struct file_entry {
        char *vendor, *controller, *licence;
        struct string_list aliases, ignored;
        struct row_entry *rows;
        unsigned row_count;
        struct tac_entry *tacs;
        unsigned tac_count;
};

static bool lower(char *text)
{
        for (char *c = text; *c != '\0'; c++)
                *c = (char)tolower((unsigned char)*c);
        return true;
}

static bool name_check(char *text)
{
        size_t length = strlen(text);
        lower(text);
        return length > 2 && length <= 253 && strchr(text, '.') && text[0] != '.' && text[length - 1] != '.' &&
               text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0';
}

static bool prefix_check(char *text)
{
        struct prefix prefix;
        return prefix_parse(text, &prefix);
}

static bool port_check(char *text)
{
        return text[strspn(text, "0123456789")] == '\0' && strlen(text) <= 5 && atoi(text) >= 1 && atoi(text) <= 65535;
}

static bool magic_check(char *text)
{
        return text[strspn(text, "0123456789abcdefABCDEF ")] == '\0';
}

static bool tac_check(char *text)
{
        return strlen(text) == 8 && text[strspn(text, "0123456789")] == '\0';
}

static bool controller_check(char *text)
{
        static const char *const known[] = {"module_vendor", "device_maker", "operator", "fleet", "unknown"};
        for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
                if (strcmp(text, known[i]) == 0)
                        return true;
        return false;
}

static const struct text_kind controller_kind = {controller_check,
                                                 "module_vendor, device_maker, operator, fleet or unknown"};
static const struct text_kind name_kind = {name_check, "a name such as fota.vendor.example"};
static const struct text_kind address_kind = {prefix_check, "an address or prefix"};
static const struct text_kind port_kind = {port_check, "a port from 1 to 65535"};
static const struct text_kind magic_kind = {magic_check, "bytes in hex such as \"3D B8 F3 96\""};
static const struct text_kind tac_kind = {tac_check, "a TAC: 8 digits"};
static const char *const purposes[] = {"update", "agnss", "location", "management", "telemetry", NULL};
static const char *const modes[] = {"unknown", "direct", "indirect", NULL};
static const char *const confidences[] = {"reported", "code", "vendor-doc", NULL};

static void finish_row(struct document *document, const struct yaml_node_s *node, void *at)
{
        struct row_entry *row = at;
        unsigned kinds = 0;
        row->line = document_line(node);
        row->column = document_column(node);
        for (unsigned i = 0; i < INTEL_KINDS; i++)
                kinds += row->values[i] != NULL;
        if (kinds > 1 || (kinds == 0 && document_error_count(document) == 0))
                document_error(document, node,
                               "a row with %u things to match; expected one of host, domain_suffix, name_regex, ip, "
                               "url_regex, user_agent, content_type, topic_regex, only_port or magic",
                               kinds);
}

#define VALUE(key, kind, text_kind)                                                                                         \
        {                                                                                                                   \
                key, read_text, offsetof(struct row_entry, values) + (kind) * sizeof(char *), text_kind, 0, 0, false        \
        }
#define ROW(key, reader, member, ...) {key, reader, offsetof(struct row_entry, member), __VA_ARGS__}
static const struct field row_fields[] = {
        ROW("purpose", read_choice, purpose, purposes, 0, 0, true),
        ROW("mode", read_choice, mode, modes, 0, 0, false),
        VALUE("host", INTEL_HOST, &name_kind),
        VALUE("domain_suffix", INTEL_SUFFIX, &name_kind),
        VALUE("name_regex", INTEL_NAME_REGEX, NULL),
        VALUE("ip", INTEL_ADDRESS, &address_kind),
        VALUE("url_regex", INTEL_URL, NULL),
        VALUE("user_agent", INTEL_USER_AGENT, NULL),
        VALUE("content_type", INTEL_CONTENT_TYPE, NULL),
        VALUE("topic_regex", INTEL_TOPIC, NULL),
        VALUE("only_port", INTEL_PORT, &port_kind),
        VALUE("magic", INTEL_MAGIC, &magic_kind),
        ROW("protocol", read_text, protocol, NULL, 0, 0, false),
        ROW("port", read_number, port, NULL, 1, 65535, false),
        ROW("confidence", read_choice, confidence, confidences, 0, 0, true),
        ROW("source", read_text, source, NULL, 0, 0, true),
        ROW("note", read_text, note, NULL, 0, 0, false),
        ROW("shared", read_bool, shared, NULL, 0, 0, false),
        ROW("weak", read_bool, weak, NULL, 0, 0, false),
        ROW("disabled", read_bool, disabled, NULL, 0, 0, false),
        {.key = NULL},
};
static const struct mapping row_mapping = {.what = "a row", .fields = row_fields, .finish = finish_row};

static const struct field tac_fields[] = {
        {"tac", read_text, offsetof(struct tac_entry, tac), &tac_kind, 0, 0, true},
        {"vendor", read_text, offsetof(struct tac_entry, vendor), NULL, 0, 0, true},
        {"model", read_text, offsetof(struct tac_entry, model), NULL, 0, 0, false},
        {"source", read_text, offsetof(struct tac_entry, source), NULL, 0, 0, false},
        {.key = NULL},
};
static const struct mapping tac_mapping = {.what = "a TAC", .fields = tac_fields};

static const struct items_kind row_items = {&row_mapping, sizeof(struct row_entry), offsetof(struct file_entry, row_count),
                                            offsetof(struct file_entry, rows), ROW_LIMIT};
static const struct items_kind tac_items = {&tac_mapping, sizeof(struct tac_entry), offsetof(struct file_entry, tac_count),
                                            offsetof(struct file_entry, tacs), ROW_LIMIT};

static void finish_file(struct document *document, const struct yaml_node_s *node, void *at)
{
        const struct file_entry *file = at;
        if (file->vendor == NULL && file->row_count > 0)
                document_error(document, node, "rows without \"vendor\" in the file; expected it");
}

static const struct field file_fields[] = {
        {"vendor", read_text, offsetof(struct file_entry, vendor), NULL, 0, 0, false},
        {"aliases", read_texts, offsetof(struct file_entry, aliases), NULL, 0, 0, false},
        {"controller", read_text, offsetof(struct file_entry, controller), &controller_kind, 0, 0, false},
        {"licence", read_text, offsetof(struct file_entry, licence), NULL, 0, 0, false},
        {"ignore", read_texts, offsetof(struct file_entry, ignored), &name_kind, 0, 0, false},
        {"rows", read_items, offsetof(struct file_entry, rows), &row_items, 0, 0, false},
        {"tacs", read_items, offsetof(struct file_entry, tacs), &tac_items, 0, 0, false},
        {.key = NULL},
};
static const struct mapping file_mapping = {.what = "a file of intel", .fields = file_fields, .finish = finish_file};

static void file_clear(struct file_entry *file)
{
        for (unsigned i = 0; i < file->row_count; i++) {
                struct row_entry *row = &file->rows[i];
                for (unsigned kind = 0; kind < INTEL_KINDS; kind++)
                        free(row->values[kind]);
                free(row->protocol);
                free(row->source);
                free(row->note);
        }
        for (unsigned i = 0; i < file->tac_count; i++) {
                free(file->tacs[i].tac);
                free(file->tacs[i].vendor);
                free(file->tacs[i].model);
                free(file->tacs[i].source);
        }
        free(file->rows);
        free(file->tacs);
        free(file->vendor);
        free(file->controller);
        free(file->licence);
        string_list_clear(&file->aliases);
        string_list_clear(&file->ignored);
}

static bool append(struct document *document, struct string_list *list, char *text)
{
        char **grown = text ? realloc(list->items, (list->count + 1) * sizeof *grown) : NULL;
        if (grown == NULL) {
                document_error_at(document, 1, 1, "not enough memory");
                free(text);
                return false;
        }
        list->items = grown;
        grown[list->count++] = text;
        return true;
}

/* The vendor by its name, made when it is new; a later file's aliases and controller replace the earlier's. */
static struct intel_vendor *take_vendor(struct document *document, struct intel *intel, struct file_entry *file)
{
        struct intel_vendor *vendor = NULL;
        for (unsigned i = 0; i < intel->vendor_count && vendor == NULL; i++)
                if (strcasecmp(intel->vendors[i]->name, file->vendor) == 0)
                        vendor = intel->vendors[i];
        if (vendor == NULL) {
                struct intel_vendor **grown = realloc(intel->vendors, (intel->vendor_count + 1) * sizeof *grown);
                vendor = document_allocate(document, 1, sizeof *vendor);
                if (grown == NULL || vendor == NULL) {
                        intel->vendors = grown ? grown : intel->vendors;
                        free(vendor);
                        return NULL;
                }
                intel->vendors = grown;
                grown[intel->vendor_count++] = vendor;
                vendor->name = file->vendor;
                file->vendor = NULL;
        }
        if (file->aliases.count > 0 && vendor->alias_count == 0) {
                vendor->aliases = file->aliases.items;
                vendor->alias_count = file->aliases.count;
                file->aliases = (struct string_list){0};
        }
        if (file->controller != NULL && vendor->controller == NULL) {
                vendor->controller = file->controller;
                file->controller = NULL;
        }
        return vendor;
}

static bool is_expression(enum intel_kind kind)
{
        return kind == INTEL_URL || kind == INTEL_NAME_REGEX || kind == INTEL_TOPIC;
}

static void move(char **to, char **from)
{
        *to = *from;
        *from = NULL;
}

static void take_row(struct document *document, struct intel *intel, const struct intel_vendor *vendor,
                     struct row_entry *entry)
{
        char message[200];
        struct intel_row row = {.vendor = vendor,
                                .purpose = (enum intel_purpose)entry->purpose,
                                .mode = (enum intel_mode)entry->mode,
                                .confidence = (enum intel_confidence)entry->confidence,
                                .port = (uint16_t)entry->port,
                                .shared = entry->shared,
                                .weak = entry->weak,
                                .line = entry->line,
                                .file = intel->files.items[intel->files.count - 1]};
        while (row.kind < INTEL_KINDS - 1 && entry->values[row.kind] == NULL)
                row.kind++;
        if (row.kind == INTEL_PORT) {
                row.port = (uint16_t)atoi(entry->values[INTEL_PORT]);
                row.weak = true;
        }
        row.weak |= row.kind == INTEL_MAGIC;
        if (is_expression(row.kind)) {
                row.regex = intel_regex_create(entry->values[row.kind], message, sizeof message);
                if (row.regex == NULL) {
                        document_error_at(document, entry->line, entry->column,
                                          "expression \"%.80s\": %s; expected PCRE2 syntax", entry->values[row.kind],
                                          message);
                        return;
                }
        }
        if (intel->row_count == intel->row_room) {
                unsigned room = intel->row_room ? intel->row_room * 2 : 256;
                struct intel_row *grown = room <= ROW_LIMIT * 2 ? realloc(intel->rows, room * sizeof *grown) : NULL;
                if (grown == NULL) {
                        document_error_at(document, entry->line, entry->column, "not enough memory for more than %u rows",
                                          intel->row_count);
                        intel_regex_destroy(row.regex);
                        return;
                }
                intel->rows = grown;
                intel->row_room = room;
        }
        move(&row.value, &entry->values[row.kind]);
        move(&row.protocol, &entry->protocol);
        move(&row.source, &entry->source);
        move(&row.note, &entry->note);
        row.file = entry->disabled ? NULL : row.file; /* dropped by keep_latest() */
        intel->rows[intel->row_count++] = row;
}

static void take_tacs(struct document *document, struct intel *intel, struct file_entry *file)
{
        if (file->tac_count == 0)
                return;
        struct intel_tac *grown = realloc(intel->tacs, (intel->tac_count + file->tac_count) * sizeof *grown);
        if (grown == NULL) {
                document_error_at(document, 1, 1, "not enough memory");
                return;
        }
        intel->tacs = grown;
        for (unsigned i = 0; i < file->tac_count; i++) {
                struct tac_entry *entry = &file->tacs[i];
                struct intel_tac *tac = &intel->tacs[intel->tac_count];
                char *vendor = entry->vendor, *model = entry->model;
                entry->vendor = entry->model = NULL;
                memset(tac, 0, sizeof *tac);
                memcpy(tac->tac, entry->tac, 8);
                tac->vendor = vendor;
                tac->model = model;
                bool kept = append(document, &intel->texts, vendor);
                if (model != NULL)
                        kept &= append(document, &intel->texts, model);
                if (!kept)
                        return;
                intel->tac_count++;
        }
}

static void take_file(struct document *document, struct intel *intel, struct file_entry *file)
{
        struct intel_vendor *vendor = file->vendor ? take_vendor(document, intel, file) : NULL;
        for (unsigned i = 0; vendor != NULL && i < file->row_count; i++)
                take_row(document, intel, vendor, &file->rows[i]);
        take_tacs(document, intel, file);
        for (unsigned i = 0; i < file->ignored.count; i++) {
                char *name = file->ignored.items[i];
                file->ignored.items[i] = NULL;
                append(document, &intel->ignored, name);
        }
}

static bool load_file(struct intel *intel, const char *path, struct digest *digest, FILE *errors)
{
        size_t length;
        struct file_entry file = {.vendor = NULL};
        char *bytes = document_read_file(path, DOCUMENT_SIZE_LIMIT, &length, errors);
        if (bytes == NULL)
                return false;
        digest_add(digest, bytes, length);
        struct document *document = document_parse(path, bytes, length, errors, NULL);
        free(bytes);
        if (document == NULL)
                return false;
        if (document_fill(document, &file_mapping, &file) && append(document, &intel->files, document_keep(document, path)))
                take_file(document, intel, &file);
        bool good = document_error_count(document) == 0;
        file_clear(&file);
        document_destroy(document);
        return good;
}

static int is_yaml(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);
        return entry->d_name[0] != '.' && ((length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0) ||
                                           (length > 4 && strcmp(entry->d_name + length - 4, ".yml") == 0));
}

/* By bytes, so that the order of rows is the same in every locale. */
static int compare_entries(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static bool load_folder(struct intel *intel, const char *folder, struct digest *digest, FILE *errors)
{
        struct dirent **entries;
        bool good = true;
        struct stat status;
        if (stat(folder, &status) == 0 && !S_ISDIR(status.st_mode))
                return load_file(intel, folder, digest, errors);
        int count = scandir(folder, &entries, is_yaml, compare_entries);
        if (count < 0) {
                fprintf(errors, "%s: %s\n", folder, strerror(errno));
                return false;
        }
        if (count == 0)
                fprintf(errors, "%s: no .yaml file in it; expected files of vendor data\n", folder);
        for (int i = 0; i < count; i++) {
                size_t size = strlen(folder) + strlen(entries[i]->d_name) + 2;
                char *path = i < FILE_LIMIT ? malloc(size) : NULL;
                if (path != NULL) {
                        snprintf(path, size, "%s/%s", folder, entries[i]->d_name);
                        good &= load_file(intel, path, digest, errors);
                }
                good &= path != NULL;
                free(path);
                free(entries[i]);
        }
        free(entries);
        return good && count > 0;
}

static int compare_texts(const char *a, const char *b)
{
        return strcmp(a ? a : "", b ? b : "");
}

/* Rows that say the same but for where and how sure. */
static int compare_rows(const void *left, const void *right)
{
        const struct intel_row *a = *(const struct intel_row *const *)left, *b = *(const struct intel_row *const *)right;
        int order = strcasecmp(a->vendor->name, b->vendor->name);
        order = order ? order : (int)a->purpose - (int)b->purpose;
        order = order ? order : (int)a->kind - (int)b->kind;
        order = order ? order : strcmp(a->value, b->value);
        order = order ? order : compare_texts(a->protocol, b->protocol);
        order = order ? order : (int)a->port - (int)b->port;
        return order;
}

static int compare_rows_and_places(const void *left, const void *right)
{
        const struct intel_row *a = *(const struct intel_row *const *)left, *b = *(const struct intel_row *const *)right;
        int order = compare_rows(left, right);
        return order ? order : (a > b) - (a < b);
}

/* Of equal rows the last one stays; one that is disabled takes itself and the earlier ones away. */
static bool keep_latest(struct intel *intel)
{
        const struct intel_row **sorted = calloc(intel->row_count + 1, sizeof *sorted);
        bool *dropped = calloc(intel->row_count + 1, sizeof *dropped);
        unsigned kept = 0;
        if (sorted == NULL || dropped == NULL) {
                free(sorted);
                free(dropped);
                return false;
        }
        for (unsigned i = 0; i < intel->row_count; i++)
                sorted[i] = &intel->rows[i];
        qsort(sorted, intel->row_count, sizeof *sorted, compare_rows_and_places);
        for (unsigned i = 0; i < intel->row_count; i++)
                dropped[sorted[i] - intel->rows] = sorted[i]->file == NULL || (i + 1 < intel->row_count &&
                                                                              compare_rows(&sorted[i], &sorted[i + 1]) == 0);
        for (unsigned i = 0; i < intel->row_count; i++) {
                if (dropped[i])
                        intel_row_clear(&intel->rows[i]);
                else
                        intel->rows[kept++] = intel->rows[i];
        }
        intel->row_count = kept;
        free(sorted);
        free(dropped);
        return true;
}

static int compare_tacs(const void *a, const void *b)
{
        return strcmp(((const struct intel_tac *)a)->tac, ((const struct intel_tac *)b)->tac);
}

struct intel *intel_load(const char *const *folders, unsigned count, FILE *errors)
{
        struct intel *intel = calloc(1, sizeof *intel);
        struct digest *digest = digest_create();
        bool good = intel != NULL && digest != NULL;
        char hex[DIGEST_TEXT_SIZE];
        for (unsigned i = 0; i < count && intel != NULL && digest != NULL; i++)
                good &= load_folder(intel, folders[i], digest, errors);
        if (good) {
                digest_finish_text(digest, hex);
                snprintf(intel->digest, sizeof intel->digest, "sha256:%s", hex);
                if (intel->tac_count > 0)
                        qsort(intel->tacs, intel->tac_count, sizeof *intel->tacs, compare_tacs);
                good = keep_latest(intel) && intel_index(intel);
                if (!good)
                        fprintf(errors, "intel: not enough memory\n");
        }
        digest_destroy(digest);
        if (good)
                return intel;
        intel_destroy(intel);
        return NULL;
}
