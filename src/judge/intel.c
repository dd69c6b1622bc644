#include "judge/intel.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/prefix_trie.h"
#include "judge/intel_parts.h"
#include "judge/tac_list.h"

enum { URL_LIMIT = 2048 };

/* Rows of addresses in the order of their prefixes; those of one prefix stand together, the trie knows the first. */
struct address_row {
        struct prefix prefix;
        const struct intel_row *row;
};

static const char *const purposes_text[] = {"update", "agnss", "location", "management", "telemetry"};
static const char *const modes_text[] = {"unknown", "direct", "indirect"};
static const char *const kinds_text[] = {"host",       "domain_suffix", "name_regex",  "ip",        "url_regex",
                                         "user_agent", "content_type",  "topic_regex", "only_port", "magic"};
static const char *const confidences_text[] = {"reported", "code", "vendor-doc"};

const char *intel_purpose_text(enum intel_purpose purpose)
{
        return purposes_text[purpose];
}

const char *intel_mode_text(enum intel_mode mode)
{
        return modes_text[mode];
}

const char *intel_kind_text(enum intel_kind kind)
{
        return kinds_text[kind];
}

const char *intel_confidence_text(enum intel_confidence confidence)
{
        return confidences_text[confidence];
}

bool intel_row_is_better(const struct intel_row *a, const struct intel_row *b)
{
        if (b == NULL)
                return true;
        if (a->weak != b->weak)
                return b->weak;
        if (a->purpose != b->purpose)
                return a->purpose < b->purpose;
        if (a->confidence != b->confidence)
                return a->confidence > b->confidence;
        if (a->mode != b->mode)
                return a->mode == INTEL_DIRECT;
        return a < b; /* so that the answer does not depend on how tables are built */
}

static bool index_name(struct intel *intel, const struct intel_row *row)
{
        return name_table_add(intel->names, row->value, row) == 0;
}

static int compare_prefixes(const void *left, const void *right)
{
        const struct address_row *a = left, *b = right;
        int order = address_compare(&a->prefix.address, &b->prefix.address);
        return order ? order : (int)a->prefix.length - (int)b->prefix.length;
}

static bool index_addresses(struct intel *intel)
{
        unsigned count = intel->kind_counts[INTEL_ADDRESS];
        intel->address_rows = calloc(count + 1, sizeof *intel->address_rows); /* the last one ends the last group */
        intel->addresses = prefix_trie_create();
        if (intel->address_rows == NULL || intel->addresses == NULL)
                return false;
        for (unsigned i = 0; i < count; i++) {
                intel->address_rows[i].row = intel->by_kind[INTEL_ADDRESS][i];
                prefix_parse(intel->address_rows[i].row->value, &intel->address_rows[i].prefix); /* checked when read */
        }
        qsort(intel->address_rows, count, sizeof *intel->address_rows, compare_prefixes);
        for (unsigned i = 0; i < count; i++) {
                const struct address_row *row = &intel->address_rows[i];
                if ((i == 0 || compare_prefixes(row, row - 1) != 0) &&
                    prefix_trie_insert(intel->addresses, &row->prefix, row) != 0)
                        return false;
        }
        return true;
}

bool intel_index(struct intel *intel)
{
        intel->names = name_table_create(intel->row_count + intel->ignored.count);
        intel->matcher = intel_matcher_create();
        if (!intel->names || !intel->matcher)
                return false;
        for (unsigned kind = 0; kind < INTEL_KINDS; kind++) {
                intel->by_kind[kind] = calloc(intel->row_count + 1, sizeof *intel->by_kind[kind]);
                if (intel->by_kind[kind] == NULL)
                        return false;
        }
        if ((intel->url_purposes = calloc(intel->row_count + 1, 1)) == NULL)
                return false;
        for (unsigned i = 0; i < intel->ignored.count; i++)
                if (name_table_ignore(intel->names, intel->ignored.items[i]) != 0)
                        return false;
        for (unsigned i = 0; i < intel->row_count; i++) {
                const struct intel_row *row = &intel->rows[i];
                if (row->kind == INTEL_URL)
                        intel->url_purposes[intel->kind_counts[INTEL_URL]] = (uint8_t)row->purpose;
                intel->by_kind[row->kind][intel->kind_counts[row->kind]++] = row;
                if ((row->kind == INTEL_HOST || row->kind == INTEL_SUFFIX) && !index_name(intel, row))
                        return false;
        }
        return index_addresses(intel);
}

void intel_row_clear(struct intel_row *row)
{
        free(row->value);
        free(row->protocol);
        free(row->source);
        free(row->note);
        intel_regex_destroy(row->regex);
}

static void vendor_destroy(struct intel_vendor *vendor)
{
        for (unsigned i = 0; i < vendor->alias_count; i++)
                free(vendor->aliases[i]);
        free(vendor->aliases);
        free(vendor->name);
        free(vendor->controller);
        free(vendor);
}

void intel_destroy(struct intel *intel)
{
        if (intel == NULL)
                return;
        for (unsigned i = 0; i < intel->row_count; i++)
                intel_row_clear(&intel->rows[i]);
        for (unsigned i = 0; i < intel->vendor_count; i++)
                vendor_destroy(intel->vendors[i]);
        for (unsigned i = 0; i < INTEL_KINDS; i++)
                free(intel->by_kind[i]);
        free(intel->url_purposes);
        free(intel->rows);
        free(intel->vendors);
        free(intel->tacs);
        free(intel->address_rows);
        string_list_clear(&intel->ignored);
        string_list_clear(&intel->files);
        string_list_clear(&intel->texts);
        name_table_destroy(intel->names);
        prefix_trie_destroy(intel->addresses);
        intel_matcher_destroy(intel->matcher);
        free(intel);
}

/* The best of a kind whose expression holds. */
static const struct intel_row *best_expression(const struct intel *intel, enum intel_kind kind, const char *text,
                                               size_t length, unsigned purposes)
{
        const struct intel_row *best = NULL;
        if (intel->kind_counts[kind] == 0)
                return NULL;
        struct text_grams grams = text_grams_of(text, length);
        for (unsigned i = 0; i < intel->kind_counts[kind]; i++) {
                const struct intel_row *row = intel->by_kind[kind][i];
                if ((purposes >> row->purpose & 1) && intel_regex_may_match(row->regex, &grams) &&
                    intel_row_is_better(row, best) && intel_regex_matches(row->regex, intel->matcher, text, length))
                        best = row;
        }
        return best;
}

const struct intel_row *intel_match_name(const struct intel *intel, const char *name, unsigned purposes)
{
        bool ignored;
        if (intel == NULL)
                return NULL;
        const struct intel_row *row = name_table_find(intel->names, name, purposes, &ignored);
        return row || ignored ? row : best_expression(intel, INTEL_NAME_REGEX, name, strlen(name), purposes);
}

const struct intel_row *intel_match_address(const struct intel *intel, const struct address *address, unsigned purposes)
{
        const struct address_row *first = intel ? prefix_trie_find(intel->addresses, address) : NULL;
        const struct intel_row *best = NULL;
        for (const struct address_row *at = first; at && at->row && compare_prefixes(at, first) == 0; at++)
                if ((purposes >> at->row->purpose & 1) && intel_row_is_better(at->row, best))
                        best = at->row;
        return best;
}

/* Behind the `used` bytes that are there; as much as fits. Returns how many there are then. */
static size_t put_text(char url[URL_LIMIT], size_t used, const char *text)
{
        size_t length = strnlen(text, URL_LIMIT - used);
        memcpy(url + used, text, length);
        return used + length;
}

const struct intel_row *intel_match_url(const struct intel *intel, const char *scheme, const char *host, const char *path,
                                        unsigned purposes)
{
        char url[URL_LIMIT];
        const struct intel_row *best = NULL;
        if (intel == NULL || intel->kind_counts[INTEL_URL] == 0)
                return NULL;
        path = path ? path : "";
        size_t before = put_text(url, put_text(url, put_text(url, 0, scheme), "://"), host ? host : "");
        if (before >= sizeof url)
                return NULL;
        /* A longer path is judged by its beginning. */
        size_t length = put_text(url, *path == '/' ? before : put_text(url, before, "/"), path);
        struct text_grams grams = text_grams_of(url, length);
        for (unsigned i = 0; i < intel->kind_counts[INTEL_URL]; i++) {
                if (!(purposes >> intel->url_purposes[i] & 1))
                        continue;
                const struct intel_row *row = intel->by_kind[INTEL_URL][i];
                if (!intel_regex_may_match(row->regex, &grams) || !intel_row_is_better(row, best))
                        continue;
                size_t skip = intel_regex_wants_path(row->regex) ? before : 0;
                if (intel_regex_matches(row->regex, intel->matcher, url + skip, length - skip))
                        best = row;
        }
        return best;
}

const struct intel_row *intel_match_user_agent(const struct intel *intel, const char *user_agent, unsigned purposes)
{
        const struct intel_row *best = NULL;
        for (unsigned i = 0; intel != NULL && i < intel->kind_counts[INTEL_USER_AGENT]; i++) {
                const struct intel_row *row = intel->by_kind[INTEL_USER_AGENT][i];
                if ((purposes >> row->purpose & 1) && strncasecmp(user_agent, row->value, strlen(row->value)) == 0 &&
                    intel_row_is_better(row, best))
                        best = row;
        }
        return best;
}

const struct intel_row *intel_match_content_type(const struct intel *intel, const char *type, unsigned purposes)
{
        size_t length = strcspn(type, "; \t");
        const struct intel_row *best = NULL;
        for (unsigned i = 0; intel != NULL && i < intel->kind_counts[INTEL_CONTENT_TYPE]; i++) {
                const struct intel_row *row = intel->by_kind[INTEL_CONTENT_TYPE][i];
                if ((purposes >> row->purpose & 1) && strlen(row->value) == length &&
                    strncasecmp(type, row->value, length) == 0 && intel_row_is_better(row, best))
                        best = row;
        }
        return best;
}

const struct intel_row *intel_match_topic(const struct intel *intel, const char *topic, unsigned purposes)
{
        return intel ? best_expression(intel, INTEL_TOPIC, topic, strlen(topic), purposes) : NULL;
}

const struct intel_row *intel_match_port(const struct intel *intel, uint16_t port, unsigned purposes)
{
        const struct intel_row *best = NULL;
        for (unsigned i = 0; intel != NULL && i < intel->kind_counts[INTEL_PORT]; i++) {
                const struct intel_row *row = intel->by_kind[INTEL_PORT][i];
                if (row->port == port && (purposes >> row->purpose & 1) && intel_row_is_better(row, best))
                        best = row;
        }
        return best;
}

bool intel_vendor_is(const struct intel_vendor *vendor, const char *name)
{
        if (strcasecmp(vendor->name, name) == 0)
                return true;
        for (unsigned i = 0; i < vendor->alias_count; i++)
                if (strcasecmp(vendor->aliases[i], name) == 0)
                        return true;
        return false;
}

const struct intel_vendor *intel_vendor(const struct intel *intel, const char *name)
{
        for (unsigned i = 0; intel != NULL && i < intel->vendor_count; i++)
                if (intel_vendor_is(intel->vendors[i], name))
                        return intel->vendors[i];
        return NULL;
}

/* Eight digits in their order, all at once. */
static uint64_t tac_number(const char *digits)
{
        uint64_t word;
        memcpy(&word, digits, sizeof word);
        return be64toh(word);
}

static int compare_tac(const void *digits, const void *tac)
{
        uint64_t a = tac_number(digits), b = tac_number(((const struct intel_tac *)tac)->tac);
        return (a > b) - (a < b);
}

const struct intel_tac *intel_tac(const struct intel *intel, const char *imei)
{
        if (intel == NULL || strlen(imei) < 8)
                return NULL;
        const struct intel_tac *preferred = tac_list_find(intel->preferred_tacs, imei);
        if (preferred != NULL || intel->tac_count == 0)
                return preferred;
        return bsearch(imei, intel->tacs, intel->tac_count, sizeof *intel->tacs, compare_tac);
}

void intel_prefer_tacs(struct intel *intel, const struct tac_list *list)
{
        intel->preferred_tacs = list;
}

unsigned intel_row_count(const struct intel *intel)
{
        return intel ? intel->row_count : 0;
}

const struct intel_row *intel_row_at(const struct intel *intel, unsigned index)
{
        return &intel->rows[index];
}

unsigned intel_vendor_count(const struct intel *intel)
{
        return intel ? intel->vendor_count : 0;
}

const struct intel_vendor *intel_vendor_at(const struct intel *intel, unsigned index)
{
        return intel->vendors[index];
}

const char *intel_digest(const struct intel *intel)
{
        return intel->digest;
}

static bool is_there(const char *path)
{
        return access(path, R_OK | X_OK) == 0;
}

/* "contrib/intel" in `folder` or above it. `path` holds the folder and is written over. */
static bool find_upward(char *path, size_t size)
{
        for (;;) {
                size_t length = strlen(path);
                if (length + sizeof "/contrib/intel" > size)
                        return false;
                strcpy(path + length, "/contrib/intel");
                if (is_there(path))
                        return true;
                path[length] = '\0';
                char *slash = strrchr(path, '/');
                if (slash == NULL || length == 0)
                        return false;
                *slash = '\0';
        }
}

bool intel_default_folder(char *path, size_t size)
{
        char executable[PATH_MAX] = "";
        const char *data = getenv("APNWATCH_DATA");
        ssize_t length = readlink("/proc/self/exe", executable, sizeof executable - 1);
        executable[length > 0 ? length : 0] = '\0';
        char *slash = strrchr(executable, '/');
        if (slash != NULL)
                *slash = '\0';
        int written = slash ? snprintf(path, size, "%s/../share/apnwatch/intel", executable) : -1;
        if (written > 0 && (size_t)written < size && is_there(path))
                return true;
        written = data && *data ? snprintf(path, size, "%s/intel", data) : -1;
        if (written > 0 && (size_t)written < size && is_there(path))
                return true;
        written = snprintf(path, size, "%s", executable);
        if (written > 0 && (size_t)written < size && find_upward(path, size))
                return true;
        return getcwd(path, size) != NULL && find_upward(path, size);
}
