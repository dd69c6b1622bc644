/* The readers of usual shapes: what document.h lists, over its public functions alone. */
#include "base/document.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND_NS 1000000000LL

void read_nothing(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        (void)document;
        (void)node;
        (void)field;
        (void)at;
}

/* The text as kept, or NULL when it is none of this kind. */
static char *read_one_text(struct document *document, const struct yaml_node_s *node, const struct text_kind *kind)
{
        const char *expected = kind ? kind->expected : "text";
        const char *text = document_text(document, node, expected);
        char *kept = text ? document_keep(document, text) : NULL;
        if (kept != NULL && kind != NULL && kind->check != NULL && !kind->check(kept)) {
                document_error(document, node, "\"%.100s\"; expected %s", text, expected);
                free(kept);
                return NULL;
        }
        return kept;
}

void read_text(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        char **text = at;
        free(*text);
        *text = read_one_text(document, node, field->more);
}

void read_texts(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct string_list *list = at;
        unsigned count = document_item_count(document, node);
        char **items = document_allocate(document, count, sizeof *items);
        if (items == NULL)
                return;
        string_list_clear(list);
        list->items = items;
        for (unsigned i = 0; i < count; i++) {
                char *text = read_one_text(document, document_item(document, node, i), field->more);
                if (text != NULL)
                        list->items[list->count++] = text;
        }
}

void read_bool(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
        const char *text = document_text(document, node, "true or false");
        bool *out = at;
        (void)field;
        if (text == NULL)
                return;
        for (unsigned i = 0; i < 3; i++) {
                if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
                        *out = strcasecmp(text, yes[i]) == 0;
                        return;
                }
        }
        document_error(document, node, "\"%.60s\"; expected true or false", text);
}

static bool number_parse(const char *text, uint64_t *out)
{
        uint64_t value = 0;
        if (*text == '\0')
                return false;
        for (; *text != '\0'; text++) {
                if (*text == '_' && text[1] != '\0')
                        continue;
                if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
                        return false;
        }
        *out = value;
        return true;
}

static bool read_one_number(struct document *document, const struct yaml_node_s *node, const struct field *field,
                            uint64_t most, uint64_t *out)
{
        uint64_t limit = field->most ? field->most : most;
        const char *text = document_text(document, node, "a number");
        if (text == NULL)
                return false;
        if (number_parse(text, out) && *out >= field->least && *out <= limit)
                return true;
        document_error(document, node, "\"%.60s\"; expected a number from %llu to %llu", text,
                       (unsigned long long)field->least, (unsigned long long)limit);
        return false;
}

void read_number(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        uint64_t value;
        if (read_one_number(document, node, field, UINT32_MAX, &value))
                *(uint32_t *)at = (uint32_t)value;
}

void read_number64(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        uint64_t value;
        if (read_one_number(document, node, field, UINT64_MAX, &value))
                *(uint64_t *)at = value;
}

void read_numbers(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        struct number_list *list = at;
        unsigned count = document_item_count(document, node);
        uint32_t *items = document_allocate(document, count, sizeof *items);
        uint64_t value;
        if (items == NULL)
                return;
        number_list_clear(list);
        list->items = items;
        for (unsigned i = 0; i < count; i++)
                if (read_one_number(document, document_item(document, node, i), field, UINT32_MAX, &value))
                        list->items[list->count++] = (uint32_t)value;
}

/* Behind the text that is there; what does not fit is left out. */
static size_t put_piece(char *all, size_t used, size_t size, const char *piece)
{
        size_t length = strlen(piece);
        if (length >= size - used)
                return used;
        memcpy(all + used, piece, length + 1);
        return used + length;
}

void read_choice(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        const char *const *names = field->more;
        char all[256] = "";
        size_t used = 0;
        for (int i = 0; names[i] != NULL; i++) {
                used = put_piece(all, used, sizeof all, i == 0 ? "" : names[i + 1] ? ", " : " or ");
                used = put_piece(all, used, sizeof all, names[i]);
        }
        const char *text = document_text(document, node, all);
        if (text == NULL)
                return;
        for (int i = 0; names[i] != NULL; i++) {
                if (strcmp(text, names[i]) == 0) {
                        *(int *)at = i;
                        return;
                }
        }
        document_error(document, node, "\"%.60s\"; expected %s", text, all);
}

static int64_t unit_ns(const char **text)
{
        static const struct {
                const char *name;
                int64_t ns;
        } units[] = {{"ms", SECOND_NS / 1000}, {"min", 60 * SECOND_NS}, {"s", SECOND_NS}, {"m", 60 * SECOND_NS},
                     {"h", 3600 * SECOND_NS}, {"d", 86400 * SECOND_NS}, {"w", 7 * 86400 * SECOND_NS},
                     {"y", 365 * 86400 * SECOND_NS}};
        for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
                size_t length = strlen(units[i].name);
                if (strncmp(*text, units[i].name, length) == 0 && !isalpha((unsigned char)(*text)[length])) {
                        *text += length;
                        return units[i].ns;
                }
        }
        return 0;
}

bool duration_parse(const char *text, int64_t *nanoseconds)
{
        bool negative = *text == '-';
        int64_t sum = 0;
        text += *text == '-' || *text == '+';
        do {
                int64_t value = 0, unit = SECOND_NS, part;
                const char *start = text;
                for (; *text >= '0' && *text <= '9'; text++)
                        if (text - start > 17)
                                return false;
                        else
                                value = value * 10 + (*text - '0');
                if (text == start)
                        return false;
                if (*text != '\0' && (unit = unit_ns(&text)) == 0)
                        return false;
                if (__builtin_mul_overflow(value, unit, &part) || __builtin_add_overflow(sum, part, &sum))
                        return false;
                text += strspn(text, " ");
        } while (*text != '\0');
        *nanoseconds = negative ? -sum : sum;
        return true;
}

static void read_duration(struct document *document, const struct yaml_node_s *node, const struct field *field,
                          uint32_t *out, int64_t unit)
{
        int64_t ns = 0;
        const char *text = document_text(document, node, "a duration such as 90s, 15m, 1h30m or 2d");
        if (text == NULL)
                return;
        uint64_t most = field->most ? field->most : UINT32_MAX;
        if (!duration_parse(text, &ns) || *text == '-' || (uint64_t)(ns / unit) < field->least ||
            (uint64_t)(ns / unit) > most || ns % unit != 0)
                document_error(document, node, "\"%.60s\"; expected a duration such as 90s, 15m, 1h30m or 2d%s", text,
                               field->most || field->least ? ", within reason" : "");
        else
                *out = (uint32_t)(ns / unit);
}

void read_seconds(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        read_duration(document, node, field, at, SECOND_NS);
}

void read_milliseconds(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        read_duration(document, node, field, at, SECOND_NS / 1000);
}

static bool size_parse(const char *text, uint64_t *out)
{
        static const struct {
                const char *name;
                uint64_t bytes;
        } units[] = {{"", 1}, {"B", 1}, {"kB", 1000}, {"KB", 1000}, {"MB", 1000000}, {"GB", 1000000000ULL},
                     {"TB", 1000000000000ULL}, {"K", 1ULL << 10}, {"M", 1ULL << 20}, {"G", 1ULL << 30}, {"T", 1ULL << 40},
                     {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}};
        char digits[24];
        size_t length = strspn(text, "0123456789_");
        if (length == 0 || length >= sizeof digits)
                return false;
        memcpy(digits, text, length);
        digits[length] = '\0';
        text += length + strspn(text + length, " ");
        if (!number_parse(digits, out))
                return false;
        for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
                if (strcmp(text, units[i].name) == 0)
                        return !__builtin_mul_overflow(*out, units[i].bytes, out);
        return false;
}

void read_size(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        uint64_t value;
        const char *text = document_text(document, node, "a size such as 64MiB or 4GiB");
        if (text == NULL)
                return;
        if (!size_parse(text, &value) || value < field->least || (field->most && value > field->most))
                document_error(document, node, "\"%.60s\"; expected a size such as 64MiB or 4GiB", text);
        else
                *(uint64_t *)at = value;
}

void read_prefixes(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        static const char expected[] = "an address or prefix such as 10.0.0.0/8 or 2001:db8::/32";
        struct prefix_list *list = at;
        unsigned count = document_item_count(document, node);
        struct prefix *items = document_allocate(document, count, sizeof *items);
        (void)field;
        if (items == NULL)
                return;
        prefix_list_clear(list);
        list->items = items;
        for (unsigned i = 0; i < count; i++) {
                const struct yaml_node_s *item = document_item(document, node, i);
                const char *text = document_text(document, item, expected);
                if (text == NULL)
                        continue;
                if (prefix_parse(text, &list->items[list->count]))
                        list->count++;
                else
                        document_error(document, item, "\"%.60s\"; expected %s", text, expected);
        }
}

void read_mapping(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        document_fill_node(document, node, field->more, at);
}

void read_items(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at)
{
        const struct items_kind *kind = field->more;
        char *owner = (char *)at - kind->offset;
        unsigned *count = (unsigned *)(void *)(owner + kind->count_offset);
        unsigned wanted = document_item_count(document, node);
        if (wanted > kind->limit) {
                document_error(document, node, "%u entries in \"%s\"; expected at most %u", wanted, field->key, kind->limit);
                return;
        }
        char *items = document_allocate(document, wanted, kind->size);
        if (items == NULL)
                return;
        *(char **)at = items;
        for (unsigned i = 0; i < wanted; i++, (*count)++)
                document_fill_node(document, document_item(document, node, i), kind->mapping, items + i * kind->size);
}
