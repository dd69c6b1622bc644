/* YAML files into structs by tables of keys. All faults of a file are reported, each as "file:line:column: what; expected
 * ...": a fault in one key does not keep the others from being read.
 *
 * A table names the keys of one mapping; each key has a reader (a function) that turns its node into the field. Readers for
 * the usual shapes stand below; a module adds its own with the same signature and document_error().
 *
 * Hostile files are bounded: size, depth, and the nodes visited (an alias is visited again each time it is used). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/lists.h"

enum {
        DOCUMENT_SIZE_LIMIT = 16 << 20,
        DOCUMENT_NEST_LIMIT = 100,
        DOCUMENT_DEPTH_LIMIT = 24,
        DOCUMENT_VISIT_LIMIT = 1000000,
        DOCUMENT_ERROR_LIMIT = 200
};

struct document;
struct yaml_node_s; /* libyaml's; callers pass it on */
struct field;

/* `at` is the field in the struct that is filled. Faults are told by document_error(); the field then keeps its default. */
typedef void field_reader(struct document *document, const struct yaml_node_s *node, const struct field *field, void *at);

struct field {
        const char *key;
        field_reader *read;
        size_t offset;          /* of the field in the struct */
        const void *more;       /* what the reader needs, see each */
        uint64_t least, most;   /* numbers; both 0: no bound */
        bool required;
};

/* One kind of mapping. */
struct mapping {
        const char *what;              /* "a fleet": for messages */
        const struct field *fields;    /* ends with key NULL */
        /* After the fields, for what concerns several of them; may be NULL. */
        void (*finish)(struct document *document, const struct yaml_node_s *node, void *at);
        /* Where unknown keys go instead of being faults; may be NULL. */
        field_reader *other;
};

/* NULL when the bytes are no YAML, too large or empty (told to `errors`). The bytes are not needed afterwards. `path` is
 * borrowed and stands in front of messages. `warnings` may be NULL. */
struct document *document_parse(const char *path, const void *bytes, size_t length, FILE *errors, FILE *warnings);
void document_destroy(struct document *document);

/* The whole file in memory (a NUL behind it is not counted), at most `limit` bytes, to be freed; NULL: told in `errors`. */
char *document_read_file(const char *path, size_t limit, size_t *length, FILE *errors);

/* The root as a mapping of this kind into `at`. True when the document had no fault. */
bool document_fill(struct document *document, const struct mapping *mapping, void *at);
unsigned document_error_count(const struct document *document);

void document_error(struct document *document, const struct yaml_node_s *node, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void document_warning(struct document *document, const struct yaml_node_s *node, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* A position kept from before: lines and columns from 1. */
void document_error_at(struct document *document, unsigned line, unsigned column, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
void document_warning_at(struct document *document, unsigned line, unsigned column, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

unsigned document_line(const struct yaml_node_s *node);
unsigned document_column(const struct yaml_node_s *node);

/* The node's text when it is a scalar without a NUL in it, else NULL (told, with `expected`). Borrowed. */
const char *document_text(struct document *document, const struct yaml_node_s *node, const char *expected);
/* No value at all: "key:", "~" or "null". */
bool document_is_null(const struct yaml_node_s *node);
bool document_is_scalar(const struct yaml_node_s *node);

/* The items of a list; one scalar or mapping alone is a list of itself, null is empty. Counting spends visits. */
unsigned document_item_count(struct document *document, const struct yaml_node_s *node);
const struct yaml_node_s *document_item(struct document *document, const struct yaml_node_s *node, unsigned index);

/* A mapping of another kind at this node; counted against depth and visits. */
void document_fill_node(struct document *document, const struct yaml_node_s *node, const struct mapping *mapping, void *at);

/* Where a value that was read stands, for faults that are found when the document is gone. */
struct document_place {
        const void *value;
        unsigned line, column;
};
void document_note_place(struct document *document, const struct yaml_node_s *node, const void *value);
struct document_place *document_take_places(struct document *document, unsigned *count); /* to be freed; NULL: there are none */

/* Zeroed memory or a told fault and NULL. Text that is kept. */
void *document_allocate(struct document *document, size_t count, size_t size);
char *document_keep(struct document *document, const char *text);

/* Readers. In brackets what the field is, and `more`. */
field_reader read_text;          /* char *; not empty; more: struct text_kind or NULL */
field_reader read_texts;         /* struct string_list, scalar or list; more: struct text_kind or NULL */
field_reader read_bool;          /* bool */
field_reader read_number;        /* uint32_t within least and most */
field_reader read_number64;      /* uint64_t */
field_reader read_numbers;       /* struct number_list, scalar or list, within least and most */
field_reader read_choice;        /* enum (int); more: const char *const[], ended by NULL */
field_reader read_seconds;       /* uint32_t: "15m", "1h30m", "2d", or seconds */
field_reader read_milliseconds;  /* uint32_t: the same, also "500ms" */
field_reader read_size;          /* uint64_t: "4GiB", "64 MB", or bytes */
field_reader read_prefixes;      /* struct prefix_list, scalar or list */
field_reader read_mapping;       /* a struct inside; more: struct mapping */
field_reader read_items;         /* items allocated; more: struct items_kind */
field_reader read_nothing;       /* known, read elsewhere */

struct text_kind {
        /* May change the text in place (lower case). False: it is none. */
        bool (*check)(char *text);
        const char *expected; /* "a domain name or *.domain" */
};

struct items_kind {
        const struct mapping *mapping;
        size_t size;          /* of one item */
        size_t count_offset;  /* of the unsigned that counts, from the struct that the field is in */
        size_t offset;        /* of the pointer, from the same */
        unsigned limit;
};

/* "1h30m", "2d", "90" (seconds), "500ms", "+56y 2d" (a year is 365 days); false when it is none or does not fit. */
bool duration_parse(const char *text, int64_t *nanoseconds);
