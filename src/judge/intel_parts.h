/* Between the files that make intel; nobody else includes it. */
#pragma once

#include "base/document.h"
#include "judge/intel.h"

struct prefix_trie;

/* intel_regex.c: one expression (PCRE2), bounded in work, with a literal that its subject must hold. */
struct intel_regex;
struct intel_matcher; /* what PCRE2 needs while it matches; one for all expressions, so that matching allocates nothing */

struct intel_matcher *intel_matcher_create(void);
void intel_matcher_destroy(struct intel_matcher *matcher);

/* NULL: told in `message`. */
struct intel_regex *intel_regex_create(const char *pattern, char *message, size_t size);
void intel_regex_destroy(struct intel_regex *regex);

/* The four-byte sequences of a text, lower case, as a bit set. */
struct text_grams {
        uint64_t bits[16];
};
struct text_grams text_grams_of(const char *text, size_t length);
bool intel_regex_may_match(const struct intel_regex *regex, const struct text_grams *grams);
bool intel_regex_matches(const struct intel_regex *regex, struct intel_matcher *matcher, const char *text, size_t length);
bool intel_regex_has_literal(const struct intel_regex *regex);
/* "^/...": meant for the path alone, not for scheme and host before it. */
bool intel_regex_wants_path(const struct intel_regex *regex);

/* intel_names.c: from names to chains of rows. */
struct name_table;
struct name_table *name_table_create(unsigned capacity);
void name_table_destroy(struct name_table *table);
/* Rows of one name are chained by `next` of the table. 0 or -ENOMEM. `text` is borrowed. */
int name_table_add(struct name_table *table, const char *text, const struct intel_row *row);
int name_table_ignore(struct name_table *table, const char *text);
const struct intel_row *name_table_find(const struct name_table *table, const char *name, unsigned purposes, bool *ignored);

/* True when `a` (not NULL) is to be preferred to `b` (may be NULL). */
bool intel_row_is_better(const struct intel_row *a, const struct intel_row *b);

struct intel {
        struct intel_row *rows;
        unsigned row_count, row_room;
        struct intel_vendor **vendors;
        unsigned vendor_count;
        struct intel_tac *tacs;
        unsigned tac_count;
        const struct tac_list *preferred_tacs; /* the user's; borrowed */
        struct string_list ignored, files;
        struct string_list texts; /* what tacs point into */
        char digest[72];

        struct name_table *names;
        struct prefix_trie *addresses;
        struct address_row *address_rows;
        const struct intel_row **by_kind[INTEL_KINDS]; /* of kinds that are walked */
        unsigned kind_counts[INTEL_KINDS];
        uint8_t *url_purposes;         /* of by_kind[INTEL_URL], side by side: most are for another than what is asked */
        struct intel_matcher *matcher;
};

/* intel_load.c reads; intel.c makes the tables of what was read. */
bool intel_index(struct intel *intel);
void intel_row_clear(struct intel_row *row);
