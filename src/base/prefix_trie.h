/* Longest-prefix match over addresses of both families, path-compressed binary trie. Built once, then read only.
 * A value is any pointer of the caller's, not owned; NULL is not a value. Bounded by what the caller inserts. */
#pragma once

#include "base/address.h"

struct prefix_trie;

struct prefix_trie *prefix_trie_create(void); /* NULL: no memory */
void prefix_trie_destroy(struct prefix_trie *trie);

/* A later insert of the same prefix replaces the value. 0 or -ENOMEM. */
int prefix_trie_insert(struct prefix_trie *trie, const struct prefix *prefix, const void *value);

/* The value of the longest prefix that contains `a`, or NULL. A NULL trie holds nothing. */
const void *prefix_trie_find(const struct prefix_trie *trie, const struct address *a);
/* The same among prefixes of fewer than `length_limit` bits, as lengths of struct prefix count. */
const void *prefix_trie_find_below(const struct prefix_trie *trie, const struct address *a, unsigned length_limit);
/* The value of exactly this prefix, or NULL. */
const void *prefix_trie_get(const struct prefix_trie *trie, const struct prefix *prefix);
bool prefix_trie_is_empty(const struct prefix_trie *trie);
