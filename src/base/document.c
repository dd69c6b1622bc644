#include "base/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

struct document {
        yaml_document_t yaml;
        const char *path;
        FILE *errors, *warnings;
        unsigned error_count, warning_count, depth, visits;
        struct document_place *places;
        unsigned place_count;
};

__attribute__((format(printf, 5, 0)))
static void tell(struct document *document, FILE *out, unsigned line, unsigned column, const char *format, va_list arguments)
{
        fprintf(out, "%s:%u:%u: %s", document->path, line, column, out == document->errors ? "" : "warning: ");
        vfprintf(out, format, arguments);
        fputc('\n', out);
}

__attribute__((format(printf, 4, 0)))
static void tell_error(struct document *document, unsigned line, unsigned column, const char *format, va_list arguments)
{
        document->error_count++;
        if (document->errors == NULL || document->error_count > DOCUMENT_ERROR_LIMIT + 1)
                return;
        if (document->error_count == DOCUMENT_ERROR_LIMIT + 1)
                fprintf(document->errors, "%s: more faults follow that are not shown\n", document->path);
        else
                tell(document, document->errors, line, column, format, arguments);
}

void document_error_at(struct document *document, unsigned line, unsigned column, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        tell_error(document, line, column, format, arguments);
        va_end(arguments);
}

void document_error(struct document *document, const struct yaml_node_s *node, const char *format, ...)
{
        va_list arguments;
        va_start(arguments, format);
        tell_error(document, document_line(node), document_column(node), format, arguments);
        va_end(arguments);
}

/* Whether one more warning is wanted; says so when the last one was. */
static bool may_warn(struct document *document)
{
        if (document->warnings != NULL && ++document->warning_count == DOCUMENT_ERROR_LIMIT + 1)
                fprintf(document->warnings, "%s: more warnings follow that are not shown\n", document->path);
        return document->warnings != NULL && document->warning_count <= DOCUMENT_ERROR_LIMIT;
}

void document_warning_at(struct document *document, unsigned line, unsigned column, const char *format, ...)
{
        va_list arguments;
        if (!may_warn(document))
                return;
        va_start(arguments, format);
        tell(document, document->warnings, line, column, format, arguments);
        va_end(arguments);
}

void document_warning(struct document *document, const struct yaml_node_s *node, const char *format, ...)
{
        va_list arguments;
        if (!may_warn(document))
                return;
        va_start(arguments, format);
        tell(document, document->warnings, document_line(node), document_column(node), format, arguments);
        va_end(arguments);
}

unsigned document_error_count(const struct document *document)
{
        return document->error_count;
}

unsigned document_line(const struct yaml_node_s *node)
{
        return (unsigned)node->start_mark.line + 1;
}

unsigned document_column(const struct yaml_node_s *node)
{
        return (unsigned)node->start_mark.column + 1;
}

/* libyaml's reader knows only an offset when the bytes are no UTF-8. */
static void offset_position(const char *bytes, size_t length, size_t offset, unsigned *line, unsigned *column)
{
        *line = *column = 1;
        for (size_t i = 0; i < offset && i < length; i++) {
                *column = bytes[i] == '\n' ? 1 : *column + 1;
                *line += bytes[i] == '\n';
        }
}

static void tell_parser_problem(struct document *document, const yaml_parser_t *parser, const char *bytes, size_t length)
{
        unsigned line = (unsigned)parser->problem_mark.line + 1, column = (unsigned)parser->problem_mark.column + 1;
        const char *problem = parser->problem ? parser->problem : "not enough memory";
        if (parser->error == YAML_READER_ERROR)
                offset_position(bytes, length, parser->problem_offset, &line, &column);
        if (parser->context != NULL)
                document_error_at(document, line, column, "not YAML: %s %s (from line %u); expected YAML 1.1", problem,
                                  parser->context, (unsigned)parser->context_mark.line + 1);
        else
                document_error_at(document, line, column, "not YAML: %s; expected YAML 1.1", problem);
}

/* True when nothing follows the first document. */
static bool is_last_document(struct document *document, yaml_parser_t *parser, const char *bytes, size_t length)
{
        yaml_document_t next;
        if (!yaml_parser_load(parser, &next)) {
                tell_parser_problem(document, parser, bytes, length);
                return false;
        }
        const yaml_node_t *root = yaml_document_get_root_node(&next);
        if (root != NULL)
                document_error(document, root, "a second document in the file; expected one");
        yaml_document_delete(&next);
        return root == NULL;
}

/* Every list and mapping takes a character of these: most files have too few of them to be so deep that it costs. */
static bool may_nest_deep(const char *bytes, size_t length)
{
        enum { COSTS = 2048 };
        unsigned count = 0;
        for (size_t i = 0; i < length && count < COSTS; i++)
                count += bytes[i] == '[' || bytes[i] == '{' || bytes[i] == '-' || bytes[i] == ':' || bytes[i] == '?';
        return count == COSTS;
}

/* libyaml's scanner takes time with the square of the depth, so depth is bounded before a document is made of the bytes. (What
 * is less deep than that, and deeper than anyone reads, is refused by who reads it.) */
static bool nests_within_limit(struct document *document, const char *bytes, size_t length)
{
        yaml_parser_t parser;
        yaml_event_t event;
        unsigned depth = 0;
        bool more = yaml_parser_initialize(&parser) != 0;
        if (!more)
                return false;
        yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
        while (more && depth <= DOCUMENT_NEST_LIMIT && yaml_parser_parse(&parser, &event)) {
                depth += event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
                depth -= event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
                more = event.type != YAML_STREAM_END_EVENT;
                if (depth > DOCUMENT_NEST_LIMIT)
                        document_error_at(document, (unsigned)event.start_mark.line + 1,
                                          (unsigned)event.start_mark.column + 1, "too deep; expected at most %d levels",
                                          DOCUMENT_NEST_LIMIT);
                yaml_event_delete(&event);
        }
        yaml_parser_delete(&parser); /* other faults are told by who loads */
        return depth <= DOCUMENT_NEST_LIMIT;
}

static bool load(struct document *document, yaml_parser_t *parser, const char *bytes, size_t length)
{
        if (may_nest_deep(bytes, length) && !nests_within_limit(document, bytes, length))
                return false;
        yaml_parser_set_input_string(parser, (const unsigned char *)bytes, length);
        if (!yaml_parser_load(parser, &document->yaml)) {
                tell_parser_problem(document, parser, bytes, length);
                return false;
        }
        if (yaml_document_get_root_node(&document->yaml) != NULL && is_last_document(document, parser, bytes, length))
                return true;
        if (document->error_count == 0)
                document_error_at(document, 1, 1, "the file is empty; expected a mapping of keys");
        yaml_document_delete(&document->yaml);
        return false;
}

struct document *document_parse(const char *path, const void *bytes, size_t length, FILE *errors, FILE *warnings)
{
        yaml_parser_t parser;
        struct document *document = calloc(1, sizeof *document);
        if (document == NULL)
                return NULL;
        document->path = path;
        document->errors = errors;
        document->warnings = warnings;
        bool loaded = false;
        if (length > DOCUMENT_SIZE_LIMIT)
                document_error_at(document, 1, 1, "%zu bytes; expected at most %d", length, DOCUMENT_SIZE_LIMIT);
        else if (yaml_parser_initialize(&parser)) {
                loaded = load(document, &parser, bytes, length);
                yaml_parser_delete(&parser);
        }
        if (loaded)
                return document;
        free(document);
        return NULL;
}

void document_destroy(struct document *document)
{
        if (document == NULL)
                return;
        yaml_document_delete(&document->yaml);
        free(document->places);
        free(document);
}

void document_note_place(struct document *document, const struct yaml_node_s *node, const void *value)
{
        struct document_place *places = reallocarray(document->places, document->place_count + 1, sizeof *places);
        if (places == NULL)
                return; /* a message less precise */
        document->places = places;
        places[document->place_count++] = (struct document_place){value, document_line(node), document_column(node)};
}

struct document_place *document_take_places(struct document *document, unsigned *count)
{
        struct document_place *places = document->places;
        *count = document->place_count;
        document->places = NULL;
        document->place_count = 0;
        return places;
}

static char *read_stream(FILE *file, const char *path, size_t limit, size_t *length, FILE *errors)
{
        size_t room = 4096, used = 0;
        char *bytes = malloc(room + 1);
        while (bytes != NULL) {
                used += fread(bytes + used, 1, room - used, file);
                if (used < room)
                        break;
                if (room > limit) {
                        fprintf(errors, "%s:1:1: more than %zu bytes; expected at most that\n", path, limit);
                        free(bytes);
                        return NULL;
                }
                char *grown = realloc(bytes, room * 2 + 1);
                if (grown == NULL)
                        free(bytes);
                bytes = grown;
                room *= 2;
        }
        if (bytes == NULL || ferror(file)) {
                fprintf(errors, "%s: %s\n", path, strerror(errno ? errno : EIO));
                free(bytes);
                return NULL;
        }
        bytes[used] = '\0';
        *length = used;
        return bytes;
}

char *document_read_file(const char *path, size_t limit, size_t *length, FILE *errors)
{
        struct stat status;
        FILE *file = fopen(path, "rb");
        if (file == NULL) {
                fprintf(errors, "%s: %s\n", path, strerror(errno));
                return NULL;
        }
        char *bytes = NULL;
        errno = 0;
        if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode))
                fprintf(errors, "%s: a folder; expected a file\n", path);
        else
                bytes = read_stream(file, path, limit, length, errors);
        fclose(file);
        return bytes;
}

void *document_allocate(struct document *document, size_t count, size_t size)
{
        void *memory = calloc(count ? count : 1, size);
        if (memory == NULL)
                document_error_at(document, 1, 1, "not enough memory");
        return memory;
}

char *document_keep(struct document *document, const char *text)
{
        size_t size = strlen(text) + 1;
        char *copy = document_allocate(document, 1, size);
        return copy ? memcpy(copy, text, size) : NULL;
}

bool document_is_scalar(const struct yaml_node_s *node)
{
        return node->type == YAML_SCALAR_NODE;
}

bool document_is_null(const struct yaml_node_s *node)
{
        if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
                return false;
        const char *text = (const char *)node->data.scalar.value;
        return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static const char *shape(const struct yaml_node_s *node)
{
        if (document_is_null(node))
                return "nothing";
        return node->type == YAML_SCALAR_NODE ? "a value" : node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping";
}

const char *document_text(struct document *document, const struct yaml_node_s *node, const char *expected)
{
        if (node->type != YAML_SCALAR_NODE || document_is_null(node) || node->data.scalar.length == 0) {
                document_error(document, node, "%s; expected %s", document_is_scalar(node) ? "no value" : shape(node),
                               expected);
                return NULL;
        }
        if (memchr(node->data.scalar.value, '\0', node->data.scalar.length) != NULL) {
                document_error(document, node, "a NUL in the text; expected %s", expected);
                return NULL;
        }
        return (const char *)node->data.scalar.value;
}

const struct yaml_node_s *document_item(struct document *document, const struct yaml_node_s *node, unsigned index)
{
        if (node->type != YAML_SEQUENCE_NODE)
                return node;
        return yaml_document_get_node(&document->yaml, node->data.sequence.items.start[index]);
}

static bool visit(struct document *document, const yaml_node_t *node, unsigned count)
{
        if (document->visits <= DOCUMENT_VISIT_LIMIT && document->visits + count > DOCUMENT_VISIT_LIMIT)
                document_error(document, node, "too many values, aliases counted; expected at most %d",
                               DOCUMENT_VISIT_LIMIT);
        document->visits = count > DOCUMENT_VISIT_LIMIT ? DOCUMENT_VISIT_LIMIT + 1 : document->visits + count;
        if (document->visits <= DOCUMENT_VISIT_LIMIT)
                return true;
        document->visits = DOCUMENT_VISIT_LIMIT + 1;
        return false;
}

unsigned document_item_count(struct document *document, const struct yaml_node_s *node)
{
        if (node->type != YAML_SEQUENCE_NODE)
                return document_is_null(node) ? 0 : 1;
        unsigned count = (unsigned)(node->data.sequence.items.top - node->data.sequence.items.start);
        return visit(document, node, count) ? count : 0;
}

/* Levenshtein's distance, given up above `limit`. */
static unsigned distance(const char *a, const char *b, unsigned limit)
{
        unsigned row[32], length = (unsigned)strlen(b);
        if (length >= 31 || strlen(a) >= 31)
                return limit + 1;
        for (unsigned j = 0; j <= length; j++)
                row[j] = j;
        for (unsigned i = 1; a[i - 1] != '\0'; i++) {
                unsigned corner = row[0]++;
                for (unsigned j = 1; j <= length; j++) {
                        unsigned least = corner + (a[i - 1] != b[j - 1]);
                        corner = row[j];
                        least = row[j - 1] + 1 < least ? row[j - 1] + 1 : least;
                        row[j] = corner + 1 < least ? corner + 1 : least;
                }
        }
        return row[length];
}

static void tell_unknown_key(struct document *document, const yaml_node_t *node, const char *key,
                             const struct mapping *mapping)
{
        const char *nearest = NULL;
        char known[512] = "";
        size_t used = 0;
        unsigned best = (unsigned)strlen(key) / 3 + 1;
        best = best > 3 ? 3 : best;
        for (const struct field *field = mapping->fields; field->key != NULL; field++) {
                unsigned d = distance(key, field->key, best);
                if (d < best || (d == best && nearest == NULL)) {
                        best = d;
                        nearest = field->key;
                }
                int n = snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", field->key);
                used += n > 0 && used + (size_t)n < sizeof known ? (size_t)n : 0;
        }
        if (nearest != NULL)
                document_error(document, node, "unknown key \"%.60s\" in %s; expected \"%s\"?", key, mapping->what, nearest);
        else
                document_error(document, node, "unknown key \"%.60s\" in %s; expected one of %s", key, mapping->what, known);
}

static void fill_pair(struct document *document, const yaml_node_pair_t *pair, const struct mapping *mapping, void *at,
                      uint64_t *seen)
{
        const yaml_node_t *key_node = yaml_document_get_node(&document->yaml, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&document->yaml, pair->value);
        const char *key = document_text(document, key_node, "a key");
        if (key == NULL || !visit(document, value, 1))
                return;
        unsigned index = 0;
        const struct field *field = mapping->fields;
        while (field->key != NULL && strcmp(field->key, key) != 0) {
                field++;
                index++;
        }
        if (field->key == NULL && mapping->other != NULL) {
                struct field other = {.key = key};
                mapping->other(document, value, &other, at);
        } else if (field->key == NULL) {
                tell_unknown_key(document, key_node, key, mapping);
        } else if (*seen >> index & 1) {
                document_error(document, key_node, "\"%s\" stands a second time in %s; expected once", key, mapping->what);
        } else {
                *seen |= (uint64_t)1 << index;
                field->read(document, value, field, (char *)at + field->offset);
        }
}

static void check_required(struct document *document, const yaml_node_t *node, const struct mapping *mapping, uint64_t seen)
{
        unsigned index = 0;
        for (const struct field *field = mapping->fields; field->key != NULL; field++, index++)
                if (field->required && !(seen >> index & 1))
                        document_error(document, node, "no \"%s\" in %s; expected it", field->key, mapping->what);
}

void document_fill_node(struct document *document, const struct yaml_node_s *node, const struct mapping *mapping, void *at)
{
        uint64_t seen = 0;
        if (node->type != YAML_MAPPING_NODE && !document_is_null(node)) {
                document_error(document, node, "%s where %s stands; expected a mapping of keys", shape(node), mapping->what);
                return;
        }
        if (document->depth >= DOCUMENT_DEPTH_LIMIT) {
                document_error(document, node, "too deep; expected at most %d levels", DOCUMENT_DEPTH_LIMIT);
                return;
        }
        if (!visit(document, node, 1))
                return;
        document->depth++;
        if (node->type == YAML_MAPPING_NODE)
                for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
                     pair++)
                        fill_pair(document, pair, mapping, at, &seen);
        check_required(document, node, mapping, seen);
        if (mapping->finish != NULL)
                mapping->finish(document, node, at);
        document->depth--;
}

bool document_fill(struct document *document, const struct mapping *mapping, void *at)
{
        document_fill_node(document, yaml_document_get_root_node(&document->yaml), mapping, at);
        return document->error_count == 0;
}
